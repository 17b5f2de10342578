"""All the rules that Anju comes with at once, over a household with every sensor they read: what holds of time and of recovery."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.assembly import assemble
from alerting.commands import Asked, ChangeHome, ChangeParameters, Command, RegisterDevice
from alerting.engine import Engine
from alerting.facts import Fact
from alerting.home_rules import HomeRule
from alerting.items import Item, Said, ServiceStarted
from alerting.policy import EscalationFile
from alerting.rules import DispositionFile, RuleFile
from alerting.terms import Actor
from alerting.watching.kinds import KINDS
from config import DEFAULTS, load, load_all
from devices.catalog import Models
from devices.home import Device, DeviceId, Home, ModelId
from devices.observation import BOOLEANS, Property
from tests.household import AREA, HOME, START, Household, report
from tests.watching.stories import remembered, restored, rows

SHIPPED = assemble(
    load_all(DEFAULTS / "rules", RuleFile), load(DEFAULTS / "escalation.toml", EscalationFile),
    load(DEFAULTS / "dispositions.toml", DispositionFile), load(DEFAULTS / "models.toml", Models).model,
    channels={"shift_lead": ("hook",), "supervisor": ("hook", "mail")},
)  # fmt: skip
READ = sorted({property_ for rule in SHIPPED.rules if isinstance(rule, HomeRule) for property_ in rule.watches})
EDGES: dict[Property, Sequence[float]] = {
    Property.HEART_RATE: (38, 70, 112, 132), Property.SPO2: (88, 93, 97), Property.BODY_TEMPERATURE: (34.8, 36.6, 39.2),
    Property.SYSTOLIC: (88, 105, 130), Property.RESPIRATION_RATE: (7, 14, 22, 26), Property.WATER_USED: (5, 5.004, 5.7, 6.4),
    Property.ENERGY_USED: (10, 12, 19), Property.LATITUDE: (30.0, 30.004, 30.02), Property.LONGITUDE: (120.0, 120.02),
}  # fmt: skip
"""What each number may be: on both sides of every limit."""


class Happening(msgspec.Struct, frozen=True):
    at: int
    values: dict[str, bool | float]
    late: int


@st.composite
def days(draw: st.DrawFn) -> list[Happening]:
    """Up to two days of anything that a shipped rule for homes reads, and of calls and hazards."""
    span = draw(st.sampled_from([3600, 24 * 3600, 48 * 3600]))
    found = []
    for at in sorted(draw(st.sets(st.integers(0, span), min_size=3, max_size=24))):
        property_ = draw(st.sampled_from([*READ, Property.FALL, Property.SOS, Property.SMOKE, Property.CO_ALARM]))
        value = draw(st.booleans() if property_ in BOOLEANS else st.sampled_from(list(EDGES.get(property_, (1.0, 50.0)))))
        values: dict[str, bool | float] = {property_.value: value}
        if property_ in {Property.LATITUDE, Property.LONGITUDE}:
            values = {"latitude": draw(st.sampled_from([30.0, 30.004, 30.02])), "longitude": 120.0}
        found.append(Happening(at, values, draw(st.integers(0, 115))))
    return found


def home() -> Engine:
    """Where every shipped rule can speak: it stands somewhere, and its resident checks in and takes pills at set times."""
    engine = Household(SHIPPED).engine
    commands: list[Command] = [
        ChangeHome(Home(HOME, AREA, "12栋402", latitude=30.0, longitude=120.0)),
        RegisterDevice(Device(DeviceId("all"), HOME, ModelId("bench"), room="门厅", exposes=tuple(READ))),
        ChangeParameters(HOME, "check-in-missed", {"times": ("09:00",)}, "asked"),
        ChangeParameters(HOME, "medication-missed", {"times": ("08:00", "20:00")}, "asked"),
    ]
    for command in commands:
        engine.handle(Asked(command, Actor("li")), START)
    return engine


def arrivals(story: list[Happening]) -> list[tuple[datetime, Said]]:
    found = []
    for number, one in enumerate(story):
        made_at = START + timedelta(seconds=one.at)
        arrives = made_at + timedelta(seconds=one.late)
        found.append((arrives, report("all", made_at, f"n{number}", one.values, received_at=arrives)))
    return sorted(found, key=lambda each: each[0])


END = START + timedelta(hours=60)


def lived(engine: Engine, story: list[tuple[datetime, Said]], step: timedelta | None) -> list[Fact]:
    facts: list[Fact] = []
    for (moment, said), (following, _) in pairwise([*story, (END, None)]):
        assert said is not None
        facts += engine.handle(said, moment)
        while step is not None and (moment := moment + step) < following:
            facts += engine.advance(moment)
    return facts + engine.advance(END)


def test_every_kind_that_watches_homes_and_is_shipped_is_among_them() -> None:
    shipped = {type(rule) for rule in SHIPPED.rules if isinstance(rule, HomeRule)}
    assert len(shipped) >= 7
    assert shipped <= set(KINDS)
    assert {Property.OCCUPANCY, Property.BED_OCCUPIED, Property.WATER_USED, Property.CHECKED_IN, Property.HEART_RATE} <= set(READ)


@settings(max_examples=20, deadline=None)
@given(days())
def test_with_all_rules_one_leap_of_time_is_many_small_steps(story: list[Happening]) -> None:
    assert lived(home(), arrivals(story), None) == lived(home(), arrivals(story), timedelta(minutes=17, seconds=3))


@settings(max_examples=20, deadline=None)
@given(days(), st.data())
def test_with_all_rules_an_engine_from_rows_and_journal_of_any_moment_goes_on_alike(story: list[Happening], data: st.DataObject) -> None:
    said = arrivals(story)
    saved_at, crashed_at = sorted(data.draw(st.integers(0, len(said))) for _ in range(2))
    engine = home()
    for moment, one in said[:saved_at]:
        engine.handle(one, moment)
    saved = rows(engine)
    other = Engine(SHIPPED)
    for key, row in saved.items():
        other.restore(key, row)
    for moment, one in said[saved_at:crashed_at]:
        entries: list[Item | Fact] = [one, *engine.handle(one, moment)]
        for entry in entries:
            other.fold(entry, moment)
    now = said[crashed_at - 1][0] if crashed_at else START
    assert other.handle(ServiceStarted(None), now) == engine.handle(ServiceStarted(None), now)
    for moment, one in said[crashed_at:]:
        assert other.handle(one, moment) == engine.handle(one, moment)
    assert other.advance(END) == engine.advance(END)
    assert other.differences == 0
    assert remembered(other) == remembered(engine)
    assert remembered(restored(engine, SHIPPED)) == remembered(engine)
