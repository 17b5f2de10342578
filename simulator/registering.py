"""The homes of a scenario on a platform that has never heard of them: areas, homes, kits, a credential for each hub, by the API."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from http import HTTPStatus

import httpx
import msgspec

from config.community import community
from simulator.device import Kind, kind_of
from simulator.home import HomeRecord
from simulator.registry import PlatformError, ask, demo_homes

AT_ONCE = 8
"""Requests under way at a time: the platform takes a registry's changes one by one, between its alarms."""

Registered = tuple[tuple[HomeRecord, ...], dict[str, tuple[str, str]]]
Progress = Callable[[int, int], None]


class _Credential(msgspec.Struct, frozen=True):
    username: str
    password: str


class _Home(msgspec.Struct, frozen=True):
    id: str
    area: str


class _Session(msgspec.Struct, frozen=True):
    token: str


async def log_in(client: httpx.AsyncClient, user: str) -> str:
    """A token of `name:password`. PlatformError."""
    name, _, password = user.partition(":")
    answer = await _send(client, "session", {"username": name, "password": password})
    return msgspec.json.decode(answer, type=_Session).token


async def register(client: httpx.AsyncClient, number: int, seed: int, kit: tuple[str, ...], progress: Progress) -> Registered:
    """Homes as the simulator furnishes them, and user and password of each hub. What is there already stays as it is.

    PlatformError where the platform refuses, or where a home of that id is somebody else's.
    """
    made = community(number, seed)
    records = demo_homes(number, seed, kit)
    for area in made.areas:
        await _send(client, "areas", {"id": area.id, "name": area.name} | ({"parent": area.parent} if area.parent else {}), exists=True)
    named = {home.id: home for home in made.homes}
    logins: dict[str, tuple[str, str]] = {}

    async def one(record: HomeRecord) -> None:
        home = named[record.id]
        body: dict[str, str | float] = {
            "id": home.id, "area": home.area, "name": home.name, "address": home.address, "phone": home.phone,
            "latitude": home.latitude, "longitude": home.longitude,
        }  # fmt: skip
        if await _send(client, "homes", body, exists=True) == b"" and (await ask(client, f"homes/{home.id}", {}, _Home)).area != home.area:
            raise PlatformError(f"{home.id}: the platform has another home of that id, in another area; nothing was changed in it")
        for device in record.devices:
            body = {"id": device.id, "home": home.id, "model": device.model, "room": device.room}
            await _send(client, "devices", body, exists=True)
        hub = next((device.id for device in record.devices if kind_of(device.model) is Kind.HUB), None)
        if hub is not None:
            given = msgspec.json.decode(await _send(client, f"devices/{hub}/credentials", {}), type=_Credential)
            logins[home.id] = given.username, given.password
        progress(len(logins), len(records))

    await _few_at_a_time(one(record) for record in records)
    return records, logins


async def _few_at_a_time(works: Iterable[Coroutine[None, None, None]]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(work: Coroutine[None, None, None]) -> None:
        async with gate:
            await work

    tasks = [asyncio.ensure_future(one(work)) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send(client: httpx.AsyncClient, what: str, body: Mapping[str, str | float], *, exists: bool = False) -> bytes:
    """`POST`; empty where it `exists` already and that is all right."""
    try:
        answer = await client.post(f"/api/v1/{what}", json=body)
    except httpx.HTTPError as problem:
        raise PlatformError(f"{client.base_url}: {problem or type(problem).__name__}") from None
    if exists and answer.status_code == HTTPStatus.CONFLICT:
        return b""
    if answer.is_error:
        raise PlatformError(f"/api/v1/{what}: the platform answered {answer.status_code}: {answer.text[:200]}")
    return answer.content
