"""Channels made from the words of a settings file, sent through once, and what came of it."""

import asyncio
import tomllib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from alerting.terms import Category
from gateway.notify.channel import Channel, Notice, NotifyError, Recipient, Sent
from gateway.notify.record import Means
from gateway.notify.settings import NotifyFile
from tests.notices import Behaviour, Receiver, notice, receiver

WALL = datetime(2026, 11, 22, 2, 0, 1, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
MEANS = Means(Path("/nonexistent"), lambda: WALL, ZONE, {})


def made(text: str, means: Means = MEANS) -> Channel:
    """The one channel of this piece of a file."""
    file = msgspec.convert(tomllib.loads(text), NotifyFile)
    ((_, record),) = file.records
    return record.make(means)


def told(notice_: Notice | None = None, **more: Any) -> Notice:
    return msgspec.structs.replace(notice_ or notice(), **{"code": "abcdefghijklmnop", "answer": "https://anju.example.org/r/abcd", **more})


def to_somebody(phone: str = "139-0000-0034", **more: Any) -> Notice:
    return told(recipient=Recipient("沈小梅", phone), **more)


def calm(**more: Any) -> Notice:
    """Nothing under the safety floor."""
    return told(notice("n-calm", Category.TECHNICAL), **more)


async def sent(channel: Channel, said: Notice | None = None) -> Sent | NotifyError:
    try:
        return await channel.send(said or told())
    except NotifyError as error:
        return error


def through(text: str, behaviour: Behaviour, said: Notice | None = None) -> tuple[Sent | NotifyError, Receiver]:
    """One attempt against a receiver; `{url}` in the text is its address."""

    async def story() -> tuple[Sent | NotifyError, Receiver]:
        async with receiver(behaviour) as heard:
            channel = made(text.replace("{url}", f"http://127.0.0.1:{heard.port}"))
            try:
                return await sent(channel, said), heard
            finally:
                await channel.close()

    return asyncio.run(story())


def with_channel(text: str, behaviour: Behaviour, story: Callable[[Channel, Receiver], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with receiver(behaviour) as heard:
            channel = made(text.replace("{url}", f"http://127.0.0.1:{heard.port}"))
            try:
                await story(channel, heard)
            finally:
                await channel.close()

    asyncio.run(whole())
