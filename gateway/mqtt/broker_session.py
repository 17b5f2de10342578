"""One persistent session at an outside broker: connected again whenever it breaks, its messages handed to the loop, and acknowledged
after their commit.

It is correct on MQTT 3.1.1 alone. 5.0 is tried first and adds what a broker may do better: how long the session is kept, how many
messages may be on their way, commands that expire, nothing retained that is known already, reasons. A broker that does not speak it
says so, or closes the line; then the next attempt is 3.1.1.

Everything runs on the loop's thread, callbacks of paho included: no lock is ever waited for, as long as nothing is asked of paho from
within a callback that it makes with its locks held. So what they lead to happens a turn of the loop later (`_soon`).
"""

import asyncio
import contextlib
import logging
import random
import ssl
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Protocol

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.inbox import Intake, Published, nothing
from gateway.mqtt.arrivals import ALARM_FACTOR, MODEST_BYTES, SHARED_BYTES, WAITING_BYTES, WAITING_MESSAGES
from gateway.mqtt.broker_client import COMMANDS_AHEAD, KEEPALIVE_S, NAMES, V5, Client, Login, Outgoing, Subscription, Versions
from gateway.mqtt.broker_line import PATIENCE_S, BrokerAddress, Incoming, Line, dial, unreachable
from gateway.mqtt.broker_row import Row

TICK_S = 1.0
LEAST_PAUSE_S, MOST_PAUSE_S = 0.2, 15.0
"""Between two attempts: a random time up to a bound that doubles, so that gateways do not all come back at once."""
SOUND_S = 15.0
"""A connection that lasted so long was a good one; after it the first attempt comes at once again."""
STRIKES, SUSPICIOUS_S = 4, 2.0
"""How often in a row a line must break so soon with the same command in front, after the first time, until that is given up."""
PUBACK = b"\x40\x02"
"""In both versions, where there is nothing to say but yes."""
_FAILED = 0x80

log = logging.getLogger(__name__)


class Listening(msgspec.Struct, frozen=True):
    """What one session is for."""

    client_id: str
    subscriptions: tuple[Subscription, ...]
    alarms: bool = False
    """It carries calls alone: it may have more waiting, and stands back for nobody."""
    qos: int = 1
    """0: what is on its way when the line breaks is not delivered again, and the broker keeps nothing between connections."""


class SubscriptionMemory(Protocol):
    """What the session at the broker is subscribed to, also after a restart: asking again replays all that the broker has retained."""

    def knows(self, client_id: str, filters: list[str]) -> bool:
        """Whether it has just these."""

    def stale(self, client_id: str, filters: list[str]) -> list[str]:
        """What it has besides these."""

    def made(self, client_id: str, filters: list[str]) -> None:
        """It has just these from here on."""


Take = Callable[[Incoming, Callable[[], None], Callable[[], None]], Published | None]
"""(message, to be called when it is stored, to be called when it is forgotten)"""


class Session:
    """`take` makes of a message what the loop gets, or None when there is nothing new in it; `memory`: for a session that lasts.

    `acknowledged(packet_id, refusal)` is called for what `send` sent; `connected` when more may be sent, with whether everything that
    was sent before and not acknowledged must be sent anew.
    """

    def __init__(
        self, address: BrokerAddress, login: Login, listening: Listening, intake: Intake, *,
        take: Take, memory: SubscriptionMemory | None,
        acknowledged: Callable[[int, str], None] = lambda _id, _refusal: None,
        connected: Callable[[bool], None] = lambda _anew: None,
        changed: Callable[[], None] = nothing,
    ) -> None:  # fmt: skip
        self.listening = listening
        self.hearing = False
        """Connected, and the broker has our subscriptions: what kits publish reaches us, or waits there for us."""
        self.trouble = ""
        """Why it is not; empty before the first attempt has ended."""
        self.duplicates = 0
        """Delivered again while, or just after, the first copy was taken; not given to the loop a second time."""
        self._address = address
        self._login = login
        self._intake = intake
        self._take = take
        self._memory = memory
        self._acknowledged = acknowledged
        self._connected = connected
        self._changed = changed
        self._versions = Versions(login.versions)
        self._row = Row(self._ready)
        self._settling = False
        self._why = ""
        """What ended the connection, or will."""
        self._client = self._new_client()
        self._line: Line | None = None
        self._over = asyncio.Event()
        self._sending: dict[int, None] = {}
        """Not acknowledged yet, in order."""
        self._suspect = 0
        self._strikes = 0
        self._heard_at = 0.0
        self._running: asyncio.Task[None] | None = None
        self._closing = False

    # --- life ---

    @property
    def waiting(self) -> int:
        """Messages taken from the broker and not on disk."""
        return self._row.waiting

    @property
    def version(self) -> str:
        """Of MQTT, as it is spoken or would be tried next."""
        return NAMES[self._versions.current]

    def start(self) -> None:
        self._running = asyncio.create_task(self._run(), name=f"broker session {self.listening.client_id}")

    async def close(self) -> None:
        """Say good-bye: acknowledgements that are due leave; the broker keeps the session."""
        self._closing = True
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
        line = self._line
        if line is not None:
            self._settle()
            if self.hearing:
                self._client.disconnect()
            await line.leave()
        self.hearing = False

    async def _run(self) -> None:
        attempt = 0
        while True:
            began = monotonic()
            recalled = await self._connection()
            if monotonic() - began >= SOUND_S:
                attempt = 0
            if not recalled:
                await asyncio.sleep(random.uniform(LEAST_PAUSE_S, pause(attempt)))  # noqa: S311 - to spread, not to hide
                attempt += 1

    async def _connection(self) -> bool:
        """From the look-up of the name to the end. Whether it was ended so that the broker delivers again what was left with it."""
        self._over.clear()
        self._why = ""
        try:
            self._line = line = await dial(self._address, self._new_line)
        except (OSError, TimeoutError, ssl.SSLError) as problem:
            self._ended(unreachable(problem))
            return False
        self._row.begin()
        self._client.line = line
        welcomed_by, recalled = monotonic() + PATIENCE_S, False
        try:
            self._client.open(self._address.host, self._address.port)
            while not self._over.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S):
                        await self._over.wait()
                if self._row.owing and not self._intake.full:
                    recalled = True
                    line.end("so that what a full disk left with the broker comes again")
                elif not self.hearing and monotonic() > welcomed_by:
                    line.end(f"the broker did not let us in within {PATIENCE_S:g} s")
                else:
                    self._look(line)
        finally:
            if not self._closing:
                self._line = None
        return recalled

    def _look(self, line: Line) -> None:
        if line.paused:
            self._resume()  # the disk may have filled up, and then readings are not waited for
        elif self._client.loop_misc():  # while it is we who do not listen, the broker's silence says nothing
            self._why = f"the broker answered nothing for {2 * KEEPALIVE_S} s"

    def _new_client(self) -> Client:
        listening = self.listening
        client = Client(self._versions.current, listening.client_id, self._login, lasting=listening.qos > 0)
        client.on_connect = self._welcomed
        client.on_subscribe = self._granted
        client.on_publish = self._sent
        client.on_disconnect = self._dismissed
        client.on_socket_register_write = lambda _client, _data, _line: self._wake()
        self._sending = {}
        self._anew = True
        return client

    def _new_line(self) -> Line:
        return Line(
            properties=self._versions.current == V5, publish=self._publish, packet=self._packet, flush=self._write, lost=self._lost,
        )  # fmt: skip

    def _wake(self) -> None:
        if self._line is not None:
            self._line.wake()

    def _packet(self) -> None:
        self._client.loop_read()

    def _write(self) -> None:
        self._client.loop_write()

    # --- what paho tells ---

    def _welcomed(self, _client: paho.Client, _data: object, flags: paho.ConnectFlags, code: ReasonCode, _more: Properties | None) -> None:
        self._versions.answered(understood=not code.is_failure, unspoken="protocol version" in str(code).lower())
        if code.is_failure:
            self._why = f"the broker refuses us: {code}"
            return
        name, wanted = self.listening.client_id, [s.topic_filter for s in self.listening.subscriptions]
        if flags.session_present and self._memory is not None:
            if self._memory.knows(name, wanted):
                self._heard()
                return
            stale = self._memory.stale(name, wanted)
            if stale:
                self._client.unsubscribe(stale)
        self._client.ask(self.listening.subscriptions, self.listening.qos)

    def _granted(self, _client: paho.Client, _data: object, _mid: int, codes: list[ReasonCode], _more: Properties | None) -> None:
        granted = zip(self.listening.subscriptions, codes, strict=True)
        wanting = [s.topic_filter for s, code in granted if code.value != self.listening.qos]
        if wanting:
            self._end(f"the broker does not let us subscribe with QoS {self.listening.qos} to {', '.join(wanting)}")
            return
        if self._memory is not None:
            self._memory.made(self.listening.client_id, [s.topic_filter for s in self.listening.subscriptions])
        self._heard()

    def _heard(self) -> None:
        self.hearing, self.trouble, self._heard_at = True, "", monotonic()
        log.info("%s: session %s, MQTT %s", self._address.host, self.listening.client_id, self.version)
        anew, self._anew = self._anew, False
        self._changed()
        self._soon(partial(self._connected, anew))  # not within paho's callback: it holds its locks

    def _dismissed(
        self, _client: paho.Client, _data: object, flags: paho.DisconnectFlags, code: ReasonCode, _more: Properties | None,
    ) -> None:  # fmt: skip
        if flags.is_disconnect_packet_from_server:
            self._end(f"the broker closed the session: {code}")

    # --- upward ---

    def _publish(self, incoming: Incoming) -> None:
        taken = self._row.take(incoming.packet_id, incoming.topic, incoming.payload, dup=incoming.dup)
        if taken is None:
            self.duplicates += 1
            return
        published = self._take(incoming, taken.stored, taken.forgotten)
        if published is None:
            taken.stored()
        else:
            self._intake.publish(published)
        if self._line is not None and self._too_much():
            self._line.pause()

    def _too_much(self) -> bool:
        """As for a kit's own connection (`arrivals`): its bound, and a smaller one while much waits of all."""
        waiting, factor = self._row.waiting_bytes, ALARM_FACTOR if self.listening.alarms else 1
        if self._intake.full:
            return waiting > WAITING_BYTES * ALARM_FACTOR
        if waiting > WAITING_BYTES * factor or self._row.waiting > WAITING_MESSAGES * factor:
            return True
        return not self.listening.alarms and waiting > MODEST_BYTES and self._intake.waiting_bytes > SHARED_BYTES

    def _ready(self) -> None:
        """Something is on disk; what a whole commit gives is acknowledged together."""
        if not self._settling:
            self._settling = True
            self._soon(self._settle)

    def _settle(self) -> None:
        self._settling = False
        due = self._row.due()
        if due and self._line is not None:
            self._line.send(b"".join(PUBACK + packet_id.to_bytes(2, "big") for packet_id in due))
        self._resume()

    def _resume(self) -> None:
        if self._line is not None and self._line.paused and not self._too_much():
            self._line.resume()

    # --- downward ---

    @property
    def room(self) -> int:
        """How many more commands may be sent now."""
        return COMMANDS_AHEAD - len(self._sending) if self.hearing else 0

    def send(self, outgoing: Outgoing) -> int:
        """Publish while there is room; the packet identifier that `acknowledged` will name. ValueError for what cannot be said."""
        packet_id = self._client.say(outgoing)
        self._sending[packet_id] = None
        return packet_id

    def _sent(self, _client: paho.Client, _data: object, packet_id: int, code: ReasonCode, _more: Properties | None) -> None:
        if packet_id in self._sending:
            del self._sending[packet_id]
            self._soon(partial(self._acknowledged, packet_id, str(code) if code.value >= _FAILED else ""))

    def _soon(self, what: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(what)

    # --- the end ---

    def _end(self, why: str) -> None:
        if self._line is not None:
            self._line.end(why)

    def _lost(self, why: str) -> None:
        """The line is over. Not told to paho within a callback of its own: that would wait for the lock it holds."""
        self._why = self._why or why
        self._soon(self._bury)

    def _bury(self) -> None:
        self._client.loop_read()  # it reads the end
        if not self._closing:
            self._count_strike()
            if self._versions.ended():
                self._client = self._new_client()
            self._ended(self._why)
        self._over.set()

    def _count_strike(self) -> None:
        """A broker that does not like a topic may say so by closing the line, and paho would send the command again for ever."""
        suspect = next(iter(self._sending), 0) if self.hearing and monotonic() - self._heard_at < SUSPICIOUS_S else 0
        self._strikes = self._strikes + 1 if suspect and suspect == self._suspect else 0
        self._suspect = suspect
        if self._strikes >= STRIKES:
            self._strikes = 0
            self._acknowledged(suspect, "the broker closes the line over it")
            self._client = self._new_client()

    def _ended(self, why: str) -> None:
        if self.hearing or why != self.trouble:
            log.warning("%s: session %s: %s", self._address.host, self.listening.client_id, why)
        self.hearing, self.trouble = False, why
        self._changed()


def pause(attempt: int) -> float:
    """The bound of the pause before an attempt, in seconds."""
    return min(MOST_PAUSE_S, LEAST_PAUSE_S * 2.0 ** min(attempt, 16))
