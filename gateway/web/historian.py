"""The web process's view of the telemetry process: how far the history and the outside stores are, and what charts read from them.

Charts may be read from an outside store. When that does not answer, the embedded history does, which is always written: somebody who
looks at the hour before an alarm is not to see an error of a database. The answer says where it came from, and why.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import msgspec

from alerting.terms import Sentence
from gateway.control import TELEMETRY_SOCKET, Control, Followed, TelemetryHealth, socket_path
from gateway.outside_stores import EVIDENCE, HISTORY
from gateway.store.history import Answer, Charts, ChartsAway, HistoryReader, Question
from gateway.store.standing import path_of

SILENT_AFTER_S = 5.0
"""Health comes every second, from a process that lets all others go first."""

DOWN = Sentence(
    "遥测进程没有运行，曲线暂不更新，正在等待它恢复",
    "the telemetry process is not running, charts stand still; waiting for it to come back",
)
HANGING = Sentence("遥测进程没有回应，曲线可能不是最新的", "the telemetry process does not answer; charts may be behind")


BEHIND_S = 10.0
"""A store that lacks the latest of what the history has shows no hour before an alarm."""
ASK_AGAIN_S = 10.0
"""A store that did not answer is left alone for so long: nobody waits for it with every chart."""


class Drawn(msgspec.Struct, frozen=True):
    """`source` is `history` or the name of a store; `instead`: why it is not the one that the settings name."""

    answer: Answer
    source: str
    instead: Sentence | None = None


class Historian:
    """`run` listens; the rest is for everyone on the event loop. `reader` is for any thread."""

    def __init__(self, data: Path, folder: Path, charts: Charts | None = None) -> None:
        self.reader = HistoryReader(folder)
        self._charts: Charts = charts or self.reader
        self._away: tuple[float, Sentence] | None = None
        self.health: TelemetryHealth | None = None
        """As it was said last."""
        self._data = data
        self._control = Control(socket_path(data, TELEMETRY_SOCKET))
        self._heard_at = 0.0
        self._moved = asyncio.Condition()

    def close(self) -> None:
        self._charts.close()

    async def run(self) -> None:
        async for push in self._control.follow():
            if isinstance(push, TelemetryHealth):
                self.health, self._heard_at = push, monotonic()
                async with self._moved:
                    self._moved.notify_all()

    @property
    def up(self) -> bool:
        return self._control.connected and self.health is not None and monotonic() - self._heard_at < SILENT_AFTER_S

    def followed(self, name: str = HISTORY) -> Followed | None:
        return next((f for f in self.health.followers if f.name == name), None) if self.health is not None else None

    def standing(self, name: str) -> Path:
        """The file in which the telemetry process notes how far an outside store is, and what it refused."""
        return path_of(self._data, name)

    @property
    def position(self) -> int:
        """The journal's number up to which the history has everything."""
        history = self.followed()
        return 0 if history is None else history.position

    def draw(self, question: Question) -> Drawn:
        """On any thread. ValueError for a cursor that was given nowhere; StoreBroken or sqlite3.Error when not even the history answers."""
        instead = self._behind()
        if instead is None:
            try:
                return Drawn(self._charts.answer(question), self._charts.name)
            except ChartsAway as problem:
                self._away, instead = (monotonic() + ASK_AGAIN_S, problem.sentence), problem.sentence
        return Drawn(self.reader.answer(question), HISTORY, instead)

    def _behind(self) -> Sentence | None:
        """Why charts are not to be read from the store that the settings name, for now."""
        name = self._charts.name
        if name == HISTORY:
            return None
        if self._away is not None and monotonic() < self._away[0]:
            return self._away[1]
        followed = self.followed(name)
        if followed is None or (followed.problem is None and followed.behind_s <= BEHIND_S):
            return None
        said = f"{followed.behind_s:.0f} s"
        return Sentence(f"时序库 {name} 落后 {said}", f"the store {name!r} is {said} behind")

    async def reached(self, seq: int, timeout: float) -> bool:  # noqa: ASYNC109 - the whole wait is bounded
        """Wait until what charts are read from holds `seq`; False when it does not get there in time, or nobody is there to bring it."""

        def there() -> bool:
            followed = self.followed(self._charts.name)
            return followed is not None and followed.position >= seq

        if there():
            return True
        followed = self.followed(self._charts.name)
        if not self.up or (followed is not None and followed.problem is not None):
            return False
        self._control.hurry()
        try:
            async with asyncio.timeout(timeout), self._moved:
                await self._moved.wait_for(there)
        except TimeoutError:
            return False
        return True

    def problems(self) -> Iterator[Sentence]:
        """Why charts stand still, if they do."""
        if not self._control.connected:
            yield DOWN
        elif not self.up:
            yield HANGING
        elif (history := self.followed()) is not None and history.problem is not None:
            said = history.problem
            yield Sentence(f"历史曲线库暂时无法写入：{said.zh}", f"the history cannot be written for now: {said.en}")
        if self.up and (evidence := self.followed(EVIDENCE)) is not None and evidence.problem is not None:
            said = evidence.problem
            yield Sentence(f"处置档案暂时无法写入：{said.zh}", f"the evidence cannot be written for now: {said.en}")

    def warnings(self) -> Iterator[Sentence]:
        """Of the outside stores: they catch up by themselves, and nobody's call waits for them."""
        for followed in self.health.followers if self.health is not None and self.up else ():
            if followed.name not in (HISTORY, EVIDENCE) and followed.problem is not None:
                name, said = followed.name, followed.problem
                yield Sentence(f"时序库 {name} 暂未写入：{said.zh}", f"the store {name!r} is not being written: {said.en}")
