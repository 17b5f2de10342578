"""The body of a webhook: `alert.escalated`, a contract with other people's programs, hence apart from our own structs."""

from datetime import datetime

import msgspec

from alerting.facts import AlertId, NotificationId, Origin
from alerting.terms import Category, Priority, Sentence
from devices.home import AreaId, HomeId
from gateway.notify.channel import Notice

ESCALATED = "alert.escalated"


class Text(msgspec.Struct, frozen=True):
    zh: str
    en: str


class EventResident(msgspec.Struct, frozen=True):
    name: str
    phone: str
    speech: str


class EventHome(msgspec.Struct, frozen=True):
    id: HomeId
    name: str
    address: str
    phone: str
    residents: tuple[EventResident, ...]


class Escalated(msgspec.Struct, frozen=True):
    """`home` is null for an area's alert; `step` counts from 0; `link` may be empty."""

    notification: NotificationId
    target: str
    step: int
    why: Text
    alert: AlertId
    category: Category
    priority: Priority
    origin: Origin
    title: Text
    reason: Text
    raised_at: datetime
    area: AreaId
    home: EventHome | None
    room: str
    link: str


class Event(msgspec.Struct, frozen=True):
    """`timestamp` is when the step was due: the same in every attempt, unlike the header of that name."""

    type: str
    timestamp: datetime
    data: Escalated


_encoder = msgspec.json.Encoder()


def _text(sentence: Sentence) -> Text:
    return Text(sentence.zh, sentence.en)


def body(notice: Notice) -> bytes:
    """The JSON that is sent, byte for byte the same for the same notice."""
    residents = tuple(EventResident(r.name, r.phone, r.speech) for r in notice.residents)
    home = EventHome(notice.home, notice.home_name, notice.address, notice.phone, residents) if notice.home else None
    data = Escalated(
        notification=notice.notification,
        target=notice.target,
        step=notice.step,
        why=_text(notice.why),
        alert=notice.alert,
        category=notice.category,
        priority=notice.priority,
        origin=notice.origin,
        title=_text(notice.title),
        reason=_text(notice.reason),
        raised_at=notice.raised_at,
        area=notice.area,
        home=home,
        room=notice.room,
        link=notice.link,
    )
    return _encoder.encode(Event(ESCALATED, notice.requested_at, data))
