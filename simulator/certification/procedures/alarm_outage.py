"""A: alarm semantics over an outage, a loss of power, a store that is full. What was called before must still be heard."""

from datetime import timedelta

from simulator.certification.bench import Bench, Procedure
from simulator.certification.procedures.parts import MINUTE, SHORT, firsts
from simulator.certification.trace import Message
from simulator.virtual.stimulus import Deed, Stimulus

OUTAGE = timedelta(minutes=3)


def alarm_first_after_outage(bench: Bench) -> Procedure:
    """Readings that were under way when the line broke may come again before it, as the session demands."""
    yield from bench.sleep(bench.heartbeat * 0.5)
    bench.vanish()
    yield from bench.sleep(bench.heartbeat * 1.5)
    since = yield from bench.do(bench.alarm.deed)
    yield from bench.sleep(OUTAGE)
    bench.come_back()
    alarms = yield from bench.until(lambda: bench.trace.alarms(since), bench.features.connection.reconnects_within)
    yield from bench.calmed()
    if not alarms:
        return bench.inconclusive("断网期间的报警没有送达，无法判定", "the alarm of the outage did not come, so this could not be measured")
    before = [
        message for message in bench.trace.messages(since, alarms[0].number) if not message.publish.dup and not message.report.alarms
    ]
    if before:
        return bench.failed(
            f"恢复后有 {len(before)} 条读数先于报警送出",
            f"{len(before)} readings were sent before the alarm after the outage", before, alarms[:1],
        )  # fmt: skip
    return bench.passed(alarms[:1])


def alarm_of_an_outage_arrives(bench: Bench) -> Procedure:
    bench.vanish()
    yield from bench.sleep(MINUTE)
    since = yield from bench.do(bench.alarm.deed)
    yield from bench.sleep(OUTAGE)
    bench.come_back()
    alarms = yield from bench.until(lambda: bench.trace.alarms(since, prop=bench.alarm.prop), bench.features.connection.reconnects_within)
    yield from bench.calmed()
    if not alarms and not bench.trace.connects(since):
        return bench.named_elsewhere("C-08, F-14", bench.trace.closed(bench.mark))
    if not alarms:
        return bench.failed("断网期间的报警在恢复后没有送达", "the alarm of the outage did not come after it", bench.trace.opened(since))
    return bench.passed(alarms[:1])


def order_is_kept(bench: Bench) -> Procedure:
    """What happened first is said first, over an outage too: a call, what took it back, and both once more.

    Twice, since a call and its end and a call are the same read backwards.
    """
    bench.vanish()
    since = bench.trace.mark
    prop, ends = bench.alarm.prop, bench.alarm.undoing
    if ends is None and bench.features.alarm.cancel:
        ends = Deed(Stimulus.CANCEL)
    expected: list[str] = []
    for _ in range(2):
        yield from bench.sleep(MINUTE)
        yield from bench.do(bench.alarm.deed)
        expected.append("call")
        if ends is not None:
            yield from bench.sleep(MINUTE)
            yield from bench.do(ends)
            expected.append("end")
    yield from bench.sleep(MINUTE)
    bench.come_back()
    yield from bench.until(lambda: len(_told(bench, since, prop)) >= len(expected), bench.features.connection.reconnects_within)
    came = _told(bench, since, prop)
    told = ["call" if message.report.values.get(prop) is True else "end" for message in came]
    if sorted(told) != sorted(expected):
        return bench.inconclusive(
            "断网期间的报警没有一一送达，无法判定", "not each of them came, so their order could not be measured", came,
        )  # fmt: skip
    if told != expected or not _in_time(came):
        return bench.failed(
            f"断网期间的先后顺序没有保持：{' '.join(told)}",
            f"what happened in the outage did not come in its order: {', '.join(told)} instead of {', '.join(expected)}", came,
        )  # fmt: skip
    return bench.passed(came)


def every_alarm_of_an_outage_arrives(bench: Bench) -> Procedure:
    """Three of them."""
    bench.vanish()
    since = bench.trace.mark
    for _ in range(3):
        yield from bench.sleep(MINUTE)
        yield from bench.do(bench.alarm.deed)
        yield from bench.sleep(MINUTE)
        yield from bench.calmed()
    bench.come_back()
    prop, limit = bench.alarm.prop, bench.features.connection.reconnects_within
    yield from bench.until(lambda: len(firsts(bench.trace.alarms(since, prop=prop))) >= 3, limit)
    came = firsts(bench.trace.alarms(since, prop=prop))
    if len(came) < 3:
        return bench.failed(f"断网期间的三次报警只到了 {len(came)} 次", f"of three alarms of an outage {len(came)} came after it", came)
    return bench.passed(came)


def cancelled_call_of_an_outage_arrives(bench: Bench) -> Procedure:
    """Who takes a call back has called: somebody will ask why."""
    bench.vanish()
    yield from bench.sleep(MINUTE)
    since = yield from bench.do(bench.alarm.deed)
    yield from bench.sleep(timedelta(seconds=20))
    yield from bench.stimulate(Stimulus.CANCEL)
    yield from bench.sleep(MINUTE)
    bench.come_back()
    prop = bench.alarm.prop
    came = yield from bench.until(lambda: bench.trace.alarms(since, prop=prop), bench.features.connection.reconnects_within)
    yield from bench.calmed()
    if not came:
        return bench.failed(
            "断网期间的呼叫被取消后没有送达", "a call of an outage was cancelled in it, and the call itself did not come",
            bench.trace.opened(since)[:1], bench.trace.messages(since)[:3],
        )  # fmt: skip
    return bench.passed(came[:1])


def alarm_survives_power_loss(bench: Bench) -> Procedure:
    """The alarm was sent, nobody has acknowledged it, and the power goes."""
    bench.turn("PUBACKs are held").acknowledge = False
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    if alarm.publish.qos == 0:
        return bench.named_elsewhere("A-03", alarm)
    yield from bench.calmed()
    yield from bench.stimulate(Stimulus.POWER, 0)
    yield from bench.sleep(timedelta(seconds=20))
    since = yield from bench.stimulate(Stimulus.POWER, 1)
    bench.release()
    limit = bench.features.connection.reconnects_within + MINUTE
    again = yield from bench.until(lambda: bench.trace.alarms(since, prop=bench.alarm.prop), limit)
    if not again:
        return bench.failed(
            "未被确认的报警在掉电后丢失",
            "an alarm that was not acknowledged was gone after the loss of power", alarm, bench.trace.opened(since),
        )  # fmt: skip
    return bench.passed(alarm, again[:1])


def no_stale_alarm(bench: Bench) -> Procedure:
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(SHORT)
    yield from bench.calmed()
    before = bench.trace.mark
    yield from bench.sleep(MINUTE)
    if bench.trace.with_id(alarm.report.id, before):
        return bench.named_elsewhere("A-09", alarm)
    since = bench.trace.mark
    bench.cut()
    yield from bench.settled()
    yield from bench.stimulate(Stimulus.POWER, 0)
    yield from bench.sleep(timedelta(seconds=20))
    yield from bench.stimulate(Stimulus.POWER, 1)
    yield from bench.settled()
    yield from bench.sleep(MINUTE)
    stale = bench.trace.alarms(since)
    if stale:
        return bench.failed(
            "早已结束的报警在恢复后又被上报", "an alarm that was over long ago was reported again after the device came back", alarm, stale,
        )  # fmt: skip
    return bench.passed(alarm, bench.trace.opened(since))


def alarm_not_dropped_for_readings(bench: Bench) -> Procedure:
    """The alarm is the oldest thing in a store that then runs over."""
    bench.vanish()
    yield from bench.sleep(MINUTE)
    since = yield from bench.do(bench.alarm.deed)
    yield from bench.sleep(MINUTE)
    yield from bench.calmed()
    yield from bench.sleep(bench.heartbeat * (bench.features.store * 1.25 + 2))
    bench.come_back()
    alarms = yield from bench.until(lambda: bench.trace.alarms(since, prop=bench.alarm.prop), bench.features.connection.reconnects_within)
    if not alarms:
        return bench.failed(
            "存储写满后，读数挤掉了报警", "when its store ran over, readings took the place of the alarm", bench.trace.opened(since),
        )  # fmt: skip
    return bench.passed(alarms[:1])


def full_store_takes_an_alarm(bench: Bench) -> Procedure:
    """The store is full of readings when somebody calls."""
    bench.vanish()
    yield from bench.sleep(bench.heartbeat * (bench.features.store + 2))
    since = yield from bench.do(bench.alarm.deed)
    yield from bench.sleep(MINUTE)
    bench.come_back()
    alarms = yield from bench.until(lambda: bench.trace.alarms(since, prop=bench.alarm.prop), bench.features.connection.reconnects_within)
    yield from bench.calmed()
    if not alarms:
        return bench.failed(
            "存储写满时触发的报警没有送达", "its store was full, and the alarm found no room in it", bench.trace.opened(since),
        )  # fmt: skip
    return bench.passed(alarms[:1])


def _in_time(came: list[Message]) -> bool:
    """Whether their own times say the same, where they say any."""
    stamped = [message.report.at for message in came if message.report.at]
    return stamped == sorted(stamped)


def _told(bench: Bench, since: int, prop: str) -> list[Message]:
    return firsts(bench.trace.messages(since, where=lambda report: prop in report.values or report.values.get("cancel") is True))
