"""What one connection's broker waits to have acknowledged, in the order in which it came.

A PUBACK names nothing but a packet identifier, and an identifier is used again. So that none ever stands for a message that is not on
disk:

- Nothing is acknowledged across connections. Each has an *epoch*, and what was taken in another one is dropped: the broker delivers
  it again.
- Acknowledgements leave in the order of the messages [MQTT-4.6.0-2], though commits may end in another: calls overtake readings.
- A broker may deliver a message again on the same connection (NATS does, after its `ack_wait`). While the first copy waits, the second
  is dropped: the first one's acknowledgement is for both. When that has left already, the second is dropped too: the broker will see
  it, and a second acknowledgement could meet whatever got the identifier next.
- A message that a full disk leaves with the broker (`forgotten`) stands in nobody's way, and is owed until the next connection.
"""

from array import array
from collections import deque
from collections.abc import Callable

_IDS = 0x1_0000


class Taken:
    """One message on its way to disk. `stored` or `forgotten` is called once."""

    __slots__ = ("_row", "epoch", "packet_id", "settled", "size")

    def __init__(self, row: "Row", epoch: int, packet_id: int, size: int) -> None:
        self._row = row
        self.epoch = epoch
        self.packet_id = packet_id
        """0: there is nothing to acknowledge."""
        self.size = size
        self.settled = False

    def stored(self) -> None:
        """It is on disk, or there was nothing in it that had to be."""
        self._row.stored(self)

    def forgotten(self) -> None:
        self._row.forgotten(self)


class Row:
    """`ready` is called when `due` may have become something."""

    def __init__(self, ready: Callable[[], None]) -> None:
        self.epoch = 0
        self.waiting_bytes = 0
        self.waiting = 0
        """Taken and neither stored nor forgotten, in whatever epoch."""
        self.owing = False
        """Something was forgotten in this epoch."""
        self._ready = ready
        self._order: deque[Taken] = deque()
        self._outstanding = bytearray(_IDS)
        self._seen = array("q", bytes(8 * _IDS))
        """By packet identifier, what came under it last in this epoch: a hash, 0 for nothing."""

    def begin(self) -> None:
        """A new connection: whatever the last one had sent comes again on this one."""
        self.epoch += 1
        self.owing = False
        self._order.clear()
        self._outstanding = bytearray(_IDS)
        self._seen = array("q", bytes(8 * _IDS))

    def take(self, packet_id: int, topic: str, payload: bytes, *, dup: bool) -> Taken | None:
        """A message of this epoch; None when it is one that is here already. `packet_id` 0: it came with QoS 0."""
        size = len(topic) + len(payload)
        if packet_id:
            content = hash((topic, payload)) or 1
            if dup and self._seen[packet_id] == content:
                return None
            if self._outstanding[packet_id]:
                self._supersede(packet_id)
            self._outstanding[packet_id] = 1
            self._seen[packet_id] = content
        taken = Taken(self, self.epoch, packet_id, size)
        self.waiting += 1
        self.waiting_bytes += size
        if packet_id:
            self._order.append(taken)
        return taken

    def due(self) -> list[int]:
        """The packet identifiers to acknowledge now, in order; each is given once."""
        order, due = self._order, []
        while order and order[0].settled:
            packet_id = order.popleft().packet_id
            if packet_id:
                self._outstanding[packet_id] = 0
                due.append(packet_id)
        return due

    def stored(self, taken: Taken) -> None:
        self.waiting -= 1
        self.waiting_bytes -= taken.size
        taken.settled = True
        self._ready()

    def forgotten(self, taken: Taken) -> None:
        if taken.epoch == self.epoch and taken.packet_id:
            self.owing = True
            self._outstanding[taken.packet_id] = 0
            self._seen[taken.packet_id] = 0
        taken.packet_id = 0
        self.stored(taken)

    def _supersede(self, packet_id: int) -> None:
        """The identifier has two messages: it is acknowledged once, behind the later one, and so when both are on disk."""
        for taken in self._order:
            if taken.packet_id == packet_id:
                taken.packet_id = 0
