"""MQTT 3.1.1 on the wire: what is read, what is refused and by which statement, and that reading is the inverse of writing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.mqtt.encode import encode
from devices.mqtt.filters import Interests, Shelf, matches, meet
from devices.mqtt.packets import (
    LEVELS,
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
from devices.mqtt.reader import EXCERPT, Reader

LIMIT = 65_536


def read(data: bytes, limit: int = LIMIT) -> list[Packet]:
    return list(Reader(lambda _: limit).feed(data))


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return len(raw).to_bytes(2, "big") + raw


def frame(first: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes((first, len(body))) + body


def connect(flags: int = 0x02, rest: bytes = b"\0\0", *, name: bytes = b"MQTT", level: int = 4, keep_alive: int = 60) -> bytes:
    return frame(0x10, text(name) + bytes((level, flags)) + keep_alive.to_bytes(2, "big") + rest)


VECTORS: list[tuple[str, bytes, Packet]] = [
    ("the smallest CONNECT", connect(), Connect("", True, 60)),
    ("CONNECT of figure 3.6, with everything", connect(0xCE, text("c") + text("a/b") + text("x") + text("u") + text("p")),
     Connect("c", True, 60, "u", b"p", Will("a/b", b"x", 1))),
    ("a client id may hold a BOM, which is not taken away [MQTT-1.5.3-3]", connect(0x02, text("\ufeffc")), Connect("\ufeffc", True, 60)),
    ("another level is recognised, its body left alone [MQTT-3.1.2-2]", connect(0x02, b"\x00\x00\x00", level=6), Connect(level=6)),
    ("MQTT 3.1 gave the protocol another name", connect(name=b"MQIsdp", level=3), Connect(level=3)),
    ("a bridge of mosquitto asks with the level's highest bit first", connect(level=0x84), Connect(level=0x84)),
    ("CONNACK with a session", b"\x20\x02\x01\x00", Connack(True)),
    ("CONNACK that refuses", b"\x20\x02\x00\x05", Connack(False, 5)),
    ("PUBLISH of figure 3.11", frame(0x32, text("a/b") + b"\x00\x0a" + b"hi"), Publish("a/b", b"hi", 1, packet_id=10)),
    ("PUBLISH without a payload", frame(0x31, text("a")), Publish("a", b"", retain=True)),
    ("PUBLISH sent again", frame(0x3D, text("a") + b"\xff\xff"), Publish("a", b"", 2, True, True, 0xFFFF)),
    ("a remaining length may be written longer than needed", b"\xc0\x80\x80\x00", Pingreq()),
    ("PUBREL has flags of its own", b"\x62\x02\x00\x01", Pubrel(1)),
    ("SUBSCRIBE of figure 3.23", frame(0x82, b"\x00\x0a" + text("a/b") + b"\x01" + text("c/d") + b"\x02"),
     Subscribe(10, (("a/b", 1), ("c/d", 2)))),
    ("SUBACK of figure 3.26", b"\x90\x05\x00\x0a\x00\x02\x80", Suback(10, (0, 2, 0x80))),
    ("UNSUBSCRIBE of figure 3.30", frame(0xA2, b"\x00\x0a" + text("a/b") + text("c/d")), Unsubscribe(10, ("a/b", "c/d"))),
    ("PINGRESP", b"\xd0\x00", Pingresp()),
    ("DISCONNECT", b"\xe0\x00", Disconnect()),
]  # fmt: skip


@pytest.mark.parametrize(("data", "packet"), [(d, p) for _, d, p in VECTORS], ids=[name for name, _, _ in VECTORS])
def test_a_packet_written_by_the_specification_is_read(data: bytes, packet: Packet) -> None:
    assert read(data) == [packet]
    reader = Reader(lambda _: LIMIT)
    assert [p for at in range(len(data)) for p in reader.feed(data[at : at + 1])] == [packet], "a byte at a time"
    assert reader.held == 0


VIOLATIONS: list[tuple[str, str, bytes]] = [
    ("MQTT-1.5.3-1", "a surrogate in UTF-8", frame(0x30, text(b"a\xed\xa0\x80"))),
    ("MQTT-1.5.3-1", "an overlong form in UTF-8", frame(0x30, text(b"\xc0\xaf"))),
    ("MQTT-1.5.3-1", "a client id that is not UTF-8 [MQTT-3.1.3-4]", connect(0x02, text(b"\xff"))),
    ("MQTT-1.5.3-1", "a will topic that is not UTF-8 [MQTT-3.1.3-10]", connect(0x06, text("c") + text(b"\xff") + text("x"))),
    ("MQTT-1.5.3-1", "a user name that is not UTF-8 [MQTT-3.1.3-11]", connect(0x82, text("c") + text(b"\xfe"))),
    ("MQTT-1.5.3-1", "a filter that is not UTF-8 [MQTT-3.8.3-1]", frame(0x82, b"\x00\x01" + text(b"\xff") + b"\x00")),
    ("MQTT-1.5.3-1", "a filter to leave that is not UTF-8 [MQTT-3.10.3-1]", frame(0xA2, b"\x00\x01" + text(b"\xff"))),
    ("MQTT-1.5.3-2", "U+0000 in a topic [MQTT-4.7.3-2]", frame(0x30, text("a\0b"))),
    ("MQTT-2.2.2-2", "flags on a PUBACK", b"\x41\x02\x00\x01"),
    ("MQTT-2.2.2-2", "flags on a CONNECT", b"\x11\x00"),
    ("MQTT-3.6.1-1", "a PUBREL without its flags", b"\x60\x02\x00\x01"),
    ("MQTT-3.8.1-1", "a SUBSCRIBE without its flags", b"\x80\x02\x00\x01"),
    ("MQTT-3.10.1-1", "an UNSUBSCRIBE without its flags", b"\xa0\x02\x00\x01"),
    ("MQTT-3.14.1-1", "flags on a DISCONNECT", b"\xe1\x00"),
    ("", "packet type 0", b"\x00\x00"),
    ("", "packet type 15", b"\xf0\x00"),
    ("", "a remaining length of five bytes", b"\x30\xff\xff\xff\xff\x01"),
    ("", "a PINGREQ with a body", b"\xc0\x01\x00"),
    ("", "a PUBACK of three bytes", b"\x40\x03\x00\x01\x00"),
    ("", "a field longer than its packet", frame(0x30, b"\x00\x05a")),
    ("", "bytes behind a CONNECT's last field", connect(0x02, text("c") + b"x")),
    ("", "a CONNECT longer than anything it can say", b"\x10" + b"\x81\x80\x04"),
    ("MQTT-2.3.1-1", "packet identifier 0 in a PUBLISH", frame(0x32, text("a") + b"\x00\x00")),
    ("MQTT-2.3.1-1", "packet identifier 0 in a SUBSCRIBE", frame(0x82, b"\x00\x00" + text("a") + b"\x00")),
    ("MQTT-2.3.1-1", "packet identifier 0 in an UNSUBSCRIBE", frame(0xA2, b"\x00\x00" + text("a"))),
    ("MQTT-2.3.1-1", "packet identifier 0 in a PUBREL", b"\x62\x02\x00\x00"),
    ("MQTT-3.1.2-1", "another protocol", connect(name=b"HTTP")),
    ("MQTT-3.1.2-3", "the reserved connect flag", connect(0x03)),
    ("MQTT-3.1.2-13", "a will QoS without a will [MQTT-3.1.2-11]", connect(0x0A)),
    ("MQTT-3.1.2-14", "will QoS 3", connect(0x1E, text("c") + text("a") + text("x"))),
    ("MQTT-3.1.2-15", "will retain without a will", connect(0x22)),
    ("MQTT-3.1.2-22", "a password without a user name", connect(0x42, text("c") + text("p"))),
    ("", "a will flag without a will [MQTT-3.1.2-9]", connect(0x06, text("c"))),
    ("", "a user name flag without a user name [MQTT-3.1.2-19]", connect(0x82, text("c"))),
    ("", "a password flag without a password [MQTT-3.1.2-21]", connect(0xC2, text("c") + text("u"))),
    ("", "a CONNECT without a client id [MQTT-3.1.3-3]", connect(0x02, b"")),
    ("MQTT-3.2.2-4", "a refusal with a session", b"\x20\x02\x01\x05"),
    ("MQTT-3.3.1-2", "a QoS 0 message that says it is sent again", frame(0x38, text("a"))),
    ("MQTT-3.3.1-4", "QoS 3", frame(0x36, text("a") + b"\x00\x01")),
    ("MQTT-3.3.2-1", "a PUBLISH without a topic", b"\x30\x00"),
    ("MQTT-3.3.2-2", "a wildcard in a topic name [MQTT-4.7.1-1]", frame(0x30, text("a/+"))),
    ("MQTT-4.7.3-1", "an empty topic name", frame(0x30, text(""))),
    ("MQTT-3.8.3-3", "a SUBSCRIBE without a filter", b"\x82\x02\x00\x01"),
    ("MQTT-3.8.3-4", "QoS 3 asked for", frame(0x82, b"\x00\x01" + text("a") + b"\x03")),
    ("MQTT-3.8.3-4", "reserved bits beside the QoS asked for", frame(0x82, b"\x00\x01" + text("a") + b"\x04")),
    ("MQTT-3.9.3-2", "an unknown return code in a SUBACK", b"\x90\x03\x00\x01\x03"),
    ("MQTT-3.10.3-2", "an UNSUBSCRIBE without a filter", b"\xa2\x02\x00\x01"),
    ("MQTT-4.7.1-2", "# that is not last", frame(0x82, b"\x00\x01" + text("a/#/b") + b"\x00")),
    ("MQTT-4.7.1-2", "# beside other characters", frame(0x82, b"\x00\x01" + text("a/b#") + b"\x00")),
    ("MQTT-4.7.1-3", "+ beside other characters", frame(0x82, b"\x00\x01" + text("a/b+/c") + b"\x00")),
    ("MQTT-4.7.3-1", "an empty filter", frame(0x82, b"\x00\x01" + text("") + b"\x00")),
]


@pytest.mark.parametrize(
    ("statement", "data"), [(s, d) for s, _, d in VIOLATIONS], ids=[f"{name} {s}" for s, name, _ in VIOLATIONS],
)  # fmt: skip
def test_a_packet_against_the_specification_is_refused_by_its_number(statement: str, data: bytes) -> None:
    with pytest.raises(ProtocolViolation) as caught:
        read(data)
    assert caught.value.statement == statement


def test_what_came_whole_before_a_broken_packet_is_still_heard() -> None:
    call = Publish("a/alarm", b"help", 1, packet_id=1)
    packets = Reader(lambda _: LIMIT).feed(encode(call) + b"\xff")
    assert next(packets) == call
    with pytest.raises(ProtocolViolation):
        next(packets)


def test_before_a_connect_nothing_else_is_even_buffered() -> None:
    for data in (b"\x30\xff\xff\xff\x7f", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01"):
        reader = Reader(lambda _: LIMIT, Kind.CONNECT)
        with pytest.raises(ProtocolViolation):
            list(reader.feed(data))
        assert reader.held == 0
    with pytest.raises(ProtocolViolation) as caught:
        list(Reader(lambda _: LIMIT, Kind.CONNECT).feed(b"\xc0\x00"))
    assert caught.value.statement == "MQTT-3.1.0-1"


@pytest.mark.parametrize("step", [1, 7, 1000, 65_536, 10**7])
def test_a_payload_of_ten_megabytes_is_read_past_and_told(step: int) -> None:
    size = 10_000_000 if step > 7 else 100_000
    payload = bytes(range(256)) * (size // 256 + 1)
    data = encode(Publish("a/report", payload[:size], 1, packet_id=5)) + encode(Puback(6))
    reader, most = Reader(lambda _: LIMIT), 0
    packets: list[Packet] = []
    for at in range(0, len(data), step):
        packets += reader.feed(data[at : at + step])
        most = max(most, reader.held)
    assert packets == [Publish("a/report", payload[:EXCERPT], 1, packet_id=5, skipped=size - EXCERPT), Puback(6)]
    first = packets[0]
    assert isinstance(first, Publish)
    assert first.size == size
    assert most <= EXCERPT + 16


def test_a_payload_at_its_limit_is_whole_and_one_byte_more_is_not() -> None:
    for size, skipped in ((LIMIT, 0), (LIMIT + 1, LIMIT + 1 - EXCERPT)):
        (packet,) = read(encode(Publish("a", bytes(size), 0)))
        assert isinstance(packet, Publish)
        assert (packet.skipped, packet.size) == (skipped, size)


@pytest.mark.parametrize("level", LEVELS)
def test_a_hub_may_use_more_topics_than_are_remembered_of_it_and_a_bad_one_is_refused_each_time(level: int) -> None:
    reader = Reader(lambda _topic: LIMIT, level=level)
    topics = [f"anju/v1/a/h/{'d' * (number % 70)}{number}/report" for number in range(300)] + ["t" * 2000]
    for packet_id, topic in enumerate([*topics, *topics], 1):
        sent = Publish(topic, b"{}", 1, packet_id=packet_id)
        assert list(reader.feed(encode(sent, level))) == [sent]
    bad = encode(Publish("a/+/b", b"{}", 1, packet_id=7), level)
    for _ in range(2):
        with pytest.raises(ProtocolViolation, match="wildcard"):
            list(reader.feed(bad))


def test_the_limit_is_asked_for_by_topic() -> None:
    reader = Reader(lambda topic: 10 if topic == "small" else LIMIT)
    sizes = [p.skipped for t in ("small", "large") for p in reader.feed(encode(Publish(t, bytes(5000)))) if isinstance(p, Publish)]
    assert sizes == [5000 - EXCERPT, 0]


def test_no_packet_but_a_publish_is_buffered_past_its_bound() -> None:
    reader = Reader(lambda _: LIMIT)
    with pytest.raises(ProtocolViolation):
        list(reader.feed(b"\x82" + b"\x81\x80\x04" + bytes(10)))
    assert reader.held == 0


names = st.text(st.characters(exclude_characters="\0+#", exclude_categories=["Cs"]), min_size=1, max_size=40)
strings = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
filters = st.lists(st.one_of(st.just("+"), names.map(lambda n: n.replace("/", ""))), min_size=1, max_size=5).map("/".join).filter(bool)
ids = st.integers(1, 0xFFFF)
qos = st.integers(0, 2)
wills = st.builds(Will, names, st.binary(max_size=200), qos, st.booleans())


def _publish(topic: str, payload: bytes, level: int, flags: tuple[bool, bool], number: int) -> Publish:
    return Publish(topic, payload, level, flags[0], flags[1] and level > 0, number if level else 0)


connects = st.builds(
    lambda client, clean, keep, user, password, will: Connect(client, clean, keep, user, password if user is not None else None, will),
    strings, st.booleans(), st.integers(0, 0xFFFF), st.none() | strings, st.none() | st.binary(max_size=80), st.none() | wills,
)  # fmt: skip
packets: st.SearchStrategy[Packet] = st.one_of(
    connects,
    st.builds(Connack, st.booleans()),
    st.builds(Connack, st.just(False), st.integers(0, 5)),
    st.builds(_publish, names, st.binary(max_size=3000), qos, st.tuples(st.booleans(), st.booleans()), ids),
    st.builds(Puback, ids), st.builds(Pubrec, ids), st.builds(Pubrel, ids), st.builds(Pubcomp, ids), st.builds(Unsuback, ids),
    st.builds(Subscribe, ids, st.lists(st.tuples(filters, qos), min_size=1, max_size=6).map(tuple)),
    st.builds(Suback, ids, st.lists(st.sampled_from((0, 1, 2, 0x80)), min_size=1, max_size=6).map(tuple)),
    st.builds(Unsubscribe, ids, st.lists(filters, min_size=1, max_size=6).map(tuple)),
    st.sampled_from((Pingreq(), Pingresp(), Disconnect())),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(packets, min_size=1, max_size=8), st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_whatever_is_written_is_read_again_however_the_network_cuts_it(sent: list[Packet], cuts: list[int]) -> None:
    data = b"".join(map(encode, sent))
    reader, at, turn = Reader(lambda _: LIMIT), 0, 0
    got: list[Packet] = []
    while at < len(data):
        got += reader.feed(data[at : at + cuts[turn % len(cuts)]])
        at, turn = at + cuts[turn % len(cuts)], turn + 1
    assert got == sent
    assert reader.held == 0


MATCHES = [
    ("a/b", "a/b", True, "a filter without wildcards is its topic"),
    ("a/b", "A/b", False, "character by character, without folding case [MQTT-4.7.3-4]"),
    ("sport/#", "sport", True, "# is the parent too"),
    ("sport/#", "sport/tennis/player1", True, "# is any depth"),
    ("#", "sport", True, "# alone is everything"),
    ("sport/+", "sport", False, "+ is one level, not none"),
    ("sport/+", "sport/", True, "an empty level is a level"),
    ("+/+", "/finance", True, "a topic may begin with an empty level"),
    ("+", "/finance", False, "+ is one level, not two"),
    ("+/tennis/#", "sport/tennis", True, "both wildcards"),
    ("+/tennis/#", "sport/golf", False, "the level between them counts"),
    ("#", "$SYS/uptime", False, "a wildcard first does not match $ [MQTT-4.7.2-1]"),
    ("+/monitor", "$SYS/monitor", False, "nor does + [MQTT-4.7.2-1]"),
    ("$SYS/#", "$SYS/monitor", True, "$ asked for by name"),
]


@pytest.mark.parametrize(("topic_filter", "topic", "answer"), [m[:3] for m in MATCHES], ids=[m[3] for m in MATCHES])
def test_a_filter_matches_as_the_specification_says(topic_filter: str, topic: str, answer: bool) -> None:
    assert matches(topic_filter, topic) is answer


levels = st.lists(st.sampled_from(("a", "b", "+")), min_size=1, max_size=6)
some_filters = st.builds(lambda body, rest: "/".join([*body, *rest]), levels, st.sampled_from(([], ["#"])))
some_topics = st.lists(st.sampled_from(("a", "b")), min_size=1, max_size=7).map("/".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(some_filters, min_size=1, max_size=6), st.lists(some_topics, min_size=1, max_size=6))
def test_indexes_find_whatever_matches(wanted: list[str], topics: list[str]) -> None:
    interests: Interests[int] = Interests()
    shelf: Shelf[str] = Shelf()
    for number, topic_filter in enumerate(wanted):
        interests.add(topic_filter, number)
    for topic in topics:
        shelf.put(topic, topic)
        assert {n for n, f in enumerate(wanted) if matches(f, topic)} <= set(interests.find(topic))
        assert all(meet(f, topic) is matches(f, topic) for f in wanted)
    for number, topic_filter in enumerate(wanted):
        assert set(shelf.matching(topic_filter)) == {t for t in topics if matches(topic_filter, t)}
        assert all(meet(topic_filter, other) for other in wanted if any(matches(topic_filter, t) and matches(other, t) for t in topics))
        interests.discard(topic_filter, number)
    assert not interests
