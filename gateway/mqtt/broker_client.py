"""paho's client, as a session uses it: without a socket of its own, and with what MQTT 5.0 adds where the broker speaks it.

`_create_socket` is the one private name of paho that is relied on; it gives what `broker_line` says. A test connects by it, so that a
release in which it is gone is noticed by the lock file's change and not by a county.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

KEEPALIVE_S = 15
COMMANDS_AHEAD = 20
"""Commands that the broker has not acknowledged yet, at most."""
RETAINED_IF_NEW, RETAINED_NEVER = 1, 2
"""Retain handling of a subscription of 5.0."""

SILENT, SILENT_PROVEN = 2, 20
"""Lines in a row that are closed without a word, until the other version is tried: by a broker that has never spoken with us, and by
one that has (it is more likely starting)."""

V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
NAMES = {V5: "5.0", V311: "3.1.1"}


class Login(msgspec.Struct, frozen=True):
    """`session_expiry_s` and `receive_maximum` count on 5.0 alone. `versions`: those that are tried, in order."""

    username: str = ""
    password: str = ""
    session_expiry_s: int = 7 * 24 * 3600
    receive_maximum: int = 65_535
    versions: tuple[MQTTProtocolVersion, ...] = (V5, V311)


class Versions:
    """Which version of MQTT is spoken at the next attempt: a broker that has only 3.1.1 says so, or just closes the line."""

    def __init__(self, versions: tuple[MQTTProtocolVersion, ...]) -> None:
        self._versions = versions
        self.current = versions[0]
        self._proven = False
        self._answered = False
        self._unspoken = False
        self._silent = 0

    def answered(self, *, understood: bool, unspoken: bool) -> None:
        """A CONNACK came. `unspoken`: it says that the broker does not speak this version."""
        self._answered, self._silent = True, 0
        self._proven |= understood
        self._unspoken = unspoken

    def ended(self) -> bool:
        """The line is over; whether another version comes next."""
        self._silent += not self._answered
        other = self._unspoken or self._silent >= (SILENT_PROVEN if self._proven else SILENT)
        self._answered = self._unspoken = False
        if not other or len(self._versions) == 1:
            return False
        self._silent = 0
        self.current = self._versions[(self._versions.index(self.current) + 1) % len(self._versions)]
        return True


class Subscription(msgspec.Struct, frozen=True):
    topic_filter: str
    retained: bool = False
    """Whether what the broker has retained is wanted when it is made."""


class Outgoing(msgspec.Struct, frozen=True):
    topic: str
    payload: bytes
    expires_in_s: int | None = None
    """Told to the broker where it speaks 5.0."""


class Client(paho.Client):
    """`line` is set before each `open`. `lasting`: the broker keeps the session while we are away."""

    line: "SocketLike"

    def __init__(self, version: MQTTProtocolVersion, client_id: str, login: Login, *, lasting: bool) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id, protocol=version, clean_session=None if version == V5 else not lasting,
            manual_ack=True, reconnect_on_failure=False,
        )  # fmt: skip
        self.version = version
        self._login = login
        self._lasting = lasting
        if login.username:
            self.username_pw_set(login.username, login.password or None)
        self.max_inflight_messages_set(2 * COMMANDS_AHEAD)  # never reached: what paho queues beyond, it would drop in silence

    def open(self, host: str, port: int) -> None:
        """CONNECT on `line`. `host` and `port` are for paho's own records."""
        if self.version == V5:
            properties = _properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = self._login.session_expiry_s if self._lasting else 0
            properties.ReceiveMaximum = self._login.receive_maximum
            self.connect(host, port, KEEPALIVE_S, clean_start=not self._lasting, properties=properties)
        else:
            self.connect(host, port, KEEPALIVE_S)

    def ask(self, subscriptions: Sequence[Subscription], qos: int) -> None:
        """SUBSCRIBE. On 5.0 what is retained comes only where it is wanted and the subscription new."""
        if self.version == V5:
            self.subscribe([
                (s.topic_filter, SubscribeOptions(qos, retainHandling=RETAINED_IF_NEW if s.retained else RETAINED_NEVER))
                for s in subscriptions
            ])  # fmt: skip
        else:
            self.subscribe([(s.topic_filter, qos) for s in subscriptions])

    def say(self, outgoing: Outgoing) -> int:
        """PUBLISH with QoS 1; its packet identifier. paho sends it again until it is acknowledged. ValueError when it cannot be said."""
        properties = None
        if self.version == V5 and outgoing.expires_in_s is not None:
            properties = _properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = outgoing.expires_in_s
        info = self.publish(outgoing.topic, outgoing.payload, qos=1, properties=properties)
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            raise ValueError(f"paho does not take it: {info.rc}")
        return info.mid

    def _create_socket(self) -> "SocketLike":
        return self.line


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]
