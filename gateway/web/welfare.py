"""The list of an area's alert: every home that it is about, how each was found, and in which order somebody should look to them.

Those first whom nobody has looked to and who are still dark; among them whoever has an alert of their own open, then whose life hangs
on a machine, then the ill, the oldest, those who live alone, and whose last sign of life is longest ago. All of it is what the registry
says: an illness that nobody wrote down is not in the order.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from alerting.area_rules import Dark
from alerting.facts import AreaJoined, AreaLeft, WelfareNoted
from alerting.terms import Actor, AlertId, Welfare
from devices.home import HomeId, Person
from devices.home import Role as PersonRole

if TYPE_CHECKING:
    from gateway.web.places import Places

Records = dict[tuple[str, str], msgspec.Struct | None]

LIFE_SUPPORT = ("氧", "呼吸机", "透析", "oxygen", "ventilator", "dialysis")
"""Words of a medical note that mean a machine, and so the mains."""
OLD = 80


class Listed(msgspec.Struct, frozen=True, array_like=True):
    """A home on the list, and how it was found."""

    home: HomeId
    dark: Dark
    since: datetime
    back_at: datetime | None = None
    result: Welfare | None = None
    checked_at: datetime | None = None
    by: Actor | None = None
    note: str = ""


class Reason(StrEnum):
    """Why a home stands where it does."""

    OPEN_ALERT = "open_alert"
    LIFE_SUPPORT = "life_support"
    MEDICAL = "medical"
    OLD = "old"
    ALONE = "alone"


class Risk(msgspec.Struct, frozen=True):
    reasons: tuple[Reason, ...]
    age: int | None
    """Of the oldest resident."""
    last_sign_at: datetime | None
    """When any of its devices was last heard."""


class Counts(msgspec.Struct, frozen=True):
    homes: int
    dark: int
    unchecked: int
    """Still dark, and nobody has looked to them or reached them."""


class WelfareLists:
    def __init__(self) -> None:
        self._lists: dict[AlertId, dict[HomeId, Listed]] = {}

    # --- the fold ------------------------------------------------------------------------------------------------------------

    def apply(self, fact: AreaJoined | AreaLeft | WelfareNoted, changed: Records) -> None:
        homes = self._lists.setdefault(fact.alert, {})
        match fact:
            case AreaJoined(home=home):
                listed = Listed(home, fact.dark, fact.since)
            case AreaLeft(home=home):
                if home not in homes:
                    return
                listed = msgspec.structs.replace(homes[home], back_at=fact.at)
            case WelfareNoted(member=home):
                if home not in homes:
                    return
                listed = msgspec.structs.replace(homes[home], result=fact.result, checked_at=fact.at, by=fact.by, note=fact.note)
        homes[home] = changed["welfare", f"{fact.alert}/{home}"] = listed

    def load(self, key: str, body: bytes) -> None:
        listed = msgspec.msgpack.decode(body, type=Listed)
        self._lists.setdefault(AlertId(key.partition("/")[0]), {})[listed.home] = listed

    def forget(self, alert: AlertId, changed: Records) -> None:
        """The alert itself has been let go of for good."""
        changed.update({("welfare", f"{alert}/{home}"): None for home in self._lists.pop(alert, {})})

    def keys(self) -> Iterator[tuple[str, str]]:
        yield from (("welfare", f"{alert}/{home}") for alert, homes in self._lists.items() for home in homes)

    # --- reading -------------------------------------------------------------------------------------------------------------

    def of(self, alert: AlertId) -> dict[HomeId, Listed]:
        return self._lists.get(alert, {})

    def alerts(self) -> Iterator[AlertId]:
        return iter(self._lists)

    def counts(self, alert: AlertId) -> Counts:
        homes = self.of(alert).values()
        dark = [listed for listed in homes if listed.back_at is None]
        return Counts(len(homes), len(dark), sum(listed.result in (None, Welfare.NO_ANSWER) for listed in dark))


def risk(places: "Places", home: HomeId, year: int, *, alerted: bool) -> Risk:
    """`alerted`: the home has an alert of its own open, one that is in no outage."""
    residents = [person for person in places.people_of(home) if person.role is PersonRole.RESIDENT]
    ages = [year - person.birth_year for person in residents if person.birth_year is not None]
    heard = (places.states.get((home, device.id)) for device in places.devices_of(home))
    reasons = {
        Reason.OPEN_ALERT: alerted,
        Reason.LIFE_SUPPORT: any(map(_needs_power, residents)),
        Reason.MEDICAL: any(person.medical for person in residents),
        Reason.OLD: max(ages, default=0) >= OLD,
        Reason.ALONE: len(residents) == 1,
    }
    signs = [state.last_heard_at for state in heard if state is not None and state.last_heard_at is not None]
    return Risk(tuple(reason for reason, so in reasons.items() if so), max(ages, default=None), max(signs, default=None))


def place_in_list(listed: Listed, of: Risk) -> str:
    """A key that sorts as people should be looked to."""
    if listed.result is Welfare.NEEDS_HELP:
        state = 0
    elif listed.back_at is not None:
        state = 4
    else:
        state = {None: 1, Welfare.NO_ANSWER: 1, Welfare.VISIT: 2, Welfare.SAFE: 3}[listed.result]
    reasons = "".join("0" if reason in of.reasons else "1" for reason in (Reason.OPEN_ALERT, Reason.LIFE_SUPPORT, Reason.MEDICAL))
    alone = "0" if Reason.ALONE in of.reasons else "1"
    sign = 0.0 if of.last_sign_at is None else of.last_sign_at.timestamp()
    return f"{state}{reasons}{999 - (of.age or 0):03}{alone}{sign:014.3f}/{listed.home}"


def _needs_power(person: Person) -> bool:
    said = f"{person.medical} {person.note}".casefold()
    return any(word in said for word in LIFE_SUPPORT)
