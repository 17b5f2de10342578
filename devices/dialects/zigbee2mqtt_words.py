"""The names and words of Zigbee2MQTT's `exposes`, as kinds: what a foreign property means, whatever the model or vendor.

Thousands of models, but one converter library with habits: a binary has a plain name (`smoke`, `water_leak`), an IAS zone puts
`_alarm_1` behind it, an endpoint puts its place around it (`channel_3_leak_detect_17`, `water_leak_zone_2`, `mmwave_area1_occupancy`),
and an enum of the same matter ends in `_state` or `_status`. So a name is stripped of its places and looked up whole; a name
that only contains a known word (`force_smoke_alarm`, `smoke_alarm_silenced`, `water_leak_buzzer`) is a setting, and means nothing.
"""

import re
from enum import Enum
from functools import lru_cache

import msgspec

from devices.dialects.values import NO, YES
from devices.observation import Property

P = Property


class Source(Enum):
    """How a foreign value speaks."""

    STATEMENT = 1
    """A binary, and the last word on its property."""
    OPPOSITE = 2
    """A binary whose true means that our property is false: `contact`, `mains_power_connected`."""
    HINT = 3
    """An enum beside the matter: it counts only where the message holds no statement on the same property."""
    ACTION = 4


class Meaning(msgspec.Struct, frozen=True):
    property: Property
    source: Source
    yes: frozenset[str] = YES
    no: frozenset[str] = NO


QUIET = frozenset({
    "unknown", "detecting", "checking", "test", "testing", "self_test", "preheat", "preheating", "warming_up", "initializing",
    "silenced", "silence", "mute", "muted", "hush", "low_battery", "battery_low", "end_of_life", "fault", "error", "disabled", "others",
})  # fmt: skip
"""What a detector's enum says that is neither an alarm nor its absence."""

CALLS = frozenset({
    "emergency", "sos", "panic", "fire", "help", "medical", "alarm_sos", "sos_alarm", "panic_alarm", "emergency_alarm", "emergency_call",
})  # fmt: skip
"""Actions by which a person asks for help (ZCL IAS ACE: emergency, fire, panic).

No other press is one, and neither is a gadget's own `fall`: it means that the gadget was dropped.
"""

_WORDS: dict[Property, tuple[str, str]] = {
    P.SMOKE: ("smoke fire", ""),
    P.CO_ALARM: ("co carbon_monoxide", ""),
    P.GAS_ALARM: ("gas leak", ""),
    P.WATER_LEAK: ("leak leaking wet water flood", "dry"),
    P.SOS: ("sos emergency panic", ""),
    P.FALL: ("fall fallen fall_down maybe_fall maybe fell", "no_fall standing"),
    P.OCCUPANCY: (
        "presence present occupied motion move moving active peaceful static small large approaching departing movement "  # noqa: ISC004
        "small_movement large_movement",
        "absence absent unoccupied no_presence vacant nobody empty leave",
    ),
    P.CONTACT_OPEN: ("open opened tilted", "closed close"),
    P.TAMPER: ("tamper tampered", ""),
    P.BATTERY_LOW: (
        "low critical empty very_low battery_low exhausted",
        "medium middle high full usb battery_medium battery_high battery_full",
    ),
    P.VIBRATION: ("vibration", ""),
    P.MAINS_LOST: ("lost failure fault", ""),
}  # fmt: skip
"""What an enum or a worded binary of this property may say beside the common words: (yes, no)."""

_STATEMENTS: dict[Property, str] = {
    P.SMOKE: "smoke smoke_alarm smoke_detected smoke_detection fire fire_alarm",
    P.HEAT_ALARM: "heat heat_alarm heat_detected",
    P.CO_ALARM: "carbon_monoxide carbon_monoxide_alarm carbon_monoxide_detected co co_alarm co_detected",
    P.GAS_ALARM: "gas gas_alarm gas_leak gas_detected gas_leak_alarm combustible_gas combustible_gas_alarm",
    P.WATER_LEAK: (
        "water water_leak water_leak_alarm water_leak_detected water_leakage water_detected water_alarm leak leak_alarm leak_detect "
        "leak_detected leak_detection leakage flood flood_alarm flooding"
    ),
    P.SOS: "sos sos_alarm emergency emergency_alarm emergency_call panic panic_alarm sos_button panic_button emergency_button",
    P.FALL: "fall fall_detected fall_alarm fall_detection_alarm fall_down",
    P.OCCUPANCY: "occupancy occupied occupancy_alarm presence presence_detected motion motion_detected motion_alarm pir human_presence",
    P.CONTACT_OPEN: "contact_alarm",
    P.BED_OCCUPIED: "bed_occupied bed_occupancy",
    P.TAMPER: "tamper tamper_alarm tampered",
    P.BATTERY_LOW: "battery_low low_battery battery_low_alarm low_battery_alarm",
    P.MAINS_LOST: "mains_lost mains_fault ac_mains_fault power_failure",
    P.FAULT: "fault fault_alarm trouble end_of_life endoflife sensor_fault device_fault hardware_fault malfunction",
    P.TEST: "test testing test_in_progress",
    P.VIBRATION: "vibration vibration_alarm vibration_detected",
}
_OPPOSITES: dict[Property, str] = {
    P.CONTACT_OPEN: "contact",
    P.MAINS_LOST: "mains_power_connected mains_connected ac_connected",
}
_HINTS: dict[Property, str] = {
    P.OCCUPANCY: "state current_status movement human_motion presence_event",
    P.CONTACT_OPEN: "handle_position window door opening",
    P.BATTERY_LOW: "battery battery_level power_type",
    P.FAULT: "self_test self_test_result test_alarm_result halo_test_result",
}
"""Beside these, each statement's name with `_state` or `_status` behind it."""

_QUANTITIES: dict[Property, str] = {
    P.BATTERY: "battery",
    P.LINK_QUALITY: "linkquality link_quality",
    P.TEMPERATURE: "temperature local_temperature",
    P.HUMIDITY: "humidity",
    P.ILLUMINANCE: "illuminance illuminance_lux",
    P.CO: "co co_ppm co_value carbon_monoxide_value",
    P.GAS: "gas_value gas_density gas_concentration",
    P.SMOKE_DENSITY: "smoke_density_dbm smoke_density smoke_level",
    P.ENERGY_USED: "energy",
    P.WATER_USED: "water_consumed water_meter water_consumption volume",
    P.HEART_RATE: "heart_rate",
    P.RESPIRATION_RATE: "respiration_rate respiratory_rate breathing_rate breath_rate",
    P.BODY_TEMPERATURE: "body_temperature",
}

UNCERTAIN = frozenset({
    "gas_value", "gas_density", "gas_concentration", "smoke_density", "smoke_level", "water_consumed", "water_meter", "water_consumption",
    "volume",
})  # fmt: skip
"""Names that carry another unit at another vendor (`gas_value` is %LEL here and ppm there): taken only by the hub's own list."""

UNITS: dict[Property, dict[str, float]] = {
    P.GAS: {"lel": 1.0, "%lel": 1.0, "% lel": 1.0},
    P.SMOKE_DENSITY: {"db/m": 1.0},
    P.WATER_USED: {"m³": 1.0, "m3": 1.0, "l": 0.001},
    P.ENERGY_USED: {"kwh": 1.0, "wh": 0.001},
}
"""What to multiply by, for a unit as the hub lists it; a unit that is not here cannot be converted."""


def _own(prop: Property) -> tuple[frozenset[str], frozenset[str]]:
    yes, no = _WORDS.get(prop, ("", ""))
    return frozenset(yes.split()), frozenset(no.split())


def _table(source: Source, names: dict[Property, str], suffixes: tuple[str, ...] = ("",)) -> dict[str, Meaning]:
    table = {}
    for prop, row in names.items():
        yes, no = _own(prop)
        if source is Source.HINT:  # its own words only: `state: "ON"` is a lamp, not a person
            no |= {"none", "normal", "clear", "no", "false", "ok", "idle"}
            yes |= {"alarm", "detected", "triggered"}
        else:
            yes, no = yes | YES, no | NO
        for name in row.split():
            for suffix in suffixes:
                table[name + suffix] = Meaning(prop, source, yes, no)
    return table


_SELF_TEST = Meaning(P.FAULT, Source.HINT, frozenset({"check_failure", "failure", "failed", "fail"}), frozenset())
"""A self-test that failed is a fault. One that passed, or runs, is not the news that there is none."""

_BOOLEANS: dict[str, Meaning] = (
    _table(Source.HINT, _STATEMENTS, ("_state", "_status"))
    | _table(Source.HINT, _HINTS, ("", "_state", "_status"))
    | dict.fromkeys(_HINTS[P.FAULT].split(), _SELF_TEST)
    | _table(Source.STATEMENT, _STATEMENTS)
    | _table(Source.OPPOSITE, _OPPOSITES)
)
_NUMBERS = {name: prop for prop, row in _QUANTITIES.items() for name in row.split()}
_ACTION = Meaning(P.SOS, Source.ACTION)

_PLACE = re.compile(
    r"(?:channel|ch|input|zone|wire|area|line|port|endpoint|ep|probe|l)?\d+|channel|input|zones?|wire|area|line|port|endpoint|probe"
    r"|both|any|left|right|top|bottom|center|mmwave|wired|wireless|external",
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _bare(name: str) -> str:
    """`channel_3_leak_detect_17` -> `leak_detect`, `active_water_leak` -> `water_leak`."""
    words = [w for w in _CAMEL.sub("_", name).lower().split("_") if w and not _PLACE.fullmatch(w)]
    return "_".join(words[1:] if words[:1] == ["active"] else words)


@lru_cache(maxsize=4096)
def meaning(name: str) -> Meaning | None:
    """What a foreign property says when its value is a boolean or a word; None: nothing to us."""
    if name in ("action", "click"):
        return _ACTION
    return _BOOLEANS.get(name) or _BOOLEANS.get(_bare(name))


class Quantity(msgspec.Struct, frozen=True):
    property: Property
    exact: bool
    """By its plain name, not one of several inputs or endpoints."""
    certain: bool
    """The name has one unit throughout the library."""


@lru_cache(maxsize=4096)
def quantity(name: str) -> Quantity | None:
    """What a foreign property measures when its value is a number."""
    bare = name if name in _NUMBERS else _bare(name)
    prop = _NUMBERS.get(bare)
    return Quantity(prop, bare == name, bare not in UNCERTAIN) if prop else None


@lru_cache(maxsize=4096)
def is_call(action: str) -> bool:
    """Whether an `action` is a person asking for help, on whatever endpoint (`emergency`, `sos_1`, `1_panic`)."""
    return _bare(action) in CALLS
