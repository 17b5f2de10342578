"""A PUBLISH taken apart where it lies, in both versions: it is what nearly every packet is, and too long at times to be held."""

import msgspec

from devices.mqtt.body import Body, packet_id, topic_name
from devices.mqtt.five import numbered
from devices.mqtt.packets import Kind, ProtocolViolation, Publish, Reason
from devices.mqtt.properties import NONE, Properties
from devices.mqtt.table import LIMIT, read_properties

_NAMES, _NAME_BYTES = 128, 512
"""Topics that are remembered of one connection, and the longest of them: 128 KiB at the very most, half of one for a kit."""


def behind_head(first: int, data: bytes, start: int, stop: int) -> int:
    """The index behind topic and packet identifier: of the payload, or of 5.0's properties."""
    if start + 2 > stop:
        raise ProtocolViolation("MQTT-3.3.2-1", "a PUBLISH without a topic")
    payload = start + 2 + (data[start] << 8 | data[start + 1]) + (2 if first & 6 else 0)
    if payload > stop:
        raise ProtocolViolation("", "a field reaches past the end of its packet")
    return payload


def behind_properties(data: bytes, at: int, stop: int) -> int:
    """The index behind the properties that begin at `at`; where their length has not come whole, an index past the end of `data`."""
    size = 0
    for shift in (0, 7, 14, 21):
        if at >= stop:
            raise ProtocolViolation("", "a PUBLISH without the length of its properties")
        if at >= len(data):
            return at + 1
        size |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            break
    if size > LIMIT:
        raise ProtocolViolation("", f"{size} bytes of properties", Reason.QUOTA_EXCEEDED)
    if at + size > stop:
        raise ProtocolViolation("", "a field reaches past the end of its packet")
    return at + size


class Names:
    """As 3.1.1 writes it. A kit uses three topics all its life: each is checked once, and is the same text in all its messages."""

    __slots__ = ("_topics",)

    def __init__(self) -> None:
        self._topics: dict[bytes, str] = {}

    def read_publish(self, first: int, data: bytes, start: int, stop: int) -> Publish:
        payload = behind_head(first, data, start, stop)
        qos = first >> 1 & 3
        if qos:
            number = data[payload - 2] << 8 | data[payload - 1] or packet_id(0)
            name = data[start + 2 : payload - 2]
        else:
            number = 0
            name = data[start + 2 : payload]
        topic = self._topics.get(name) or self._new(name)
        return Publish(topic, data[payload:stop], qos, first & 1 == 1, first & 8 == 8, number)

    def _new(self, name: bytes) -> str:
        topic = topic_name(name)
        if len(name) <= _NAME_BYTES:
            if len(self._topics) >= _NAMES:
                self._topics.clear()
            self._topics[name] = topic
        return topic


class Aliases(Names):
    """As 5.0 writes it, with the topics that one connection's peer has given a number, of which there may be `most` (3.3.2.3.4)."""

    __slots__ = ("_most", "_names_subscriptions", "_numbered")

    def __init__(self, most: int, *, names_subscriptions: bool) -> None:
        super().__init__()
        self._most = most
        self._names_subscriptions = names_subscriptions
        self._numbered: dict[int, str] = {}

    def read_publish(self, first: int, data: bytes, start: int, stop: int) -> Publish:
        try:
            head = behind_head(first, data, start, stop)
            qos = first >> 1 & 3
            number = packet_id(data[head - 2] << 8 | data[head - 1]) if qos else 0
            name = data[start + 2 : head - 2] if qos else data[start + 2 : head]
            if head < stop and not data[head]:
                topic = self._topics.get(name) or self._new(name)
                return Publish(topic, data[head + 1 : stop], qos, first & 1 == 1, first & 8 == 8, number)
            body = Body(data[head:stop])
            properties = read_properties(body, Kind.PUBLISH)
            topic, properties = self._resolve(name, properties)
            return Publish(topic, body.rest(), qos, first & 1 == 1, first & 8 == 8, number, 0, properties)
        except ProtocolViolation as violation:
            raise numbered(violation) from None

    def _resolve(self, name: bytes, properties: Properties) -> tuple[str, Properties]:
        """The topic, and what is said besides an alias."""
        if properties.subscription_ids and not self._names_subscriptions:
            raise ProtocolViolation("MQTT-3.3.4-6", "a client's message that names subscriptions", Reason.PROTOCOL_ERROR)
        if properties.topic_alias is None:
            return topic_name(name), properties
        topic = self._topic(name, properties.topic_alias)
        properties = msgspec.structs.replace(properties, topic_alias=None)
        return topic, NONE if properties == NONE else properties

    def _topic(self, name: bytes, alias: int) -> str:
        """What the alias stands for from now on, or has stood for before."""
        if alias > self._most:
            raise ProtocolViolation("MQTT-3.3.2-9", f"topic alias {alias} of at most {self._most}", Reason.TOPIC_ALIAS_INVALID)
        if name:
            self._numbered[alias] = topic_name(name)
        elif alias not in self._numbered:
            raise ProtocolViolation("", f"topic alias {alias} stands for nothing yet (3.3.2.3.4)", Reason.PROTOCOL_ERROR)
        return self._numbered[alias]
