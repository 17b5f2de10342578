"""`GET /telemetry`: the history of one property of one device, as it was read or thinned."""

import asyncio
import re
import sqlite3
from datetime import UTC, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import Field

from alerting.terms import Sentence
from devices.home import DeviceId, HomeId
from devices.observation import UNITS, Property
from gateway.outside_stores import EVIDENCE, HISTORY
from gateway.store.failure import StoreBroken
from gateway.store.history import Aggregate, Question
from gateway.store.standing import read_refused
from gateway.web import paging
from gateway.web.auth import READ
from gateway.web.bodies import Body
from gateway.web.desk import Desk, OnDesk
from gateway.web.device_registry import find_device
from gateway.web.instants import Instant
from gateway.web.problems import Problem, ProblemDetails, Words, missing, unprocessable
from gateway.web.reading_shapes import Latest, RefusedShape, Sample, SamplePage, StoreShape
from gateway.web.shapes import Page

router = APIRouter(tags=["telemetry"], responses={404: {"model": ProblemDetails}})

STEP = re.compile(r"([1-9]\d{0,5})([smhd])\Z")
UNITS_OF_TIME = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST_STEP = timedelta(days=366)
DAY = timedelta(days=1)
RECENT = timedelta(seconds=5)
WAIT_S = 1.0
"""A chart that reaches to the present waits this long, at most, for what the desk has seen to be in the history too."""


class TelemetryQuery(Body):
    """Without `start`, the day before `end`; without `end`, up to now."""

    device: str
    property: Property
    home: str | None = None
    """Needed only where devices of several homes have the same id, or for one that is retired."""
    start: Instant | None = None
    end: Instant | None = None
    every: str | None = None
    """`30s`, `5m`, `1h`, `1d`: one value for each such span."""
    aggregate: Aggregate | None = None
    """Of each span; the mean when `every` stands alone."""
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000
    cursor: Annotated[str | None, Field(max_length=200)] = None


@router.get("/telemetry", dependencies=[READ])
async def telemetry(desk: OnDesk, asked: Annotated[TelemetryQuery, Query()]) -> SamplePage:
    """Oldest first. Spans are aligned to the service's clock: a day begins at its midnight, by the offset that holds at `start`.

    Empty ones are left out.
    """
    home = _home_of(desk, asked)
    end = (asked.end or desk.condition.now() + timedelta(seconds=1)).astimezone(UTC)
    start = (asked.start or end - DAY).astimezone(UTC)
    if start > end:
        raise unprocessable("start", "is after `end`", zh="晚于 end")
    every = step(asked.every)
    if asked.aggregate is not None and every is None:
        raise unprocessable("aggregate", "needs `every`", zh="需要同时给出 every")
    cursor = paging.decode(asked.cursor, paging.TEXT)
    if cursor is not None and not cursor.isdigit():
        raise unprocessable("cursor", "not a cursor of this list", zh="不是这个列表给出的游标")
    if end >= desk.condition.now() - RECENT:
        await desk.historian.reached(desk.views.position, WAIT_S)
    question = Question(
        home, DeviceId(asked.device), asked.property, start, end, every, asked.aggregate or Aggregate.MEAN, asked.limit, cursor,
        start.astimezone(ZoneInfo(desk.timezone)).utcoffset() or timedelta(0),
    )  # fmt: skip
    try:
        drawn = await asyncio.to_thread(desk.historian.draw, question)
    except (StoreBroken, sqlite3.Error) as problem:
        raise _unreadable() from problem
    found, following = drawn.answer
    return SamplePage(
        items=[Sample(at=at, value=value) for at, value in found],
        next=None if following is None else paging.encode(following),
        source=drawn.source,
        instead=Words.of(drawn.instead) if drawn.instead is not None else None,
    )


def step(every: str | None) -> timedelta | None:
    if every is None:
        return None
    found = STEP.match(every)
    if found is None or (span := int(found[1]) * UNITS_OF_TIME[found[2]]) > LONGEST_STEP:
        raise unprocessable("every", f"{every[:20]!r} is not a number with s, m, h or d, up to 366d", zh="应为数字加 s、m、h 或 d")
    return span


def _home_of(desk: Desk, asked: TelemetryQuery) -> HomeId:
    """A retired device has its history still, where the home is named."""
    if asked.home is not None:
        return HomeId(asked.home)
    return find_device(desk, asked.device, None).home


class LatestQuery(Body):
    home: str | None = None
    """Needed only where devices of several homes have the same id."""


@router.get("/devices/{device_id}/latest", dependencies=[READ])
async def latest(desk: OnDesk, device_id: str, asked: Annotated[LatestQuery, Query()]) -> Page[Latest]:
    """The newest value of each property that the device ever reported."""
    device = find_device(desk, device_id, asked.home)
    try:
        values = await asyncio.to_thread(desk.historian.reader.last, device.home, device.id)
    except (StoreBroken, sqlite3.Error) as problem:
        raise _unreadable() from problem
    items = [Latest(property=p, unit=UNITS.get(p), at=at, value=value) for p, (at, value) in sorted(values.items())]
    return Page(items=items)


@router.get("/telemetry/stores", dependencies=[READ, paging.NO_QUERY])
async def stores(desk: OnDesk) -> Page[StoreShape]:
    """How far each is: `history`, and every store of the settings. Empty until the telemetry process has said so."""
    health = desk.historian.health
    newest = max(desk.views.position, desk.condition.health.seq if desk.condition.health is not None else 0)
    items = [
        StoreShape(
            name=one.name,
            position=one.position,
            behind_entries=max(newest - one.position, 0),
            behind_s=one.behind_s,
            written=one.points,
            refused=one.refused,
            waits=Words.of(one.problem) if one.problem is not None else None,
        )
        for one in (health.followers if health is not None else ())
    ]
    return Page(items=items)


class RefusedQuery(Body):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


@router.get("/telemetry/stores/{name}/refused", dependencies=[READ])
async def refused(desk: OnDesk, name: str, asked: Annotated[RefusedQuery, Query()]) -> Page[RefusedShape]:
    """Observations that the store would not take, the latest first; the last thousand are kept. The history has them all the same."""
    if desk.historian.followed(name) is None:
        raise missing("没有这个时序库", "there is no such store")
    if name in (HISTORY, EVIDENCE):
        return Page(items=[])
    try:
        found = await asyncio.to_thread(read_refused, desk.historian.standing(name), asked.limit)
    except sqlite3.Error as problem:
        raise _unreadable() from problem
    return Page(items=[RefusedShape(at=one.at, line=one.line, reason=one.reason) for one in found])


def _unreadable() -> Problem:
    return Problem(503, Sentence("历史曲线库暂时无法读取", "the history cannot be read for now"), headers={"Retry-After": "5"})
