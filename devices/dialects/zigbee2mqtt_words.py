"""The names and words of Zigbee2MQTT's `exposes`, as kinds: what a foreign property means, whatever the model or vendor.

Thousands of models, but one converter library with habits: a binary has a plain name (`smoke`, `water_leak`), an IAS zone puts
`_alarm_1` behind it, an endpoint puts its place around it (`channel_3_leak_detect_17`, `water_leak_zone_2`, `mmwave_area1_occupancy`),
and an enum of the same matter ends in `_state` or `_status`. So a name is stripped of its places and looked up whole; a name
that only contains a known word (`force_smoke_alarm`, `smoke_alarm_silenced`, `water_leak_buzzer`) is a setting, and means nothing.
What a detector says by `alarm` alone is told by what it is: the hub's list has a sentence on each model (`hazard`).
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
    STATE = 5
    """A hint by the statement's own name (`smoke_state`, `fall_status`): it may be a boolean, and a strange word is in doubt an alarm."""
    ACTION = 4


class Meaning(msgspec.Struct, frozen=True):
    property: Property
    source: Source
    yes: frozenset[str] = YES
    no: frozenset[str] = NO


QUIET = frozenset({
    "unknown", "detecting", "checking", "test", "testing", "self_test", "preheat", "preheating", "warming_up", "initializing",
    "silenced", "silence", "mute", "muted", "hush", "low_battery", "battery_low", "end_of_life", "fault", "error", "disabled", "others",
    "tamper", "timer", "battery_alarm",
})  # fmt: skip
"""What a detector's enum says that is neither an alarm nor its absence."""

CALLS = frozenset({
    "emergency", "sos", "panic", "fire", "help", "medical", "alarm_sos", "sos_alarm", "panic_alarm", "emergency_alarm", "emergency_call",
})  # fmt: skip
"""Actions by which a person asks for help (ZCL IAS ACE: emergency, fire, panic).

No other press is one, and neither is a gadget's own `fall`: it means that the gadget was dropped.
"""

_WORDS: dict[Property, tuple[str, str]] = {
    P.SMOKE: ("smoke fire", "no_smoke"),
    P.HEAT_ALARM: ("high_temperature high_temperatur overheat", ""),
    P.CO_ALARM: ("co carbon_monoxide", "no_co"),
    P.GAS_ALARM: ("gas leak", "no_gas no_leak"),
    P.WATER_LEAK: (
        "leak leaking leakage wet water flood water_leak water_leakage water_leakage_yes",
        "dry no_water no_leak water_leakage_no normal_state water_shortage fail_safe",
    ),
    P.SOS: ("sos emergency panic", ""),
    P.FALL: ("fall fallen falling fall_down fall_alarm fall_warning fall_detected maybe_fall maybe fell", "no_fall standing"),
    P.OCCUPANCY: (
        (
            "presence present occupied motion move moving active peaceful static stationary small medium large near far approaching "
            "departing movement small_movement large_movement"
        ),
        "absence absent unoccupied no_presence vacant nobody empty leave",
    ),
    P.CONTACT_OPEN: ("open opened tilted", "closed close"),
    P.BED_OCCUPIED: ("sit sedentary occupied presence", "none vacant unoccupied leave"),
    P.TAMPER: ("tamper tampered", ""),
    P.BATTERY_LOW: (
        "low critical empty very_low battery_low exhausted",
        "medium middle high full usb battery_medium battery_high battery_full",
    ),
    P.VIBRATION: ("vibration", ""),
    P.MAINS_LOST: ("lost failure fault outage_detected", "power_ok"),
    P.FAULT: ("fault error end_of_life battery_alarm tamper", "no_fault no_error"),
}  # fmt: skip
"""What an enum or a worded binary of this property may say beside the common words: (yes, no)."""

_STATEMENTS: dict[Property, str] = {
    P.SMOKE: "smoke smoke_alarm smoke_detected smoke_detection smoke_sensor fire fire_alarm",
    P.HEAT_ALARM: "heat heat_alarm heat_detected high_temperature",
    P.CO_ALARM: "carbon_monoxide carbon_monoxide_alarm carbon_monoxide_detected co co_alarm co_detected co_sensor",
    P.GAS_ALARM: "gas gas_alarm gas_leak gas_detected gas_leak_alarm combustible_gas combustible_gas_alarm gas_sensor",
    P.WATER_LEAK: (
        "water water_leak water_leak_alarm water_leak_detected water_leakage water_detected water_alarm leak leak_alarm leak_detect "
        "leak_detected leak_detection leakage flood flood_alarm flooding water_sensor water_condition_alarm"
    ),
    P.SOS: "sos sos_alarm emergency emergency_alarm emergency_call panic panic_alarm sos_button panic_button emergency_button",
    P.FALL: "fall fall_detected fall_alarm fall_detection_alarm fall_down",
    P.OCCUPANCY: (
        "occupancy occupied occupancy_alarm presence presence_detected motion motion_detected motion_alarm pir human_presence "
        "occupancy_in occupancy_out occupancy_or occupancy_and motion_up motion_down"
    ),
    P.CONTACT_OPEN: "contact_alarm",
    P.BED_OCCUPIED: "bed_occupied bed_occupancy",
    P.TAMPER: "tamper tamper_alarm tampered",
    P.BATTERY_LOW: "battery_low low_battery battery_low_alarm low_battery_alarm",
    P.MAINS_LOST: "mains_lost mains_fault ac_mains_fault ac_status power_failure power_outage",
    P.FAULT: "fault fault_alarm trouble end_of_life endoflife sensor_fault device_fault hardware_fault battery_defect malfunction",
    P.TEST: "test testing test_in_progress",
    P.VIBRATION: "vibration vibration_alarm vibration_detected",
}
_OPPOSITES: dict[Property, str] = {
    P.CONTACT_OPEN: "contact garage_door_contact",
    P.MAINS_LOST: "mains_power_connected mains_connected ac_connected",
}
_HINTS: dict[Property, str] = {
    P.WATER_LEAK: "current_device valve_abnormal",
    P.OCCUPANCY: "state current_status movement human_motion presence_event",
    P.CONTACT_OPEN: "handle_position window door opening",
    P.BED_OCCUPIED: "pressure_state",
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
        if source in (Source.HINT, Source.STATE):  # its own words only: `state: "ON"` is a lamp, not a person
            no |= {"none", "normal", "clear", "no", "false", "ok", "idle"}
            yes |= {"alarm", "detected", "triggered"}
        else:
            yes, no = yes | YES, no | NO
        for name in row.split():
            for suffix in suffixes:
                table[name + suffix] = Meaning(prop, source, yes, no)
    return table


_SELF_TEST = Meaning(
    P.FAULT, Source.HINT,
    frozenset({
        "check_failure", "failure", "failed", "fail", "fail_ion", "fail_photo", "fail_co", "fail_temperature", "fail_other",
        "comm_fault", "radar_fault", "sensor_fault",
    }),
    frozenset(),
)  # fmt: skip
"""A self-test that failed is a fault. One that passed, or runs, is not the news that there is none."""
_POSTURE = Meaning(
    P.FALL, Source.HINT, frozenset({"falling", "fallen", "fall"}),
    frozenset({"unoccupied", "occupied", "sitting", "on_the_bed", "low_posture", "standing"}),
)  # fmt: skip
"""A radar that tells how somebody is, under a name as plain as `status` (OWON FDS315)."""

_BOOLEANS: dict[str, Meaning] = (
    {"status": _POSTURE}
    | _table(Source.STATE, _STATEMENTS, ("_state", "_status"))
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
_JOINED = re.compile(r"[,;&|+]")
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


_GENERIC = frozenset({"alarm", "alarm_state", "alarm_status"})
_SENTENCES = (
    (P.FALL, re.compile(r"\bfall(s|ing)?\b.*\b(detect|sensor|alarm)", re.IGNORECASE)),
    (P.SMOKE, re.compile(r"\b(smoke|fire)\b", re.IGNORECASE)),
    (P.HEAT_ALARM, re.compile(r"\b(heat (alarm|detector|sensor)|stove guard)", re.IGNORECASE)),
    (P.CO_ALARM, re.compile(r"\b(carbon monoxide|CO (alarm|detector|sensor))", re.IGNORECASE)),
    (P.GAS_ALARM, re.compile(r"\bgas\b.*\b(alarm|detector|sensor|leak)", re.IGNORECASE)),
    (P.SOS, re.compile(r"\b(sos|panic|emergency)\b", re.IGNORECASE)),
    (P.WATER_LEAK, re.compile(r"\b(water|leak\w*|flood\w*)\b.*\b(alarm|detector|sensor|leak\w*)", re.IGNORECASE)),
)


def hazard(name: str, description: str) -> Meaning | None:
    """What `alarm`, `alarm_1`, `alarm_status` mean on a device that its hub describes so; None where that names no hazard."""
    if name not in _GENERIC and _bare(name) not in _GENERIC:
        return None
    prop = next((prop for prop, sentence in _SENTENCES if sentence.search(description)), None)
    return alarm_of(prop) if prop else None


@lru_cache(maxsize=16)
def alarm_of(prop: Property) -> Meaning:
    """What an `alarm` says that is known to be of this property."""
    yes, no = _own(prop)
    return Meaning(prop, Source.STATE, YES | yes, NO | no)


_BED = re.compile(r"\b(bed|mattress|sleeping pad)\b.*\bsensor|\bbed occupancy", re.IGNORECASE)


def of_a_bed(name: str, description: str) -> bool:
    """Whether this presence is that of somebody in bed, on a device that its hub describes so."""
    found = meaning(name)
    return found is not None and found.property is P.OCCUPANCY and found.source is Source.STATEMENT and bool(_BED.search(description))


_ALL = frozenset({P.SMOKE, P.CO_ALARM, P.GAS_ALARM, P.HEAT_ALARM})
TELLERS: dict[str, frozenset[Property]] = {
    "alert_state": frozenset({P.SMOKE, P.CO_ALARM}),
    "halo_alert_state": frozenset({P.SMOKE, P.CO_ALARM}),
    "link_available": _ALL,
}
"""Enums that name the hazard themselves, also one that a detector linked to this one has found and no radio but theirs brings."""
_TOLD = {
    "smoke": P.SMOKE, "fire": P.SMOKE, "pre_smoke": P.SMOKE, "carbon_monoxide": P.CO_ALARM, "co": P.CO_ALARM,
    "gas": P.GAS_ALARM, "heat": P.HEAT_ALARM, "smoke_test": P.TEST, "co_test": P.TEST,
}  # fmt: skip
_RESTS = frozenset({"safe", "clear", "inactive", "normal"})


def told(name: str, word: str) -> tuple[Property | None, frozenset[Property]]:
    """What one of `TELLERS` says there is, and what it says there is not; a word that names nothing leaves both open."""
    word = word.strip().lower().removeprefix("interconnect_").removesuffix("_active")
    prop = _TOLD.get(word)
    return prop, TELLERS[name] if word in _RESTS else frozenset()


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


def parts(word: str) -> list[str]:
    """What a word says that names several things at once (`water_shortage,water_leakage`), each without its place."""
    return [bare for part in _JOINED.split(word) if (bare := _bare(part))]


_ZONE = frozenset({P.SOS, P.BATTERY_LOW, P.TAMPER, P.TEST, P.FAULT, P.MAINS_LOST})
_BESIDE = frozenset({"linkquality", "last_seen", "elapsed", "device", "supervision_reports", "restore_reports"})


@lru_cache(maxsize=4096)
def of_a_zone(name: str) -> bool:
    """Whether the one message by which a button tells its alarm carries this too (ZoneStatus of ZCL's IAS Zone), or every message does."""
    found = meaning(name)
    return name in _BESIDE or (found is not None and found.property in _ZONE and found.source in (Source.STATEMENT, Source.STATE))


@lru_cache(maxsize=4096)
def is_call(action: str) -> bool:
    """Whether an `action` is a person asking for help, on whatever endpoint (`emergency`, `sos_1`, `1_panic`)."""
    return _bare(action.strip().replace(" ", "_").replace("-", "_")) in CALLS
