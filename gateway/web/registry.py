"""Areas, homes and people by HTTP: every change is a command in the journal, every list is read from its fold."""

import asyncio
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Query

from alerting.commands import (
    ChangeArea,
    ChangeHome,
    ChangePerson,
    RegisterArea,
    RegisterHome,
    RegisterPerson,
    RetireArea,
    RetireHome,
    RetirePerson,
)
from devices.home import Area, AreaId, Home, HomeId, Person, PersonId
from devices.home import Role as PersonRole
from gateway.web import paging
from gateway.web.auth import ADMINISTER, CORRECT, READ, REGISTER, Identity, check_correction
from gateway.web.bodies import AreaBody, AreaPatch, Body, HomeBody, HomePatch, PersonBody, PersonPatch
from gateway.web.desk import Desk, OnDesk
from gateway.web.finding import Typed
from gateway.web.home_shapes import HomeCard, HomeShape
from gateway.web.paging import NO_QUERY
from gateway.web.present import area_shape, home_card, home_shape, person_shape
from gateway.web.problems import ProblemDetails, missing, unprocessable
from gateway.web.shapes import AreaShape, LookShape, Page, PersonShape

router = APIRouter(responses={404: {"model": ProblemDetails}})

EXISTS: dict[int | str, dict[str, Any]] = {409: {"model": ProblemDetails, "description": "The id is given out."}}
NULLABLE = frozenset({"parent", "birth_year", "latitude", "longitude"})

S = TypeVar("S", bound=msgspec.Struct)


def changed(record: S, body: Body) -> S:
    """The record with what the body names; a field that is not sent stays."""
    values = {name: getattr(body, name) for name in body.model_fields_set}
    for name, value in values.items():
        if value is None and name not in NULLABLE:
            raise unprocessable(name, "may not be null", place="body", zh="不能为 null")
    tuples = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return msgspec.structs.replace(record, **tuples)


# --- areas ---------------------------------------------------------------------------------------------------------------------


class AreasQuery(paging.Query):
    parent: str | None = None


@router.get("/areas", dependencies=[READ], tags=["areas"])
async def list_areas(desk: OnDesk, asked: Annotated[AreasQuery, Query()]) -> Page[AreaShape]:
    areas = desk.views.places.areas
    keys = (a.id for a in areas.values() if asked.parent is None or a.parent == asked.parent)
    found, following = paging.page(keys, asked.cursor, asked.limit)
    return Page(items=[area_shape(areas[AreaId(key)]) for key in found], next=following)


def _area(desk: Desk, area_id: str) -> Area:
    area = desk.views.places.areas.get(AreaId(area_id))
    if area is None:
        raise missing(f"没有区域 {area_id[:80]}", f"there is no area {area_id[:80]}")
    return area


@router.get("/areas/{area_id}", dependencies=[READ, NO_QUERY], tags=["areas"])
async def one_area(desk: OnDesk, area_id: str) -> AreaShape:
    return area_shape(_area(desk, area_id))


@router.post("/areas", status_code=201, dependencies=[NO_QUERY], tags=["areas"], responses=EXISTS)
async def add_area(desk: OnDesk, body: AreaBody, who: Annotated[Identity, REGISTER]) -> AreaShape:
    area = Area(AreaId(body.id), body.name, None if body.parent is None else AreaId(body.parent))
    await desk.ask(RegisterArea(area), who)
    return area_shape(_area(desk, body.id))


@router.patch("/areas/{area_id}", dependencies=[NO_QUERY], tags=["areas"])
async def change_area(desk: OnDesk, area_id: str, body: AreaPatch, who: Annotated[Identity, REGISTER]) -> AreaShape:
    async with desk.changing:
        await desk.ask(ChangeArea(changed(_area(desk, area_id), body)), who)
    return area_shape(_area(desk, area_id))


@router.delete("/areas/{area_id}", status_code=204, dependencies=[NO_QUERY], tags=["areas"])
async def retire_area(desk: OnDesk, area_id: str, who: Annotated[Identity, REGISTER]) -> None:
    await desk.ask(RetireArea(_area(desk, area_id).id), who)


# --- homes ---------------------------------------------------------------------------------------------------------------------


class HomesQuery(paging.Query):
    area: str | None = None
    """The area and all that lies in it."""
    q: str | None = None
    """Part of the id, the name, the address, a resident's name, or a telephone number of the home or of any of its people. Spaces
    do not count, and a number in a name or an address is meant from its first digit: `8 栋` is not `18 栋`."""


@router.get("/homes", dependencies=[READ], tags=["homes"])
async def list_homes(desk: OnDesk, asked: Annotated[HomesQuery, Query()]) -> Page[HomeShape]:
    places = desk.views.places
    areas = None if asked.area is None else places.within(AreaId(asked.area))
    typed = Typed(asked.q or "")

    def wanted(id_: HomeId) -> list[tuple[str, Home]]:
        home = places.homes[id_]
        if areas is not None and home.area not in areas:
            return []
        return [(id_, home)] if not asked.q or _found(desk, home, typed) else []

    found, following = await paging.walk(places.homes_in_order, wanted, asked.cursor, asked.limit)
    return Page(items=[home_shape(home, places) for home in found], next=following)


def _found(desk: Desk, home: Home, typed: Typed) -> bool:
    """A caller is known by the number on the display, whosever it is; a contact's name would find half the county."""
    people = desk.views.places.people_of(home.id)
    names = (p.name for p in people if p.role is PersonRole.RESIDENT)
    numbers = (p.phone for p in people)
    return any(map(typed.in_words, (home.name, home.address, *names))) or any(map(typed.in_number, (home.id, home.phone, *numbers)))


def _home(desk: Desk, home_id: str) -> Home:
    home = desk.views.places.homes.get(HomeId(home_id))
    if home is None:
        raise missing(f"没有住户 {home_id[:80]}", f"there is no home {home_id[:80]}")
    return home


def _card(desk: Desk, home_id: str) -> HomeCard:
    home = _home(desk, home_id)
    return home_card(home, desk.views.places, [*desk.views.board.open_of(home.id)], desk.condition.now())


@router.get("/homes/{home_id}", dependencies=[NO_QUERY], tags=["homes"])
async def one_home(desk: OnDesk, home_id: str, who: Annotated[Identity, READ]) -> HomeCard:
    """With its residents, its contacts in the order they are rung, and its devices. Who looks is recorded."""
    card = _card(desk, home_id)
    desk.users.looked(who.user, home_id, "home")
    return card


@router.get("/homes/{home_id}/looks", dependencies=[ADMINISTER, NO_QUERY], tags=["homes"])
async def looks(desk: OnDesk, home_id: str) -> Page[LookShape]:
    """Who looked at this home's people, the latest first."""
    found = await asyncio.to_thread(desk.users.looks, home_id, paging.LARGEST_PAGE)
    return Page(items=[LookShape(at=look.at, user=look.user, home=look.home, through=look.through) for look in found])


@router.post("/homes", status_code=201, dependencies=[NO_QUERY], tags=["homes"], responses=EXISTS)
async def add_home(desk: OnDesk, body: HomeBody, who: Annotated[Identity, REGISTER]) -> HomeCard:
    home = Home(
        HomeId(body.id), AreaId(body.area), body.name, body.address, body.phone, body.access, body.note, body.latitude, body.longitude,
        tuple(body.ground), body.building, body.carrier,
    )  # fmt: skip
    await desk.ask(RegisterHome(home), who)
    return _card(desk, body.id)


@router.patch("/homes/{home_id}", dependencies=[NO_QUERY], tags=["homes"])
async def change_home(desk: OnDesk, home_id: str, body: HomePatch, who: Annotated[Identity, CORRECT]) -> HomeCard:
    """An operator may put the telephone number, the access and the note right, nothing else."""
    async with desk.changing:
        home = _home(desk, home_id)
        check_correction(who, home, body.model_fields_set)
        await desk.ask(ChangeHome(changed(home, body)), who)
    return _card(desk, home_id)


@router.delete("/homes/{home_id}", status_code=204, dependencies=[NO_QUERY], tags=["homes"])
async def retire_home(desk: OnDesk, home_id: str, who: Annotated[Identity, REGISTER]) -> None:
    await desk.ask(RetireHome(_home(desk, home_id).id), who)


# --- people --------------------------------------------------------------------------------------------------------------------


class PeopleQuery(paging.Query):
    home: str | None = None
    role: PersonRole | None = None


class PersonQuery(Body):
    home: str | None = None
    """Needed only where people of several homes have the same id."""


@router.get("/people", tags=["people"])
async def list_people(desk: OnDesk, asked: Annotated[PeopleQuery, Query()], who: Annotated[Identity, READ]) -> Page[PersonShape]:
    """Of one home in the order they are rung, else by home. Who looks is recorded, home by home."""
    places = desk.views.places

    def wanted(home: HomeId) -> list[tuple[str, Person]]:
        return [(f"{home}/{p.order:04}/{p.id}", p) for p in places.people_of(home) if asked.role in (None, p.role)]

    home = None if asked.home is None else HomeId(asked.home)
    shown, following = await paging.walk(places.placed_people.homes, wanted, asked.cursor, asked.limit, home)
    for seen in dict.fromkeys(p.home for p in shown):
        desk.users.looked(who.user, seen, "people")
    return Page(items=[person_shape(p) for p in shown], next=following)


def _person(desk: Desk, person_id: str, home_id: str | None) -> Person:
    places = desk.views.places
    homes = [h for h in places.homes_of_person(PersonId(person_id)) if home_id in (None, h)]
    if not homes:
        raise missing(f"没有人员 {person_id[:80]}", f"there is no person {person_id[:80]}")
    if len(homes) > 1:
        said = f"people of several homes have the id {person_id}: say which home"
        raise unprocessable("home", said, zh="多户有相同编号的人员，请指明住户")
    return places.people[homes[0], PersonId(person_id)]


@router.get("/people/{person_id}", tags=["people"])
async def one_person(desk: OnDesk, person_id: str, asked: Annotated[PersonQuery, Query()], who: Annotated[Identity, READ]) -> PersonShape:
    person = _person(desk, person_id, asked.home)
    desk.users.looked(who.user, person.home, f"person {person.id}")
    return person_shape(person)


@router.post("/people", status_code=201, dependencies=[NO_QUERY], tags=["people"], responses=EXISTS)
async def add_person(desk: OnDesk, body: PersonBody, who: Annotated[Identity, REGISTER]) -> PersonShape:
    person = Person(
        PersonId(body.id), HomeId(body.home), body.role, body.name, body.phone, body.order, body.birth_year, body.medical, body.speech,
        body.note, tuple(body.hours), body.vulnerable,
    )  # fmt: skip
    await desk.ask(RegisterPerson(person), who)
    return person_shape(_person(desk, body.id, body.home))


@router.patch("/people/{person_id}", tags=["people"])
async def change_person(
    desk: OnDesk, person_id: str, body: PersonPatch, asked: Annotated[PersonQuery, Query()], who: Annotated[Identity, CORRECT],
) -> PersonShape:
    """An operator may put the telephone number and the note right, nothing else."""
    async with desk.changing:
        person = _person(desk, person_id, asked.home)
        check_correction(who, person, body.model_fields_set)
        await desk.ask(ChangePerson(changed(person, body)), who)
    return person_shape(_person(desk, person_id, person.home))


@router.delete("/people/{person_id}", status_code=204, tags=["people"])
async def retire_person(
    desk: OnDesk, person_id: str, asked: Annotated[PersonQuery, Query()], who: Annotated[Identity, REGISTER],
) -> None:
    person = _person(desk, person_id, asked.home)
    await desk.ask(RetirePerson(person.home, person.id), who)
