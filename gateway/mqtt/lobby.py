"""Those who have connected and are not admitted yet: a bounded time each, and a bounded number, of one address and in all.

Either we wait for them or they for us, in the row of handshakes. Of those we wait for the one that has been waited for longest goes
when there are too many: who says nothing is that one soon, and a kit is admitted within moments. Who waits for us has done its part and
stays; where all of them do, it is the newcomer who has to come again.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from devices.mqtt.server import CONNECT_WITHIN
from gateway.mqtt.door import Caller

OF_ONE_ADDRESS = 8192
"""A county behind one address may come back all at once."""
IN_ALL = 16_384


class Lobby:
    def __init__(self, *, of_one_address: int = OF_ONE_ADDRESS, in_all: int = IN_ALL) -> None:
        self._of_one_address = of_one_address
        self._in_all = in_all
        self._awaited: dict[Caller, datetime] = {}
        """Until when; in the order in which we began to wait."""
        self._awaited_at: dict[str, dict[Caller, None]] = {}
        """The same, by address."""
        self._in_turn: dict[Caller, datetime] = {}
        """They wait for us; until when we waited for them before."""
        self._at: Counter[str] = Counter()
        self.turned_out = 0
        """Ended before they were admitted, for their slowness or their number."""

    def __len__(self) -> int:
        return len(self._awaited) + len(self._in_turn)

    def __iter__(self) -> Iterator[Caller]:
        return iter([*self._awaited, *self._in_turn])

    def enter(self, caller: Caller, now: datetime) -> None:
        neighbours = self._awaited_at.get(caller.address, {})
        if self._at[caller.address] >= self._of_one_address:
            self._turn_out(next(iter(neighbours), caller))
        elif len(self) >= self._in_all:
            self._turn_out(next(iter(self._awaited), caller))
        if not caller.turned_out:
            self._at[caller.address] += 1
            self._await(caller, now + CONNECT_WITHIN)

    def in_turn(self, caller: Caller) -> None:
        """It is our turn to do something for it."""
        deadline = self._stop_awaiting(caller)
        if deadline is not None:
            self._in_turn[caller] = deadline

    def answered(self, caller: Caller, now: datetime, *, progress: bool) -> None:
        """Its turn is over. Only progress buys time: a byte now and then does not."""
        before = self._in_turn.pop(caller, None)
        if before is None:
            return
        deadline = now + CONNECT_WITHIN if progress else before
        self._await(caller, deadline)
        if deadline <= now:
            self._turn_out(caller)

    def leave(self, caller: Caller) -> None:
        """Admitted or gone; either may be said again."""
        if self._stop_awaiting(caller) is None and self._in_turn.pop(caller, None) is None:
            return
        self._at[caller.address] -= 1
        if not self._at[caller.address]:
            del self._at[caller.address]

    def look(self, now: datetime) -> None:
        """End those whose time is over."""
        for caller in [caller for caller, deadline in self._awaited.items() if deadline <= now]:
            self._turn_out(caller)

    def _await(self, caller: Caller, deadline: datetime) -> None:
        self._awaited[caller] = deadline
        self._awaited_at.setdefault(caller.address, {})[caller] = None

    def _stop_awaiting(self, caller: Caller) -> datetime | None:
        deadline = self._awaited.pop(caller, None)
        if deadline is not None:
            neighbours = self._awaited_at[caller.address]
            del neighbours[caller]
            if not neighbours:
                del self._awaited_at[caller.address]
        return deadline

    def _turn_out(self, caller: Caller) -> None:
        self.leave(caller)
        self.turned_out += 1
        caller.turned_out = True
        caller.hang_up()
