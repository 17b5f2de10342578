"""What befalls the line of a home below MQTT, on a real socket: bytes that are late, few or swallowed, acknowledgements that are lost.

A story turns the weather (`storms.py`), a line lives in it (`fleet.py`). Delay and bandwidth are real time, whatever the story's speed:
the platform at the other end lives in that. Chance is the home's own, from the seed; what it meets depends on the network's timing.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from simulator.slow import Wire
from simulator.world import Sky

_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)


class Weather:
    """Of one home: all faults that stand over it, by what the story calls them."""

    def __init__(self, seed: str) -> None:
        self._skies: dict[str, Sky] = {}
        self._chance = Random(f"{seed}:line")  # noqa: S311 - a story, not a secret
        self.swallowed_up_to_s = -1.0
        """Connections from before this second of the loop's clock are half-open."""

    def turn(self, name: str, sky: Sky | None, now_s: float) -> None:
        """A fault begins, or, with None, is over."""
        if sky is None:
            self._skies.pop(name, None)
            return
        self._skies[name] = sky
        if sky.swallows:
            self.swallowed_up_to_s = now_s

    @property
    def delay(self) -> timedelta:
        return timedelta(seconds=max((sky.delay_s for sky in self._skies.values()), default=0.0))

    @property
    def bytes_per_second(self) -> int:
        return min((sky.bytes_per_s for sky in self._skies.values() if sky.bytes_per_s), default=0)

    @property
    def backwards(self) -> bool:
        return any(sky.backwards for sky in self._skies.values())

    @property
    def distrusts(self) -> bool:
        return any(sky.distrusts for sky in self._skies.values())

    @property
    def misled(self) -> bool:
        return any(sky.misled for sky in self._skies.values())

    def loses_puback(self) -> bool:
        share = max((sky.pubacks_lost for sky in self._skies.values()), default=0.0)
        return share > 0 and self._chance.random() < share


class Road:
    """One connection in its weather: what goes up by `send` comes out at `write`, what came down by `came` at `heard`."""

    def __init__(self, weather: Weather, write: Callable[[bytes], None], heard: Callable[[bytes], None]) -> None:
        self._weather, self._write, self._heard = weather, write, heard
        self._up, self._down = Wire(), Wire()
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False

    @property
    def half_open(self) -> bool:
        return self._began_s <= self._weather.swallowed_up_to_s

    def send(self, data: bytes) -> None:
        self._put(self._up, data)

    def came(self, data: bytes) -> None:
        self._put(self._down, data)

    def end(self) -> None:
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()

    def _put(self, wire: Wire, data: bytes) -> None:
        if self.half_open:
            return
        wire.put(data, self._now, self._weather.delay, self._weather.bytes_per_second)
        self._let_through()

    def _let_through(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for wire, to in ((self._up, self._write), (self._down, self._heard)):
            data = wire.take(self._now)
            if data and not self._ended and not self.half_open:
                to(data)
        due = [moment for moment in (self._up.due, self._down.due) if moment is not None]
        if due and not self._ended:
            self._timer = self._loop.call_later(max(0.0, (min(due) - self._now).total_seconds()), self._let_through)

    @property
    def _now(self) -> datetime:
        return _ORIGIN + timedelta(seconds=self._loop.time())
