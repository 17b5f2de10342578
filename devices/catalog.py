"""Every device model as one record: vendor, name, what it exposes, how often it must be heard. No class per device.

Also the one place that knows which dialects there are, so that adding one touches nothing else.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from devices.dialects import anju, values, zigbee2mqtt
from devices.home import Device, ModelId
from devices.message import Directory, Message
from devices.observation import CALLS, HAZARDS, Property
from devices.topic import ID, BridgeTopic, Channel

native = anju.decode
salvage = anju.salvage
"""What comes in on a device's own topics."""

WIRE: dict[Channel, type[msgspec.Struct]] = {
    Channel.REPORT: anju.ReportWire,
    Channel.ALARM: anju.ReportWire,
    Channel.STATUS: anju.StatusWire,
    Channel.REPLY: anju.ReplyWire,
}
"""What a device's own topics carry, as the types that read it: for whoever writes the contract down."""
BOUNDS = values.BOUNDS

DIALECTS: dict[str, Callable[[BridgeTopic, bytes, datetime, Directory], Message]] = {
    zigbee2mqtt.DIALECT: zigbee2mqtt.decode,
}
"""What may stand behind `bridge/`."""

BRIDGED_HEARTBEAT = timedelta(hours=25)
"""For a bridged device of no known model: Zigbee2MQTT's own time-out for one that sleeps (`availability.passive`, 1,500 minutes)."""

_WATCHED = CALLS | HAZARDS | {Property.WATER_LEAK, Property.OCCUPANCY, Property.CONTACT_OPEN, Property.BED_OCCUPIED, Property.BATTERY}


class Kind(StrEnum):
    PULL_CORD = "pull_cord"
    PENDANT = "pendant"
    SMOKE = "smoke"
    CO = "co"
    GAS = "gas"
    WATER = "water"
    DOOR = "door"
    MOTION = "motion"
    FALL = "fall"
    WATCH = "watch"
    BED = "bed"
    METER = "meter"
    HUB = "hub"
    SIREN = "siren"
    OTHER = "other"


NEEDS: dict[Kind, frozenset[Property]] = {
    Kind.PULL_CORD: frozenset({Property.PULL_CORD}),
    Kind.PENDANT: frozenset({Property.SOS}),
    Kind.SMOKE: frozenset({Property.SMOKE, Property.TEST}),
    Kind.CO: frozenset({Property.CO_ALARM, Property.TEST}),
    Kind.GAS: frozenset({Property.GAS_ALARM}),
    Kind.WATER: frozenset({Property.WATER_LEAK}),
    Kind.DOOR: frozenset({Property.CONTACT_OPEN}),
    Kind.MOTION: frozenset({Property.OCCUPANCY}),
    Kind.FALL: frozenset({Property.FALL}),
    Kind.WATCH: frozenset({Property.SOS, Property.HEART_RATE}),
    Kind.BED: frozenset({Property.BED_OCCUPIED}),
    Kind.METER: frozenset({Property.WATER_USED}),
    Kind.HUB: frozenset({Property.MAINS_LOST}),
    Kind.SIREN: frozenset(),
    Kind.OTHER: frozenset(),
}
"""What a model must expose to be of a kind."""


class Model(msgspec.Struct, frozen=True):
    """`heartbeat`: the longest a sound device of this model stays quiet; None where the model promises nothing."""

    id: ModelId
    vendor: str
    name: str
    name_en: str
    kind: Kind
    exposes: tuple[Property, ...]
    dialect: str = "anju"
    heartbeat: timedelta | None = None
    speaks: bool = False
    """It has a voice or a screen: it takes `command: prompt`."""


class Models(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`config/models.toml`: one `[[model]]` table each."""

    model: tuple[Model, ...] = ()


class Catalog:
    """The models by id. Nothing in it changes."""

    def __init__(self, models: Iterable[Model] = ()) -> None:
        self._models = {m.id: m for m in models}

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def __contains__(self, model: ModelId) -> bool:
        return model in self._models

    def get(self, model: ModelId) -> Model:
        """The record, or for a model that nobody wrote down one that promises nothing and exposes nothing."""
        return self._models.get(model) or Model(model, vendor="", name=model, name_en=model, kind=Kind.OTHER, exposes=())

    def exposes(self, device: Device) -> tuple[Property, ...]:
        """What the device may say: as its hub or its registration lists it, else as its model does."""
        return device.exposes or self.get(device.model).exposes

    def heartbeat(self, device: Device) -> timedelta | None:
        """How long it may be quiet. A bridged device of no known model is given a day and an hour when anything depends on it."""
        if device.model in self._models:
            return self._models[device.model].heartbeat
        return BRIDGED_HEARTBEAT if device.dialect in DIALECTS and _WATCHED & set(device.exposes) else None


_SPACES = re.compile(r"\A\s|\s\Z|\A\Z")


def lint(models: Iterable[Model]) -> list[str]:
    """What is wrong with a catalogue as a whole, a sentence each; none when it is sound."""
    models = tuple(models)
    wrong = [f"{model}: listed {count} times" for model, count in Counter(m.id for m in models).items() if count > 1]
    for m in models:
        if not ID.match(m.id):
            wrong.append(f"{m.id}: an id is 1 to 64 of A-Z a-z 0-9 _ -")
        wrong += [f"{m.id}: {field} is empty or has spaces around it" for field, text in (
            ("vendor", m.vendor), ("name", m.name), ("name_en", m.name_en),
        ) if _SPACES.search(text)]  # fmt: skip
        if not m.name_en.isascii():
            wrong.append(f"{m.id}: name_en is not English")
        if m.dialect != "anju" and m.dialect not in DIALECTS:
            wrong.append(f"{m.id}: no dialect is called {m.dialect}")
        wrong += [f"{m.id}: a {m.kind} exposes {prop}" for prop in sorted(NEEDS[m.kind] - set(m.exposes))]
        wrong += [f"{m.id}: exposes {prop} twice" for prop, count in Counter(m.exposes).items() if count > 1]
        if m.heartbeat is None and m.kind is not Kind.OTHER:
            wrong.append(f"{m.id}: a {m.kind} needs a heartbeat, or nobody notices that it is dead")
        if m.heartbeat is not None and not timedelta(minutes=1) <= m.heartbeat <= timedelta(days=7):
            wrong.append(f"{m.id}: a heartbeat lies between a minute and a week")
        if Property.BATTERY in m.exposes and Property.BATTERY_LOW not in m.exposes:
            wrong.append(f"{m.id}: what runs on a battery says battery_low")
    return wrong
