"""Anju is down for three hours while people live on and their hubs keep what they hear; then it is back, and the past arrives.

Virtual time, real everything else: payloads as they come over the wire, the journal, the snapshots, the recovery.
"""

import random
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from alerting.commands import Asked, Command, RegisterArea, RegisterDevice, RegisterHome, RegisterPerson
from alerting.facts import AlertRaised, AlertWorsened, Fact
from alerting.heard_facts import DeviceSilent, HubLost
from alerting.items import Configured, Item, Said, ServiceStarted
from alerting.terms import Actor, Category
from devices.decode import decode
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, ModelId, Person, PersonId, Role
from devices.message import NO_DIRECTORY, Heard
from gateway.recovery import recover
from gateway.store.entry import Entry, Stamp, encode
from gateway.store.folder import Layout
from gateway.store.journal import Journal
from gateway.store.snapshots import Snapshots
from tests.household import START, of
from tests.web_alarm import ruleset

AREA = AreaId("330106001001")
MORNING = START + timedelta(hours=5)
"""08:00 in the county."""
DOWN, BACK = MORNING + timedelta(hours=4), MORNING + timedelta(hours=7)
MODELS = {"hub": "anju-hub-1", "motion": "anju-motion-1", "gas": "anju-gas-1", "cord": "anju-cord-1"}


class County:
    """Homes whose residents move about; hubs that keep what they cannot deliver. `stays_away`: one whose hub dies in those hours."""

    def __init__(self, folder: Path, homes: int) -> None:
        self.folder = folder
        self.homes = [HomeId(f"h{n:04}") for n in range(homes)]
        self.stays_away = self.homes[-1]
        self.lies: HomeId | None = None
        """Whoever lives here has fallen, and does not get up."""
        self.chance = random.Random(homes)
        self.facts: list[Fact] = []
        self.now = MORNING
        self.number = 0
        folder.mkdir()
        self.open()
        self.take(Configured(ruleset()))
        self.take(ServiceStarted(None))
        commands: list[Command] = [RegisterArea(Area(AREA, "安和社区"))]
        for home in self.homes:
            commands.append(RegisterHome(Home(home, AREA, home)))
            commands.append(RegisterPerson(Person(PersonId(f"{home}-r"), home, Role.RESIDENT, "某某")))
            commands += [RegisterDevice(Device(DeviceId(f"{home}-{kind}"), home, ModelId(MODELS[kind]))) for kind in MODELS]
        self.take(*(Asked(command, Actor("installer")) for command in commands))

    def open(self) -> None:
        self.journal = Journal.open(self.folder)
        self.snapshots = Snapshots(Layout(self.folder).snapshots)
        recovered = recover(self.journal, self.snapshots)
        assert recovered.problems == []
        self.engine = recovered.engine
        self.roller = recovered.roller

    def crash(self) -> None:
        self.journal.close()
        self.snapshots.close()

    def take(self, *items: Item) -> list[Fact]:
        """One commit; the facts are on disk when this returns."""
        entries: list[Entry] = list(self.engine.advance(self.now))
        facts: list[Fact] = [*entries]  # type: ignore[list-item]  # facts are all there is so far
        for item in items:
            decided = self.engine.handle(item, self.now)
            entries += [item, *decided]
            facts += decided
        if entries:
            first = self.journal.commit(Stamp(self.now, self.now, 0.0, "boot"), encode(entries), len(entries))
            self.roller.committed(first, self.journal.last_seq)
            self.roller.write(self.roller.pick(self.journal.last_seq))
        self.facts += facts
        return facts

    def said(self, home: HomeId, kind: str, at: datetime, received_at: datetime, **values: object) -> Said:
        self.number += 1
        topic = f"anju/v1/{AREA}/{home}/{home}-{kind}/report"
        payload = msgspec.json.encode({"id": f"r{self.number}", "at": at.isoformat(), "values": values})
        message = decode(topic, payload, received_at, NO_DIRECTORY)
        assert isinstance(message, Heard)
        return Said(message, topic, payload)

    def lives(self, home: HomeId, at: datetime) -> list[tuple[str, datetime, dict[str, object]]]:
        """What happens in a home within five minutes: its hub is there, somebody moves now and then."""
        happened: list[tuple[str, datetime, dict[str, object]]] = [("hub", at, {"rssi": -60})]
        if home != self.lies and self.chance.random() < 0.35:
            moved = at + timedelta(seconds=self.chance.randrange(240))
            happened += [("motion", moved, {"occupancy": True}), ("motion", moved + timedelta(seconds=50), {"occupancy": False})]
        if at.minute % 30 < 5:
            happened.append(("gas", at, {"gas": 0}))
        return happened

    def live(self, until: datetime) -> None:
        """Everybody is heard as it happens."""
        while self.now < until:
            begin = self.now
            self.now += timedelta(minutes=5)
            there = [home for home in self.homes if home != self.stays_away or begin < DOWN]
            said = [self.said(home, kind, at, max(at, begin), **values) for home in there for kind, at, values in self.lives(home, begin)]
            self.take(*said)


def three_hours(folder: Path, homes: int) -> County:
    county = County(folder, homes)
    county.live(DOWN)
    assert of(AlertRaised, county.facts) == []
    county.crash()

    queues = {home: [] for home in county.homes}  # type: dict[HomeId, list[tuple[str, datetime, dict[str, object]]]]
    at = DOWN
    while at < BACK:
        for home in county.homes[:-1]:
            queues[home] += county.lives(home, at)
        at += timedelta(minutes=5)
    callers = county.homes[: homes // 4]
    for number, home in enumerate(callers):
        queues[home].append(("cord", DOWN + timedelta(minutes=5 + number * 170 / len(callers)), {"pull_cord": True}))

    fell = county.lies = county.homes[-2]
    floor = DOWN + timedelta(minutes=100)
    queues[fell] = [one for one in queues[fell] if one[0] != "motion" or one[1] < floor] + [("motion", floor, {"fall": True})]

    county.now = BACK
    county.open()
    county.facts.clear()
    county.take(ServiceStarted(DOWN))
    waiting = [sorted(queue, key=lambda one: one[1]) for queue in queues.values()]
    keys = list(queues)
    for second in range(100):  # hubs come back one after the other, each says its past in order, faster than it happened
        county.now = BACK + timedelta(seconds=second)
        arrived = []
        for number, queue in enumerate(waiting):
            if second >= number % 80:
                arrived += [county.said(keys[number], kind, at, county.now, **values) for kind, at, values in queue[:9]]
                del queue[:9]
        county.take(*arrived)
    assert not any(waiting)
    called = {home: DOWN + timedelta(minutes=5 + number * 170 / len(callers)) for number, home in enumerate(callers)}
    calls = [raised for raised in of(AlertRaised, county.facts) if raised.category is Category.CALL_FOR_HELP]
    assert {raised.home: raised.evidence[0].at for raised in calls} == called, "every call, with its true time"
    assert len(calls) == len(called)
    (fall,) = [raised for raised in of(AlertRaised, county.facts) if raised.category is Category.FALL and raised.rule == "fall"]
    assert (fall.home, fall.evidence[0].at) == (fell, floor)
    assert all(raised.at == raised.evidence[0].received_at for raised in (*calls, fall)), "at once"
    county.now = BACK + timedelta(minutes=5)
    county.take()
    county.live(BACK + timedelta(hours=2))
    return county


def nothing_false(county: County) -> None:
    """Nobody is said to be silent or not to move but the one whose hub is dead; and that one is found."""
    others = [raised for raised in of(AlertRaised, county.facts) if raised.category not in (Category.CALL_FOR_HELP, Category.FALL)]
    assert [(raised.home, raised.rule) for raised in others] == [(county.stays_away, "hub-silent")]
    assert [silent.device for silent in of(DeviceSilent, county.facts)] == [f"{county.stays_away}-hub"]
    (still,) = [fact for fact in of(AlertWorsened, county.facts) if fact.key == "fall-no-movement"]
    assert (still.home, still.at) == (county.lies, BACK + timedelta(minutes=19)), "two to settle, a quarter of an hour, the lateness"
    (lost,) = of(HubLost, county.facts)
    assert lost.since < DOWN
    assert lost.at == BACK + timedelta(minutes=2) + timedelta(minutes=11) - (DOWN - lost.since)
    county.crash()


def test_back_after_three_hours_nobody_is_said_to_be_silent_and_every_call_of_those_hours_is_raised(tmp_path: Path) -> None:
    nothing_false(three_hours(tmp_path / "data", 20))


@pytest.mark.long
def test_back_after_three_hours_with_a_thousand_homes(tmp_path: Path) -> None:
    nothing_false(three_hours(tmp_path / "data", 1_000))
