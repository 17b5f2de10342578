"""What comes with a message besides topic and payload, on its way through the loop, and how a status is retained with it.

A report is stored without what a publisher of 5.0 said of it (properties, retain flag): nobody judges by it. It is kept here while the
report is on its way to disk, for those to whom it is relayed when it is there; so relays are forwarded unaltered [MQTT-3.3.2-4, -15
to -18, -20], and cost the journal nothing. A status that is retained keeps it on disk.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from devices.mqtt.entries import Retained, later
from devices.mqtt.packets import Publish
from devices.mqtt.properties import Properties
from devices.mqtt.session import SessionKey
from devices.mqtt.shelves import RETAINED_BYTES
from devices.mqtt.table import write_properties
from devices.topic import BRIDGE, Channel


class Beside(msgspec.Struct, frozen=True):
    """Who says it, with which QoS, whether to be retained, its properties, until when it holds."""

    publisher: SessionKey
    qos: int
    retain: bool
    properties: Properties
    expires_at: datetime | None


class Company:
    """By topic and payload: a commit tells of its messages by those. Of several alike each is told once, in the order they came."""

    def __init__(self) -> None:
        self.heeded = False
        """Whether anybody is there to whom anything is relayed."""
        self._of: dict[tuple[str, bytes], list[Beside]] = {}

    def enter(self, topic: str, payload: bytes, beside: Beside) -> Callable[[], None]:
        """To be called when the message is on disk, or never will be."""
        if not self.heeded:
            return _nothing
        key = (topic, payload)
        self._of.setdefault(key, []).append(beside)
        return lambda: self._leave(key, beside)

    def of(self, topic: str, payload: bytes) -> Beside | None:
        """Of the next message like this, which is told now."""
        found = self._of.get((topic, payload)) if self._of else None
        if not found:
            return None
        self._leave((topic, payload), first := found[0])
        return first

    def _leave(self, key: tuple[str, bytes], beside: Beside) -> None:
        left = [other for other in self._of.get(key, ()) if other is not beside]
        if left:
            self._of[key] = left
        else:
            self._of.pop(key, None)


def beside(publish: Publish, publisher: SessionKey, now: datetime) -> Beside:
    expiry = publish.properties.message_expiry
    until = None if expiry is None else later(now, expiry)
    return Beside(publisher, publish.qos, publish.retain, publish.properties, until)


def retained(publish: Publish, its: Beside) -> Retained | None:
    """Only `status` is retained, up to a length; any other retained PUBLISH is taken as if it were not."""
    if not publish.retain or not publish.topic.endswith(f"/{Channel.STATUS}") or bridged(publish.topic):
        return None
    if publish.size + len(write_properties(its.properties)) > RETAINED_BYTES:
        return None
    return Retained(publish.topic, publish.payload, its.properties, its.expires_at, its.qos)


def bridged(topic: str) -> bool:
    """Of a topic or a filter: whether it lies in a home's bridge."""
    return topic.split("/", 5)[4:5] == [BRIDGE]


def upward(topic_filter: str) -> bool:
    """Whether it may match what devices publish; most subscriptions are to commands alone, and readings never look at them."""
    return not topic_filter.endswith(f"/{Channel.COMMAND}") and not bridged(topic_filter)


def _nothing() -> None:
    """Nobody heard of it."""
