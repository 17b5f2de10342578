"""What every provider that reaches telephone numbers has in common: whom it rings, its callback's key, reports that are asked for."""

from abc import ABC, abstractmethod
from typing import Protocol

from alerting.terms import NotificationId
from gateway.notify.callback import Heard, Report, opened
from gateway.notify.numbers import Numbers
from gateway.notify.pulling import Awaited, Look, Mailbox
from gateway.notify.record import Means, Phones, phones, revealed
from gateway.reaching import Callback


class Reachable(Protocol):
    """A provider's interface, without what is asked of it."""

    async def reach(self) -> str: ...

    async def close(self) -> None: ...


class PhoneSettings(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def to(self) -> Phones: ...

    @property
    def callback_key(self) -> str: ...


class Phone(ABC):
    """One message or call to each number. `_entries` reads a callback whose key is right; `look` asks about one, if it may."""

    def __init__(self, settings: PhoneSettings, provider: Reachable, means: Means, *, look: Look | None = None) -> None:
        self.name = settings.name
        self._numbers = Numbers(phones("to", settings.to))
        self._zone = means.zone
        self._wall = means.wall
        self._provider = provider
        self._key = revealed("callback_key", settings.callback_key, means) if settings.callback_key else ""
        self._mailbox = Mailbox(look) if look is not None else None

    @abstractmethod
    def _entries(self, body: bytes) -> Heard: ...

    def _await(self, notification: NotificationId, id_: str, number: str) -> None:
        if self._mailbox is not None:
            self._mailbox.put(Awaited(notification, id_, number))

    def heard(self, callback: Callback) -> Heard:
        return opened(self._key, callback) or self._entries(callback.body)

    async def pull(self) -> list[Report]:
        return await self._mailbox.pull() if self._mailbox is not None else []

    async def reach(self) -> str:
        return await self._provider.reach()

    async def close(self) -> None:
        await self._provider.close()
