"""The watchdog put together: it calls, listens, judges what it saw, says what is broken, and writes down what it knows."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from alerting.refusals import IllegalTransition
from devices.home import SYNTHETIC_AREA, SYNTHETIC_DEVICE, SYNTHETIC_HOME
from gateway import watchdog_access, watchdog_status
from gateway.address import origin
from gateway.clock import MACHINE
from gateway.control import AlarmProcessAway, Control, connected, socket_path
from gateway.settings import Settings
from gateway.watchdog import words
from gateway.watchdog.alarms import Alarms, Word
from gateway.watchdog.calling import Caller, way_in
from gateway.watchdog.channels import Channels, Probe, follow
from gateway.watchdog.listening import Listener
from gateway.watchdog.rounds import Broken, Missed, Outcome, Rounds, Seen
from gateway.watchdog.ways import Letter, Messenger, Siren, Way, machine

if TYPE_CHECKING:
    from alerting.terms import Sentence

log = logging.getLogger(__name__)

LOOK_S = 0.1
WRITE_S = 2.0
CALLS = "calls"
CHANNEL = "channel:"
ANEW_S = 5.0


class Watchdog:
    """One data folder's. `began`: when the service was started, in seconds of uptime; its first calls may take a while."""

    def __init__(self, settings: Settings, began: float, ways: list[Way], probes: Mapping[str, Probe]) -> None:
        own = settings.watchdog
        self._settings, self._own, self._began = settings, own, began
        self._data = Path(settings.data)
        self._clocks = MACHINE
        now = self._now()
        self._rounds = Rounds(own.every_s, own.patience_s, now)
        self._alarms = Alarms(f"watchdog-{secrets.token_hex(6)}", own.repeat_minutes * 60.0)
        self._channels = Channels(probes)
        self._messengers = [Messenger(way, lambda: len(self._alarms.standing)) for way in ways]
        topic = f"anju/v1/{SYNTHETIC_AREA}/{SYNTHETIC_HOME}/{SYNTHETIC_DEVICE}/alarm"
        self._caller = Caller(way_in(settings), watchdog_access.USERNAME, topic)
        http = settings.http
        self._listener = Listener(f"{origin(http.host, http.port)}/api/v1/stream", self._shown, self._streams)
        self._refused = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._written_at = 0.0
        self._known = self._remembered(now)

    def _now(self) -> float:
        return self._clocks.boottime()

    def _remembered(self, now: float) -> watchdog_status.Watched:
        """What the process before knew: figures go on, and what it said to be broken is still to be said to be well."""
        kept = watchdog_status.read(self._data)
        boot = self._clocks.boot_id()
        fresh = watchdog_status.Watched(
            boot_id=boot, spoke_boottime=now, spoke_at=self._clocks.wall(), began_boottime=self._began, every_s=self._own.every_s,
        )  # fmt: skip
        if kept is None:
            return fresh
        if kept.missing_since is not None and kept.missing is not None:
            self._alarms.resume(CALLS, kept.missing, now - max((fresh.spoke_at - kept.missing_since).total_seconds(), 0.0), now)
        return msgspec.structs.replace(
            fresh, sent=kept.sent, seen=kept.seen, missed=kept.missed, alarms=kept.alarms, trips=kept.trips,
            last_sent_at=kept.last_sent_at, last_seen_at=kept.last_seen_at, last_took_s=kept.last_took_s,
            last_seen_boottime=kept.last_seen_boottime if kept.boot_id == boot else None,
        )  # fmt: skip

    async def run(self) -> None:
        """Until it is cancelled."""
        control = Control(socket_path(self._data), commits=False)
        work = [self._register(), self._listener.run(self._token), follow(control, self._channels.heard)]
        work += [messenger.run() for messenger in self._messengers]
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
            while True:
                self._look()
                await asyncio.sleep(LOOK_S)

    # --- what it does ----------------------------------------------------------------------------------------------------------

    async def _register(self) -> None:
        """See that there is a home to call from: once, and again whenever the log-in was refused."""
        anew = False
        while True:
            access = watchdog_access.read(self._data)
            if access is None:  # no disk now, or no room when the service started
                await asyncio.sleep(ANEW_S)
                continue
            try:
                async with connected(self._data) as control:
                    await watchdog_access.register(control, access.password, anew=anew)
            except (AlarmProcessAway, IllegalTransition) as problem:
                log.warning("the home that calls come from is not registered yet: %r", problem)
                await asyncio.sleep(ANEW_S)
                continue
            self._refused.clear()
            await self._refused.wait()
            anew = True
            await asyncio.sleep(min(ANEW_S, self._own.every_s))

    def _token(self) -> str:
        access = watchdog_access.read(self._data)
        return access.token if access is not None else ""

    def _shown(self, report: str) -> None:
        self._rounds.shown(report, self._now())

    def _streams(self, up: bool, why: str) -> None:
        self._rounds.stream_up, self._rounds.stream_detail = up, why

    def _call(self, now: float) -> None:
        access = watchdog_access.read(self._data)
        call = self._rounds.begin(f"wd-{secrets.token_hex(10)}", now)
        self._know(sent=self._known.sent + 1, last_sent_at=self._clocks.wall())
        self._start(self._look_after_channels())
        if access is None:
            call.detail = f"{watchdog_access.NAME} cannot be read"
            return
        self._start(asyncio.to_thread(self._caller.call, call, access.password, self._own.patience_s, self._now))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    # --- what it makes of it ---------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        now = self._now()
        outcome = self._rounds.look(now)
        if outcome is not None:
            self._judge(outcome, now)
        if self._rounds.due(now):
            self._call(now)
        if now - self._written_at >= WRITE_S or outcome is not None:
            self._write(now)

    def _judge(self, outcome: Outcome, now: float) -> None:
        match outcome:
            case Seen(took_s=took):
                self._know(
                    seen=self._known.seen + 1, trips=self._known.trips.and_one(took), last_seen_at=self._clocks.wall(),
                    last_seen_boottime=now, last_took_s=took,
                )  # fmt: skip
                self._say(self._alarms.well(CALLS, words.WELL, now), now)
                self._quiet()
            case Missed():
                starting = self._starting(now)
                self._know(missed=self._known.missed + (not starting))
                if outcome.broken is Broken.REFUSED:
                    self._refused.set()
                hint = self._channels.hint if outcome.broken in (Broken.LOOP, Broken.JOURNAL) else None
                sentence = words.missing(outcome, hint)
                log.log(logging.INFO if starting else logging.WARNING, "%s", sentence.en)
                self._say(self._alarms.missed(CALLS, sentence, now, kind=outcome.broken.value, hold=starting), now)
            case _:
                pass

    async def _look_after_channels(self) -> None:
        """With every call; judged as soon as each was gone to, which may take seconds."""
        await self._channels.reach()
        now, problems = self._now(), self._channels.problems()
        for name in sorted(self._channels.names):
            matter = f"{CHANNEL}{name}"
            if name in problems:
                self._say(self._alarms.missed(matter, words.channel_broken(name, problems[name]), now), now)
            else:
                self._say(self._alarms.well(matter, words.channel_well(name), now), now)

    def _starting(self, now: float) -> bool:
        """Whether the service is still given time: it has just been started, and no call has come out since."""
        seen = self._known.last_seen_boottime
        return (seen is None or seen < self._began) and now - self._began < self._own.starting_s

    def _say(self, word: Word | None, now: float) -> None:
        if word is None:
            return
        wall = self._clocks.wall()
        letter = Letter(word, wall - timedelta(seconds=now - word.since), wall, machine(), self._settings.http.public_url)
        log.warning("%s: %s", word.said.value, word.sentence.en)
        self._know(alarms=self._known.alarms + (word.said.value == "broken"))
        for messenger in self._messengers:
            messenger.give(letter)

    def _quiet(self) -> None:
        """A siren that a process before left on, and that nothing stands for any more."""
        for messenger in self._messengers:
            if isinstance(messenger.way, Siren) and not self._alarms.standing:
                with contextlib.suppress(OSError):
                    messenger.way.silence()

    # --- what it writes down ---------------------------------------------------------------------------------------------------

    def _know(self, **new: object) -> None:
        self._known = msgspec.structs.replace(self._known, **new)

    def _write(self, now: float) -> None:
        self._written_at = now
        standing, wall = self._alarms.standing, self._clocks.wall()
        calls = standing.get(CALLS)
        since = calls.since if calls is not None else None
        channels: dict[str, Sentence] = {
            name.removeprefix(CHANNEL): matter.sentence for name, matter in standing.items() if name.startswith(CHANNEL)
        }
        self._know(
            spoke_boottime=now, spoke_at=wall, missing=calls.sentence if calls else None,
            missing_since=wall - timedelta(seconds=now - since) if since is not None else None,
            channels=channels, ways={messenger.way.name: messenger.problem for messenger in self._messengers},
        )  # fmt: skip
        with contextlib.suppress(OSError):  # the pages then say that it has not spoken
            watchdog_status.write(self._data, self._known)
