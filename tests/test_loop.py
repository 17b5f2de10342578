"""The loop with a real journal, real snapshots and the shipped rules: what a fault of ours, a full disk and a flood cost, and whom."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Self

from msgspec.structs import replace

from alerting.commands import Asked, Claim, Command, Note, RegisterArea, RegisterDevice, RegisterHome
from alerting.engine import Engine
from alerting.facts import AlertRaised, Fact, StepReached
from alerting.home_rules import Absence, Pattern
from alerting.items import Configured, Quarantined, Said, ServiceStarted
from alerting.rule_head import Template
from alerting.rulebook import with_rules
from alerting.rules import Ruleset
from alerting.terms import Actor, AlertId, Category, Priority
from alerting.unjudged import MATTER
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, ModelId
from devices.mqtt.entries import SessionBegun, Subscribed
from devices.mqtt.session import SessionKey
from devices.observation import Property
from gateway.clock import Clock, Readings
from gateway.inbox import Outcome, Published
from gateway.loop import BATCH, HELD_BYTES, PIECE, QUARANTINE_WAITING, Loop, Space
from gateway.reading import DEVICES_MOST, REFUSALS_A_MINUTE
from gateway.recovery import recover, refold
from gateway.store.entry import Commit, Entry, Stamp
from gateway.store.journal import DiskFull, Journal
from gateway.store.snapshots import Snapshots
from tests.household import AREA, DEFAULT, START
from tests.patience import PATIENCE_S, ended

BROKEN = Template("{value:.1f}", "{value:.1f}")
"""What `alerting.assembly` refuses today, and a journal may hold: a sentence that cannot be made."""


def broken(*rules: str) -> Ruleset:
    assert {r.id for r in DEFAULT.rules} >= set(rules)
    return replace(DEFAULT, version="broken", rules=tuple(replace(r, reason=BROKEN) if r.id in rules else r for r in DEFAULT.rules))


class Disk(Journal):
    """A journal on a disk that can be filled: `room` for commits."""

    room = True

    def commit(self, stamp: Stamp, body: bytes, count: int) -> int:
        if not self.room:
            raise DiskFull("no room")
        return super().commit(stamp, body, count)


class Service:
    """One life of the loop in a folder, with a clock that the test winds."""

    def __init__(self, folder: Path, *, at: datetime = START) -> None:
        self.elapsed = 0.0
        self.at = at
        journal = Disk.open(folder)
        assert isinstance(journal, Disk)
        self.journal = journal
        self.snapshots = Snapshots(folder / "snapshots.db")
        recovered = recover(self.journal, self.snapshots)
        self.engine = recovered.engine
        clock = Clock(self.journal.last_stamp, Readings(self.wall, lambda: 1000.0 + self.elapsed, lambda: "boot"))
        self.telemetry = True
        self.entries: list[Entry] = []
        self.sizes: list[int] = []
        self.unstored: list[tuple[Sequence[Fact], Sequence[Fact]]] = []
        self.acknowledged: list[str] = []
        self.forgotten: list[str] = []
        self.outcomes: list[Outcome] = []
        self.refolds = 0
        self.loop = Loop(
            self.engine, self.journal, recovered.roller, clock, Space(lambda: self.telemetry, lambda: False, lambda: None),
            refold=self._refold, published=self._published, unstored=lambda facts, fresh: self.unstored.append((facts, fresh)),
        )  # fmt: skip
        self._running: asyncio.Task[None] | None = None

    def wall(self) -> datetime:
        return self.at + timedelta(seconds=self.elapsed)

    async def __aenter__(self) -> Self:
        last = self.journal.last_stamp
        self.loop.give(ServiceStarted(last.service_at if last else None), first=True)
        self._running = asyncio.create_task(self.loop.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.loop.stop()
        assert self._running is not None
        await ended(self._running, PATIENCE_S)
        self.journal.close()
        self.snapshots.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        assert self._running is not None
        end = asyncio.get_running_loop().time() + PATIENCE_S
        while not condition():
            if self._running.done():
                self._running.result()
            assert asyncio.get_running_loop().time() < end, "it did not happen in time"
            await asyncio.sleep(0.002)

    async def passes(self, seconds: float) -> None:
        """Time, and a turn of the loop in it."""
        self.elapsed += seconds
        await self.asks(Claim(AlertId("nobody")))

    def says(
        self, home: str, device: str, values: dict[str, object], *,
        name: str = "", channel: str = "report", topic: str = "", raw: bytes = b"",
    ) -> str:  # fmt: skip
        name = name or f"m{len(self.acknowledged)}-{home}-{device}-{json.dumps(values)}"
        payload = raw or json.dumps({"id": name, "values": values}).encode()
        topic = topic or f"anju/v1/{AREA}/{home}/{device}/{channel}"
        self.loop.publish(Published(
            topic, payload, len(payload), False, "kit", lambda: self.acknowledged.append(name), None, lambda: self.forgotten.append(name),
        ))  # fmt: skip
        return name

    async def hears(self, home: str, device: str, values: dict[str, object], *, name: str = "") -> None:
        """Until it is acknowledged."""
        name = self.says(home, device, values, name=name)
        await self.until(lambda: name in self.acknowledged)

    async def asks(self, command: Command, by: str = "li") -> Outcome:
        count = len(self.outcomes)
        self.loop.ask(Asked(command, Actor(by)), self.outcomes.append)
        await self.until(lambda: len(self.outcomes) > count)
        return self.outcomes[-1]

    async def registers(self, *homes: str) -> None:
        await self.asks(RegisterArea(Area(AREA, "社区")))
        for home in homes:
            await self.asks(RegisterHome(Home(HomeId(home), AREA, home)))
            for model in ("cord", "smoke", "watch", "hub"):
                await self.asks(RegisterDevice(Device(DeviceId(f"{model}-{home}"), HomeId(home), ModelId(model))))

    def of(self, kind: type[Entry]) -> list[Entry]:
        return [entry for entry in self.entries if isinstance(entry, kind)]

    def raised(self) -> list[AlertRaised]:
        return [entry for entry in self.entries if isinstance(entry, AlertRaised)]

    def quarantined(self) -> list[Quarantined]:
        return [entry for entry in self.entries if isinstance(entry, Quarantined)]

    def told(self) -> str:
        return " ".join(sentence.en for sentence in self.loop.faults)

    def _refold(self) -> Engine:
        self.refolds += 1
        return refold(self.journal, self.snapshots)

    def _published(self, commit: Commit, body: bytes) -> None:
        self.sizes.append(len(body))
        self.entries.extend(commit.entries)


def live(folder: Path, story: Callable[[Service], Awaitable[None]], ruleset: Ruleset = DEFAULT) -> None:
    """A story of one life, and then what the next life finds: the same alerts, and nothing judged otherwise."""

    async def whole() -> dict[AlertId, object]:
        async with Service(folder) as service:
            service.loop.give(Configured(ruleset), first=True)
            await service.registers("h1", "h2")
            await story(service)
        return dict(service.engine.alerts)

    before = asyncio.run(whole())
    journal = Journal.open(folder)
    snapshots = Snapshots(folder / "snapshots.db")
    after = recover(journal, snapshots)
    journal.close()
    snapshots.close()
    assert dict(after.engine.alerts) == before
    assert not after.problems


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
        outcomes: list[tuple[str, Outcome]] = []
        for text in ("in Ordnung", "half a pair: \ud800", "好的"):
            at.loop.ask(Asked(Note(alert.alert, text), Actor("li")), partial(lambda text, outcome: outcomes.append((text, outcome)), text))
        await at.until(lambda: len(outcomes) == 3)
        assert {text for text, outcome in outcomes if outcome.error is None} == {"in Ordnung", "好的"}

    live(tmp_path, story)


# --- a full disk -------------------------------------------------------------------------------------------------------------------


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


# --- floods ------------------------------------------------------------------------------------------------------------------------


def test_what_the_rights_forbid_is_shown_a_few_times_a_minute_and_counted_always(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        for number in range(5 * REFUSALS_A_MINUTE):
            at.loop.refuse("anju/v1/x", "kit", "no", b"{}", number)
        assert at.loop.waiting <= REFUSALS_A_MINUTE
        for number in range(3 * QUARANTINE_WAITING):
            at.loop.refuse("anju/v1/x", f"kit-{number}", "no", b"{}", number)
        assert at.loop.waiting <= QUARANTINE_WAITING
        assert at.loop.counters.quarantined == 5 * REFUSALS_A_MINUTE + 3 * QUARANTINE_WAITING
        await at.until(lambda: not at.loop.waiting)
        at.loop.refuse("anju/v1/x", "another", "no", b"{}", 2)
        await at.until(lambda: any(q.username == "another" for q in at.quarantined()))

    live(tmp_path, story)


def test_a_home_has_no_end_of_devices_and_still_a_call_of_a_new_one_is_taken(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        for number in range(DEVICES_MOST):
            at.says("h1", f"new-{number}", {"rssi": -50})
        await at.until(lambda: not at.loop.waiting)
        await at.hears("h1", "one-more", {"rssi": -50})
        assert "devices already" in at.quarantined()[-1].reason
        await at.hears("h1", "one-more", {"pull_cord": True})
        assert at.raised()[-1].device == "one-more"
        await at.hears("h1", "watch-h1", {"heart_rate": 70})
        assert at.quarantined()[-1].topic.endswith("one-more/report")

    live(tmp_path, story)


def test_what_comes_behind_a_hubs_list_is_read_by_it_while_the_list_waits_for_its_commit(tmp_path: Path) -> None:
    def listing(on: str) -> bytes:
        feature = {"type": "binary", "property": "water_leak", "access": 1, "value_on": on, "value_off": "FINE"}
        device = {"ieee_address": "0x00158d0000000001", "friendly_name": "k", "type": "EndDevice", "definition": {"exposes": [feature]}}
        return json.dumps([device]).encode()

    async def story(at: Service) -> None:
        base = f"anju/v1/{AREA}/h1/bridge/zigbee2mqtt/zigbee2mqtt"
        at.telemetry = False  # lists wait
        await at.passes(1)
        at.says("h1", "", {}, topic=f"{base}/bridge/devices", raw=listing("SOAKED"))
        await at.hears("h2", "cord-h2", {"pull_cord": True})  # a commit that has not got the list
        at.says("h1", "", {}, topic=f"{base}/k", raw=b'{"water_leak":"SOAKED"}')
        at.telemetry = True
        await at.until(lambda: any(r.category is Category.WATER for r in at.raised()))

    live(tmp_path, story)


def test_two_hubs_of_a_home_are_each_read_by_their_own_list(tmp_path: Path) -> None:
    def listing(name: str, on: str) -> bytes:
        feature = {"type": "binary", "property": "water_leak", "access": 1, "value_on": on, "value_off": "FINE"}
        address = "0x00158d0000000001" if on == "SOAKED" else "0x00158d0000000002"
        return json.dumps([{"ieee_address": address, "friendly_name": name, "definition": {"exposes": [feature]}}]).encode()

    async def story(at: Service) -> None:
        branch = f"anju/v1/{AREA}/{{}}/bridge/zigbee2mqtt"
        for home in ("h1", "h2"):
            at.says(home, "", {}, topic=f"{branch.format(home)}/upstairs/bridge/devices", raw=listing("k", "SOAKED"))
            at.says(home, "", {}, topic=f"{branch.format(home)}/downstairs/bridge/devices", raw=listing("k", "DRENCHED"))
        at.says("h1", "", {}, topic=f"{branch.format('h1')}/upstairs/k", raw=b'{"water_leak":"SOAKED"}')
        at.says("h2", "", {}, topic=f"{branch.format('h2')}/downstairs/k", raw=b'{"water_leak":"DRENCHED"}')
        await at.until(lambda: {r.home for r in at.raised() if r.category is Category.WATER} == {"h1", "h2"})

    live(tmp_path, story)


def test_a_call_that_comes_while_readings_are_decided_waits_for_a_piece_of_them_and_not_for_all(tmp_path: Path) -> None:
    async def story(service: Service) -> None:
        readings = [service.says("h1", "watch-h1", {"steps": number}, name=f"reading-{number}") for number in range(BATCH)]
        while service.loop.waiting == len(readings):
            await asyncio.sleep(0)
        assert service.loop.waiting, "all of them were decided without a look at anything else"
        service.says("h2", "cord-h2", {"pull_cord": True}, name="call")
        await service.until(lambda: set(readings) <= set(service.acknowledged))
        assert service.acknowledged.index("call") <= 2 * PIECE
        assert [said for said in service.acknowledged if said != "call"] == readings

    live(tmp_path, story)


def test_a_call_that_comes_while_readings_are_decided_is_committed_with_them_and_not_after_them(tmp_path: Path) -> None:
    async def story(service: Service) -> None:
        for number in range(BATCH):
            service.says("h1", "watch-h1", {"steps": number}, name=f"reading-{number}")
        while service.loop.waiting == BATCH:
            await asyncio.sleep(0)
        decided, committed = BATCH - service.loop.waiting, service.loop.counters.commits
        service.says("h2", "cord-h2", {"pull_cord": True}, name="call")
        await service.until(lambda: "call" in service.acknowledged)
        assert service.loop.counters.commits == committed + 1
        assert service.acknowledged.index("call") >= decided

    live(tmp_path, story)


def test_a_commit_has_about_a_mebibyte_however_much_waits(tmp_path: Path) -> None:
    async def story(at: Service) -> None:
        for number in range(60):
            values = json.dumps({"id": f"r{number}", "values": {"heart_rate": 70}, "more": "x" * 60_000})
            at.says("h1", "watch-h1", {}, name=f"r{number}", raw=values.encode())
        await at.until(lambda: len([e for e in at.entries if isinstance(e, Said)]) == 60)
        assert max(at.sizes) < 2 << 20

    live(tmp_path, story)
