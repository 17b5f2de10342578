"""One connection's states, without a socket: what the endpoint says when, by the normative statements that touch it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.mqtt.client import Acknowledged, Client, Silent
from devices.mqtt.encode import encode
from devices.mqtt.packets import (
    FIVE,
    LEVELS,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    ProtocolViolation,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Refusal,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from devices.mqtt.properties import NONE, Properties
from devices.mqtt.reader import Reader
from devices.mqtt.server import Arrival, Completed, Connection, Event, Phase, Received
from devices.mqtt.session import DURABLE_IDS, Message, Session, session_key

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
TOPIC = "anju/v1/330106/home-1/cord-1/report"


def new_session(*, durable: bool = False) -> Session:
    return Session(session_key("cord", "c"), "cord", AT, durable=durable)


def fresh() -> Connection:
    return Connection(AT, lambda _: 65_536)


def opened(session: Session | None = None, keep_alive: int = 0) -> Connection:
    connection = fresh()
    for event in connection.receive(encode(Connect("c", keep_alive=keep_alive)), AT):
        assert isinstance(event, Connect)
        connection.accept(session or new_session(), present=False)
    assert said(connection) == [Connack()]
    return connection


def said(connection: Connection) -> list[Packet]:
    """What it has to say, taken from it."""
    data = bytes(connection.output)
    connection.output.clear()
    return list(Reader(lambda _: 10**7).feed(data))


def hears(connection: Connection, *packets: Packet, at: datetime = AT) -> list[Event]:
    return list(connection.receive(b"".join(map(encode, packets)), at))


def arrivals(events: list[Event]) -> list[Arrival]:
    assert all(isinstance(event, Arrival) for event in events)
    return [event for event in events if isinstance(event, Arrival)]


# --- connecting ----------------------------------------------------------------------------------------------------------------------


def test_the_first_packet_must_be_a_connect() -> None:
    """[MQTT-3.1.0-1]"""
    with pytest.raises(ProtocolViolation) as caught:
        hears(fresh(), Pingreq())
    assert caught.value.statement == "MQTT-3.1.0-1"


def test_a_second_connect_ends_the_connection() -> None:
    """[MQTT-3.1.0-2]"""
    with pytest.raises(ProtocolViolation) as caught:
        hears(opened(), Connect("c"))
    assert caught.value.statement == "MQTT-3.1.0-2"


def test_what_comes_behind_a_refused_connect_is_not_looked_at() -> None:
    """[MQTT-3.1.4-5] [MQTT-3.2.2-4] [MQTT-3.2.2-5]"""
    connection, seen = fresh(), []
    for event in connection.receive(encode(Connect("c")) + encode(Publish(TOPIC, b"x", 1, packet_id=1)) + b"\xff", AT):
        seen.append(event)
        connection.refuse(Refusal.BAD_CREDENTIALS)
    assert [type(event) for event in seen] == [Connect]
    assert said(connection) == [Connack(False, 4)]
    assert connection.phase is Phase.CLOSED
    assert hears(connection, Pingreq()) == []
    assert said(connection) == []


def test_a_client_may_speak_before_its_connack() -> None:
    """3.1.4, non-normative: messages behind the CONNECT in the same segment are taken; the CONNACK still comes first [MQTT-3.2.0-1]."""
    connection, seen = fresh(), []
    for event in connection.receive(encode(Connect("c")) + encode(Publish(TOPIC, b"x", 1, packet_id=1)), AT):
        seen.append(event)
        if isinstance(event, Connect):
            connection.accept(new_session(), present=True)
        elif isinstance(event, Arrival):
            connection.stored(event)
    assert [type(event) for event in seen] == [Connect, Arrival]
    assert said(connection) == [Connack(True), Puback(1)]


def test_packets_that_only_a_server_sends_end_the_connection() -> None:
    for packet in (Connack(), Suback(1, (0,)), Unsuback(1), Pingresp()):
        with pytest.raises(ProtocolViolation):
            hears(opened(), packet)


def test_a_client_has_ten_seconds_for_its_connect_and_drips_buy_none() -> None:
    connection = fresh()
    data = encode(Connect("c"))
    for second in range(9):
        list(connection.receive(data[second : second + 1], AT + timedelta(seconds=second)))
    assert connection.deadline == AT + timedelta(seconds=10)


def test_silence_of_one_and_a_half_keep_alives_is_too_long() -> None:
    """[MQTT-3.1.2-24]; any packet counts, and keep-alive 0 waits for ever."""
    connection = opened(keep_alive=60)
    assert connection.deadline == AT + timedelta(seconds=90)
    hears(connection, Pingreq(), at=AT + timedelta(seconds=50))
    assert said(connection) == [Pingresp()], "[MQTT-3.12.4-1]"
    assert connection.deadline == AT + timedelta(seconds=140)
    assert opened(keep_alive=0).deadline is None


def test_after_a_disconnect_nothing_is_heard() -> None:
    """[MQTT-3.14.4-2]"""
    connection = opened()
    assert hears(connection, Disconnect(), Publish(TOPIC, b"late")) == [Disconnect()]
    assert hears(connection, Pingreq()) == []


# --- messages from the client --------------------------------------------------------------------------------------------------------


def test_a_message_is_acknowledged_when_it_is_stored_and_not_before() -> None:
    """[MQTT-3.3.4-1] [MQTT-4.3.2-2]; QoS 0 is not acknowledged [MQTT-4.3.1-1]."""
    connection = opened()
    none, once = arrivals(hears(connection, Publish(TOPIC, b"0"), Publish(TOPIC, b"1", 1, packet_id=7)))
    assert said(connection) == []
    connection.stored(none)
    assert said(connection) == []
    connection.stored(once)
    assert said(connection) == [Puback(7)], "with the identifier of its PUBLISH [MQTT-2.3.1-6]"


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(6)), st.lists(st.sampled_from((1, 2)), min_size=6, max_size=6))
def test_acknowledgements_leave_in_the_order_of_the_messages_whatever_order_they_were_stored_in(order: list[int], qos: list[int]) -> None:
    """[MQTT-4.6.0-2] for QoS 1, [MQTT-4.6.0-3] for QoS 2."""
    connection = opened()
    came = arrivals(hears(connection, *(Publish(TOPIC, b"", q, packet_id=i + 1) for i, q in enumerate(qos))))
    answers: list[Packet] = []
    for index in order:
        connection.stored(came[index])
        answers += said(connection)
    assert [p for p in answers if isinstance(p, Puback)] == [Puback(i + 1) for i, q in enumerate(qos) if q == 1]
    assert [p for p in answers if isinstance(p, Pubrec)] == [Pubrec(i + 1) for i, q in enumerate(qos) if q == 2]


def test_a_qos_2_message_is_taken_once_however_often_it_is_sent() -> None:
    """[MQTT-4.3.3-2]: PUBREC each time, a new message only after PUBREL; PUBCOMP when the release is stored."""
    connection = opened()
    message = Publish(TOPIC, b"x", 2, packet_id=3)
    again = Publish(TOPIC, b"x", 2, dup=True, packet_id=3)
    (arrival,) = arrivals(hears(connection, message))
    assert hears(connection, again) == [], "not stored yet: neither a second message nor an answer"
    assert said(connection) == []
    connection.stored(arrival)
    assert said(connection) == [Pubrec(3)]
    assert hears(connection, again) == []
    assert said(connection) == [Pubrec(3)]
    assert hears(connection, Pubrel(3)) == [Pubrel(3)]
    assert said(connection) == []
    connection.complete(3)
    assert said(connection) == [Pubcomp(3)]
    assert len(arrivals(hears(connection, message))) == 1, "the identifier is free again"


def test_a_release_of_nothing_is_completed() -> None:
    """A PUBCOMP was lost: [MQTT-4.3.3-2] asks for another."""
    connection = opened()
    assert hears(connection, Pubrel(9)) == []
    assert said(connection) == [Pubcomp(9)]


def test_a_release_before_the_message_is_answered_is_a_violation() -> None:
    """[MQTT-4.3.3-1]: a sender says PUBREL when it has PUBREC."""
    connection = opened()
    hears(connection, Publish(TOPIC, b"x", 2, packet_id=3))
    with pytest.raises(ProtocolViolation):
        hears(connection, Pubrel(3))


def test_a_message_stored_after_its_client_came_back_is_answered_on_the_new_connection() -> None:
    session = new_session(durable=True)
    before = opened(session)
    (arrival,) = arrivals(hears(before, Publish(TOPIC, b"x", 2, packet_id=3)))
    before.close()
    after = opened(session)
    assert hears(after, Publish(TOPIC, b"x", 2, dup=True, packet_id=3)) == [], "it is the same message"
    before.stored(arrival)
    after.acknowledge()
    assert said(after) == [Pubrec(3)]
    assert session.held == {3}


# --- subscriptions -------------------------------------------------------------------------------------------------------------------


def test_subscriptions_are_answered_with_their_identifier_and_a_code_for_each() -> None:
    """[MQTT-3.8.4-1, -2, -5] [MQTT-3.9.3-1] [MQTT-3.10.4-4] [MQTT-2.3.1-7]"""
    connection = opened()
    asked = Subscribe(5, (("a", 1), ("b", 2)))
    assert hears(connection, asked) == [asked]
    connection.grant(5, (1, 0x80))
    leaving = Unsubscribe(6, ("a",))
    assert hears(connection, leaving) == [leaving]
    connection.ungrant(6)
    assert said(connection) == [Suback(5, (1, 0x80)), Unsuback(6)]


# --- messages to the client ----------------------------------------------------------------------------------------------------------


def test_a_command_is_done_when_the_client_says_so() -> None:
    """[MQTT-4.3.2-1]: DUP 0 at first, its identifier taken until the PUBACK."""
    connection = opened()
    message = Message("c1", "a/command", b"x", 1)
    connection.send(message)
    assert said(connection) == [Publish("a/command", b"x", 1, packet_id=DURABLE_IDS)]
    assert hears(connection, Puback(DURABLE_IDS + 1)) == [], "an answer to nothing is no answer"
    assert hears(connection, Puback(DURABLE_IDS)) == [Completed(message)]
    assert connection.inflight == {}


def test_a_qos_2_command_goes_through_its_four_packets() -> None:
    """[MQTT-4.3.3-1]"""
    connection = opened()
    message = Message("c1", "a/command", b"x", 2, packet_id=5)
    connection.send(message)
    assert said(connection) == [Publish("a/command", b"x", 2, packet_id=5)]
    assert hears(connection, Puback(5)) == [], "a PUBACK is no answer to QoS 2"
    assert hears(connection, Pubrec(5)) == [Received(message)]
    assert said(connection) == []
    message.received = True
    connection.release(5)
    assert hears(connection, Pubrec(5)) == [], "once more: it is released once more"
    assert said(connection) == [Pubrel(5), Pubrel(5)]
    assert hears(connection, Pubcomp(5)) == [Completed(message)]


def test_what_was_received_is_not_sent_again_only_its_release() -> None:
    """[MQTT-4.3.3-1]: no PUBLISH after PUBREL; [MQTT-4.4.0-1]: both again with their identifiers."""
    connection = opened()
    connection.send(Message("c1", "a", b"x", 2, packet_id=5, received=True, sent=True))
    connection.send(Message("c2", "a", b"y", 1, packet_id=6, sent=True))
    connection.send(Message("c3", "a", b"z", 0, sent=True))
    again = [Pubrel(5), Publish("a", b"y", 1, dup=True, packet_id=6), Publish("a", b"z")]
    assert said(connection) == again, "no DUP on QoS 0 [MQTT-3.3.1-2]"


def test_an_answer_about_a_message_we_forgot_lets_the_client_forget_it_too() -> None:
    connection = opened()
    assert hears(connection, Pubrec(77)) == []
    assert said(connection) == [Pubrel(77)]


def test_identifiers_in_use_are_not_given_out_twice() -> None:
    """[MQTT-2.3.1-2], [MQTT-2.3.1-4]"""
    connection = opened()
    for _ in range(300):
        connection.send(Message("", "a", b""))
    numbers = [p.packet_id for p in said(connection) if isinstance(p, Publish)]
    assert len(set(numbers)) == 300
    assert min(numbers) >= DURABLE_IDS


# --- both machines, back to back -----------------------------------------------------------------------------------------------------


class Line:
    """A client and the endpoint on a line that breaks; messages are stored at once, and each break loses what was under way."""

    def __init__(self, level: int) -> None:
        lasting = Properties(session_expiry=60, topic_alias_maximum=3) if level == FIVE else NONE
        self.client = Client(Connect("c", clean_session=False, keep_alive=30, level=level, properties=lasting))
        self.session = new_session(durable=True)
        self.server = fresh()
        self.taken: list[bytes] = []
        self.given: list[bytes] = []
        self.acknowledged: set[int] = set()
        self.known = False

    def reconnect(self) -> None:
        self.client.lost()
        self.server.close()
        self.server = fresh()
        self.client.open(AT)

    def to_server(self, keep: int | None = None) -> None:
        data = bytes(self.client.output)[:keep]
        self.client.output.clear()
        for event in self.server.receive(data, AT):
            match event:
                case Connect():
                    self.server.accept(self.session, present=self.known)
                    self.known = True
                    for message in list(self.session.queue.values()):
                        self.server.send(message)
                case Arrival(publish):
                    self.taken.append(publish.payload)
                    self.server.stored(event)
                case Pubrel(number):
                    self.server.complete(number)
                case Received(message):
                    message.received = True
                    self.server.release(message.packet_id)
                case Completed(message):
                    self.session.forget(message.id)
                case _:
                    raise AssertionError(event)

    def to_client(self, keep: int | None = None) -> None:
        data = bytes(self.server.output)[:keep]
        self.server.output.clear()
        for event in self.client.receive(data, AT):
            if isinstance(event, Publish):
                self.given.append(event.payload)
            elif isinstance(event, Acknowledged):
                self.acknowledged.add(event.packet_id)

    def command(self, payload: bytes, qos: int) -> None:
        message = Message(payload.decode(), "a/command", payload, qos)
        self.session.enqueue(message, AT)
        if self.server.phase is Phase.OPEN:
            self.server.send(message)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 2)),
        st.tuples(st.just("command"), st.integers(1, 2)),
        st.tuples(st.sampled_from(("up", "down")), st.just(0)),
        st.tuples(st.just("break"), st.integers(0, 60)),
    ),
    max_size=40,
)


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=300, deadline=None)
@given(plan=steps)
def test_nothing_is_lost_on_a_line_that_breaks_anywhere_and_qos_2_comes_exactly_once(level: int, plan: list[tuple[str, int]]) -> None:
    line = Line(level)
    line.client.open(AT)
    sent: dict[int, list[bytes]] = {1: [], 2: []}
    wanted: dict[int, list[bytes]] = {1: [], 2: []}
    for number, (what, detail) in enumerate(plan):
        if what == "publish":
            payload = f"p{number}".encode()
            line.client.publish(TOPIC, payload, detail)
            sent[detail].append(payload)
        elif what == "command":
            payload = f"c{number}".encode()
            line.command(payload, detail)
            wanted[detail].append(payload)
        elif what == "up":
            line.to_server()
        elif what == "down":
            line.to_client()
        else:  # the segment under way is cut, then the line is gone
            line.to_server(detail)
            line.to_client(detail // 2)
            line.reconnect()
    line.reconnect()
    for _ in range(60):
        line.to_server()
        line.to_client()
    assert line.client.unacknowledged == 0
    assert not line.session.queue
    for qos, came, went in ((1, line.taken, sent[1]), (1, line.given, wanted[1])):
        assert set(went) <= set(came), qos
    assert [p for p in line.taken if p in sent[2]] == sent[2], "exactly once, in order"
    assert [p for p in line.given if p in wanted[2]] == wanted[2]


# --- the client ----------------------------------------------------------------------------------------------------------------------


def test_a_client_pings_when_it_has_nothing_to_say_and_notices_silence() -> None:
    """[MQTT-3.1.2-23]"""
    client = Client(Connect("c", keep_alive=30))
    client.open(AT)
    list(client.receive(encode(Connack()), AT))
    client.output.clear()
    client.publish(TOPIC, b"x", 0, now=AT + timedelta(seconds=20))
    client.output.clear()
    assert client.next_deadline == AT + timedelta(seconds=50)
    client.advance(AT + timedelta(seconds=49))
    assert not client.output
    client.advance(AT + timedelta(seconds=50))
    assert bytes(client.output) == encode(Pingreq())
    list(client.receive(encode(Pingresp()), AT + timedelta(seconds=51)))
    client.advance(AT + timedelta(seconds=80))
    with pytest.raises(Silent):
        client.advance(AT + timedelta(seconds=110))


def test_a_client_that_is_refused_keeps_what_it_has_to_say() -> None:
    client = Client(Connect("c"))
    client.publish(TOPIC, b"x")
    client.open(AT)
    assert list(client.receive(encode(Connack(False, 5)), AT)) == [Connack(False, 5)]
    assert not client.welcome
    assert client.unacknowledged == 1
    client.open(AT)
    list(client.receive(encode(Connack()), AT))
    assert bytes(client.output).endswith(encode(Publish(TOPIC, b"x", 1, packet_id=1)))


def test_a_client_keeps_twenty_messages_on_the_way_and_the_rest_in_order() -> None:
    client = Client(Connect("c"))
    client.open(AT)
    list(client.receive(encode(Connack()), AT))
    client.output.clear()
    numbers = [client.publish(TOPIC, str(n).encode()) for n in range(50)]
    sent = [p.packet_id for p in Reader(lambda _: 100).feed(bytes(client.output)) if isinstance(p, Publish)]
    assert sent == numbers[:20]
    client.output.clear()
    assert list(client.receive(encode(Puback(numbers[0])), AT)) == [Acknowledged(numbers[0])]
    assert [p.packet_id for p in Reader(lambda _: 100).feed(bytes(client.output)) if isinstance(p, Publish)] == [numbers[20]]
