"""What is asked, in the milliseconds that stores keep; and the asking, whose every failure is `ChartsAway`."""

import threading
from collections.abc import Mapping
from datetime import timedelta

import httpx
import msgspec

from alerting.terms import Sentence
from gateway.outside_stores import Store
from gateway.store.history import Aggregate, ChartsAway, Question
from gateway.store.segments import micros
from gateway.telemetry.verdict import reason_of
from gateway.telemetry.writers import open_client

MILLISECOND = timedelta(milliseconds=1)
ANSWER_S = 5.0
"""Somebody is looking at an empty chart meanwhile."""
LATEST_MS = 9_223_372_036_854
"""What InfluxDB's 64 bits of nanoseconds reach to, in 2262."""


class Span(msgspec.Struct, frozen=True):
    """From `low` until before `high`, Unix milliseconds; `step` 0: every reading. One more than the limit is wanted: the next cursor.

    A step begins `shift` before a multiple of its length, less than one step.
    """

    low: int
    high: int
    step: int
    kind: Aggregate
    most: int
    shift: int = 0

    @property
    def offset(self) -> int:
        """The same, as stores have it: by how much a step begins after a multiple of its length."""
        return self.step - self.shift if self.shift else 0

    def beginning(self, at: int) -> int:
        """Of the step in which a moment lies; the moment itself where there are no steps."""
        return at - (at + self.shift) % self.step if self.step else at

    @classmethod
    def of(cls, question: Question) -> "Span":
        every = question.every
        low = micros(question.start) if question.cursor is None else int(question.cursor)
        step = 0 if every is None else max(every // MILLISECOND, 1)
        return cls(
            low=min(max(low // 1000, 0), LATEST_MS),
            high=min(max(-(-micros(question.end) // 1000), 0), LATEST_MS),
            step=step,
            kind=Aggregate.LAST if every is None else question.aggregate,
            most=question.limit + 1,
            shift=question.ahead // MILLISECOND % step if step else 0,
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
