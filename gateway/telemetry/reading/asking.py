"""What is asked, in the milliseconds that stores keep; and the asking, whose every failure is `ChartsAway`."""

import threading
from collections.abc import Mapping
from datetime import timedelta

import httpx
import msgspec

from alerting.facts import Sentence
from gateway.outside_stores import Store
from gateway.store.history import Aggregate, ChartsAway, Question
from gateway.store.segments import micros
from gateway.telemetry.verdict import reason_of
from gateway.telemetry.writers import open_client

ANSWER_S = 5.0
"""Somebody is looking at an empty chart meanwhile."""
LATEST_MS = 9_223_372_036_854
"""What InfluxDB's 64 bits of nanoseconds reach to, in 2262."""


class Span(msgspec.Struct, frozen=True):
    """From `low` until before `high`, Unix milliseconds; `step` 0: every reading. One more than the limit is wanted: the next cursor."""

    low: int
    high: int
    step: int
    kind: Aggregate
    most: int

    @classmethod
    def of(cls, question: Question) -> "Span":
        every = question.every
        low = micros(question.start) if question.cursor is None else int(question.cursor)
        return cls(
            low=min(max(low // 1000, 0), LATEST_MS),
            high=min(max(-(-micros(question.end) // 1000), 0), LATEST_MS),
            step=0 if every is None else max(every // timedelta(milliseconds=1), 1),
            kind=Aggregate.LAST if every is None else question.aggregate,
            most=question.limit + 1,
        )


class Asked:
    """A store's client, opened with the first question; for any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def ask(self, method: str, path: str, *, query: Mapping[str, str], body: str | None = None, kind: str = "") -> bytes:
        """What it answers with 200."""
        try:
            with self._lock:
                client = self._client = self._client or open_client(self._store)
            headers = {"Content-Type": kind} if kind else {}
            answer = client.request(method, path, params=query, content=body, headers=headers, timeout=ANSWER_S)
        except (httpx.HTTPError, ValueError) as problem:
            raise self.away(" ".join(str(problem).split()) or type(problem).__name__) from problem
        if answer.status_code != 200:
            raise self.away(f"{answer.status_code}: {reason_of(answer.content)}")
        return answer.content

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def away(self, reason: str) -> ChartsAway:
        name, reason = self._store.name, reason[:300]
        return ChartsAway(Sentence(f"时序库 {name} 读不出来：{reason}", f"the store {name!r} cannot be read: {reason}"))
