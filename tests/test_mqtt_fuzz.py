"""Bytes from a hostile peer: damaged packets in any pieces, at any moment. Nothing but ProtocolViolation comes out, and nothing grows.

Both versions: 5.0's packets have properties, which are damaged like everything else.

The same seed gives the same bytes. `./anju test --long` runs a million packets.
"""

import contextlib
import resource
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from devices.mqtt.client import Client
from devices.mqtt.encode import encode
from devices.mqtt.packets import (
    FIVE,
    LEVELS,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Option,
    Packet,
    Pingreq,
    Pingresp,
    ProtocolViolation,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Reason,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Will,
)
from devices.mqtt.properties import NONE, Properties
from devices.mqtt.reader import CONTROL_LIMIT, Reader
from devices.mqtt.server import Arrival, Completed, Connection, Phase, Received
from devices.mqtt.session import Message, Session, session_key

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
LIMIT = 4096
TOPICS = ("anju/v1/330106/home-1/cord-1/report", "a/b", "居/家", "x" * 300)


def beside(dice: Random, *, will: bool = False) -> Properties:
    """Properties of a message, at times."""
    if dice.random() < 0.4:
        return NONE
    user = tuple((dice.choice("ab"), "v" * dice.choice((0, 3, 700))) for _ in range(dice.randint(0, 3)))
    alias = None if will else dice.choice((None, None, 1, 2, 3, 40))
    expiry = dice.choice((None, 0, 3600, 0xFFFF_FFFF))
    utf8, delay = dice.choice((None, 0, 1)), 5 if will else None
    return Properties(message_expiry=expiry, topic_alias=alias, user=user, will_delay=delay, payload_format=utf8)


def five_alone(dice: Random) -> Packet:
    """What only 5.0 can say."""
    number, why = dice.randint(1, 6), Properties(reason="r" * dice.choice((0, 5, 200)))
    code = dice.choice((0x00, 0x10, 0x80, 0x87, 0x92, 0x97))
    will = Will("a", b"x", properties=beside(dice, will=True))
    asked = Properties(session_expiry=dice.choice((None, 0, 60)), receive_maximum=dice.choice((None, 1, 3)), user=(("k", "v"),))
    match dice.randint(0, 6):
        case 0:
            return Connect("c", dice.random() < 0.5, 10, "u", b"p", will if dice.random() < 0.5 else None, 5, asked)
        case 1:
            return dice.choice((Puback, Pubrec, Pubrel, Pubcomp))(number, code, dice.choice((NONE, why)))
        case 2:
            options = dice.choice((0, 1, 2, 0x0D, 0x1E, 0x2C, 0x30, 0x40))
            return Subscribe(number, (("#", options),), Properties(subscription_ids=(dice.choice((1, 200, 99_999)),)))
        case 3:
            return Disconnect(dice.choice((0, 4, 0x8E, 1)), dice.choice((NONE, why, Properties(session_expiry=9))))
        case 4:
            return Auth(0x18, Properties(authentication_method="m", authentication_data=b"d"))
        case 5:
            return Connack(False, 0, Properties(receive_maximum=2, topic_alias_maximum=3, maximum_packet_size=dice.choice((10, 1000))))
        case _:
            return Unsuback(number, (0, 0x11), why)


def some_packet(dice: Random, level: int) -> Packet:
    if level == FIVE and dice.random() < 0.3:
        return five_alone(dice)
    number, qos = dice.randint(1, 6), dice.randint(0, 2)
    topic = dice.choice(TOPICS)
    payload = dice.randbytes(dice.choice((0, 1, 20, 200, 2000, 9000)))
    match dice.randint(0, 19):
        case 0:
            return Connect("c", dice.random() < 0.5, dice.randint(0, 60), "u", b"p", Will("a", b"x") if dice.random() < 0.5 else None)
        case 1 | 2:
            return Subscribe(number, tuple((dice.choice(("#", "a/+", *TOPICS)), qos) for _ in range(dice.randint(1, 5))))
        case 3:
            return Unsubscribe(number, ("#", "a/b"))
        case 4 | 5 | 6 | 7:
            return dice.choice((Puback, Pubrec, Pubrel, Pubcomp))(number)
        case 8:
            return dice.choice((Pingreq(), Pingresp(), Disconnect(), Connack(), Suback(number, (0,)), Unsuback(number, (0,))))
        case _:
            said = beside(dice) if level == FIVE else NONE
            return Publish(topic, payload, qos, dice.random() < 0.5, qos > 0 and dice.random() < 0.3, number if qos else 0, 0, said)


def damaged(data: bytes, dice: Random) -> bytes:
    raw = bytearray(data)
    for _ in range(dice.choice((0, 0, 0, 1, 1, 2, 5))):
        at = dice.randrange(len(raw)) if raw else 0
        match dice.randint(0, 4):
            case 0 if raw:
                raw[at] ^= 1 << dice.randint(0, 7)
            case 1 if raw:
                raw[at] = dice.choice((0, 0x7F, 0x80, 0xFF))
            case 2:
                raw[at:at] = dice.randbytes(dice.randint(1, 8))
            case 3:
                del raw[at : at + dice.randint(1, 8)]
            case _:
                raw[at:at] = raw[: dice.randint(0, 40)]
    return bytes(raw)


class Sides:
    """An endpoint's connection and a client that both hear the same bytes."""

    def __init__(self, dice: Random, level: int) -> None:
        self.dice = dice
        self.level = level
        self.session = Session(session_key("u", "c"), "u", AT, durable=True)
        self.server = Connection(AT, lambda _: LIMIT)
        self.client = Client(self.hello())
        self.client.open(AT)
        self.waiting: list[Arrival] = []
        self.violations = 0

    def hear(self, data: bytes) -> None:
        if self.server.phase is Phase.CLOSED or self.dice.random() < 0.01:
            self.renew_server()
        try:
            self.serve(data)
        except ProtocolViolation:
            self.violations += 1
            self.renew_server()
        try:
            for _ in self.client.receive(data, AT):
                pass
        except ProtocolViolation:
            self.violations += 1
            self.client.lost()
            self.client.open(AT)
            list(self.client.receive(encode(Connack(self.dice.random() < 0.5), self.level), AT))
        if self.client.unacknowledged < 30:
            with contextlib.suppress(ValueError):  # longer than it was told that the server takes
                self.client.publish("a", b"x", self.dice.randint(0, 2))
        self.client.output.clear()
        self.server.output.clear()

    def serve(self, data: bytes) -> None:
        for event in self.server.receive(data, AT + timedelta(seconds=1)):
            match event:
                case Connect():
                    self.server.accept(self.session, present=False)
                case Arrival() if self.dice.random() < 0.1:
                    self.server.reject(event, Reason.NOT_AUTHORIZED, "no")
                case Arrival():
                    self.waiting.append(event)
                case Pubrel(number):
                    self.server.complete(number)
                case Subscribe(number, filters):
                    self.server.grant(number, tuple(qos & Option.QOS for _, qos in filters))
                    self.server.send(Message("", "a", b"x", self.dice.randint(0, 2)))
                case Unsubscribe(number):
                    self.server.ungrant(number, (0,))
                case Received(message):
                    message.received = True
                    self.server.release(message.packet_id)
                case Completed() | Disconnect():
                    pass
        self.dice.shuffle(self.waiting)
        while self.waiting and self.dice.random() < 0.9:
            self.server.stored(self.waiting.pop())

    def renew_server(self) -> None:
        for arrival in self.waiting:
            self.server.stored(arrival)
        self.waiting.clear()
        self.server = Connection(AT, lambda _: LIMIT)
        self.serve(encode(self.hello()))

    def hello(self) -> Connect:
        return Connect("c", level=self.level, properties=Properties(topic_alias_maximum=3) if self.level == FIVE else NONE)


def fuzz(seed: int, packets: int, level: int) -> int:
    dice = Random(seed)
    sides, reader, most = Sides(dice, level), Reader(lambda _: LIMIT, level=level), 0
    for _ in range(packets // 4):
        data = b"".join(damaged(encode(some_packet(dice, level), level), dice) for _ in range(4))
        cut = dice.randrange(len(data) + 1)
        for piece in (data[:cut], data[cut:]):
            sides.hear(piece)
            try:
                list(reader.feed(piece))
            except ProtocolViolation:
                reader = Reader(lambda _: LIMIT, level=level)
            most = max(most, reader.held)
        assert len(sides.session.held) + len(sides.session.holding) <= 0xFFFF
        if len(sides.server.inflight) > 100:
            sides.renew_server()
    bound = LIMIT + (2 * CONTROL_LIMIT if level == FIVE else CONTROL_LIMIT)  # a payload, behind a topic, behind 5.0's properties
    assert most <= bound + 5 + len(data), "a packet that never ends is not kept beyond its bound"
    assert sides.violations > packets // 50, "the bytes were hostile"
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("level", LEVELS)
def test_twenty_thousand_damaged_packets_give_violations_and_nothing_else(level: int) -> None:
    before = fuzz(1, 400, level)
    assert fuzz(2026, 20_000, level) - before < 32 * 1024, "KiB"


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("level", LEVELS)
def test_a_million_damaged_packets_give_violations_and_nothing_else_and_no_growth(level: int) -> None:
    before = fuzz(1, 20_000, level)
    for part in range(10):
        assert fuzz(part, 100_000, level) - before < 32 * 1024, "KiB"
