"""One connection's states in MQTT 5.0, without a socket: what each side may have under way, and what it is told. Then the client's."""

from datetime import UTC, datetime

import pytest

from devices.mqtt.client import Acknowledged, Client
from devices.mqtt.encode import encode
from devices.mqtt.packets import (
    FIVE,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
    ProtocolViolation,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Reason,
    Refusal,
    Suback,
    Subscribe,
    Unsuback,
)
from devices.mqtt.properties import FOREVER, NONE, Properties
from devices.mqtt.reader import Reader
from devices.mqtt.server import Arrival, Completed, Connection, Event, Phase
from devices.mqtt.session import DURABLE_IDS, Message, Session, session_key
from devices.mqtt.terms import OF_311, PACKET_LIMIT, RECEIVE_MAXIMUM, TOPIC_ALIASES, Terms, terms

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
TOPIC = "anju/v1/330106/home-1/cord-1/report"
WELCOME = Properties(
    receive_maximum=RECEIVE_MAXIMUM, topic_alias_maximum=TOPIC_ALIASES, maximum_packet_size=PACKET_LIMIT, shared_available=0,
)  # fmt: skip


def opened(properties: Properties = NONE) -> Connection:
    connection = Connection(AT, lambda _: 65_536)
    for event in connection.receive(encode(Connect("c", level=5, properties=properties)), AT):
        assert isinstance(event, Connect)
        connection.accept(Session(session_key("cord", "c"), "cord", AT, durable=False), present=False)
    assert said(connection) == [Connack(False, 0, WELCOME)]
    return connection


def said(connection: Connection) -> list[Packet]:
    data = bytes(connection.output)
    connection.output.clear()
    return list(Reader(lambda _: 10**7, level=5).feed(data))


def hears(connection: Connection, *packets: Packet) -> list[Event]:
    return list(connection.receive(b"".join(encode(packet, 5) for packet in packets), AT))


def arrival(connection: Connection, packet: Publish) -> Arrival:
    (came,) = hears(connection, packet)
    assert isinstance(came, Arrival)
    return came


# --- terms ---------------------------------------------------------------------------------------------------------------------------

TERMS = [
    (Connect("c", clean_session=False), OF_311, "3.1.1 says nothing: its session lasts for ever"),
    (Connect("c"), Terms(expiry_s=0), "or not at all"),
    (Connect("c", level=5), Terms(FIVE, expiry_s=0), "5.0 without a word: the session ends with the connection (3.1.2.11.2)"),
    (Connect("c", level=5, properties=Properties(session_expiry=60)), Terms(FIVE, expiry_s=60), "60 seconds more"),
    (Connect("c", level=5, properties=Properties(session_expiry=FOREVER)), Terms(FIVE, expiry_s=None), "for ever"),
    (Connect("c", level=5, properties=Properties(receive_maximum=3, maximum_packet_size=99, request_problem_information=0)),
     Terms(FIVE, 3, 99, explains=False, expiry_s=0), "little at a time, and no reasons"),
    (Connect(level=6), Terms(FIVE, expiry_s=0), "a version that is not written yet is answered in the newest that is"),
    (Connect(level=0x84), Terms(expiry_s=0), "a bridge of mosquitto that asks for its private one, in 3.1.1"),
]  # fmt: skip


@pytest.mark.parametrize(("connect", "expected"), [t[:2] for t in TERMS], ids=[t[2] for t in TERMS])
def test_what_a_client_says_of_itself(connect: Connect, expected: Terms) -> None:
    assert terms(connect) == expected


REFUSALS = [(Refusal.PROTOCOL_LEVEL, 0x84), (Refusal.CLIENT_ID, 0x85), (Refusal.UNAVAILABLE, 0x97), (Refusal.BAD_CREDENTIALS, 0x86),
            (Refusal.NOT_AUTHORIZED, 0x87), (Reason.BAD_AUTHENTICATION_METHOD, 0x8C)]  # fmt: skip


@pytest.mark.parametrize(("refusal", "code"), REFUSALS)
def test_a_refusal_is_told_in_the_words_of_5(refusal: Refusal | Reason, code: int) -> None:
    """[MQTT-3.2.2-8]"""
    connection = Connection(AT, lambda _: 65_536)
    for _ in connection.receive(encode(Connect("c", level=5)), AT):
        connection.refuse(refusal, "why")
    assert said(connection) == [Connack(False, code, Properties(reason="why"))]
    assert connection.phase is Phase.CLOSED


def test_a_connect_of_5_that_cannot_be_read_is_told_so_and_one_of_3_1_1_is_not() -> None:
    """[MQTT-3.1.4-2] of 5.0, [MQTT-3.1.4-1] of 3.1.1"""
    for level, answer in ((5, [Connack(False, 0x81, Properties(reason="why"))]), (4, [])):
        broken = bytearray(encode(Connect("c", level=level)))
        broken[9] |= 1
        connection = Connection(AT, lambda _: 65_536)
        with pytest.raises(ProtocolViolation) as caught:
            list(connection.receive(bytes(broken), AT))
        connection.break_off(caught.value.code, "why")
        assert said(connection) == answer


def test_who_is_sent_away_is_told_why_in_5_and_hears_nothing_in_3_1_1() -> None:
    connection = opened()
    connection.break_off(Reason.SESSION_TAKEN_OVER)
    assert said(connection) == [Disconnect(0x8E)]
    assert hears(connection, Publish(TOPIC, b"late")) == []
    old = Connection(AT, lambda _: 65_536)
    for _ in old.receive(encode(Connect("c")), AT):
        old.accept(Session(session_key("cord", "c"), "cord", AT, durable=False), present=False)
    old.output.clear()
    old.break_off(Reason.SESSION_TAKEN_OVER)
    assert not old.output


def test_an_auth_without_an_enhanced_authentication_is_a_protocol_error() -> None:
    """4.12"""
    with pytest.raises(ProtocolViolation) as caught:
        hears(opened(), Auth(0x18, Properties(authentication_method="m")))
    assert caught.value.code == 0x82


def test_a_session_that_was_to_end_with_its_connection_cannot_be_made_to_last_at_the_end() -> None:
    """3.14.2.2.2"""
    longer = Disconnect(0, Properties(session_expiry=60))
    with pytest.raises(ProtocolViolation) as caught:
        hears(opened(), longer)
    assert caught.value.code == 0x82
    assert hears(opened(Properties(session_expiry=5)), longer) == [longer]


# --- messages from the client --------------------------------------------------------------------------------------------------------


def test_a_message_that_may_not_be_is_refused_with_its_reason_in_its_turn() -> None:
    """[MQTT-3.4.2-1] [MQTT-3.5.2-1]; 3.1.1 has no word for it."""
    connection = opened()
    first = arrival(connection, Publish(TOPIC, b"1", 1, packet_id=1))
    second = arrival(connection, Publish(TOPIC, b"2", 1, packet_id=2))
    third = arrival(connection, Publish(TOPIC, b"3", 2, packet_id=3))
    connection.reject(second, Reason.NOT_AUTHORIZED, "not yours")
    assert said(connection) == [], "not before the first [MQTT-4.6.0-2]"
    connection.stored(first)
    assert said(connection) == [Puback(1), Puback(2, 0x87, Properties(reason="not yours"))]
    connection.reject(third, Reason.NOT_AUTHORIZED, "not yours")
    assert said(connection) == [Pubrec(3, 0x87, Properties(reason="not yours"))]
    assert isinstance(arrival(connection, Publish(TOPIC, b"4", 2, packet_id=3)), Arrival), "its identifier is free at once"


def test_reasons_are_left_out_where_they_are_not_wanted_or_do_not_fit() -> None:
    """[MQTT-3.1.2-29] [MQTT-3.4.2-2] [MQTT-3.14.2-3]"""
    quiet = opened(Properties(request_problem_information=0))
    quiet.reject(arrival(quiet, Publish(TOPIC, b"", 1, packet_id=1)), Reason.NOT_AUTHORIZED, "not yours")
    assert said(quiet) == [Puback(1, 0x87)]
    quiet.break_off(Reason.ADMINISTRATIVE_ACTION, "revoked")
    assert said(quiet) == [Disconnect(0x98, Properties(reason="revoked"))], "which it may have all the same"
    small = opened(Properties(maximum_packet_size=30))
    small.reject(arrival(small, Publish(TOPIC, b"", 1, packet_id=1)), Reason.NOT_AUTHORIZED, "x" * 40)
    small.grant(2, (0,) * 40)
    assert said(small) == [Puback(1, 0x87)], "and what does not fit without a reason is not said [MQTT-3.1.2-24]"


def test_more_at_a_time_than_agreed_is_heard_and_ends_the_connection() -> None:
    """[MQTT-3.3.4-7]: 0x93. What came whole is taken: a call may be in it."""
    connection = opened()
    for number in range(1, RECEIVE_MAXIMUM):
        arrival(connection, Publish(TOPIC, b"", 1, packet_id=number))
    done = arrival(connection, Publish(TOPIC, b"", 2, packet_id=5000))
    connection.stored(done)
    taken: list[Event] = []
    with pytest.raises(ProtocolViolation) as caught:
        taken.extend(connection.receive(encode(Publish(TOPIC, b"call", 1, packet_id=6000), 5), AT))
    assert caught.value.code == 0x93
    assert [e.publish.payload for e in taken if isinstance(e, Arrival)] == [b"call"]


def test_what_is_acknowledged_makes_room_for_more() -> None:
    """QoS 1 at its PUBACK, QoS 2 at its PUBCOMP or at a PUBREC that refuses (4.9)."""
    connection = opened()
    for number in range(1, RECEIVE_MAXIMUM + 1000):
        came = arrival(connection, Publish(TOPIC, b"", 1 + number % 2, packet_id=number))
        if number % 3:
            connection.stored(came)
            if came.publish.qos == 2:
                hears(connection, Pubrel(number))
                connection.complete(number)
        else:
            connection.reject(came, Reason.NOT_AUTHORIZED, "")
    for number in range(1, RECEIVE_MAXIMUM + 1):
        arrival(connection, Publish(TOPIC, b"", 2, packet_id=number))


def test_a_release_of_nothing_known_says_so() -> None:
    """4.3.3: PUBCOMP 0x92, PUBREL 0x92."""
    connection = opened()
    assert hears(connection, Pubrel(9), Pubrec(8), Pubrec(7, 0x80)) == []
    assert said(connection) == [Pubcomp(9, 0x92), Pubrel(8, 0x92)], "to a refusal nothing is said"


# --- messages to the client ----------------------------------------------------------------------------------------------------------


def test_a_client_that_will_not_have_a_message_is_done_with_it() -> None:
    """[MQTT-4.3.2-5] [MQTT-4.3.3-4]: an error code ends the delivery, it does not ask for another."""
    connection = opened()
    one, two = Message("c1", "a", b"x", 1), Message("c2", "a", b"y", 2)
    assert connection.send(one)
    assert connection.send(two)
    said(connection)
    assert hears(connection, Puback(one.packet_id, 0x83), Pubrec(two.packet_id, 0x97)) == [Completed(one), Completed(two)]
    assert said(connection) == []
    assert connection.inflight == {}


def test_a_message_longer_than_the_client_takes_is_not_sent() -> None:
    """[MQTT-3.1.2-24] [MQTT-3.1.2-25]"""
    connection = opened(Properties(maximum_packet_size=50))
    assert not connection.send(Message("c1", "a", bytes(50), 1))
    assert connection.inflight == {}
    assert connection.send(Message("c2", "a", b"x", 1), Properties(message_expiry=7))
    (sent,) = said(connection)
    assert isinstance(sent, Publish)
    assert (sent.payload, sent.properties) == (b"x", Properties(message_expiry=7))
    assert sent.packet_id >= DURABLE_IDS


def test_subscriptions_are_answered_with_a_code_for_each() -> None:
    """[MQTT-3.8.4-6] [MQTT-3.11.3-1]"""
    connection = opened()
    connection.grant(5, (1, 0x87, 0x9E))
    connection.ungrant(6, (0, 0x11))
    assert said(connection) == [Suback(5, (1, 0x87, 0x9E)), Unsuback(6, (0, 0x11))]


# --- the client ----------------------------------------------------------------------------------------------------------------------


def client(properties: Properties = NONE, server: Properties = NONE, *, present: bool = False) -> Client:
    one = Client(Connect("", level=5, properties=properties))
    one.open(AT)
    welcomed(one, server, present=present)
    return one


def welcomed(one: Client, server: Properties = NONE, *, present: bool = False) -> list[Packet]:
    one.output.clear()
    list(one.receive(encode(Connack(present, 0, server), 5), AT))
    return spoken(one)


def spoken(one: Client) -> list[Packet]:
    data = bytes(one.output)
    one.output.clear()
    return list(Reader(lambda _: 10**7, level=5, aliases=9).feed(data))


def test_a_client_keeps_to_what_its_server_takes_at_a_time() -> None:
    """[MQTT-4.9.0-2]"""
    one = client(server=Properties(receive_maximum=2))
    numbers = [one.publish(TOPIC, b"x") for _ in range(4)]
    assert [p.packet_id for p in spoken(one) if isinstance(p, Publish)] == numbers[:2]
    assert list(one.receive(encode(Puback(numbers[0]), 5), AT)) == [Acknowledged(numbers[0])]
    assert [p.packet_id for p in spoken(one) if isinstance(p, Publish)] == [numbers[2]]


def test_a_client_sends_nothing_longer_than_its_server_takes() -> None:
    """[MQTT-3.2.2-15]"""
    one = client(server=Properties(maximum_packet_size=60))
    with pytest.raises(ValueError, match="more than the server takes"):
        one.publish(TOPIC, bytes(60))
    late = Client(Connect("c", level=5))
    number = late.publish(TOPIC, bytes(60))
    late.open(AT)
    events = list(late.receive(encode(Connack(False, 0, Properties(maximum_packet_size=60)), 5), AT))
    assert events[0] == Acknowledged(number, Reason.PACKET_TOO_LARGE)
    assert late.unacknowledged == 0


def test_a_client_says_a_topic_once_and_anew_on_the_next_connection() -> None:
    """3.3.2.3.4, [MQTT-3.3.2-7]"""
    one = client(server=Properties(topic_alias_maximum=1))
    for payload in (b"1", b"2"):
        one.publish(TOPIC, payload, 0)
        one.publish("other", payload, 0)
    assert len(one.output) == len(encode(Publish(TOPIC, b"1"), 5)) + 3 + len(encode(Publish("", b"2"), 5)) + 3 + 2 * len(
        encode(Publish("other", b"1"), 5),
    )
    heard = [p for p in spoken(one) if isinstance(p, Publish)]
    assert [(p.topic, p.payload) for p in heard] == [(TOPIC, b"1"), ("other", b"1"), (TOPIC, b"2"), ("other", b"2")]
    one.open(AT)
    welcomed(one, Properties(topic_alias_maximum=1))
    one.publish(TOPIC, b"3", 0)
    assert [p.topic for p in spoken(one) if isinstance(p, Publish)] == [TOPIC]


def test_a_client_comes_back_under_the_name_and_with_the_keep_alive_that_it_was_given() -> None:
    """[MQTT-3.2.2-16] [MQTT-3.2.2-21]"""
    one = client(server=Properties(assigned_client_id="given", server_keep_alive=7))
    assert one.next_deadline is not None
    assert (one.next_deadline - AT).total_seconds() == 7
    one.open(AT)
    assert isinstance(again := spoken(one)[0], Connect)
    assert again.client_id == "given"


def test_a_client_is_told_what_the_server_did_not_take_and_why_it_hangs_up() -> None:
    one = client()
    first, second = one.publish(TOPIC, b"x"), one.publish(TOPIC, b"y", 2)
    answers = encode(Puback(first, 0x87), 5) + encode(Pubrec(second, 0x87), 5) + encode(Disconnect(0x8B), 5)
    assert list(one.receive(answers, AT)) == [Acknowledged(first, 0x87), Acknowledged(second, 0x87), Disconnect(0x8B)]
    assert not one.welcome
    assert one.unacknowledged == 0


def test_what_a_session_that_is_gone_had_under_way_is_said_as_new() -> None:
    """[MQTT-3.2.2-5]"""
    one = client()
    number = one.publish(TOPIC, b"x")
    one.lost()
    one.open(AT)
    assert welcomed(one, present=False) == [Publish(TOPIC, b"x", 1, packet_id=number)]
    one.lost()
    one.open(AT)
    assert welcomed(one, present=True) == [Publish(TOPIC, b"x", 1, dup=True, packet_id=number)]


def test_a_client_takes_no_more_at_a_time_than_it_said() -> None:
    """[MQTT-3.3.4-9]"""
    one = client(Properties(receive_maximum=1))
    with pytest.raises(ProtocolViolation) as caught:
        list(one.receive(b"".join(encode(Publish("a", b"x", 2, packet_id=n), 5) for n in (1, 2)), AT))
    assert caught.value.code == 0x93


def test_a_client_says_good_bye_in_the_words_of_5() -> None:
    one = client()
    one.subscribe((("#", 0x2D),), Properties(subscription_ids=(3,)))
    one.close(Reason.DISCONNECT_WITH_WILL, Properties(session_expiry=0))
    assert spoken(one) == [
        Subscribe(1, (("#", 0x2D),), Properties(subscription_ids=(3,))),
        Disconnect(4, Properties(session_expiry=0)),
    ]
