"""The topic grammar, and what a credential may do with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.credential import Credential, Scope, digest
from devices.home import AreaId, DeviceId, HomeId
from devices.observation import DecodeError
from devices.topic import BridgeTopic, Channel, DeviceTopic, parse

AREA, HOME, DEVICE = AreaId("330106"), HomeId("home-1"), DeviceId("cord_1")
OWN = DeviceTopic(AREA, HOME, DEVICE, Channel.REPORT)
BRIDGED = BridgeTopic(AREA, HOME, "zigbee2mqtt", "zigbee2mqtt/bath/客厅 4")

ids = st.text("abzAZ09_-", min_size=1, max_size=64)


@given(area=ids, home=ids, device=ids.filter(lambda d: d != "bridge"), channel=st.sampled_from(Channel))
def test_every_device_topic_is_read_as_it_is_written(area: str, home: str, device: str, channel: Channel) -> None:
    topic = DeviceTopic(AreaId(area), HomeId(home), DeviceId(device), channel)
    assert parse(str(topic)) == topic


@given(area=ids, home=ids, dialect=ids, original=st.text())
def test_a_bridge_carries_any_topic_unchanged(area: str, home: str, dialect: str, original: str) -> None:
    topic = BridgeTopic(AreaId(area), HomeId(home), dialect, original)
    assert parse(str(topic)) == topic


@pytest.mark.parametrize(
    ("topic", "place"),
    [
        ("", "topic"),
        ("anju/v1/a/h/d", "topic"),
        ("anju/v2/a/h/d/report", "topic"),
        ("/anju/v1/a/h/d/report", "topic"),
        ("anju/v1//h/d/report", "topic.area"),
        ("anju/v1/a/h 1/d/report", "topic.home"),
        ("anju/v1/a/+/d/report", "topic.home"),
        ("anju/v1/a/h/厨房/report", "topic.device"),
        (f"anju/v1/a/h/{'d' * 65}/report", "topic.device"),
        ("anju/v1/a/h/d\n/report", "topic.device"),
        ("anju/v1/a/h/d/reports", "topic.channel"),
        ("anju/v1/a/h/d/report\n", "topic.channel"),
        ("anju/v1/a/h/d/report/x", "topic.channel"),
        ("anju/v1/a/h/bridge/report", "topic.dialect"),
        ("anju/v1/a/h/bridge/a b/x", "topic.dialect"),
    ],
)
def test_a_topic_that_is_none_is_refused_at_the_level_that_is_wrong(topic: str, place: str) -> None:
    with pytest.raises(DecodeError) as refused:
        parse(topic)
    assert refused.value.problem.place == place


def credential(scope: Scope) -> Credential:
    salt = b"0123456789abcdef"
    return Credential("u", salt, digest(salt, b"secret"), scope, AREA, HOME, DEVICE)


def test_a_password_is_checked_against_its_salted_digest() -> None:
    assert credential(Scope.DEVICE).verify(b"secret")
    assert not credential(Scope.DEVICE).verify(b"Secret")
    assert not credential(Scope.DEVICE).verify(b"")


OTHER_DEVICE = DeviceTopic(AREA, HOME, DeviceId("smoke-1"), Channel.ALARM)
OTHER_HOME = DeviceTopic(AREA, HomeId("home-2"), DEVICE, Channel.REPORT)
OTHER_AREA = DeviceTopic(AreaId("330107"), HOME, DEVICE, Channel.REPORT)
OTHER_BRIDGE = BridgeTopic(AREA, HomeId("home-2"), "zigbee2mqtt", "zigbee2mqtt/x")


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        (Scope.DEVICE, {str(OWN)}),
        (Scope.HOME, {str(OWN), str(OTHER_DEVICE), str(BRIDGED)}),
        (Scope.READ, set()),
        (Scope.ANYWHERE, {str(t) for t in (OWN, BRIDGED, OTHER_DEVICE, OTHER_HOME, OTHER_AREA, OTHER_BRIDGE)}),
    ],
)
def test_a_credential_publishes_within_its_scope_and_nowhere_else(scope: Scope, allowed: set[str]) -> None:
    topics = (OWN, BRIDGED, OTHER_DEVICE, OTHER_HOME, OTHER_AREA, OTHER_BRIDGE)
    assert {str(t) for t in topics if credential(scope).may_publish(t)} == allowed


@pytest.mark.parametrize("scope", Scope)
def test_nobody_publishes_a_command(scope: Scope) -> None:
    assert not credential(scope).may_publish(DeviceTopic(AREA, HOME, DEVICE, Channel.COMMAND))


@pytest.mark.parametrize(
    ("scope", "channels"),
    [
        (Scope.DEVICE, {Channel.COMMAND, Channel.STATUS}),
        (Scope.HOME, {Channel.COMMAND, Channel.STATUS}),
        (Scope.READ, {Channel.REPORT, Channel.ALARM, Channel.STATUS}),
        (Scope.ANYWHERE, {Channel.COMMAND, Channel.STATUS}),
    ],
)
def test_a_credential_receives_what_its_scope_is_for(scope: Scope, channels: set[Channel]) -> None:
    assert {c for c in Channel if credential(scope).may_receive(DeviceTopic(AREA, HOME, DEVICE, c))} == channels


def test_commands_to_bridged_devices_reach_the_hub_of_that_home_alone() -> None:
    assert credential(Scope.HOME).may_receive(BRIDGED)
    assert not credential(Scope.HOME).may_receive(OTHER_BRIDGE)
    assert not credential(Scope.DEVICE).may_receive(BRIDGED)
    assert not credential(Scope.READ).may_receive(BRIDGED)


def test_another_device_of_the_home_is_not_overheard() -> None:
    assert not credential(Scope.DEVICE).may_receive(DeviceTopic(AREA, HOME, DeviceId("smoke-1"), Channel.COMMAND))
    assert not credential(Scope.READ).may_receive(OTHER_AREA)
