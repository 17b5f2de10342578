"""Silences, and what could not be read."""

import secrets
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from alerting.commands import EndSilence, SetSilence
from alerting.registry_facts import SilenceSet
from alerting.terms import Category, SilenceId
from devices.home import AreaId, DeviceId, HomeId
from gateway.web import paging
from gateway.web.auth import READ, SILENCE, Identity
from gateway.web.bodies import SilenceBody
from gateway.web.desk import Desk, OnDesk
from gateway.web.ledger import Account, Muted
from gateway.web.paging import NO_QUERY
from gateway.web.present import quarantine_shape
from gateway.web.problems import ProblemDetails, missing, unprocessable
from gateway.web.shapes import Page, QuarantinePage, Shape

router = APIRouter(responses={404: {"model": ProblemDetails}})

NUMBER: msgspec.json.Decoder[int] = msgspec.json.Decoder(int)


class MutedShape(Shape):
    """An alert that was kept off the ring. `rang_at`: when it came back; null while it is muted, or where it was closed before."""

    alert: str
    at: datetime
    rang_at: datetime | None
    closed_at: datetime | None


class SilenceShape(Shape):
    """`muted_count`: alerts that it kept off the ring; `muted`, on its own page: the latest of them. `ended_at` is null while it lasts."""

    id: str
    home: str | None
    home_name: str
    area: str | None
    area_name: str
    device: str | None
    device_name: str
    categories: list[Category]
    at: datetime
    start: datetime
    until: datetime
    reason: str
    by: str
    owner: str | None
    """Whose it is by name, since whoever set it may have gone home."""
    maintenance: bool
    under_way: bool
    ended_at: datetime | None
    ended_by: str | None
    muted_count: int
    muted: list[MutedShape] | None = None


class SilencesQuery(paging.Query):
    """`ended`: those that are over, too, for looking back."""

    home: str | None = None
    area: str | None = None
    ended: bool = False


@router.get("/silences", dependencies=[READ], tags=["silences"])
async def list_silences(desk: OnDesk, asked: Annotated[SilencesQuery, Query()]) -> Page[SilenceShape]:
    """Those that hold now or are planned. Of a home: its own, and those of its areas."""
    places = desk.views.places
    home = places.homes.get(HomeId(asked.home)) if asked.home is not None else None

    def wanted(one: SilenceSet) -> bool:
        of_home = asked.home in (None, one.home) or (home is not None and home.area in one.areas)
        return of_home and asked.area in (None, *one.areas[:1])

    accounts = places.ledger.accounts
    keys = (key for key, of in accounts.items() if wanted(of.silence) and (asked.ended or of.ended_at is None))
    found, following = paging.page(keys, asked.cursor, asked.limit)
    return Page(items=[_shape(desk, accounts[SilenceId(key)]) for key in found], next=following)


@router.get("/silences/{silence_id}", dependencies=[READ, NO_QUERY], tags=["silences"])
async def one_silence(desk: OnDesk, silence_id: str) -> SilenceShape:
    """Its whole account: who, why, from when until when, and what it kept off the ring; also when it is over."""
    return _shape(desk, _account(desk, silence_id), whole=True)


@router.post(
    "/silences",
    status_code=201,
    dependencies=[NO_QUERY],
    tags=["silences"],
    response_model=SilenceShape,
    responses={409: {"model": ProblemDetails, "description": "It names what nothing may silence."}},
)
async def set_silence(desk: OnDesk, request: Request, body: SilenceBody, who: Annotated[Identity, SILENCE]) -> Response:
    """Of a home or of an area. What it kept off the ring and still stands rings when it ends."""
    if (body.home is None) == (body.area is None):
        raise unprocessable("home", "give either a home or an area", place="body", zh="home 与 area 须二者取一")
    if body.area is not None and body.device is not None:
        raise unprocessable("device", "a device belongs to a home", place="body", zh="设备属于住户")
    device = None if body.device is None else DeviceId(body.device)
    start = body.start

    async def work(key: str) -> Response:
        silence = SilenceId(key[:16] or secrets.token_hex(8))  # the same call again means the same silence
        wish = SetSilence(
            silence, HomeId(body.home or ""), device, tuple(body.categories), body.until, body.reason,
            AreaId(body.area or ""), start, body.maintenance,
        )  # fmt: skip
        await desk.ask(wish, who, key)
        return Response(_shape(desk, _account(desk, silence)).model_dump_json(), 201, media_type="application/json")

    return await desk.once.answer(request, who, work)


@router.delete("/silences/{silence_id}", status_code=204, dependencies=[NO_QUERY], tags=["silences"])
async def end_silence(desk: OnDesk, silence_id: str, who: Annotated[Identity, SILENCE]) -> None:
    if SilenceId(silence_id) not in desk.views.places.silences:
        raise missing(f"没有静默 {silence_id[:80]}", f"there is no silence {silence_id[:80]}")
    await desk.ask(EndSilence(SilenceId(silence_id)), who)


def _account(desk: Desk, silence_id: str) -> Account:
    known = desk.views.places.ledger.accounts.get(SilenceId(silence_id))
    if known is None:
        raise missing(f"没有静默 {silence_id[:80]}", f"there is no silence {silence_id[:80]}")
    return known


def _shape(desk: Desk, account: Account, *, whole: bool = False) -> SilenceShape:
    silence, now, places = account.silence, desk.condition.now(), desk.views.places
    start = silence.starts_at or silence.at
    home, area = places.homes.get(silence.home), places.areas.get(silence.areas[0]) if silence.areas else None
    device = places.devices.get((silence.home, silence.device)) if silence.device else None
    return SilenceShape(
        id=silence.silence,
        home=silence.home or None,
        home_name=home.name if home else "",
        area=silence.areas[0] if silence.areas else None,
        area_name=area.name if area else "",
        device=silence.device,
        device_name=device.name if device else "",
        categories=list(silence.categories),
        at=silence.at,
        start=start,
        until=silence.until,
        reason=silence.reason,
        by=silence.by,
        owner=places.owners.get(f"silence:{silence.silence}"),
        maintenance=silence.maintenance,
        under_way=account.ended_at is None and start <= now,
        ended_at=account.ended_at,
        ended_by=account.ended_by,
        muted_count=account.count,
        muted=[_muted(muted) for muted in reversed(account.muted)] if whole else None,
    )


def _muted(muted: Muted) -> MutedShape:
    return MutedShape(alert=muted.alert, at=muted.at, rang_at=muted.rang_at, closed_at=muted.closed_at)


class QuarantineQuery(paging.Query):
    topic: str | None = None
    """Part of the topic."""


@router.get("/quarantine", dependencies=[READ], tags=["quarantine"])
async def quarantine(desk: OnDesk, asked: Annotated[QuarantineQuery, Query()]) -> QuarantinePage:
    """What could not be read and why, the latest first; the newest five thousand are kept, all are counted."""
    known = desk.views.quarantine
    before = paging.decode(asked.cursor, NUMBER)
    found = [
        (seq, item) for seq, item in reversed(known.kept)
        if (before is None or seq < before) and (asked.topic is None or asked.topic in item.topic)
    ]  # fmt: skip
    shown = found[: asked.limit]
    return QuarantinePage(
        items=[quarantine_shape(seq, item) for seq, item in shown],
        next=paging.encode(shown[-1][0]) if len(found) > asked.limit else None,
        total=known.total,
        by_place=known.by_place,
    )
