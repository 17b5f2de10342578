"""Behind a real mosquitto: gateway and broker killed by turns under load, the line between them cut within packets. Nothing is lost.

What is promised is promised from the broker on. mosquitto acknowledges a kit before it has saved the message: killed in between, it
forgets it. So the kits here are careful: after their line broke they say again, under the same ids, what the broker had acknowledged
and not saved. (A kit that cannot look at the broker's disk says again what it said in the last seconds.)
"""

import random
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import pytest

from alerting.facts import AlertRaised, StepReached
from alerting.items import Said
from devices.message import Heard
from tests.brokers import Mosquitto
from tests.judging import judging
from tests.patience import PATIENCE_S, STORY_S
from tests.proofs.test_kill import CALLS_A_SECOND, KITS, REPORTS_A_SECOND, STEPS, _steps_are_whole
from tests.proxy import Proxy
from tests.service import Anju, Json, Kit, until

AREA = "330106"
Deed = Callable[[], int]
Blow = Callable[[], None]


class Served(Anju):
    """`serve` with an outside broker as the only way in."""

    def __init__(self, folder: Path, broker: str) -> None:
        super().__init__(folder / "data")
        config = folder / "anju.toml"
        judged = judging(folder, STEPS)
        config.write_text(
            f'data = "data"\njudging = "{judged}"\n[http]\nport = {self.http_port}\n[mqtt]\nplain = false\n[broker]\nurl = "{broker}"\n'
            '[watchdog]\nevery_s = 0\n',
        )
        self.words = (self.words[0], "-m", "gateway", "serve", "--config", str(config))

    @property
    def sessions(self) -> int:
        """How often a session for readings began, or went on, at the broker."""
        return self.log.read_text().count("session anju-readings, MQTT")

    def wait_ready(self, seconds: float = STORY_S) -> None:
        until("ready", lambda: "ready: console" in self.log.read_text(), seconds)


class Load:
    """Ten kits at the broker that together say 500 readings and 5 calls a second, each call in a home of its own."""

    def __init__(self, broker: Mosquitto) -> None:
        self.readings = 0
        self.calls: list[str] = []
        self._stop = Event()
        self._kits = [CarefulKit(broker, number) for number in range(KITS)]
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        began = monotonic()
        while not self._stop.wait(0.01):
            due = int((monotonic() - began) * REPORTS_A_SECOND)
            for number in range(self.readings, due):
                self._kits[number % KITS].say(f"calm-{number % 100}", "watch", {"heart_rate": 60 + number % 30}, f"r{number}")
            self.readings = due
            for number in range(len(self.calls), int((monotonic() - began) * CALLS_A_SECOND)):
                home = f"call-{number:05d}"
                self.calls.append(home)
                self._kits[number % KITS].say(home, "cord", {"pull_cord": True}, f"pull-{number}", "alarm" if number % 2 else "report")

    def end(self) -> None:
        """When every kit is back and has repeated itself."""
        try:
            until("every kit is back", lambda: not any(kit.broken for kit in self._kits))
            self._stop.set()
            self._thread.join(PATIENCE_S)
            until("every PUBACK of the broker", lambda: all(kit.acknowledged for kit in self._kits), 60, pause=0.1)
        finally:
            for kit in self._kits:
                kit.close()


class CarefulKit:
    """Holds everything until the broker has it on its disk."""

    def __init__(self, broker: Mosquitto, number: int) -> None:
        self._broker = broker
        self._held: deque[tuple[int, Deed]] = deque()
        """(packet identifier, how to say it again)"""
        self._answered: dict[int, float] = {}
        self._broken = Event()
        endpoints = {"mqtt": broker.url, "device": {"username": "kit", "password": "kit"}}
        self._kit = Kit(endpoints, f"load-{number}", clean=False)
        self._kit.client.on_publish = self._acknowledged
        self._kit.client.on_disconnect = lambda *_: self._broken.set()

    @property
    def broken(self) -> bool:
        return self._broken.is_set() or not self._kit.client.is_connected()

    @property
    def acknowledged(self) -> bool:
        return all(mid in self._answered for mid, _ in list(self._held))

    def say(self, home: str, device: str, values: Json, id_: str, channel: str = "report") -> None:
        if self._broken.is_set() and self._kit.client.is_connected():
            self._broken.clear()
            self._held = deque((again(), again) for _, again in self._held)
        saved = self._broker.saved_at
        while not self.broken and self._held and self._answered.get(self._held[0][0], saved) < saved:
            self._answered.pop(self._held.popleft()[0])
        publish = partial(self._publish, home, device, values, id_, channel)
        self._held.append((publish(), publish))

    def _publish(self, home: str, device: str, values: Json, id_: str, channel: str) -> int:
        return self._kit.say({"area": AREA, "id": home}, device, values, channel=channel, wait=False, id=id_).mid

    def _acknowledged(self, _client: object, _data: object, mid: int, *_: object) -> None:
        self._answered[mid] = monotonic()

    def close(self) -> None:
        self._kit.close()


def rounds(folder: Path, number: int, seed: int) -> None:
    dice = random.Random(seed)
    broker = Mosquitto(folder)
    broker.start()
    line = Proxy(broker.port)
    anju = Served(folder, f"mqtt://127.0.0.1:{line.port}")
    try:
        anju.start()
        begun = monotonic()
        until("our sessions are saved, like any county's are", lambda: broker.saved_at > begun)
        load = Load(broker)
        for turn in range(number):
            kill: Blow = broker.restart if turn % 2 else partial(anju.kill, "alarm")
            cut: Blow = partial(line.cut_after, dice.randrange(1, 5000))
            for blow in dice.sample((kill, cut), 2):
                before = anju.sessions
                Event().wait(dice.uniform(0.05, 1.5))
                blow()
                until("Anju at the broker again", partial(lambda seen: anju.sessions > seen, before))
        load.end()
        found = whole(anju, load)
    finally:
        anju.stop()
        line.close()
        broker.close()
    assert line.connections > 3 * number, "two sessions, two blows a round"
    assert load.calls
    assert sorted(found.raised) == sorted(load.calls), "every planted call raised an alert, and nothing else did"
    assert set(found.raised.values()) == {1}
    assert found.heard.keys() == {f"r{number}" for number in range(load.readings)}
    _steps_are_whole(anju)
    again = found.heard.total() - load.readings
    print(f"{load.readings} readings, {len(load.calls)} calls, {line.connections} lines, {again} readings came more than once")


class Found:
    """What the journal holds: alerts by home, readings by id, calls whose last step was reached."""

    def __init__(self, anju: Anju) -> None:
        self.raised: Counter[str] = Counter()
        self.heard: Counter[str] = Counter()
        self.settled = 0
        for _, entry in anju.entries():
            if isinstance(entry, Said):
                if isinstance(entry.message, Heard) and entry.message.home.startswith("calm-"):
                    self.heard[entry.message.report.id] += 1
            elif isinstance(entry, AlertRaised):
                self.raised[entry.home] += 1
            elif isinstance(entry, StepReached):
                self.settled += entry.step == len(STEPS) - 1


def whole(anju: Anju, load: Load) -> Found:
    """As soon as every call and reading is in the journal, and the last step of every call."""
    end = monotonic() + STORY_S
    while True:
        found = Found(anju)
        readings = [number for number in range(load.readings) if f"r{number}" not in found.heard]
        calls = set(load.calls) - found.raised.keys()
        if not readings and not calls and found.settled >= len(load.calls):
            return found
        missing = f"{len(readings)} of {load.readings} readings {readings[:20]}, calls {sorted(calls)[:20]}"
        assert monotonic() < end, f"missing: {missing}; {found.settled} of {len(load.calls)} calls were taken to the last step"
        Event().wait(1)


def test_ten_rounds_of_killed_gateway_cut_line_and_killed_broker_lose_nothing(tmp_path: Path) -> None:
    rounds(tmp_path, number=10, seed=1)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_sixty_rounds_of_killed_gateway_cut_line_and_killed_broker_lose_nothing(tmp_path: Path) -> None:
    rounds(tmp_path, number=60, seed=2)
