"""Rules that change while alerts are open and holds run: no step is repeated, dropped or doubled, across crashes and upgrades."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from alerting.commands import Acknowledge, ActivateRules, Asked
from alerting.engine import Engine
from alerting.facts import AlertCleared, AlertRaised, AlertRecurred, Fact, NotificationRequested, RulesActivated, StepReached
from alerting.home_rules import Absence, Pattern
from alerting.items import Configured, Item, ServiceStarted
from alerting.refusals import IllegalTransition
from alerting.rule_head import Template
from alerting.rulebook import rules_version, settled, with_rules
from alerting.rules import Rule, Ruleset, Threshold
from alerting.terms import Actor, Category, Priority
from devices.observation import Property
from tests.household import DEFAULT, START, Household, of, report

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = Template("血氧持续偏低：{value}{unit}", "oxygen stays low: {value}{unit}")


def oxygen(at_most: float, hold: int) -> Threshold:
    return Threshold(
        id="oxygen", category=Category.HEALTH, priority=Priority.PROMPT, matter="oxygen", title=WORDS, reason=WORDS,
        property=Property.SPO2, at_most=at_most, clear=at_most + 3, hold=timedelta(minutes=hold),
    )  # fmt: skip


def rules(*more: Rule) -> tuple[Rule, ...]:
    return (*(rule for rule in DEFAULT.rules if rule.id != "spo2-low"), *more)


FIRST, SECOND = rules(oxygen(91.0, 10)), rules(oxygen(89.0, 20))


class Journaled:
    """An engine with what the store would have of it: entries by commit, and rows of whatever age."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.engine = Engine()
        self.now = START
        self.commits: list[tuple[datetime, bytes]] = []
        self.rows: dict[str, tuple[int, bytes]] = {}
        self.facts: list[Fact] = []
        self.gives(Configured(ruleset), ServiceStarted(None))
        for command in Household(DEFAULT).registration:
            self.gives(Asked(command, Actor("li")))

    def gives(self, *items: Item, after: float = 0.0) -> list[Fact]:
        self.now += timedelta(seconds=after)
        entries: list[Item | Fact] = list(self.engine.advance(self.now))
        for item in items:
            entries += [item, *self.engine.handle(item, self.now)]
        self.commits.append((self.now, msgspec.msgpack.encode(entries)))
        facts = [entry for entry in entries if isinstance(entry, Fact)]
        self.facts += facts
        return facts

    def says(self, number: int, after: float, **values: float) -> list[Fact]:
        return self.gives(report("watch", self.now + timedelta(seconds=after), f"r{number}", values), after=after)

    def snapshot(self) -> None:
        self.rows = {key: (len(self.commits), self.engine.snapshot(key)) for key in list(self.engine.keys())}

    def revived(self) -> Engine:
        """Another process, from the rows and the journal."""
        engine = Engine()
        for key, (_, body) in self.rows.items():
            engine.restore(key, body)
        for number, (now, body) in enumerate(self.commits, 1):
            for entry in msgspec.msgpack.decode(body, type=list[Item | Fact]):
                if number > self.rows.get(engine.key_of(entry), (0, b""))[0]:
                    engine.fold(entry, now)
        return engine

    def crashes(self) -> None:
        self.engine = self.revived()
        self.gives(ServiceStarted(self.now))


def activate(new: tuple[Rule, ...], reason: str = "agreed") -> Asked:
    return Asked(ActivateRules(new, reason, "three weeks, 2 removed"), Actor("wang"), f"key {rules_version(new)} {reason}")


def story(crash: str) -> list[Fact]:
    """A call that escalates, a hold that runs, a new version in the middle of both; `crash`: when the process dies.

    `upgrade`: the rows that the next process finds are in the format of the version before, the change of rules lies behind them.
    """
    home = Journaled(with_rules(DEFAULT, FIRST))
    home.gives(report("cord", home.now, "pull", {"pull_cord": True}))
    home.says(1, 5, spo2=90)
    if crash in ("snapshot before", "upgrade"):
        home.snapshot()
    if crash == "upgrade":
        home.rows = of_the_version_before(home.rows)
    if crash == "before":
        home.crashes()
    home.gives(activate(SECOND), after=25)
    if crash == "right behind":
        home.crashes()
    if crash in ("snapshot behind", "snapshot before", "upgrade"):
        if crash == "snapshot behind":
            home.snapshot()
        home.says(2, 3, spo2=88)
        home.crashes()
    else:
        home.says(2, 3, spo2=88)
    if crash == "twice":
        home.crashes()
        home.crashes()
    for _ in range(30):
        home.gives(after=60)
        if crash == "every minute":
            home.crashes()
    home.says(3, 1, spo2=97)
    home.gives(activate(FIRST, "back"), after=10)
    home.says(4, 10, spo2=90)
    for _ in range(12):
        home.gives(after=60)
    return home.facts


@pytest.mark.parametrize(
    "crash", ["before", "right behind", "snapshot before", "snapshot behind", "twice", "every minute", "upgrade"],
)
def test_a_crash_around_a_change_of_rules_changes_no_fact(crash: str) -> None:
    assert story(crash) == story("")


def test_the_change_counts_from_its_moment_and_steps_of_open_alerts_go_on() -> None:
    facts = story("")
    (first, back) = of(RulesActivated, facts)
    assert (first.by, first.reason, first.backtest) == ("wang", "agreed", "three weeks, 2 removed")
    assert (first.version, back.version) == (rules_version(SECOND), rules_version(FIRST))
    assert back.ruleset == with_rules(DEFAULT, FIRST), "going back is the version that was"
    oxygen_alerts = [raised for raised in of(AlertRaised, facts) if raised.rule == "oxygen"]
    # The reading of 90 is past the first version's limit alone: the second one waits its twenty minutes from the reading of 88.
    assert [(raised.at - START).total_seconds() for raised in oxygen_alerts] == [33 + 20 * 60]
    assert [raised.rule_version for raised in oxygen_alerts] == [first.ruleset.version]
    # Back at the first version the reading of 90 counts again, after ten minutes.
    again = [(fact.at - START).total_seconds() for fact in of(AlertRecurred, facts) if fact.alert == oxygen_alerts[0].alert]
    assert again == [33 + 30 * 60 + 1 + 10 + 10 + 600]
    assert len([fact for fact in of(AlertCleared, facts) if fact.alert == oxygen_alerts[0].alert]) == 1
    steps = [(step.step, step.round, (step.at - START).total_seconds()) for step in of(StepReached, facts) if step.at < first.at]
    assert steps[0] == (0, 0, 0.0)
    numbers = [(step.alert, step.round, step.step) for step in of(StepReached, facts)]
    assert len(numbers) == len(set(numbers)), "no step twice"
    requested = [request.notification for request in of(NotificationRequested, facts)]
    assert len(requested) == len(set(requested)) > 0


def replayed(home: Journaled) -> list[Fact]:
    """The facts that the inputs of a journal give, with the rules that it names."""
    engine = Engine()
    facts: list[Fact] = []
    for now, body in home.commits:
        entries = msgspec.msgpack.decode(body, type=list[Item | Fact])
        facts += engine.advance(now)
        for entry in entries:
            if isinstance(entry, Item):
                facts += engine.handle(entry, now)
    return facts


def test_replaying_the_journal_with_the_rules_that_it_names_gives_the_same_facts() -> None:
    home = Journaled(with_rules(DEFAULT, FIRST))
    home.gives(report("smoke", home.now, "s", {"smoke": True}))
    home.says(1, 30, spo2=90)
    home.gives(activate(SECOND), after=300)
    home.crashes()
    home.says(2, 30, spo2=88)
    alert = next(iter(home.engine.alerts))
    home.gives(Asked(Acknowledge(alert), Actor("li")), after=40)
    home.gives(after=3600)
    home.gives(activate(FIRST, "back"), after=5)
    home.says(3, 600, spo2=90)
    home.crashes()
    home.gives(after=40_000)
    assert len(home.facts) > 30
    assert replayed(home) == home.facts


def test_a_reading_that_the_new_limit_allows_raises_nothing_when_the_hold_is_over() -> None:
    home = Journaled(with_rules(DEFAULT, FIRST))
    home.says(1, 5, spo2=90)
    home.gives(activate(SECOND), after=60)
    assert "oxygen" not in [raised.rule for raised in of(AlertRaised, home.gives(after=3600))]
    home.gives(activate(FIRST, "back"), after=1)
    assert [raised.rule for raised in of(AlertRaised, home.says(2, 60, spo2=90))] == ["oxygen"], "it was so all the time"


def door_left_open(crash: int) -> list[Fact]:
    """A rule that watches the home goes and comes back; `crash`: the commit behind which the process dies, without newer rows."""
    door = Absence(
        id="door-open", category=Category.INTRUSION, priority=Priority.AWARE, title=WORDS, reason=WORDS,
        awaited=(Pattern(Property.CONTACT_OPEN, is_=False),), after=(Pattern(Property.CONTACT_OPEN, is_=True),), hold=timedelta(minutes=20),
    )  # fmt: skip
    home = Journaled(with_rules(DEFAULT, rules(door)))
    home.snapshot()

    def says(number: int, after: float, *, is_open: bool) -> list[Fact]:
        return home.gives(report("door", home.now + timedelta(seconds=after), f"d{number}", {"contact_open": is_open}), after=after)

    moves: list[Callable[[], object]] = [
        lambda: says(1, 1, is_open=True),
        lambda: home.gives(activate(rules()), after=60),  # nobody watches the door
        lambda: says(2, 60, is_open=False),
        lambda: home.gives(activate(rules(door), "back"), after=60),
        lambda: home.gives(after=3600),  # shut while nobody watched it: no alert
        lambda: says(3, 60, is_open=True),
        lambda: home.gives(after=3600),  # and now there is one
    ]
    for number, move in enumerate(moves):
        move()
        if number == crash:
            home.crashes()
    return home.facts


@pytest.mark.parametrize("crash", range(6))
def test_what_a_rule_remembers_ends_with_it_whenever_the_process_dies(crash: int) -> None:
    facts = door_left_open(crash)
    assert facts == door_left_open(-1)
    (raised,) = [fact for fact in of(AlertRaised, facts) if fact.rule == "door-open"]
    assert (raised.at - START).total_seconds() > 3600 + 240


def of_the_version_before(rows: dict[str, tuple[int, bytes]]) -> dict[str, tuple[int, bytes]]:
    """A home's row without what rules remember and what fired, the global one without who chose the rules."""
    old: dict[str, tuple[int, bytes]] = {}
    for key, (number, body) in rows.items():
        parts = msgspec.msgpack.decode(body)
        parts[1] = parts[1][: 3 if key == "global" else 11]
        old[key] = (number, msgspec.msgpack.encode(parts))
    return old


def test_rows_of_the_version_before_are_read_and_lose_nothing_that_they_had() -> None:
    home = Journaled(with_rules(DEFAULT, FIRST))
    home.gives(report("cord", home.now, "pull", {"pull_cord": True}))
    home.says(1, 5, spo2=90)
    home.snapshot()
    old = of_the_version_before(home.rows)
    assert old != home.rows
    expected = list(home.engine.advance(home.now + timedelta(minutes=30)))
    home.rows = old
    engine = home.revived()
    engine.handle(ServiceStarted(None), home.now)
    assert engine.advance(home.now + timedelta(minutes=30)) == expected


def test_what_the_files_say_at_a_start_does_not_overrule_what_a_person_put_live() -> None:
    files, live = with_rules(DEFAULT, FIRST), with_rules(DEFAULT, SECOND)
    assert settled(files, live, chosen=False) == (files, ())
    assert settled(files, live, chosen=True) == (live, ())
    moved = replace(files, utc_offset_minutes=420)
    assert settled(moved, live, chosen=True) == (with_rules(moved, SECOND), ()), "all but the rules follows the files"
    bare = replace(files, policies=tuple(policy for policy in files.policies if policy.id != "aware"))
    kept, problems = settled(bare, live, chosen=True)
    assert kept == live
    assert any("'aware'" in problem for problem in problems)


@pytest.mark.parametrize(
    ("new", "reason", "why"),
    [
        (FIRST, "why not", "live already"),
        (SECOND, "  ", "needs a reason"),
        (rules(replace(oxygen(91.0, 10), policy="nobody")), "x", "no policy 'nobody'"),
        ((*FIRST, *FIRST), "x", "defined 2 times"),
    ],
)
def test_what_may_not_be_put_live_is_refused_and_changes_nothing(new: tuple[Rule, ...], reason: str, why: str) -> None:
    home = Journaled(with_rules(DEFAULT, FIRST))
    before = home.engine.ruleset
    with pytest.raises(IllegalTransition, match=why):
        home.engine.handle(activate(new, reason), home.now)
    assert (home.engine.ruleset, home.engine.rules_chosen) == (before, False)
