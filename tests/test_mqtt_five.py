"""MQTT 5.0 on the wire: what is read, what is refused with which reason code, and that reading is the inverse of writing."""

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.mqtt.encode import encode
from devices.mqtt.packets import (
    Auth,
    Connack,
    Connect,
    Disconnect,
    Kind,
    Packet,
    Pingreq,
    Pingresp,
    ProtocolViolation,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Will,
)
from devices.mqtt.properties import NONE, Properties
from devices.mqtt.reader import CONTROL_LIMIT, EXCERPT, Reader
from devices.mqtt.table import LIMIT as PROPERTIES_LIMIT
from devices.mqtt.table import varint

LIMIT = 65_536
Piece = TypeVar("Piece")


def reader(aliases: int = 4) -> Reader:
    return Reader(lambda _: LIMIT, level=5, aliases=aliases)


def read(data: bytes) -> list[Packet]:
    return list(reader().feed(data))


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return len(raw).to_bytes(2, "big") + raw


def frame(first: int, body: bytes) -> bytes:
    return bytes((first,)) + varint(len(body)) + body


def said(properties: bytes) -> bytes:
    return varint(len(properties)) + properties


def connect(flags: int = 0x02, rest: bytes = b"\0\0", properties: bytes = b"", name: bytes = b"MQTT", level: int = 5) -> bytes:
    return frame(0x10, text(name) + bytes((level, flags)) + b"\0\x3c" + said(properties) + rest)


def publish(properties: bytes = b"", topic: str | bytes = "a", payload: bytes = b"") -> bytes:
    return frame(0x30, text(topic) + said(properties) + payload)


ONE = b"\0\x01"

VECTORS: list[tuple[str, bytes, Packet]] = [
    ("the smallest CONNECT", connect(), Connect("", True, 60, level=5)),
    ("CONNECT with a will, each with properties of its own",
     connect(0xEE, text("c") + said(b"\x18\0\0\0\x05\x01\x01") + text("a/b") + text("x") + text("u") + text("p"), b"\x11\0\0\0\x0a"),
     Connect("c", True, 60, "u", b"p", Will("a/b", b"x", 1, True, Properties(will_delay=5, payload_format=1)), 5,
             Properties(session_expiry=10))),
    ("a password alone, which 3.1.1 forbids (3.1.2.9)", connect(0x42, text("c") + text("p")), Connect("c", True, 60, None, b"p", level=5)),
    ("another level is recognised, its body left alone [MQTT-3.1.2-2]", connect(level=6), Connect(level=6)),
    ("CONNACK without properties", b"\x20\x03\x01\x00\x00", Connack(True)),
    ("CONNACK that refuses, with a reason", frame(0x20, b"\0\x87" + said(b"\x1f" + text("no"))),
     Connack(False, 0x87, Properties(reason="no"))),
    ("PUBLISH without properties", frame(0x32, text("a/b") + b"\0\x0a\0hi"), Publish("a/b", b"hi", 1, packet_id=10)),
    ("PUBLISH with a user property said twice, in order [MQTT-3.3.2-18]",
     publish(b"\x26" + text("k") + text("1") + b"\x26" + text("k") + text("2"), payload=b"x"),
     Publish("a", b"x", properties=Properties(user=(("k", "1"), ("k", "2"))))),
    ("PUBLISH for two subscriptions", publish(b"\x0b\x05\x0b\x80\x01"),
     Publish("a", b"", properties=Properties(subscription_ids=(5, 128)))),
    ("PUBACK in its shortest form (3.4.2.1)", b"\x40\x02\0\x01", Puback(1)),
    ("PUBACK with a code and no properties (3.4.2.2.1)", b"\x40\x03\0\x01\x10", Puback(1, 0x10)),
    ("PUBACK in full", b"\x40\x04\0\x01\x87\x00", Puback(1, 0x87)),
    ("PUBREC that refuses", b"\x50\x03\0\x01\x97", Pubrec(1, 0x97)),
    ("PUBREL of nothing known", b"\x62\x03\0\x01\x92", Pubrel(1, 0x92)),
    ("PUBCOMP of nothing known", b"\x70\x03\0\x01\x92", Pubcomp(1, 0x92)),
    ("SUBSCRIBE with all options", frame(0x82, ONE + said(b"\x0b\x07") + text("a/b") + b"\x2e" + text("#") + b"\x11"),
     Subscribe(1, (("a/b", 0x2E), ("#", 0x11)), Properties(subscription_ids=(7,)))),
    ("SUBACK with its codes", b"\x90\x06\0\x01\0\x02\x87\x9e", Suback(1, (2, 0x87, 0x9E))),
    ("UNSUBSCRIBE", frame(0xA2, ONE + said(b"") + text("a")), Unsubscribe(1, ("a",))),
    ("UNSUBACK has codes of its own", b"\xb0\x05\0\x01\0\0\x11", Unsuback(1, (0, 0x11))),
    ("DISCONNECT in its shortest form (3.14.2.1)", b"\xe0\x00", Disconnect()),
    ("DISCONNECT that asks for the will", b"\xe0\x01\x04", Disconnect(4)),
    ("DISCONNECT in full", frame(0xE0, b"\0" + said(b"\x11\0\0\0\x3c")), Disconnect(0, Properties(session_expiry=60))),
    ("AUTH", frame(0xF0, b"\x18" + said(b"\x15" + text("m") + b"\x16" + text("d"))),
     Auth(0x18, Properties(authentication_method="m", authentication_data=b"d"))),
    ("PINGREQ", b"\xc0\x00", Pingreq()),
]  # fmt: skip


@pytest.mark.parametrize(("data", "packet"), [(d, p) for _, d, p in VECTORS], ids=[name for name, _, _ in VECTORS])
def test_a_packet_written_by_the_specification_is_read(data: bytes, packet: Packet) -> None:
    assert read(data) == [packet]
    by_bytes = reader()
    assert [p for at in range(len(data)) for p in by_bytes.feed(data[at : at + 1])] == [packet], "a byte at a time"
    assert by_bytes.held == 0


# --- properties ----------------------------------------------------------------------------------------------------------------------

WILL = 0
BEGINNINGS: dict[int, Callable[[bytes], bytes]] = {
    Kind.CONNECT: lambda p: connect(properties=p),
    WILL: lambda p: connect(0x06, text("c") + said(p) + text("a") + text("x")),
    Kind.CONNACK: lambda p: frame(0x20, b"\0\0" + said(p)),
    Kind.PUBLISH: publish,
    Kind.PUBACK: lambda p: frame(0x40, ONE + b"\0" + said(p)),
    Kind.PUBREC: lambda p: frame(0x50, ONE + b"\0" + said(p)),
    Kind.PUBREL: lambda p: frame(0x62, ONE + b"\0" + said(p)),
    Kind.PUBCOMP: lambda p: frame(0x70, ONE + b"\0" + said(p)),
    Kind.SUBSCRIBE: lambda p: frame(0x82, ONE + said(p) + text("a") + b"\0"),
    Kind.SUBACK: lambda p: frame(0x90, ONE + said(p) + b"\0"),
    Kind.UNSUBSCRIBE: lambda p: frame(0xA2, ONE + said(p) + text("a")),
    Kind.UNSUBACK: lambda p: frame(0xB0, ONE + said(p) + b"\0"),
    Kind.DISCONNECT: lambda p: frame(0xE0, b"\0" + said(p)),
    Kind.AUTH: lambda p: frame(0xF0, b"\x18" + said(p + b"\x15" + text("m")) if p[:1] != b"\x15" else b"\x18" + said(p)),
}
"""Of each packet one that has these properties."""

C, K, P, W, D, A = Kind.CONNECT, Kind.CONNACK, Kind.PUBLISH, WILL, Kind.DISCONNECT, Kind.AUTH
ANSWERS = (Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP, Kind.SUBACK, Kind.UNSUBACK)
PROPERTIES: list[tuple[int, str, bytes, object, tuple[int, ...]]] = [
    (0x01, "payload_format", b"\x01", 1, (P, W)),
    (0x02, "message_expiry", b"\0\0\x0e\x10", 3600, (P, W)),
    (0x03, "content_type", text("application/json"), "application/json", (P, W)),
    (0x08, "response_topic", text("a/b"), "a/b", (P, W)),
    (0x09, "correlation_data", text(b"\0\xff"), b"\0\xff", (P, W)),
    (0x0B, "subscription_ids", b"\xff\xff\xff\x7f", (268_435_455,), (P, Kind.SUBSCRIBE)),
    (0x11, "session_expiry", b"\xff\xff\xff\xff", 0xFFFF_FFFF, (C, K, D)),
    (0x12, "assigned_client_id", text("c"), "c", (K,)),
    (0x13, "server_keep_alive", b"\0\x1e", 30, (K,)),
    (0x15, "authentication_method", text("SCRAM"), "SCRAM", (C, K, A)),
    (0x16, "authentication_data", text(b"\0"), b"\0", (K, A)),
    (0x17, "request_problem_information", b"\0", 0, (C,)),
    (0x18, "will_delay", b"\0\0\0\x0a", 10, (W,)),
    (0x19, "request_response_information", b"\x01", 1, (C,)),
    (0x1A, "response_information", text("r"), "r", (K,)),
    (0x1C, "server_reference", text("s"), "s", (K, D)),
    (0x1F, "reason", text("居"), "居", (K, *ANSWERS, D, A)),
    (0x21, "receive_maximum", b"\0\x01", 1, (C, K)),
    (0x22, "topic_alias_maximum", b"\0\0", 0, (C, K)),
    (0x23, "topic_alias", b"\0\x01", None, (P,)),
    (0x24, "maximum_qos", b"\x01", 1, (K,)),
    (0x25, "retain_available", b"\0", 0, (K,)),
    (0x26, "user", text("n") + text("v"), (("n", "v"),), (C, K, P, W, *ANSWERS, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE, D, A)),
    (0x27, "maximum_packet_size", b"\0\0\0\x01", 1, (C, K)),
    (0x28, "wildcards_available", b"\x01", 1, (K,)),
    (0x29, "subscription_ids_available", b"\x01", 1, (K,)),
    (0x2A, "shared_available", b"\0", 0, (K,)),
]
"""Table 2-4: identifier, our name, a value on the wire, what it means, where it may stand. (Authentication data in a CONNECT needs a
method beside it, and a topic alias is gone once its topic is known: both have tests of their own.)"""


def its(packet: Packet, place: int) -> Properties:
    if place == WILL:
        assert isinstance(packet, Connect)
        assert packet.will is not None
        return packet.will.properties
    assert not isinstance(packet, (Pingreq, Pingresp))
    return packet.properties


@pytest.mark.parametrize("row", PROPERTIES, ids=[row[1] for row in PROPERTIES])
def test_a_property_is_read_where_it_may_stand_and_refused_anywhere_else(row: tuple[int, str, bytes, object, tuple[int, ...]]) -> None:
    identifier, name, value, meaning, places = row
    for place, packet in BEGINNINGS.items():
        data = packet(bytes((identifier,)) + value)
        if place in places:
            (found,) = read(data)
            assert getattr(its(found, place), name) == meaning
        elif (place, name) != (C, "authentication_data"):
            with pytest.raises(ProtocolViolation) as caught:
                read(data)
            assert caught.value.code == 0x81, f"{name} in {place}"


@pytest.mark.parametrize("row", PROPERTIES, ids=[row[1] for row in PROPERTIES])
def test_a_property_is_said_once_but_for_two(row: tuple[int, str, bytes, object, tuple[int, ...]]) -> None:
    identifier, name, value, _, places = row
    for place in places:
        data = BEGINNINGS[place]((bytes((identifier,)) + value) * 2)
        if name == "user" or (name, place) == ("subscription_ids", P):
            (found,) = read(data)
            assert len(getattr(its(found, place), name)) == 2
        else:
            with pytest.raises(ProtocolViolation) as caught:
                read(data)
            assert caught.value.code == 0x82, f"{name} in {place}"


VIOLATIONS: list[tuple[int, str, str, bytes]] = [
    (0x81, "MQTT-1.5.4-1", "a surrogate in UTF-8", publish(topic=b"a\xed\xa0\x80")),
    (0x81, "MQTT-1.5.4-1", "a user property's name that is not UTF-8 [MQTT-1.5.7-1]", publish(b"\x26" + text(b"\xff") + text("v"))),
    (0x81, "MQTT-1.5.4-1", "a content type that is not UTF-8 [MQTT-3.3.2-19]", publish(b"\x03" + text(b"\xff"))),
    (0x81, "MQTT-1.5.4-2", "U+0000 in a reason string", frame(0x40, ONE + b"\0" + said(b"\x1f" + text("a\0")))),
    (0x81, "MQTT-1.5.5-1", "a property length longer than it need be", frame(0x30, text("a") + b"\x80\x00")),
    (0x81, "", "a variable byte integer of five bytes", publish(b"\x0b\xff\xff\xff\xff\x01")),
    (0x81, "", "an unknown property", publish(b"\x7e\x00")),
    (0x81, "", "properties longer than their packet", frame(0x30, text("a") + b"\x05\x01")),
    (0x81, "", "a property that ends before its value does", publish(b"\x02\0\0")),
    (0x81, "", "a PUBLISH without a property length [MQTT-2.2.2-1]", frame(0x30, text("a"))),
    (0x81, "", "a SUBSCRIBE without a property length", frame(0x82, ONE)),
    (0x81, "MQTT-2.1.3-1", "flags on a PUBACK", b"\x41\x02\0\x01"),
    (0x81, "MQTT-3.15.1-1", "flags on an AUTH", b"\xf1\x00"),
    (0x81, "MQTT-3.6.1-1", "a PUBREL without its flags", b"\x60\x02\0\x01"),
    (0x81, "MQTT-3.8.1-1", "a SUBSCRIBE without its flags", b"\x80\x02\0\x01"),
    (0x82, "MQTT-2.2.1-3", "packet identifier 0", frame(0x32, text("a") + b"\0\0\0")),
    (0x81, "MQTT-3.1.2-1", "another protocol", connect(name=b"HTTP")),
    (0x81, "MQTT-3.1.2-3", "the reserved connect flag", connect(0x03)),
    (0x81, "MQTT-3.1.2-11", "a will QoS without a will", connect(0x0A)),
    (0x81, "MQTT-3.1.2-12", "will QoS 3", connect(0x1E, text("c") + b"\0" + text("a") + text("x"))),
    (0x81, "MQTT-3.1.2-13", "will retain without a will", connect(0x22)),
    (0x81, "", "bytes behind a CONNECT's last field", connect(0x02, text("c") + b"x")),
    (0x82, "", "authentication data without a method (3.1.2.11.10)", connect(properties=b"\x16" + text("d"))),
    (0x82, "", "request problem information 2 (3.1.2.11.7)", connect(properties=b"\x17\x02")),
    (0x82, "", "receive maximum 0 (3.1.2.11.3)", connect(properties=b"\x21\0\0")),
    (0x82, "", "maximum packet size 0 (3.1.2.11.4)", connect(properties=b"\x27\0\0\0\0")),
    (0x82, "", "payload format 2", publish(b"\x01\x02")),
    (0x82, "MQTT-3.3.2-14", "a response topic with a wildcard", publish(b"\x08" + text("a/#"))),
    (0x94, "MQTT-3.3.2-8", "topic alias 0", publish(b"\x23\0\0")),
    (0x94, "MQTT-3.3.2-9", "a topic alias above what is taken", publish(b"\x23\0\x05")),
    (0x82, "", "a topic alias that stands for nothing", publish(b"\x23\0\x01", topic="")),
    (0x82, "MQTT-4.7.3-1", "neither topic nor alias", publish(topic="")),
    (0x82, "MQTT-3.3.2-2", "a wildcard in a topic name [MQTT-4.7.0-1]", publish(topic="a/+")),
    (0x81, "MQTT-3.3.1-4", "QoS 3", frame(0x36, text("a") + ONE + b"\0")),
    (0x81, "MQTT-3.3.1-2", "a QoS 0 message that says it is sent again", frame(0x38, text("a") + b"\0")),
    (0x82, "MQTT-3.4.2-1", "an unknown reason code in a PUBACK", b"\x40\x03\0\x01\x01"),
    (0x82, "MQTT-3.6.2-1", "a PUBREL that refuses with 0x87", b"\x62\x03\0\x01\x87"),
    (0x82, "MQTT-3.14.2-1", "an unknown reason code in a DISCONNECT", b"\xe0\x01\x01"),
    (0x82, "MQTT-3.8.3-2", "a SUBSCRIBE without a filter", frame(0x82, ONE + b"\0")),
    (0x82, "MQTT-3.8.3-4", "no local on a shared subscription", frame(0x82, ONE + b"\0" + text("$share/g/a") + b"\x04")),
    (0x81, "MQTT-3.8.3-5", "reserved bits beside the options", frame(0x82, ONE + b"\0" + text("a") + b"\x40")),
    (0x82, "", "QoS 3 asked for (3.8.3.1)", frame(0x82, ONE + b"\0" + text("a") + b"\x03")),
    (0x82, "", "retain handling 3 (3.8.3.1)", frame(0x82, ONE + b"\0" + text("a") + b"\x30")),
    (0x82, "", "subscription identifier 0 (3.8.2.1.2)", frame(0x82, ONE + said(b"\x0b\0") + text("a") + b"\0")),
    (0x82, "MQTT-4.7.1-1", "# that is not last", frame(0x82, ONE + b"\0" + text("a/#/b") + b"\0")),
    (0x82, "MQTT-4.7.1-2", "+ beside other characters", frame(0x82, ONE + b"\0" + text("b+") + b"\0")),
    (0x82, "MQTT-3.10.3-2", "an UNSUBSCRIBE without a filter", frame(0xA2, ONE + b"\0")),
    (0x82, "MQTT-3.9.3-2", "a SUBACK without a code", b"\x90\x03\0\x01\0"),
    (0x82, "", "an AUTH without its method", b"\xf0\x00"),
    (0x97, "", "a control packet longer than anything it can say", b"\x82" + varint(CONTROL_LIMIT + 1)),
    (0x97, "", "more properties than anybody has", b"\x30\xff\xff\x7f" + text("a") + varint(PROPERTIES_LIMIT + 1)),
]


@pytest.mark.parametrize(("code", "statement", "data"), [(c, s, d) for c, s, _, d in VIOLATIONS], ids=[v[2] for v in VIOLATIONS])
def test_a_packet_against_the_specification_is_refused_with_its_reason_code(code: int, statement: str, data: bytes) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        read(data)
    assert (caught.value.code, caught.value.statement) == (code, statement)


def test_what_only_5_has_is_unknown_to_3_1_1() -> None:
    for data in (b"\xf0\x00", b"\xe0\x01\x00", b"\x40\x03\0\x01\0", b"\x20\x03\0\0\0"):
        with pytest.raises(ProtocolViolation):
            list(Reader(lambda _: LIMIT).feed(data))


def test_a_client_names_no_subscriptions_and_a_server_may() -> None:
    """[MQTT-3.3.4-6]"""
    data = publish(b"\x0b\x05")
    assert read(data)
    with pytest.raises(ProtocolViolation) as caught:
        list(Reader(lambda _: LIMIT, level=5, names_subscriptions=False).feed(data))
    assert (caught.value.code, caught.value.statement) == (0x82, "MQTT-3.3.4-6")


def test_a_number_stands_for_a_topic_until_it_is_given_another() -> None:
    """3.3.2.3.4; [MQTT-3.3.2-12]"""
    line = reader()
    packets = [publish(b"\x23\0\x01", "a/b"), publish(b"\x23\0\x01", "", b"x"), publish(b"\x23\0\x01", "c"), publish(b"\x23\0\x01", "")]
    heard = [p for data in packets for p in line.feed(data)]
    assert heard == [Publish("a/b", b""), Publish("a/b", b"x"), Publish("c", b""), Publish("c", b"")]
    assert all(isinstance(p, Publish) and p.properties is NONE for p in heard)
    with pytest.raises(ProtocolViolation):
        list(reader().feed(packets[1]))  # another connection knows nothing of it [MQTT-3.3.2-7]


def test_the_version_is_the_one_that_the_connect_asks_for() -> None:
    line = Reader(lambda _: LIMIT, Kind.CONNECT)
    hello = Connect("c", level=5, properties=Properties(session_expiry=1))
    assert list(line.feed(encode(hello))) == [hello]
    line.only = None
    assert list(line.feed(b"\xe0\x01\x04")) == [Disconnect(4)]


def test_a_long_payload_is_read_past_behind_its_properties_and_one_longer_than_agreed_ends_the_connection() -> None:
    props = Properties(user=(("k", "v" * 3000),))
    data = encode(Publish("a", bytes(200_000), 1, packet_id=5, properties=props), 5)
    for step in (1, 1000, len(data)):
        line = reader()
        heard = [p for at in range(0, len(data), step) for p in line.feed(data[at : at + step])]
        assert heard == [Publish("a", bytes(EXCERPT), 1, packet_id=5, skipped=200_000 - EXCERPT, properties=props)]
        assert line.held == 0
    line = Reader(lambda _: LIMIT, level=5, largest=100_000)
    with pytest.raises(ProtocolViolation) as caught:
        list(line.feed(data[:5]))
    assert caught.value.code == 0x95
    assert line.held == 0


# --- round trips ---------------------------------------------------------------------------------------------------------------------

names = st.text(st.characters(exclude_characters="\0+#", exclude_categories=["Cs"]), min_size=1, max_size=30)
strings = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
binaries = st.binary(max_size=30)
filters = st.lists(st.one_of(st.just("+"), names.map(lambda n: n.replace("/", "").replace("$", ""))), min_size=1, max_size=5)
topic_filters = filters.map("/".join).filter(bool)
ids, qos, byte4, byte2 = st.integers(1, 0xFFFF), st.integers(0, 2), st.integers(0, 0xFFFF_FFFF), st.integers(0, 0xFFFF)
flag, positive = st.integers(0, 1), st.integers(1, 0xFFFF)
users = st.lists(st.tuples(strings, strings), max_size=3).map(tuple)
FORMS: dict[str, st.SearchStrategy[object]] = {
    "payload_format": flag, "message_expiry": byte4, "content_type": strings, "response_topic": names, "correlation_data": binaries,
    "session_expiry": byte4, "assigned_client_id": strings, "server_keep_alive": byte2, "authentication_method": strings,
    "authentication_data": binaries, "request_problem_information": flag, "will_delay": byte4, "request_response_information": flag,
    "response_information": strings, "server_reference": strings, "reason": strings, "receive_maximum": positive,
    "topic_alias_maximum": byte2, "maximum_qos": flag, "retain_available": flag, "maximum_packet_size": st.integers(1, 0xFFFF_FFFF),
    "wildcards_available": flag, "subscription_ids_available": flag, "shared_available": flag,
}  # fmt: skip


def properties(place: int) -> st.SearchStrategy[Properties]:
    """Any that may stand there."""
    mine = {name: st.none() | FORMS[name] for _, name, _, _, places in PROPERTIES if place in places and name in FORMS}
    several = st.integers(1, 268_435_455)
    if place == P:
        numbers = st.lists(several, max_size=3).map(tuple)
    elif place == Kind.SUBSCRIBE:
        numbers = st.lists(several, max_size=1).map(tuple)
    else:
        numbers = st.just(())
    if place == A:
        mine["authentication_method"] = strings
    return st.builds(Properties, subscription_ids=numbers, user=users, **mine)


def _publish(topic: str, payload: bytes, level: int, number: int, beside: Properties) -> Publish:
    return Publish(topic, payload, level, number % 2 == 1, level > 0 and number % 3 == 1, number if level else 0, 0, beside)


def some(one: st.SearchStrategy[Piece]) -> st.SearchStrategy[tuple[Piece, ...]]:
    return st.lists(one, min_size=1, max_size=4).map(tuple)


options = st.integers(0, 0x2E).filter(lambda o: o & 3 < 3)
maybe_wills = st.none() | st.builds(Will, names, st.binary(max_size=100), qos, st.booleans(), properties(WILL))
answers = st.sampled_from((0x00, 0x10, 0x80, 0x87, 0x97))
packets: st.SearchStrategy[Packet] = st.one_of(
    st.builds(Connect, strings, st.booleans(), byte2, st.none() | strings, st.none() | binaries, maybe_wills, st.just(5), properties(C)),
    st.builds(Connack, st.booleans(), st.just(0), properties(K)),
    st.builds(Connack, st.just(False), st.sampled_from((0x81, 0x86, 0x9F)), properties(K)),
    st.builds(_publish, names, st.binary(max_size=3000), qos, ids, properties(P)),
    st.builds(Puback, ids, answers, properties(Kind.PUBACK)), st.builds(Pubrec, ids, answers, properties(Kind.PUBREC)),
    st.builds(Pubrel, ids, st.sampled_from((0, 0x92)), properties(Kind.PUBREL)),
    st.builds(Pubcomp, ids, st.sampled_from((0, 0x92)), properties(Kind.PUBCOMP)),
    st.builds(Subscribe, ids, some(st.tuples(topic_filters, options)), properties(Kind.SUBSCRIBE)),
    st.builds(Suback, ids, some(st.sampled_from((0, 1, 2, 0x87, 0x9E))), properties(Kind.SUBACK)),
    st.builds(Unsubscribe, ids, some(topic_filters), properties(Kind.UNSUBSCRIBE)),
    st.builds(Unsuback, ids, some(st.sampled_from((0, 0x11))), properties(Kind.UNSUBACK)),
    st.builds(Disconnect, st.sampled_from((0, 4, 0x8E)), properties(D)), st.builds(Auth, st.sampled_from((0, 0x18, 0x19)), properties(A)),
    st.sampled_from((Pingreq(), Pingresp())),
)  # fmt: skip


def sensible(packet: Packet) -> bool:
    """Authentication data comes with its method."""
    if not isinstance(packet, Connect):
        return True
    return packet.properties.authentication_data is None or packet.properties.authentication_method is not None


@settings(max_examples=200, deadline=None)
@given(st.lists(packets.filter(sensible), min_size=1, max_size=6), st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_whatever_is_written_is_read_again_however_the_network_cuts_it(sent: list[Packet], cuts: list[int]) -> None:
    data = b"".join(encode(packet, 5) for packet in sent)
    line, at, turn = reader(), 0, 0
    got: list[Packet] = []
    while at < len(data):
        got += line.feed(data[at : at + cuts[turn % len(cuts)]])
        at, turn = at + cuts[turn % len(cuts)], turn + 1
    assert got == sent
    assert line.held == 0
