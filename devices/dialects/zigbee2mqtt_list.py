"""A hub's list of its devices (`bridge/devices`): who is who, what each exposes, in which words and units."""

import re
from collections.abc import Iterator

import msgspec

from devices.dialects.zigbee2mqtt_words import UNITS, Quantity, Source, hazard, is_call, meaning, of_a_bed, parts, quantity
from devices.home import DeviceId
from devices.message import Listed
from devices.observation import URGENT, DecodeError, Property

_ADDRESS = re.compile(r"0x[0-9a-f]{16}")
LISTED_MOST = 1000
"""Devices of one hub; Zigbee has 200 in its largest home, and 4 MiB of made-up ones would weigh on every snapshot of theirs."""
_PUBLISHED = 1
"""The bit of `access` that says: this is in the published state."""
_SETTABLE = 2
"""And that it can be set: then `alarm` is a siren's switch."""


class _Expose(msgspec.Struct, frozen=True):
    """One feature. `type` is binary, numeric, enum, text, composite, list, or a group such as light, with its own features."""

    type: str = ""
    property: str | None = None
    access: int = 0
    unit: str | None = None
    value_on: str | bool | int | float | None = None
    value_off: str | bool | int | float | None = None
    values: list[str | int | float | bool] = []
    features: list["_Expose"] = []


class _Definition(msgspec.Struct, frozen=True):
    vendor: str = ""
    model: str = ""
    description: str = ""
    exposes: list[msgspec.Raw] = []


class _Device(msgspec.Struct, frozen=True):
    ieee_address: str
    friendly_name: str
    type: str = ""
    definition: _Definition | None = None
    manufacturer: str | None = None
    model_id: str | None = None


_entries = msgspec.json.Decoder(list[msgspec.Raw])
_device = msgspec.json.Decoder(_Device)
_expose = msgspec.json.Decoder(_Expose)


def devices(payload: bytes) -> tuple[Listed, ...]:
    """Every device that the hub knows but itself. What cannot be read of one costs that one (or that feature) alone."""
    try:
        entries = _entries.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
        raise DecodeError("payload", f"not a list of devices: {wrong}"[:200]) from None
    found = []
    for entry in entries[:LISTED_MOST]:
        try:
            device = _device.decode(entry)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        if device.type != "Coordinator" and _ADDRESS.fullmatch(device.ieee_address):
            found.append(_listed(device))
    return tuple(found)


def _listed(device: _Device) -> Listed:
    definition = device.definition or _Definition()
    exposes: dict[Property, None] = {}  # a set that keeps its order
    values, units = [], []
    for feature in _features(definition):
        name = feature.property
        if not name or not feature.access & _PUBLISHED:
            continue
        if feature.type == "numeric":
            amount = quantity(name)
            alarm = meaning(name) if amount is None else None
            if alarm is not None and alarm.property is not Property.FAULT:
                units.append((name, feature.unit or ""))  # a reading by a detector's name: 1 %LEL of gas is no alarm
            if amount is None or not _convertible(amount, feature.unit):
                continue
            exposes[amount.property] = None
            if feature.unit:
                units.append((name, feature.unit))
            continue
        found = meaning(name)
        if found is None:
            continue
        if found.source is Source.ACTION:
            if any(is_call(str(v)) for v in feature.values):
                exposes[Property.SOS] = None
        elif feature.type == "binary" and found.source is not Source.HINT:  # the `state` of a lamp is no one's presence
            exposes[found.property] = None
            if isinstance(feature.value_on, str) and feature.value_off is not None:
                values.append((name, _text(feature.value_on), _text(feature.value_off)))
        elif feature.type == "enum" and found.yes & {word for v in feature.values for word in parts(str(v).lower())}:
            exposes[found.property] = None
    alarms = () if URGENT.intersection(exposes) or Property.WATER_LEAK in exposes else _alarms(definition)
    alarms += tuple((name, Property.BED_OCCUPIED) for name in _published(definition) if of_a_bed(name, definition.description))
    exposes.update(dict.fromkeys(prop for _, prop in alarms))
    return Listed(
        DeviceId(device.ieee_address),
        device.friendly_name,
        definition.vendor or device.manufacturer or "",
        definition.model or device.model_id or "",
        tuple(exposes),
        tuple(values),
        tuple(units),
        alarms,
    )


def _alarms(definition: _Definition) -> tuple[tuple[str, Property], ...]:
    """What a detector that says nothing but `alarm` is the detector of, by the sentence on its model."""
    found = []
    for feature in _features(definition):
        name, reads = feature.property or "", feature.access & (_PUBLISHED | _SETTABLE) == _PUBLISHED
        of = hazard(name, definition.description) if reads and feature.type in ("binary", "enum") else None
        if of is not None:
            found.append((name, of.property))
    return tuple(found)


def _published(definition: _Definition) -> list[str]:
    return [feature.property for feature in _features(definition) if feature.property and feature.access & _PUBLISHED]


def _convertible(amount: Quantity, unit: str | None) -> bool:
    if amount.property not in UNITS or not unit:
        return amount.certain
    return unit.strip().lower() in UNITS[amount.property]


def _features(definition: _Definition) -> Iterator[_Expose]:
    for raw in definition.exposes:
        try:
            feature = _expose.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        yield feature
        yield from feature.features


def _text(value: str | float) -> str:
    return msgspec.json.encode(value).decode()
