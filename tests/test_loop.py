"""The loop with a real journal, real snapshots and the shipped rules: its start, and what a fault of ours costs, and whom."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

from alerting.commands import Asked, Claim, Note
from alerting.facts import AlertRaised, StepReached
from alerting.home_rules import Absence, Pattern
from alerting.items import Configured, ServiceStarted
from alerting.rule_head import Template
from alerting.rulebook import with_rules
from alerting.terms import Actor, Category, Priority
from alerting.unjudged import MATTER
from devices.observation import Property
from gateway.inbox import Outcome
from gateway.store.entry import Entry
from tests.household import DEFAULT
from tests.looping import Service, broken, live

# --- a start ---------------------------------------------------------------------------------------------------------------------


def test_what_would_have_been_missed_while_nobody_listened_is_not_told_at_the_start(tmp_path: Path) -> None:
    words = Template("门未关", "the door is open")
    door = Absence(
        id="door-open", category=Category.INTRUSION, priority=Priority.AWARE, title=words, reason=words,
        awaited=(Pattern(Property.CONTACT_OPEN, is_=False),), after=(Pattern(Property.CONTACT_OPEN, is_=True),), hold=timedelta(minutes=20),
    )  # fmt: skip

    async def lives() -> list[Entry]:
        async with Service(tmp_path) as service:
            service.loop.give(Configured(with_rules(DEFAULT, (*DEFAULT.rules, door))), first=True)
            await service.registers("h1")
            await service.hears("h1", "watch-h1", {"contact_open": True})
        again = Service(tmp_path)
        again.elapsed = 3 * 3600.0
        async with again:
            await again.until(lambda: bool(again.of(ServiceStarted)))
            return list(again.entries)

    entries = asyncio.run(lives())
    assert isinstance(entries[0], ServiceStarted)
    assert not any(isinstance(entry, AlertRaised) for entry in entries)


# --- a fault of ours ---------------------------------------------------------------------------------------------------------------


def test_a_message_that_wakes_a_fault_is_put_aside_and_everybody_else_is_heard(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        poison = at.says("h1", "watch-h1", {"spo2": 80})
        await at.hears("h2", "cord-h2", {"pull_cord": True})
        await at.until(lambda: poison in at.acknowledged)
        [kept] = at.quarantined()
        assert kept.place == "judging"
        assert "ValueError" in kept.reason
        assert [(r.home, r.category) for r in at.raised()] == [("h2", Category.CALL_FOR_HELP)]
        assert "h1/watch-h1 could not be judged" in at.told()
        assert at.refolds == 1
        await at.hears("h1", "cord-h1", {"pull_cord": True})
        assert [r.home for r in at.raised()] == ["h2", "h1"]

    live(tmp_path, story, broken("spo2-low"))


def test_what_was_decided_in_the_same_batch_before_the_fault_stands_once(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        names = [
            at.says("h1", "cord-h1", {"pull_cord": True}, name="a", channel="alarm"),
            at.says("h2", "watch-h2", {"spo2": 80}, name="b", channel="alarm"),
            at.says("h2", "smoke-h2", {"smoke": True}, name="c", channel="alarm"),
        ]
        await at.until(lambda: set(names) <= set(at.acknowledged))
        assert [(r.home, r.category) for r in at.raised()] == [("h1", Category.CALL_FOR_HELP), ("h2", Category.FIRE)]
        await at.hears("h1", "cord-h1", {"pull_cord": True}, name="a")
        assert len(at.raised()) == 2

    live(tmp_path, story, broken("spo2-low"))


def test_a_call_that_wakes_a_fault_becomes_the_plainest_alert_there_is_and_escalates(tmp_path: Path) -> None:
    call = next(r.id for r in DEFAULT.rules if Property.PULL_CORD in getattr(r, "properties", ()))

    async def story(at: Service) -> None:
        await at.hears("h1", "cord-h1", {"pull_cord": True})
        [raised] = at.raised()
        assert (raised.matter, raised.category, raised.home) == (MATTER, Category.CALL_FOR_HELP, "h1")
        assert b"pull_cord" in raised.evidence[0].raw
        await at.hears("h1", "cord-h1", {"pull_cord": True})  # again: the same alert, and no second folding
        assert len(at.raised()) == 1
        assert at.engine.alerts[raised.alert].repeats == 1
        assert at.refolds == 1
        await at.passes(61)
        assert len([s for s in at.of(StepReached) if isinstance(s, StepReached) and s.alert == raised.alert]) == 2
        outcome = await at.asks(Claim(raised.alert))
        assert outcome.error is None

    live(tmp_path, story, broken(call))


def test_a_fault_at_every_message_of_a_home_costs_one_folding_a_minute(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        for number in range(20):
            await at.hears("h1", "watch-h1", {"spo2": 80 - number})
        assert at.refolds == 1
        assert len(at.quarantined()) == 20
        await at.passes(61)
        await at.hears("h1", "watch-h1", {"spo2": 50})
        assert at.refolds == 2

    live(tmp_path, story, broken("spo2-low"))


def test_a_deadline_that_wakes_a_fault_is_left_out_and_said_and_the_others_come(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        await at.hears("h1", "hub-h1", {"mains_lost": False})
        await at.hears("h2", "cord-h2", {"pull_cord": True})
        await at.passes(59)
        await at.passes(3600)
        steps = [s for s in at.of(StepReached) if isinstance(s, StepReached)]
        assert len(steps) >= 3
        assert "left out" in at.told()
        await at.hears("h1", "cord-h1", {"pull_cord": True})
        assert [r.home for r in at.raised() if r.category is Category.CALL_FOR_HELP] == ["h2", "h1"]

    live(tmp_path, story, broken("hub-silent"))


def test_what_cannot_be_encoded_is_refused_alone(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        await at.hears("h1", "cord-h1", {"pull_cord": True})
        [alert] = at.raised()
        outcomes = list[tuple[str, Outcome]]()
        for text in ("in Ordnung", "half a pair: \ud800", "好的"):
            at.loop.ask(Asked(Note(alert.alert, text), Actor("li")), partial(lambda text, outcome: outcomes.append((text, outcome)), text))
        await at.until(lambda: len(outcomes) == 3)
        assert {text for text, outcome in outcomes if outcome.error is None} == {"in Ordnung", "好的"}

    live(tmp_path, story)
