"""What one connection's broker waits to have acknowledged, in the order in which it came.

A PUBACK names nothing but a packet identifier, and an identifier is used again. So that none ever stands for a message that is not on
disk:

- Nothing is acknowledged across connections. Each has an *epoch*, and an acknowledgement that is due of another one is dropped: the
  broker delivers the message again. What is still on its way to disk by then is not taken twice: it is *adopted*, under the number that
  it has on the new connection. Otherwise every line that breaks under a backlog would double what waits.
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

    __slots__ = ("_row", "content", "epoch", "packet_id", "settled", "size")

    def __init__(self, row: "Row", epoch: int, packet_id: int, size: int, content: int) -> None:
        self._row = row
        self.content = content
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
        self._orphans: dict[int, list[Taken]] = {}
        """By what they hold: taken in an earlier epoch and neither settled nor adopted."""

    def begin(self) -> None:
        """A new connection: whatever the last one had sent comes again on this one."""
        self.epoch += 1
        self.owing = False
        left = [taken for some in self._orphans.values() for taken in some] + list(self._order)
        self._orphans = {}
        for taken in left:
            if not taken.settled:
                taken.packet_id = 0
                self._orphans.setdefault(taken.content, []).append(taken)
        self._order.clear()
        self._outstanding = bytearray(_IDS)
        self._seen = array("q", bytes(8 * _IDS))

    def take(self, packet_id: int, topic: str, payload: bytes, *, dup: bool) -> Taken | None:
        """A message of this epoch; None when it is one that is here already. `packet_id` 0: it came with QoS 0."""
        size, content = len(topic) + len(payload), 0
        if packet_id:
            content = hash((topic, payload)) or 1
            if dup and self._seen[packet_id] == content:
                return None
            if self._outstanding[packet_id]:
                self._supersede(packet_id)
            self._outstanding[packet_id] = 1
            self._seen[packet_id] = content
            if self._orphans and self._adopt(packet_id, content):
                return None
        taken = Taken(self, self.epoch, packet_id, size, content)
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

    def _adopt(self, packet_id: int, content: int) -> bool:
        """Whether such a message waits already; each stands for one that is delivered again."""
        waiting = self._orphans.pop(content, [])
        while waiting:
            orphan = waiting.pop()
            if not orphan.settled:
                orphan.epoch, orphan.packet_id = self.epoch, packet_id
                self._order.append(orphan)
                if waiting:
                    self._orphans[content] = waiting
                return True
        return False

    def _supersede(self, packet_id: int) -> None:
        """The identifier has two messages: it is acknowledged once, behind the later one, and so when both are on disk."""
        for taken in self._order:
            if taken.packet_id == packet_id:
                taken.packet_id = 0
