"""A home's hub: an outbox that forgets nothing urgent, and an ear for commands. No socket; a link (`link.py`, `fleet.py`) has that.

What is not acknowledged is kept and sent again after a reconnect under the same report id, so it may arrive twice and is one report.
Calls go first, then what the hub says of itself, then readings; of readings a hub without a line keeps the latest few thousand.
"""

from collections import deque
from collections.abc import Callable
from datetime import datetime

import msgspec

from simulator import wire
from simulator.home import VirtualHome
from simulator.weather import Weather  # noqa: TC001 - with its annotations
from simulator.wire import Channel, Stage
from simulator.world import Bridged, Said
from simulator.zigbee import COMMANDS, DIALECT

READINGS_KEPT = 5000
RECEIPTS_KEPT = 1000
KNOWN_COMMANDS = {"identify", "ping"}
"""What all its devices can do when asked; those with a voice or a screen also say a `prompt`. Anything else they refuse by name."""


class Letter(msgspec.Struct, frozen=True, gc=False):
    """One message on its way, QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False
    urgent: bool = False


Poke = Callable[[], None]


class Receipt(msgspec.Struct, frozen=True):
    """The platform told a device how far its call has come."""

    home: str
    device: str
    alert: str
    stage: Stage


OnReceipt = Callable[[Receipt], None]


def _nobody_listens(*_: Receipt) -> None:
    """Until a link pokes or a witness hears."""


class Hub:
    """`boot` begins every report id, and is another one in every run.

    `poke` is called when there is something new to send, or the line was cut or restored.
    """

    def __init__(self, home: VirtualHome, boot: str) -> None:
        self.home, self.address = home, home.address
        self.poke: Poke = _nobody_listens
        self.on_receipt: OnReceipt = _nobody_listens
        self.receipts: deque[Receipt] = deque(maxlen=RECEIPTS_KEPT)
        self.cut = False
        self.weather: Weather | None = None
        """Only where the story has some."""
        self.connected = False
        self.was_connected = False
        """At some time; only then does the broker keep something for it."""
        self.trouble = ""
        """Why it is not connected, in the broker's or the system's words."""
        self.delivered = 0
        self.dropped = 0
        self._boot, self._sequence = boot, 0
        self._calls: deque[Letter] = deque()
        self._notices: deque[Letter] = deque()
        self._readings: deque[Letter] = deque()
        self._flying: dict[int, Letter] = {}
        self._flights = 0
        self._announced = False

    # --- from the world -----------------------------------------------------------------------------------------------------

    def say(self, said: Said, at: datetime) -> None:
        self._sequence += 1
        payload = wire.report(f"{self._boot}-{self._sequence}", at, said.values)
        channel = Channel.ALARM if said.values.urgent else Channel.REPORT
        for _ in range(said.copies):
            self._post(Letter(self.address.topic(said.device, channel), payload, urgent=said.values.urgent))

    def bridge(self, bridged: Bridged) -> None:
        self._post(Letter(self.address.bridged(bridged.dialect, bridged.topic), bridged.payload, urgent=bridged.urgent))

    def sever(self) -> None:
        """The line is dead: the link drops the socket without a goodbye, and the broker sends the will."""
        self.cut = True
        self.poke()

    def restore(self) -> None:
        self.cut = False
        self.poke()

    def forget(self) -> None:
        """It was without power: readings were in memory, calls in flash. Its devices say anew that they are there."""
        flying = {flight: letter for flight, letter in self._flying.items() if letter.urgent}
        self.dropped += len(self._readings) + len(self._flying) - len(flying)
        self._readings.clear()
        self._flying = flying
        self._notices.clear()
        self._announced = False

    # --- to the link --------------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The device that the hub itself is; a home without one speaks through an unregistered hub."""
        return self.home.hub.id if self.home.hub is not None else f"{self.home.id}-hub"

    @property
    def filters(self) -> tuple[str, ...]:
        """What it listens to: its devices' commands, and those that a bridge brings down to its Zigbee net."""
        bridged = [self.address.bridged(DIALECT, f"{DIALECT}/{rest}") for rest in COMMANDS] if self.home.zigbee is not None else []
        return (self.address.commands, *bridged)

    @property
    def will(self) -> Letter:
        return Letter(self.address.topic(self.name, Channel.STATUS), wire.OFFLINE, retain=True)

    @property
    def waiting(self) -> int:
        """Messages that nobody has acknowledged yet."""
        return len(self._calls) + len(self._notices) + len(self._readings) + len(self._flying)

    @property
    def has_news(self) -> bool:
        return bool(self._calls or self._notices or self._readings)

    def came_up(self) -> None:
        """Connected: the hub says that it is there, at the first time its devices too, and brings what its Zigbee broker retains."""
        self.connected, self.was_connected, self.trouble = True, True, ""
        firmware = self.home.hub.firmware if self.home.hub is not None else "0"
        model = self.home.hub.model if self.home.hub is not None else "unknown"
        opening = [Letter(self.will.topic, wire.online(model, firmware), retain=True)]
        if not self._announced:
            opening += [
                Letter(self.address.topic(device.id, Channel.STATUS), wire.online(device.model, device.firmware), retain=True)
                for device in self.home.devices
                if device.id != self.name
            ]
            self._announced = True
        if self.home.zigbee is not None:
            opening += [Letter(self.address.bridged(b.dialect, b.topic), b.payload) for b in self.home.zigbee.opening()]
        # Whatever an earlier connection left unsaid of itself is said anew.
        self._notices = deque(opening)

    def take(self) -> tuple[int, Letter] | None:
        """The next letter to send, with the number under which it is `settled`; None when there is nothing."""
        if self.weather is not None and self.weather.backwards:
            queue = self._readings or self._notices or self._calls
            letter = queue.pop() if queue else None
        else:
            queue = self._calls or self._notices or self._readings
            letter = queue.popleft() if queue else None
        if letter is None:
            return None
        self._flights += 1
        self._flying[self._flights] = letter
        return self._flights, letter

    def settled(self, flight: int) -> None:
        """The broker has it. A flight of an earlier connection is known no more."""
        if self._flying.pop(flight, None) is not None:
            self.delivered += 1

    def went_down(self, why: str = "") -> None:
        """Whatever was not acknowledged goes back, ahead of what is newer."""
        self.connected, self.trouble = False, why
        for letter in reversed(self._flying.values()):
            if letter.topic.endswith(f"/{Channel.STATUS}"):
                continue
            (self._calls if letter.urgent else self._readings).appendleft(letter)
        self._flying.clear()

    def hear(self, topic: str, payload: bytes) -> None:
        """A command came down. Receipts are noted; anything else that has an id is answered; a Zigbee net answers as it does."""
        foreign = wire.original_of(topic, DIALECT)
        if foreign:
            for answer in self.home.zigbee.command(foreign, payload) if self.home.zigbee is not None else ():
                self.bridge(answer)
            return
        device = wire.device_of(topic)
        try:
            command = wire.command(payload)
        except msgspec.DecodeError:
            return
        if command.command == "receipt":
            if command.stage in {stage.value for stage in Stage}:
                receipt = Receipt(self.home.id, device, command.alert, Stage(command.stage))
                self.receipts.append(receipt)
                self.on_receipt(receipt)
        elif command.id:
            self._readings.appendleft(Letter(self.address.topic(device, Channel.REPLY), self._carried_out(device, command)))
            self.poke()

    def _carried_out(self, device: str, command: wire.Command) -> bytes:
        """What the device has to answer."""
        if command.command == "prompt":
            if not any(one.id == device and one.nature.speaks for one in self.home.devices):
                return wire.refused(command.id, "this device has no voice and no screen")
            if not (command.text.zh or command.text.en):
                return wire.refused(command.id, "a prompt without words")
        elif command.command not in KNOWN_COMMANDS:
            return wire.refused(command.id, f"this device knows no command {command.command!r}")
        return wire.done(command.id)

    def _post(self, letter: Letter) -> None:
        if letter.urgent:
            self._calls.append(letter)
        else:
            self._readings.append(letter)
            if len(self._readings) > READINGS_KEPT:
                self._readings.popleft()
                self.dropped += 1
        self.poke()
