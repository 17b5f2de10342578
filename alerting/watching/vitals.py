"""What was measured of late of somebody's vital signs: kept once in a home for all rules that score it, a report at a time.

The same as `watching.window`, for what several rules look at alike: kept by event time, `lateness` behind the newest; of what is older the
last word of each device on each parameter, for a score rests on no other. How far it has settled is one for all; where a rule stood at
that moment it keeps for itself.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

import msgspec

from alerting.memories import Measured, VitalsMemory, WindowMemory
from alerting.terms import Evidence
from alerting.watching.news2_chart import union
from devices.home import DeviceId
from devices.observation import Property

MOST = 32
"""Reports that a home keeps; a flood settles earlier."""
RAW_MOST = 1024
"""Bytes of a message that are kept of it; of a longer one the journal alone knows."""

_made_at = attrgetter("at")


class Looked(msgspec.Struct, gc=False):
    """What a report came to among the others. `seen` and `worst`: with it, and before anything was let go for it."""

    name: str
    """Under which rules share it."""
    new: bool
    """Not known already, and not too late."""
    seen: list[Measured]
    worst: int
    newest_before: datetime | None
    settled_before: datetime | None
    settled_now: datetime | None
    """Where the report has moved it."""


def readings(one: Measured) -> Iterator[Evidence]:
    """Each by itself."""
    for observation in one.observations:
        yield Evidence(one.device, one.report, one.at, one.received_at, observation, one.clock_suspect, one.raw)


def adopted(own: WindowMemory) -> VitalsMemory:
    """What a rule kept for itself before there was one memory for all."""
    reports = groupby((sighting.evidence for sighting in own.seen), key=lambda one: (one.at, one.device, one.report))
    seen = [_measured(list(of)) for _, of in reports]
    return VitalsMemory(seen, own.settled_at, _worst(seen))


def _measured(of: list[Evidence]) -> Measured:
    """The readings of a report."""
    one, observations = of[0], tuple(evidence.observation for evidence in of)
    return Measured(one.at, one.device, one.report, one.received_at, observations, union(observations), one.clock_suspect, one.raw)


def look(name: str, memory: VitalsMemory, one: Measured, lateness: timedelta) -> Looked:
    """Put a report in its place."""
    seen, settled = memory.seen, memory.settled_at
    newest = seen[-1].at if seen else None
    if (settled is not None and one.at <= settled) or not _put(seen, one, newest):
        return Looked(name, False, seen, memory.worst, newest, settled, None)
    worst = memory.worst = memory.worst | one.marks
    return Looked(name, True, seen, worst, newest, settled, _settle(memory, lateness))


def _put(seen: list[Measured], one: Measured, newest: datetime | None) -> bool:
    """False for one that is known already."""
    if newest is None or newest < one.at:
        seen.append(one)
        return True
    own = _place(one)
    place = bisect_right(seen, own, key=_place)
    if place and _place(seen[place - 1]) == own:
        return False
    seen.insert(place, one)
    return True


def _place(one: Measured) -> tuple[datetime, DeviceId, list[tuple[Property, float]]]:
    """The order of what was measured; of one instant always the same, whatever came first."""
    return one.at, one.device, sorted((o.property, float(o.value)) for o in one.observations)


def _settle(memory: VitalsMemory, lateness: timedelta) -> datetime | None:
    """Let go of what no score can rest on any more, where it is time for that; the moment up to which."""
    seen = memory.seen
    settled, before = seen[-1].at - lateness, memory.settled_at or seen[0].at
    if len(seen) > MOST:
        settled = max(settled, seen[len(seen) - MOST // 2].at)
    if settled <= before or (len(seen) <= MOST and settled < before + lateness / 2):
        return None
    memory.seen, memory.settled_at = _kept(seen, settled), settled
    memory.worst = _worst(memory.seen)
    return settled


def _kept(seen: list[Measured], settled: datetime) -> list[Measured]:
    """What is behind that moment, and before it the reports with the last word of a device on a parameter."""
    old = bisect_right(seen, settled, key=_made_at)
    known: dict[DeviceId, set[Property]] = {}
    last: list[Measured] = []
    for one in reversed(seen[:old]):
        said = known.setdefault(one.device, set())
        before = len(said)
        for observation in one.observations:
            said.add(observation.property)
        if len(said) > before:
            last.append(one)
    return [*reversed(last), *seen[old:]]


def _worst(seen: list[Measured]) -> int:
    worst = 0
    for one in seen:
        worst |= one.marks
    return worst
