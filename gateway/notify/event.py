"""The body of a webhook: `alert.escalated`, a contract with other people's programs, hence apart from our own structs."""

from datetime import datetime

import msgspec

from alerting.caring.help_records import Help
from alerting.terms import AlertId, Category, NotificationId, Origin, Priority, Sentence
from devices.home import AreaId, HomeId
from gateway.notify.channel import Message, Notice

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


class EventRecipient(msgspec.Struct, frozen=True):
    name: str
    phone: str


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
    answer: str
    """The page on which somebody accepts or declines; may be empty."""
    recipient: EventRecipient | None
    """The one person who is to be told, where the step names one."""
    stand_down: bool
    """They were told before, and need not come."""


class Answer(msgspec.Struct, frozen=True):
    """`POST url` with `Authorization: Bearer token` and `{"stage": "accepted" | "on_the_way" | "done" | "declined", "word": ""}`."""

    url: str
    token: str


class Told(msgspec.Struct, frozen=True):
    """What is told and is no alert. `help`, `request`, `due_at` and `answer` are null in a safety prompt."""

    notification: NotificationId
    title: Text
    text: Text
    area: AreaId
    home: EventHome
    help: Help | None
    request: str | None
    responder: str | None
    due_at: datetime | None
    answer: Answer | None
    recipient: EventRecipient | None


class Event(msgspec.Struct, frozen=True):
    """`timestamp` is when the step was due: the same in every attempt, unlike the header of that name."""

    type: str
    timestamp: datetime
    data: Escalated | Told


_encoder = msgspec.json.Encoder()


def _text(sentence: Sentence) -> Text:
    return Text(sentence.zh, sentence.en)


def body(notice: Notice) -> bytes:
    """The JSON that is sent, byte for byte the same for the same notice."""
    if notice.message is not None:
        return _encoder.encode(Event(notice.message.event, notice.requested_at, _told(notice, notice.message)))
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
        answer=notice.answer,
        recipient=EventRecipient(notice.recipient.name, notice.recipient.phone) if notice.recipient else None,
        stand_down=notice.stand_down,
    )
    return _encoder.encode(Event(ESCALATED, notice.requested_at, data))


def _told(notice: Notice, message: Message) -> Told:
    residents = tuple(EventResident(r.name, r.phone, r.speech) for r in notice.residents)
    return Told(
        notification=notice.notification,
        title=_text(notice.title),
        text=_text(notice.reason),
        area=notice.area,
        home=EventHome(notice.home, notice.home_name, notice.address, notice.phone, residents),
        help=message.help,
        request=message.request or None,
        responder=message.responder or None,
        due_at=message.due_at,
        answer=Answer(message.answer_url, message.answer_token) if message.answer_token else None,
        recipient=EventRecipient(notice.recipient.name, notice.recipient.phone) if notice.recipient else None,
    )
