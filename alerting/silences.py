"""Silences and maintenance: who keeps what off the ring, for how long and why. What they may keep quiet, `suppression` says."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from alerting.commands import SetSilence
from alerting.refusals import IllegalTransition
from alerting.registry_facts import SilenceSet
from alerting.suppression import SILENCE_LIMIT, under_floor
from alerting.terms import Actor, Sentence
from devices.home import Area, AreaId


def decide(command: SetSilence, areas: tuple[AreaId, ...], by: Actor, now: datetime) -> SilenceSet:
    """The fact that a wish becomes; IllegalTransition, and nothing, where it may not be. What it names is there. `areas`: the fact's."""
    starts_at = now if command.starts_at is None else max(now, command.starts_at)
    if any(under_floor(category) for category in command.categories):
        raise IllegalTransition(
            Sentence("求助、火警、燃气和跌倒警报不能静音", "calls for help, fire, gas and falls cannot be silenced"),
        )
    if not now <= starts_at < command.until <= now + SILENCE_LIMIT:
        raise IllegalTransition(
            Sentence(
                f"静音须在将来结束，且最长 {SILENCE_LIMIT.days} 天", f"a silence ends in the future, within {SILENCE_LIMIT.days} days",
            ),
        )
    if not command.reason.strip():
        raise IllegalTransition(Sentence("请填写静音原因", "the reason for the silence is missing"))
    return SilenceSet(
        now, by, command.silence, command.home, command.device, command.categories, command.until, command.reason, areas,
        starts_at if starts_at > now else None, command.maintenance,
    )  # fmt: skip


def within(areas: Mapping[AreaId, Area], top: AreaId) -> tuple[AreaId, ...]:
    """An area and all that lies in it, itself first."""
    found = [top]
    for area in found:
        found += sorted(a.id for a in areas.values() if a.parent == area and a.id not in found)
    return tuple(found)


def over(silences: Iterable[SilenceSet], area: AreaId) -> list[SilenceSet]:
    """Those of areas that an area lies in."""
    return [silence for silence in silences if area in silence.areas]
