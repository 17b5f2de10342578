"""What real devices and hubs were found to say that is no plain `smoke: true`: each row names where it is from.

`converters` is github.com/Koenkk/zigbee-herdsman-converters 26.112.0 (MIT), with the file under `src/`; `z2m` is
github.com/Koenkk/zigbee2mqtt, with the file or the issue. Names and words are theirs, the numbers are not.
"""

import json
from datetime import UTC, datetime

import pytest

from devices.decode import decode
from devices.dialects.values import numeral
from devices.message import NO_DIRECTORY, Directory, DirectoryHeard, Heard, Ignored, directory_of
from devices.observation import DecodeError, Property
from devices.topic import BridgeTopic, parse

P = Property
NOW = datetime(2026, 11, 22, 2, 0, 1, tzinfo=UTC)
BRANCH = "anju/v1/330106001002/home-1/bridge/zigbee2mqtt/zigbee2mqtt/"


def heard(below: str, payload: str, directory: Directory = NO_DIRECTORY) -> Heard:
    message = decode(BRANCH + below, payload.encode(), NOW, directory)
    assert isinstance(message, Heard)
    return message


def values(message: Heard) -> dict[str, bool | int | float]:
    return {o.property.value: o.value for o in message.report.observations}


def listed(description: str, *exposes: dict[str, object]) -> Directory:
    definition = {"vendor": "Vendor", "model": "M-1", "description": description, "exposes": list(exposes)}
    hub = [{"ieee_address": "0x00158d0374d3321c", "friendly_name": "dev", "type": "EndDevice", "definition": definition}]
    message = decode(BRANCH + "bridge/devices", json.dumps(hub).encode(), NOW)
    assert isinstance(message, DirectoryHeard)
    return Directory({one.name: one for one in message.devices})


def binary(name: str) -> dict[str, object]:
    return {"type": "binary", "property": name, "value_on": True, "value_off": False, "access": 1}


def enum(name: str, *words: str) -> dict[str, object]:
    return {"type": "enum", "property": name, "values": list(words), "access": 1}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        # A detector's word on the alarm of another one that is linked to it: converters, devices/halo_smart_labs.ts.
        ('{"smoke":false,"carbon_monoxide":false,"halo_alert_state":"interconnect_smoke"}', {"smoke": True, "co_alarm": False}),
        ('{"smoke":false,"carbon_monoxide":false,"halo_alert_state":"interconnect_carbon_monoxide"}', {"smoke": False, "co_alarm": True}),
        ('{"smoke":false,"halo_alert_state":"pre_smoke"}', {"smoke": True}),
        ('{"smoke":true,"halo_alert_state":"smoke_test"}', {"smoke": True, "test": True}),
        ('{"smoke":true,"halo_alert_state":"silenced"}', {"smoke": True}),
        ('{"smoke":false,"carbon_monoxide":false,"halo_alert_state":"safe"}', {"smoke": False, "co_alarm": False}),
        ('{"halo_alert_state":"weather"}', {}),
        # converters, devices/heiman.ts: `link_available` of its smoke, CO and heat alarms.
        ('{"smoke":false,"link_available":"smoke_active"}', {"smoke": True}),
        ('{"link_available":"gas_active"}', {"gas_alarm": True}),
        ('{"link_available":"co_active"}', {"co_alarm": True}),
        ('{"link_available":"heat_active","heat":false}', {"heat_alarm": True}),
        # That nothing is linked takes back nothing that the device says itself, in whatever form.
        ('{"smoke":true,"link_available":"inactive"}', {"smoke": True, "co_alarm": False, "gas_alarm": False, "heat_alarm": False}),
        ('{"smoke":1,"halo_alert_state":"safe"}', {"smoke": True, "co_alarm": False}),
        ('{"smoke_state":"alarm","halo_alert_state":"safe"}', {"smoke": True, "co_alarm": False}),
        # A cooker that is too hot: converters, devices/ctm.ts.
        ('{"high_temperature":true,"power_cut_off":true}', {"heat_alarm": True}),
        ('{"high_temperature":false,"power_cut_off":false}', {"heat_alarm": False}),
        ('{"high_temperature":28}', {}),
        # Faults by their own names: converters, devices/heiman.ts (`fault_state`), tuya.ts (`fault`, `self_test`).
        ('{"smoke":false,"fault_state":"fault"}', {"smoke": False, "fault": True}),
        ('{"fault_state":"open_circuit_fault | pollution_fault"}', {"fault": True}),
        ('{"fault_state":"normal"}', {"fault": False}),
        ('{"fault_state":"unknown"}', {}),
        ('{"fault":"fault"}', {"fault": True}),
        ('{"fault":"Fault"}', {"fault": True}),
        ('{"fault":"battery_alarm"}', {"fault": True}),
        ('{"smoke_state":"tamper"}', {}),
        ('{"self_test":"radar_fault"}', {"fault": True}),
        ('{"self_test":"comm_fault"}', {"fault": True}),
        ('{"halo_test_result":"fail_photo"}', {"fault": True}),
        ('{"halo_test_result":"success"}', {}),
        # The mains bit of every IAS zone: converters, converters/fromZigbee.ts (`ias_smoke_alarm_1`), lib/modernExtend.ts.
        ('{"smoke":false,"trouble":false,"ac_status":true,"test":false}',
         {"smoke": False, "fault": False, "mains_lost": True, "test": False}),
        # A strap under the mattress: converters, devices/tuya.ts (ZG-210Z).
        ('{"pressure_state":"sedentary"}', {"bed_occupied": True}),
        ('{"pressure_state":"none"}', {"bed_occupied": False}),
        # Numbers as texts: z2m issue 391 (`battery`), converters, devices/heiman.ts (`smoke_level`, in a unit that it tells apart).
        ('{"battery":"100.00","voltage":3055,"linkquality":60,"smoke":false}', {"smoke": False, "battery": 100, "link_quality": 60}),
        ('{"smoke":false,"smoke_level":"0.55","smoke_unit":"%ft OBS"}', {"smoke": False}),
        ('{"co":"12","carbon_monoxide":false}', {"co": 12, "co_alarm": False}),
        ('{"temperature":"21,5"}', {"temperature": 21.5}),
        ('{"battery":"87%","battery_low":true}', {"battery_low": True}),
    ],
)  # fmt: skip
def test_a_word_is_heard_for_what_it_says(payload: str, expected: dict[str, object]) -> None:
    assert values(heard("dev", payload)) == expected


def test_a_number_in_quotes_is_told_whether_it_could_be_taken_or_not() -> None:
    told = {p.place: p.reason for p in heard("dev", '{"battery":"87%","temperature":"21,5","smoke_level":"0.55"}').report.problems}
    assert told.keys() == {"battery", "temperature"}
    assert told["temperature"].endswith("taken as 21.5")


@pytest.mark.parametrize(
    ("text", "number"), [("21,5", 21.5), ("-3,25", -3.25), ("7", 7), ("1e3", 1000), ("1,234", None), ("1.234,5", None), ("", None)],
)  # fmt: skip
def test_a_decimal_comma_is_one_where_it_can_be_nothing_else(text: str, number: float | None) -> None:
    assert numeral(text) == number


STOVE = enum("alarm_status", "ok", "tamper", "high_temperatur", "timer", "battery_alarm", "error", "unknown")
STRAP = (binary("occupancy"), enum("work_state", "presence", "none"))


@pytest.mark.parametrize(
    ("description", "exposes", "payload", "expected"),
    [
        # converters, devices/ctm.ts: its words, the misspelt one among them, and what is none of a cooker's heat.
        ("mKomfy, stove guard", (STOVE,), '{"alarm_status":"high_temperatur"}', {"heat_alarm": True}),
        ("mKomfy, stove guard", (STOVE,), '{"alarm_status":"ok"}', {"heat_alarm": False}),
        ("mKomfy, stove guard", (STOVE,), '{"alarm_status":"tamper"}', {}),
        ("mKomfy, stove guard", (STOVE,), '{"alarm_status":"timer"}', {}),
        ("mKomfy, stove guard", (STOVE,), '{"alarm_status":"battery_alarm"}', {}),
        # converters, devices/tuya.ts (TS0601_bed_presence_sensor): whose presence it is, the sentence says.
        ("Pressure Sensing Strap/Bed Occupancy Sensor", STRAP, '{"occupancy":true}', {"occupancy": True, "bed_occupied": True}),
        ("Pressure Sensing Strap/Bed Occupancy Sensor", STRAP, '{"occupancy":false}', {"occupancy": False, "bed_occupied": False}),
        ("Human presence sensor", (binary("presence"),), '{"presence":true}', {"occupancy": True}),
    ],
)
def test_a_sentence_on_the_model_says_what_its_plain_words_are_about(
    description: str, exposes: tuple[dict[str, object], ...], payload: str, expected: dict[str, bool],
) -> None:  # fmt: skip
    known = listed(description, *exposes)
    assert values(heard("dev", payload, known)) == expected
    assert set(expected) <= {prop.value for prop in known.names["dev"].exposes}


@pytest.mark.parametrize(
    ("attribute", "text", "expected"),
    [
        # z2m, lib/controller.ts (`iteratePayloadAttributeOutput`): each value bare on a topic of its own.
        ("action", "emergency_2", {"sos": True}),
        ("action", "1_panic", {"sos": True}),
        ("action", "emergency", {"sos": True}),
        ("current_device_status", "water_shortage & water_leakage", {"water_leak": True}),
        ("fall_status", "maybe fall", {"fall": True}),
        ("link_available", "smoke_active", {"smoke": True}),
        ("fault_state", "open_circuit_fault | pollution_fault", {"fault": True}),
        ("temperature", "21,5", {"temperature": 21.5}),
    ],
)
def test_a_value_on_a_topic_of_its_own_needs_no_quotes(attribute: str, text: str, expected: dict[str, object]) -> None:
    assert values(heard(f"dev/{attribute}", text)) == expected


@pytest.mark.parametrize(
    ("attribute", "text"),
    [("last_seen", "2026-11-22T10:00:00+08:00"), ("color", "0,255,0"), ("power_on_behavior", "previous state"), ("update-state", "idle")],
)
def test_a_value_that_is_nothing_to_us_fills_no_quarantine(attribute: str, text: str) -> None:
    assert isinstance(decode(f"{BRANCH}dev/{attribute}", text.encode(), NOW), Ignored)


@pytest.mark.parametrize("payload", [b'{"smoke":fal', b"[1,", b"\xff\xfe", b"\0", b"x" * 200])
def test_what_is_neither_a_state_nor_a_plain_value_is_refused(payload: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(f"{BRANCH}bath/floor 8", payload, NOW)


def test_an_alarm_known_by_the_hubs_sentence_is_known_on_a_topic_of_its_own_too() -> None:
    known = listed("Smoke sensor", binary("alarm_1"))
    assert values(heard("dev/alarm_1", "true", known)) == {"smoke": True}


def test_a_call_in_a_state_that_is_far_too_long_is_still_a_call() -> None:
    message = heard("dev", json.dumps({"smoke": True, "note": "x" * 70_000}))
    assert values(message) == {"smoke": True}
    assert "at most for the state of a device" in message.report.problems[0].reason


def test_a_message_is_read_by_the_list_of_its_own_hub_and_by_an_old_list_of_any() -> None:
    asked: list[str] = []

    def none(key: str) -> Directory:
        asked.append(key)
        return NO_DIRECTORY

    topic = parse(f"{BRANCH}attic/cord")
    assert isinstance(topic, BridgeTopic)
    assert directory_of(topic, none) is NO_DIRECTORY
    assert asked == ["zigbee2mqtt/zigbee2mqtt/attic", "zigbee2mqtt/zigbee2mqtt", "zigbee2mqtt"]
    kept = {"zigbee2mqtt/zigbee2mqtt": Directory({}), "zigbee2mqtt": Directory({})}
    assert directory_of(topic, lambda key: kept.get(key, NO_DIRECTORY)) is kept["zigbee2mqtt/zigbee2mqtt"]
    del kept["zigbee2mqtt/zigbee2mqtt"]
    assert directory_of(topic, lambda key: kept.get(key, NO_DIRECTORY)) is kept["zigbee2mqtt"]
    deep = parse(BRANCH + "x/" * 30_000 + "cord")
    assert isinstance(deep, BridgeTopic)
    asked.clear()
    directory_of(deep, none)
    assert len(asked) == 9


@pytest.mark.parametrize("base", ["zigbee2mqtt", "house/upstairs/z2m"])
def test_a_list_says_which_hub_it_is_of(base: str) -> None:
    message = decode(f"anju/v1/330106001002/home-1/bridge/zigbee2mqtt/{base}/bridge/devices", b"[]", NOW)
    assert isinstance(message, DirectoryHeard)
    assert (message.hub, message.key) == (base, f"zigbee2mqtt/{base}")
