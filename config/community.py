"""A demo community, made from `demo.toml` by a seed: `gateway` registers it, `simulator` animates it, and neither knows the other.

Nothing in it exists; `demo.toml` says how one can tell. A home is the same home whatever the number of homes: adding one moves nobody.
"""

import tomllib
from collections.abc import Iterator
from functools import cache
from math import cos, radians
from pathlib import Path
from random import Random

import msgspec

COMMUNITIES_AT_ONCE = 4
"""Homes are dealt to so many communities in turn, then to the next ones: twenty homes live in two streets, ten thousand in all."""
HOMES_TO_A_GROUP = 1000
BUILDINGS_IN_A_ROW = 6
METRES_A_DEGREE = 111_320.0
"""Of latitude."""
LEVELS = {"county": 6, "street": 9, "community": 12}
"""How long the code of a division of that level is."""


class DemoArea(msgspec.Struct, frozen=True):
    id: str
    name: str
    parent: str | None


class DemoHome(msgspec.Struct, frozen=True):
    """The fields of a registry's home; `name` is how the desk calls it."""

    id: str
    area: str
    name: str
    address: str
    phone: str
    access: str
    note: str
    latitude: float
    longitude: float


class DemoResponder(msgspec.Struct, frozen=True):
    """Somebody of an area who may be asked to go; `kind` and `helps` as a registry has them."""

    id: str
    area: str
    kind: str
    name: str
    phone: str
    helps: tuple[str, ...]
    hours: tuple[str, ...]
    latitude: float
    longitude: float


class DemoPerson(msgspec.Struct, frozen=True):
    """`role` is `resident`, `family`, `neighbour` or `grid_worker`; contacts are rung in `order`, lowest first."""

    id: str
    home: str
    role: str
    name: str
    phone: str
    order: int = 0
    birth_year: int | None = None
    medical: str = ""
    speech: str = ""
    note: str = ""


class DemoDevice(msgspec.Struct, frozen=True):
    """`slot` says which one of its home it is, and ends its id: `home-0001-cord-bed`."""

    id: str
    home: str
    model: str
    room: str
    slot: str


class Community(msgspec.Struct, frozen=True):
    """Areas come after their parents; homes, devices and people in the order of the homes."""

    areas: tuple[DemoArea, ...]
    homes: tuple[DemoHome, ...]
    devices: tuple[DemoDevice, ...]
    people: tuple[DemoPerson, ...]
    responders: tuple[DemoResponder, ...]


class _Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    name: str


class _Street(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    name: str
    communities: tuple[_Place, ...]


class _Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    surnames: tuple[str, ...]
    elder_women: tuple[str, ...]
    elder_men: tuple[str, ...]
    younger_women: tuple[str, ...]
    younger_men: tuple[str, ...]


class _Ground(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Its south-western corner in degrees of WGS 84, and distances in metres."""

    latitude: float
    longitude: float
    community_m: float
    building_m: float

    def at(self, community: int, building: int) -> tuple[float, float]:
        """Where a building of the n-th community stands; building 0 is where the community begins."""
        row, column = divmod(community, COMMUNITIES_AT_ONCE)
        back, along = divmod(building, BUILDINGS_IN_A_ROW)
        north, east = row * self.community_m + back * self.building_m, column * self.community_m + along * self.building_m
        latitude = self.latitude + north / METRES_A_DEGREE
        return round(latitude, 6), round(self.longitude + east / (METRES_A_DEGREE * cos(radians(self.latitude))), 6)


class _Responder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    level: str
    name: str
    helps: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()


class _Homes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    buildings: int
    stairs: int
    floors: int
    access: tuple[str, ...]
    notes: tuple[str, ...]


class _Residents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    born_from: int
    born_to: int
    medical: tuple[str, ...]
    speech: tuple[str, ...]


class _Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    relation: str
    role: str
    woman: bool
    chance: int


class _Contacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kinds: tuple[_Contact, ...]


class _Kit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    slot: str
    model: str
    room: str


class _Demo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    city: _Place
    county: _Place
    streets: tuple[_Street, ...]
    ground: _Ground
    responders: tuple[_Responder, ...]
    names: _Names
    homes: _Homes
    residents: _Residents
    contacts: _Contacts
    kit: tuple[_Kit, ...]


@cache
def _demo() -> _Demo:
    text = (Path(__file__).parent / "demo.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Demo)


def community(homes: int, seed: int) -> Community:
    """So many homes, `home-0001` and on, with their areas, devices and people; the same for the same seed."""
    demo = _demo()
    made = [_home(demo, number, seed) for number in range(1, homes + 1)]
    return Community(
        areas=_areas(demo, {home.area for home, _, _ in made}),
        homes=tuple(home for home, _, _ in made),
        devices=tuple(device for _, devices, _ in made for device in devices),
        people=tuple(person for _, _, people in made for person in people),
        responders=tuple(_responders(demo, {home.area for home, _, _ in made})),
    )


def _responders(demo: _Demo, lived_in: set[str]) -> Iterator[DemoResponder]:
    """Each stands where the first community of its area that somebody lives in begins."""
    begins = [area for area, _, _ in _communities(demo)]
    for number, kind in enumerate(demo.responders):
        for area in sorted({area[: LEVELS[kind.level]] for area in lived_in}):
            latitude, longitude = demo.ground.at(min(n for n, id_ in enumerate(begins) if id_.startswith(area) and id_ in lived_in), 0)
            yield DemoResponder(
                f"{kind.kind}-{area}".replace("_", "-"), area, kind.kind, kind.name, f"000-{area[6:]:0<6}-{8000 + number}",
                kind.helps, kind.hours, latitude, longitude,
            )  # fmt: skip


def _communities(demo: _Demo) -> list[tuple[str, str, str]]:
    """(id, name, street's name) of every community; the streets take turns, so that the first few lie in different ones."""
    return [
        (f"{demo.county.code}{street.code}{place.code}", place.name, street.name)
        for places in zip(*([(street, place) for place in street.communities] for street in demo.streets), strict=True)
        for street, place in places
    ]


def _areas(demo: _Demo, lived_in: set[str]) -> tuple[DemoArea, ...]:
    """City and county, and of the rest what somebody lives in."""
    areas = [DemoArea(demo.city.code, demo.city.name, None), DemoArea(demo.county.code, demo.county.name, demo.city.code)]
    for street in demo.streets:
        street_id = f"{demo.county.code}{street.code}"
        inside = [
            DemoArea(f"{street_id}{place.code}", place.name, street_id)
            for place in street.communities
            if f"{street_id}{place.code}" in lived_in
        ]
        if inside:
            areas += [DemoArea(street_id, street.name, demo.county.code), *inside]
    return tuple(areas)


def _home(demo: _Demo, number: int, seed: int) -> tuple[DemoHome, tuple[DemoDevice, ...], tuple[DemoPerson, ...]]:
    chance = Random(f"{seed}:home:{number}")  # noqa: S311 - a story, not a secret
    communities = _communities(demo)
    turn = ((number - 1) % COMMUNITIES_AT_ONCE + COMMUNITIES_AT_ONCE * ((number - 1) // HOMES_TO_A_GROUP)) % len(communities)
    area, community_name, street_name = communities[turn]
    building, stair = chance.randint(1, demo.homes.buildings), chance.randint(1, demo.homes.stairs)
    floor = chance.randint(1, demo.homes.floors)
    flat = 100 * floor + chance.randint(1, 2)
    home_id = f"home-{number:04d}"
    latitude, longitude = demo.ground.at(turn, building)
    home = DemoHome(
        id=home_id,
        area=area,
        name=f"{building} 栋 {stair} 单元 {flat}",
        address=f"{demo.county.name}{street_name}{community_name} {building} 栋 {stair} 单元 {flat} 室",
        phone=_phone(number, 0),
        access=f"{floor} 楼，{chance.choice(demo.homes.access)}",
        note=chance.choice(demo.homes.notes),
        latitude=latitude,
        longitude=longitude,
    )
    devices = tuple(DemoDevice(f"{home_id}-{kit.slot}", home_id, kit.model, kit.room, kit.slot) for kit in demo.kit)
    return home, devices, _people(demo, home_id, number, chance)


def _people(demo: _Demo, home: str, number: int, chance: Random) -> tuple[DemoPerson, ...]:
    woman = chance.random() < 0.6
    surname = chance.choice(demo.names.surnames)
    resident = DemoPerson(
        id=f"{home}-resident",
        home=home,
        role="resident",
        name=surname + chance.choice(demo.names.elder_women if woman else demo.names.elder_men),
        phone=_phone(number, 1),
        birth_year=chance.randint(demo.residents.born_from, demo.residents.born_to),
        medical=chance.choice(demo.residents.medical),
        speech=chance.choice(demo.residents.speech),
    )
    people = [resident]
    for kind in demo.contacts.kinds:
        # Every die is thrown, whoever is then left out: one home's contacts never depend on the chance of another kind.
        has_one = chance.randrange(100) < kind.chance
        # Children carry the father's name: a son that of an old man, a daughter of an old woman mostly another one.
        family_name = surname if kind.role == "family" and not woman else chance.choice(demo.names.surnames)
        given = chance.choice(demo.names.younger_women if kind.woman else demo.names.younger_men)
        if has_one:
            order = len(people)
            people.append(
                DemoPerson(
                    f"{home}-contact-{order}", home, kind.role, family_name + given, _phone(number, 1 + order), order, note=kind.relation,
                ),
            )
    return tuple(people)


def _phone(number: int, which: int) -> str:
    """000-0001-0002: home 1, its third number. No Chinese number begins with 000."""
    return f"000-{number // 1000:04d}-{number % 1000:03d}{which}"
