"""A load that runs beside whoever measures: started, watched, changed and ended by its process."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

import msgspec

from benchmarks.load import LAST_ANSWERS_S, Change, Spec, Told

ROOT = Path(__file__).resolve().parents[1]
STOPPED_S = LAST_ANSWERS_S + 10.0


class Driven:
    """`with Driven(spec) as load`: it publishes from then on. `then(told)` is called on a thread with everything that it tells."""

    def __init__(self, spec: Spec, then: Callable[[Told], None] | None = None) -> None:
        self.latest: Told | None = None
        self._spec = spec
        self._then = then
        self._new = threading.Condition()
        self._over = False

    def __enter__(self) -> Self:
        words = [sys.executable, "-m", "benchmarks.load", msgspec.json.encode(self._spec).decode()]
        self.process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.next()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        ended = self.process.poll()
        if ended is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        if ended and problem is None:
            raise RuntimeError(f"the load ended by itself; exit code {ended}")

    def change(self, change: Change) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(change) + b"\n")
        self.process.stdin.flush()

    def next(self, seconds: float = 90.0) -> Told:
        """The next thing that it tells."""
        end = monotonic() + seconds
        with self._new:
            before = self.latest
            while self.latest is before or self.latest is None:
                if self._over or not self._new.wait(max(end - monotonic(), 0)):
                    raise RuntimeError(f"the load told nothing more; exit code {self.process.poll()}")
            return self.latest

    def stop(self) -> Told:
        """Send no more; wait for the last PUBACK."""
        self.change(Change(stop=True))
        with self._new:
            if not self._new.wait_for(lambda: self._over or (self.latest is not None and self.latest.last), STOPPED_S):
                raise RuntimeError("the load does not come to its end")
            if self.latest is None or not self.latest.last:
                raise RuntimeError(f"the load told no end; exit code {self.process.poll()}")
            return self.latest

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = msgspec.json.decode(line, type=Told)
            if self._then is not None:
                self._then(told)
            with self._new:
                self.latest = told
                self._new.notify_all()
        with self._new:
            self._over = True
            self._new.notify_all()
