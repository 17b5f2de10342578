"""The local sockets between our processes: to the alarm process commands one way, commits and health the other.

Frames are a four-byte length and a msgpack body. A command is answered after its commit. A follower that connects is told of every
commit from then on, as the journal's own bytes; what it missed before it reads from the journal itself. The telemetry process has a
socket of the same kind, on which it says how far its followers are.
"""

import asyncio
import contextlib
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from alerting.commands import Asked
from alerting.facts import Fact
from alerting.refusals import Exists, IllegalTransition, Unknown
from alerting.standing import Standing
from alerting.terms import Sentence
from devices.home import HomeId
from gateway.reaching import Grant, Granted, Wish, Wished
from gateway.store.entry import Stamp

FRAME_LIMIT = 64 * 1024 * 1024


class Keeper(StrEnum):
    """Who keeps something of the journal for itself; retention waits for each of them, also for one that is away."""

    DESK = "desk"
    TELEMETRY = "telemetry"


class Follow(msgspec.Struct, tag="follow"):
    """Asks for everything below, from now on; without `commits`, for health alone."""

    commits: bool = True


class Ask(msgspec.Struct, tag="ask"):
    id: int
    asked: Asked


class Inquire(msgspec.Struct, tag="inquire"):
    """Asks how every rule stands for a home, at this moment; nothing changes."""

    id: int
    home: HomeId


class Stands(msgspec.Struct, tag="stands"):
    """The answer. `at`: service time; None where there is no such home."""

    id: int
    at: datetime | None = None
    standings: tuple[Standing, ...] = ()


class Kept(msgspec.Struct, tag="kept"):
    """What a keeper has of the journal is on disk up to here: for its part retention may take the files before it."""

    keeper: Keeper
    seq: int


class Hurry(msgspec.Struct, tag="hurry"):
    """Somebody looks at a chart: what gathers is to be written at once."""


class Answered(msgspec.Struct, tag="answered"):
    """`seq` is the last sequence number of the commit; with an error nothing was committed.

    `repeated`: the key had been answered before, nothing was done again.
    """

    id: int
    seq: int = 0
    facts: tuple[Fact, ...] = ()
    error: str = ""
    """`unknown`, `exists`, `illegal`, `unavailable` or empty."""
    sentence: Sentence | None = None
    repeated: bool = False


class Committed(msgspec.Struct, tag="committed"):
    """A commit, as the journal holds it: `gateway.store.entry.decode(body)`."""

    first_seq: int
    count: int
    stamp: Stamp
    body: bytes


class Unstored(msgspec.Struct, tag="unstored"):
    """The disk refuses: calls under the safety floor, shown and rung all the same, acknowledged to nobody.

    The whole list of facts that would be committed; it replaces the one before, and is empty again when all of it is on disk.
    """

    facts: tuple[Fact, ...]


class Deliveries(msgspec.Struct, frozen=True):
    """Of one channel since the start of the alarm process. `sent` and `failed` are ends, `retried` attempts that another one followed."""

    sent: int
    failed: int
    retried: int
    pending: int
    kind: str = ""
    last_success_at: datetime | None = None
    """Of attempts, tests among them; service time."""
    last_failure_at: datetime | None = None
    last_failure: str = ""


class Health(msgspec.Struct, tag="health"):
    """Once a second, and at every change."""

    now: datetime
    """Service time."""
    wall_offset_s: float
    """Wall minus service time, at this moment."""
    seq: int
    ready: bool
    problems: tuple[Sentence, ...]
    connections: int
    waiting_bytes: int
    waiting: int
    reports: int
    """Counters since the start of the alarm process."""
    alarms: int
    quarantined: int
    commits: int
    commit_s: float
    """Seconds spent in commits."""
    cpu_s: float
    rss_bytes: int
    disk_free_bytes: int
    pending_notifications: int
    started_at: datetime
    differences: int = 0
    """Reports that today's code or rules would judge otherwise than was journaled, as the last recovery found."""
    deliveries: dict[str, Deliveries] = {}
    """By channel."""
    failed_jobs: dict[str, str] = {}
    """Calendar work that is owed since it failed, and how."""
    ways: dict[str, int] = {}
    """Kits connected, by their way in."""
    at_the_door: int = 0
    """Connected and not admitted yet."""
    turned_out: int = 0
    """Hung up on before they were admitted, for their slowness or their number."""
    tls_failures: dict[str, int] = {}
    """Kits that did not get in by TLS, by reason."""
    began_seq: int = 0
    """The last number there was when the alarm process started."""
    kept_seq: int = 0
    kept_reports: int = 0
    """Reports on disk since then and up to `kept_seq`, where backups are configured."""
    kept_calls: int = 0
    """Of them, those that carried a call or hazard."""
    certificate_expires_at: datetime | None = None
    reckoned_offset_s: float = 0.0
    """Wall minus service time as the engine knows it: it is told of steps alone, and what it plans has round moments."""


class Followed(msgspec.Struct, frozen=True):
    """One follower of the journal in the telemetry process: the history, or an outside store by its name."""

    name: str
    position: int
    """The journal's number up to which everything is in its store."""
    behind_s: float
    """How old what waits longest for it is, in service time; 0 when nothing waits."""
    points: int
    """Observations written since the start of the process."""
    refused: int
    """Observations that the store refused, all told."""
    problem: Sentence | None = None
    """Why it does not go on, if it does not."""


class TelemetryHealth(msgspec.Struct, tag="telemetry"):
    """Of the telemetry process, on its own socket: once a second, and whenever a follower has got further."""

    followers: tuple[Followed, ...]
    cpu_s: float
    rss_bytes: int
    failed_jobs: dict[str, str] = {}


Frame = Follow | Ask | Inquire | Wished | Stands | Kept | Hurry | Answered | Grant | Committed | Unstored | Health | TelemetryHealth
Push = Committed | Unstored | Health | TelemetryHealth

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Frame)


def pack(frame: Frame) -> bytes:
    body = _encoder.encode(frame)
    return len(body).to_bytes(4, "big") + body


async def unpack(reader: asyncio.StreamReader) -> Frame:
    """The next frame; IncompleteReadError at the end of the stream."""
    size = int.from_bytes(await reader.readexactly(4), "big")
    if size > FRAME_LIMIT:
        raise ConnectionError(f"a frame of {size} bytes on the control socket")
    frame: Frame = _decoder.decode(await reader.readexactly(size))
    return frame


ALARM_SOCKET, TELEMETRY_SOCKET, KITS_SOCKET = "control.sock", "telemetry.sock", "kits.sock"
"""The last one is the endpoint's: what the web process relays from kits that come in by its port."""


def socket_path(data: Path, name: str = ALARM_SOCKET) -> Path:
    """Beside the data, or, since a socket's path may have 107 bytes only, in the temporary folder under a name made of it."""
    path = data.resolve() / name
    if len(os.fsencode(path)) <= 100:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:24]
    return Path(tempfile.gettempdir()) / f"anju-{os.getuid()}-{name}.sock"


class AlarmProcessAway(Exception):  # noqa: N818 - a state of the world, not a mistake
    """The alarm process does not answer; it may be restarting."""


class Control:
    """A follower's end. `follow()` yields pushes for ever, and None whenever the connection is down; `ask` needs it running."""

    def __init__(self, path: Path, *, commits: bool = True) -> None:
        self.path = path
        self._commits = commits
        self.connected = False
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[Answered | Stands | Grant]] = {}
        self._next = 1

    async def ask(self, asked: Asked, *, timeout: float = 10.0) -> Answered:  # noqa: ASYNC109 - the whole exchange is bounded
        """Answered after its commit. Raises Unknown, Exists, IllegalTransition, or AlarmProcessAway (then it may have happened)."""
        answered = await self._exchange(lambda number: Ask(number, asked), timeout)
        assert isinstance(answered, Answered)
        if answered.error:
            sentence = answered.sentence or Sentence("未知错误", "unknown error")
            match answered.error:
                case "unknown":
                    raise Unknown(sentence)
                case "exists":
                    raise Exists(sentence)
                case "unavailable":
                    raise AlarmProcessAway
                case _:
                    raise IllegalTransition(sentence)
        return answered

    async def inquire(self, home: HomeId, *, timeout: float = 5.0) -> Stands:  # noqa: ASYNC109 - the whole exchange is bounded
        """How every rule stands for a home. Raises AlarmProcessAway."""
        stands = await self._exchange(lambda number: Inquire(number, home), timeout)
        assert isinstance(stands, Stands)
        return stands

    async def wish(self, wish: Wish, *, timeout: float = 10.0) -> Granted:  # noqa: ASYNC109 - as above
        """What is asked about reaching people; where it changes something, that is on disk. AlarmProcessAway (it may have happened)."""
        grant = await self._exchange(lambda number: Wished(number, wish), timeout)
        assert isinstance(grant, Grant)
        return grant.granted

    async def _exchange(
        self, frame: Callable[[int], Ask | Inquire | Wished], timeout: float,  # noqa: ASYNC109 - as above
    ) -> Answered | Stands | Grant:  # fmt: skip
        if self._writer is None:
            raise AlarmProcessAway
        number, self._next = self._next, self._next + 1
        future: asyncio.Future[Answered | Stands | Grant] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._writer.write(pack(frame(number)))
            async with asyncio.timeout(timeout):
                return await future
        except (TimeoutError, ConnectionError) as problem:
            raise AlarmProcessAway from problem
        finally:
            self._waiting.pop(number, None)

    def kept(self, keeper: Keeper, seq: int) -> None:
        """Tell how far everything that this process keeps is on disk."""
        if self._writer is not None:
            self._writer.write(pack(Kept(keeper, seq)))

    def hurry(self) -> None:
        """Ask for what gathers to be written at once."""
        if self._writer is not None:
            self._writer.write(pack(Hurry()))

    async def follow(self, *, pause: float = 0.2) -> AsyncIterator[Push | None]:
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self.path), limit=FRAME_LIMIT)
            except OSError:
                yield None
                await asyncio.sleep(pause)
                continue
            try:
                writer.write(pack(Follow(self._commits)))
                self._writer, self.connected = writer, True
                while True:
                    frame = await unpack(reader)
                    if isinstance(frame, Answered | Stands | Grant):
                        future = self._waiting.get(frame.id)
                        if future is not None and not future.done():
                            future.set_result(frame)
                    elif isinstance(frame, Committed | Unstored | Health | TelemetryHealth):
                        yield frame
            except (OSError, asyncio.IncompleteReadError):
                pass
            finally:
                self._writer, self.connected = None, False
                for future in self._waiting.values():
                    if not future.done():
                        future.set_exception(ConnectionError("the alarm process went away"))
                with contextlib.suppress(OSError):
                    writer.close()
            yield None


@asynccontextmanager
async def connected(data: Path) -> AsyncIterator[Control]:
    """A line to the alarm process of a data folder, for commands alone; waits until that is up."""
    control = Control(socket_path(data), commits=False)
    up = asyncio.Event()

    async def follow() -> None:
        async for push in control.follow(pause=0.05):
            if isinstance(push, Health):
                up.set()

    task = asyncio.create_task(follow())
    try:
        await up.wait()
        yield control
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
