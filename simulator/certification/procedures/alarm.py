"""A: alarm semantics. A call for help arrives, once, first, and says nothing that it should not."""

from datetime import timedelta

from simulator.certification.bench import Bench, Procedure

OUTAGE = timedelta(minutes=3)


def alarm_reported(bench: Bench) -> Procedure:
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.failed(
            f"触发后 {_s(bench.features.alarm.within)} 内没有收到 {bench.alarm.prop}",
            f"no report with {bench.alarm.prop} came within {_s(bench.features.alarm.within)} of the stimulus",
        )
    yield from bench.calmed()
    return bench.passed(alarm)


def alarm_first_after_outage(bench: Bench) -> Procedure:
    """Readings that were under way when the line broke may come again before it, as the session demands."""
    yield from bench.sleep(bench.heartbeat * 0.5)
    bench.vanish()
    yield from bench.sleep(bench.heartbeat * 1.5)
    since = yield from bench.do(bench.alarm.deed)
    yield from bench.sleep(OUTAGE)
    bench.come_back()
    alarms = yield from bench.until(lambda: bench.trace.alarms(since), bench.features.connection.reconnects_within)
    if not alarms:
        return bench.failed("断网期间的报警在恢复后没有送达", "the alarm of the outage did not come after it")
    before = [
        message for message in bench.trace.messages(since, alarms[0].number) if not message.publish.dup and not message.report.alarms
    ]
    if before:
        return bench.failed(
            f"恢复后有 {len(before)} 条读数先于报警送出",
            f"{len(before)} readings were sent before the alarm after the outage", before, alarms[:1],
        )  # fmt: skip
    return bench.passed(alarms[:1])


def _s(span: timedelta) -> str:
    return f"{span.total_seconds():g} s"
