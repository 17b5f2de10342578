"""When a rule counts: hours over midnight, days, seasons, modes; and what holds already when a schedule opens."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.schedule import ALWAYS, ModeSpan, Openings, Weekday, minutes_of, mode_at, next_clock, parse
from alerting.terms import Mode

CHINA = timedelta(hours=8)


def local(text: str) -> datetime:
    """A moment as clocks in China show it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) - CHINA


def away(since: str, until: str, ended: str = "") -> ModeSpan:
    return ModeSpan(Mode.AWAY, local(since), local(until), "li", "旅行", local(ended) if ended else None)


NIGHT = parse(hours=("22:00-06:00",))


@pytest.mark.parametrize(
    ("schedule", "at", "open_", "why"),
    [
        (ALWAYS, "2026-11-20T12:00", True, "what restricts nothing is always open"),
        (NIGHT, "2026-11-20T21:59", False, "a minute before the night"),
        (NIGHT, "2026-11-20T22:00", True, "a window has its first moment"),
        (NIGHT, "2026-11-21T03:00", True, "behind midnight"),
        (NIGHT, "2026-11-21T06:00", False, "and not its last"),
        (parse(hours=("06:00-08:00", "18:00-24:00")), "2026-11-20T23:59", True, "24:00 is the end of the day"),
        (parse(hours=("22:00-06:00",), weekdays=(Weekday.FRIDAY,)), "2026-11-21T03:00", True, "Friday's night goes on into Saturday"),
        (parse(hours=("22:00-06:00",), weekdays=(Weekday.FRIDAY,)), "2026-11-20T03:00", False, "Friday morning is Thursday's night"),
        (parse(weekdays=(Weekday.SATURDAY, Weekday.SUNDAY)), "2026-11-22T23:59", True, "a whole day to its end"),
        (parse(season=("11-15..03-15",)), "2026-11-15T00:00", True, "the first day of the heating season"),
        (parse(season=("11-15..03-15",)), "2027-03-15T23:59", True, "its last day, in the next year"),
        (parse(season=("11-15..03-15",)), "2027-03-16T00:00", False, "the day after it"),
        (parse(season=("06-01..08-31",)), "2026-11-20T12:00", False, "summer only"),
        (parse(season=("11-20..11-20",), hours=("22:00-06:00",)), "2026-11-21T05:00", True, "the season's last night ends in the morning"),
    ],
)  # fmt: skip
def test_a_schedule_is_open_when_clocks_on_walls_say_so(schedule: object, at: str, open_: bool, why: str) -> None:
    assert Openings(schedule, CHINA, ()).open(local(at)) is open_, why  # type: ignore[arg-type]


def test_a_rule_for_homes_that_are_away_is_open_only_while_one_is() -> None:
    spans = (away("2026-11-20T10:00", "2026-11-22T10:00", ended="2026-11-21T09:00"),)
    openings = Openings(parse(modes=(Mode.AWAY,)), CHINA, spans)
    assert not openings.open(local("2026-11-20T09:59"))
    assert openings.open(local("2026-11-20T10:00"))
    assert not openings.open(local("2026-11-21T09:00")), "it was ended a day before it would have"
    assert mode_at(spans, local("2026-11-21T08:59")) is Mode.AWAY
    assert mode_at(spans, local("2026-11-21T09:00")) is Mode.HOME


def test_what_holds_when_a_schedule_opens_counts_from_the_opening() -> None:
    openings = Openings(NIGHT, CHINA, ())
    out = local("2026-11-20T20:00")
    assert openings.since(local("2026-11-20T21:00"), out) is None
    assert openings.since(local("2026-11-20T22:05"), out) == local("2026-11-20T22:00")
    assert openings.since(local("2026-11-21T01:00"), local("2026-11-20T23:30")) == local("2026-11-20T23:30")
    assert openings.after(out, timedelta(minutes=20)) == local("2026-11-20T22:20")
    assert openings.after(local("2026-11-21T05:50"), timedelta(minutes=20)) == local("2026-11-21T22:20"), "it closed meanwhile"


def test_a_day_at_home_is_counted_from_the_return() -> None:
    openings = Openings(parse(modes=(Mode.HOME,)), CHINA, (away("2026-11-20T10:00", "2026-11-22T18:00"),))
    assert openings.after(local("2026-11-20T09:00"), timedelta(hours=12)) == local("2026-11-23T06:00")


def test_windows_that_touch_are_one_stretch_and_a_wait_longer_than_any_never_ends() -> None:
    touching = Openings(parse(hours=("22:00-24:00", "00:00-06:00")), CHINA, ())
    assert touching.after(local("2026-11-20T20:00"), timedelta(hours=8)) == local("2026-11-21T06:00")
    assert touching.after(local("2026-11-20T20:00"), timedelta(hours=8, minutes=1)) is None


def test_a_span_that_stands_still_while_nobody_listens_ends_later() -> None:
    deaf_for = timedelta(hours=3)
    openings = Openings(NIGHT, CHINA, ())
    due = openings.after(local("2026-11-20T20:00"), timedelta(hours=1), lambda begun, span: begun + span + deaf_for)
    assert due == local("2026-11-21T02:00")


def test_the_next_time_of_day_is_behind_the_moment() -> None:
    assert next_clock(minutes_of("10:00"), CHINA, local("2026-11-20T09:59")) == local("2026-11-20T10:00")
    assert next_clock(minutes_of("10:00"), CHINA, local("2026-11-20T10:00")) == local("2026-11-21T10:00")


@pytest.mark.parametrize(
    ("hours", "season", "says"),
    [
        (("22-6",), (), "'22' is no time of day such as 08:00"),
        (("25:00-06:00",), (), "'25:00' is no time of day such as 08:00"),
        (("22:00",), (), "'22:00' is not written as 22:00-06:00"),
        (("22:00-22:00",), (), "'22:00-22:00' has no length"),
        (("24:00-06:00",), (), "has no length; midnight is 00:00 at the beginning"),
        ((), ("11-31..12-01",), "'11-31' is no day of the year such as 11-15"),
        ((), ("winter",), "'winter' is not written as 11-15..03-15"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_refused_by_its_word(hours: tuple[str, ...], season: tuple[str, ...], says: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse(hours=hours, season=season)
    assert says in str(refused.value)


MINUTE = st.integers(0, 1439)


@settings(deadline=None)
@given(
    begins=MINUTE, length=st.integers(1, 1439), days=st.sets(st.sampled_from(list(Weekday))),
    since=st.integers(0, 14 * 1440), span=st.integers(0, 600), gone=st.integers(0, 14 * 1440), lasting=st.integers(1, 2000),
)  # fmt: skip
def test_a_wait_is_over_when_every_minute_of_it_was_open(
    *, begins: int, length: int, days: set[Weekday], since: int, span: int, gone: int, lasting: int,
) -> None:  # fmt: skip
    ends = (begins + length) % 1440
    window = f"{begins // 60:02}:{begins % 60:02}-{ends // 60:02}:{ends % 60:02}" if ends else f"{begins // 60:02}:{begins % 60:02}-24:00"
    start = local("2026-11-16T00:00")
    trip = ModeSpan(Mode.AWAY, start + timedelta(minutes=gone), start + timedelta(minutes=gone + lasting), "li", "x")
    openings = Openings(parse(hours=(window,), weekdays=tuple(sorted(days)), modes=(Mode.HOME,)), CHINA, (trip,))

    def open_at(minute: int) -> bool:
        at = start + timedelta(minutes=minute)
        wall = minute % 1440
        day = minute // 1440
        if begins >= ends > 0 and wall < ends:
            day -= 1
        within = begins <= wall < (ends or 1440) if begins < (ends or 1440) else wall >= begins or wall < ends
        return within and (not days or list(Weekday)[day % 7] in days) and mode_at((trip,), at) is Mode.HOME

    due = openings.after(start + timedelta(minutes=since), timedelta(minutes=span))
    run, plain = 0, None
    for minute in range(since, since + 10 * 1440):
        if not open_at(minute):
            run = 0
            continue
        run += 1
        if run >= max(span, 1):
            plain = minute + 1 if span else minute
            break
    if plain is not None or (due is not None and due < start + timedelta(minutes=since + 10 * 1440)):
        assert due == (None if plain is None else start + timedelta(minutes=plain))
