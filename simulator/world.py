"""A discrete-event simulation in virtual time: processes that wait, and say something now and then.

A process is a generator. It yields a number to wait so many virtual seconds, or an emission to have it happen now; either way it is
given the virtual time at which it goes on. Nothing here or above it reads a clock or draws a die of its own, so that what a seed gives
is the same at any speed: the one who runs the world decides when virtual seconds pass.
"""

from collections.abc import Callable, Generator, Iterator
from heapq import heappop, heappush

import msgspec

from simulator.wire import Values


class Said(msgspec.Struct, frozen=True):
    """A device of the contract reports. `mark`: the planted event that this message is, which should bring an alert, or none.

    `copies`: a flaky radio may deliver the same report more than once. `off_s`: how far the device's clock is ahead of the time.
    `heard`: whether the hub heard it; what it did not is only known to the ground truth.
    """

    home: str
    device: str
    values: Values
    mark: str = ""
    copies: int = 1
    off_s: float = 0.0
    heard: bool = True


class Bridged(msgspec.Struct, frozen=True):
    """A foreign message in the hub's own broker, `topic` as it is there."""

    home: str
    dialect: str
    topic: str
    payload: bytes
    mark: str = ""
    urgent: bool = False


class LineCut(msgspec.Struct, frozen=True):
    """The home's connection is gone, without a word."""

    home: str
    mark: str = ""


class LineRestored(msgspec.Struct, frozen=True):
    home: str


class Sky(msgspec.Struct, frozen=True):
    """One fault's share. `swallows`: connections of this moment carry nothing any more, and nobody is told; new ones do.

    `distrusts`: the hub does not take the platform's certificate. `misled`: the platform's name leads where nobody is.
    """

    delay_s: float = 0.0
    bytes_per_s: int = 0
    pubacks_lost: float = 0.0
    backwards: bool = False
    """After a reconnection the newest goes first, and readings before calls."""
    swallows: bool = False
    distrusts: bool = False
    misled: bool = False


class WeatherTurned(msgspec.Struct, frozen=True):
    """A fault begins over the home's line, or, with no sky, is over. `name`: which."""

    home: str
    name: str
    sky: Sky | None


class HubForgot(msgspec.Struct, frozen=True):
    """The hub had no power: what it had not written down is gone."""

    home: str


class Happened(msgspec.Struct, frozen=True):
    """Something that is so whether a device saw it or not: ground truth. `who`: a resident, a visitor, nobody."""

    home: str
    what: str
    who: str = ""
    device: str = ""
    note: str = ""
    mark: str = ""


Emission = Said | Bridged | LineCut | LineRestored | WeatherTurned | HubForgot | Happened
Process = Generator[float | Emission, float, None]
Part = Generator[float | Emission, float, float]
"""A piece of a process, for `yield from`: it returns the virtual time at which it ended."""
Begin = Callable[[float], Process]
"""Makes a process, given the virtual second at which it begins."""


class World:
    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Begin | Process]] = []
        self._started = 0

    def start(self, begin: Begin, at: float = 0.0) -> None:
        """Have a process begin at a virtual second. Processes due at one moment go on in the order in which they were started."""
        heappush(self._waiting, (at, self._started, begin))
        self._started += 1

    @property
    def next_at(self) -> float | None:
        """When something goes on next; None when every process has ended."""
        return self._waiting[0][0] if self._waiting else None

    def run(self, until: float) -> Iterator[tuple[float, Emission]]:
        """Everything that happens up to and at a virtual second, in order."""
        while self._waiting and self._waiting[0][0] <= until:
            now, number, it = heappop(self._waiting)
            try:
                if isinstance(it, Generator):
                    process, asked = it, it.send(now)
                else:
                    process = it(now)
                    asked = next(process)
                while not isinstance(asked, float | int):
                    yield now, asked
                    asked = process.send(now)
            except StopIteration:
                continue
            heappush(self._waiting, (now + max(0.0, asked), number, process))
