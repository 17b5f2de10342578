"""A report goes to the rules that can care, and to no other."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from alerting.detection import Index, Sharing
from alerting.home_rules import HomeRule
from alerting.home_state import DeviceState, Last
from alerting.watching.clocks import made_at
from alerting.watching.kinds import KINDS
from alerting.watching.scene import Outcome, Scene, Seen
from devices.home import DeviceId
from devices.observation import Manner, Observation, Report

_CACHED = Manner.CACHED


class Heeded(NamedTuple):
    rule: HomeRule
    device: DeviceId | None
    """Of a rule that looks at each device by itself."""
    outcome: Outcome


def concerning(report: Report, index: Index) -> list[Observation]:
    """What of a report any rule that watches homes can care about. Asked of every report."""
    concerned = index.concerned
    found: list[Observation] = []
    for observation in report.observations:
        if observation.property in concerned:
            found.append(observation)  # noqa: PERF401 - most reports have none or one, and a comprehension costs as much as three
    return found


def heed(device: DeviceState, report: Report, observations: list[Observation], raw: bytes, scene: Scene) -> Iterator[Heeded]:
    """The rules that have something to say or to wait for after this report, what they concluded, and all memories brought up to date.

    `observations`: those that concern any. `scene` is of the device's home as such.
    """
    index, at = scene.index, made_at(device, report)
    watched, watched_false, at_once = index.watched, index.watched_false, index.at_once
    looks: list[tuple[tuple[Sharing, ...], Seen]] = []
    together: list[Observation] = []
    for observation in observations:
        property_ = observation.property
        cached = observation.manner is _CACHED
        rules = (watched if cached or observation.value is not False else watched_false).get(property_)
        joint = property_ in at_once
        if (rules is None and not joint) or (cached and not _changed(device, observation, at)):
            continue
        if joint:
            together.append(observation)
        if rules is not None:
            looks.append((rules, Seen(device, observation, report, at, raw, report.received_at)))
    if together:
        first = together[0]
        looks.append((at_once[first.property], Seen(device, first, report, at, raw, report.received_at, None, tuple(together))))
    memories = scene.home.memories
    for groups, seen in looks:
        for sharing in groups:
            if sharing.shares and (passes := KINDS[type(sharing.rules[0][0])].passes) is not None and passes(sharing, seen, scene):
                continue
            for rule, by_device in sharing.rules:
                of, key, looking = None, rule.id, scene
                if by_device:
                    of = device.record.id
                    key, looking = f"{key}:{of}", scene.of(of)
                kind, known = KINDS[type(rule)], memories.get(key)
                memory, outcome = kind.observe(rule, known if type(known) is kind.remembers else None, seen, looking)
                if memory is not None:
                    if memory is not known:
                        memories[key] = memory
                    if outcome is not None:
                        yield Heeded(rule, of, outcome)


def _changed(device: DeviceState, observation: Observation, at: datetime) -> bool:
    """What a hub sends again from its cache is seen only when it has changed."""
    property_, value = observation.property, observation.value
    cached = device.cached
    if cached is None:
        cached = device.cached = {}
    known = cached.get(property_)
    if known is None:
        cached[property_] = Last(value, at)
        return True
    if at < known.at or known.value == value:
        return False
    known.value, known.at = value, at
    return True
