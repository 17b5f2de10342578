"""F: power that goes and comes. What was observed is still said, what changed meanwhile is noticed, and not all call at once."""

from collections.abc import Generator
from datetime import datetime, timedelta

from simulator.certification.bench import Bench, Procedure, Step
from simulator.certification.procedures.parts import MINUTE, SHORT, ids, seconds
from simulator.certification.trace import Message
from simulator.virtual.stimulus import Deed, Stimulus

FLAPS = 5
STARTS = 10
SPREAD = timedelta(seconds=0.5)
"""Between the quickest and the slowest of STARTS."""


def power_flaps(bench: Bench) -> Procedure:
    """The alarm has been said to nobody. One loss of power is the control."""
    came, opened = yield from _flapped(bench, FLAPS)
    if not came:
        if not bench.trace.connects(opened):
            return bench.named_elsewhere("C-08", bench.trace.opened(opened))
        once, _ = yield from _flapped(bench, 1)
        if not once:
            return bench.named_elsewhere("A-13", bench.trace.opened(opened))
        return bench.failed(
            f"电源闪断 {FLAPS} 次后，报警丢失", f"the power went and came {FLAPS} times, and the alarm was gone",
            bench.trace.opened(opened),
        )  # fmt: skip
    if len(ids(came)) > 1:
        return bench.failed("电源闪断后，一次报警成了多个", "the power went and came, and one alarm became several", came)
    return bench.passed(came[:2])


def not_the_whole_street_at_once(bench: Bench) -> Procedure:
    """How long it takes to call from power on is not the same each time."""
    pauses = []
    for _ in range(STARTS):
        yield from bench.stimulate(Stimulus.POWER, 0)
        yield from bench.sleep(SHORT)
        began: datetime = bench.now
        since = yield from bench.stimulate(Stimulus.POWER, 1)
        opened = yield from bench.until(lambda mark=since: bench.trace.opened(mark), bench.features.connection.reconnects_within)  # type: ignore[misc]
        if not opened:
            return bench.named_elsewhere("C-08", bench.trace.entries[since : since + 1])
        pauses.append(opened[0].at - began)
        yield from bench.settled()
    spread = max(pauses) - min(pauses)
    if spread < SPREAD:
        return bench.failed(
            f"{STARTS} 次上电都在 {seconds(min(pauses))} 后连接，整条街会同时连上来",
            f"each of {STARTS} times it connected {seconds(min(pauses))} after power on, as the whole street would",
            bench.trace.opened(bench.mark),
        )  # fmt: skip
    return bench.passed(bench.trace.opened(bench.mark))


def what_changed_without_power_is_said(bench: Bench) -> Procedure:
    """That it began, and that it is over."""
    sense = bench.event
    for deed, true in ((sense.deed, True), (sense.undoing or sense.deed, False)):
        said = yield from _said_at_start(bench, deed, sense.prop, true=true)
        if not said:
            return bench.failed(
                f"断电期间 {sense.prop} 变为 {str(true).lower()}，上电后没有上报",
                f"{sense.prop} became {str(true).lower()} while it had no power, and it did not say so after it",
                bench.trace.opened(bench.mark)[-1:],
            )  # fmt: skip
    return bench.passed(bench.trace.messages(bench.mark, where=lambda report: sense.prop in report.values))


def _said_at_start(bench: Bench, deed: Deed, prop: str, *, true: bool) -> Generator[Step, object, list[Message] | None]:
    yield from bench.stimulate(Stimulus.POWER, 0)
    yield from bench.sleep(SHORT)
    yield from bench.do(deed)
    yield from bench.sleep(timedelta(seconds=20))
    since = yield from bench.stimulate(Stimulus.POWER, 1)
    limit = bench.features.connection.reconnects_within + MINUTE
    said = yield from bench.until(lambda: bench.trace.messages(since, where=lambda report: report.values.get(prop) is true), limit)
    yield from bench.settled()
    return said


def _flapped(bench: Bench, times: int) -> Generator[Step, object, tuple[list[Message], int]]:
    yield from bench.stimulate(Stimulus.POWER, 1)
    yield from bench.settled()
    bench.vanish()
    yield from bench.sleep(SHORT)
    since = yield from bench.do(bench.alarm.deed)
    yield from bench.sleep(SHORT)
    for _ in range(times):
        yield from bench.stimulate(Stimulus.POWER, 0)
        yield from bench.sleep(timedelta(seconds=2))
        yield from bench.stimulate(Stimulus.POWER, 1)
        yield from bench.sleep(timedelta(seconds=4))
    bench.come_back()
    yield from bench.until(
        lambda: bench.trace.alarms(since, prop=bench.alarm.prop), bench.features.connection.reconnects_within + MINUTE,
    )  # fmt: skip
    yield from bench.sleep(SHORT)
    came = bench.trace.alarms(since, prop=bench.alarm.prop)
    yield from bench.calmed()
    return came, since
