"""The homes to animate: those of a platform, asked over its API, or the demo community's where there is only a broker."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec

from config.community import community
from simulator.casting import furnished
from simulator.home import DeviceRecord, HomeRecord

Answer = TypeVar("Answer")


class PlatformError(Exception):
    """The platform cannot be asked, in one line."""


class Login(msgspec.Struct, frozen=True):
    username: str
    password: str


class Endpoints(msgspec.Struct, frozen=True):
    """What `./anju up` writes once it is ready."""

    http: str
    mqtt: str
    token: str
    device: Login


class _Home(msgspec.Struct, frozen=True):
    id: str
    area: str


class _Device(msgspec.Struct, frozen=True):
    id: str
    home: str
    model: str
    room: str | None = None
    lifecycle: str = "registered"


class _Homes(msgspec.Struct, frozen=True):
    items: tuple[_Home, ...]
    next: str | None = None


class _Devices(msgspec.Struct, frozen=True):
    items: tuple[_Device, ...]
    next: str | None = None


def endpoints(path: Path) -> Endpoints | None:
    """None while the platform has not written it, or not all of it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Endpoints)
    except (OSError, msgspec.DecodeError):
        return None


def api(url: str, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url.rstrip("/"), headers={"Authorization": f"Bearer {token}"} if token else {}, timeout=10.0)


async def registered_homes(client: httpx.AsyncClient) -> tuple[HomeRecord, ...]:
    """Every home of the platform with its registered devices, by id. PlatformError where it does not answer."""
    homes: list[_Home] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await ask(client, "homes", _page(cursor), _Homes)
        homes += page.items
        cursor = page.next or None
    devices: dict[str, list[DeviceRecord]] = defaultdict(list)
    cursor = ""
    while cursor is not None:
        found = await ask(client, "devices", _page(cursor), _Devices)
        for device in found.items:
            if device.lifecycle == "registered":
                devices[device.home].append(DeviceRecord(device.id, device.model, device.room or ""))
        cursor = found.next or None
    return tuple(HomeRecord(home.id, home.area, tuple(devices[home.id])) for home in sorted(homes, key=lambda each: each.id))


def demo_homes(number: int, seed: int, kit: tuple[str, ...] = ()) -> tuple[HomeRecord, ...]:
    """The demo community's homes, with that kit instead of their own where one is given."""
    made = community(number, seed)
    devices: dict[str, list[DeviceRecord]] = defaultdict(list)
    for device in made.devices:
        devices[device.home].append(DeviceRecord(device.id, device.model, device.room))
    return tuple(furnished(HomeRecord(home.id, home.area, tuple(devices[home.id])), kit) for home in made.homes)


async def ask(client: httpx.AsyncClient, what: str, query: Mapping[str, str], wanted: type[Answer]) -> Answer:
    """`GET /api/v1/{what}` as the type wanted. PlatformError where it does not come."""
    try:
        answer = await client.get(f"/api/v1/{what}", params=query)
        return msgspec.json.decode(answer.raise_for_status().content, type=wanted)
    except httpx.HTTPStatusError as problem:
        raise PlatformError(f"{problem.request.url.path}: the platform answered {problem.response.status_code}") from None
    except httpx.HTTPError as problem:
        raise PlatformError(f"{client.base_url}: {problem or type(problem).__name__}") from None
    except msgspec.DecodeError as problem:
        raise PlatformError(f"{client.base_url}: an answer that is not the contract's: {problem}") from None


def _page(cursor: str) -> dict[str, str]:
    return {"limit": "100"} | ({"cursor": cursor} if cursor else {})
