"""Six operators of a busy night, each a thread that takes what is open, over HTTP, as people do: not at once, and not all alike."""

import random
import threading
from time import monotonic
from typing import Any

import httpx

from tests.service import Anju

Json = dict[str, Any]
PASSWORD = "a long enough password"
NAMES = ("an.ling", "bo.wen", "chen.yu", "du.min", "fang.hua", "gu.lan")
DISPOSITIONS = ("real_emergency", "assistance_given", "false_cooking", "false_device", "false_person", "test")
PATIENCE_S = 180.0
"""An action is asked again, under the same key, for so long."""


class Operator:
    """`done`: (alert, action, operator) of what was answered with 200. `thinks`: seconds before each alert, at most."""

    def __init__(self, anju: Anju, name: str, seed: int, thinks: float) -> None:
        self.name = name
        self.done: list[tuple[str, str, str]] = []
        self.refused = 0
        self._anju = anju
        self._dice = random.Random(f"{seed} {name}")
        self._thinks = thinks
        self._keys = 0
        self._client: httpx.Client | None = None
        self._home = threading.Event()
        self._late = threading.Event()
        """No more calls come: what is open is closed, each operator a part of it."""
        self.fault: BaseException | None = None
        self._thread = threading.Thread(target=self._shift, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hurry(self) -> None:
        self._late.set()

    def go_home(self) -> None:
        self._home.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), f"{self.name} hangs"
        self.log_out()
        if self.fault is not None:
            raise self.fault

    def _shift(self) -> None:
        try:
            while not self._late.wait(self._dice.uniform(0.1, 1.0) * self._thinks):
                mine = [one for one in self.open() if one["claimed_by"] in (None, self.name) and one["held_until"] is None]
                if mine:
                    self.take(self._dice.choice(mine[:12]))
            part = NAMES.index(self.name)
            while not self._home.wait(0.2):
                for number, one in enumerate(sorted(self.open(), key=lambda alert: str(alert["id"]))):
                    if number % len(NAMES) == part:
                        self.take(one, plainly=True)
        except BaseException as fault:
            self.fault = fault

    def open(self) -> list[Json]:
        found: list[Json] = self._ask("GET", "/alerts", params={"status": "open", "limit": 200}).json()["items"]
        return found

    def take(self, alert: Json, *, plainly: bool = False) -> None:
        """From the claim to the close, by one of the ways that people go; the first refusal (somebody else has it) ends it."""
        way = 1.0 if plainly else self._dice.random()
        others = [name for name in NAMES if name != self.name]
        steps: list[tuple[str, Json]] = [("claim", {})]
        if way < 0.15:
            steps += [("transfer", {"to": self._dice.choice(others), "reason": "knows the family"})]
        elif way < 0.25:
            steps += [("acknowledge", {}), ("hold", {"minutes": 0.05, "reason": "rings the neighbour"})]
        elif way < 0.3:
            steps += [("note", {"text": "no answer by telephone"})]  # and is called away: somebody else takes it over
        else:
            steps += [("acknowledge", {})]
            if way < 0.6:
                steps += [("note", {"text": "spoke with her"})]
            steps += [("close", {"disposition": self._dice.choice(DISPOSITIONS), "reason": "seen to"})]
        for action, body in steps:
            if not self.act(alert["id"], action, body):
                return

    def act(self, alert: str, action: str, body: Json) -> bool:
        self._keys += 1
        answer = self._ask("POST", f"/alerts/{alert}/{action}", json=body, headers={"Idempotency-Key": f"{self.name}-{self._keys}"})
        if answer.status_code == 200:
            self.done.append((alert, action, self.name))
            return True
        assert answer.status_code == 409, f"{action}: {answer.status_code} {answer.text}"
        self.refused += 1
        return False

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Until there is an answer: a service that is being killed has none, or forgot the log-in that was not on its disk yet."""
        end = monotonic() + PATIENCE_S
        said = ""
        while monotonic() < end:
            try:
                if self._client is None:
                    self._log_in()
                assert self._client is not None
                answer = self._client.request(method, path, **more)
            except httpx.TransportError as problem:
                said = repr(problem)
            else:
                if answer.status_code == 401:
                    self.log_out()
                elif answer.status_code < 500:
                    return answer
                said = f"{answer.status_code} {answer.text[:200]}"
            threading.Event().wait(0.1)
        raise AssertionError(f"{self.name}, {method} {path}: no answer within {PATIENCE_S:g} s, the last was {said}")

    def log_out(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _log_in(self) -> None:
        address = f"http://127.0.0.1:{self._anju.http_port}/api/v1"
        with httpx.Client(base_url=address, trust_env=False, timeout=PATIENCE_S) as door:
            answer = door.post("/session", json={"username": self.name, "password": PASSWORD})
        if answer.status_code != 200:
            raise httpx.TransportError(f"no log-in: {answer.status_code}")
        self._client = httpx.Client(
            base_url=address, trust_env=False, timeout=PATIENCE_S, headers={"Authorization": f"Bearer {answer.json()['token']}"},
        )


class Desk:
    """All six."""

    def __init__(self, anju: Anju, seed: int, thinks: float) -> None:
        with anju.api() as admin:
            for name in NAMES:
                made = admin.post("/users", json={"username": name, "password": PASSWORD, "role": "operator"})
                assert made.status_code == 201, made.text
        self.operators = [Operator(anju, name, seed, thinks) for name in NAMES]
        self._watcher = Operator(anju, NAMES[0], seed, thinks)
        """Only looks."""
        for operator in self.operators:
            operator.start()

    @property
    def done(self) -> list[tuple[str, str, str]]:
        return [one for operator in self.operators for one in operator.done]

    def go_home(self) -> None:
        """When nothing is open any more."""
        for operator in self.operators:
            operator.hurry()
        least, end = 0, 0.0
        while left := self._watcher.open():
            if not least or len(left) < least:
                least, end = len(left), monotonic() + PATIENCE_S
            assert monotonic() < end, f"{len(left)} alerts cannot be closed, the first is {left[0]}"
            threading.Event().wait(0.2)
        self._watcher.log_out()
        for operator in self.operators:
            operator.go_home()
