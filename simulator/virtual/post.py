"""A firmware's outbox and how a letter looks on the wire: the middle layer.

What is observed becomes a letter in flash before anything is sent, and leaves flash when the platform has acknowledged it.
"""

from datetime import datetime, timedelta
from random import Random

from devices.mqtt.client import Acknowledged, Event
from devices.mqtt.packets import REFUSED
from simulator.virtual import speech
from simulator.virtual.flash import Flash, Lane, Letter, Says
from simulator.virtual.hardware import Hardware
from simulator.virtual.profile import Profile
from simulator.virtual.radio import REFUSED_PAUSE, Radio, Timer
from simulator.virtual.speech import Channel, Identity

ACKNOWLEDGED_WITHIN = timedelta(seconds=10)


class Post(Radio):
    readings_kept = 200

    def __init__(self, profile: Profile, identity: Identity, flash: Flash, hardware: Hardware, chance: Random) -> None:
        super().__init__(profile, identity, flash, hardware, chance)
        self.flying: dict[int, Letter] = {}
        """Sent and not acknowledged, by packet identifier; over connections, since the session is."""

    def line_down(self, now: datetime) -> None:
        self.timers.pop(Timer.UNACKNOWLEDGED, None)
        super().line_down(now)

    def receive(self, data: bytes, now: datetime) -> None:
        super().receive(data, now)
        self.send_waiting(now)

    def heard(self, event: Event, now: datetime) -> None:
        if isinstance(event, Acknowledged):
            self.settled(event.packet_id, event.code, now)
        super().heard(event, now)

    def rang(self, timer: Timer, now: datetime) -> None:
        match timer:
            case Timer.UNACKNOWLEDGED:
                self.unacknowledged(now)
            case Timer.RETRY:
                self.send_waiting(now)
            case _:
                super().rang(timer, now)

    def settled(self, number: int, code: int, now: datetime) -> None:
        """A PUBACK, in 5.0 perhaps one that says no."""
        letter = self.flying.pop(number, None)
        if not any(each.lane is Lane.ALARM for each in self.flying.values()):
            self.timers.pop(Timer.UNACKNOWLEDGED, None)
        if letter is not None and code >= REFUSED:
            self.not_taken(letter, now)
        elif letter is not None:
            self.delivered(letter, now)

    # --- behaviours: a report on the wire ---

    def new_id(self) -> str:
        """Never given twice, over restarts too."""
        self.flash.sequence += 1
        return f"{self.flash.unit}-{self.flash.boot}-{self.flash.sequence}"

    def qos(self, letter: Letter) -> int:  # noqa: ARG002 - for a subclass to look at
        return 1

    def retain(self, letter: Letter) -> bool:  # noqa: ARG002 - for a subclass to look at
        return False

    def channel(self, letter: Letter) -> Channel:
        return Channel.ALARM if letter.lane is Lane.ALARM else Channel.REPORT

    def payload(self, letter: Letter) -> bytes:
        return speech.report(letter.id, letter.at, letter.says)

    def at(self, noted: datetime) -> str | None:
        """What a report says of its time; nothing rather than a time that is not known."""
        error = self.hardware.clock_error
        return None if error is None else speech.written(noted, error)

    # --- behaviours: the outbox ---

    def note(self, lane: Lane, says: Says, now: datetime, *, urgent: bool = False) -> Letter:
        letter = Letter(self.new_id(), lane, says, now, self.at(now), urgent, self.flash.boot)
        self.keep(letter)
        self.send_waiting(now)
        return letter

    def keep(self, letter: Letter) -> None:
        """Alarms always find room; of readings the oldest makes it."""
        if letter.lane is Lane.ALARM:
            self.flash.alarms.append(letter)
            return
        self.flash.readings.append(letter)
        while len(self.flash.readings) > self.readings_kept:
            del self.flash.readings[0]
            self.flash.dropped += 1

    def send_waiting(self, now: datetime) -> None:
        """What may go now: alarms at once, a reading when nothing else is under way."""
        if self.mqtt.welcome:
            self.send_alarms(now)
            if self.flash.readings and not self.flying:
                self.send(self.flash.readings[0], now)

    def send_alarms(self, now: datetime) -> None:
        for letter in [letter for letter in self.flash.alarms if letter not in self.flying.values()]:
            self.send(letter, now)

    def send(self, letter: Letter, now: datetime) -> None:
        letter.sent += 1
        qos = self.qos(letter)
        try:
            number = self.mqtt.publish(
                self.identity.topic(self.channel(letter)), self.payload(letter), qos, retain=self.retain(letter), now=now,
            )  # fmt: skip
        except ValueError:  # longer than this server takes; the next may take it
            self.not_taken(letter, now)
            return
        if not number:
            self.delivered(letter, now)
            return
        self.flying[number] = letter
        if letter.lane is Lane.ALARM:
            self.timers.setdefault(Timer.UNACKNOWLEDGED, now + ACKNOWLEDGED_WITHIN)

    def delivered(self, letter: Letter, now: datetime) -> None:  # noqa: ARG002 - for a subclass to look at
        """The platform has it on disk."""
        self.failures = 0
        self.forget(letter)

    def not_taken(self, letter: Letter, now: datetime) -> None:
        """The server refuses it (5.0): a reading is given up, an alarm is tried again."""
        if letter.lane is Lane.ALARM:
            self.timers[Timer.RETRY] = now + REFUSED_PAUSE
        else:
            self.forget(letter)

    def forget(self, letter: Letter) -> None:
        for box in (self.flash.alarms, self.flash.readings):
            if letter in box:
                box.remove(letter)

    def unacknowledged(self, now: datetime) -> None:
        """No PUBACK for an alarm: whatever the line looks like, it is dead."""
        self.hang_up(now)

    def first(self, now: datetime) -> None:
        """Alarms. One that the session has just sent again by itself waits for its PUBACK like a new one."""
        self.send_alarms(now)
        if any(letter.lane is Lane.ALARM for letter in self.flying.values()):
            self.timers.setdefault(Timer.UNACKNOWLEDGED, now + ACKNOWLEDGED_WITHIN)
