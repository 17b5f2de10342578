"""Who is on, by the clocks on walls: turns, layers, overrides, swaps, and where nobody is."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerting.duties import Duties
from alerting.duty_commands import EndOverride, OverrideShift, SetRoster, SetStaff, SwapShifts
from alerting.refusals import IllegalTransition, Unknown
from alerting.roster import Layer, Override, Roster, RosterId, Staff, StaffId, Turn, gaps, next_change, on, problems, shifts
from alerting.schedule import Weekday
from alerting.terms import Actor

ZONE = timedelta(hours=8)
A, B, C = (StaffId(name) for name in "abc")
MONDAY = date(2026, 11, 23)
KNOWN = {id_: Staff(id_, f"Name {id_}", "13800000000", id_) for id_ in (A, B, C)}


def local(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Of November 2026, as clocks in the county show it."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - ZONE


def layer(*members: StaffId, turn: Turn = Turn.DAILY, name: str = "first", **more: object) -> Layer:
    return replace(Layer(name, members, turn, MONDAY), **more)


def roster(*layers: Layer, **more: object) -> Roster:
    return replace(Roster(RosterId("r"), "值班", "duty", layers), **more)


DAYS = roster(layer(A, B, hours=("08:00-20:00",)), layer(B, C, name="night", hours=("20:00-08:00",)))


@pytest.mark.parametrize(
    ("what", "at", "who"),
    [
        (DAYS, local(23, 8), [A]),
        (DAYS, local(23, 19, 59), [A]),
        (DAYS, local(23, 20), [B]),
        (DAYS, local(24, 3), [B]),  # the night belongs to the day that it begins on
        (DAYS, local(24, 8), [B]),
        (DAYS, local(24, 20), [C]),
        (DAYS, local(25, 8), [A]),
        (DAYS, local(23, 7), []),  # before the first turn
        (roster(layer(A, B, turn=Turn.WEEKLY, at="09:00")), local(30, 8, 59), [A]),
        (roster(layer(A, B, turn=Turn.WEEKLY, at="09:00")), local(30, 9), [B]),
        (roster(layer(A, B, every=2)), local(24, 12), [A]),
        (roster(layer(A, B, every=2)), local(25, 12), [B]),
        (roster(layer(A, weekdays=(Weekday.MONDAY, Weekday.TUESDAY))), local(25, 12), []),
        (roster(layer(A), layer(C, name="second")), local(23, 12), [A, C]),
    ],
)
def test_who_is_on(what: Roster, at: datetime, who: list[StaffId]) -> None:
    assert [shift.staff for shift in on(what, (), at, ZONE)] == who


def test_a_shift_is_one_piece_of_time_from_its_beginning_to_its_end() -> None:
    weekly = roster(layer(A, B, turn=Turn.WEEKLY, at="09:00"))
    (first, second) = shifts(weekly, (), local(23, 12), local(30, 12), ZONE)
    assert (first.since, first.until, first.staff) == (local(23, 9), local(30, 9), A)
    assert second.staff == B
    assert next_change(weekly, (), local(24), ZONE) == local(30, 9)


def test_an_override_takes_the_place_for_its_time_and_a_later_one_goes_over_it() -> None:
    sick = Override("o1", RosterId("r"), "first", local(23, 12), local(23, 18), C, "ill")
    later = Override("o2", RosterId("r"), "first", local(23, 14), local(23, 15), None, "nobody")
    names = [(s.staff, s.since, s.until) for s in shifts(DAYS, (sick, later), local(23, 8), local(23, 20), ZONE) if s.layer == "first"]
    assert names == [
        (A, local(23, 8), local(23, 12)), (C, local(23, 12), local(23, 14)), (C, local(23, 15), local(23, 18)),
        (A, local(23, 18), local(23, 20)),
    ]  # fmt: skip
    assert [(g.since, g.until) for g in gaps(DAYS, (sick, later), local(23, 8), local(24, 8), ZONE, known=KNOWN)] == [
        (local(23, 14), local(23, 15)),
    ]


def test_a_gap_is_where_somebody_has_to_be_and_nobody_known_is() -> None:
    office = roster(layer(A, hours=("08:00-12:00",)), hours=("08:00-18:00",), weekdays=(Weekday.MONDAY,))
    assert [(g.since, g.until) for g in gaps(office, (), local(23), local(25), ZONE, known=KNOWN)] == [(local(23, 12), local(23, 18))]
    assert gaps(DAYS, (), local(23, 8), local(30), ZONE, known=KNOWN) == []
    (gone,) = gaps(roster(layer(A)), (), local(23), local(25), ZONE, known=[B])
    assert (gone.since, gone.until) == (local(23), local(25))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (roster(), "has no layer"),
        (roster(layer()), "has no members"),
        (roster(layer(StaffId("x"))), "there is no member of staff 'x'"),
        (roster(layer(A), layer(B)), "two layers have one name"),
        (roster(layer(A, every=0)), "a turn is 1 day to 4 weeks"),
        (roster(layer(A, turn=Turn.WEEKLY, every=5)), "a turn is 1 day to 4 weeks"),
        (roster(layer(A, hours=("8-20",))), "hours: '8' is no time of day"),
        (roster(layer(A, at="25:00")), "at: '25:00' is no time of day"),
        (roster(layer(A), hours=("20:00",)), "is not written as 22:00-06:00"),
    ],
)
def test_a_roster_that_cannot_stand_is_refused_and_the_words_say_why(wrong: Roster, said: str) -> None:
    assert any(said in en for _, en in problems(wrong, KNOWN))
    duties = Duties(dict(KNOWN))
    with pytest.raises(IllegalTransition, match="roster r"):
        duties.decide(SetRoster(wrong), Actor("x"), local(23), local(23), ZONE)
    assert list(problems(DAYS, KNOWN)) == []


def stood() -> tuple[Duties, datetime]:
    duties, wall = Duties(), local(23, 8)
    for person in KNOWN.values():
        duties.apply(duties.decide(SetStaff(person), Actor("x"), wall, wall, ZONE))
    duties.apply(duties.decide(SetRoster(DAYS), Actor("x"), wall, wall, ZONE))
    return duties, wall


def test_a_swap_exchanges_two_shifts_and_ends_as_a_whole() -> None:
    duties, wall = stood()
    swap = SwapShifts("s1", RosterId("r"), "first", local(25, 9), local(26, 9), "exam")
    duties.apply(duties.decide(swap, Actor("x"), wall, wall, ZONE))
    who = [[s.staff for s in duties.on(DAYS, local(day, 9), ZONE)] for day in (24, 25, 26, 27)]
    assert who == [[B], [B], [A], [A]]
    duties.apply(duties.decide(EndOverride("s1-2"), Actor("x"), wall, wall, ZONE))
    assert [s.staff for s in duties.on(DAYS, local(25, 9), ZONE)] == [A]
    assert duties.overrides == {}


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (OverrideShift(Override("o", RosterId("q"), "first", local(24), local(25), A, "x")), Unknown),
        (OverrideShift(Override("o", RosterId("r"), "third", local(24), local(25), A, "x")), Unknown),
        (OverrideShift(Override("o", RosterId("r"), "first", local(24), local(25), StaffId("z"), "x")), Unknown),
        (OverrideShift(Override("o", RosterId("r"), "first", local(25), local(24), A, "x")), IllegalTransition),
        (OverrideShift(Override("o", RosterId("r"), "first", local(20), local(21), A, "x")), IllegalTransition),
        (OverrideShift(Override("o", RosterId("r"), "first", local(24), local(25), A, " ")), IllegalTransition),
        (OverrideShift(Override("o o", RosterId("r"), "first", local(24), local(25), A, "x")), IllegalTransition),
        (SwapShifts("s", RosterId("r"), "first", local(23, 9), local(25, 9), "x"), IllegalTransition),  # both are a's
        (SwapShifts("s", RosterId("r"), "first", local(23, 21), local(24, 9), "x"), Unknown),  # nobody's shift
        (EndOverride("o"), Unknown),
    ],
)
def test_what_makes_no_sense_is_refused(command: OverrideShift | SwapShifts | EndOverride, error: type[Exception]) -> None:
    duties, wall = stood()
    with pytest.raises(error):
        duties.decide(command, Actor("x"), wall, wall, ZONE)


LAYERS = st.builds(
    lambda members, turn, every, hours, at: layer(*members, turn=turn, every=every, hours=hours, at=at),
    st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=3).map(tuple), st.sampled_from(Turn), st.integers(1, 3),
    st.sampled_from([(), ("08:00-20:00",), ("22:00-06:00",), ("00:00-12:00", "12:00-24:00"), ("06:00-14:00", "13:00-22:00")]),
    st.sampled_from(["00:00", "08:30"]),
)  # fmt: skip
MINUTES = st.integers(0, 40 * 24 * 60)
OVERRIDES = st.builds(
    lambda begins, lasts, who, n: Override(
        f"o{n}", RosterId("r"), "first", local(23) + timedelta(minutes=begins), local(23) + timedelta(minutes=begins + lasts), who, "x",
    ),
    MINUTES, st.integers(1, 5000), st.sampled_from([A, B, None]), st.integers(0, 9),
)  # fmt: skip


@given(LAYERS, st.lists(OVERRIDES, max_size=3), MINUTES)
def test_who_is_on_changes_at_a_change_alone_and_a_gap_is_where_nobody_is(made: Layer, overrides: list[Override], minute: int) -> None:
    what, at = roster(made), local(23) + timedelta(minutes=minute)
    change = next_change(what, overrides, at, ZONE)
    now = [shift.staff for shift in on(what, overrides, at, ZONE)]
    assert len(now) <= 1, "one layer has one place"
    if change is not None:
        middle, end = at + (change - at) / 2, change - timedelta(microseconds=1)
        for moment in (middle, end):
            assert [shift.staff for shift in on(what, overrides, moment, ZONE)] == now
    empty = gaps(what, overrides, at, at + timedelta(hours=1), ZONE, known=KNOWN)
    assert any(gap.since <= at < gap.until for gap in empty) == (not now)
    for shift in shifts(what, overrides, at, at + timedelta(days=1), ZONE):
        assert shift.since < shift.until
