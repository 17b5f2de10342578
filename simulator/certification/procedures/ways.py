"""C, from 30 on: a device that comes by WebSocket, or shows a certificate of its own."""

from datetime import timedelta
from functools import partial

from simulator.certification.bench import Bench, Outcome, Procedure
from simulator.certification.procedures.parts import MINUTE, noticed, patience_of
from simulator.certification.trace import Framed, Way
from simulator.frames import PATH, SUBPROTOCOL, Op

PONG_WITHIN = timedelta(seconds=10)
GOING_AWAY = (1001).to_bytes(2, "big")
REFUSED_FOR = timedelta(minutes=5)
TRIES = 60
_CONTROL = (Op.CLOSE, Op.PING, Op.PONG)


# --- WebSocket ---


def comes_by_websocket(bench: Bench) -> Outcome:
    asked = bench.trace.upgraded()
    if not asked:
        return bench.failed("没有升级为 WebSocket", "it did not ask for a WebSocket", bench.trace.opened()[-1:])
    last = asked[-1]
    if last.path.partition("?")[0] != PATH:
        return bench.failed(f"升级路径为 {last.path[:60]}", f"it asked for a WebSocket at {last.path[:60]}, not {PATH}", last)
    if SUBPROTOCOL not in last.subprotocols:
        return bench.failed("升级请求没有子协议 mqtt", "it did not offer the subprotocol mqtt", last)
    if last.version != "13":
        return bench.failed(f"WebSocket 版本为 {last.version[:20]}", f"it asked for version {last.version[:20]} of WebSocket", last)
    return bench.passed(last)


def sends_masked_binary_frames(bench: Bench) -> Procedure:
    if not bench.trace.upgraded():
        return bench.named_elsewhere("C-30")
    yield from noticed(bench)
    bad = [entry for entry in bench.trace.framed() if not entry.masked or entry.op not in _CONTROL]
    if bad:
        what = "没有掩码" if not bad[0].masked else "不是二进制帧"
        return bench.failed(f"数据帧{what}", f"a frame was {'not masked' if not bad[0].masked else 'not binary'}", bad[:3])
    return bench.passed(bench.trace.upgraded()[-1:], bench.trace.messages()[:3])


def takes_a_packet_in_several_frames(bench: Bench) -> Procedure:
    if not bench.trace.upgraded():
        return bench.named_elsewhere("C-30")
    since = bench.trace.mark
    bench.turn("one byte in each frame").bytes_per_frame = 1
    bench.cut()
    again = yield from bench.reconnected(since)
    if again is None:
        return bench.named_elsewhere("C-08", bench.trace.closed(since))
    back = yield from bench.settled()
    said = yield from noticed(bench)
    here = bench.trace.mark
    yield from bench.sleep(patience_of(bench))
    known = {message.report.id for message in said}
    still = [message for message in bench.trace.messages(here) if message.report.id in known]
    left = [entry for entry in bench.trace.closed(again.number) if not entry.why]
    if not back or not said or left:
        return bench.failed(
            "报文分在多个帧中，设备无法使用连接", "packets came in several frames, and it could not use the connection", again, left[:3],
        )  # fmt: skip
    if still:
        return bench.failed("报文分在多个帧中，设备听不到确认", "acknowledgements came in several frames, and it heard none", still[:3])
    return bench.passed(again, said[:2])


def answers_a_websockets_ping(bench: Bench) -> Procedure:
    if not bench.trace.upgraded():
        return bench.named_elsewhere("C-30")
    since = bench.trace.mark
    bench.endpoint.say_aside(Op.PING, b"anju", bench.now)
    pongs = partial(_pongs, bench, since)
    found = yield from bench.until(pongs, PONG_WITHIN)
    if not found:
        return bench.failed("没有应答 WebSocket ping", "it did not answer a ping of WebSocket", bench.trace.framed(since, Way.DOWN))
    if found[0].payload != b"anju":
        return bench.failed("pong 的内容与 ping 不同", "its pong was not what the ping said", bench.trace.framed(since, Way.DOWN), found)
    return bench.passed(bench.trace.framed(since, Way.DOWN), found[:1])


def comes_back_after_a_websockets_close(bench: Bench) -> Procedure:
    """It is told that the server goes, on a line that stays open."""
    if not bench.trace.upgraded():
        return bench.named_elsewhere("C-30")
    since = bench.trace.mark
    bench.turn("the server closes the WebSocket: going away")
    bench.endpoint.say_aside(Op.CLOSE, GOING_AWAY, bench.now)
    again = yield from bench.reconnected(since)
    if again is None:
        bench.cut()
        if (yield from bench.reconnected(since)) is None:
            return bench.named_elsewhere("C-08", bench.trace.closed(since)[:1])
        return bench.failed(
            "服务器关闭 WebSocket 后没有重连", "the server closed the WebSocket, and it did not connect again",
            bench.trace.framed(since, Way.DOWN),
        )  # fmt: skip
    return bench.passed(bench.trace.framed(since, Way.DOWN), again)


# --- its own certificate ---


def shows_its_certificate(bench: Bench) -> Outcome:
    proved = bench.trace.proved()
    if not proved:
        return bench.named_elsewhere("C-14")
    name, right = proved[-1].name, bench.endpoint.identity.username
    if not name:
        return bench.failed("没有出示证书", "it showed no certificate", proved[-1])
    if name != right:
        return bench.failed(f"证书属于 {name[:60]}，不是 {right}", f"its certificate is {name[:60]}'s, not {right}'s", proved[-1])
    return bench.passed(proved[-1])


def comes_back_when_its_certificate_was_refused(bench: Bench) -> Procedure:
    if not any(one.name for one in bench.trace.proved()):
        return bench.named_elsewhere("C-35")
    since = bench.trace.mark
    bench.turn("the server does not take the device's certificate").knows_the_device = False
    bench.cut()
    yield from bench.until(lambda: len(bench.trace.opened(since)) > TRIES, REFUSED_FOR)
    tries = bench.trace.opened(since)
    bare = [one for one in bench.trace.proved(since) if not one.name]
    bench.turn("the server takes the device's certificate again").knows_the_device = True
    back = yield from bench.until(lambda: bench.endpoint.current, bench.features.connection.reconnects_within + MINUTE)
    if bare:
        return bench.failed("证书被拒后改为不出示证书", "its certificate was refused, and it came without one", bare[:3])
    if not tries:
        return bench.named_elsewhere("C-08", bench.trace.closed(since))
    if len(tries) > TRIES:
        return bench.failed(
            f"证书被拒时 5 min 内连接 {len(tries)} 次", f"refused, it connected {len(tries)} times in 5 minutes", tries[:5],
        )  # fmt: skip
    if back is None:
        return bench.failed("证书被拒之后不再连接", "its certificate was refused for a while, and it did not come back", tries[:5])
    return bench.passed(tries[:3])


def _pongs(bench: Bench, since: int) -> list[Framed]:
    return [entry for entry in bench.trace.framed(since) if entry.op == Op.PONG]
