"""The endpoint as procedures use it: the server (`server.py`) with the handles by which it is made to do something, or something wrong."""

from datetime import datetime

import msgspec

from devices.mqtt.filters import matches
from devices.mqtt.packets import Packet
from simulator.certification.behaviour import Behaviour
from simulator.certification.server import Server
from simulator.certification.trace import Changed, Framed, Raw, Trace, Way
from simulator.wire import Channel, Words

_encoder = msgspec.json.Encoder()


class Ask(msgspec.Struct, omit_defaults=True):
    id: str
    command: str
    prompt: str = ""
    text: Words | None = None


_SAY = Words("这是一次检测，请勿惊慌。", "This is a test; nothing has happened.")
"""What a device with a voice or a screen is asked to say."""


class Endpoint(Server):
    """For one device, whose `identity` says what it must use."""

    def has_come(self) -> bool:
        """Whether it has connected since the trace began, be it that it has gone again."""
        return bool(self.trace.connects())

    def listens(self) -> bool:
        """Whether the device has subscribed to its commands on a connection that stands."""
        return self.listener() is not None

    def granted(self) -> int | None:
        """The QoS with which it listens, of an earlier connection too where its session was kept; None: it does not."""
        line = self.listener()
        if line is None:
            return None
        topic = self.identity.topic(Channel.COMMAND)
        return max(qos for text, qos in self.session_of(line).filters.items() if matches(text, topic))

    def cut(self, now: datetime, why: str = "cut") -> None:
        """Every connection, at once and without a word."""
        for line in list(self.lines.values()):
            self.end(line, now, why)

    def say(self, packet: Packet, now: datetime) -> None:
        """Send a packet as it is on the current connection; nothing where there is none."""
        line = self.current
        if line is not None:
            self.send(line, packet, now)

    def say_raw(self, data: bytes, what: str, now: datetime) -> None:
        """Send bytes that are no packet."""
        line = self.current
        if line is not None:
            self.trace.add(Raw(self.trace.mark, now, line.number, data, what))
            line.down.put(data, now, self.behaviour.delay_down, self.behaviour.bytes_per_second)

    def say_aside(self, op: int, payload: bytes, now: datetime) -> None:
        """Send a frame of WebSocket that carries no MQTT; nothing to a device that came otherwise."""
        line = self.current
        if line is not None:
            self.trace.add(Framed(self.trace.mark, now, line.number, Way.DOWN, op, payload, masked=False))
            line.asides.append((op, payload))

    def take_asides(self, connection: int) -> list[tuple[int, bytes]]:
        line = self.lines.get(connection)
        found: list[tuple[int, bytes]] = []
        if line is not None:
            found, line.asides = line.asides, found
        return found

    def untouched(self, connection: int) -> bool:
        """Nothing has come of it yet."""
        line = self.lines.get(connection)
        return line is not None and not line.bytes_up

    def hang_up(self, connection: int, now: datetime, why: str) -> None:
        if connection in self.lines:
            self.end(self.lines[connection], now, why)

    def ask(self, command: str, now: datetime) -> str:
        """A command of the contract; its id."""
        self.commands += 1
        command_id = f"c{self.commands}"
        asked = Ask(command_id, command, "certification", _SAY) if command == "prompt" else Ask(command_id, command)
        self.command(_encoder.encode(asked), now)
        return command_id

    def release(self, now: datetime) -> int:
        """Acknowledge what was held; how many of them still had a connection."""
        held, self.held = self.held, []
        here = [(self.lines[number], entry) for number, entry in held if number in self.lines and not self.lines[number].ended]
        for line, entry in here:
            self.acknowledged(line, entry, now)
        return len(here)

    def turn(self, what: str, now: datetime) -> Behaviour:
        """The behaviour, to be changed; the trace says that it is."""
        self.trace.add(Changed(self.trace.mark, now, what))
        return self.behaviour

    def reset(self, now: datetime) -> None:
        """Correct again, nothing held, nothing planned."""
        self.behaviour = Behaviour()
        self.planned.clear()
        self.release(now)

    def renew(self) -> None:
        """A trace from its first entry on, for connections that are still to come; sessions stay, they are the device's."""
        self.lines.clear()
        self.trace = Trace()
