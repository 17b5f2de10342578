"""R, the other half: a server that does not want the device, or not so much of it. It refuses, hangs up, forgets, takes short words only.

The device comes back, without a storm, and its alarm with it.
"""

from collections.abc import Generator
from datetime import timedelta
from functools import partial

from devices.mqtt.packets import FIVE, Disconnect, Publish, Reason, Refusal, Subscribe
from devices.mqtt.properties import Properties
from simulator.certification.behaviour import Deal
from simulator.certification.bench import Bench, Procedure, Step
from simulator.certification.procedures.parts import MINUTE, SHORT, as_before, patience_of, returns
from simulator.certification.trace import Way

TRIES = 20
"""Connections in five minutes: one each fifteen seconds."""
REFUSED_FOR = MINUTE
_REFUSALS = (Refusal.PROTOCOL_LEVEL, Refusal.CLIENT_ID, Refusal.BAD_CREDENTIALS, Refusal.NOT_AUTHORIZED)
_REFUSALS_5 = (
    Reason.UNSUPPORTED_PROTOCOL_VERSION, Reason.CLIENT_ID_NOT_VALID, Reason.BAD_CREDENTIALS, Reason.NOT_AUTHORIZED, Reason.SERVER_BUSY,
    Reason.BANNED, Reason.QUOTA_EXCEEDED, Reason.USE_ANOTHER_SERVER,
)  # fmt: skip
_GOODBYES = (Reason.SERVER_SHUTTING_DOWN, Reason.SERVER_BUSY, Reason.NOT_AUTHORIZED, Reason.ADMINISTRATIVE_ACTION, Reason.QUOTA_EXCEEDED)


# --- a server that does not want it ---


def comes_back_after_each_refusal(bench: Bench) -> Procedure:
    """Each code that says no. The alarm is called while the last of them stands."""
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08", bench.trace.closed(bench.mark))
    for code in _REFUSALS_5 if bench.endpoint.identity.level == FIVE else _REFUSALS:
        since = bench.trace.mark
        bench.turn(f"every CONNECT is refused: {code.name.lower().replace('_', ' ')}").refuse = code
        bench.cut()
        yield from bench.until(partial(_hammers, bench, since), REFUSED_FOR)
        tries = [entry for entry, _ in bench.trace.connects(since)]
        bench.turn("CONNECTs are accepted again").refuse = 0
        back = yield from bench.until(lambda: bench.endpoint.current, bench.features.connection.reconnects_within + MINUTE)
        if not tries:
            return bench.named_elsewhere("C-08", bench.trace.closed(since))
        if len(tries) > TRIES:
            return bench.named_elsewhere("C-09", tries[:5])
        if back is None:
            return bench.failed(
                f"被拒绝（代码 {code:#04x}）后不再连接", f"refused by the code {code:#04x}, it did not come back", tries[:3],
            )  # fmt: skip
        yield from bench.settled()
    return (yield from as_before(bench, "连接被拒绝", "refusals", ()))


def does_not_hammer_a_server_that_hangs_up(bench: Bench) -> Procedure:
    """It says welcome, and ends the connection."""
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08", bench.trace.closed(bench.mark))
    bench.on(lambda entry: isinstance(entry.packet, Subscribe | Publish), Deal.CUT, "each connection is cut at the first thing said", 1000)
    since = bench.trace.mark
    bench.cut()
    yield from bench.sleep(timedelta(minutes=5))
    tries = [entry for entry, _ in bench.trace.connects(since)]
    bench.endpoint.behaviour.rules.clear()
    if len(tries) > TRIES:
        return bench.failed(
            f"每次连接都被立即断开，5 min 内重连 {len(tries)} 次",
            f"each connection was ended at once, and it made {len(tries)} in 5 minutes", tries[:5],
        )  # fmt: skip
    yield from bench.settled()
    return (yield from as_before(bench, "连接被反复断开", "connections that were ended at once", tries[:3]))


def session_that_is_not_there(bench: Bench) -> Procedure:
    """The server says that it has kept the session, and has not. One that says so is the control."""
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    listens = yield from _listens_again(bench, lies=True)
    if not listens:
        if not (yield from _listens_again(bench, lies=False)):
            return bench.named_elsewhere("C-12", bench.trace.opened(bench.mark)[-1:])
        return bench.failed(
            "服务器谎称保留了会话，设备不再收到命令", "the server said that it had its session, and the device heard no command any more",
            bench.trace.opened(bench.mark)[:1],
        )  # fmt: skip
    return bench.passed(bench.trace.connects(bench.mark)[0][0], bench.trace.passed(Subscribe, since=bench.mark)[:1])


# --- MQTT 5.0 ---


def keeps_the_maximum_packet_size(bench: Bench) -> Procedure:
    """The server takes nothing as long as the alarm; later it does."""
    first = yield from bench.raised()
    yield from bench.calmed()
    yield from bench.sleep(SHORT)
    if first is None:
        return bench.no_alarm()
    most = len(first.entry.raw) - 8
    since = bench.trace.mark
    bench.turn(f"CONNACK takes packets of {most} bytes").welcome = Properties(maximum_packet_size=most)
    bench.cut()
    again = yield from bench.reconnected(since)
    if again is None:
        return bench.named_elsewhere("C-08", bench.trace.closed(since))
    yield from bench.sleep(SHORT)
    here = yield from bench.do(bench.alarm.deed)
    yield from bench.sleep(MINUTE)
    long = [e for e in bench.trace.passed(since=again.number + 1) if e.connection == again.connection and len(e.raw) > most]
    bench.turn("CONNACK takes any packet").welcome = Properties()
    bench.cut()
    came = yield from bench.until(lambda: bench.trace.alarms(here, prop=bench.alarm.prop), patience_of(bench))
    yield from bench.calmed()
    if long:
        return bench.failed(
            f"超过了服务器的最大报文长度 {most}", f"it sent a packet of more than the {most} bytes that the server takes", long[:2],
        )  # fmt: skip
    if not came:
        return bench.failed("服务器一度只收短报文，报警因此丢失", "the server took short packets for a time, and the alarm was gone", again)
    return bench.passed(again, came[:1])


def refused_alarm_is_tried_again(bench: Bench) -> Procedure:
    code = Reason.QUOTA_EXCEEDED
    bench.turn("PUBACKs say: quota exceeded").acknowledge_code = code
    first = yield from bench.raised()
    yield from bench.sleep(SHORT)
    bench.turn("PUBACKs say yes").acknowledge_code = 0
    again = None
    if first is not None:
        again = yield from bench.until(lambda: bench.trace.with_id(first.report.id, first.number + 1), patience_of(bench))
    yield from bench.calmed()
    if first is None:
        return bench.no_alarm()
    if first.publish.qos == 0:
        return bench.named_elsewhere("A-03", first)
    if not again:
        return bench.failed("平台拒收报警后，设备没有再送", "the server refused an alarm, and it did not come again", first)
    return bench.passed(first, again[:1])


def comes_back_after_a_goodbye(bench: Bench) -> Procedure:
    """The server says DISCONNECT, and why."""
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08", bench.trace.closed(bench.mark))
    for code in _GOODBYES:
        since = bench.trace.mark
        bench.endpoint.say(Disconnect(code), bench.now)
        yield from bench.sleep(timedelta(seconds=1))
        bench.cut()
        if (yield from bench.reconnected(since)) is None or not (yield from bench.settled()):
            return bench.failed(
                f"服务器以代码 {code:#04x} 断开后不再连接", f"the server said goodbye ({code.name}), and it did not come back",
                bench.trace.passed(Disconnect, Way.DOWN, since),
            )  # fmt: skip
    return (yield from as_before(bench, "服务器断开", "goodbyes of the server", ()))


# --- parts ---


def _hammers(bench: Bench, since: int) -> bool:
    return len(bench.trace.connects(since)) > TRIES


def _listens_again(bench: Bench, *, lies: bool) -> Generator[Step, object, bool]:
    since = bench.trace.mark
    how = bench.turn("the server has lost its sessions" + (", and says that it has not" if lies else ""))
    how.session_present = True if lies else None
    bench.endpoint.sessions.clear()
    bench.cut()
    yield from bench.reconnected(since)
    listens = yield from bench.until(bench.endpoint.listens, MINUTE)
    bench.endpoint.behaviour.session_present = None
    return bool(listens)
