"""A firmware's line to its server: when it asks for one, what it says in CONNECT, when it takes the line for dead.

The lowest of the three layers of a firmware; `post.py` and `firmware.py` stand on it.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

import msgspec

from devices.mqtt.client import Client, Event, Silent
from devices.mqtt.packets import FIVE, Connack, Connect, Disconnect, ProtocolViolation, Will
from devices.mqtt.properties import NONE, Properties
from simulator.virtual import speech
from simulator.virtual.flash import Flash
from simulator.virtual.hardware import Hardware
from simulator.virtual.profile import Profile
from simulator.virtual.speech import Channel, Identity
from simulator.virtual.stimulus import Sign

GREETED_WITHIN = timedelta(seconds=15)
FIRST_PAUSE, LAST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)
REFUSED_PAUSE = timedelta(seconds=30)
SESSION_S = 7 * 86400
"""How long the server keeps the session of 5.0."""


class Timer(StrEnum):
    CONNECT = "connect"
    GREETING = "greeting"
    UNACKNOWLEDGED = "unacknowledged"
    UNANSWERED = "unanswered"
    HEARTBEAT = "heartbeat"
    MEASURE = "measure"
    CLOCK = "clock"
    RETRY = "retry"


class Shown(msgspec.Struct, frozen=True):
    """A server's certificate, as far as a device judges it."""

    trusted: bool = True
    in_date: bool = True
    named: bool = True


class Radio:
    """`chance` is the device's own dice; with the same seed it does the same."""

    def __init__(self, profile: Profile, identity: Identity, flash: Flash, hardware: Hardware, chance: Random) -> None:
        self.profile, self.identity, self.flash, self.hardware, self.chance = profile, identity, flash, hardware, chance
        self.timers: dict[Timer, datetime] = {}
        self.wants_line = False
        self.mqtt = Client(self.connect_packet())
        self.on_line = False
        """There is a socket; `mqtt.welcome` says whether the server has accepted it."""
        self.failures = 0
        """Connections in a row that came to nothing."""

    # --- driven by the device ---

    @property
    def next_deadline(self) -> datetime | None:
        due = list(self.timers.values())
        if self.on_line and self.mqtt.next_deadline is not None:
            due.append(self.mqtt.next_deadline)
        return min(due, default=None)

    def boot(self, now: datetime) -> None:
        self.flash.boot += 1
        self.hardware.lamps.clear()
        self.hardware.lamps.add(Sign.NO_LINE)
        self.timers[Timer.CONNECT] = now + self.wait_at_boot()

    def line_up(self, now: datetime) -> None:
        self.on_line = True
        self.mqtt.connect = self.connect_packet()
        self.mqtt.open(now)
        self.timers[Timer.GREETING] = now + GREETED_WITHIN

    def line_down(self, now: datetime) -> None:
        """The line is gone, or could not be had."""
        self.on_line = self.wants_line = False
        self.mqtt.lost()
        self.timers.pop(Timer.GREETING, None)
        self.hardware.lamps.add(Sign.NO_LINE)
        self.failures += 1
        due = now + self.back_off(self.failures)
        self.timers[Timer.CONNECT] = max(due, self.timers.get(Timer.CONNECT, due))

    def receive(self, data: bytes, now: datetime) -> None:
        try:
            for event in self.mqtt.receive(data, now):
                self.heard(event, now)
        except ProtocolViolation:
            self.hang_up(now)

    def advance(self, now: datetime) -> None:
        while self.timers:
            timer, due = min(self.timers.items(), key=lambda item: item[1])
            if due > now:
                break
            del self.timers[timer]
            self.rang(timer, now)
        try:
            self.mqtt.advance(now)
        except Silent:
            self.hang_up(now)

    def hang_up(self, now: datetime) -> None:
        """Drop the line without a goodbye; it is asked for again after a pause."""
        if self.wants_line:
            self.wants_line = False
            self.timers[Timer.CONNECT] = now + FIRST_PAUSE

    def heard(self, event: Event, now: datetime) -> None:
        """Each layer takes what is its own."""
        match event:
            case Connack(code=0):
                self.timers.pop(Timer.GREETING, None)
                self.welcomed(event, now)
            case Connack():
                self.refused(event, now)
            case Disconnect():
                self.hang_up(now)
            case _:
                pass

    def rang(self, timer: Timer, now: datetime) -> None:
        match timer:
            case Timer.CONNECT:
                self.wants_line = True
            case Timer.GREETING:
                self.hang_up(now)
            case _:
                pass

    # --- behaviours: the connection ---

    def connect_packet(self) -> Connect:
        who = self.identity
        properties = Properties(session_expiry=SESSION_S, receive_maximum=20) if who.level == FIVE else NONE
        return Connect(
            who.device, self.clean_session(), self.keep_alive(), who.username, who.password.encode(), self.will(), who.level, properties,
        )  # fmt: skip

    def clean_session(self) -> bool:
        return False

    def keep_alive(self) -> int:
        return self.profile.keep_alive

    def will(self) -> Will | None:
        return Will(self.identity.topic(Channel.STATUS), speech.OFFLINE, 1, retain=True)

    def trusts(self, shown: Shown) -> bool:
        """Whether to talk to this server at all, before it is told a password."""
        return shown.trusted and shown.in_date and shown.named

    def looks_up(self) -> bool:
        """Ask for the server's address anew before each connection: it may have moved."""
        return True

    def wait_at_boot(self) -> timedelta:
        """So that a street whose power comes back does not call in one moment."""
        return timedelta(seconds=self.chance.uniform(0.2, 2))

    def back_off(self, failures: int) -> timedelta:
        """After the nth failure in a row."""
        longest = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 10), LAST_PAUSE)
        return longest * self.chance.uniform(0.5, 1.0)

    def welcomed(self, connack: Connack, now: datetime) -> None:  # noqa: ARG002 - for a subclass to look at
        """It listens in any case, whatever the server says of a session; calls for help go before what it says of itself."""
        self.hardware.lamps.discard(Sign.NO_LINE)
        self.subscribe()
        self.first(now)
        self.announce(now)

    def first(self, now: datetime) -> None:
        """What goes before anything else on a new connection; nothing, to a radio."""

    def refused(self, connack: Connack, now: datetime) -> None:  # noqa: ARG002 - for a subclass to look at
        self.hang_up(now)
        self.timers[Timer.CONNECT] = now + REFUSED_PAUSE * self.chance.uniform(0.8, 1.2)

    def subscribe(self) -> None:
        self.mqtt.subscribe(((self.identity.topic(Channel.COMMAND), 1),))

    def announce(self, now: datetime) -> None:
        payload = speech.online(self.profile.model, self.profile.firmware)
        self.mqtt.publish(self.identity.topic(Channel.STATUS), payload, 1, retain=True, now=now)
