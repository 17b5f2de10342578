"""What several families share: what to match, how to say a span, how to make a device speak."""

from collections.abc import Generator, Iterable
from datetime import timedelta
from functools import partial

from devices.mqtt.packets import Publish
from simulator.certification.bench import Bench, Outcome, Step
from simulator.certification.trace import Entry, Message, Passed

MINUTE = timedelta(minutes=1)
SHORT = timedelta(seconds=5)
"""After a stimulus, before the next."""
WATCHED = timedelta(minutes=12)
"""Longer than any pause between two repetitions."""


def seconds(span: timedelta) -> str:
    return f"{span.total_seconds():g} s"


def is_alarm(entry: Passed) -> bool:
    return entry.report is not None and entry.report.is_alarm


def is_reading(entry: Passed) -> bool:
    return entry.report is not None and not entry.report.is_alarm


def is_publish(entry: Passed) -> bool:
    return isinstance(entry.packet, Publish)


def ids(messages: Iterable[Message]) -> list[str]:
    """Each id once, in the order in which they came first."""
    return list(dict.fromkeys(message.report.id for message in messages))


def firsts(messages: Iterable[Message]) -> list[Message]:
    """Each report once, as it came first."""
    found: dict[str, Message] = {}
    for message in messages:
        found.setdefault(message.report.id, message)
    return list(found.values())


def noticed(bench: Bench) -> Generator[Step, object, list[Message]]:
    """Make the device report what it is for and, where that ends, its end; all reports of it."""
    sense = bench.event
    since = yield from bench.do(sense.deed)
    yield from bench.until(
        lambda: bench.trace.messages(since, where=lambda r: r.values.get(sense.prop) is True), bench.features.alarm.within,
    )  # fmt: skip
    yield from bench.sleep(SHORT)
    if sense.undoing is not None:
        yield from bench.do(sense.undoing)
        yield from bench.until(
            lambda: bench.trace.messages(since, where=lambda r: r.values.get(sense.prop) is False), bench.features.alarm.within,
        )  # fmt: skip
        yield from bench.sleep(SHORT)
    return bench.trace.messages(since, where=lambda report: sense.prop in report.values)


def beats(bench: Bench) -> Generator[Step, object, bool]:
    """Whether it is heard at all when nothing is the matter: the control of what follows."""
    return bool((yield from bench.until(partial(bench.trace.messages, bench.trace.mark), bench.heartbeat)))


def patience_of(bench: Bench) -> timedelta:
    """The longest that the device states an alarm waits for its acknowledgement, and for a line after that."""
    return bench.features.alarm.acknowledged_within + bench.features.connection.reconnects_within


def returns(bench: Bench) -> Generator[Step, object, bool]:
    """Whether it comes back after a cut at all, and is quiet: the control of what may keep it away."""
    since = bench.trace.mark
    bench.cut()
    again = yield from bench.reconnected(since)
    return again is not None and (yield from bench.settled())


def taken(messages: Iterable[Message]) -> list[Message]:
    """Those that the bench did not have to pretend never came."""
    return [message for message in messages if not message.entry.ignored]


def noticed_once(bench: Bench) -> Generator[Step, object, list[Message] | None]:
    """What it is for, done and undone; its reports of it."""
    prop = bench.event.prop
    since = yield from bench.do(bench.event.deed)
    said = yield from bench.until(lambda: bench.trace.messages(since, where=lambda r: r.values.get(prop) is True), MINUTE)
    if bench.event.undoing is not None:
        yield from bench.do(bench.event.undoing)
        yield from bench.sleep(SHORT)
    return said


def as_before(bench: Bench, zh: str, en: str, shown: Iterable[Entry]) -> Generator[Step, object, Outcome]:
    """Whether it still reports what it is for."""
    said = yield from noticed_once(bench)
    if not said:
        return bench.failed(f"{zh}之后不再上报", f"after {en} it reported nothing more", shown)
    return bench.passed(shown, said[:1])
