"""What may be kept quiet, and the safety floor: what may not, ever.

Everything that delays, drops, groups, throttles or mutes asks here. The floor is one function, `under_floor`; there is no second
list of what is urgent on the side of judging. (On the wire, before anything is judged, `devices.observation.URGENT` plays its part.)
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from alerting.registry_facts import SilenceSet
from alerting.terms import Category, Priority
from devices.home import DeviceId

FLOOR = frozenset({Category.CALL_FOR_HELP, Category.FIRE, Category.GAS, Category.FALL})

HOLD_LIMIT = timedelta(hours=4)
FLOOR_HOLD_LIMIT = timedelta(hours=1)
REARM_LIMIT = timedelta(days=7)
"""How long what was closed while its condition held may be left alone; under the floor as long as a hold."""
TEST_LIMIT = timedelta(hours=8)
FLOOR_TEST_LIMIT = timedelta(minutes=30)
"""How long devices that may call can be on test."""
CONFIRM_WITHIN = timedelta(seconds=60)
"""A test call that the tester does not confirm by then is a real alert."""
SILENCE_LIMIT = timedelta(days=31)
RINGS_AT_LEAST_EVERY = timedelta(minutes=10)
"""What stands under the floor and has nobody rings at once and again so often, whatever its policy says, until somebody has it."""
FLOOR_CLAIM_LIMIT = timedelta(minutes=10)
FLOOR_ACKNOWLEDGE_LIMIT = timedelta(minutes=45)
FLOOR_ACCEPT_LIMIT = timedelta(minutes=10)
"""How long somebody may have it without a sign of life, whatever its policy says."""


def under_floor(category: Category) -> bool:
    """Calls for help, fire, gas and falls: nothing may keep them from being raised, from ringing, from escalating."""
    return category in FLOOR


def may_hold(category: Category, *, in_hand: bool) -> bool:
    """A hold is a person's own act with an end; under the floor only by somebody who has the alert in hand (claimed it)."""
    return in_hand or not under_floor(category)


def hold_limit(category: Category) -> timedelta:
    return FLOOR_HOLD_LIMIT if under_floor(category) else HOLD_LIMIT


def return_limit(category: Category, own: Priority) -> Priority:
    """The lowest priority that an alert may come back with from a hold: under the floor its own."""
    return own if under_floor(category) else Priority.TECHNICAL


def rearm_limit(category: Category) -> timedelta:
    return FLOOR_HOLD_LIMIT if under_floor(category) else REARM_LIMIT


def shelved(category: Category, rearm_at: datetime | None, now: datetime) -> bool:
    """Whether the same condition, said once more, is left alone since a person closed it so; never under the floor."""
    return rearm_at is not None and now < rearm_at and not under_floor(category)


def muting(silences: Iterable[SilenceSet], category: Category, device: DeviceId | None, now: datetime) -> SilenceSet | None:
    """Of the silences of a home and of its areas, the one that keeps a new alert off the ring. Empty `categories`: all that may be."""
    if under_floor(category):
        return None
    for silence in silences:
        if (
            (silence.starts_at or silence.at) <= now < silence.until
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


def accept_limit(category: Category, asked: timedelta) -> timedelta:
    """How long an acceptance counts of somebody who has not arrived and is not heard of."""
    return min(asked, FLOOR_ACCEPT_LIMIT) if under_floor(category) else asked


def may_ring(category: Category, *, muted: bool) -> bool:
    return not muted or under_floor(category)
