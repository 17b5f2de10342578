"""Responders and requests for help as the API answers them."""

from datetime import datetime

from alerting.caring.help_records import HELPS, STAGES, Help, HelpRequest, HelpStage, Responder, ResponderId, ResponderKind
from devices.home import HomeId
from gateway.web.places import Places
from gateway.web.present import area_name
from gateway.web.shapes import Shape

NOWHERE = HomeId("")


class ResponderShape(Shape):
    """`kilometres`: from the home that was asked about, as the crow flies; `open`: there at this hour."""

    id: str
    area: str
    area_name: str
    kind: ResponderKind
    name: str
    phone: str
    helps: list[Help]
    hours: list[str]
    latitude: float | None
    longitude: float | None
    channel: str
    note: str
    kilometres: float | None
    open: bool


class StepShape(Shape):
    stage: HelpStage
    at: datetime
    by: str
    word: str


class HelpShape(Shape):
    """`reminded`: nobody answered it in good time; `overdue`: it was to be done by `due_at`, and is not. `stars` is null until rated."""

    id: str
    home: str
    home_name: str
    area: str
    area_name: str
    address: str
    help: Help
    title: str
    title_en: str
    responder: str
    responder_name: str
    responder_phone: str
    stage: HelpStage
    stage_text: str
    stage_text_en: str
    asked_at: datetime
    due_at: datetime
    word: str
    alert: str | None
    reminded: bool
    overdue: bool
    steps: list[StepShape]
    stars: int | None
    opinion: str


def responders(places: Places) -> dict[ResponderId, Responder]:
    return places.care.of(NOWHERE).helping.responders


def responder_shape(places: Places, one: Responder, kilometres: float | None, *, there: bool) -> ResponderShape:
    return ResponderShape(
        id=one.id, area=one.area, area_name=area_name(places, one.area), kind=one.kind, name=one.name, phone=one.phone,
        helps=list(one.helps), hours=list(one.hours), latitude=one.latitude, longitude=one.longitude, channel=one.channel, note=one.note,
        kilometres=None if kilometres is None else round(kilometres, 2), open=there,
    )  # fmt: skip


def help_shape(places: Places, request: HelpRequest) -> HelpShape:
    home, responder = places.homes.get(request.home), responders(places).get(request.responder)
    words, stage = HELPS[request.help], STAGES[request.stage]
    return HelpShape(
        id=f"{request.home}.{request.id}",
        home=request.home,
        home_name=home.name if home else "",
        area=home.area if home else "",
        area_name=area_name(places, home.area) if home else "",
        address=home.address if home else "",
        help=request.help,
        title=words.zh,
        title_en=words.en,
        responder=request.responder,
        responder_name=responder.name if responder else request.responder,
        responder_phone=responder.phone if responder else "",
        stage=request.stage,
        stage_text=stage.zh,
        stage_text_en=stage.en,
        asked_at=request.steps[0].at,
        due_at=request.due_at,
        word=request.word,
        alert=request.alert,
        reminded=request.reminded,
        overdue=request.overdue,
        steps=[StepShape(stage=step.stage, at=step.at, by=step.by, word=step.word) for step in request.steps],
        stars=request.stars or None,
        opinion=request.opinion,
    )
