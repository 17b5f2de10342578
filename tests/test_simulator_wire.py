"""What the simulator's devices write, against the contract's words and against the platform's independent reading of them."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from devices.decode import decode
from devices.message import NO_DIRECTORY, Directory, DirectoryHeard, Heard, ReplyHeard, StatusHeard
from devices.observation import BOOLEANS, URGENT, Manner, Property
from devices.topic import BridgeTopic, DeviceTopic, parse
from simulator import device as d
from simulator import wire
from simulator.device import Kind, kind_of, smoke_reading
from simulator.home import DeviceRecord, HomeRecord, VirtualHome
from simulator.hub import Hub
from simulator.wire import Address, Channel, Values
from simulator.world import Bridged, Said
from simulator.zigbee import DIALECT, ZigbeeNet
from tests.virtual import demo

AT = datetime(2026, 11, 22, 2, 0, 0, 250000, tzinfo=UTC)
HOME = Address("990121001001", "home-0001")
BOOLEAN_FIELDS = [field.name for field in msgspec.structs.fields(Values) if Property(field.name) in BOOLEANS]


def test_a_report_is_written_as_the_contract_shows_it() -> None:
    payload = wire.report("b-1", AT, Values(pull_cord=True, battery=87))
    assert payload == b'{"id":"b-1","at":"2026-11-22T02:00:00.250000Z","values":{"pull_cord":true,"battery":87}}'


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (wire.online("anju-hub-1", "2.4.1"), b'{"status":"online","model":"anju-hub-1","firmware":"2.4.1"}'),
        (wire.OFFLINE, b'{"status":"offline"}'),
        (wire.done("c1"), b'{"id":"c1","result":"done"}'),
        (wire.refused("c1", "no"), b'{"id":"c1","error":"no"}'),
    ],
)
def test_status_and_reply_are_written_as_the_contract_shows_them(payload: bytes, text: bytes) -> None:
    assert payload == text


def test_a_receipt_is_read_as_the_contract_shows_it() -> None:
    command = wire.command(b'{"id": "9", "command": "receipt", "alert": "a-1", "stage": "seen", "more": 1}')
    assert (command.command, command.alert, command.stage) == ("receipt", "a-1", "seen")


def test_every_property_that_a_virtual_device_can_say_is_one_of_the_contract() -> None:
    assert {field.name for field in msgspec.structs.fields(Values)} <= {known.value for known in Property}


@pytest.mark.parametrize("name", BOOLEAN_FIELDS)
def test_what_goes_on_the_alarm_channel_is_what_has_the_right_of_way(name: str) -> None:
    said = msgspec.convert({name: True}, Values)
    assert said.urgent == (Property(name) in URGENT)
    assert not msgspec.convert({name: False}, Values).urgent


@pytest.mark.parametrize("channel", list(Channel))
def test_a_device_topic_is_one_of_the_grammar(channel: Channel) -> None:
    topic = parse(HOME.topic("home-0001-cord-bed", channel))
    assert isinstance(topic, DeviceTopic)
    assert (topic.area, topic.home, topic.device) == ("990121001001", "home-0001", "home-0001-cord-bed")
    assert topic.channel.value == channel.value


def test_a_bridged_topic_carries_the_whole_original_behind_the_dialect() -> None:
    text = HOME.bridged("zigbee2mqtt", "zigbee2mqtt/bedroom cord")
    assert text == "anju/v1/990121001001/home-0001/bridge/zigbee2mqtt/zigbee2mqtt/bedroom cord"
    topic = parse(text)
    assert isinstance(topic, BridgeTopic)
    assert topic.original == "zigbee2mqtt/bedroom cord"


@pytest.mark.parametrize(
    "values",
    [
        d.PULLED, d.SOS, d.FALLEN, d.TESTED, d.PRISED_OPEN, d.MAINS_GONE, d.DOOR_OPEN, d.MOVEMENT, d.ALL_CLEAR,
        Values(battery_low=True), smoke_reading(0.3, 70.0), smoke_reading(0.01, 21.0),
        Values(heart_rate=71, spo2=96, body_temperature=36.5, steps=2100, battery=80, rssi=-60),
    ],
)  # fmt: skip
def test_the_platform_reads_what_a_virtual_device_says_without_a_complaint(values: Values) -> None:
    channel = Channel.ALARM if values.urgent else Channel.REPORT
    message = decode(HOME.topic("home-0001-smoke", channel), wire.report("b-1", AT, values), AT)
    assert isinstance(message, Heard)
    assert message.report.problems == ()
    assert (message.report.id, message.report.observed_at, message.report.clock_suspect) == ("b-1", AT, False)
    assert {o.property.value: o.value for o in message.report.observations} == msgspec.to_builtins(values)
    assert message.report.urgent == values.urgent


def test_the_platform_reads_status_and_reply() -> None:
    online = decode(HOME.topic("h", Channel.STATUS), wire.online("anju-hub-1", "2.4.1"), AT)
    assert isinstance(online, StatusHeard)
    assert (online.online, online.model, online.firmware) == (True, "anju-hub-1", "2.4.1")
    offline = decode(HOME.topic("h", Channel.STATUS), wire.OFFLINE, AT)
    assert isinstance(offline, StatusHeard)
    assert not offline.online
    reply = decode(HOME.topic("h", Channel.REPLY), wire.refused("c1", "cannot"), AT)
    assert isinstance(reply, ReplyHeard)
    assert (reply.command_id, reply.error) == ("c1", "cannot")


@pytest.mark.parametrize("density", [0.01, 0.09, 0.149])
def test_a_little_smoke_is_measured_and_no_alarm(density: float) -> None:
    assert not smoke_reading(density, 30.0).urgent


def test_a_smoke_detector_calls_at_its_threshold() -> None:
    assert smoke_reading(d.SMOKE_ALARM_AT, 30.0).smoke is True
    assert smoke_reading(0.01, d.HEAT_ALARM_AT).heat_alarm is True


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("anju-cord-1", Kind.CORD), ("anju-cord-2", Kind.CORD), ("anju-hub-1", Kind.HUB), ("anju-bed-1", Kind.BED),
        ("anju-boat-1", None), ("acme", None),
    ],
)
def test_a_models_id_tells_what_is_played(model: str, kind: Kind | None) -> None:
    assert kind_of(model) == kind


def test_two_runs_never_give_the_same_report_id() -> None:
    home = demo(1)[0]
    first, second = Hub(home, "aaa"), Hub(home, "aab")
    for hub in (first, second):
        hub.say(Said(home.id, "x", d.PULLED), AT)
    one, other = first.take(), second.take()
    assert one is not None
    assert other is not None
    assert one[1].payload != other[1].payload


def read_bridged(bridged: Bridged, directory: Directory = NO_DIRECTORY) -> Heard:
    message = decode(HOME.bridged(bridged.dialect, bridged.topic), bridged.payload, AT, directory)
    assert isinstance(message, Heard)
    return message


def directory_of(net: ZigbeeNet) -> Directory:
    listing = next(b for b in net.opening() if b.topic == "zigbee2mqtt/bridge/devices")
    message = decode(HOME.bridged(DIALECT, listing.topic), listing.payload, AT)
    assert isinstance(message, DirectoryHeard)
    return Directory({listed.name: listed for listed in message.devices})


def test_the_platform_understands_the_simulated_zigbee2mqtts_opening() -> None:
    net = ZigbeeNet("home-0001", "s")
    assert {listed.model for listed in directory_of(net).names.values()} == {"TS0215A_sos", "HS2WL", "E1603/E1702/E1708"}
    for bridged in net.opening():
        decode(HOME.bridged(bridged.dialect, bridged.topic), bridged.payload, AT)


def test_a_zigbee_button_calls_once_and_is_quiet_in_its_next_report() -> None:
    net = ZigbeeNet("home-0001", "s")
    directory = directory_of(net)
    assert read_bridged(net.button(pressed=True), directory).report.urgent
    assert not read_bridged(net.button(), directory).report.urgent


@pytest.mark.parametrize(
    ("topic", "payload", "answers"),
    [
        ("床头 夜灯/set", b'{"state":"ON"}', {"床头 夜灯": {"state": "ON"}}),
        ("床头 夜灯/set", b"on", {"床头 夜灯": {"state": "ON"}}),
        ("床头 夜灯/set/state", b"TOGGLE", {"床头 夜灯": {"state": "ON"}}),
        ("床头 夜灯/get", b'{"state":""}', {"床头 夜灯": {"state": "OFF"}}),
        ("床头 夜灯/set", b'{"state":"dim"}', {"bridge/logging": {"level": "error"}}),
        ("床头 夜灯/set", b"soup", {"bridge/logging": {"message": "Invalid message 'null', skipping..."}}),
        ("床头 夜灯/set", b"\xff", {"bridge/logging": {"level": "error"}}),
        (
            "床头 夜灯/set", b'{"brightness":3,"state":"ON"}',
            {"床头 夜灯": {"state": "ON"}, "bridge/logging": {"message": "No converter available for 'set' 'brightness' (3)"}},
        ),
        ("床头 求助按钮/set", b'{"action":"emergency"}', {"bridge/logging": {"level": "error", "namespace": "z2m"}}),
        ("attic/set", b'{"state":"ON"}', {"bridge/logging": {"message": "Entity 'attic' is unknown"}}),
        ("床头 夜灯", b'{"state":"ON"}', {}),
        ("bridge/request/restart", b"", {}),
    ],
)
def test_a_command_to_the_zigbee_net_is_answered_as_the_real_one_does(
    topic: str, payload: bytes, answers: dict[str, dict[str, object]]
) -> None:
    said = ZigbeeNet("home-0001", "s").command(f"zigbee2mqtt/{topic}", payload)
    told = {bridged.topic.removeprefix("zigbee2mqtt/"): json.loads(bridged.payload) for bridged in said}
    assert told.keys() == answers.keys()
    assert all(told[topic].items() >= answer.items() for topic, answer in answers.items())


def test_a_zigbee_leak_is_repeated_from_the_cache_until_it_dries() -> None:
    net = ZigbeeNet("home-0001", "s")
    directory = directory_of(net)
    for wet, expected in ((True, True), (None, True), (False, False), (None, False)):
        report = read_bridged(net.leak_sensor(wet=wet), directory).report
        leak = next(o for o in report.observations if o.property is Property.WATER_LEAK)
        assert (leak.value, leak.manner) == (expected, Manner.CACHED)


def test_a_device_of_no_known_kind_is_left_still() -> None:
    record = HomeRecord("h", "1", (DeviceRecord("h-x", "acme-9"), DeviceRecord("h-cord-bed", "anju-cord-1")))
    home = VirtualHome(record, seed=1, local_s=0.0, zigbee=False)
    assert [device.id for device in home.devices] == ["h-cord-bed"]
