"""A community under judgement, for stories of many homes at once: hubs that go away and come back, mains that fail, people who call."""

from datetime import datetime, timedelta
from typing import TypeVar

from alerting.alert import Alert
from alerting.commands import Asked, Command, RegisterArea, RegisterDevice, RegisterHome, RegisterPerson
from alerting.engine import Engine
from alerting.facts import Fact
from alerting.items import Item, Said, ServiceStarted
from alerting.rules import Ruleset
from alerting.snapshots import GLOBAL, decode_home
from alerting.terms import Actor
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, ModelId, Person, PersonId, Role
from devices.message import StatusHeard
from tests.household import DEFAULT, START, report

STREET, COMMUNITY, OTHER = AreaId("330106001"), AreaId("330106001001"), AreaId("330106001002")
_T = TypeVar("_T")


class Town:
    """A street with two communities. Homes of the first have a hub, a cord and a watch; every item is kept with its moment."""

    def __init__(self, homes: int, *, others: int = 0, ruleset: Ruleset = DEFAULT, building: int = 0, carrier: str = "") -> None:
        self.engine = Engine(ruleset)
        self.now = START
        self.journal: list[tuple[Item | Fact, datetime]] = []
        """Items and facts in the order in which they would be on disk."""
        self.facts: list[Fact] = []
        self.number = 0
        self.homes = [HomeId(f"h{n:03}") for n in range(homes)]
        self.others = [HomeId(f"o{n:03}") for n in range(others)]
        for area in (Area(STREET, "云栖街道"), Area(COMMUNITY, "安和社区", STREET), Area(OTHER, "永乐社区", STREET)):
            self.asks(RegisterArea(area))
        for number, home in enumerate((*self.homes, *self.others)):
            place = COMMUNITY if number < homes else OTHER
            in_building = f"{number // building + 1} 栋" if building else ""
            self.asks(RegisterHome(Home(home, place, f"{number + 1} 室", building=in_building, carrier=carrier)))
            self.asks(RegisterPerson(Person(PersonId(f"{home}-r"), home, Role.RESIDENT, "某某", birth_year=1940)))
            for model in ("hub", "cord", "watch"):
                self.asks(RegisterDevice(Device(DeviceId(f"{home}-{model}"), home, ModelId(model))))
        self.takes(ServiceStarted(None))
        self.live()

    def live(self) -> None:
        """Every device of every home that has not been cut off says that it is there."""
        for home in (*self.homes, *self.others):
            if self.engine.homes[home].away is None:
                for model in ("hub", "cord", "watch"):
                    self.says(home, model, rssi=-60)

    def area_of(self, home: HomeId) -> AreaId:
        record = self.engine.homes[home].record
        assert record is not None
        return record.area

    def says(self, home: HomeId, model: str, **values: bool | float) -> list[Fact]:
        self.number += 1
        return self.takes(report(f"{home}-{model}", self.now, f"r{self.number}", values, home=home))

    def hub(self, home: HomeId, *, online: bool) -> list[Fact]:
        area, device = self.area_of(home), DeviceId(f"{home}-hub")
        return self.takes(Said(StatusHeard(area, home, device, online, self.now), f"anju/v1/{area}/{home}/{device}/status", b"{}"))

    def asks(self, command: Command, by: str = "li") -> list[Fact]:
        return self.takes(Asked(command, Actor(by)))

    def takes(self, item: Item) -> list[Fact]:
        facts = self.engine.handle(item, self.now)
        self.journal.append((item, self.now))
        return self._kept(facts)

    def _kept(self, facts: list[Fact]) -> list[Fact]:
        self.journal += [(fact, self.now) for fact in facts]
        self.facts += facts
        return facts

    def waits(self, minutes: float, *, living: bool = True) -> list[Fact]:
        """Time passes; homes that can be heard go on saying that they are there."""
        before = len(self.facts)
        end = self.now + timedelta(minutes=minutes)
        while living and self.now + timedelta(minutes=1) <= end:
            self.now += timedelta(minutes=1)
            self._kept(self.engine.advance(self.now))
            self.live()
        self.now = end
        self._kept(self.engine.advance(self.now))
        return self.facts[before:]

    def areas(self) -> list[Alert]:
        """The alerts of areas, oldest first."""
        return [alert for alert in self.engine.alerts.values() if not alert.home]

    def of_homes(self) -> list[Alert]:
        return [alert for alert in self.engine.alerts.values() if alert.home and alert.open]


def of(type_: type[_T], facts: list[Fact]) -> list[_T]:
    return [fact for fact in facts if isinstance(fact, type_)]


def row(engine: Engine, key: str) -> object:
    """A row, without what means nothing there (`watched`), or is made anew by whoever reads it (`rules_since`)."""
    if key == GLOBAL:
        return engine.snapshot(key)
    _, home = decode_home(engine.snapshot(key))
    home.rules_since = None
    for device in home.devices.values():
        device.watched = False
    return home
