"""Calls, check-ins, visits and tests that are planned for a home: what comes due when, told by fast-forward."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from alerting.alert import Alert
from alerting.caring.care import NO_CARE, Care
from alerting.caring.commands import EndCarePlan, SeeToCare, SetCarePlan, SettleCare
from alerting.caring.days import next_day
from alerting.caring.facts import CareDone, CareDue, CareMissed, CareOverdue, CarePlanSet, CareReminded
from alerting.caring.records import CarePlan, Errand, Every, Occasion, OccasionId, PlanId, Planned, State
from alerting.commands import Asked, ChangePerson, SetHomeMode
from alerting.daily_check import daily_check
from alerting.engine import Engine
from alerting.facts import Fact
from alerting.home_state import HomeState
from alerting.items import Matter, WallClockStepped
from alerting.refusals import IllegalTransition, Unknown
from alerting.snapshots import GLOBAL, home_key
from alerting.terms import SERVICE, Actor, Category, Mode
from devices.home import HomeId
from gateway.care_round import CareRound
from gateway.inbox import Outcome
from tests.household import DEFAULT
from tests.town import Town, of, row

CHINA = timedelta(hours=8)


def local(text: str) -> datetime:
    """An instant, as clocks in China show it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) - CHINA


def plan(errand: Errand, every: Every = Every.DAY, at: str = "09:00", **more: object) -> CarePlan:
    return CarePlan(PlanId(errand.value), HomeId("h000"), errand, every, at, **more)  # type: ignore[arg-type]


class Month:
    """A home and its calendar: the service's own round is gone each minute that something is due, and the service may be down."""

    def __init__(self) -> None:
        self.town = Town(1)
        self.home_id = self.town.homes[0]
        self.town.now = local("2026-11-22 08:00")

    @property
    def home(self) -> HomeState:
        return self.town.engine.homes[self.home_id]

    @property
    def open(self) -> list[Occasion]:
        return list(self.home.care.open.values())

    def round(self) -> list[Fact]:
        """What the calendar does each minute, and at a start."""
        before = len(self.town.facts)

        def ask(asked: Asked, answer: Callable[[Outcome], None]) -> None:
            answer(Outcome(facts=tuple(self.town.takes(asked))))

        asyncio.run(CareRound(self.town.engine, ask, lambda: self.town.now).run())
        return self.town.facts[before:]

    def until(self, text: str) -> list[Fact]:
        """Time passes, minute by minute as far as anything is due."""
        end, before = local(text), len(self.town.facts)
        while self.town.now < end:
            care = self.home.care.next_at(self.town.engine.caring.shift) or end
            deadline = self.town.engine.next_deadline or end
            self.town.now = min(end, max(self.town.now + timedelta(minutes=1), min(care, deadline)))
            self.town._kept(self.town.engine.advance(self.town.now))
            self.round()
        return self.town.facts[before:]

    def down_until(self, text: str) -> list[Fact]:
        """Nobody goes a round until then; then the service starts again, from what is on disk."""
        self.town.engine = refolded(self.town)
        self.town.now = local(text)
        self.town._kept(self.town.engine.advance(self.town.now))
        return self.round()

    def alerts(self) -> list[Alert]:
        return [alert for alert in self.town.engine.alerts.values() if alert.open and alert.rule == "care"]


def refolded(town: Town) -> Engine:
    engine = Engine(DEFAULT)
    for entry, at in town.journal:
        engine.fold(entry, at)
    return engine


@pytest.fixture
def month() -> Iterator[Month]:
    yield Month()
    assert Care() == NO_CARE, "what homes share is changed by none"


@pytest.mark.parametrize(
    ("sentence", "of_plan", "since", "upto", "day"),
    [
        ("today, when its hour is still to come", plan(Errand.VISIT), "2026-11-22T08:00:00", "", "2026-11-22"),
        ("tomorrow, when its hour is over", plan(Errand.VISIT), "2026-11-22T09:00:00", "", "2026-11-23"),
        ("the day behind the latest one", plan(Errand.VISIT), "2026-11-01T09:00:00", "2026-11-22", "2026-11-23"),
        ("the next Monday", plan(Errand.VISIT, Every.WEEK, days=(1,)), "2026-11-22T08:00:00", "", "2026-11-23"),
        ("Monday a week on, over a year's end", plan(Errand.VISIT, Every.WEEK, days=(1,)), "2026-12-28T10:00:00", "", "2027-01-04"),
        ("the 31st of a short month is its last", plan(Errand.VISIT, Every.MONTH, days=(31,)), "2026-11-22T08:00:00", "", "2026-11-30"),
        ("and in a February its 28th", plan(Errand.VISIT, Every.MONTH, days=(31,)), "2027-02-01T08:00:00", "", "2027-02-28"),
        ("30 and 31 are one day there", plan(Errand.VISIT, Every.MONTH, days=(30, 31)), "2026-11-01T08:00:00", "2026-11-30", "2026-12-30"),
        ("the one day", plan(Errand.VISIT, Every.ONCE, day="2026-12-24"), "2026-11-22T08:00:00", "", "2026-12-24"),
        ("once is once", plan(Errand.VISIT, Every.ONCE, day="2026-12-24"), "2026-11-22T08:00:00", "2026-12-24", None),
        ("the one day is over", plan(Errand.VISIT, Every.ONCE, day="2026-11-20"), "2026-11-22T08:00:00", "", None),
    ],
)  # fmt: skip
def test_the_next_day_of_a_plan(sentence: str, of_plan: CarePlan, since: str, upto: str, day: str | None) -> None:
    found = next_day(Planned(of_plan, since, upto), CHINA)
    assert (found.isoformat() if found else None) == day, sentence


def test_a_monthly_visit_is_due_reminded_of_and_done_with_a_word(month: Month) -> None:
    visit = plan(Errand.VISIT, Every.MONTH, "09:00", days=(25,), within_min=3 * 24 * 60, remind_min=24 * 60, who="网格员 周敏")
    assert of(CarePlanSet, month.town.asks(SetCarePlan(visit)))
    assert not of(CareDue, month.until("2026-11-25 08:59"))
    (due,) = of(CareDue, month.until("2026-11-25 09:01"))
    assert due.occasion.due_at == local("2026-11-25 09:00")
    assert due.occasion.who == "网格员 周敏"
    (reminded,) = of(CareReminded, month.until("2026-11-27 10:00"))
    assert reminded.at == local("2026-11-27 09:00")
    done = month.town.asks(SettleCare(month.home_id, due.occasion.id, done=True, word="身体好，换了灯泡"))
    assert of(CareDone, done)
    settled = month.home.care.settled[-1]
    assert (settled.state, settled.by, settled.word) == (State.DONE, "li", "身体好，换了灯泡")
    assert not of(CareOverdue, month.until("2026-12-24 23:00"))
    assert len(of(CareDue, month.until("2026-12-25 10:00"))) == 1


def test_what_nobody_does_is_overdue_and_stays_on_the_list_until_somebody_says_why(month: Month) -> None:
    month.town.asks(SetCarePlan(plan(Errand.GREETING, Every.WEEK, "10:00", days=(7,), within_min=120)))
    month.until("2026-11-22 10:00")
    (overdue,) = of(CareOverdue, month.until("2026-11-24 10:00"))
    assert overdue.at == local("2026-11-22 12:00")
    assert [o.state for o in month.open] == [State.OVERDUE]
    assert not month.alerts(), "a call that nobody made is no danger"
    with pytest.raises(IllegalTransition, match="say why"):
        month.town.asks(SettleCare(month.home_id, month.open[0].id, done=False))
    month.town.asks(SettleCare(month.home_id, month.open[0].id, done=False, word="无人值班"))
    assert not month.open
    with pytest.raises(IllegalTransition, match="li has said already that it was missed"):
        month.town.asks(SettleCare(month.home_id, month.home.care.settled[-1].id, done=True))
    with pytest.raises(Unknown):
        month.town.asks(SettleCare(month.home_id, OccasionId("h000.nothing.2026-11-22"), done=True))


def test_a_visit_due_while_the_service_was_down_is_on_the_list_when_it_is_back(month: Month) -> None:
    month.town.asks(SetCarePlan(plan(Errand.VISIT, Every.MONTH, "09:00", days=(25,), within_min=7 * 24 * 60)))
    (due,) = of(CareDue, month.down_until("2026-11-26 14:00"))
    assert due.occasion.due_at == local("2026-11-25 09:00"), "as it was due"
    assert due.at == local("2026-11-26 14:00"), "and when it was seen"
    assert [o.state for o in month.open] == [State.DUE]
    assert not of(CareDue, month.round()), "once"


def test_a_week_down_drops_no_day_and_leaves_the_last_to_be_done(month: Month) -> None:
    month.town.asks(SetCarePlan(plan(Errand.GREETING, Every.DAY, "09:00", within_min=60)))
    facts = month.down_until("2026-11-28 09:30")
    assert [fact.occasion.day for fact in of(CareDue, facts)] == [f"2026-11-{day}" for day in range(22, 29)]
    assert [fact.by for fact in of(CareMissed, facts)] == [SERVICE] * 6
    assert [(o.day, o.state) for o in month.open] == [("2026-11-28", State.DUE)]


def test_a_restart_at_any_moment_gives_the_same_month() -> None:
    def lived(stops: tuple[str, ...]) -> list[tuple[str, str]]:
        month = Month()
        month.town.asks(SetCarePlan(plan(Errand.GREETING, Every.DAY, "09:00", within_min=60)))
        month.town.asks(SetCarePlan(plan(Errand.VISIT, Every.WEEK, "10:00", days=(3, 5), within_min=600, remind_min=60)))
        for stop in (*stops, "2026-12-10 00:00"):
            month.until(stop)
            month.town.engine = refolded(month.town)
        kinds = (CareDue, CareReminded, CareOverdue, CareMissed)
        return [(type(f).__name__, str(f.at)) for f in month.town.facts if isinstance(f, kinds)]

    assert lived(()) == lived(("2026-11-22 09:00", "2026-11-25 10:00", "2026-11-25 18:59", "2026-12-01 09:59"))


def test_a_row_and_the_journal_behind_it_give_the_same_care(month: Month) -> None:
    month.town.asks(SetCarePlan(plan(Errand.VISIT, Every.WEEK, "10:00", days=(3, 5), within_min=600, remind_min=60)))
    month.until("2026-11-26 00:00")
    cut, rows = len(month.town.journal), {key: month.town.engine.snapshot(key) for key in (GLOBAL, home_key(month.home_id))}
    month.town.asks(SettleCare(month.home_id, month.open[0].id, done=True, word="好"))
    month.until("2026-12-03 00:00")
    engine = Engine(DEFAULT)
    for key, body in rows.items():
        engine.restore(key, body)
    for entry, at in month.town.journal[cut:]:
        engine.fold(entry, at)
    engine.advance(month.town.now)
    for key in rows:
        assert row(engine, key) == row(month.town.engine, key)


def test_a_check_in_that_is_not_heard_raises_an_alert_and_clears_it_when_it_comes(month: Month) -> None:
    month.town.asks(SetCarePlan(plan(Errand.CHECK_IN, Every.DAY, "09:00", within_min=60)))
    month.until("2026-11-22 09:59")
    assert not month.alerts()
    month.until("2026-11-22 10:00")
    (alert,) = month.alerts()
    assert (alert.category, alert.matter) == (Category.INACTIVITY, "check_in:check_in")
    assert "09:00" in alert.reason.zh
    assert "10:00" in alert.reason.en
    assert alert.next_step_at is not None, "it rings by the policy of its category"
    month.town.asks(SettleCare(month.home_id, month.open[0].id, done=True, word="电话里说一切都好"))
    (alert,) = month.alerts()
    assert alert.cleared_at == month.town.now, "and waits for a person to close it"


def test_a_check_in_by_its_key_is_done_without_anybody(month: Month) -> None:
    month.town.asks(SetCarePlan(plan(Errand.CHECK_IN, Every.DAY, "09:00", within_min=60)))
    month.town.now = local("2026-11-22 08:40")
    month.town.says(month.home_id, "cord", checked_in=True)
    (done,) = of(CareDone, month.until("2026-11-22 12:00"))
    assert (done.by, done.at) == (SERVICE, local("2026-11-22 09:00"))
    assert not month.alerts()
    month.until("2026-11-23 12:00")
    assert month.alerts(), "yesterday's key is not today's"


def test_whoever_is_in_hospital_is_not_missed(month: Month) -> None:
    month.town.asks(SetCarePlan(plan(Errand.CHECK_IN, Every.DAY, "09:00", within_min=60)))
    month.town.asks(SetHomeMode(month.home_id, Mode.HOSPITAL, local("2026-11-24 08:00"), "髋部手术"))
    assert of(CareOverdue, month.until("2026-11-23 12:00")), "it is on the list"
    assert not month.alerts()
    month.until("2026-11-24 12:00")
    assert month.alerts(), "back at home it counts again"


def test_the_weekly_test_is_done_when_every_calling_device_came_through(month: Month) -> None:
    month.town.asks(SetCarePlan(plan(Errand.DEVICE_TEST, Every.WEEK, "08:30", days=(7,), within_min=600)))
    month.until("2026-11-22 08:31")
    month.town.says(month.home_id, "cord", pull_cord=True)
    month.round()
    assert month.open, "the watch has not been tried"
    month.town.says(month.home_id, "watch", sos=True)
    (done,) = of(CareDone, month.round())
    assert done.by == SERVICE


def test_a_wall_clock_put_back_begins_no_day_again(month: Month) -> None:
    month.town.asks(SetCarePlan(plan(Errand.GREETING, Every.DAY, "09:00", within_min=60)))
    month.until("2026-11-22 09:05")
    month.town.takes(WallClockStepped(-7200.0))
    assert not of(CareDue, month.until("2026-11-22 23:00"))
    month.town.takes(WallClockStepped(0.0))
    assert len(of(CareDue, month.until("2026-11-23 10:00"))) == 1


def test_a_changed_plan_goes_on_and_an_ended_one_leaves_what_is_open(month: Month) -> None:
    month.town.asks(SetCarePlan(plan(Errand.GREETING, Every.DAY, "09:00", within_min=60)))
    month.until("2026-11-22 09:05")
    month.town.asks(SetCarePlan(plan(Errand.GREETING, Every.DAY, "15:00", within_min=60)))
    assert not of(CareDue, month.until("2026-11-22 23:00")), "today was"
    month.until("2026-11-23 15:05")
    month.town.asks(EndCarePlan(month.home_id, PlanId("greeting")))
    assert len(month.open) == 1
    assert not of(CareDue, month.until("2026-12-01 00:00"))
    with pytest.raises(Unknown):
        month.town.asks(EndCarePlan(month.home_id, PlanId("greeting")))


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("at: '9am' is no time of day", plan(Errand.VISIT, at="9am")),
        ("write 24:00 as", plan(Errand.VISIT, at="24:00")),
        ("days: 1 to 7", plan(Errand.VISIT, Every.WEEK, days=(0,))),
        ("days: 1 to 7", plan(Errand.VISIT, Every.WEEK)),
        ("days: 1 to 7", plan(Errand.VISIT, Every.DAY, days=(1,))),
        ("day: a plan of one day has it", plan(Errand.VISIT, Every.ONCE)),
        ("day: a plan of one day has it", plan(Errand.VISIT, Every.DAY, day="2026-11-30")),
        ("day: Invalid isoformat", plan(Errand.VISIT, Every.ONCE, day="30.11.2026")),
        ("day: 2026-11-21 is over", plan(Errand.VISIT, Every.ONCE, day="2026-11-21")),
        ("day: 2025-11-30 is over", plan(Errand.VISIT, Every.ONCE, day="2025-11-30")),
        ("within: a minute", plan(Errand.VISIT, within_min=0)),
        ("the reminder comes before", plan(Errand.VISIT, within_min=60, remind_min=60)),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_what_is_wrong(month: Month, sentence: str, wrong: CarePlan) -> None:
    with pytest.raises(IllegalTransition) as refusal:
        month.town.engine.handle(Asked(SetCarePlan(wrong), Actor("li")), month.town.now)
    assert sentence in refusal.value.sentence.en
    assert not month.home.care.plans


def test_a_visit_of_today_may_still_be_planned_after_its_hour(month: Month) -> None:
    month.town.asks(SetCarePlan(plan(Errand.VISIT, Every.ONCE, "00:00", day="2026-11-22")))
    assert of(CareDue, month.round())


def test_a_round_asks_only_for_homes_in_which_something_is_due(month: Month) -> None:
    month.town.asks(SetCarePlan(plan(Errand.GREETING)))
    month.round()
    assert not any(isinstance(item, Asked) and isinstance(item.command, SeeToCare) for item, _ in month.town.journal)


def test_the_mornings_list_names_a_vulnerable_resident_whom_nobody_visits_and_a_visit_that_is_overdue(month: Month) -> None:
    def said() -> list[str]:
        return [finding.sentence.en for finding in daily_check([month.home]) if finding.matter is Matter.VISIT]

    assert said() == []
    resident = next(iter(month.home.people.values()))
    month.town.asks(ChangePerson(replace(resident, vulnerable=True)))
    assert said() == ["某某 has to be visited every month, and no visit is planned."]
    month.town.asks(SetCarePlan(plan(Errand.VISIT, Every.ONCE, day="2026-11-24")))
    assert len(said()) == 1, "one visit is not one a month"
    month.town.asks(SetCarePlan(plan(Errand.VISIT, Every.MONTH, days=(24,))))
    assert said() == []
    month.until("2026-11-25 09:00")
    assert said() == ["The visit of 2026-11-24 is overdue."]
    month.town.asks(SettleCare(month.home_id, month.open[0].id, done=True))
    assert said() == []
