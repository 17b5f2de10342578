"""What may be kept quiet, and the safety floor: what may not, ever.

Everything that delays, drops, groups, throttles or mutes asks here. The floor is one function, `under_floor`; there is no second
list of what is urgent on the side of judging. (On the wire, before anything is judged, `devices.observation.URGENT` plays its part.)
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from alerting.facts import SilenceSet
from alerting.terms import Category
from devices.home import DeviceId

FLOOR = frozenset({Category.CALL_FOR_HELP, Category.FIRE, Category.GAS, Category.FALL})

HOLD_LIMIT = timedelta(hours=4)
FLOOR_HOLD_LIMIT = timedelta(hours=1)
SILENCE_LIMIT = timedelta(days=31)
RINGS_AT_LEAST_EVERY = timedelta(minutes=10)
"""What stands under the floor and has nobody rings at once and again so often, whatever its policy says, until somebody has it."""
FLOOR_CLAIM_LIMIT = timedelta(minutes=10)
FLOOR_ACKNOWLEDGE_LIMIT = timedelta(minutes=45)
"""How long somebody may have it without a sign of life, whatever its policy says."""


def under_floor(category: Category) -> bool:
    """Calls for help, fire, gas and falls: nothing may keep them from being raised, from ringing, from escalating."""
    return category in FLOOR


def may_hold(category: Category, *, in_hand: bool) -> bool:
    """A hold is a person's own act with an end; under the floor only by somebody who has the alert in hand (claimed it)."""
    return in_hand or not under_floor(category)


def hold_limit(category: Category) -> timedelta:
    return FLOOR_HOLD_LIMIT if under_floor(category) else HOLD_LIMIT


def muting(silences: Iterable[SilenceSet], category: Category, device: DeviceId | None, now: datetime) -> SilenceSet | None:
    """The silence of the home that keeps a new alert off the ring, if one does. Empty `categories` means all that may be muted."""
    if under_floor(category):
        return None
    for silence in silences:
        if (
            now < silence.until
            and (not silence.categories or category in silence.categories)
            and (silence.device is None or silence.device == device)
        ):
            return silence
    return None


def ring_by(category: Category, at: datetime, planned: datetime | None) -> datetime | None:
    """The moment of the next step behind `at`: as planned, or earlier than that; under the floor there always is one."""
    if not under_floor(category):
        return planned
    latest = at + RINGS_AT_LEAST_EVERY
    return latest if planned is None else min(planned, latest)


def claim_limit(category: Category, asked: timedelta) -> timedelta:
    return min(asked, FLOOR_CLAIM_LIMIT) if under_floor(category) else asked


def acknowledge_limit(category: Category, asked: timedelta) -> timedelta:
    return min(asked, FLOOR_ACKNOWLEDGE_LIMIT) if under_floor(category) else asked


def may_ring(category: Category, *, muted: bool) -> bool:
    return not muted or under_floor(category)
