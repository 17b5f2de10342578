"""The operators' stream, as a console hears it: the calls that come out, and whether it runs. It connects again and again by itself."""

import asyncio
from collections.abc import Callable

import httpx
import msgspec

SILENT_S = 12.0
"""A beat comes every five seconds."""
AGAIN_S = 1.0


class _Report(msgspec.Struct):
    report: str = ""


class _Alert(msgspec.Struct):
    """What is read of an alert's event."""

    status: str
    stored: bool = True
    evidence: list[_Report] = []


class Listener:
    """`shown` is called with the id of each report that has come out, on disk; `up` says whether the stream runs, else why not."""

    def __init__(self, url: str, shown: Callable[[str], None], up: Callable[[bool, str], None]) -> None:
        self._url = url
        self._shown = shown
        self._up = up

    async def run(self, token: Callable[[], str]) -> None:
        """Until it is cancelled. `token` is asked for at each attempt."""
        async with httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(SILENT_S, connect=5.0)) as client:
            while True:
                try:
                    why = await self._hear(client, token())
                except (httpx.HTTPError, httpx.StreamError) as problem:
                    why = f"{type(problem).__name__}: {problem}".rstrip(": ")
                self._up(False, why)
                await asyncio.sleep(AGAIN_S)

    async def _hear(self, client: httpx.AsyncClient, token: str) -> str:
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        async with client.stream("GET", self._url, params={"origin": "synthetic"}, headers=headers) as response:
            if response.status_code != 200:
                return f"HTTP {response.status_code}"
            event, data = "", ""
            async for line in response.aiter_lines():
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:"):
                    data = line[5:].strip()
                elif not line:
                    self._take(event, data)
                    event, data = "", ""
        return "it was ended"

    def _take(self, event: str, data: str) -> None:
        self._up(True, "")
        if event != "alert":
            return
        try:
            alert = msgspec.json.decode(data, type=_Alert)
        except msgspec.MsgspecError as problem:
            self._up(False, f"an event that cannot be read: {problem}")
            return
        if alert.stored:
            for evidence in alert.evidence:
                self._shown(evidence.report)
