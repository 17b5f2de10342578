"""What a resident lets the family see: consent, links for a named contact, and the one small page that a link opens, without a log-in.

The secret of a link is told once and kept nowhere: the journal and the desk's view have its digest. The page is made from a value that
holds what was consented to and has no place for anything else. No script: it must work on any old telephone.
"""

import hashlib
import secrets
from datetime import date, datetime, timedelta
from html import escape
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import Field

from alerting.caring.family import LONGEST, LinkId, MakeFamilyLink, RevokeFamilyLink, SetConsent, Shows
from alerting.caring.records import ERRANDS, State
from alerting.terms import Actor, Origin, Sentence
from devices.home import HomeId, PersonId
from gateway.web.answer_page import HEADERS, STYLE
from gateway.web.auth import ARRANGE, READ, Identity
from gateway.web.bodies import Body, Id, Short
from gateway.web.desk import Desk, OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.problems import ProblemDetails, missing
from gateway.web.shapes import Shape

router = APIRouter(tags=["care"], responses={404: {"model": ProblemDetails}, 409: {"model": ProblemDetails}})
page = APIRouter(include_in_schema=False)

CODE_LONGEST = 64
QUARTER = timedelta(minutes=15)
VISITS_SHOWN = timedelta(days=30)
WAITING = Sentence("有一项警报待处理", "an alert is open")
IN_HAND = Sentence("有警报，值守人员正在处理", "an alert is open, and somebody sees to it")
NONE = Sentence("没有未处理的警报", "no alert is open")
GONE = Sentence("这个链接无效、已过期或已收回。", "This link is not valid, has expired or was revoked.")
OFTEN = Sentence("尝试次数过多，请一刻钟后再试。", "Too many tries: try again in a quarter of an hour.")
NOTHING = Sentence("住户目前不展示任何内容。", "Nothing is shown at present.")


class ConsentShape(Shape):
    resident: str
    shows: list[Shows]
    word: str
    by: str
    at: datetime


class FamilyLinkShape(Shape):
    id: str
    contact: str
    contact_name: str
    expires_at: datetime
    by: str


class FamilyShape(Shape):
    """`shows`: what the links show now, which is what every resident has consented to."""

    shows: list[Shows]
    consents: list[ConsentShape]
    links: list[FamilyLinkShape]


class MadeLinkShape(FamilyLinkShape):
    """`path`: with the secret, told this once; put the console's address before it."""

    path: str


class ConsentBody(Body):
    """`shows` empty takes it back. `word`: how it was given; needed unless it is taken back."""

    resident: Id
    shows: list[Shows]
    word: Short = ""


class FamilyLinkBody(Body):
    contact: Id
    days: Annotated[int, Field(ge=1, le=LONGEST.days)] = 90


class Visit(msgspec.Struct, frozen=True):
    day: date
    zh: str
    en: str


class Counted(msgspec.Struct, frozen=True):
    devices: int
    heard: int
    low: int


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that a link can show. What was not consented to is not there, rather than empty."""

    alive: datetime | msgspec.UnsetType | None = msgspec.UNSET
    alerts: Sentence | msgspec.UnsetType = msgspec.UNSET
    visits: tuple[Visit, ...] | msgspec.UnsetType = msgspec.UNSET
    devices: Counted | msgspec.UnsetType = msgspec.UNSET


# --- consent and links -----------------------------------------------------------------------------------------------------------


@router.get("/homes/{home_id}/family", dependencies=[READ, NO_QUERY])
async def family(desk: OnDesk, home_id: str) -> FamilyShape:
    """Who has consented to what, and which links there are."""
    home = _home(desk, home_id)
    known = desk.views.places.care.of(home).family
    return FamilyShape(
        shows=sorted(known.shown(desk.views.places.people_of(home))),
        consents=[ConsentShape(resident=id_, shows=list(c.shows), word=c.word, by=c.by, at=c.at) for id_, c in known.consents.items()],
        links=[_link_shape(desk, home, LinkId(id_)) for id_, link in known.links.items() if link.until > desk.wall()],
    )


@router.put("/homes/{home_id}/consent", dependencies=[NO_QUERY])
async def consent(desk: OnDesk, home_id: str, body: ConsentBody, who: Annotated[Identity, ARRANGE]) -> FamilyShape:
    """What a resident lets the family see from here on; it holds for every link at once."""
    home = _home(desk, home_id)
    await desk.ask(SetConsent(home, PersonId(body.resident), tuple(body.shows), body.word), who)
    return await family(desk, home_id)


@router.post("/homes/{home_id}/family-links", status_code=201, dependencies=[NO_QUERY])
async def make_link(desk: OnDesk, home_id: str, body: FamilyLinkBody, who: Annotated[Identity, ARRANGE]) -> MadeLinkShape:
    """For one contact of the home. Its secret is in this answer and nowhere else."""
    home, id_, code = _home(desk, home_id), LinkId(secrets.token_hex(8)), secrets.token_urlsafe(24)
    await desk.ask(MakeFamilyLink(home, id_, PersonId(body.contact), digest(code), body.days), who)
    return MadeLinkShape(**_link_shape(desk, home, id_).model_dump(), path=f"/f/{code}")


@router.delete("/homes/{home_id}/family-links/{link_id}", status_code=204, dependencies=[NO_QUERY])
async def revoke_link(desk: OnDesk, home_id: str, link_id: str, who: Annotated[Identity, ARRANGE]) -> None:
    """It shows nothing from here on."""
    await desk.ask(RevokeFamilyLink(_home(desk, home_id), LinkId(link_id[:64])), who)


def _home(desk: Desk, home_id: str) -> HomeId:
    if HomeId(home_id) not in desk.views.places.homes:
        raise missing(f"没有住户 {home_id[:80]}", f"there is no home {home_id[:80]}")
    return HomeId(home_id)


def _link_shape(desk: Desk, home: HomeId, id_: LinkId) -> FamilyLinkShape:
    places = desk.views.places
    link = places.care.of(home).family.links.get(id_)
    if link is None:
        raise missing("该链接已收回", "that link was revoked")
    known = places.people.get((home, link.contact))
    return FamilyLinkShape(
        id=id_, contact=link.contact, contact_name=known.name if known else "", expires_at=link.until, by=link.by,
    )  # fmt: skip


def digest(code: str) -> bytes:
    """What is kept of a link: its secret has 192 bits, so that no salt is needed."""
    return hashlib.sha256(b"family\x00" + code.encode("utf-8", "surrogatepass")).digest()


# --- the page --------------------------------------------------------------------------------------------------------------------


@page.get("/f/{code}")
async def look(desk: OnDesk, request: Request, code: str) -> HTMLResponse:
    shown = _opened(desk, request, code, "page")
    if not isinstance(shown, Shown):
        return _html(_both(GONE if shown == 404 else OFTEN), shown)
    return _html(_body(shown, ZoneInfo(desk.timezone)))


@page.get("/f/{code}/data")
async def data(desk: OnDesk, request: Request, code: str) -> Response:
    """The same for a program."""
    shown = _opened(desk, request, code, "data")
    if not isinstance(shown, Shown):
        return Response(b"{}", shown, HEADERS, "application/json")
    return Response(msgspec.json.encode(shown), 200, HEADERS, "application/json")


def _opened(desk: Desk, request: Request, code: str, through: str) -> Shown | int:
    """What the link shows now, or the status: 404 for one that is not, or not any more; 429 for whoever guesses. Who looks is recorded."""
    address = request.client.host if request.client else ""
    places, found = desk.views.places, desk.views.places.care.linked(digest(code[:CODE_LONGEST]))
    if found is None or found[1].until <= desk.wall() or (found[0], found[1].contact) not in places.people:
        if desk.guessing.wait(code[:CODE_LONGEST], address) > 0:
            return 429
        desk.guessing.failed(code[:CODE_LONGEST], address)
        return 404
    home, link = found
    desk.users.looked(Actor(f"family:{link.contact}"), home, f"family link, {through}")
    return shown_of(desk, home, places.care.of(home).family.shown(places.people_of(home)))


def shown_of(desk: Desk, home: HomeId, shows: frozenset[Shows]) -> Shown:
    return Shown(
        alive=_alive(desk, home) if Shows.ALIVE in shows else msgspec.UNSET,
        alerts=_alerts(desk, home) if Shows.ALERTS in shows else msgspec.UNSET,
        visits=tuple(_visits(desk, home)) if Shows.VISITS in shows else msgspec.UNSET,
        devices=_devices(desk, home) if Shows.DEVICES in shows else msgspec.UNSET,
    )


def _alive(desk: Desk, home: HomeId) -> datetime | None:
    places = desk.views.places
    known = [state.alive_at for d in places.devices_of(home) if (state := places.states.get((home, d.id))) and state.alive_at is not None]
    latest = max(known, default=None)
    return latest.replace(minute=latest.minute - latest.minute % 15, second=0, microsecond=0) if latest else None


def _alerts(desk: Desk, home: HomeId) -> Sentence:
    board = desk.views.board
    known = [board.unstored.get(id_) or board.records.get(id_) for id_ in board.open_of(home)]
    alerts = [record.alert for record in known if record is not None and record.alert.origin is Origin.REAL]
    if not alerts:
        return NONE
    return IN_HAND if all(alert.claimed_by is not None or alert.acknowledged_at is not None for alert in alerts) else WAITING


def _visits(desk: Desk, home: HomeId) -> list[Visit]:
    since, zone = desk.wall() - VISITS_SHOWN, ZoneInfo(desk.timezone)
    return [
        Visit(one.settled_at.astimezone(zone).date(), ERRANDS[one.errand].zh, ERRANDS[one.errand].en)
        for one in reversed(desk.views.places.care.of(home).settled)
        if one.state is State.DONE and one.settled_at is not None and one.settled_at > since
    ]


def _devices(desk: Desk, home: HomeId) -> Counted:
    places = desk.views.places
    states = [places.states.get((home, device.id)) for device in places.devices_of(home)]
    low = sum(state is not None and state.battery is not None and state.battery <= LOW for state in states)
    return Counted(len(states), sum(state is not None and state.online is True for state in states), low)


LOW = 15.0
"""Per cent, as the shipped rule has it."""


def _body(shown: Shown, zone: ZoneInfo) -> str:
    parts = []
    if shown.alive is not msgspec.UNSET:
        at = f"{shown.alive.astimezone(zone):%m-%d %H:%M}" if shown.alive else "—"
        parts.append(_part(Sentence("最近一次活动", "Last sign of life"), Sentence(at, at)))
    if shown.alerts is not msgspec.UNSET:
        parts.append(_part(Sentence("警报", "Alerts"), shown.alerts))
    if shown.visits is not msgspec.UNSET:
        zh, en = ("<br>".join(f"{v.day:%m-%d} {getattr(v, lang)}" for v in shown.visits) or "—" for lang in ("zh", "en"))
        head = "<h1>近三十天的探访</h1><p class=en lang=en>Visits and calls of thirty days</p>"
        parts.append(f"{head}<p>{zh}<br><span class=en lang=en>{en}</span></p>")
    if shown.devices is not msgspec.UNSET:
        c = shown.devices
        zh, en = f"{c.devices} 台，在线 {c.heard}，电量低 {c.low}", f"{c.devices}, heard {c.heard}, battery low {c.low}"
        parts.append(_part(Sentence("设备", "Devices"), Sentence(zh, en)))
    return "".join(parts) or _both(NOTHING)


def _part(head: Sentence, said: Sentence) -> str:
    return f"<h1>{escape(head.zh)}</h1><p class=en lang=en>{escape(head.en)}</p>{_both(said)}"


def _both(said: Sentence) -> str:
    return f"<p>{escape(said.zh)}<br><span class=en lang=en>{escape(said.en)}</span></p>"


def _html(inner: str, status: int = 200) -> HTMLResponse:
    body = (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>安居 Anju</title><style>{STYLE}</style></head><body>{inner}</body></html>\n"
    )
    return HTMLResponse(body, status, HEADERS)
