"""The loop on a full disk: calls and sessions go on, readings wait, and whoever waits for an answer is told so."""

import asyncio
from pathlib import Path

from alerting.commands import Asked, RegisterArea
from alerting.facts import AlertRaised
from alerting.terms import Actor
from devices.home import Area, AreaId
from devices.mqtt.entries import SessionBegun, Subscribed
from devices.mqtt.session import SessionKey
from gateway.loop import HELD_BYTES
from tests.household import START
from tests.looping import Service, broken, live


def test_on_a_full_disk_calls_and_sessions_go_on_and_readings_wait(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        at.telemetry = False
        await at.passes(1)
        reading = at.says("h1", "watch-h1", {"heart_rate": 70})
        subscribed: list[int] = []
        key = SessionKey("kit/1")
        at.loop.record(SessionBegun(key, "kit", START))
        at.loop.record(Subscribed(key, (("a", 1),)), lambda: subscribed.append(1))
        await at.until(lambda: bool(subscribed))
        await at.hears("h2", "cord-h2", {"pull_cord": True})
        assert reading not in at.acknowledged
        at.telemetry = True
        await at.until(lambda: reading in at.acknowledged)

    live(tmp_path, story)


def test_hours_of_a_full_disk_do_not_fill_the_memory(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        at.telemetry = False
        await at.passes(1)
        for number in range(HELD_BYTES // 1024 + 500):
            at.says("h1", "watch-h1", {"heart_rate": 70}, name=f"r{number}")
        assert at.loop.waiting_bytes <= HELD_BYTES
        assert len(at.forgotten) >= 500
        assert at.loop.counters.forgotten == len(at.forgotten)
        await at.hears("h1", "cord-h1", {"pull_cord": True})
        assert at.raised()
        at.telemetry = True
        await at.until(lambda: not at.loop.waiting)
        assert not set(at.forgotten) & set(at.acknowledged)

    live(tmp_path, story)


def test_who_waits_for_an_answer_when_the_disk_fills_is_told_so(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        at.telemetry = False
        at.loop.ask(Asked(RegisterArea(Area(AreaId("a9"), "九")), Actor("li")), at.outcomes.append)
        await at.until(lambda: bool(at.outcomes) and at.outcomes[-1].error is not None)
        assert "disk is full" in str(at.outcomes[-1].error)

    live(tmp_path, story)


def test_while_nothing_can_be_written_a_call_is_shown_once_and_kept_until_it_is(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        at.telemetry = at.journal.room = False
        call = at.says("h1", "cord-h1", {"pull_cord": True})
        await at.until(lambda: bool(at.unstored))
        for number in range(50):
            at.says("h1", "watch-h1", {"heart_rate": number + 1})
        await asyncio.sleep(0)
        assert len(at.unstored) == 1, "readings made the loop tell the same again"
        assert call not in at.acknowledged
        at.journal.room = True
        await at.until(lambda: call in at.acknowledged)
        assert at.unstored[-1] == ((), ())
        shown = [fact.alert for fact in at.unstored[0][0] if isinstance(fact, AlertRaised)]
        assert shown == [raised.alert for raised in at.raised()]
        at.telemetry = True

    live(tmp_path, story)


def test_a_fault_while_nothing_can_be_written_loses_no_call_that_was_decided(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        at.telemetry = at.journal.room = False
        call = at.says("h1", "cord-h1", {"pull_cord": True})
        await at.until(lambda: bool(at.unstored))
        poison = at.says("h2", "watch-h2", {"spo2": 80}, channel="alarm")
        await at.until(lambda: at.refolds == 1)
        at.journal.room = True
        await at.until(lambda: {call, poison} <= set(at.acknowledged))
        assert [r.home for r in at.raised()] == ["h1"]
        at.telemetry = True

    live(tmp_path, story, broken("spo2-low"))
