"""What homes and families were told by safety prompts, what waits for the morning, and what was left out and why."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from alerting.caring.prompt_facts import PromptDropped, PromptPutOff, PromptSaid
from devices.home import AreaId, HomeId
from gateway.web import paging
from gateway.web.auth import READ
from gateway.web.desk import Desk, OnDesk
from gateway.web.present import area_name
from gateway.web.shapes import Page, Shape

router = APIRouter(tags=["care"])

Told = PromptSaid | PromptPutOff | PromptDropped


class PromptShape(Shape):
    """`until`: when what waits is said. `why`: of what was left out. `people`: who was told, by name; `devices`: what said it."""

    id: str
    home: str
    home_name: str
    area: str
    area_name: str
    prompt: str
    state: Literal["said", "waiting", "dropped"]
    at: datetime
    title: str
    title_en: str
    text: str
    text_en: str
    until: datetime | None
    why: str
    why_en: str
    devices: list[str]
    people: list[str]


class PromptsQuery(paging.Query):
    home: str | None = None
    area: str | None = None
    """The area and all that lies in it."""
    state: Literal["said", "waiting", "dropped"] | None = None


@router.get("/prompts", dependencies=[READ])
async def list_prompts(desk: OnDesk, asked: Annotated[PromptsQuery, Query()]) -> Page[PromptShape]:
    """The latest first; of each home the newest forty are kept here, all in the journal."""
    places = desk.views.places
    areas = None if asked.area is None else places.within(AreaId(asked.area))
    found: dict[str, Told] = {}
    for id_, care in places.care.homes():
        home = places.homes.get(id_)
        if home is None or asked.home not in (None, id_) or (areas is not None and home.area not in areas):
            continue
        for one in (*care.prompted.waiting.values(), *care.prompted.told):
            if asked.state in (None, _state(one)):
                found[f"{1e11 - one.at.timestamp():015.3f}/{one.home}/{one.occasion}/{_state(one)}"] = one
    keys, following = paging.page(found, asked.cursor, asked.limit)
    return Page(items=[_shape(desk, found[key]) for key in keys], next=following)


def _state(told: Told) -> Literal["said", "waiting", "dropped"]:
    match told:
        case PromptSaid():
            return "said"
        case PromptPutOff():
            return "waiting"
        case PromptDropped():
            return "dropped"


def _shape(desk: Desk, told: Told) -> PromptShape:
    places = desk.views.places
    home = places.homes.get(told.home)
    text = (told.text.zh, told.text.en) if not isinstance(told, PromptDropped) else ("", "")
    why = (told.why.zh, told.why.en) if isinstance(told, PromptDropped) else ("", "")
    return PromptShape(
        id=f"{told.home}.{told.occasion}",
        home=told.home,
        home_name=home.name if home else "",
        area=home.area if home else "",
        area_name=area_name(places, home.area) if home else "",
        prompt=told.prompt,
        state=_state(told),
        at=told.at,
        title=told.title.zh,
        title_en=told.title.en,
        text=text[0],
        text_en=text[1],
        until=told.until if isinstance(told, PromptPutOff) else None,
        why=why[0],
        why_en=why[1],
        devices=list(told.devices) if isinstance(told, PromptSaid) else [],
        people=list(_names(desk, told)),
    )


def _names(desk: Desk, told: Told) -> Iterator[str]:
    people = desk.views.places.people
    for id_ in told.people if isinstance(told, PromptSaid) else ():
        known = people.get((HomeId(told.home), id_))
        yield known.name if known else id_
