"""The calls and what became of them, as a value without a clock: when the next one is due, whether one got through, what broke.

Instants are seconds of the machine's uptime (suspend included), which nobody can set. What passed without a look does not count against a
call: this process got no time. Where that is longer than the patience, the machine slept: the call that was under way says nothing about
the service, and the next one is made at once.
"""

from enum import Enum

import msgspec

LATE_S = 2.0
"""Between two looks that are a tenth of a second apart."""
AGAIN_S = 1.0
"""After a spoiled call."""


class Step(Enum):
    """How far a call has come, by what the endpoint answered."""

    STARTED = 0
    REACHED = 1
    """The port took the connection."""
    ADMITTED = 2
    SENT = 3
    ACKNOWLEDGED = 4


class Broken(Enum):
    """Where a call was lost, as far as that can be told from outside."""

    ENDPOINT = "endpoint"
    """Nothing takes the connection."""
    REFUSED = "refused"
    """The endpoint does not let it in."""
    LOOP = "loop"
    """The connection is taken, and then nothing is answered."""
    JOURNAL = "journal"
    """It was let in, and its call is not acknowledged: it is not on disk."""
    STREAM = "stream"
    """It is on disk, and the operators' stream does not run."""
    LOST = "lost"
    """It is on disk and the stream runs, and it did not come out."""


class Seen(msgspec.Struct, frozen=True):
    took_s: float


class Missed(msgspec.Struct, frozen=True):
    broken: Broken
    detail: str


class Spoiled(msgspec.Struct, frozen=True):
    """It says nothing."""


Outcome = Seen | Missed | Spoiled


class Call(msgspec.Struct):
    """One call under way; `detail`: what an attempt failed with."""

    id: str
    sent_at: float
    step: Step = Step.STARTED
    refused: bool = False
    detail: str = ""
    published_at: float | None = None
    shown_at: float | None = None


class Rounds:
    """`now` goes in with every question. One call at a time."""

    def __init__(self, every_s: float, patience_s: float, now: float) -> None:
        self._every = every_s
        self._patience = patience_s
        self._next = now + every_s
        self._looked = now
        self.call: Call | None = None
        self.stream_up = False
        self.stream_detail = ""

    def due(self, now: float) -> bool:
        return self.call is None and now >= self._next

    def begin(self, id_: str, now: float) -> Call:
        self._next = max(self._next + self._every, now + self._every / 2)
        self.call = Call(id_, now)
        return self.call

    def shown(self, id_: str, now: float) -> None:
        """It came out on the stream, as a call that is on disk."""
        if self.call is not None and self.call.id == id_ and self.call.shown_at is None:
            self.call.shown_at = now

    def look(self, now: float) -> Outcome | None:
        """What became of the call under way; None while that is open."""
        late, self._looked, call = now - self._looked, now, self.call
        if late > self._patience and late > LATE_S:
            self._next, self.call = now + AGAIN_S, None
            return None if call is None else Spoiled()
        if call is None:
            return None
        if late > LATE_S:
            call.sent_at += late
        if call.shown_at is not None and call.step is Step.ACKNOWLEDGED:
            self.call = None
            return Seen(call.shown_at - (call.sent_at if call.published_at is None else call.published_at))
        if now - call.sent_at < self._patience:
            return None
        self.call = None
        return Missed(self._broken(call), call.detail or ("" if self.stream_up else self.stream_detail))

    def _broken(self, call: Call) -> Broken:
        if call.refused:
            return Broken.REFUSED
        match call.step:
            case Step.STARTED:
                return Broken.ENDPOINT
            case Step.REACHED:
                return Broken.LOOP
            case Step.ADMITTED | Step.SENT:
                return Broken.JOURNAL
            case Step.ACKNOWLEDGED:
                return Broken.LOST if self.stream_up else Broken.STREAM
