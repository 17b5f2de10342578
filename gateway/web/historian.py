"""The web process's view of the telemetry process: how far the history and the outside stores are, and what keeps them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from alerting.facts import Sentence
from gateway.control import TELEMETRY_SOCKET, Control, Followed, TelemetryHealth, socket_path
from gateway.store.history import HistoryReader

HISTORY = "history"
SILENT_AFTER_S = 5.0
"""Health comes every second, from a process that lets all others go first."""

DOWN = Sentence(
    "遥测进程没有运行，曲线暂不更新，正在等待它恢复",
    "the telemetry process is not running, charts stand still; waiting for it to come back",
)
HANGING = Sentence("遥测进程没有回应，曲线可能不是最新的", "the telemetry process does not answer; charts may be behind")


class Historian:
    """`run` listens; the rest is for everyone on the event loop. `reader` is for any thread."""

    def __init__(self, data: Path, folder: Path) -> None:
        self.reader = HistoryReader(folder)
        self.health: TelemetryHealth | None = None
        """As it was said last."""
        self._control = Control(socket_path(data, TELEMETRY_SOCKET))
        self._heard_at = 0.0
        self._moved = asyncio.Condition()

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

    @property
    def position(self) -> int:
        """The journal's number up to which the history has everything."""
        history = self.followed()
        return 0 if history is None else history.position

    async def reached(self, seq: int, timeout: float, name: str = HISTORY) -> bool:  # noqa: ASYNC109 - the whole wait is bounded
        """Wait until that store holds `seq`; False when it does not get there in time, or nobody is there to bring it there."""

        def there() -> bool:
            followed = self.followed(name)
            return followed is not None and followed.position >= seq

        if there():
            return True
        if not self.up:
            return False
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

    def warnings(self) -> Iterator[Sentence]:
        """Of the outside stores: they catch up by themselves, and nobody's call waits for them."""
        for followed in self.health.followers if self.health is not None and self.up else ():
            if followed.name != HISTORY and followed.problem is not None:
                name, said = followed.name, followed.problem
                yield Sentence(f"时序库 {name} 暂未写入：{said.zh}", f"the store {name!r} is not being written: {said.en}")
