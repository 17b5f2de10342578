"""One home under judgement, for stories of the engine: what its devices say, what people ask, and time passing."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from alerting.alert import Alert
from alerting.assembly import assemble
from alerting.commands import Asked, Command, RegisterArea, RegisterDevice, RegisterHome, RegisterPerson
from alerting.engine import Engine
from alerting.facts import Fact
from alerting.items import Said, ServiceStarted
from alerting.policy import EscalationFile
from alerting.rules import DispositionFile, RuleFile, Ruleset
from alerting.terms import Actor, Category
from config import DEFAULTS, load, load_all
from devices.catalog import Kind, Model
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, ModelId, Person, PersonId, Role
from devices.message import Heard, StatusHeard
from devices.observation import CALLS, Manner, Observation, Property, Report, ReportId

AREA = AreaId("330106001")
HOME = HomeId("h402")
START = datetime(2026, 11, 21, 19, 0, tzinfo=UTC)
"""03:00 at night in China."""

MODELS = (
    Model(ModelId("cord"), "Test", "拉绳", "cord", Kind.PULL_CORD, (Property.PULL_CORD, Property.BATTERY), heartbeat=timedelta(hours=24)),
    Model(ModelId("smoke"), "Test", "烟感", "smoke", Kind.SMOKE, (Property.SMOKE, Property.TEST), heartbeat=timedelta(hours=24)),
    Model(ModelId("watch"), "Test", "手表", "watch", Kind.WATCH, (Property.SOS, Property.HEART_RATE), heartbeat=timedelta(minutes=10)),
    Model(ModelId("hub"), "Test", "网关", "hub", Kind.HUB, (Property.MAINS_LOST,), heartbeat=timedelta(minutes=2)),
)

_F = TypeVar("_F")


def default_ruleset(**channels: tuple[str, ...]) -> Ruleset:
    """The rules that Anju comes with."""
    return assemble(
        load_all(DEFAULTS / "rules", RuleFile),
        load(DEFAULTS / "escalation.toml", EscalationFile),
        load(DEFAULTS / "dispositions.toml", DispositionFile),
        MODELS,
        channels=channels or {"shift_lead": ("hook",), "supervisor": ("hook", "mail")},
    )


DEFAULT = default_ruleset()


def report(
    device: str, at: datetime, number: str, values: Mapping[str, bool | float], *, received_at: datetime | None = None,
    manner: Manner | None = None, suspect: bool = False, dialect: str = "anju", home: str = HOME,
) -> Said:  # fmt: skip
    """A device's report; calls are events and everything else a state unless `manner` says otherwise."""
    observations = tuple(
        Observation(Property(name), value, manner if manner is not None else Manner.EVENT if name in CALLS else Manner.STATE)
        for name, value in values.items()
    )
    read = Report(ReportId(number), at, received_at or at, observations, clock_suspect=suspect)
    return Said(Heard(AREA, HomeId(home), DeviceId(device), read, dialect=dialect), f"anju/v1/{AREA}/{home}/{device}/report", b"{}")


class Household:
    """A home with a cord in the bedroom, one in the bathroom, a smoke detector in the kitchen, a watch and a hub."""

    def __init__(self, ruleset: Ruleset = DEFAULT) -> None:
        self.engine = Engine(ruleset)
        self.now = START
        self.number = 0
        self.facts: list[Fact] = []
        self.registration: tuple[Command, ...] = (
            RegisterArea(Area(AREA, "翠苑街道")),
            RegisterHome(Home(HOME, AREA, "12栋402")),
            RegisterPerson(Person(PersonId("p1"), HOME, Role.RESIDENT, "王桂芳")),
            *(
                RegisterDevice(Device(DeviceId(id_), HOME, ModelId(model), room=room))
                for id_, model, room in (
                    ("cord", "cord", "卧室"), ("bath", "cord", "卫生间"), ("smoke", "smoke", "厨房"),
                    ("watch", "watch", ""), ("hub", "hub", ""),
                )
            ),
        )  # fmt: skip
        for command in self.registration:
            self.asks(command)

    def says(self, device: str, *, id_: str = "", manner: Manner | None = None, **values: bool | float) -> list[Fact]:
        self.number += 1
        return self.takes(report(device, self.now, id_ or f"r{self.number}", values, manner=manner))

    def takes(self, said: Said) -> list[Fact]:
        return self._kept(self.engine.handle(said, self.now))

    def status(self, device: str, *, online: bool) -> list[Fact]:
        message = StatusHeard(AREA, HOME, DeviceId(device), online, self.now)
        return self.takes(Said(message, f"anju/v1/{AREA}/{HOME}/{device}/status", b"{}"))

    def asks(self, command: Command, by: str = "li", key: str = "") -> list[Fact]:
        return self._kept(self.engine.handle(Asked(command, Actor(by), key), self.now))

    def starts(self, deaf_since: datetime | None) -> list[Fact]:
        return self._kept(self.engine.handle(ServiceStarted(deaf_since), self.now))

    def waits(self, seconds: float) -> list[Fact]:
        self.now += timedelta(seconds=seconds)
        return self._kept(self.engine.advance(self.now))

    def alert(self, category: Category) -> Alert:
        """The latest alert of a category."""
        return [a for a in self.engine.alerts.values() if a.category == category][-1]

    def open(self) -> list[Alert]:
        return [a for a in self.engine.alerts.values() if a.open]

    def _kept(self, facts: list[Fact]) -> list[Fact]:
        self.facts += facts
        return facts


def of(type_: type[_F], facts: list[Fact]) -> list[_F]:
    return [fact for fact in facts if isinstance(fact, type_)]
