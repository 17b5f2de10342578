"""Reports: how fast people answered, counted from the timelines of a month; and the morning's list of homes."""

import asyncio
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query

from alerting.commands import CheckHomes
from alerting.items import Finding, Matter
from devices.home import AreaId, HomeId
from gateway.evidence.answers import Figures
from gateway.web import answering as answering_of
from gateway.web import paging
from gateway.web.auth import READ, REGISTER, Identity
from gateway.web.bodies import Body
from gateway.web.desk import Desk, OnDesk
from gateway.web.figure_shapes import AnswerFigures, AnsweringReport, HomesReport, UnheardHome, WatchedReport
from gateway.web.paging import NO_QUERY
from gateway.web.present import finding_shape
from gateway.web.problems import unprocessable

router = APIRouter(tags=["reports"])

TARGET_60_S, TARGET_180_S = 0.975, 0.99
"""EN 50518 and the product's own figures: shares of alerts answered within 60 s and 180 s."""
MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])\Z")
SETTLE_S = 2.0


class MonthQuery(Body):
    month: str
    """YYYY-MM, local time of the service."""


@router.get("/reports/answering", dependencies=[READ])
async def answering(desk: OnDesk, asked: Annotated[MonthQuery, Query()]) -> AnsweringReport:
    """Real alerts raised in the month. Answered: first claimed, acknowledged or closed by a person.

    Silenced ones rang at nobody and are left out.
    """
    start, end = span(asked.month, desk.views.places.ruleset.utc_offset_minutes)
    reflects = await _settled(desk)
    async with desk.counting:
        found = await answering_of.month(desk.views.store.path, start, end)
    return AnsweringReport(
        month=asked.month,
        start=start,
        end=end,
        reflects=reflects,
        target_60_s=TARGET_60_S,
        target_180_s=TARGET_180_S,
        all=_shape(found.all),
        by_priority={name: _shape(some) for name, some in found.by_priority.items()},
        by_category={name: _shape(some) for name, some in found.by_category.items()},
    )


def _shape(found: Figures) -> AnswerFigures:
    return AnswerFigures(**msgspec.structs.asdict(found))


class WatchedQuery(paging.Query):
    month: str
    """YYYY-MM, local time of the service."""
    area: str | None = None
    """The area and all that lies in it."""


@router.get("/reports/watched", dependencies=[READ])
async def watched(desk: OnDesk, asked: Annotated[WatchedQuery, Query()]) -> WatchedReport:
    """How much of the month homes could be heard: what the service, its line to the broker and their own hubs left of it."""
    places = desk.views.places
    start, end = span(asked.month, places.ruleset.utc_offset_minutes)
    until = max(start, min(end, desk.condition.now()))
    areas = None if asked.area is None else places.within(AreaId(asked.area))
    of_all, by_service = (until - start).total_seconds(), places.hearing.unheard(None, start, until).total_seconds()
    lost, count, missing = {}, 0, 0.0
    for home in places.homes.values():
        if areas is None or home.area in areas:
            own = home.id in places.hearing.homes
            unheard = places.hearing.unheard(home.id, start, until).total_seconds() if own else by_service
            count, missing = count + 1, missing + unheard
            if unheard:
                lost[f"{of_all - unheard:012.3f}/{home.id}"] = unheard
    found, following = paging.page(lost, asked.cursor, asked.limit)
    homes_ = [(places.homes[HomeId(key.partition("/")[2])], lost[key]) for key in found]
    return WatchedReport(
        month=asked.month, start=start, end=end, homes=count, service_unheard_s=by_service, next=following,
        share=round(1 - missing / (count * of_all), 6) if count and of_all else None,
        items=[
            UnheardHome(home=h.id, home_name=h.name, area=h.area, unheard_s=s, share=round(1 - s / of_all, 6)) for h, s in homes_
        ],
    )  # fmt: skip


class HomesQuery(paging.Query):
    area: str | None = None
    """The area and all that lies in it."""
    matter: Matter | None = None


FINDING: msgspec.json.Decoder[tuple[str, str, str, str]] = msgspec.json.Decoder(tuple[str, str, str, str])


@router.get("/reports/homes", dependencies=[READ])
async def homes(desk: OnDesk, asked: Annotated[HomesQuery, Query()]) -> HomesReport:
    """The latest daily check: homes without three contacts to ring, silent devices, batteries that are due; by area, then home."""
    return _homes_report(desk, asked)


@router.post("/reports/homes", dependencies=[NO_QUERY])
async def check_homes(desk: OnDesk, who: Annotated[Identity, REGISTER]) -> HomesReport:
    """Check now instead of tomorrow morning; answers the first page of what was found."""
    await desk.ask(CheckHomes(), who)
    return _homes_report(desk, HomesQuery())


def _homes_report(desk: Desk, asked: HomesQuery) -> HomesReport:
    places, checked = desk.views.places, desk.views.homes_checked
    areas = None if asked.area is None else places.within(AreaId(asked.area))
    after = paging.decode(asked.cursor, FINDING)
    found = [
        finding for finding in (checked.findings if checked else ())
        if (areas is None or finding.area in areas)
        and asked.matter in (None, finding.matter)
        and (after is None or _place(finding) > after)
    ]  # fmt: skip
    return HomesReport(
        day=checked.day if checked else None,
        items=[finding_shape(finding, places) for finding in found[: asked.limit]],
        next=paging.encode(_place(found[asked.limit - 1])) if len(found) > asked.limit else None,
    )


def _place(finding: Finding) -> tuple[str, str, str, str]:
    """Where it stands in the list."""
    return finding.area, finding.home, finding.matter.value, finding.device or ""


async def _settled(desk: OnDesk) -> int:
    """Wait a little for the file to hold what is on the screens; how far it does."""
    wanted = desk.views.position
    for _ in range(int(SETTLE_S / 0.05)):
        if desk.views.store.written >= wanted:
            break
        await asyncio.sleep(0.05)
    return desk.views.store.written


def span(month: str, utc_offset_minutes: int) -> tuple[datetime, datetime]:
    """The month's first moment and the next one's at the service's local time, in UTC."""
    found = MONTH.match(month)
    if found is None:
        raise unprocessable("month", f"{month[:20]!r} is not YYYY-MM", zh="格式应为 YYYY-MM")
    start = datetime(int(found[1]), int(found[2]), 1, tzinfo=timezone(timedelta(minutes=utc_offset_minutes)))
    end = start.replace(year=start.year + 1, month=1) if start.month == 12 else start.replace(month=start.month + 1)
    return start.astimezone(UTC), end.astimezone(UTC)
