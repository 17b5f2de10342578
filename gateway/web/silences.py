"""Silences, and what could not be read."""

import secrets
from datetime import UTC
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from alerting.facts import EndSilence, SetSilence, SilenceId
from devices.home import DeviceId, HomeId
from gateway.web import paging
from gateway.web.auth import READ, SILENCE, Identity
from gateway.web.bodies import SilenceBody
from gateway.web.desk import OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.present import quarantine_shape, silence_shape
from gateway.web.problems import ProblemDetails, missing
from gateway.web.shapes import Page, QuarantinePage, SilenceShape

router = APIRouter(responses={404: {"model": ProblemDetails}})

NUMBER: msgspec.json.Decoder[int] = msgspec.json.Decoder(int)


class SilencesQuery(paging.Query):
    home: str | None = None


@router.get("/silences", dependencies=[READ], tags=["silences"])
async def list_silences(desk: OnDesk, asked: Annotated[SilencesQuery, Query()]) -> Page[SilenceShape]:
    """Those that hold now."""
    silences = desk.views.places.silences
    keys = (s.silence for s in silences.values() if asked.home in (None, s.home))
    found, following = paging.page(keys, asked.cursor, asked.limit)
    return Page(items=[silence_shape(silences[SilenceId(key)]) for key in found], next=following)


@router.post(
    "/silences",
    status_code=201,
    dependencies=[NO_QUERY],
    tags=["silences"],
    response_model=SilenceShape,
    responses={409: {"model": ProblemDetails, "description": "It names what nothing may silence."}},
)
async def set_silence(desk: OnDesk, request: Request, body: SilenceBody, who: Annotated[Identity, SILENCE]) -> Response:
    device = None if body.device is None else DeviceId(body.device)
    categories, until = tuple(body.categories), body.until.astimezone(UTC)

    async def work(key: str) -> Response:
        silence = SilenceId(key[:16] or secrets.token_hex(8))  # the same call again means the same silence
        await desk.ask(SetSilence(silence, HomeId(body.home), device, categories, until, body.reason), who, key)
        found = desk.views.places.silences.get(silence)
        if found is None:
            raise missing("该静默已结束", "that silence is over")
        return Response(silence_shape(found).model_dump_json(), 201, media_type="application/json")

    return await desk.once.answer(request, who, work)


@router.delete("/silences/{silence_id}", status_code=204, dependencies=[NO_QUERY], tags=["silences"])
async def end_silence(desk: OnDesk, silence_id: str, who: Annotated[Identity, SILENCE]) -> None:
    if SilenceId(silence_id) not in desk.views.places.silences:
        raise missing(f"没有静默 {silence_id[:80]}", f"there is no silence {silence_id[:80]}")
    await desk.ask(EndSilence(SilenceId(silence_id)), who)


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
