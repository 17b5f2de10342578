"""The live stream: server-sent events to every console, each encoded once, resumed from any position that is still kept.

An event's id is the position (`position.py`) of the alert's latest fact in the journal, so it grows, is the same after a restart, and a
console that comes back with it (`Last-Event-ID`) gets exactly what came after: from the ring in memory, or from `views.db` behind it. A
commit that moves an alert several times makes one event. What is shown without being on disk has no number: it is sent with the present
position, and again whenever a console comes back.
A console that does not read is cut off at a bound and resumes; it costs the others nothing.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable, Sequence
from time import monotonic

from fastapi import Response
from starlette.types import Receive, Scope, Send

from gateway.web.auth import Identity
from gateway.web.condition import Condition
from gateway.web.lines import Line, framed
from gateway.web.position import Positions
from gateway.web.users import Users
from gateway.web.viewrows import Event
from gateway.web.views import Views

BEAT_S = 5.0
RING_EVENTS, RING_BYTES = 4096, 16 * 1024 * 1024
RESUMED_MOST = 5000
"""Events; a console that missed more is faster off loading the queue anew."""
QUEUE_BYTES = 2 * 1024 * 1024
PIECE_BYTES = 128 * 1024
BREATH_S, CALL_BREATH_S = 0.0001, 0.00002
"""For each console, between two writes to all of them: two hundred consoles and a storm of alerts get fifty pieces a second, which is a
tenth of the time of the process that serves them; a single alert goes out at once, however many there are. What a call has to tell
waits a fifth as long, and takes with it whatever has gathered.
"""
CLOSING_S = 0.5
STARTING_S = 3.0

RESET = b"event: reset\ndata: {}\n\n"


def encode(kind: str, position: int, data: bytes) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (position, kind.encode(), data)


class Console:
    """One connection: what it is still to be sent, and whether it is over. What nothing stands before is written to its line at once."""

    def __init__(self, who: Identity, origin: str, line: Line | None = None) -> None:
        self.who = who
        self.origin = origin
        self.over = asyncio.Event()
        self.cut = False
        self._line = line
        self._idle = False
        """Whether whoever takes has sent all that it took, and waits for more."""
        self._queue: deque[bytes] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()

    def put(self, body: bytes, chunk: bytes | None = None) -> None:
        """`chunk`: the same, framed, where it goes to many. Whose stream is over is told nothing more."""
        if self.over.is_set():
            return
        if self._idle and self._line is not None and self._line.write(framed(body) if chunk is None else chunk):
            return
        self._idle = False
        self._queue.append(body)
        self._bytes += len(body)
        self._wake.set()
        if self._bytes > QUEUE_BYTES:
            self.cut = True
            self._queue.clear()
            self.over.set()

    def begin(self, first: Sequence[bytes]) -> None:
        """What it missed goes before what has come since. Those bodies are shared by all consoles, so no bound counts them."""
        self._queue.extendleft(reversed(first))
        self._bytes -= sum(map(len, first))
        self._wake.set()

    async def take(self) -> bytes:
        """A good piece of what waits; waits for the first."""
        while not self._queue:
            self._idle = True
            self._wake.clear()
            await self._wake.wait()
        pieces, size = [], 0
        while self._queue and size < PIECE_BYTES:
            pieces.append(self._queue.popleft())
            size += len(pieces[-1])
        self._bytes -= size
        return b"".join(pieces)


class Hub:
    """All consoles, and the latest events for those that come back."""

    def __init__(self, views: Views, condition: Condition, users: Users, positions: Positions) -> None:
        self.consoles: set[Console] = set()
        self.cut = 0
        """Consoles that were cut off because they did not read."""
        self.positions = positions
        self._views = views
        self._condition = condition
        self._users = users
        self._ring: deque[Event] = deque()
        self._ring_bytes = 0
        self._floor = 0
        self._closed = False
        self._gathered: dict[str, list[bytes]] = {}
        """By origin, what goes out with the next write."""
        self._sent_at = 0.0
        self._due: asyncio.TimerHandle | None = None
        self._unstored: tuple[tuple[str, bytes], ...] = ()
        self._shown: tuple[object, ...] = ()

    def load(self, events: Sequence[Event], floor: int, position: int) -> None:
        """What `views.db` held at the start; every event past the ring's floor is in the ring."""
        self._floor = floor if events and events[0].seq > floor and len(events) < RING_EVENTS else (events[0].seq if events else position)
        for event in events:
            if event.seq > self._floor:
                self._keep(event)

    def forget(self, before: int) -> None:
        """What the journal said up to this number nobody can know any more."""
        self._ring.clear()
        self._ring_bytes = 0
        self._floor = before

    def _keep(self, event: Event) -> None:
        self._ring.append(event)
        self._ring_bytes += len(event.body)
        while len(self._ring) > RING_EVENTS or self._ring_bytes > RING_BYTES:
            dropped = self._ring.popleft()
            self._ring_bytes -= len(dropped.body)
            self._floor = dropped.seq

    @property
    def here(self) -> int:
        """The present position."""
        return self.positions.of(self._views.position)

    # --- what goes out -------------------------------------------------------------------------------------------------------

    def publish(self, events: Iterable[Event], *, call: bool = False) -> None:
        """`call`: one of them tells of a new call or hazard under the safety floor."""
        for event in events:
            self._keep(event)
            self._gather(event.origin, event.body)
        self._send(call=call)

    def publish_unstored(self, alerts: Sequence[tuple[str, bytes]], *, gone: bool) -> None:
        """(origin, JSON) of every alert that is shown without being on disk; `gone`: one of them went away and never came to be."""
        before, self._unstored = set(self._unstored), tuple(alerts)
        if gone:
            self._flush()
            for console in list(self.consoles):
                console.put(RESET)
        for origin, data in self._unstored:
            if gone or (origin, data) not in before:
                self._gather(origin, encode("alert", self.here, data))
        self._send(call=True)

    def _gather(self, origin: str, body: bytes) -> None:
        self._gathered.setdefault(origin, []).append(body)

    def _send(self, *, call: bool) -> None:
        """What has gathered, now or as soon as it is due."""
        if not self._gathered or (self._due is not None and not call):
            return
        wait = self._sent_at + len(self.consoles) * (CALL_BREATH_S if call else BREATH_S) - monotonic()
        if wait <= 0:
            self._flush()
            return
        if self._due is not None:
            self._due.cancel()
        self._due = asyncio.get_running_loop().call_later(wait, self._flush)

    def _flush(self) -> None:
        """One write for each console, whatever has gathered."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        gathered, self._gathered = self._gathered, {}
        for origin, bodies in gathered.items():
            body = b"".join(bodies)
            chunk = framed(body)
            for console in list(self.consoles):
                if console.origin == origin:
                    console.put(body, chunk)
        self._sent_at = monotonic()

    def beat(self) -> bytes:
        return encode("beat", self.here, self._condition.beat().model_dump_json().encode())

    def send_beat(self) -> None:
        self.dismiss()
        self._flush()
        body = self.beat()
        chunk = framed(body)
        for console in list(self.consoles):
            console.put(body, chunk)

    def dismiss(self) -> None:
        """End the streams of sessions that are over."""
        for console in list(self.consoles):
            if not self._users.alive(console.who.session):
                console.over.set()

    def changed(self) -> None:
        """Beat at once when what the page must say has changed: the alarm process came or went, something is wrong or mended."""
        beat = self._condition.beat()
        shown = (beat.alarm_process, beat.ready, *(problem.zh for problem in beat.problems))
        if shown != self._shown:
            self._shown = shown
            self.send_beat()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + BEAT_S
        while not self._closed:
            await asyncio.sleep(min(1.0, max(due - loop.time(), 0)))
            self.changed()
            if loop.time() >= due:
                due += BEAT_S
                self.send_beat()

    # --- who comes and goes --------------------------------------------------------------------------------------------------

    async def join(self, console: Console, last_event_id: str) -> None:
        """Put what the console missed before what comes from now on; `reset` where that is no longer known."""
        after = self.positions.number(last_event_id)
        if after is not None and not self._condition.caught_up:
            await self._views.reached(after, STARTING_S)  # just after a start the view is still on its way there
        self._flush()  # the others' events of before, which this one finds among what it missed
        self.consoles.add(console)  # what is published from here on waits in its queue
        first: list[bytes] = []
        if last_event_id:
            missed = await self._missed(last_event_id, console.origin)
            first.extend([RESET] if missed is None else missed)
        console.begin(first)
        for origin, data in self._unstored:
            if origin == console.origin:
                console.put(encode("alert", self.here, data))
        console.put(self.beat())
        if self._closed:
            console.over.set()

    async def _missed(self, last_event_id: str, origin: str) -> list[bytes] | None:
        """Every event past the position; None when they are not all known, or more than is worth sending."""
        ring, floor = list(self._ring), self._floor
        after = self.positions.number(last_event_id)
        if after is None or after > self._views.position:
            return None
        events: list[Event] = []
        if after < floor:
            if self._views.store.written < floor:
                return None
            known_from, events = await asyncio.to_thread(self._views.store.events, after, RESUMED_MOST + 1)
            if after < known_from:
                return None
            events = [event for event in events if event.seq <= floor]
        events += [event for event in ring if event.seq > after]
        if len(events) > RESUMED_MOST:
            return None
        return [event.body for event in events if event.origin == origin]

    def leave(self, console: Console) -> None:
        self.consoles.discard(console)
        self.cut += console.cut

    def close(self) -> None:
        """The service stops: let every console go, now."""
        self._closed = True
        self._flush()
        for console in list(self.consoles):
            console.over.set()


class EventStream(Response):
    """Sends a console what its queue holds until it goes, is cut off, or the service stops."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, console: Console, last_event_id: str) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub = hub
        self._console = console
        self._last_event_id = last_event_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the interface of ASGI
        console = self._console
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        tasks = [
            asyncio.create_task(self._pump(send)),
            asyncio.create_task(self._gone(receive)),
            asyncio.create_task(console.over.wait()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(console)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, OSError):
                raise result
        if tasks[1] not in done:
            with contextlib.suppress(TimeoutError, OSError):
                async with asyncio.timeout(CLOSING_S):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pump(self, send: Send) -> None:
        await self._hub.join(self._console, self._last_event_id)
        while True:
            await send({"type": "http.response.body", "body": await self._console.take(), "more_body": True})

    @staticmethod
    async def _gone(receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
