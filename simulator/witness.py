"""Who sees the alerts: the platform's live stream where an API is given, else the receipts on the command topics."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable

import httpx
import msgspec

from simulator.home import HomeRecord
from simulator.hub import Hub, Receipt
from simulator.registry import PlatformError
from simulator.score import Sighting
from simulator.wire import Stage

See = Callable[[Sighting], None]
SILENT_S = 20.0
"""The stream beats every 5 s; quiet for so long, it is dead."""


class Evidence(msgspec.Struct, frozen=True):
    device: str = ""
    report: str = ""


class Alert(msgspec.Struct, frozen=True):
    """What the simulator wants of the API's alert."""

    id: str
    category: str
    priority: int
    home: str | None = None
    area: str | None = None
    origin: str = "real"
    repeats: int = 0
    evidence: tuple[Evidence, ...] = ()


class _Queue(msgspec.Struct, frozen=True):
    items: tuple[Alert, ...]
    next: str | None = None


_alert = msgspec.json.Decoder(Alert)
_queue = msgspec.json.Decoder(_Queue)


class Frame(msgspec.Struct, frozen=True):
    """One server-sent event."""

    event: str
    data: str
    id: str


async def frames(lines: AsyncIterator[str]) -> AsyncIterator[Frame]:
    """Server-sent events of a stream of lines (WHATWG HTML, 9.2.6)."""
    event, last_id = "message", ""
    data: list[str] = []
    async for line in lines:
        if not line:
            if data:
                yield Frame(event, "\n".join(data), last_id)
            event, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "event":
                event = value
            case "data":
                data.append(value)
            case "id":
                last_id = value


class StreamWitness:
    """Follows `GET /api/v1/stream`. `homes` are those that are played; `boot` begins the ids of this run's reports."""

    def __init__(self, api: httpx.AsyncClient, *, homes: Iterable[HomeRecord], boot: str, see: See) -> None:
        self.ready = asyncio.Event()
        self._api, self._see, self._boot = api, see, boot
        records = tuple(homes)
        self._homes = frozenset(record.id for record in records)
        self._areas = frozenset(record.area for record in records)
        self._ours = frozenset(device.id for record in records for device in record.devices)
        self._known: dict[str, tuple[int, int]] = {}
        self._position = ""

    async def watch(self) -> None:
        """For ever; a stream that breaks is resumed from its last position, with nothing missed. PlatformError where it never begins."""
        while True:
            try:
                if not self._position:
                    await self._load(announce=self.ready.is_set())
                await self._follow()
            except (httpx.TransportError, httpx.HTTPStatusError) as problem:
                if not self.ready.is_set():
                    raise PlatformError(f"{self._api.base_url}: the live stream: {str(problem).partition(chr(10))[0]}") from None
            except msgspec.DecodeError as problem:
                raise PlatformError(f"{self._api.base_url}: an alert that is not the contract's: {problem}") from None
            await asyncio.sleep(0.3)

    async def _load(self, *, announce: bool) -> None:
        """What is open already was not raised by us; after a gap, whatever is new in the queue was."""
        cursor: str | None = ""
        while cursor is not None:
            query = {"status": "open", "limit": "100"} | ({"cursor": cursor} if cursor else {})
            answer = await self._api.get("/api/v1/alerts", params=query)
            page = _queue.decode(answer.raise_for_status().content)
            for alert in page.items:
                self.take(alert, announce=announce)
            cursor = page.next or None

    async def _follow(self) -> None:
        headers = {"Last-Event-ID": self._position} if self._position else {}
        patience = httpx.Timeout(10.0, read=SILENT_S)
        async with self._api.stream("GET", "/api/v1/stream", headers=headers, timeout=patience) as answer:
            answer.raise_for_status()
            self.ready.set()
            async for frame in frames(answer.aiter_lines()):
                self._position = frame.id or self._position
                if frame.event == "alert":
                    self.take(_alert.decode(frame.data), announce=True)
                elif frame.event == "reset":
                    await self._load(announce=True)

    def take(self, alert: Alert, *, announce: bool) -> None:
        """An alert as it is now. `announce`: it changed while we watched."""
        size = (alert.repeats, len(alert.evidence))
        before = self._known.get(alert.id)
        self._known[alert.id] = size
        ours = alert.home in self._homes or (alert.home is None and any(area.startswith(alert.area or "-") for area in self._areas))
        if not announce or not ours or alert.origin != "real" or not self._is_ours(alert):
            return
        if before is None or size > before:
            area = (alert.area or "") if alert.home is None else ""
            new = before is None
            self._see(Sighting(time.monotonic(), alert.id, alert.home or "", new, alert.category, alert.priority, area=area))

    def _is_ours(self, alert: Alert) -> bool:
        """Whether it may rest on what this run sent, and not only on what somebody else said with the same devices.

        A bridged device's report has an id that the platform makes: it may be ours.
        """
        return not alert.evidence or any(
            each.device not in self._ours or not each.report or each.report.startswith(self._boot) for each in alert.evidence
        )


class ReceiptWitness:
    """Hears the `accepted` receipts of the hubs. Until it is `awake` it only learns what is old news: a broker keeps an earlier run's."""

    def __init__(self, hubs: Iterable[Hub], see: See) -> None:
        self.awake = False
        self._see = see
        self._known: set[str] = set()
        for hub in hubs:
            hub.on_receipt = self._take

    def _take(self, receipt: Receipt) -> None:
        if receipt.stage is Stage.ACCEPTED:
            new = receipt.alert not in self._known
            self._known.add(receipt.alert)
            if self.awake:
                self._see(Sighting(time.monotonic(), receipt.alert, receipt.home, new, device=receipt.device))
