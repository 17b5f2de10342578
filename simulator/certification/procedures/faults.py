"""F: behaviour under faults of the network, each with an alarm in the middle. It is heard, under one id, within a bound."""

from collections.abc import Callable, Generator
from datetime import timedelta

from simulator.certification.behaviour import Certificate, Deal
from simulator.certification.bench import Bench, Procedure, Step
from simulator.certification.procedures.parts import MINUTE, SHORT, ids, is_alarm, patience_of, returns, seconds, taken
from simulator.certification.trace import Message, Passed

SLOW = 100
"""Bytes a second: the edge of a 2G cell."""
FAR = timedelta(seconds=3)
"""Each way: a cell that is full, or a satellite."""
BREAKS = 6
LONG = timedelta(minutes=20)
BEHIND = timedelta(seconds=15)
"""For what was on the wire already when the alarm began, at SLOW."""


# --- a line that is bad ---


def alarm_over_a_slow_line(bench: Bench) -> Procedure:
    how = bench.turn(f"{SLOW} bytes a second, 2 s of delay each way")
    how.bytes_per_second, how.delay_up, how.delay_down = SLOW, timedelta(seconds=2), timedelta(seconds=2)
    since = yield from bench.do(bench.alarm.deed)
    came = yield from bench.until(lambda: bench.trace.alarms(since, prop=bench.alarm.prop), bench.features.alarm.within + MINUTE)
    yield from bench.calmed()
    if not came:
        return bench.failed("慢速网络上报警没有送达", "over a slow line the alarm did not arrive", bench.trace.closed(since))
    return bench.passed(came[:1])


def delay_is_no_dead_line(bench: Bench) -> Procedure:
    how = bench.turn(f"{seconds(FAR)} of delay each way")
    how.delay_up = how.delay_down = FAR
    since = bench.trace.mark
    alarm = yield from bench.raised(within=bench.features.alarm.within + FAR)
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(MINUTE)
    yield from bench.calmed()
    left = bench.trace.closed(since)
    if left:
        return bench.failed(
            f"确认晚到 {seconds(FAR * 2)}，设备断开了可用的连接",
            f"its acknowledgement came {seconds(FAR * 2)} late, and it left a line that worked", alarm, left[:3],
        )  # fmt: skip
    return bench.passed(alarm)


def alarm_over_a_dead_line(bench: Bench) -> Procedure:
    """Half-open: the network swallows everything. The next connection is a sound one."""
    assert bench.connect is not None
    entry, said = bench.connect
    if not said.keep_alive:
        return bench.named_elsewhere("C-06", entry)
    since = bench.trace.mark
    bench.turn("the line is half-open: nothing is answered").mute = True
    first = yield from bench.raised()
    if first is None:
        bench.turn("the server answers again").mute = False
        return bench.no_alarm()
    limit = patience_of(bench) + timedelta(seconds=said.keep_alive * 2)
    left = yield from bench.until(lambda: bench.trace.closed(since), limit)
    bench.turn("the server answers again").mute = False
    came: list[Message] | None = None
    if left:
        came = yield from bench.until(lambda: taken(bench.trace.alarms(since, prop=bench.alarm.prop)), patience_of(bench))
    else:
        bench.cut()
        yield from bench.settled()
    yield from bench.calmed()
    if left and not came and not bench.trace.connects(left[0].number):
        return bench.named_elsewhere("C-08", left)
    if not left and not (yield from _notices(bench)):
        return bench.named_elsewhere("C-11", first)
    if not came:
        return bench.failed(
            f"连接已失效，报警 {seconds(limit)} 内没有换连接送出",
            f"the line was dead, and the alarm did not come over another within {seconds(limit)}", first, left or (),
        )  # fmt: skip
    return bench.passed(first, left or (), came[:1])


def alarm_behind_a_backlog(bench: Bench) -> Procedure:
    """The store of an outage drains over a bad cell when somebody calls."""
    bench.vanish()
    since = bench.trace.mark
    yield from bench.sleep(bench.heartbeat * min(40, max(4, bench.features.store // 2)))
    how = bench.turn(f"{SLOW} bytes a second, 1 s of delay each way")
    how.bytes_per_second, how.delay_up, how.delay_down = SLOW, timedelta(seconds=1), timedelta(seconds=1)
    bench.come_back()
    if (yield from bench.reconnected(since)) is None:
        return bench.named_elsewhere("C-08, F-14", bench.trace.closed(since))
    begun = yield from bench.until(lambda: bench.trace.messages(since), bench.heartbeat)
    if not begun:
        return bench.named_elsewhere("S-12", bench.trace.opened(since))
    limit = bench.features.alarm.within + BEHIND
    alarm = yield from bench.raised(within=limit)
    if alarm is None:
        late = yield from bench.until(lambda: bench.trace.alarms(since), timedelta(minutes=5))
        yield from bench.calmed()
        if not (yield from _alarm_goes_first(bench)):
            return bench.named_elsewhere("A-02", begun[:1], late or ())
        return bench.failed(
            f"积存读数占满慢速网络，报警 {seconds(limit)} 内没有送达",
            f"its backlog filled a slow line, and the alarm did not arrive within {seconds(limit)}", begun[:1], late or (),
        )  # fmt: skip
    yield from bench.calmed()
    return bench.passed(begun[:1], alarm)


# --- packets that are lost, doubled, in the wrong order ---


def doubled_packets_do_no_harm(bench: Bench) -> Procedure:
    assert bench.connect is not None
    entry, said = bench.connect
    bench.turn("every packet goes to the device twice").twice = True
    since = bench.trace.mark
    alarm = yield from bench.raised()
    yield from bench.sleep(max(MINUTE, timedelta(seconds=said.keep_alive * 2)))
    again = yield from bench.calmed()
    if bench.alarm.undoing is not None:
        yield from bench.until(lambda: bench.trace.messages(again), bench.features.alarm.within)
    copies = bench.trace.alarms(since, prop=bench.alarm.prop)
    if alarm is None:
        return bench.no_alarm()
    left = bench.trace.closed(since)
    if left:
        return bench.failed("报文重复送达，设备断开了连接", "packets came twice, and it left the line", entry, left[:3])
    if len(ids(copies)) > 1:
        return bench.failed("报文重复送达，一次报警成了多个", "packets came twice, and one alarm became several", copies)
    return bench.passed(alarm)


def receipt_before_its_acknowledgement(bench: Bench) -> Procedure:
    """They are told by different parts of a server. The first alarm, in order, is the control."""
    if not (yield from _falls_silent(bench)):
        return bench.named_elsewhere("A-09")
    bench.turn("every two packets to the device change places").swap = True
    since = bench.trace.mark
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(SHORT)
    here = bench.trace.mark
    yield from bench.sleep(2 * MINUTE)
    again = bench.trace.with_id(alarm.report.id, here)
    left = bench.trace.closed(since)
    yield from bench.calmed()
    if left:
        return bench.failed("回执先于确认到达，设备断开了连接", "the receipt came before the PUBACK, and it left the line", alarm, left[:3])
    if again:
        return bench.failed(
            "回执先于确认到达，设备仍不停重发", "the receipt came before the PUBACK, and the alarm was sent again and again",
            alarm, again[:3],
        )  # fmt: skip
    return bench.passed(alarm)


def one_acknowledgement_is_lost(bench: Bench) -> Procedure:
    """That of the alarm; what the device says next is acknowledged as always."""
    first, again = yield from _unacknowledged(bench, followed=True)
    if first is None:
        return bench.no_alarm()
    if first.publish.qos == 0:
        return bench.named_elsewhere("A-03", first)
    if not again:
        _, alone = yield from _unacknowledged(bench, followed=False)
        if not alone:
            return bench.named_elsewhere("A-05", first)
        return bench.failed(
            "报警的确认丢失，设备把后一条的确认当成了它的",
            "the alarm's PUBACK was lost, and the next message's was taken for it", first, bench.trace.messages(first.number)[:3],
        )  # fmt: skip
    if again[0].report.id != first.report.id:
        return bench.named_elsewhere("A-06", first, again[:1])
    return bench.passed(first, again[:1])


# --- a line that comes and goes ---


def comes_back_after_a_long_outage(bench: Bench) -> Procedure:
    bench.vanish()
    yield from bench.sleep(LONG)
    since = bench.trace.mark
    bench.come_back()
    again = yield from bench.reconnected(since)
    if again is None:
        limit = seconds(bench.features.connection.reconnects_within)
        return bench.failed(
            f"断网 {seconds(LONG)} 后，恢复了 {limit} 仍未重连",
            f"after an outage of {seconds(LONG)} it did not connect again within {limit}", bench.trace.closed(bench.mark)[:1],
        )  # fmt: skip
    return bench.passed(again)


def line_breaks_again_and_again(bench: Bench) -> Procedure:
    since = bench.trace.mark
    bench.on(is_alarm, Deal.CUT, f"the line breaks at the alarm, {BREAKS} times", BREAKS)
    first = yield from bench.raised()
    if first is None:
        return bench.no_alarm()
    if first.publish.qos == 0:
        return bench.named_elsewhere("A-03", first)

    def got() -> list[Message]:
        return bench.trace.alarms(since, prop=bench.alarm.prop)[BREAKS:]

    came = yield from bench.until(got, bench.features.connection.reconnects_within * BREAKS + patience_of(bench))
    copies = bench.trace.alarms(since, prop=bench.alarm.prop)
    bench.endpoint.behaviour.rules.clear()
    yield from bench.calmed()
    if not came:
        if len(copies) < 2:
            return bench.named_elsewhere("A-07" if bench.trace.connects(first.number) else "C-08", copies)
        return bench.failed(
            f"连接反复中断，报警送了 {len(copies)} 次后被放弃", f"the line broke again and again, and after {len(copies)} tries it gave up",
            copies,
        )  # fmt: skip
    return bench.passed(copies[:1], came[:1])


def server_loses_the_session(bench: Bench) -> Procedure:
    """Between the alarm and its acknowledgement. A cut that leaves the session is the control."""

    def forget(entry: Passed) -> bool:
        if is_alarm(entry):
            bench.endpoint.sessions.clear()
            return True
        return False

    first, again = yield from _cut_alarm(bench, forget, "the server loses its sessions and the line at the alarm")
    if first is None:
        return bench.no_alarm()
    if first.publish.qos == 0:
        return bench.named_elsewhere("A-03", first)
    if not again:
        if not bench.trace.connects(first.number):
            return bench.named_elsewhere("C-08", first)
        _, kept = yield from _cut_alarm(bench, is_alarm, "the line breaks at the alarm, the session is kept")
        if not kept:
            return bench.named_elsewhere("A-07", first)
        return bench.failed(
            "服务器丢失会话，未确认的报警随之丢失", "the server lost the session, and the alarm that waited in it was gone", first,
            bench.trace.opened(first.number)[:1],
        )  # fmt: skip
    return bench.passed(first, again[:1])


def alarm_while_the_certificate_is_bad(bench: Bench) -> Procedure:
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08")
    since = bench.trace.mark
    bench.turn("the server shows a certificate that is expired").certificate = Certificate.EXPIRED
    bench.cut()
    yield from bench.sleep(MINUTE)
    here = yield from bench.do(bench.alarm.deed)
    yield from bench.sleep(2 * MINUTE)
    refused = not bench.trace.connects(since)
    bench.turn("the server shows its own certificate").certificate = Certificate.SOUND
    came = yield from bench.until(
        lambda: bench.trace.alarms(here, prop=bench.alarm.prop), bench.features.connection.reconnects_within + MINUTE,
    )  # fmt: skip
    yield from bench.calmed()
    if not refused:
        return bench.named_elsewhere("C-16", bench.trace.opened(since)[:1])
    if not came:
        return bench.failed(
            "证书一度过期，换好后报警仍未送达", "the certificate was bad for a while, and when it was sound the alarm did not come",
            bench.trace.opened(since)[:5],
        )  # fmt: skip
    return bench.passed(bench.trace.opened(since)[:1], came[:1])


def server_has_another_address(bench: Bench) -> Procedure:
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08")
    since = bench.trace.mark
    bench.turn("the server's name leads to another address, nobody is at the old one").address += 1
    bench.cut()
    here = yield from bench.do(bench.alarm.deed)
    came = yield from bench.until(
        lambda: bench.trace.alarms(here, prop=bench.alarm.prop), bench.features.connection.reconnects_within + MINUTE,
    )  # fmt: skip
    yield from bench.calmed()
    if not came:
        return bench.failed(
            "服务器地址改变后，设备仍连旧地址", "the server had another address, and it went on asking at the old one",
            bench.trace.closed(since)[:1],
        )  # fmt: skip
    return bench.passed(bench.trace.closed(since)[:1], came[:1])


# --- parts ---


def _cut_alarm(
    bench: Bench, match: Callable[[Passed], object], what: str,
) -> Generator[Step, object, tuple[Message | None, list[Message] | None]]:  # fmt: skip
    """The alarm at which the line is cut, and its coming again."""
    bench.on(match, Deal.CUT, what)
    first = yield from bench.raised()
    again = None
    if first is not None:
        again = yield from bench.until(lambda: bench.trace.with_id(first.report.id, first.number + 1), patience_of(bench))
    yield from bench.calmed()
    yield from bench.settled()
    return first, again


def _unacknowledged(bench: Bench, *, followed: bool) -> Generator[Step, object, tuple[Message | None, list[Message] | None]]:
    """An alarm whose PUBACK is lost, and its coming again. Followed: by another message that is acknowledged at once."""
    bench.on(is_alarm, Deal.IGNORE, "the PUBACK of the alarm is lost")
    first = yield from bench.raised()
    if first is not None and followed:
        yield from bench.do(bench.alarm.undoing or bench.alarm.deed)
    again = None
    if first is not None:
        again = yield from bench.until(lambda: bench.trace.with_id(first.report.id, first.number + 1), patience_of(bench))
    yield from bench.calmed()
    yield from bench.settled()
    return first, again


def _falls_silent(bench: Bench) -> Generator[Step, object, bool]:
    """Whether an alarm that was acknowledged and receipted in order is left alone."""
    alarm = yield from bench.raised()
    if alarm is None:
        return True
    yield from bench.sleep(SHORT)
    here = bench.trace.mark
    yield from bench.sleep(2 * MINUTE)
    again = bench.trace.with_id(alarm.report.id, here)
    yield from bench.calmed()
    yield from bench.sleep(SHORT)
    return not again


def _alarm_goes_first(bench: Bench) -> Generator[Step, object, bool]:
    """Whether, on a sound line, the alarm of an outage comes before the readings of it."""
    how = bench.turn("the line is a sound one again")
    how.bytes_per_second, how.delay_up, how.delay_down = 0, timedelta(0), timedelta(0)
    yield from bench.settled()
    bench.vanish()
    yield from bench.sleep(bench.heartbeat * 4)
    since = yield from bench.do(bench.alarm.deed)
    bench.come_back()
    alarms = yield from bench.until(
        lambda: bench.trace.alarms(since, prop=bench.alarm.prop), bench.features.connection.reconnects_within + MINUTE,
    )  # fmt: skip
    yield from bench.calmed()
    return alarms is not None and len(bench.trace.messages(since, alarms[0].number)) <= 1


def _notices(bench: Bench) -> Generator[Step, object, bool]:
    """Whether it finds a dead line when nothing is the matter."""
    assert bench.connect is not None
    since = bench.trace.mark
    bench.turn("the line is half-open: nothing is answered").mute = True
    left = yield from bench.until(lambda: bench.trace.closed(since), timedelta(seconds=bench.connect[1].keep_alive * 2) + 2 * MINUTE)
    bench.turn("the server answers again").mute = False
    return bool(left)
