"""What is wanting before it matters: hours with nobody on, people whom nothing reaches, homes with few contacts; singly and grouped."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from alerting.daily_check import CONTACTS_WANTED
from alerting.duties import unreachable
from alerting.policy import Reach
from alerting.roster import RosterId
from devices.home import AreaId, HomeId
from devices.home import Role as PersonRole
from gateway.web import paging
from gateway.web.auth import READ
from gateway.web.bodies import Body
from gateway.web.desk import Desk, OnDesk
from gateway.web.present import area_name
from gateway.web.problems import Words
from gateway.web.roster_shapes import WantingShape
from gateway.web.rosters import moment
from gateway.web.shapes import Page, Shape

router = APIRouter(tags=["rosters"])

LOOKED_AHEAD = timedelta(days=14)
HOMES_AT_ONCE = 500

Kind = Literal["gap", "unreachable", "contacts", "target"]


class PartShape(Shape):
    """Of one roster, or of one area. `hours`, of gaps: how many in all. `items`: the first of `count`."""

    part: str
    name: Words
    count: int
    hours: float | None
    items: list[WantingShape]


class WantingGroup(Shape):
    kind: Kind
    count: int
    parts: list[PartShape]


class GapsQuery(paging.Query):
    kind: Kind | None = None


class GroupsQuery(Body):
    most: Annotated[int, Field(ge=1, le=1000)] = 10
    """Items of each part."""


@router.get("/rosters/gaps", dependencies=[READ])
async def wanting(desk: OnDesk, asked: Annotated[GapsQuery, Query()]) -> Page[WantingShape]:
    """What is known before the shift: hours of the next fourteen days with nobody on, people whom nothing reaches, targets of policies
    that lead nowhere, homes with fewer than three contacts who can be rung.
    """
    found = {each.id: each async for each in _wanting(desk) if asked.kind in (None, each.kind)}
    keys, following = paging.page(found, asked.cursor, asked.limit)
    return Page(items=[found[key] for key in keys], next=following)


@router.get("/rosters/gaps/groups", dependencies=[READ])
async def groups(desk: OnDesk, asked: Annotated[GroupsQuery, Query()]) -> Page[WantingGroup]:
    """The same by kind, and in each by roster or area, the largest part first: how many, and the first of them."""
    parts: dict[Kind, dict[str, list[WantingShape]]] = {}
    async for each in _wanting(desk):
        parts.setdefault(each.kind, {}).setdefault(_part(desk, each), []).append(each)
    shown = [
        WantingGroup(
            kind=kind, count=sum(map(len, of.values())),
            parts=[_shape(desk, kind, part, of[part], asked.most) for part in sorted(of, key=lambda part: (-len(of[part]), part))],
        )
        for kind, of in parts.items()
    ]  # fmt: skip
    return Page(items=shown, next=None)


def _part(desk: Desk, each: WantingShape) -> str:
    home = desk.views.places.homes.get(HomeId(each.home)) if each.home is not None else None
    return home.area if home is not None else each.roster or ""


def _shape(desk: Desk, kind: Kind, part: str, found: list[WantingShape], most: int) -> PartShape:
    places = desk.views.places
    if kind == "contacts":
        name = area_name(places, AreaId(part)) or part
        words = Words(zh=name, en=name)
    else:
        roster = places.duties.rosters.get(RosterId(part))
        words = Words(zh=roster.zh, en=roster.en) if roster is not None else Words(zh="升级策略", en="the policies")
    found.sort(key=lambda each: each.id)
    spans = [each.until - each.since for each in found if each.since is not None and each.until is not None]
    hours = sum(spans, timedelta()) / timedelta(hours=1) if spans else None
    return PartShape(part=part, name=words, count=len(found), hours=hours, items=found[:most])


async def _wanting(desk: Desk) -> AsyncIterator[WantingShape]:
    places, (wall, zone) = desk.views.places, moment(desk)
    duties = places.duties
    for roster in duties.rosters.values():
        for gap in duties.gaps(roster, wall, wall + LOOKED_AHEAD, zone):
            words = Words(zh=f"“{roster.zh}”无人值班", en=f"{roster.en} has nobody on")
            id_ = f"0 {gap.since.isoformat()} {roster.id}"
            yield WantingShape(id=id_, kind="gap", sentence=words, roster=roster.id, since=gap.since, until=gap.until)
        for staff in unreachable(roster, duties.staff):
            said = f"“{roster.zh}”的 {staff.name} 没有可用的联系方式"
            words = Words(zh=said, en=f"{staff.name} of {roster.en} cannot be reached in any way")
            yield WantingShape(id=f"1 {roster.id} {staff.id}", kind="unreachable", sentence=words, roster=roster.id, staff=staff.id)
    for target in places.ruleset.targets:
        named: dict[Reach, set[str]] = {Reach.ROSTER: {*duties.rosters}, Reach.PERSON: {*duties.staff}}
        if target.of and target.of not in named.get(target.reach, {target.of}):
            said = f"升级对象“{target.zh or target.name}”指向的 {target.of} 不存在"
            words = Words(zh=said, en=f"the target {target.name} names {target.of}, which is not there")
            yield WantingShape(id=f"2 {target.name}", kind="target", sentence=words)
    for number, home in enumerate(list(places.homes.values())):
        if number % HOMES_AT_ONCE == 0:
            await asyncio.sleep(0)
        count = len({p.phone.strip() for p in places.people_of(home.id) if p.role is not PersonRole.RESIDENT and p.phone.strip()})
        if count < CONTACTS_WANTED:
            said = f"{home.name} 只有 {count} 个可拨打的联系人"
            words = Words(zh=said, en=f"{home.name} has {count} of {CONTACTS_WANTED} contacts who can be rung")
            yield WantingShape(id=f"3 {home.id}", kind="contacts", sentence=words, home=home.id)
