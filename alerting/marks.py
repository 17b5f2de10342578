"""What ISA-18.2 asks to be known of alarms that are no use: chattering and standing ones, and floods. Marked, never hidden.

The figures (three onsets in a minute, a day, ten in ten minutes until fewer than five) are those quoted of ISA-18.2 and EEMUA 191; a
county may set others (`[life]` in `config/escalation.toml`).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from alerting.alert import ONSETS_KEPT, Alert
from alerting.bounds import positive
from alerting.life_facts import AlertChattering, AlertStanding
from alerting.policy import AlertLife
from alerting.suppression import REARM_LIMIT, under_floor
from alerting.terms import Category

MARKED_AGAIN_AFTER = timedelta(hours=1)


def chattering(alert: Alert, life: AlertLife, at: datetime) -> AlertChattering | None:
    """The mark that an onset at `at` brings with it; an alert that goes on chattering is marked once an hour."""
    if alert.chattering_at is not None and at - alert.chattering_at < MARKED_AGAIN_AFTER:
        return None
    recent = [onset for onset in alert.onsets if at - onset <= life.chattering_within]
    if len(recent) < life.chattering_times:
        return None
    return AlertChattering(alert.id, at, alert.home, len(recent), life.chattering_within.total_seconds())


def standing_at(alert: Alert, life: AlertLife) -> datetime | None:
    """When an open alert will have been active for too long; None where it is marked, or its condition is over."""
    if not alert.open or alert.standing_at is not None or alert.active_since is None:
        return None
    return alert.active_since + life.standing_after


def standing(alert: Alert, life: AlertLife, now: datetime) -> AlertStanding | None:
    """The mark that is due by `now`."""
    due = standing_at(alert, life)
    if due is None or due > now or alert.active_since is None:
        return None
    return AlertStanding(alert.id, now, alert.home, alert.active_since)


def flooding(raised: Iterable[datetime], now: datetime, life: AlertLife, *, before: bool) -> bool:
    """Whether so many alerts are being raised that they have to be grouped to be seen; `before`: whether it was so just now."""
    count = sum(now - life.flood_within < at <= now for at in raised)
    return count >= (life.flood_until if before else life.flood_from)


def may_group(category: Category) -> bool:
    """Whether a flood may put an alert under a heading with others of its sort; what stands under the floor has a row of its own."""
    return not under_floor(category)


def life_problems(life: AlertLife) -> Iterator[str]:
    """What is wrong with the numbers, one line each."""
    yield from positive(
        rearm_after=life.rearm_after, chattering_within=life.chattering_within, standing_after=life.standing_after,
        flood_within=life.flood_within,
    )  # fmt: skip
    if life.rearm_after > REARM_LIMIT:
        yield f"rearm_after is over {REARM_LIMIT.days} days"
    if not 2 <= life.chattering_times <= ONSETS_KEPT:
        yield f"chattering_times is not 2 to {ONSETS_KEPT}"
    if not 1 <= life.flood_until <= life.flood_from:
        yield "flood_until is under 1, or over flood_from"
