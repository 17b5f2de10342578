"""Wandering: a wearable is outside the home's ground and stays there.

Positions jump. One counts as outside only `jitter_m` past the border and as inside on this side of it; in between it says nothing. Two
fixes outside, with none inside, for `for` are believed; a single one, the last that the wearable ever said, only after three times as
long: it may have been wild, and it may have been the last of somebody who is lost. A home that nobody has placed on the map has no ground.
"""

import math
from datetime import datetime

from alerting import wording
from alerting.home_rules import Geofence
from alerting.memories import Fix, GeofenceMemory
from alerting.terms import Sentence
from alerting.unheard import UNHEARD
from alerting.watching.scene import Clear, Judgement, Outcome, Phase, Raise, Scene, Seen, unwatched
from devices.home import Home
from devices.observation import Property

MOST_RECENT = 64
BELIEVED = 2
"""Fixes."""
PATIENCE_WITH_ONE = 3

_METRES_PER_DEGREE = 111_195.0
"""Of a great circle of the mean earth, 6,371 km."""

Point = tuple[float, float]


def observe(rule: Geofence, memory: GeofenceMemory | None, seen: Seen, scene: Scene) -> tuple[GeofenceMemory | None, Outcome]:
    past = _past(rule, seen, scene)
    if past is None:
        return memory, ()
    memory = memory or GeofenceMemory()
    was = _now(memory).begun
    fix = Fix(past, seen.evidence, outside=past > scene.number(rule, "jitter_m"), inside=past <= 0)
    recent = memory.recent
    place = len(recent)
    while place and recent[place - 1].at > fix.at:
        place -= 1
    recent.insert(place, fix)
    while recent and (recent[0].at < seen.received_at - rule.lateness or len(recent) > MOST_RECENT):
        _settle(memory, recent.pop(0))
    fired = scene.fired(rule)
    back = was is not None and _now(memory).begun is None and fired is not None and fired >= was.at
    return memory, (Clear((fix.evidence,)),) if back else ()


def due(rule: Geofence, memory: GeofenceMemory, scene: Scene) -> datetime | None:
    at, fired = _over_at(rule, memory, scene), scene.fired(rule)
    begun = _now(memory).begun
    return None if at is None or begun is None or (fired is not None and fired > begun.at) else at


def reach(rule: Geofence, memory: GeofenceMemory, scene: Scene, at: datetime) -> Outcome:
    now = _now(memory)
    if now.begun is None or now.last is None:
        return ()
    fields = {"since": scene.clock(now.begun.at), "for": wording.duration(at - rule.lateness - now.begun.at), **_distance(now.last)}
    shown = (now.begun.evidence,) if now.last.at == now.begun.at else (now.begun.evidence, now.last.evidence)
    return (Raise(shown, fields),)


def state(rule: Geofence, memory: GeofenceMemory | None, scene: Scene) -> Judgement:
    if scene.home.record is None or ground(scene.home.record, 1.0, (0.0, 0.0)) is None:
        return Judgement(Phase.NOT_WATCHED, Sentence("住户没有登记位置，不判断走失", "the home has no place on the map"))
    now = _now(memory) if memory else GeofenceMemory()
    if memory is None or now.begun is None or now.last is None:
        return Judgement(Phase.IDLE, Sentence("在家附近", "near the home"))
    clock, at = scene.clock(now.begun.at), _over_at(rule, memory, scene)
    fired, numbers = scene.fired(rule), {"metres": float(round(now.last.past))}
    clears = Sentence("回到活动范围之内", "a position on the home's ground")
    if fired is not None and fired > now.begun.at:
        said = Sentence(f"自 {clock.zh} 起在活动范围之外，已报警", f"outside since {clock.en}; an alert was raised")
        return Judgement(Phase.FIRING, said, clears=clears, since=now.begun.at, numbers=numbers)
    if at is None or at >= UNHEARD:
        return unwatched(at)
    then = scene.clock(at)
    said = Sentence(f"自 {clock.zh} 起在外，{then.zh} 前未返回则报警", f"outside since {clock.en}; an alert at {then.en} unless back")
    return Judgement(Phase.PENDING, said, clears=clears, since=now.begun.at, due_at=at, numbers=numbers)


def ground(home: Home, radius_m: float, at: Point) -> float | None:
    """How many metres a point lies past the border of a home's ground, negative inside; None for a home that is nowhere."""
    if home.ground:
        return _past_polygon([_metres(corner, at) for corner in home.ground])
    if home.latitude is None or home.longitude is None:
        return None
    return math.hypot(*_metres((home.latitude, home.longitude), at)) - radius_m


def _past(rule: Geofence, seen: Seen, scene: Scene) -> float | None:
    """How far past the border the wearable is; None where the report, or the home, has no place."""
    latitude = seen.observation.value
    longitude = next((o.value for o in seen.report.observations if o.property is Property.LONGITUDE), None)
    if scene.home.record is None or longitude is None or (latitude == 0 and longitude == 0):  # what a receiver says that sees no satellite
        return None
    return ground(scene.home.record, scene.number(rule, "radius_m"), (float(latitude), float(longitude)))


def _over_at(rule: Geofence, memory: GeofenceMemory, scene: Scene) -> datetime | None:
    """When the run outside has lasted long enough, if its schedule lets it; later where its beginning came late itself."""
    now = _now(memory)
    if now.begun is None:
        return None
    wait = scene.span(rule, "for") * (1 if now.fixes >= BELIEVED else PATIENCE_WITH_ONE)
    over = scene.counted(rule, now.begun.at, wait)
    received = now.begun.evidence.received_at
    if over is None or received <= now.begun.at + rule.lateness:
        return None if over is None else over + rule.lateness
    return max(over, received) + rule.lateness


def _now(memory: GeofenceMemory) -> GeofenceMemory:
    """As it is with all that was heard."""
    now = GeofenceMemory(memory.begun, memory.last, memory.fixes)
    for fix in memory.recent:
        _settle(now, fix)
    return now


def _settle(memory: GeofenceMemory, fix: Fix) -> None:
    if memory.last is not None and fix.at < memory.last.at:
        return
    memory.last = fix
    if fix.inside:
        memory.begun, memory.fixes = None, 0
    elif fix.outside:
        memory.begun, memory.fixes = memory.begun or fix, memory.fixes + 1


def _distance(fix: Fix) -> dict[str, Sentence]:
    return {"value": wording.same(wording.number(round(fix.past, -1))), "unit": Sentence(" 米", " m")}


def _metres(of: Point, seen_from: Point) -> Point:
    """East and north, on the plane that touches the earth at the second point; true within a per mille over the width of a town."""
    east = (of[1] - seen_from[1] + 180) % 360 - 180
    return east * _METRES_PER_DEGREE * math.cos(math.radians(seen_from[0])), (of[0] - seen_from[0]) * _METRES_PER_DEGREE


def _past_polygon(corners: list[Point]) -> float:
    """The distance of the origin from the polygon's border, negative inside."""
    inside, nearest = False, math.inf
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (y1 > 0) != (y2 > 0) and x1 + (x2 - x1) * -y1 / (y2 - y1) > 0:
            inside = not inside
        along_x, along_y = x2 - x1, y2 - y1
        length = along_x**2 + along_y**2
        share = 0.0 if length == 0 else min(1.0, max(0.0, -(x1 * along_x + y1 * along_y) / length))
        nearest = min(nearest, math.hypot(x1 + share * along_x, y1 + share * along_y))
    return -nearest if inside else nearest
