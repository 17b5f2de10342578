"""The firmware of every virtual device: a pure state machine on `devices.mqtt.client`, told the time with each call.

Theory of operation
-------------------
What is observed becomes a letter in flash before anything is sent; it leaves flash when the platform has acknowledged it. Alarms have
a lane of their own: they go at once, before any reading that was not under way already, also after an outage; readings go one at a
time, oldest first. A letter keeps its id and its text however often it is sent.

    observed -> flash -> PUBLISH -> PUBACK -> out of flash -> receipt, where the device can show one; until then it is said again

An alarm without a PUBACK for `ACKNOWLEDGED_WITHIN` means a dead line: it hangs up, comes back, and the session sends it again.

Three layers, each in its file: `radio.py` has the line, `post.py` the outbox, this one what is observed, asked and answered. Each method
under "behaviours" is one decision of a firmware, and may be replaced alone by a subclass: that is how a device with one fault is
written. Only what is in `flash` outlives this object; a power cut makes a new one.
"""

from datetime import datetime, timedelta

import msgspec

from devices.mqtt.client import Event
from devices.mqtt.packets import Connack, Publish
from simulator.virtual import speech
from simulator.virtual.flash import Lane, Letter, Says
from simulator.virtual.post import Post
from simulator.virtual.profile import Sense
from simulator.virtual.radio import Timer
from simulator.virtual.speech import Channel, Command, Stage
from simulator.virtual.stimulus import Deed, Sign, Stimulus

SYNCHRONISED_AFTER = timedelta(seconds=1)
SYNCHRONISED_EVERY = timedelta(hours=6)
BATTERY_LOW_AT, BATTERY_GOOD_AT = 20.0, 30.0
"""%"""
ANSWERS_KEPT = 32
KNOWN_COMMANDS = ("identify", "ping", "prompt", "self_test")
STAGES = {Stage.ACCEPTED: Sign.ACCEPTED, Stage.SEEN: Sign.SEEN, Stage.HELPING: Sign.HELPING, Stage.CLOSED: Sign.CLOSED}


class Firmware(Post):
    """What runs on every virtual device."""

    def boot(self, now: datetime) -> None:
        super().boot(now)
        self.timers[Timer.HEARTBEAT] = now + self.next_heartbeat()
        if self.profile.every is not None:
            self.timers[Timer.MEASURE] = now + self.profile.every
        if self.flash.unanswered:
            self.timers[Timer.UNANSWERED] = now + self.repeat_after(1)
        self.look_around(now)

    def welcomed(self, connack: Connack, now: datetime) -> None:
        super().welcomed(connack, now)
        self.timers[Timer.CLOCK] = now + SYNCHRONISED_AFTER

    def heard(self, event: Event, now: datetime) -> None:
        if isinstance(event, Publish) and event.topic == self.identity.topic(Channel.COMMAND):
            self.commanded(event, now)
        super().heard(event, now)

    def rang(self, timer: Timer, now: datetime) -> None:
        match timer:
            case Timer.UNANSWERED:
                self.unanswered(now)
            case Timer.HEARTBEAT:
                self.timers[Timer.HEARTBEAT] = now + self.next_heartbeat()
                self.check_battery(now)
                self.heartbeat(now)
            case Timer.MEASURE:
                assert self.profile.every is not None
                self.timers[Timer.MEASURE] = now + self.profile.every
                self.measure(now)
            case Timer.CLOCK:
                self.timers[Timer.CLOCK] = now + SYNCHRONISED_EVERY
                if self.mqtt.welcome:
                    self.synchronise(now)
            case _:
                super().rang(timer, now)

    # --- behaviours: an alarm until somebody answers ---

    def delivered(self, letter: Letter, now: datetime) -> None:
        """A call is over for a device that can show a receipt only when it has one."""
        super().delivered(letter, now)
        if letter.urgent and self.profile.receipts and not letter.heard and letter not in self.flash.unanswered:
            self.flash.unanswered.append(letter)
            self.timers.setdefault(Timer.UNANSWERED, now + self.repeat_after(letter.sent))

    def repeat_after(self, times: int) -> timedelta:
        return timedelta(seconds=30) if times < 5 else timedelta(minutes=5)

    def unanswered(self, now: datetime) -> None:
        """The platform has the call and nobody has said so to the person: say it again, the same report."""
        for letter in self.flash.unanswered:
            if self.mqtt.welcome and letter not in self.flying.values():
                self.send(letter, now)
        if self.flash.unanswered:
            self.timers[Timer.UNANSWERED] = now + self.repeat_after(max(letter.sent for letter in self.flash.unanswered))

    def receipt(self, command: Command, now: datetime) -> None:  # noqa: ARG002 - for a subclass to look at
        """Show how far the call has come; any stage means that it was heard. It may be here before the PUBACK."""
        sign = STAGES.get(Stage(command.stage)) if command.stage in set(Stage) else None
        if not self.profile.receipts or sign is None:
            return
        for letter in self.flying.values():
            letter.heard = True
        self.flash.unanswered.clear()
        self.timers.pop(Timer.UNANSWERED, None)
        self.hardware.lamps -= {Sign.CALLING, *STAGES.values()}
        self.hardware.lamps.add(sign)

    # --- behaviours: commands ---

    def commanded(self, message: Publish, now: datetime) -> None:
        try:
            command = speech.command(message.payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return  # nothing in it could be answered
        if command.command == "receipt":
            self.receipt(command, now)
        elif command.id:
            if command.id not in self.flash.answers:
                self.flash.answers[command.id] = self.carry_out(command, now)
                while len(self.flash.answers) > ANSWERS_KEPT:
                    del self.flash.answers[next(iter(self.flash.answers))]
            self.reply(self.flash.answers[command.id], now)

    def carry_out(self, command: Command, now: datetime) -> bytes:
        """Do it, and what there is to answer."""
        if command.command not in KNOWN_COMMANDS:
            return speech.refused(command.id, f"unknown command {command.command[:40]}")
        if command.command == "self_test":
            if not self.profile.tests:
                return speech.refused(command.id, "this device has no self-test")
            self.self_test(now)
        elif command.command == "prompt":
            return self.say(command)
        return speech.done(command.id)

    def say(self, command: Command) -> bytes:
        """By voice or on the screen, in place of what was said before; the same prompt again is not said twice (`commanded`)."""
        if not self.profile.speaks:
            return speech.refused(command.id, "this device has no voice and no screen")
        if not (command.text.zh or command.text.en):
            return speech.refused(command.id, "a prompt without words")
        self.hardware.words = command.text
        return speech.done(command.id)

    def reply(self, payload: bytes, now: datetime) -> None:
        self.mqtt.publish(self.identity.topic(Channel.REPLY), payload, 1, now=now)

    # --- behaviours: what it notices ---

    def sense(self, deed: Deed, now: datetime) -> None:
        """A stimulus that the firmware is awake for."""
        match deed.stimulus:
            case Stimulus.CANCEL if self.profile.cancels:
                self.cancel(now)
            case Stimulus.SELF_TEST if self.profile.tests:
                self.self_test(now)
            case Stimulus.BATTERY:
                self.check_battery(now)
            case _:
                for sense in self.profile.senses:
                    if sense.stimulus is deed.stimulus:
                        self.feel(sense, deed.amount, now)

    def feel(self, sense: Sense, amount: float, now: datetime) -> None:
        """With a gap between raising and clearing, so that a value on the edge is one event."""
        standing = sense.prop in self.flash.standing
        if sense.momentary:
            if amount >= sense.raise_at:
                self.noticed(sense, self.values_of(sense, amount, True), now)
        elif not standing and amount >= sense.raise_at:
            self.flash.standing.add(sense.prop)
            self.noticed(sense, self.values_of(sense, amount, True), now)
        elif standing and amount <= sense.clear_at:
            self.flash.standing.discard(sense.prop)
            self.over(sense, self.values_of(sense, amount, False), now)

    def values_of(self, sense: Sense, amount: float, true: bool) -> Says:
        return {sense.prop: true} | ({sense.reading: amount} if sense.reading else {})

    def noticed(self, sense: Sense, says: Says, now: datetime) -> None:
        if sense.alarm:
            self.hardware.lamps -= set(STAGES.values())
            self.hardware.lamps.add(Sign.CALLING)
        self.note(Lane.ALARM if sense.alarm else Lane.READING, says, now, urgent=sense.alarm)

    def over(self, sense: Sense, says: Says, now: datetime) -> None:
        """On the same road as what it takes back, else it could overtake it."""
        self.note(Lane.ALARM if sense.alarm else Lane.READING, says, now)

    def cancel(self, now: datetime) -> None:
        self.flash.unanswered.clear()
        self.timers.pop(Timer.UNANSWERED, None)
        self.hardware.lamps.discard(Sign.CALLING)
        self.note(Lane.ALARM, {"cancel": True}, now)

    def self_test(self, now: datetime) -> None:
        """By the road that a call takes, and never to be taken for one."""
        self.note(Lane.ALARM, {"test": True}, now)

    def look_around(self, now: datetime) -> None:
        """At a start: what began or ended while there was no power."""
        for sense in self.profile.senses:
            if not sense.momentary:
                self.feel(sense, self.hardware.feels(sense.stimulus, sense.rest), now)
        self.check_battery(now)

    # --- behaviours: of itself ---

    def next_heartbeat(self) -> timedelta:
        """Well before the promise runs out, and not all devices at once."""
        return self.profile.heartbeat * self.chance.uniform(0.7, 0.85)

    def heartbeat(self, now: datetime) -> None:
        self.note(Lane.READING, self.vitals() | self.condition(now), now)

    def measure(self, now: datetime) -> None:
        vitals = self.vitals()
        if vitals:
            self.note(Lane.READING, vitals | self.condition(now), now)

    def vitals(self) -> Says:
        """Nothing of a body that it is not on."""
        if not self.hardware.feels(Stimulus.WORN, 1.0):
            return {}
        return {name: round(value + self.chance.uniform(-1, 1) * value / 50, 1) for name, value in self.profile.vitals}

    def condition(self, now: datetime) -> Says:
        says: Says = {"rssi": self.hardware.rssi}
        return says | {"battery": round(self.hardware.battery(now))} if self.profile.battery_days else says

    def check_battery(self, now: datetime) -> None:
        """Said when it becomes low and when it is good again, not with every wavering."""
        if not self.profile.battery_days:
            return
        charge, low = self.hardware.battery(now), "battery_low" in self.flash.standing
        if not low and charge <= BATTERY_LOW_AT:
            self.flash.standing.add("battery_low")
            self.hardware.lamps.add(Sign.BATTERY_LOW)
            self.note(Lane.READING, {"battery_low": True} | self.condition(now), now)
        elif low and charge >= BATTERY_GOOD_AT:
            self.flash.standing.discard("battery_low")
            self.hardware.lamps.discard(Sign.BATTERY_LOW)
            self.note(Lane.READING, {"battery_low": False} | self.condition(now), now)

    def synchronise(self, now: datetime) -> None:  # noqa: ARG002 - for a subclass to look at
        """The time of the network. What was noted before it was known, and not said yet, is dated now."""
        self.hardware.clock_error = timedelta(0)
        for letter in (*self.flash.alarms, *self.flash.readings):
            if letter.at is None and not letter.sent and letter.boot == self.flash.boot:
                letter.at = self.at(letter.noted)
