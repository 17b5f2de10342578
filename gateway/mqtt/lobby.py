"""Those who have connected and are not admitted yet: a bounded time each, and a bounded number, of one address and in all.

Where there are too many, the one that has waited longest goes. A kit is admitted within moments of its connecting, whatever its
number among thousands whose power has returned; who says nothing is the oldest soon.
"""

from collections.abc import Iterator
from datetime import datetime

from devices.mqtt.server import CONNECT_WITHIN
from gateway.mqtt.door import Caller

OF_ONE_ADDRESS = 4096
"""As many as the kernel holds for us: a county behind one address may come back all at once."""
IN_ALL = 16_384


class Lobby:
    def __init__(self, *, of_one_address: int = OF_ONE_ADDRESS, in_all: int = IN_ALL) -> None:
        self._of_one_address = of_one_address
        self._in_all = in_all
        self._waiting: dict[Caller, datetime] = {}
        self._by_address: dict[str, dict[Caller, None]] = {}
        self.turned_out = 0
        """Ended before they were admitted, for their slowness or their number."""

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Caller]:
        return iter(list(self._waiting))

    def enter(self, caller: Caller, now: datetime) -> None:
        neighbours = self._by_address.setdefault(caller.address, {})
        if len(neighbours) >= self._of_one_address:
            self._turn_out(next(iter(neighbours)))
        elif len(self._waiting) >= self._in_all:
            self._turn_out(next(iter(self._waiting)))
        self._waiting[caller] = now + CONNECT_WITHIN
        self._by_address.setdefault(caller.address, {})[caller] = None

    def leave(self, caller: Caller) -> None:
        """Admitted or gone; either may be said again."""
        if self._waiting.pop(caller, None) is None:
            return
        neighbours = self._by_address[caller.address]
        del neighbours[caller]
        if not neighbours:
            del self._by_address[caller.address]

    def look(self, now: datetime) -> None:
        """End those whose time is over."""
        while self._waiting:
            caller, deadline = next(iter(self._waiting.items()))
            if deadline > now:
                return
            self._turn_out(caller)

    def _turn_out(self, caller: Caller) -> None:
        self.leave(caller)
        self.turned_out += 1
        caller.turned_out = True
        caller.hang_up()
