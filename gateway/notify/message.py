"""What is told and is no alert: a request for help to a service, a safety prompt to a family. Of a request as a notice."""

from alerting.caring.help_facts import MessageRequested
from alerting.caring.help_records import Event, HelpRequest
from alerting.home_state import HomeState
from alerting.terms import AlertId, Category, Origin, Priority, Sentence
from devices.home import Role
from gateway.notify.channel import Message, Moot, Notice, Recipient, Resident

ALARMS_ONLY = frozenset({"cap", "gb26875"})
"""Kinds of channel that can say nothing but that there is an alarm."""
WHY: dict[Event, Sentence] = {
    Event.HELP_REQUESTED: Sentence("值守中心请您提供服务，请答复能否完成。", "The centre asks for your service: answer whether you can."),
    Event.HELP_CANCELLED: Sentence("不再需要这项服务。", "This service is not needed any more."),
    Event.PROMPT: Sentence("这是安全提醒，不是报警。", "This is a safety prompt, not an alarm."),
}


def notice_of_message(request: MessageRequested, home: HomeState, kind: str, public_url: str, token: str) -> Notice | Moot:
    """Moot where nobody needs it any more. `kind` is the channel's; `token` answers the request for help that it is about."""
    if kind in ALARMS_ONLY:
        return Moot(f"a channel of kind {kind} says alarms alone")
    help_ = home.care.helping.request(request.help) if request.help else None
    if request.event is Event.HELP_REQUESTED and (help_ is None or not help_.open):
        return Moot("the request was over before it could be delivered")
    named = home.people.get(request.person) if request.person is not None else None
    if request.person is not None and named is None:
        return Moot("the person who was to be told is no longer registered")
    record = home.record
    return Notice(
        notification=request.notification,
        channel=request.channel,
        target=named.name if named else "",
        requested_at=request.at,
        alert=AlertId(""),
        category=Category.TECHNICAL,
        priority=Priority.AWARE,
        origin=Origin.REAL,
        life_safety=False,
        title=request.title,
        reason=request.text,
        why=WHY[request.event],
        step=0,
        raised_at=request.at,
        area=home.area,
        home=home.id,
        home_name=record.name if record else "",
        address=record.address if record else "",
        phone=record.phone if record else "",
        room="",
        residents=tuple(Resident(p.name, p.phone, p.speech) for p in home.people.values() if p.role is Role.RESIDENT),
        link="",
        recipient=Recipient(named.name, named.phone) if named else None,
        message=_message(request, help_, public_url.rstrip("/"), token),
    )


def _message(request: MessageRequested, help_: HelpRequest | None, url: str, token: str) -> Message:
    if help_ is None:
        return Message(request.event)
    path = f"/api/v1/help-requests/{help_.home}.{help_.id}/answer"
    return Message(
        request.event, help_.help, f"{help_.home}.{help_.id}", help_.due_at, help_.responder, token, f"{url}{path}" if url else path,
    )  # fmt: skip
