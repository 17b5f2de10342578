"""What the sentences of an area's alert may name."""

from datetime import datetime, timedelta
from math import ceil

from alerting import wording
from alerting.circumstances import Circumstances
from alerting.darkness import Group
from alerting.terms import Sentence
from devices.home import Area


def spoken(group: Group, onsets: list[datetime], now: datetime, area: Area | None, circumstances: Circumstances) -> dict[str, Sentence]:
    """By field; `onsets`: since when each of the homes has been dark, at least one."""
    wall, minutes = circumstances.wall_offset, circumstances.ruleset.utc_offset_minutes
    return {
        "area": wording.same(area.name if area is not None else group.area),
        "group": wording.same(group.value),
        "count": wording.same(str(len(onsets))),
        "of": wording.same(str(group.size)),
        "at": wording.same(wording.clock(min(onsets) + wall, minutes, now + wall)),
        "for": wording.duration(_whole_minutes(max(onsets) - min(onsets))),
    }


def _whole_minutes(span: timedelta) -> timedelta:
    """As a sentence says it: never nothing."""
    return timedelta(minutes=max(1, ceil(span / timedelta(minutes=1))))
