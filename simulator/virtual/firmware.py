"""The firmware of every virtual device: a pure state machine on `devices.mqtt.client`, told the time with each call.

Theory of operation
-------------------
What is observed becomes a letter in flash before anything is sent; it leaves flash when the platform has acknowledged it. Alarms have
a lane of their own: they go at once, before any reading that was not under way already, also after an outage; readings go one at a
time, oldest first. A letter keeps its id and its text however often it is sent.

    observed -> flash -> PUBLISH -> PUBACK -> out of flash -> receipt, where the device can show one; until then it is said again

An alarm without a PUBACK for `ACKNOWLEDGED_WITHIN` means a dead line: it hangs up, comes back, and the session sends it again.

Each method below the line "behaviours" is one decision of a firmware, and may be replaced alone by a subclass: that is how a device
with one fault is written. Only what is in `flash` outlives this object; a power cut makes a new one.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

import msgspec

from devices.mqtt.client import Acknowledged, Client, Event, Silent
from devices.mqtt.packets import FIVE, REFUSED, Connack, Connect, Disconnect, ProtocolViolation, Publish, Will
from devices.mqtt.properties import NONE, Properties
from simulator.virtual import speech
from simulator.virtual.flash import Flash, Lane, Letter, Says
from simulator.virtual.hardware import Hardware
from simulator.virtual.profile import Profile, Sense
from simulator.virtual.speech import Channel, Command, Identity, Stage
from simulator.virtual.stimulus import Deed, Sign, Stimulus

GREETED_WITHIN = timedelta(seconds=15)
ACKNOWLEDGED_WITHIN = timedelta(seconds=10)
FIRST_PAUSE, LAST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)
REFUSED_PAUSE = timedelta(seconds=30)
SYNCHRONISED_AFTER = timedelta(seconds=1)
SYNCHRONISED_EVERY = timedelta(hours=6)
BATTERY_LOW_AT, BATTERY_GOOD_AT = 20.0, 30.0
"""%"""
SESSION_S = 7 * 86400
"""How long the server keeps the session of 5.0."""
ANSWERS_KEPT = 32
KNOWN_COMMANDS = ("identify", "ping", "self_test")
STAGES = {Stage.ACCEPTED: Sign.ACCEPTED, Stage.SEEN: Sign.SEEN, Stage.HELPING: Sign.HELPING, Stage.CLOSED: Sign.CLOSED}


class Timer(StrEnum):
    CONNECT = "connect"
    GREETING = "greeting"
    UNACKNOWLEDGED = "unacknowledged"
    UNANSWERED = "unanswered"
    HEARTBEAT = "heartbeat"
    MEASURE = "measure"
    CLOCK = "clock"
    RETRY = "retry"


class Firmware:
    """`chance` is the device's own dice; with the same seed it does the same."""

    readings_kept = 200

    def __init__(self, profile: Profile, identity: Identity, flash: Flash, hardware: Hardware, chance: Random) -> None:
        self.profile, self.identity, self.flash, self.hardware, self.chance = profile, identity, flash, hardware, chance
        self.timers: dict[Timer, datetime] = {}
        self.wants_line = False
        self.mqtt = Client(self.connect_packet())
        self._on_line = False
        self._failures = 0
        self._flying: dict[int, Letter] = {}

    # --- driven by the device ---

    @property
    def next_deadline(self) -> datetime | None:
        due = list(self.timers.values())
        if self._on_line and self.mqtt.next_deadline is not None:
            due.append(self.mqtt.next_deadline)
        return min(due, default=None)

    def boot(self, now: datetime) -> None:
        self.flash.boot += 1
        self.hardware.lamps.clear()
        self.hardware.lamps.add(Sign.NO_LINE)
        self.timers[Timer.CONNECT] = now + self.wait_at_boot()
        self.timers[Timer.HEARTBEAT] = now + self.next_heartbeat()
        if self.profile.every is not None:
            self.timers[Timer.MEASURE] = now + self.profile.every
        if self.flash.unanswered:
            self.timers[Timer.UNANSWERED] = now + self.repeat_after(1)
        self.look_around(now)

    def line_up(self, now: datetime) -> None:
        self._on_line = True
        self.mqtt.connect = self.connect_packet()
        self.mqtt.open(now)
        self.timers[Timer.GREETING] = now + GREETED_WITHIN

    def line_down(self, now: datetime) -> None:
        """The line is gone, or could not be had."""
        self._on_line = False
        self.mqtt.lost()
        self.timers.pop(Timer.GREETING, None)
        self.timers.pop(Timer.UNACKNOWLEDGED, None)
        self.hardware.lamps.add(Sign.NO_LINE)
        self.wants_line = False
        self._failures += 1
        due = now + self.back_off(self._failures)
        self.timers[Timer.CONNECT] = max(due, self.timers.get(Timer.CONNECT, due))

    def receive(self, data: bytes, now: datetime) -> None:
        try:
            for event in self.mqtt.receive(data, now):
                self._heard(event, now)
        except ProtocolViolation:
            self.hang_up(now)
        self.send_waiting(now)

    def advance(self, now: datetime) -> None:
        while self.timers:
            timer, due = min(self.timers.items(), key=lambda item: item[1])
            if due > now:
                break
            del self.timers[timer]
            self._rang(timer, now)
        try:
            self.mqtt.advance(now)
        except Silent:
            self.hang_up(now)

    def hang_up(self, now: datetime) -> None:
        """Drop the line without a goodbye; it is asked for again after a pause."""
        if self.wants_line:
            self.wants_line = False
            self.timers[Timer.CONNECT] = now + FIRST_PAUSE

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

    def wait_at_boot(self) -> timedelta:
        """So that a street whose power comes back does not call in one moment."""
        return timedelta(seconds=self.chance.uniform(0.2, 2))

    def back_off(self, failures: int) -> timedelta:
        """After the nth failure in a row."""
        longest = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 10), LAST_PAUSE)
        return longest * self.chance.uniform(0.5, 1.0)

    def welcomed(self, connack: Connack, now: datetime) -> None:  # noqa: ARG002 - for a subclass to look at
        """Listens in any case, whatever the server says of a session; calls for help go first."""
        self.hardware.lamps.discard(Sign.NO_LINE)
        self.subscribe()
        self.timers[Timer.CLOCK] = now + SYNCHRONISED_AFTER
        self.send_alarms(now)
        self.announce(now)

    def refused(self, connack: Connack, now: datetime) -> None:  # noqa: ARG002 - for a subclass to look at
        self.hang_up(now)
        self.timers[Timer.CONNECT] = now + REFUSED_PAUSE * self.chance.uniform(0.8, 1.2)

    def subscribe(self) -> None:
        self.mqtt.subscribe(((self.identity.topic(Channel.COMMAND), 1),))

    def announce(self, now: datetime) -> None:
        payload = speech.online(self.profile.model, self.profile.firmware)
        self.mqtt.publish(self.identity.topic(Channel.STATUS), payload, 1, retain=True, now=now)

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
            if self.flash.readings and not self._flying:
                self.send(self.flash.readings[0], now)

    def send_alarms(self, now: datetime) -> None:
        for letter in [letter for letter in self.flash.alarms if letter not in self._flying.values()]:
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
        self._flying[number] = letter
        if letter.lane is Lane.ALARM:
            self.timers.setdefault(Timer.UNACKNOWLEDGED, now + ACKNOWLEDGED_WITHIN)

    def delivered(self, letter: Letter, now: datetime) -> None:
        """The platform has it on disk. A call is over for a device that can show a receipt only when it has one."""
        self._failures = 0
        self.forget(letter)
        if letter.urgent and self.profile.receipts and letter not in self.flash.unanswered:
            self.flash.unanswered.append(letter)
            self.timers.setdefault(Timer.UNANSWERED, now + self.repeat_after(letter.sent))

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

    # --- behaviours: an alarm until somebody answers ---

    def unacknowledged(self, now: datetime) -> None:
        """No PUBACK for an alarm: whatever the line looks like, it is dead."""
        self.hang_up(now)

    def repeat_after(self, times: int) -> timedelta:
        return timedelta(seconds=30) if times < 5 else timedelta(minutes=5)

    def unanswered(self, now: datetime) -> None:
        """The platform has the call and nobody has said so to the person: say it again, the same report."""
        for letter in self.flash.unanswered:
            if self.mqtt.welcome and letter not in self._flying.values():
                self.send(letter, now)
        if self.flash.unanswered:
            self.timers[Timer.UNANSWERED] = now + self.repeat_after(max(letter.sent for letter in self.flash.unanswered))

    def receipt(self, command: Command, now: datetime) -> None:  # noqa: ARG002 - for a subclass to look at
        """Show how far the call has come; any stage means that it was heard."""
        sign = STAGES.get(Stage(command.stage)) if command.stage in set(Stage) else None
        if not self.profile.receipts or sign is None:
            return
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

    # --- within ---

    def _heard(self, event: Event, now: datetime) -> None:
        match event:
            case Connack(code=0):
                self.timers.pop(Timer.GREETING, None)
                self.welcomed(event, now)
            case Connack():
                self.refused(event, now)
            case Acknowledged(number, code):
                letter = self._flying.pop(number, None)
                if not any(each.lane is Lane.ALARM for each in self._flying.values()):
                    self.timers.pop(Timer.UNACKNOWLEDGED, None)
                if letter is not None and code >= REFUSED:
                    self.not_taken(letter, now)
                elif letter is not None:
                    self.delivered(letter, now)
            case Publish():
                self.commanded(event, now)
            case Disconnect():
                self.hang_up(now)
            case _:
                pass

    def _rang(self, timer: Timer, now: datetime) -> None:
        match timer:
            case Timer.CONNECT:
                self.wants_line = True
            case Timer.GREETING:
                self.hang_up(now)
            case Timer.UNACKNOWLEDGED:
                self.unacknowledged(now)
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
            case Timer.RETRY:
                self.send_waiting(now)
