"""K: clocks. A report says when it happened, and says nothing where the device does not know."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import msgspec

from simulator.certification.bench import Bench, Outcome, Procedure, Step
from simulator.certification.procedures.parts import MINUTE, SHORT, beats, noticed, seconds
from simulator.certification.trace import Message, Report
from simulator.virtual.stimulus import Stimulus

SKEW = timedelta(seconds=60)
"""Beyond this the platform goes by the moment of receipt."""
UNSAID = ("", "null")
DAY = timedelta(days=1)
RIGHT_WITHIN = DAY
"""After which a clock that was set wrong is right again: the bound of its drift too."""
MOST = 60
"""Reports in one interval after a jump: a device that makes up for a day of heartbeats sends more."""


def time_has_an_offset(bench: Bench) -> Procedure:
    said = [message for message in (yield from noticed(bench)) if message.report.at]
    if not said:
        return bench.inconclusive("报告不带时间，无法判定", "no report says its time, so this could not be measured")
    bad = [message for message in said if _moment(message.report) is None]
    if bad:
        return bench.failed(
            f"时间不带时区或格式错误：{bad[0].report.at[:60]}",
            f"a time without an offset, or in another form: {bad[0].report.at[:60]}", bad,
        )  # fmt: skip
    return bench.passed(said[:3])


def time_is_right(bench: Bench) -> Procedure:
    said = [message for message in (yield from noticed(bench)) if _moment(message.report) is not None]
    if not said:
        return bench.inconclusive("报告没有可读的时间，无法判定", "no report says a time that can be read, so this could not be measured")
    for message in said:
        told = _moment(message.report)
        assert told is not None
        if abs(told - message.at) > SKEW + bench.patience:
            off = seconds(abs(told - message.at))
            return bench.failed(f"报告的时间偏差 {off}", f"a report's time was {off} from the moment at which it came", message)
    return bench.passed(said[:3])


# --- a clock that is wrong, or not known ---


def wrong_clock_is_set_right(bench: Bench) -> Procedure:
    for seconds_off in (7200, -7200):
        if other := (yield from _wrong_already(bench)):
            return bench.named_elsewhere(other)
        yield from bench.stimulate(Stimulus.CLOCK, seconds_off)
        yield from bench.sleep(RIGHT_WITHIN)
        wrong = yield from _misdated(bench)
        if wrong:
            yield from bench.stimulate(Stimulus.CLOCK, 0)
            return bench.failed(
                f"时钟偏差 {seconds_off} s，24 h 后仍未校正", f"its clock was {seconds_off} s wrong, and still was after 24 h", wrong,
            )  # fmt: skip
    return bench.passed(bench.trace.messages(bench.mark)[-2:])


def clock_jump_delays_nothing(bench: Bench) -> Procedure:
    """Each way, by longer than the silence that it promises."""
    if not (yield from beats(bench)):
        return bench.named_elsewhere("H-01")
    if not (yield from noticed(bench)):
        return bench.no_alarm()
    prop, shown = bench.event.prop, []
    for jump in (DAY, -DAY, timedelta(0)):
        since = yield from bench.stimulate(Stimulus.CLOCK, jump.total_seconds())
        said = yield from noticed(bench)
        if not [message for message in said if message.report.values.get(prop) is True]:
            return bench.failed(
                f"时钟跳变 {jump.total_seconds():g} s 后没有上报",
                f"its clock jumped by {jump.total_seconds():g} s, and it did not report", said,
            )  # fmt: skip
        here = bench.trace.mark
        yield from bench.sleep(bench.heartbeat)
        heard = bench.trace.messages(here)
        if not heard:
            return bench.failed(
                f"时钟跳变 {jump.total_seconds():g} s 后没有心跳",
                f"its clock jumped by {jump.total_seconds():g} s, and it fell silent", bench.trace.messages(since)[:3],
            )  # fmt: skip
        if len(heard) > MOST:
            return bench.failed(
                f"时钟跳变后一个心跳周期内发了 {len(heard)} 条",
                f"its clock jumped, and it sent {len(heard)} reports in one interval", heard[:5],
            )  # fmt: skip
        shown += heard[:1]
    return bench.passed(shown)


def unknown_time_is_not_said(bench: Bench) -> Procedure:
    """It starts without a line, notices something, and learns the time after that."""
    if other := (yield from _wrong_already(bench)):
        return bench.named_elsewhere(other)
    bench.vanish()
    yield from bench.stimulate(Stimulus.POWER, 0)
    yield from bench.sleep(MINUTE)
    yield from bench.stimulate(Stimulus.POWER, 1)
    yield from bench.sleep(SHORT)
    began, since = bench.now, bench.trace.mark
    yield from bench.do(bench.event.deed)
    yield from bench.sleep(timedelta(minutes=5))
    bench.come_back()
    said = yield from _came(bench, since)
    if bench.event.undoing is not None:
        yield from bench.do(bench.event.undoing)
    if not said:
        return bench.no_alarm()
    told = _moment(said[0].report)
    if said[0].report.at not in UNSAID and (told is None or abs(told - began) > SKEW):
        return bench.failed(
            f"上电后尚不知道时间，却报了 {said[0].report.at[:40]}",
            f"it did not know the time yet, and said {said[0].report.at[:40]}", bench.trace.opened(since)[:1], said[:1],
        )  # fmt: skip
    return bench.passed(said[:1])


def time_of_what_was_stored_is_kept(bench: Bench) -> Procedure:
    return (yield from _stored(bench, lose_power=False, zh="断网期间", en="an outage"))


def time_of_what_was_stored_outlives_the_power(bench: Bench) -> Procedure:
    """A device that does not know it any more says none."""
    return (yield from _stored(bench, lose_power=True, zh="断网又断电期间", en="an outage and a loss of power"))


# --- the calendar ---


def time_is_right_at_each_hour(bench: Bench) -> Procedure:
    """A date that changes in one zone and a time that is told in another are right for most of the day."""
    if other := (yield from _wrong_already(bench)):
        return bench.named_elsewhere(other)
    since = bench.trace.mark
    yield from bench.sleep(DAY)
    said = [message for message in bench.trace.messages(since) if _moment(message.report) is not None]
    wrong = [message for message in said if abs((_moment(message.report) or message.at) - message.at) > SKEW]
    if not said:
        return bench.inconclusive("报告没有可读的时间，无法判定", "no report says a time that can be read, so this could not be measured")
    if wrong:
        return bench.failed(
            f"一天中有 {len(wrong)} 条报告的时间错误，如 {wrong[0].report.at[:40]}",
            f"{len(wrong)} reports of a day had a wrong time, as {wrong[0].report.at[:40]}", wrong[:5],
        )  # fmt: skip
    return bench.passed(said[:3])


def time_goes_on_after_2038(bench: Bench) -> Procedure:
    return (yield from _across(bench, datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)))


def leap_day_is_a_day(bench: Bench) -> Procedure:
    """29 February 2028, noon in China: a date that its zone gets wrong is another clause's."""
    return (yield from _across(bench, datetime(2028, 2, 29, 4, 0, tzinfo=UTC)))


# --- parts ---


def _wrong_already(bench: Bench) -> Generator[Step, object, str]:
    """The clause that names what is wrong with its time when nothing is the matter; empty when nothing is."""
    said = yield from noticed(bench)
    if any(message.report.at not in UNSAID and _moment(message.report) is None for message in said):
        return "K-01"
    return "K-02" if any(abs((_moment(message.report) or message.at) - message.at) > SKEW + bench.patience for message in said) else ""


def _misdated(bench: Bench) -> Generator[Step, object, list[Message]]:
    """Reports of now that say another time."""
    said = yield from noticed(bench)
    return [message for message in said if abs((_moment(message.report) or message.at) - message.at) > SKEW + bench.patience]


def _came(bench: Bench, since: int) -> Generator[Step, object, list[Message]]:
    prop, limit = bench.event.prop, bench.features.connection.reconnects_within + MINUTE
    found = yield from bench.until(lambda: bench.trace.messages(since, where=lambda r: r.values.get(prop) is True), limit)
    return found or []


def _stored(bench: Bench, *, lose_power: bool, zh: str, en: str) -> Generator[Step, object, Outcome]:
    if other := (yield from _wrong_already(bench)):
        return bench.named_elsewhere(other)
    bench.vanish()
    yield from bench.sleep(SHORT)
    began, since = bench.now, bench.trace.mark
    yield from bench.do(bench.event.deed)
    yield from bench.sleep(timedelta(minutes=5))
    if lose_power:
        yield from bench.stimulate(Stimulus.POWER, 0)
        yield from bench.sleep(MINUTE)
        yield from bench.stimulate(Stimulus.POWER, 1)
    yield from bench.sleep(timedelta(minutes=5))
    bench.come_back()
    said = yield from _came(bench, since)
    if bench.event.undoing is not None:
        yield from bench.do(bench.event.undoing)
    if not said:
        return bench.no_alarm()
    told = _moment(said[0].report)
    silent = said[0].report.at in UNSAID
    if silent and not lose_power:
        return bench.failed(f"{zh}的报告没有时间，会被当作刚刚发生", f"a report of {en} said no time, and will pass for new", said[:1])
    if not silent and (told is None or abs(told - began) > SKEW + bench.patience):
        return bench.failed(f"{zh}的报告时间不是发生的时间", f"a report of {en} did not say when it happened", said[:1])
    return bench.passed(said[:1])


def _across(bench: Bench, moment: datetime) -> Generator[Step, object, Outcome]:
    """The device believes that it is ten seconds before a moment, and reports behind it. It may have learnt better, or say nothing."""
    if other := (yield from _wrong_already(bench)):
        return bench.named_elsewhere(other)
    ahead = moment - timedelta(seconds=10) - bench.now
    since = yield from bench.stimulate(Stimulus.CLOCK, ahead.total_seconds())
    yield from bench.sleep(timedelta(seconds=20))
    said = yield from noticed(bench)
    yield from bench.stimulate(Stimulus.CLOCK, 0)
    if not said:
        return bench.failed(f"时钟到 {moment:%Y-%m-%d} 后不再上报", f"its clock came to {moment:%Y-%m-%d}, and it reported nothing")
    for message in said:
        told = _moment(message.report)
        unsaid = message.report.at in UNSAID
        if not unsaid and (told is None or min(abs(told - message.at - ahead), abs(told - message.at)) > SKEW + bench.patience):
            return bench.failed(
                f"时钟越过 {moment:%Y-%m-%d} 后报了 {message.report.at[:40]}",
                f"its clock passed {moment:%Y-%m-%d}, and it said {message.report.at[:40]}", bench.trace.messages(since)[:1], message,
            )  # fmt: skip
    return bench.passed(said[:2])

def _moment(report: Report) -> datetime | None:
    """The time that a report says: RFC 3339 with an offset, or milliseconds since 1970; None for anything else."""
    try:
        at = msgspec.json.decode(report.at, type=datetime | int)
    except msgspec.MsgspecError:
        return None
    if isinstance(at, int):
        try:
            return datetime.fromtimestamp(at / 1000, tz=UTC)
        except (OverflowError, ValueError, OSError):
            return None
    return at if at.tzinfo is not None else None
