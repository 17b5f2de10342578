"""What a Zigbee2MQTT hub says of the devices it bridges: by the kinds of names in use, on real device definitions."""

import json
import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from devices.catalog import BRIDGED_HEARTBEAT, Catalog
from devices.decode import decode
from devices.home import Device, DeviceId, HomeId, ModelId
from devices.message import NO_DIRECTORY, Carrier, Directory, DirectoryHeard, Heard, Ignored, Listed, Message, StatusHeard
from devices.observation import URGENT, DecodeError, Manner, Property
from devices.topic import ID

P = Property
NOW = datetime(2026, 11, 22, 2, 0, 1, tzinfo=UTC)
BRANCH = "anju/v1/330106001002/home-1/bridge/zigbee2mqtt/"
ADDRESS = "0x00158d0374d3321c"

SHARED = Path(os.environ.get("ANJU_SHARED", Path(__file__).parents[2] / "shared" / "data")) / "payloads" / "zigbee2mqtt.jsonl"
COMMITTED = Path(__file__).parent / "data" / "zigbee2mqtt_cases.jsonl"


class Expected(msgspec.Struct):
    kind: str
    active: bool | None = None
    state: str = ""
    fields: dict[str, bool | int | float | str] = {}


class Case(msgspec.Struct):
    """One line: a message of a real device definition, and what that definition says it means."""

    vendor: str
    model: str
    topic: str
    payload: str
    variant: str
    expected: Expected


def cases() -> list[Case]:
    lines = (SHARED if SHARED.exists() else COMMITTED).read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Case) for line in lines]


def say(original: str, payload: str | bytes, directory: Directory = NO_DIRECTORY, now: datetime = NOW) -> Message:
    return decode(BRANCH + original, payload.encode() if isinstance(payload, str) else payload, now, directory)


def heard(original: str, payload: str | bytes, directory: Directory = NO_DIRECTORY, now: datetime = NOW) -> Heard:
    message = say(original, payload, directory, now)
    assert isinstance(message, Heard)
    return message


def values(payload: str, listed: Listed | None = None) -> dict[str, bool | int | float]:
    directory = Directory({"dev": listed}) if listed else NO_DIRECTORY
    return {o.property.value: o.value for o in heard("zigbee2mqtt/dev", payload, directory).report.observations}


# --- every line of the material -------------------------------------------------------------------------------------------------

HAZARDS = {
    "sos": P.SOS, "smoke": P.SMOKE, "co": P.CO_ALARM, "gas": P.GAS_ALARM, "water_leak": P.WATER_LEAK, "fall": P.FALL,
}  # fmt: skip
FIELDS = {
    "battery_pct": P.BATTERY, "open": P.CONTACT_OPEN, "co": P.CO_ALARM, "gas": P.GAS_ALARM, "sos_alarm": P.SOS, "smoke": P.SMOKE,
    "battery_low_1": P.BATTERY_LOW, "water_leak": P.WATER_LEAK, "battery_low": P.BATTERY_LOW, "tamper": P.TAMPER, "sos": P.SOS,
    "vibration": P.VIBRATION,
}  # fmt: skip
RAISING = URGENT | {P.WATER_LEAK, P.BATTERY_LOW, P.TAMPER, P.MAINS_LOST, P.FAULT}
"""What raises an alert by default: calls, hazards, water, and the technical ones."""


def expected_alerts(case: Case) -> set[Property]:
    """By the material: the hazard of an active line, and battery and tamper where its fields say so."""
    want = {FIELDS[name] for name, value in case.expected.fields.items() if value is True and FIELDS.get(name) in (P.BATTERY_LOW, P.TAMPER)}
    if case.expected.active or case.expected.state in ("fall", "maybe_fall"):
        want |= {HAZARDS[case.expected.kind]} if case.expected.kind in HAZARDS else set()
    return want


def differences(case: Case) -> set[str]:
    """Where what we hear is not what the material says, in words."""
    said = {o.property: o.value for o in heard(case.topic, case.payload).report.observations}
    got = {prop for prop, value in said.items() if value is True and prop in RAISING}
    found = {f"+{p}" for p in got - expected_alerts(case)} | {f"-{p}" for p in expected_alerts(case) - got}
    fields = {FIELDS[name]: value for name, value in case.expected.fields.items() if name in FIELDS and FIELDS[name] not in RAISING}
    present = [v for name, v in case.expected.fields.items() if name in ("motion", "presence") or name.startswith("occupancy")]
    if present:
        fields[P.OCCUPANCY] = any(present)
    return found | {f"!{prop}" for prop, value in fields.items() if said.get(prop) != value}


def reason(case: Case) -> str:
    """Why a line may differ: by what stands in its payload, never by whose it is."""
    said = json.loads(case.payload)
    if said.get("battery_state") == "low" and not said.keys() & {"battery", "battery_low"}:
        return "its only word on the battery is that it is low; the material does not count that word"
    if said.get("mains_power_connected") is False:
        return "it says that the mains are gone; the material does not count that"
    if "open" in case.expected.fields and case.expected.fields["open"] == said.get("contact"):
        return "the definition turns `contact` round against its own description (true = closed)"
    return ""


ALLOWED = {
    "its only word on the battery is that it is low; the material does not count that word": {f"+{P.BATTERY_LOW}"},
    "it says that the mains are gone; the material does not count that": {f"+{P.MAINS_LOST}"},
    "the definition turns `contact` round against its own description (true = closed)": {f"!{P.CONTACT_OPEN}"},
}


def test_every_line_means_what_its_definition_says_but_for_three_reasons() -> None:
    lines = cases()
    assert len(lines) >= 40
    table = {index: differences(case) for index, case in enumerate(lines)}
    unexplained = [
        (lines[i].vendor, lines[i].model, lines[i].variant, found)
        for i, found in table.items() if found != ALLOWED.get(reason(lines[i]), set())
    ]  # fmt: skip
    assert unexplained == []
    assert sum(bool(found) for found in table.values()) <= len(lines) // 5


def test_no_line_is_without_its_battery_its_link_or_its_device() -> None:
    for case in cases():
        message, sent = heard(case.topic, case.payload), json.loads(case.payload)
        said = {o.property: o.value for o in message.report.observations}
        assert said[P.LINK_QUALITY] == sent["linkquality"]
        assert said.get(P.BATTERY) == sent.get("battery")
        assert (message.carrier, message.dialect) == (Carrier.BRIDGE, "zigbee2mqtt")
        assert "zigbee2mqtt/" + message.name == case.topic
        assert ID.match(message.device)
        assert not message.report.problems
        assert not message.report.clock_suspect


def test_only_an_action_is_momentary() -> None:
    manners = Counter((o.manner, o.property) for case in cases() for o in heard(case.topic, case.payload).report.observations)
    assert {prop for manner, prop in manners if manner is Manner.EVENT} == {P.SOS}
    assert not any(manner is Manner.STATE for manner, _ in manners)


# --- names ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        # One matter, many names.
        ('{"water_leak_alarm_1":true,"water_leak_alarm_2":false}', {"water_leak": True}),
        ('{"channel_3_leak_detect_17":"Leak","channel_4_leak_detect_18":"Dry"}', {"water_leak": True}),
        ('{"input_10_leak_detect_16":"Dry"}', {"water_leak": False}),
        ('{"active_water_leak":true}', {"water_leak": True}),
        ('{"water_leak_zone_1":false,"water_leak_both_zones":true}', {"water_leak": True}),
        ('{"water":true}', {"water_leak": True}),
        ('{"leak_state":"leaking"}', {"water_leak": True}),
        ('{"water_leakage_state":"water_leakage_yes"}', {"water_leak": True}),
        ('{"water_leakage_state":"water_leakage_no"}', {"water_leak": False}),
        ('{"current_device_status":"water_shortage & water_leakage"}', {"water_leak": True}),
        ('{"valve_abnormal_state":"water_shortage_channel_1,water_leakage,fail_safe_channel_2"}', {"water_leak": True}),
        ('{"valve_abnormal_state":"water_shortage_channel_1,fail_safe_channel_1"}', {"water_leak": False}),
        ('{"water_sensor":true,"water_condition_alarm":false}', {"water_leak": True}),
        ('{"gas_alarm_1":true}', {"gas_alarm": True}),
        ('{"gas_sensor_state":"alarm","gas":8,"co":0,"co_state":"normal"}', {"gas_alarm": True, "co_alarm": False, "co": 0}),
        ('{"gas_sensor_state":"normal","gas":1}', {"gas_alarm": False}),
        ('{"carbon_monoxide":"ON","co":220}', {"co_alarm": True, "co": 220}),
        ('{"heat":true}', {"heat_alarm": True}),
        ('{"sos_alarm":true}', {"sos": True}),
        ('{"emergency":true}', {"sos": True}),
        ('{"mmwave_area1_occupancy":false,"mmwave_area2_occupancy":true}', {"occupancy": True}),
        ('{"occupancy":false,"presence":true}', {"occupancy": True}),
        ('{"motion_status":true}', {"occupancy": True}),
        ('{"occupancy_in":false,"occupancy_out":true}', {"occupancy": True}),
        ('{"motion_up":"OFF","motion_down":"ON"}', {"occupancy": True}),
        ('{"presence_state":"stationary"}', {"occupancy": True}),
        ('{"garage_door_contact":false}', {"contact_open": True}),
        ('{"power_outage":"outage_detected"}', {"mains_lost": True}),
        ('{"power_outage":"power_ok"}', {"mains_lost": False}),
        ('{"fault":"NOT_DETECTED"}', {"fault": False}),
        ('{"battery_defect":true}', {"fault": True}),
        ('{"battery_low_1":"Low"}', {"battery_low": True}),
        ('{"channel_1_battery_low_17":"Normal"}', {"battery_low": False}),
        ('{"battery_state":"low"}', {"battery_low": True}),
        ('{"battery_state":"low","battery":87}', {"battery": 87}),
        ('{"battery_level":"low","battery_low":false}', {"battery_low": False}),
        ('{"power_type":"battery_low"}', {"battery_low": True}),
        ('{"contact":false}', {"contact_open": True}),
        ('{"contact":"open"}', {"contact_open": True}),
        ('{"contact":"closed"}', {"contact_open": False}),
        ('{"contact":"ON"}', {"contact_open": False}),
        ('{"contact_alarm_1":true}', {"contact_open": True}),
        ('{"handle_position":"tilted"}', {"contact_open": True}),
        ('{"mains_power_connected":false}', {"mains_lost": True}),
        ('{"fault_alarm":true}', {"fault": True}),
        ('{"fault":"sensor_fault"}', {"fault": True}),
        ('{"fault":"none"}', {"fault": False}),
        ('{"end_of_life":true}', {"fault": True}),
        ('{"endoflife":"expired"}', {"fault": True}),
        ('{"trouble":true,"fault_alarm":false}', {"fault": True}),
        ('{"self_test":"check_failure"}', {"fault": True}),
        ('{"test_in_progress":true,"smoke":true}', {"test": True, "smoke": True}),
        # An enum beside a binary adds nothing to it; alone, it speaks.
        ('{"smoke":false,"smoke_state":"alarm"}', {"smoke": False}),
        ('{"smoke_state":"alarm"}', {"smoke": True}),
        ('{"smoke_state":"detecting"}', {}),
        ('{"presence":false,"motion_state":"large"}', {"occupancy": False}),
        ('{"presence_state":"small_movement"}', {"occupancy": True}),
        ('{"state":"none"}', {"occupancy": False}),
        ('{"state":"ON"}', {}),
        # A fall of a person, also a likely one; not one of a gadget.
        ('{"fall_down_status":"fall"}', {"fall": True}),
        ('{"fall_down_status":"maybe_fall"}', {"fall": True}),
        ('{"fall_down_status":"none"}', {"fall": False}),
        ('{"fall_status":"fall_alarm","occupancy":true}', {"fall": True, "occupancy": True}),
        ('{"fall_status":"fall_warning"}', {"fall": True}),
        ('{"fall_status":"unknown"}', {}),
        ('{"status":"falling","breathing_rate":16}', {"fall": True, "respiration_rate": 16}),
        ('{"status":"on_the_bed"}', {"fall": False}),
        ('{"status":"alarm"}', {}),
        ('{"action":"fall","battery":90}', {"battery": 90}),
        ('{"action":"drop"}', {}),
        # Calls by a button, and presses that are none.
        ('{"action":"emergency"}', {"sos": True}),
        ('{"action":"SOS"}', {"sos": True}),
        ('{"action":"1_panic"}', {"sos": True}),
        ('{"action":"emergency_2"}', {"sos": True}),
        ('{"action":"fire"}', {"sos": True}),
        ('{"action":""}', {}),
        ('{"action":null}', {}),
        ('{"action":"single"}', {}),
        ('{"action":"disarm","tamper":false}', {"tamper": False}),
        ('{"action":"arm_all_zones"}', {}),
        ('{"action":"vibration"}', {"vibration": True}),
        # Settings and outputs that carry a hazard's name.
        ('{"force_smoke_alarm":"ON","smoke_alarm_silenced":true,"alarm_control":"smoke","siren_for_automation_only":"smoke_siren"}', {}),
        ('{"water_leak_buzzer":"ON","beeper_on_leak_1":"ON","quick_sos_enabled":"ON","alarm":true,"alarm_mode":"water_presence"}', {}),
        ('{"self_test":true,"test":"test","silence":true,"muffling":"ON","hush":"start","button_pushed":true,"test_alarm":true}', {}),
        ('{"alarm":"fire","mode":"alarm","alarm_state":"critical_alarm","occupancy_timeout":60,"presence_sensitivity":"high"}', {}),
        # Doubt about a hazard raises it.
        ('{"smoke":"burning"}', {"smoke": True}),
        ('{"gas":1}', {"gas_alarm": True}),
        ('{"smoke_state":"burning"}', {"smoke": True}),
        ('{"battery_low":1,"battery":50}', {"battery_low": True, "battery": 50}),
        ('{"smoke":null,"water_leak":null}', {}),
        ('{"sos":2}', {"sos": True}),
        ('{"sos":0}', {"sos": False}),
        ('{"fall_status":1,"fall_sensitivity":5}', {"fall": True}),
        ('{"fall_status":0}', {"fall": False}),
        ('{"smoke":2,"gas_state":1,"status":3}', {}),
        ('{"sos":{"state":true}}', {"sos": True}),
        ('{"smoke":["alarm"],"tamper":["alarm"]}', {"smoke": True}),
        ('{"smoke":{},"gas":[],"fire_state":{"a":1},"warning":{"mode":"fire"}}', {}),
        ('{"action":" Emergency call "}', {"sos": True}),
        ('{"action":"panic-alarm"}', {"sos": True}),
        ('{"tamper":"perhaps"}', {}),
        # Numbers.
        ('{"linkquality":300}', {"link_quality": 255}),
        ('{"temperature":21.4,"humidity":48.2,"illuminance_lux":9,"energy":12.5}',
         {"temperature": 21.4, "humidity": 48.2, "illuminance": 9, "energy_used": 12.5}),
        ('{"gas_value":12,"volume_1":5,"smoke_concentration":40,"device_temperature":30,"gas":12}', {}),
        ('{"temperature_1":20,"temperature_2":60}', {}),
        ('{"temperature":20,"temperature_external":60}', {"temperature": 20}),
        ('{"battery":255,"warning":{"mode":"fire"},"update":{"state":"idle"}}', {}),
    ],
)  # fmt: skip
def test_a_name_is_understood_by_its_kind(payload: str, expected: dict[str, object]) -> None:
    assert values(payload) == expected


def test_a_value_nobody_can_read_is_told() -> None:
    told = heard("zigbee2mqtt/dev", '{"smoke":"burning","battery":255,"sos":[1],"fall_status":3}').report.problems
    assert [p.place for p in told] == ["smoke", "battery", "sos", "fall_status"]


# --- topics and identities ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["zigbee2mqtt", "z2m-2"])
@pytest.mark.parametrize("name", ["bedroom cord", "bath/floor 8", "客厅传感器 4", "getaway/set list"])
def test_a_device_without_a_known_address_has_a_stable_id_and_keeps_its_name(base: str, name: str) -> None:
    first, second = heard(f"{base}/{name}", '{"smoke":true}'), heard(f"{base}/{name}", '{"smoke":false}')
    assert first.device == second.device
    assert ID.match(first.device)
    assert first.name == name
    assert first.device != heard(f"{base}/{name} 2", "{}").device


def test_an_unnamed_device_is_known_by_its_address() -> None:
    assert heard(f"zigbee2mqtt/{ADDRESS}", "{}").device == ADDRESS
    assert heard(f"home/z2m/{ADDRESS}", "{}").device == ADDRESS


def test_a_device_is_known_by_the_address_that_its_own_message_bears() -> None:
    """A hub with `include_device_information`, before it has sent its list."""
    said = json.dumps({"smoke": True, "device": {"friendlyName": "kitchen", "ieeeAddr": ADDRESS, "model": "HS1SA", "type": "EndDevice"}})
    came = heard("zigbee2mqtt/kitchen", said)
    assert (came.device, came.name) == (ADDRESS, "kitchen")
    assert [(o.property, o.value) for o in came.report.observations] == [(P.SMOKE, True)]
    for nonsense in ("x", ADDRESS.upper(), 7, None, {"ieeeAddr": "0x1"}):
        assert heard("zigbee2mqtt/kitchen", json.dumps({"smoke": True, "device": nonsense})).device.startswith("z2m-")


def test_a_device_with_nothing_to_say_is_heard_all_the_same() -> None:
    assert heard("zigbee2mqtt/lamp", '{"state":"ON","brightness":254}').report.observations == ()


@pytest.mark.parametrize(
    "original",
    [
        "zigbee2mqtt/bath/floor 8/set", "zigbee2mqtt/cord/get", "zigbee2mqtt/cord/set/state", "zigbee2mqtt/bridge/event",
        "zigbee2mqtt/bridge/health", "zigbee2mqtt/bridge/logging", "zigbee2mqtt/bridge/request/permit_join",
        "zigbee2mqtt/cord/device_temperature",
    ],
)  # fmt: skip
def test_commands_and_the_hubs_own_talk_are_ignored(original: str) -> None:
    assert isinstance(say(original, '{"state":"ON","action":"emergency"}' if original.endswith("set") else "1"), Ignored)


def test_a_device_may_have_a_bridge_in_its_name() -> None:
    assert heard("zigbee2mqtt/foot/bridge/gate", '{"smoke":true}').name == "foot/bridge/gate"


def test_a_removed_device_is_no_message() -> None:
    assert isinstance(say("zigbee2mqtt/cord", ""), Ignored)
    assert isinstance(say("zigbee2mqtt/cord/availability", ""), Ignored)


@pytest.mark.parametrize("payload", ['{"state":"offline"}', "offline", '"offline"'])
def test_availability_is_the_devices_and_bridge_state_the_hubs(payload: str) -> None:
    device, hub = say(f"zigbee2mqtt/{ADDRESS}/availability", payload), say("zigbee2mqtt/bridge/state", payload)
    assert isinstance(device, StatusHeard)
    assert isinstance(hub, StatusHeard)
    assert (device.device, device.online, hub.device, hub.online) == (ADDRESS, False, "zigbee2mqtt", False)
    assert device.dialect == hub.dialect == "zigbee2mqtt"


@pytest.mark.parametrize(
    ("original", "payload", "expected"),
    [
        ("zigbee2mqtt/bath/floor 8/water_leak", "true", {P.WATER_LEAK: True}),
        ("zigbee2mqtt/cord/action", "emergency", {P.SOS: True}),
        ("zigbee2mqtt/door/contact", "false", {P.CONTACT_OPEN: True}),
        ("zigbee2mqtt/door/battery", "64", {P.BATTERY: 64}),
    ],
)
def test_a_hub_with_a_topic_for_every_property_is_understood(original: str, payload: str, expected: dict[Property, object]) -> None:
    message = heard(original, payload)
    assert {o.property: o.value for o in message.report.observations} == expected
    assert message.name == original.removeprefix("zigbee2mqtt/").rpartition("/")[0]
    assert message.device == heard(original.rpartition("/")[0], "{}").device


@pytest.mark.parametrize(
    ("payload", "prop"),
    [
        ('{"battery":87,"smoke":true,"lin', P.SMOKE),
        ('{"action":"emergency","batt', P.SOS),
        ('["water",{"carbon_monoxide":true}]', P.CO_ALARM),
        ('{"temperature":NaN,"smoke":true}', P.SMOKE),
        ('{"smoke":true,"smoke":true,"x":1e400}', P.SMOKE),
    ],
)
def test_a_call_in_a_broken_state_is_heard_all_the_same(payload: str, prop: Property) -> None:
    message = heard("zigbee2mqtt/dev", payload)
    assert prop in {o.property for o in message.report.observations if o.value is True}


@pytest.mark.parametrize("payload", ["{", "burning", '{"smoke":fal', "\0"])
def test_a_broken_state_without_a_call_is_refused(payload: str) -> None:
    with pytest.raises(DecodeError):
        say("zigbee2mqtt/dev", payload)


def test_the_state_of_one_device_is_not_as_long_as_a_hubs_list() -> None:
    with pytest.raises(DecodeError, match="at most for the state of a device"):
        say("zigbee2mqtt/dev", '{"smoke":false}'.ljust(100_000))
    assert listing(LIST * 100)


def test_a_topic_without_a_device_is_refused() -> None:
    for original in ("zigbee2mqtt", "zigbee2mqtt/"):
        with pytest.raises(DecodeError, match=r"topic\.original"):
            say(original, "{}")


# --- the clock ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_seen", "age", "suspect"),
    [
        ('"2026-11-22T09:59:51+08:00"', 10, False), ("1795312791000", 10, False), ('"2026-11-22T09:59:51"', 0, True), ("5", 0, True),
        ('"x"', 0, True),
    ],
)  # fmt: skip
def test_last_seen_is_the_moment_where_the_hub_tells_it(last_seen: str, age: int, suspect: bool) -> None:
    report = heard("zigbee2mqtt/dev", f'{{"smoke":true,"last_seen":{last_seen}}}').report
    assert (report.observed_at, report.clock_suspect) == (NOW - timedelta(seconds=age), suspect)


def test_the_same_button_pressed_twice_is_two_reports() -> None:
    press = '{"action":"emergency","linkquality":80}'
    assert heard("zigbee2mqtt/b", press).report.id != heard("zigbee2mqtt/b", press, now=NOW + timedelta(seconds=9)).report.id


# --- the hub's own list ---------------------------------------------------------------------------------------------------------


def binary(name: str, on: object = True, off: object = False, access: int = 1) -> dict[str, object]:
    return {"type": "binary", "property": name, "value_on": on, "value_off": off, "access": access}


def device(name: str, address: str, *exposes: dict[str, object], kind: str = "EndDevice") -> dict[str, object]:
    return {
        "ieee_address": address, "friendly_name": name, "type": kind, "model_id": "raw", "manufacturer": "Maker",
        "definition": {"vendor": "Vendor", "model": "M-1", "exposes": list(exposes)},
    }  # fmt: skip


LIST = [
    device("Coordinator", "0x0000000000000001", kind="Coordinator"),
    device(
        "kitchen/客厅 1", ADDRESS, binary("smoke"), binary("force_smoke_alarm", "ON", "OFF", 3), binary("contact", False, True),
        {"type": "numeric", "property": "gas_value", "unit": "LEL", "access": 1},
        {"type": "numeric", "property": "battery", "unit": "%", "access": 5},
        {"type": "enum", "property": "action", "values": ["disarm", "emergency"], "access": 1},
        {"type": "enum", "property": "battery_state", "values": ["low", "high"], "access": 1},
        {"type": "composite", "property": "warning", "access": 2, "features": [{"type": "numeric", "property": "level", "access": 2}]},
    ),
    device("meter", "0x00158d0000000002", {"type": "numeric", "property": "water_consumed", "unit": "L", "access": 1},
           {"type": "numeric", "property": "gas_value", "unit": "ppm", "access": 1},
           {"type": "numeric", "property": "temperature", "unit": "°F", "access": 1}),
    device("pump", "0x00158d0000000003", binary("tank_leak", "BAD", "GOOD"), binary("water_leak", "BAD", "GOOD"),
           {"type": 7, "property": []}),
    {"ieee_address": "0x00158d0000000004", "friendly_name": "newcomer", "type": "Router", "definition": None, "manufacturer": "Maker"},
    {"friendly_name": "broken"},
    7,
]  # fmt: skip


def listing(devices: object = LIST) -> DirectoryHeard:
    message = say("zigbee2mqtt/bridge/devices", json.dumps(devices))
    assert isinstance(message, DirectoryHeard)
    return message


def directory() -> Directory:
    return Directory({one.name: one for one in listing().devices})


def test_the_hubs_list_gives_names_addresses_and_what_each_exposes() -> None:
    kitchen, meter, pump, newcomer = listing().devices
    assert (kitchen.device, kitchen.name, kitchen.vendor, kitchen.model) == (ADDRESS, "kitchen/客厅 1", "Vendor", "M-1")
    assert kitchen.exposes == (P.SMOKE, P.CONTACT_OPEN, P.GAS, P.BATTERY, P.SOS, P.BATTERY_LOW)
    assert kitchen.values == ()
    assert meter.exposes == (P.WATER_USED, P.TEMPERATURE)
    assert (pump.exposes, pump.values) == ((P.WATER_LEAK,), (("water_leak", '"BAD"', '"GOOD"'),))
    assert (newcomer.vendor, newcomer.exposes) == ("Maker", ())


@pytest.mark.parametrize("base", ["zigbee2mqtt", "eg/wohnung/z2m"])
def test_a_listed_device_is_known_by_its_address_below_any_base(base: str) -> None:
    message = heard(f"{base}/kitchen/客厅 1", '{"smoke":true,"gas_value":12}', directory())
    assert (message.device, message.name) == (ADDRESS, "kitchen/客厅 1")
    assert {o.property: o.value for o in message.report.observations} == {P.SMOKE: True, P.GAS: 12}
    status = say(f"{base}/kitchen/客厅 1/availability", '{"state":"online"}', directory())
    assert isinstance(status, StatusHeard)
    assert status.device == ADDRESS


def test_the_hubs_own_words_and_units_are_used() -> None:
    known = directory()
    assert [o.value for o in heard("zigbee2mqtt/pump", '{"water_leak":"BAD"}', known).report.observations] == [True]
    assert [o.value for o in heard("zigbee2mqtt/pump", '{"water_leak":"GOOD"}', known).report.observations] == [False]
    said = {o.property: o.value for o in heard(
        "zigbee2mqtt/meter", '{"water_consumed":1500,"gas_value":40,"temperature":212}', known,
    ).report.observations}  # fmt: skip
    assert said == {P.WATER_USED: 1.5, P.TEMPERATURE: 100}


ALARM = binary("alarm")
TOLD = {"type": "enum", "property": "alarm_status", "values": ["normal", "alarm"], "access": 1}


@pytest.mark.parametrize(
    ("description", "exposes", "payload", "expected"),
    [
        ("Smoke sensor", (binary("alarm_1"), binary("alarm_2")), '{"alarm_1":true,"alarm_2":false}', {P.SMOKE: True}),
        ("Smart heat alarm", (ALARM, binary("tamper")), '{"alarm":true,"tamper":false}', {P.HEAT_ALARM: True, P.TAMPER: False}),
        ("Carbon monoxide detector", (ALARM,), '{"alarm":false}', {P.CO_ALARM: False}),
        ("Combustible gas sensor", (TOLD,), '{"alarm_status":"alarm"}', {P.GAS_ALARM: True}),
        ("Emergency pull cord", (ALARM,), '{"alarm":true}', {P.SOS: True}),
        ("Smart water leakage alarm sensor", (TOLD,), '{"alarm_status":"alarm"}', {P.WATER_LEAK: True}),
        ("Smart water leakage alarm sensor", (TOLD,), '{"alarm_status":"normal"}', {P.WATER_LEAK: False}),
        # Where there is a better word for it, on what only makes noise, and where nothing is said, an alarm is what it was: nobody's.
        ("Smoke sensor", (binary("smoke"), ALARM), '{"smoke":false,"alarm":true}', {P.SMOKE: False}),
        ("Siren for smoke sensors", (binary("alarm", access=7),), '{"alarm":true}', {}),
        ("Smart siren", (ALARM,), '{"alarm":true}', {}),
        ("Door sensor", (binary("alarm_1"),), '{"alarm_1":true}', {}),
        ("Gas meter", (ALARM,), '{"alarm":true}', {}),
        # A reading is not an alarm, whatever its name and its number.
        ("Gas and CO sensor", ({"type": "numeric", "property": "gas", "unit": "%LEL", "access": 1},), '{"gas":1}', {}),
        ("Switch", ({"type": "numeric", "property": "leakage", "unit": "mA", "access": 1},), '{"leakage":1}', {}),
    ],
)
def test_what_a_detector_says_by_alarm_alone_is_told_by_the_hubs_sentence_on_its_model(
    description: str, exposes: tuple[dict[str, object], ...], payload: str, expected: dict[Property, bool],
) -> None:  # fmt: skip
    entry = device("dev", ADDRESS, *exposes)
    entry["definition"] = {"vendor": "Vendor", "model": "M-1", "description": description, "exposes": list(exposes)}
    (listed,) = listing([entry]).devices
    assert {o.property: o.value for o in heard("zigbee2mqtt/dev", payload, Directory({"dev": listed})).report.observations} == expected
    assert set(expected) <= set(listed.exposes)


def test_a_listed_device_may_be_called_like_a_topic_of_the_dialect() -> None:
    known = Directory({"cupboard/set": Listed(DeviceId(ADDRESS), "cupboard/set", "", "", ())})
    assert heard("zigbee2mqtt/cupboard/set", '{"contact":false}', known).device == ADDRESS


def test_a_listed_lamp_is_nobodys_presence() -> None:
    (lamp,) = listing([device("lamp", ADDRESS, binary("state", "ON", "OFF", 7))]).devices
    assert (lamp.exposes, lamp.values) == ((), ())
    assert heard("zigbee2mqtt/lamp", '{"state":"ON"}', Directory({"lamp": lamp})).report.observations == ()


@pytest.mark.parametrize("payload", ["{}", "7", "[", "[1,2"])
def test_a_list_that_is_none_is_refused(payload: str) -> None:
    with pytest.raises(DecodeError, match="payload"):
        say("zigbee2mqtt/bridge/devices", payload)


def test_a_listed_device_is_watched_when_something_depends_on_it() -> None:
    def bridged(*exposes: Property) -> Device:
        return Device(DeviceId(ADDRESS), HomeId("home-1"), ModelId("M-1"), dialect="zigbee2mqtt", exposes=exposes)

    assert Catalog().heartbeat(bridged(P.SMOKE, P.BATTERY)) == BRIDGED_HEARTBEAT
    assert Catalog().heartbeat(bridged(P.LINK_QUALITY)) is None


def test_a_list_without_end_is_taken_to_its_thousandth_device() -> None:
    assert len(listing([device(f"d{n}", f"0x{n:016x}") for n in range(1200)]).devices) == 1000
