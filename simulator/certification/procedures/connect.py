"""C: connect and secure."""

from datetime import timedelta
from itertools import pairwise

from devices.mqtt.packets import FIVE, LEVEL, Pingreq, Puback, Pubcomp, Publish, Reason, Refusal
from devices.mqtt.properties import Properties
from simulator.certification.behaviour import Certificate
from simulator.certification.bench import Bench, Outcome, Procedure
from simulator.certification.features import Session
from simulator.certification.procedures.parts import MINUTE, SHORT, noticed, seconds
from simulator.certification.trace import Passed, Way

WATCHED = timedelta(seconds=30)
REFUSED_FOR = timedelta(minutes=5)
TRIES = 60
"""In five minutes of being refused: one each five seconds, at most."""
LONGEST_KEEP_ALIVE = 1200
"""Seconds. Beyond, a dead line goes unnoticed by both sides for half an hour."""


def connects(bench: Bench) -> Procedure:
    found = yield from bench.until(lambda: bench.endpoint.current, timedelta(minutes=3))
    if found is None:
        tries = bench.trace.connects(bench.mark)
        right = bench.endpoint.identity
        if any((said.username, said.password) != (right.username, right.password.encode()) for _, said in tries):
            return bench.named_elsewhere("C-02", [entry for entry, _ in tries[:3]])
        if tries:
            return bench.failed("设备的连接请求没有被接受", "the device's CONNECT could not be accepted", [entry for entry, _ in tries])
        return bench.failed("设备没有发来 CONNECT", "no CONNECT came", bench.trace.opened(bench.mark), bench.trace.broke(bench.mark))
    yield from bench.sleep(WATCHED)
    broke = bench.trace.broke(bench.mark)
    if broke:
        return bench.failed(f"设备违反了协议：{broke[0].reason}", f"the device broke the protocol: {broke[0].reason}", broke)
    return bench.passed([entry for entry, _ in bench.trace.connects(bench.mark)])


def uses_its_credentials(bench: Bench) -> Procedure:
    bench.turn("any credentials are taken").check_credentials = False
    yield from bench.until(lambda: bench.trace.connects(bench.mark), timedelta(minutes=3))
    tries = bench.trace.connects(bench.mark)
    if not tries:
        return bench.no_line()
    entry, said = tries[0]
    right = bench.endpoint.identity
    if said.username != right.username or said.password != right.password.encode():
        what = "nobody" if said.username is None else f"the user {said.username[:40]!r}"
        return bench.failed("没有使用所给的用户名和密码", f"it came as {what}, not with the name and password that it was given", entry)
    return bench.passed(entry)


def client_id_is_stable(bench: Bench) -> Procedure:
    since = bench.trace.mark
    bench.cut()
    again = yield from bench.reconnected(since)
    if again is None:
        return bench.no_line()
    tries = bench.trace.connects(bench.mark)
    said = {connect.client_id for _, connect in bench.trace.connects()}
    if "" in said:
        return bench.failed("CONNECT 没有客户端标识", "a CONNECT had no client id", [entry for entry, _ in tries])
    if len(said) > 1:
        return bench.failed(
            "重连后客户端标识改变", f"the client id changed: {', '.join(sorted(said)[:3])}", [e for e, _ in bench.trace.connects()],
        )  # fmt: skip
    return bench.passed([entry for entry, _ in bench.trace.connects()])


def speaks_a_stated_version(bench: Bench) -> Outcome:
    assert bench.connect is not None
    entry, said = bench.connect
    if said.level not in bench.features.connection.levels:
        return bench.failed("使用了未声明的 MQTT 版本", f"it speaks level {said.level}, which it does not state", entry)
    if said.level != bench.endpoint.identity.level:
        return bench.inconclusive("设备使用的不是本次要求的版本", f"it speaks level {said.level}, and another was to be examined", entry)
    return bench.passed(entry)


def session_is_as_stated(bench: Bench) -> Outcome:
    assert bench.connect is not None
    entry, said = bench.connect
    keeps = not said.clean_session if said.level == LEVEL else bool(said.properties.session_expiry)
    if keeps is not (bench.features.connection.session is Session.PERSISTENT):
        return bench.failed("会话类型与声明不符", f"the session is {'kept' if keeps else 'not kept'}, against its statement", entry)
    return bench.passed(entry)


def has_a_keep_alive(bench: Bench) -> Outcome:
    assert bench.connect is not None
    entry, said = bench.connect
    if not 0 < said.keep_alive <= LONGEST_KEEP_ALIVE:
        return bench.failed(
            f"keep alive 为 {said.keep_alive} s", f"its keep alive is {said.keep_alive} s; a dead line would go unnoticed", entry,
        )  # fmt: skip
    return bench.passed(entry)


def keeps_its_connection_alive(bench: Bench) -> Procedure:
    assert bench.connect is not None
    entry, said = bench.connect
    if not said.keep_alive:
        return bench.named_elsewhere("C-06", entry)
    since = bench.trace.mark
    yield from bench.sleep(timedelta(seconds=said.keep_alive * 4))
    ended = [each for each in bench.trace.closed(since) if each.connection == entry.connection]
    if ended:
        return bench.failed(
            "没有按 keep alive 保持连接", f"a quiet connection did not last: {ended[0].why or 'the device ended it'}", entry, ended,
        )  # fmt: skip
    return bench.passed(entry, bench.trace.passed(Pingreq, since=since)[:4])


def reconnects(bench: Bench) -> Procedure:
    since = bench.trace.mark
    bench.cut()
    again = yield from bench.reconnected(since)
    if again is None:
        limit = seconds(bench.features.connection.reconnects_within)
        return bench.failed(
            f"连接中断后 {limit} 内没有重连", f"after a cut it did not connect again within {limit}", bench.trace.closed(since),
        )  # fmt: skip
    return bench.passed(bench.trace.closed(since)[:1], again)


def waits_between_refusals(bench: Bench) -> Procedure:
    since = bench.trace.mark
    bench.turn("every CONNECT is refused: server unavailable").refuse = _refusal(bench)
    bench.cut()
    yield from bench.until(lambda: len(bench.trace.connects(since)) > TRIES, REFUSED_FOR)
    tries = bench.trace.connects(since)
    bench.turn("CONNECTs are accepted again").refuse = 0
    back = yield from bench.until(lambda: bench.endpoint.current, bench.features.connection.reconnects_within + MINUTE)
    if not tries:
        return bench.named_elsewhere("C-08", bench.trace.closed(since))
    if len(tries) > TRIES:
        return bench.failed(
            f"被拒绝时 5 min 内重连 {len(tries)} 次",
            f"refused, it tried {len(tries)} times in 5 minutes", [entry for entry, _ in tries[:5]],
        )  # fmt: skip
    if back is None:
        return bench.failed("被拒绝之后不再重连", "once refused, it did not come back", [entry for entry, _ in tries[:5]])
    return bench.passed([entry for entry, _ in tries[:5]])


def gives_up_a_server_that_says_nothing(bench: Bench) -> Procedure:
    since = bench.trace.mark
    bench.turn("connections are accepted, nothing is answered").mute = True
    bench.cut()
    first = yield from bench.until(lambda: bench.trace.opened(since), bench.features.connection.reconnects_within)
    if not first:
        return bench.no_line()
    again = yield from bench.until(lambda: bench.trace.opened(since)[1:], timedelta(minutes=5))
    bench.turn("the server answers again").mute = False
    back = yield from bench.until(lambda: bench.endpoint.current, timedelta(minutes=6))
    if not again or back is None:
        return bench.failed(
            "服务器不应答 CONNECT，设备一直等待", "its CONNECT was not answered, and it waited for ever", first,
        )  # fmt: skip
    return bench.passed(first, again[:1])


def notices_a_dead_line(bench: Bench) -> Procedure:
    """The network swallows everything, and no one closes the connection."""
    assert bench.connect is not None
    entry, said = bench.connect
    if not said.keep_alive:
        return bench.named_elsewhere("C-06", entry)
    since = bench.trace.mark
    bench.turn("the line is half-open: nothing is answered").mute = True
    limit = timedelta(seconds=said.keep_alive * 2) + 2 * MINUTE
    left = yield from bench.until(lambda: bench.trace.closed(since) or bench.trace.opened(since), limit)
    bench.turn("the server answers again").mute = False
    if not left:
        bench.cut()
        return bench.failed(
            f"连接已失效 {seconds(limit)}，设备没有发现", f"the line was dead for {seconds(limit)}, and the device did not notice",
            bench.trace.passed(Pingreq, since=since),
        )  # fmt: skip
    back = yield from bench.until(lambda: bench.endpoint.current, bench.features.connection.reconnects_within + 2 * MINUTE)
    if back is None:
        return bench.named_elsewhere("C-08", left[:1])
    return bench.passed(left[:1])


def listens_again_without_a_session(bench: Bench) -> Procedure:
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    since = bench.trace.mark
    bench.endpoint.sessions.clear()
    bench.turn("the server has lost its sessions")
    bench.cut()
    again = yield from bench.reconnected(since)
    if again is None:
        return bench.no_line()
    listens = yield from bench.until(bench.endpoint.listens, MINUTE)
    if not listens:
        return bench.failed(
            "服务器丢失会话后，设备没有重新订阅命令",
            "the server had no session of it, and it did not subscribe to its commands again", again,
        )  # fmt: skip
    return bench.passed(again)


def one_connection_at_a_time(bench: Bench) -> Procedure:
    yield from noticed(bench)
    bench.cut()
    yield from bench.settled()
    yield from noticed(bench)
    taken = [each for each in bench.trace.closed(bench.mark) if each.why == "taken over"]
    if taken:
        return bench.failed(
            "同一客户端标识同时开了两个连接", "it opened a second connection under its client id while the first stood", taken,
        )  # fmt: skip
    return bench.passed(bench.trace.opened(bench.mark))


# --- MQTT 5.0 ---


def keeps_the_servers_keep_alive(bench: Bench) -> Procedure:
    asked = 20
    since = bench.trace.mark
    bench.turn(f"CONNACK asks for a keep alive of {asked} s").welcome = Properties(server_keep_alive=asked)
    bench.cut()
    again = yield from bench.reconnected(since)
    if again is None:
        return bench.no_line()
    here = bench.trace.mark
    yield from bench.sleep(timedelta(seconds=asked * 5))
    heard = [again, *(each for each in bench.trace.passed(way=Way.UP, since=again.number + 1) if each.connection == again.connection)]
    gaps = [(later.at - earlier.at, earlier) for earlier, later in pairwise(heard)]
    gaps.append((bench.now - heard[-1].at, heard[-1]))
    worst, before = max(gaps, key=lambda gap: gap[0])
    if worst > timedelta(seconds=asked * 1.5):
        return bench.failed(
            f"服务器要求 {asked} s，设备沉默了 {seconds(worst)}", f"asked for {asked} s, it was quiet for {seconds(worst)}", again, before,
        )  # fmt: skip
    return bench.passed(again, bench.trace.passed(Pingreq, since=here)[:3])


def keeps_the_receive_maximum(bench: Bench) -> Procedure:
    """Two reports at least wait for a server that takes one at a time."""
    bench.vanish()
    yield from bench.sleep(MINUTE)
    for _ in range(2):
        yield from bench.do(bench.event.deed)
        yield from bench.sleep(SHORT)
        if bench.event.undoing is not None:
            yield from bench.do(bench.event.undoing)
            yield from bench.sleep(SHORT)
    since = bench.trace.mark
    bench.turn("CONNACK takes one message at a time").welcome = Properties(receive_maximum=1)
    bench.endpoint.behaviour.acknowledge_after = timedelta(seconds=2)
    bench.come_back()
    again = yield from bench.reconnected(since)
    if again is None:
        return bench.no_line()
    yield from bench.sleep(WATCHED)
    waiting: set[int] = set()
    for entry in bench.trace.of_connection(again.connection, again.number):
        match entry:
            case Passed(way=Way.UP, packet=Publish(qos=1 | 2, packet_id=number)):
                waiting.add(number)
                if len(waiting) > 1:
                    return bench.failed("超过了服务器的 receive maximum", "more messages were under way than it takes", again, entry)
            case Passed(way=Way.DOWN, packet=Puback(packet_id=number) | Pubcomp(packet_id=number)):
                waiting.discard(number)
            case _:
                pass
    return bench.passed(again, bench.trace.messages(again.number)[:3])


# --- TLS ---


def uses_tls(bench: Bench) -> Procedure:
    yield from bench.until(lambda: bench.trace.connects(bench.mark), timedelta(minutes=3))
    opened = bench.trace.opened()
    if not opened:
        return bench.no_line()
    if not opened[-1].secured:
        return bench.failed("没有使用 TLS", "it connected without TLS", opened[-1:])
    return bench.passed(opened[-1:])


def refuses_an_untrusted_certificate(bench: Bench) -> Procedure:
    return (yield from _refuses(bench, Certificate.UNTRUSTED, "不受信任"))


def refuses_an_expired_certificate(bench: Bench) -> Procedure:
    return (yield from _refuses(bench, Certificate.EXPIRED, "过期"))


def refuses_a_certificate_of_another_name(bench: Bench) -> Procedure:
    return (yield from _refuses(bench, Certificate.WRONG_NAME, "名称不符"))


def _refuses(bench: Bench, certificate: Certificate, zh: str) -> Procedure:
    """It must not even send its CONNECT, which carries its password."""
    since = bench.trace.mark
    bench.turn(f"the server shows a certificate that is {certificate}").certificate = certificate
    bench.cut()
    yield from bench.sleep(bench.features.connection.reconnects_within)
    told = bench.trace.connects(since)
    bench.turn("the server shows its own certificate").certificate = Certificate.SOUND
    back = yield from bench.until(lambda: bench.endpoint.current, bench.features.connection.reconnects_within + MINUTE)
    if told:
        return bench.failed(
            f"接受了{zh}的服务器证书并发出了密码", f"it took a server's certificate that is {certificate}, and told it its password",
            [entry for entry, _ in told[:2]],
        )  # fmt: skip
    if not bench.trace.opened(since) or back is None:
        return bench.no_line()
    return bench.passed(bench.trace.opened(since)[:2])


def _refusal(bench: Bench) -> int:
    return Reason.SERVER_UNAVAILABLE if bench.endpoint.identity.level == FIVE else Refusal.UNAVAILABLE
