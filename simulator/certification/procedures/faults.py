"""F: behaviour under faults of the network."""

from datetime import timedelta

from simulator.certification.bench import Bench, Procedure
from simulator.certification.procedures.parts import MINUTE

SLOW = 100
"""Bytes a second: the edge of a 2G cell."""


def alarm_over_a_slow_line(bench: Bench) -> Procedure:
    how = bench.turn(f"{SLOW} bytes a second, 2 s of delay each way")
    how.bytes_per_second, how.delay_up, how.delay_down = SLOW, timedelta(seconds=2), timedelta(seconds=2)
    since = yield from bench.do(bench.alarm.deed)
    came = yield from bench.until(lambda: bench.trace.alarms(since, prop=bench.alarm.prop), bench.features.alarm.within + MINUTE)
    yield from bench.calmed()
    if not came:
        return bench.failed("慢速网络上报警没有送达", "over a slow line the alarm did not arrive", bench.trace.closed(since))
    return bench.passed(came[:1])
