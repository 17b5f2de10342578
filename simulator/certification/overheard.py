"""The endpoint of a device that is connected to somebody else's broker: it hears what the broker passes on, and speaks through it.

Of the server it keeps what a platform is: receipts, commands, the status that was said last. There is no connection here, and nothing
that could be held back or broken; the clauses that need such a thing do not apply (`catalogue.Needs`).
"""

from collections import deque
from datetime import datetime

from devices.mqtt.encode import encode
from devices.mqtt.packets import FIVE, Publish
from simulator.certification.endpoint import Endpoint
from simulator.certification.line import Line
from simulator.certification.reading import read
from simulator.certification.trace import Passed, Status, Way
from simulator.virtual.speech import Identity
from simulator.wire import Channel

BROKER = 0
"""In the place of a connection's number: nobody here has seen one."""


class Overheard(Endpoint):
    """`outgoing`: what the broker is to be given, in its order."""

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self.outgoing: deque[Publish] = deque()
        self._there: Line | None = None

    def heard(self, packet: Publish, now: datetime) -> None:
        """The broker has passed on what the device published. QoS and the retained flag are the device's own."""
        channel, said = read(packet, now)
        entry = Passed(self.trace.mark, now, BROKER, Way.UP, packet, encode(packet, FIVE), channel, said)
        self.trace.add(entry)
        if isinstance(said, Status) and not said.online:
            self._there = None
        elif self._there is None:
            self._there = Line(BROKER, now)
        self._receipt(entry, now)

    @property
    def current(self) -> Line | None:
        """It was heard, and has not been called offline since."""
        return self._there

    def command(self, payload: bytes, now: datetime, *, qos: int = 1) -> int:
        """To the device's command topic, by the broker. It has no number that the device would see."""
        packet = Publish(self.identity.topic(Channel.COMMAND), payload, qos, packet_id=1 if qos else 0)
        self.trace.add(Passed(self.trace.mark, now, BROKER, Way.DOWN, packet, encode(packet)))
        self.outgoing.append(packet)
        return 0

    def has_come(self) -> bool:
        return bool(self.trace.passed())

    def listens(self) -> bool:
        """Nobody can see it here: a device that does not listen fails to answer."""
        return True

    def cut(self, now: datetime, why: str = "cut") -> None:
        """There is nothing to cut."""
