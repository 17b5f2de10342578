"""H: heartbeat and supervision. A device that is well is heard within the silence that it promises; one that is not does not drown it."""

from datetime import datetime, timedelta
from itertools import pairwise

from simulator.certification.bench import Bench, Outcome, Procedure
from simulator.certification.procedures.parts import MINUTE, beats, seconds
from simulator.certification.trace import Message
from simulator.virtual.stimulus import Stimulus

SPACING = timedelta(seconds=10)
"""On average between two reports of a device at rest, at least."""

DAY = timedelta(days=1)
UPTIME = 26 * DAY
BREAKS = 100
"""Of a line that nobody cuts."""


def heard_within_its_promise(bench: Bench) -> Procedure:
    since, began = bench.trace.mark, bench.now
    yield from bench.sleep(bench.heartbeat * 4)
    return _gaps(bench, bench.trace.messages(since), began)


def heartbeat_does_not_drift(bench: Bench) -> Procedure:
    """Thirty intervals, with a reconnection after every ten. What is wrong in the first already is another clause's."""
    if not (yield from beats(bench)):
        return bench.named_elsewhere("H-01")
    since, began = bench.trace.mark, bench.now
    for _ in range(3):
        yield from bench.sleep(bench.heartbeat * 10)
        bench.cut()
        if not (yield from bench.settled()):
            return bench.named_elsewhere("C-08", bench.trace.closed(since)[-1:])
    return _gaps(bench, bench.trace.messages(since), began)


def heard_after_an_outage(bench: Bench) -> Procedure:
    if not (yield from beats(bench)):
        return bench.named_elsewhere("H-01")
    bench.vanish()
    since = bench.trace.mark
    yield from bench.sleep(bench.heartbeat * 0.5)
    bench.come_back()
    again = yield from bench.reconnected(since)
    if again is None:
        return bench.named_elsewhere("C-08, F-14", bench.trace.closed(since))
    heard = yield from bench.until(lambda: bench.trace.messages(again.number), bench.heartbeat)
    if not heard:
        return bench.failed(
            f"恢复连接后 {seconds(bench.heartbeat)} 内没有任何报告",
            f"no report came within {seconds(bench.heartbeat)} of its coming back", again,
        )  # fmt: skip
    return bench.passed(again, heard[:1])


def heard_while_an_alarm_stands(bench: Bench) -> Procedure:
    if not (yield from beats(bench)):
        return bench.named_elsewhere("H-01")
    bench.turn("no receipt is sent").receipts = False
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    since, began = bench.trace.mark, bench.now
    yield from bench.sleep(bench.heartbeat * 2)
    others = [message for message in bench.trace.messages(since) if not message.report.is_alarm]
    outcome = _gaps(bench, others, began)
    yield from bench.calmed()
    return outcome


def heard_after_power_on(bench: Bench) -> Procedure:
    if not (yield from beats(bench)):
        return bench.named_elsewhere("H-01")
    yield from bench.stimulate(Stimulus.POWER, 0)
    yield from bench.sleep(MINUTE)
    since = yield from bench.stimulate(Stimulus.POWER, 1)
    heard = yield from bench.until(lambda: bench.trace.messages(since), bench.heartbeat + MINUTE)
    if not heard:
        return bench.failed(
            f"上电后 {seconds(bench.heartbeat)} 内没有任何报告", f"no report came within {seconds(bench.heartbeat)} of power on",
            bench.trace.opened(since),
        )  # fmt: skip
    return bench.passed(heard[:1])


def does_not_flood(bench: Bench) -> Procedure:
    since = bench.trace.mark
    span = max(bench.heartbeat, timedelta(minutes=10))
    yield from bench.sleep(span)
    said = bench.trace.messages(since)
    most = max(6, round(span / SPACING))
    if len(said) > most:
        return bench.failed(
            f"静止状态下 {seconds(span)} 内发了 {len(said)} 条报告", f"at rest it sent {len(said)} reports in {seconds(span)}", said[:10],
        )  # fmt: skip
    return bench.passed(said[:5])


def says_something(bench: Bench) -> Procedure:
    yield from bench.sleep(bench.heartbeat)
    said = bench.trace.messages(bench.mark)
    if not said:
        return bench.named_elsewhere("H-01")
    empty = [message for message in said if not message.report.values]
    if empty:
        return bench.failed("心跳报告里没有任何内容", "a report says nothing at all", empty[:3])
    return bench.passed(said[:3])


def heard_after_a_long_uptime(bench: Bench) -> Procedure:
    """Milliseconds since a start fill a signed number of 32 bits after 24.9 days."""
    if not (yield from beats(bench)):
        return bench.named_elsewhere("H-01")
    since = bench.trace.mark
    for _ in range(UPTIME // DAY):
        yield from bench.sleep(DAY)
        if len(bench.trace.closed(since)) > BREAKS:
            return bench.named_elsewhere("C-07", bench.trace.closed(since)[:3])
    since, began = bench.trace.mark, bench.now
    yield from bench.sleep(bench.heartbeat * 3)
    return _gaps(bench, bench.trace.messages(since), began)


def _gaps(bench: Bench, said: list[Message], began: datetime) -> Outcome:
    """Whether no silence was longer than promised, that at the end included."""
    moments = [(began, None), *((message.at, message) for message in said), (bench.now, None)]
    for (earlier, before), (later, after) in pairwise(moments):
        if later - earlier > bench.heartbeat + bench.patience:
            shown = [message for message in (before, after) if message is not None]
            return bench.failed(
                f"沉默了 {seconds(later - earlier)}，声明不超过 {seconds(bench.heartbeat)}",
                f"it was silent for {seconds(later - earlier)}, and promises {seconds(bench.heartbeat)}", shown,
            )  # fmt: skip
    return bench.passed(said[:6])
