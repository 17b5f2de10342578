"""Who was told of an alert, and what is known of it: what late reports, keys, links and replies are matched with.

A fold of facts, in the home's row, for as long as its alert is remembered.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from alerting.facts import NotificationEnded, NotificationReported, NotificationRequested
from alerting.items import DeliveryEnded, DeliveryReported
from alerting.roster import StaffId
from alerting.terms import AlertId, NotificationId, Progress
from devices.home import HomeId, PersonId

KEPT = 400
"""Of a home, the latest ones. An alert that nobody answers rings every ten minutes, for days."""

ANSWERS = frozenset({Progress.ACCEPTED, Progress.DECLINED})


class Told(msgspec.Struct, frozen=True, array_like=True):
    alert: AlertId
    home: HomeId
    at: datetime
    """When it was asked for."""
    channel: str
    target: str
    person: PersonId | None = None
    delivered: bool | None = None
    """None as long as it has not ended."""
    references: tuple[str, ...] = ()
    progress: tuple[Progress, ...] = ()
    round: int = 0
    step: int = 0
    staff: StaffId | None = None
    stand_down: bool = False

    @property
    def answer(self) -> Progress | None:
        """The first answer stands; a link is for one."""
        return next((heard for heard in self.progress if heard in ANSWERS), None)


def news(told: Told, progress: Progress) -> bool:
    """Whether this was not known: each thing is told once, and whoever has answered has it delivered."""
    if progress in ANSWERS:
        return told.answer is None
    if progress is Progress.FAILED:
        return not told.progress
    return progress not in told.progress and told.answer is None


def ended(item: DeliveryEnded, now: datetime) -> NotificationEnded:
    return NotificationEnded(
        item.notification, item.alert, now, item.home, item.delivered, item.attempts, item.detail, item.references,
    )  # fmt: skip


def reported(item: DeliveryReported, known: Mapping[NotificationId, Told], now: datetime) -> NotificationReported | None:
    """The fact that a report becomes; None where nothing is known of the notification, or nothing is new."""
    told = known.get(item.notification)
    if told is None or not news(told, item.progress):
        return None
    return NotificationReported(item.notification, told.alert, now, told.home, item.progress, item.detail)


class Tellings:
    """Of all homes, and by what reports call them. `known` is always the home's own part of it."""

    def __init__(self) -> None:
        self.by_id: dict[NotificationId, Told] = {}
        self._references: dict[str, NotificationId] = {}
        """Where two go by one name (a telephone that replies), the later."""

    def find(self, notification: NotificationId, reference: str) -> NotificationId | None:
        """Which one a report is about: the one it names, else the one its provider's name stands for."""
        return notification if notification in self.by_id else self._references.get(reference)

    def take(self, known: dict[NotificationId, Told], fact: NotificationRequested | NotificationEnded | NotificationReported) -> None:
        before = known.get(fact.notification)
        match fact:
            case NotificationRequested():
                after = Told(
                    fact.alert, fact.home, fact.at, fact.channel, fact.target, fact.person,
                    round=fact.round, step=fact.step, staff=fact.staff, stand_down=fact.stand_down,
                )  # fmt: skip
            case _ if before is None:
                return
            case NotificationEnded():
                after = replace(before, delivered=fact.delivered, references=fact.references)
            case NotificationReported():
                after = replace(before, progress=(*before.progress, fact.progress))
        known[fact.notification] = after
        self._put(fact.notification, after)
        if len(known) > KEPT:
            self._drop(known, next(iter(known)))

    def restore(self, known: dict[NotificationId, Told]) -> None:
        for id_, told in known.items():
            self._put(id_, told)

    def forget(self, known: dict[NotificationId, Told], alert: AlertId) -> None:
        """With its alert."""
        for id_ in [id_ for id_, told in known.items() if told.alert == alert]:
            self._drop(known, id_)

    def _put(self, id_: NotificationId, told: Told) -> None:
        self.by_id[id_] = told
        for reference in told.references:
            other = self.by_id.get(self._references.get(reference, id_))
            if other is None or other.at <= told.at:
                self._references[reference] = id_

    def _drop(self, known: dict[NotificationId, Told], id_: NotificationId) -> None:
        for reference in known.pop(id_).references:
            if self._references.get(reference) == id_:
                del self._references[reference]
        self.by_id.pop(id_, None)
