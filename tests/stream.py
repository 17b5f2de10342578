"""A console of the tests' own: follows `GET /stream` on a thread and notes every event with the moment it came."""

import json
import threading
from time import monotonic
from typing import Any

import httpx

from tests.patience import PATIENCE_S


class Stream:
    """`events`: (monotonic second, event, id, data) in order. `close` ends it; `last_id` is where to resume."""

    def __init__(self, client: httpx.Client, last_id: str = "") -> None:
        self.events: list[tuple[float, str, str, Any]] = []
        self.last_id = last_id
        self.opened = threading.Event()
        self._client = client
        self._closing = False
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        assert self.opened.wait(PATIENCE_S), "the stream did not open"

    def _follow(self) -> None:
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        try:
            with self._client.stream("GET", "/stream", headers=headers, timeout=httpx.Timeout(5, read=30)) as answer:
                assert answer.status_code == 200, answer.status_code
                self.opened.set()
                kind, id_, data = "message", "", ""
                for line in answer.iter_lines():
                    if self._closing:
                        return
                    field, _, value = line.partition(":")
                    value = value.removeprefix(" ")
                    if line == "":
                        if data:
                            self.last_id = id_ or self.last_id
                            self.events.append((monotonic(), kind, id_, json.loads(data)))
                        kind, id_, data = "message", "", ""
                    elif field == "event":
                        kind = value
                    elif field == "id":
                        id_ = value
                    elif field == "data":
                        data += value
        except httpx.HTTPError:
            return

    def alerts(self, home: str = "") -> list[dict[str, Any]]:
        return [data for _, kind, _, data in list(self.events) if kind == "alert" and (not home or data["home"] == home)]

    def close(self) -> None:
        self._closing = True
        self._client.close()
