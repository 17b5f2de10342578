"""An alarm process for the web process's tests: the real engine, journal and control socket, without MQTT, in a thread."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from alerting.assembly import assemble
from alerting.caring.prompts import PromptFile
from alerting.commands import Asked, CheckHomes
from alerting.daily_check import daily_check
from alerting.engine import Engine
from alerting.items import Configured, DeliveryReported, HomesChecked, Item, Quarantined, Said, ServiceStarted
from alerting.policy import EscalationFile
from alerting.refusals import Exists, IllegalTransition, Unknown
from alerting.rules import DispositionFile, RuleFile, Ruleset
from config import DEFAULTS, load, load_all
from devices.catalog import Models
from devices.credential import Credential
from devices.decode import decode
from devices.message import NO_DIRECTORY, directory_of
from devices.mqtt.entries import SessionEntry
from devices.topic import BridgeTopic, parse
from gateway.answers import Answers, Codes
from gateway.clock import Clock
from gateway.control import Answered, Ask, Committed, Deliveries, Health, Inquire, Push, Stands, Unstored, socket_path
from gateway.control_server import ControlServer
from gateway.inbox import Outcome
from gateway.notify.channel import Moot
from gateway.notify.delivery import Delivery
from gateway.recovery import recover
from gateway.store.entry import Entry, encode
from gateway.store.folder import Layout
from gateway.store.journal import Journal
from gateway.store.snapshots import Snapshots
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from alerting.facts import Fact
    from alerting.terms import Sentence

T = TypeVar("T")

AREA, HOME = "330106001001", "home-1"


@cache
def ruleset() -> Ruleset:
    """What comes with Anju."""
    return assemble(
        load_all(DEFAULTS / "rules", RuleFile),
        load(DEFAULTS / "escalation.toml", EscalationFile),
        load(DEFAULTS / "dispositions.toml", DispositionFile),
        load(DEFAULTS / "models.toml", Models).model,
        prompts=load(DEFAULTS / "prompts.toml", PromptFile),
    )


class AlarmProcess:
    """`start`, `kill`, `start` again on the same data; between them devices speak by `report`."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.problems: tuple[Sentence, ...] = ()
        self.silent = False
        """Commits are not pushed: whoever follows has a gap."""
        self.mute = False
        """Neither health nor answers: it hangs."""
        self.segment_age = timedelta(days=1)
        """How old a file of the journal gets before the next one is begun."""
        self.asked = 0
        self._reports = 0

    # --- on the test's thread ------------------------------------------------------------------------------------------------

    def start(self) -> "AlarmProcess":
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main(ready)), name="alarm", daemon=True)
        self._thread.start()
        assert ready.wait(PATIENCE_S), "the alarm process does not start"
        return self

    def kill(self) -> None:
        """Its connections break; what it had committed is on disk."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def report(self, device: str, *, home: str = HOME, area: str = AREA, **values: object) -> int:
        """A device's report; the number that the journal is at when it is on disk."""
        self._reports += 1
        body = {"id": f"r-{self._reports}-{id(self)}", "values": values}
        return self.publish(f"anju/v1/{area}/{home}/{device}/report", msgspec.json.encode(body))

    def publish(self, topic: str, payload: bytes) -> int:
        return self._do(self._publish(topic, payload))

    def take(self, *items: Item) -> int:
        return self._do(self._take(*items))

    def push(self, frame: Push) -> None:
        self._do(self._push(frame))

    def say_health(self) -> None:
        self._do(self._push(None))

    def show_unstored(self, home: str = HOME, **values: object) -> None:
        """What a full disk would make the loop show: decided, and not committed."""
        self._do(self._unstored(home, values))

    def nothing_unstored(self) -> None:
        self._do(self._push(Unstored(())))

    def credential(self, username: str) -> Credential | None:
        return self._engine.credential(username)

    def prune(self) -> int:
        """What retention would do if everything were old: remove the files that no snapshot and no follower needs."""
        return self._do(self._prune())

    @property
    def kept(self) -> int:
        """How far the web process has said that it keeps everything."""
        return self._control.kept

    @property
    def seq(self) -> int:
        return self._journal.last_seq

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    # --- on its own ----------------------------------------------------------------------------------------------------------

    async def _main(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._journal = Journal.open(self.data, segment_age=self.segment_age, lead=1)
        self._snapshots = Snapshots(Layout(self.data).snapshots)
        recovered = recover(self._journal, self._snapshots)
        self._engine, self._roller = recovered.engine, recovered.roller
        self._clock = Clock(self._journal.last_stamp)
        self._started_at = self._clock.now()
        outbox = Delivery((), lambda _: Moot("there are no channels"), lambda _: None, self._clock.now)
        answers = Answers(self._engine, self, outbox, Codes(bytes(32)), self._clock.now)
        self._control = ControlServer(socket_path(self.data), self._ask, answers.grant)
        self._control.greeting = lambda: [self._health()]
        self._control.inquired = self._inquired
        await self._control.start()
        if self._engine.ruleset.version != ruleset().version:
            await self._take(Configured(ruleset()))
        last = self._journal.last_stamp
        await self._take(ServiceStarted(last.service_at if last else None))
        beating = asyncio.create_task(self._beat())
        ready.set()
        await self._stopping.wait()
        beating.cancel()
        await self._control.close()
        self._journal.close()
        self._snapshots.close()

    async def _beat(self) -> None:
        while True:
            if not self.mute:
                self._control.push(self._health())
            await asyncio.sleep(0.5)

    def _health(self) -> Health:
        return Health(
            now=self._clock.now(), wall_offset_s=-0.0001, reckoned_offset_s=self._engine.wall_offset.total_seconds(),
            seq=self._journal.last_seq, ready=not self.problems, problems=self.problems,
            connections=3, waiting_bytes=0, waiting=0, reports=self._reports, alarms=0, quarantined=0, commits=1, commit_s=0.1, cpu_s=1.0,
            rss_bytes=1, disk_free_bytes=10**9, pending_notifications=0, started_at=self._started_at, differences=2,
            deliveries={"hook": Deliveries(sent=5, failed=1, retried=7, pending=3)}, failed_jobs={"retention": "OSError: no"},
        )  # fmt: skip

    async def _prune(self) -> int:
        upto = min(self._snapshots.floor(), self._control.kept)
        return self._journal.prune(upto, self._clock.now() + timedelta(days=1))

    async def _push(self, frame: Push | None) -> None:
        self._control.push(frame or self._health())

    async def _publish(self, topic: str, payload: bytes) -> int:
        now = self._clock.now()
        place = parse(topic)
        kept = partial(self._engine.directory, place.home)
        directory = directory_of(place, kept) if isinstance(place, BridgeTopic) else NO_DIRECTORY
        message = decode(topic, payload, now, directory)
        return await self._take(Said(message, topic, payload))  # type: ignore[arg-type]  # never Ignored here

    async def _take(self, *items: Item) -> int:
        now = self._clock.now()
        entries: list[Entry] = []
        for item in items:
            entries.append(item)
            entries.extend(self._engine.handle(item, now))
        return self._commit(entries)

    def _commit(self, entries: list[Entry]) -> int:
        stamp, body = self._clock.stamp(), encode(entries)
        first = self._journal.commit(stamp, body, len(entries))
        self._roller.committed(first, self._journal.last_seq)
        self._roller.hurry()
        self._roller.write(self._roller.pick(self._journal.last_seq))
        if not self.silent:
            self._control.push(Committed(first, len(entries), stamp, body))
        return self._journal.last_seq

    def _inquired(self, asked: Inquire) -> Stands:
        try:
            return Stands(asked.id, self._clock.now(), tuple(self._engine.standings(asked.home)))
        except Unknown:
            return Stands(asked.id)

    def _ask(self, frame: Ask, answer: Callable[[Answered], None]) -> None:
        self.asked += 1
        if self.mute:
            return
        if self._engine.answered(frame.asked):
            answer(Answered(frame.id, self._journal.last_seq, repeated=True))
            return
        if isinstance(frame.asked.command, CheckHomes):
            self._commit([HomesChecked(self._clock.now().date().isoformat(), daily_check(self._engine.homes.values()))])
        try:
            facts = self._engine.handle(frame.asked, self._clock.now())
        except IllegalTransition as error:
            kind = {Unknown: "unknown", Exists: "exists"}.get(type(error), "illegal")
            answer(Answered(frame.id, error=kind, sentence=error.sentence))
            return
        seq = self._commit([frame.asked, *facts])
        answer(Answered(frame.id, seq, tuple(facts)))

    def ask(self, asked: Asked, answer: Callable[[Outcome], None]) -> None:
        """The loop's, for whoever answers by a link or a key."""
        try:
            facts = self._engine.handle(asked, self._clock.now())
        except IllegalTransition as error:
            answer(Outcome(error=error))
            return
        answer(Outcome(self._commit([asked, *facts]), tuple(facts)))

    def reported(self, reports: Sequence[DeliveryReported], done: Callable[[], None]) -> None:
        entries: list[Entry] = []
        for report in reports:
            entries += [report, *self._engine.handle(report, self._clock.now())]
        self._commit(entries)
        done()

    async def _unstored(self, home: str, values: dict[str, object]) -> None:
        """A second engine decides it, so that this one has not."""
        other = Engine()
        for commit in self._journal.read():
            for entry in commit.entries:
                if not isinstance(entry, SessionEntry):
                    other.fold(entry, commit.stamp.service_at)
        topic = f"anju/v1/{AREA}/{home}/{home}-cord/report"
        payload = msgspec.json.encode({"id": "not-on-disk", "values": values})
        message = decode(topic, payload, self._clock.now(), NO_DIRECTORY)
        facts: list[Fact] = other.handle(Said(message, topic, payload), self._clock.now())  # type: ignore[arg-type]
        self._control.push(Unstored(tuple(facts)))


def unreadable(text: str = "{") -> Quarantined:
    at = datetime(2026, 11, 22, 2, 0, tzinfo=UTC) + timedelta(seconds=1)
    return Quarantined(at, f"anju/v1/{AREA}/{HOME}/{HOME}-cord/report", "payload", "not JSON", text.encode(), len(text), "cord.1")
