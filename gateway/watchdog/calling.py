"""One call, as a kit makes it: a new connection, a log-in, a report of QoS 1 on the alarm channel, its acknowledgement, good-bye.

By paho, so that what a county's kits speak is spoken here, and not by the code that answers it.
"""

import json
import ssl
import threading
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Literal

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from gateway.address import near
from gateway.settings import WEBSOCKET_PATH, ClientCertificates, Settings
from gateway.watchdog.rounds import Call, Step

if TYPE_CHECKING:
    from paho.mqtt.client import ConnectFlags, DisconnectFlags
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

LOOK_S = 0.2
BAD_LOGIN = frozenset({"Bad user name or password", "Not authorized"})


class Way(msgspec.Struct, frozen=True):
    """Where kits connect. `certificate`: within TLS, and the one that it must show; `websocket`: by the port of the pages."""

    host: str
    port: int
    certificate: str = ""
    websocket: bool = False


def way_in(settings: Settings) -> Way:
    """The plainest there is. Where kits must show certificates, or come by a broker alone, it is the door that the pages keep."""
    mqtt = settings.mqtt
    if mqtt.plain:
        return Way(near(mqtt.host), mqtt.port)
    if mqtt.tls is not None and mqtt.tls.client_certificates is not ClientCertificates.REQUIRED:
        return Way(near(mqtt.tls.host), mqtt.tls.port, mqtt.tls.certificate)
    return Way(near(settings.http.host), settings.http.port, websocket=True)


class Caller:
    """`call` blocks, for the patience at most: on a thread. What it learns stands in the `Call` at once."""

    def __init__(self, way: Way, username: str, topic: str) -> None:
        self._way = way
        self._username = username
        self._topic = topic

    def call(self, call: Call, password: str, patience_s: float, boottime: Callable[[], float]) -> None:
        """Never raises what the network does: `detail` says it."""
        ended = threading.Event()
        client = self._client(password, patience_s)

        def admitted(_: paho.Client, __: object, ___: "ConnectFlags", code: "ReasonCode", ____: "Properties | None") -> None:
            if code.is_failure:
                call.refused, call.detail = str(code) in BAD_LOGIN, str(code)
                ended.set()
                return
            call.step = Step.ADMITTED
            call.published_at = boottime()
            body = json.dumps({"id": call.id, "values": {"sos": True}}).encode()
            if client.publish(self._topic, body, qos=1).rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                call.step = Step.SENT

        def acknowledged(_: paho.Client, __: object, ___: int, code: "ReasonCode", ____: "Properties") -> None:
            if code.is_failure:
                call.refused, call.detail = True, str(code)
            else:
                call.step = Step.ACKNOWLEDGED
            ended.set()

        def gone(_: paho.Client, __: object, ___: "DisconnectFlags", code: "ReasonCode", ____: "Properties | None") -> None:
            call.detail = call.detail or str(code)
            ended.set()

        client.on_connect, client.on_publish, client.on_disconnect = admitted, acknowledged, gone
        over = monotonic() + patience_s
        try:
            client.connect(self._way.host, self._way.port, keepalive=max(5, int(patience_s)))
            call.step = max(call.step, Step.REACHED, key=lambda step: step.value)
            while not ended.is_set() and monotonic() < over:
                if client.loop(LOOK_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    break
        except (OSError, ValueError) as problem:
            call.detail = f"{type(problem).__name__}: {problem}"[:200]
        finally:
            client.on_disconnect = None
            client.disconnect()

    def _client(self, password: str, patience_s: float) -> paho.Client:
        transport: Literal["websockets", "tcp"] = "websockets" if self._way.websocket else "tcp"
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=self._username, clean_session=True, protocol=paho.MQTTv311, transport=transport,
            reconnect_on_failure=False,
        )  # fmt: skip
        client.connect_timeout = patience_s
        client.username_pw_set(self._username, password)
        if self._way.websocket:
            client.ws_set_options(path=WEBSOCKET_PATH)
        if self._way.certificate:
            client.tls_set_context(pinned(self._way.certificate))
        return client


def pinned(certificate: str) -> ssl.SSLContext:
    """Trusts the one certificate that the settings name, whatever it calls itself: from here the endpoint has no name. OSError."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
