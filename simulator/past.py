"""What the hubs of a new platform have stored: the hours before it listened, sent as after an outage.

The world simply began earlier, so that the morning behind an alert and the afternoon before it are one resident's one day. Only what
devices of the contract say is stored, each report with its own moment; a Zigbee coordinator tells no time and keeps nothing. Nothing of
it is a call: nobody acts in the hours before the stage opens.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Mapping

import httpx
import msgspec

from simulator.clock import Clock
from simulator.device import Kind
from simulator.home import HomeRecord
from simulator.hub import Hub
from simulator.registry import ask
from simulator.world import Said, World

PAST_S = 3 * 3600.0
MOST_HOMES = 1000
"""Past this many, sending the past would take longer than anybody looks at it: such a community begins with the present."""
PIECE, PAUSE_S = 30, 0.1
"""So many stored reports at a time: 300 a second over all homes, a fraction of what a platform takes, so that calls do not wait."""


class _Samples(msgspec.Struct, frozen=True):
    items: tuple[msgspec.Raw, ...]


async def has_readings(client: httpx.AsyncClient, records: tuple[HomeRecord, ...]) -> bool:
    """Whether the watches of these homes were ever heard: the first that there is answers for all. PlatformError."""
    watch = next((device for home in records for device in home.devices if device.model.startswith(f"anju-{Kind.WATCH}-")), None)
    if watch is None:
        return True  # nobody whose past could be told by its absence
    since_ever = {"device": watch.id, "property": "heart_rate", "start": "2000-01-01T00:00:00Z", "limit": "1"}
    return bool((await ask(client, "telemetry", since_ever, _Samples)).items)


class Past:
    """Everything that the world says until it opens, home by home; a world that opens with its beginning has none."""

    def __init__(self, world: World, until: float) -> None:
        stored: dict[str, list[tuple[float, Said]]] = defaultdict(list)
        for at, emission in world.run(until) if until else ():
            if isinstance(emission, Said):
                stored[emission.home].append((at, emission))
        self._stored = dict(stored)
        self._turn = deque(sorted(stored))

    def __len__(self) -> int:
        """Reports not handed to their hubs yet."""
        return sum(map(len, self._stored.values()))

    def hurry(self, home: str) -> None:
        """Something happens there: its past is looked at first."""
        if home in self._stored:
            self._turn.appendleft(home)

    async def send(self, hubs: Mapping[str, Hub], clock: Clock) -> None:
        """Hand all of it to the hubs, oldest first within a home, at a calm pace."""
        due_s, piece = time.monotonic(), 0
        while self._turn:
            home = self._turn.popleft()
            for at, said in self._stored.pop(home, ()):
                hubs[home].say(said, clock.wall(at))
                piece += 1
                if piece % PIECE == 0:
                    due_s += PAUSE_S
                    await asyncio.sleep(max(0.0, due_s - time.monotonic()))
