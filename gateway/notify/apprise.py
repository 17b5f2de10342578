"""The long tail by Apprise: whatever its addresses name (ServerChan, Bark, Telegram, Matrix, …). An extra: `pip install apprise`.

It says yes or no and little more, so a no is taken for "not now". It has no idempotence key and no receipts.
"""

import asyncio
import logging
import warnings
from typing import Annotated, Protocol, cast
from zoneinfo import ZoneInfo

import msgspec

from alerting.terms import Priority
from gateway.notify.channel import Notice, NotifyError, Sent
from gateway.notify.letter import subject
from gateway.notify.pace import Paced
from gateway.notify.record import Means, Name, PerMinute, revealed
from gateway.notify.words import chat

TOTAL_S = 20.0
MOST_BYTES = 30_000
"""It cuts texts itself, to what each service takes."""


class AppriseSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`urls` are Apprise's addresses; each holds secrets, and is best `env:NAME` or `file:PATH`."""

    name: Name
    urls: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=20)]
    per_minute: PerMinute = 20

    def make(self, means: Means) -> Paced:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # which old modules it still loads is not for our logs
            outlet = self._outlet(means)
        return Paced(Apprise(self.name, outlet, len(self.urls), means.zone), self.per_minute)

    def _outlet(self, means: Means) -> "Outlet":
        try:
            import apprise  # noqa: PLC0415 - an extra, and half a second to load
        except ImportError as problem:
            raise ValueError("Apprise is not installed: pip install apprise") from problem
        logging.getLogger("apprise").setLevel(logging.ERROR)
        made = apprise.Apprise()
        for index, url in enumerate(self.urls):
            if not made.add(revealed("urls", url, means)):
                raise ValueError(f"urls: the {index + 1}. is no address that Apprise knows")
        return cast("Outlet", made)


class Outlet(Protocol):
    """As much of `apprise.Apprise` as is used."""

    async def async_notify(self, body: str, title: str, notify_type: str) -> object: ...


class Apprise:
    kind = "apprise"

    def __init__(self, name: str, outlet: Outlet, count: int, zone: ZoneInfo) -> None:
        self.name = name
        self._outlet = outlet
        self._count = count
        self._zone = zone

    async def send(self, notice: Notice) -> Sent:
        type_ = "failure" if notice.priority is Priority.LIFE else "warning"
        try:
            async with asyncio.timeout(TOTAL_S):
                went = await self._outlet.async_notify(body=chat(notice, self._zone, MOST_BYTES), title=subject(notice), notify_type=type_)
        except TimeoutError as problem:
            raise NotifyError(f"no end within {TOTAL_S:g} s", transient=True) from problem
        if not went:
            raise NotifyError(f"Apprise could not deliver to every one of {self._count} addresses", transient=True)
        return Sent(f"taken for {self._count} of {self._count}")

    async def reach(self) -> str:
        return f"{self._count} addresses that Apprise knows; whether they work, a test says"

    async def close(self) -> None:
        """It keeps nothing open."""
