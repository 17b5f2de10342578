"""An hour of a busy night in minutes: calls, six operators, three ways out that fail by a fifth, `kill -9`, a wall clock that is moved,
a power cut with another boot id behind it. What the providers received is laid beside the journal.

The service alone is shown another wall clock (libfaketime, Debian's `faketime`): the machine's own is left alone, and so is boottime, by
which service time goes.
"""

import random
import threading
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from uuid import UUID

import pytest

from alerting.facts import NotificationEnded, NotificationRequested
from alerting.items import WallClockStepped
from alerting.terms import Category
from gateway.store.journal import Journal
from tests.judging import judging, names
from tests.night_checker import Line, Night, Policy, check
from tests.night_desk import DISPOSITIONS, Desk
from tests.night_providers import CHANNELS, Providers, boottime
from tests.service import Anju, Kit, until

STEPS = (0.0, 1.0, 3.0, 6.0)
CHANNELS_OF = dict(zip(names(len(STEPS)), (("hook", "sms"), ("sms",), ("mail", "hook")), strict=True))
KINDS = (
    ("cord", "pull_cord", Category.CALL_FOR_HELP), ("smoke", "smoke", Category.FIRE), ("gas", "gas_alarm", Category.GAS),
    ("watch", "fall", Category.FALL),
)  # fmt: skip
WALLS = (timedelta(), timedelta(hours=2), timedelta(hours=-2))
KITS = 4
PATIENCE_S = 180.0
"""For what has to come to its end; nothing here is a measure of speed."""

LIBRARY = "faketime/libfaketimeMT.so.1"
BOOT_ID = "/proc/sys/kernel/random/boot_id"


class Pretended:
    """The service's own view of the machine: a wall clock that can be moved, and a boot id in a mount namespace of its own."""

    def __init__(self, folder: Path) -> None:
        found = sorted(Path("/usr/lib").glob(f"*/{LIBRARY}"))
        assert found, f"{LIBRARY} is missing: install the package faketime"
        self._offset, self._boot_id = folder / "wall", folder / "boot_id"
        self.move(timedelta())
        self.clock = (
            "env", f"LD_PRELOAD={found[0]}", f"FAKETIME_TIMESTAMP_FILE={self._offset}", "FAKETIME_CACHE_DURATION=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1",
        )  # fmt: skip

    def move(self, wall: timedelta) -> None:
        beside = self._offset.with_name("wall.new")
        beside.write_text(f"{wall.total_seconds():+.0f}\n")
        beside.rename(self._offset)

    def other_boot(self, dice: random.Random) -> tuple[str, ...]:
        """Words before the service's, for a start under another boot id."""
        self._boot_id.write_text(f"{UUID(int=dice.getrandbits(128), version=4)}\n")
        return "unshare", "--map-root-user", "--mount", "sh", "-c", f'mount --bind "$0" {BOOT_ID} && exec "$@"', str(self._boot_id)


class Calls:
    """Each from a home of its own, at seeded moments of the span; kits send again what was not acknowledged."""

    def __init__(self, anju: Anju, area: str, count: int, seconds: float, seed: int) -> None:
        self.planted: list[tuple[str, Category]] = []
        self.waiting = -1
        self._area = area
        self._dice = random.Random(f"calls {seed}")
        self._moments = sorted(self._dice.uniform(0, seconds) for _ in range(count))
        self._mids: list[tuple[int, int]] = []
        self._acknowledged: list[set[int]] = [set() for _ in range(KITS)]
        self._kits = [Kit(anju.endpoints, f"night-{number}", clean=False) for number in range(KITS)]
        for kit, acknowledged in zip(self._kits, self._acknowledged, strict=True):
            kit.client.on_publish = lambda _c, _d, mid, _code, _p, seen=acknowledged: seen.add(mid)
        self._thread = threading.Thread(target=self._run, name="calls", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        began, pause = monotonic(), threading.Event()
        for number, moment in enumerate(self._moments):
            pause.wait(max(0.0, began + moment - monotonic()))
            home, (device, property_, category) = f"night-{number:04d}", self._dice.choice(KINDS)
            kit = number % KITS
            info = self._kits[kit].say({"area": self._area, "id": home}, device, {property_: True}, wait=False, id=f"call-{number}")
            self._mids.append((kit, info.mid))
            self.planted.append((home, category))

    def end(self) -> None:
        self._thread.join(60)
        try:
            until("every call is acknowledged", lambda: self._left() == 0, PATIENCE_S, pause=0.1)
        finally:
            for kit in self._kits:
                kit.close()

    def _left(self) -> int:
        return sum(mid not in self._acknowledged[kit] for kit, mid in self._mids)


def disturb(anju: Anju, pretended: Pretended, providers: Providers, *, kills: int, seconds: float, seed: int) -> list[float]:
    """Everything that goes wrong around the service, at seeded moments of the span; when the alarm process was ended, by boottime."""
    dice = random.Random(f"disturb {seed}")
    cuts: list[float] = []
    plan = [(dice.uniform(0.02, 0.98) * seconds, "web" if dice.random() < 0.3 else "alarm") for _ in range(kills)]
    plan[0] = (plan[0][0], "alarm")
    plan += [(share * seconds, f"wall {number}") for number, share in enumerate((0.1, 0.25, 0.45, 0.8), 1)]
    plan += [(dice.uniform(0.05, 0.9) * seconds, f"away {channel}") for channel in CHANNELS for _ in range(max(1, int(seconds / 40)))]
    plan.append((0.6 * seconds, "power"))
    began, pause = monotonic(), threading.Event()
    for moment, what in sorted(plan):
        pause.wait(max(0.0, began + moment - monotonic()))
        match what.split():
            case ["wall", number]:
                wall = (WALLS[1], WALLS[0], WALLS[2], WALLS[0])[int(number) - 1]
                pretended.move(wall)
                until("the step of the clock is told", partial(off_by, anju, wall), PATIENCE_S)
            case ["away", channel]:
                providers.weather.away(channel, dice.uniform(1.0, 3.0))
            case ["power"]:
                cuts.append(boottime())
                anju.kill_everything()
                anju.words = (*pretended.other_boot(dice), *anju.words)
                anju.start(PATIENCE_S)
            case [half]:
                cuts += [boottime()] if half == "alarm" else []
                anju.kill(half)
    return cuts


def journal(anju: Anju) -> list[Line]:
    return [
        Line(commit.first_seq + offset, commit.stamp.boottime, commit.stamp.service_at, entry)
        for commit in Journal.reader(anju.data).read(0)
        for offset, entry in enumerate(commit.entries)
    ]


def stepped(anju: Anju) -> list[int]:
    """What the service has said that its wall clock is off by, in hours."""
    return [round(line.entry.offset_s / 3600) for line in journal(anju) if isinstance(line.entry, WallClockStepped)]


def off_by(anju: Anju, wall: timedelta) -> bool:
    return stepped(anju)[-1:] == [wall // timedelta(hours=1)]


def all_ended(anju: Anju) -> bool:
    kinds = Counter(type(line.entry) for line in journal(anju))
    return kinds[NotificationRequested] == kinds[NotificationEnded]


def night(folder: Path, *, calls: int, kills: int, seconds: float, thinks: float, seed: int) -> None:
    with ExitStack() as stack:
        providers = Providers(seed, WALLS, stack)
        pretended = Pretended(folder)
        words = (
            "--no-simulator", "--judging", str(judging(folder, list(STEPS))),
            "--notify", str(providers.notify_file(folder, CHANNELS_OF)),
        )  # fmt: skip
        anju = Anju(folder / "data", homes=1, words=words, prefix=pretended.clock)
        stack.callback(lambda: anju.process and anju.stop(PATIENCE_S))
        anju.start(PATIENCE_S)
        providers.receipts.start(str(anju.endpoints["http"]))
        desk = Desk(anju, seed, thinks)
        said = Calls(anju, str(anju.home()["area"]), calls, seconds, seed)
        cuts = disturb(anju, pretended, providers, kills=kills, seconds=seconds, seed=seed)
        said.end()
        providers.weather.failing = 0.0
        desk.go_home()
        until("the end of every notification", lambda: all_ended(anju), PATIENCE_S, pause=0.5)
        until("every receipt", lambda: providers.receipts.waiting == 0, PATIENCE_S)
        anju.stop(PATIENCE_S)
        lines = journal(anju)
        told = tuple(frozenset((target, channel) for channel in CHANNELS_OF[target]) for target in names(len(STEPS)))
        policy = Policy(tuple(timedelta(seconds=after) for after in STEPS), (frozenset(), *told))
        verdict = check(Night(
            policy, said.planted, lines, providers.weather.arrivals, cuts, desk.done, providers.receipts.told, frozenset(DISPOSITIONS),
            PATIENCE_S,
        ))  # fmt: skip
        print(dict(verdict.counts), Counter(arrival.answer.name for arrival in providers.weather.arrivals), len(desk.done), "acts")
        assert len(said.planted) == calls
        assert verdict.findings == [], "\n".join(verdict.findings)
        assert providers.hook.forged == []
        assert providers.sms.refused == []
        assert stepped(anju) == [2, 0, -2, 0], "each once"
        assert verdict.counts["notifications"] > calls, "most calls escalated, and somebody was told"


@pytest.mark.timeout(600)
def test_a_busy_night_with_five_kills_and_a_moved_clock_owes_nobody_anything(tmp_path: Path) -> None:
    night(tmp_path, calls=60, kills=5, seconds=16, thinks=1.0, seed=1)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_five_hundred_calls_and_fifty_kills_owe_nobody_anything(tmp_path: Path) -> None:
    night(tmp_path, calls=500, kills=50, seconds=240, thinks=2.0, seed=2)
