"""`kill -9` at random moments, under load, from clients that send again what was not acknowledged: no call lost, none doubled."""

import random
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import pytest

from alerting.facts import AlertRaised, StepReached
from tests.judging import judging
from tests.patience import PATIENCE_S
from tests.service import Anju, Json, Kit, until

STEPS = [0.0, 1.0, 3.0]
REPORTS_A_SECOND = 500
CALLS_A_SECOND = 5
KITS = 10


class Load:
    """Ten kits that together say 500 readings and 5 calls a second, each call in a home of its own."""

    def __init__(self, anju: Anju, area: str) -> None:
        self.planted: list[str] = []
        self.unacknowledged = -1
        self._area = area
        self._stop = Event()
        self._said: list[tuple[int, int]] = []
        self._acknowledged: list[set[int]] = [set() for _ in range(KITS)]
        self._kits = [Kit(anju.endpoints, f"load-{number}", clean=False) for number in range(KITS)]
        for kit, acknowledged in zip(self._kits, self._acknowledged, strict=True):
            kit.client.on_publish = lambda _c, _d, mid, _code, _p, seen=acknowledged: seen.add(mid)
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        """By the clock, not by the pace of the answers; paho keeps what is not acknowledged and sends it again."""
        began, said, called = monotonic(), 0, 0
        while not self._stop.wait(0.01):
            due = int((monotonic() - began) * REPORTS_A_SECOND)
            for number in range(said, due):
                self._say(number, f"calm-{number % 100}", "watch", {"heart_rate": 60 + number % 30}, f"r{number}")
            said = due
            due = int((monotonic() - began) * CALLS_A_SECOND)
            for number in range(called, due):
                home = f"call-{number:05d}"
                self._say(number, home, "cord", {"pull_cord": True}, f"pull-{number}")
                self.planted.append(home)
            called = due

    def _say(self, number: int, home: str, device: str, values: Json, id_: str) -> None:
        kit = number % KITS
        info = self._kits[kit].say({"area": self._area, "id": home}, device, values, wait=False, id=id_)
        self._said.append((kit, info.mid))

    def _left(self) -> int:
        return sum(mid not in self._acknowledged[kit] for kit, mid in self._said)

    def end(self) -> None:
        """Stop saying new things, and wait for the answers to the old ones."""
        self._stop.set()
        self._thread.join(PATIENCE_S)
        try:
            until("every answer", lambda: self._left() == 0, 60, pause=0.1)
        finally:
            self.unacknowledged = self._left()
            for kit in self._kits:
                kit.close()


def rounds(folder: Path, kills: int, seed: int) -> None:
    dice = random.Random(seed)
    words = ("--no-simulator", "--judging", str(judging(folder, STEPS)))
    anju = Anju(folder / "data", homes=2, words=words).start()
    area = anju.home(0)["area"]
    try:
        load = Load(anju, area)
        for _ in range(kills):
            Event().wait(dice.uniform(0.05, 1.2))
            anju.kill("alarm")
        load.end()
        assert load.unacknowledged == 0
        planted = len(load.planted)
        with anju.api() as client:
            until("the last step of the last call", lambda: _settled(anju, planted), pause=0.5)
            assert client.get("/alerts", params={"limit": 1}).status_code == 200
    finally:
        anju.stop()
    raised = Counter(entry.home for _, entry in anju.entries() if isinstance(entry, AlertRaised) and entry.home.startswith("call-"))
    assert planted > 0
    assert sorted(raised) == sorted(load.planted), "every planted call raised an alert, and nothing else did"
    assert set(raised.values()) == {1}, [home for home, count in raised.items() if count != 1]
    _steps_are_whole(anju)


def _settled(anju: Anju, planted: int) -> bool:
    last = len(STEPS) - 1
    return sum(isinstance(e, StepReached) and e.step == last and e.home.startswith("call-") for _, e in anju.entries()) >= planted


def _steps_are_whole(anju: Anju) -> None:
    """None skipped, none doubled, each stamped with the moment it was due."""
    begun = {e.alert: e.at for _, e in anju.entries() if isinstance(e, AlertRaised)}
    steps: dict[str, list[tuple[int, timedelta]]] = defaultdict(list)
    for _, entry in anju.entries():
        if isinstance(entry, StepReached):
            steps[entry.alert].append((entry.step, entry.at - begun[entry.alert]))
    wanted = [(number, timedelta(seconds=after)) for number, after in enumerate(STEPS)]
    assert {alert: taken for alert, taken in steps.items() if taken != wanted} == {}


def test_twenty_kills_lose_no_call_and_double_none(tmp_path: Path) -> None:
    rounds(tmp_path, kills=20, seed=1)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_hundred_kills_lose_no_call_and_double_none(tmp_path: Path) -> None:
    rounds(tmp_path, kills=200, seed=2)
