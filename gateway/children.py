"""The processes that `up` and `serve` start and watch. Each may die alone; it is started again, and the others go on.

A child ends when its standard input does (`end_with_parent`), so a killed parent leaves no orphan holding ports and data.
"""

import asyncio
import contextlib
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

CALM_S = 10.0
"""A child that lived this long was well; the pause before its next start is none."""

LONGEST_PAUSE_S = 1.0
"""A half that fails at every start is tried again once a second: while it is away nobody hears."""


STOP_PATIENCE_S = 8.0


class Child:
    """One process, started again whenever it ends by itself. `told` gets one line for every start after the first."""

    def __init__(self, name: str, words: list[str], told: Callable[[str], None], *, dispensable: int = 0) -> None:
        """`dispensable`: how much sooner than the alarm process the kernel kills it when memory runs out (oom_score_adj, 0 to 1000)."""
        self.name = name
        self.process: asyncio.subprocess.Process | None = None
        self.began_at: float | None = None
        """When it was last started, on the monotonic clock."""
        self._dispensable = dispensable
        self._words = words
        self._told = told
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until `stop()`, whatever happens to it or keeps it from starting."""
        pause = 0.0
        while True:
            began = monotonic()
            how = await self._live()
            if self._stopping.is_set():
                return
            pause = 0.0 if monotonic() - began > CALM_S else min(LONGEST_PAUSE_S, 2 * pause + 0.1)
            self._told(f"{self.name} {how}; starting it again" + (f" in {pause:.1f} s" if pause else ""))
            if await self._stopped_within(pause):
                return

    async def _live(self) -> str:
        """One life; how it ended."""
        try:
            process = await asyncio.create_subprocess_exec(sys.executable, *self._words, stdin=asyncio.subprocess.PIPE)
        except OSError as problem:  # no memory, no more processes: that passes
            return f"could not be started ({problem.strerror})"
        self.process = process
        self.began_at = monotonic()
        offer(process.pid, self._dispensable)
        if self._stopping.is_set():  # `stop` came too early to find it
            await self._end(process, STOP_PATIENCE_S)
        code = await process.wait()
        if code == 0:
            await self._stopped_within(0.3)  # told to end by the signal that is on its way to us too
        return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True

    def signal(self, number: int) -> None:
        """To the process, if it runs."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    async def stop(self, patience: float = STOP_PATIENCE_S) -> None:
        self._stopping.set()
        if self.process is not None and self.process.returncode is None:
            await self._end(self.process, patience)

    async def _end(self, process: asyncio.subprocess.Process, patience: float) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(patience):
                await process.wait()
        except TimeoutError:
            self._told(f"{self.name} did not end within {patience:.0f} s and was killed")
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def offer(pid: int, dispensable: int) -> None:
    """Have a process killed sooner when memory runs out (oom_score_adj). Anybody may say so of theirs; that it be later, only root."""
    path = Path(f"/proc/{pid}/oom_score_adj")
    with contextlib.suppress(OSError, ValueError):
        if dispensable > int(path.read_text()):
            path.write_text(str(dispensable))


def still_alive(patience: float) -> None:
    """In a child, again and again: unless this is called once more within `patience` seconds, it prints where it hangs, and ends.

    A process that hangs is worse than one that died: nobody starts it again.
    """
    faulthandler.dump_traceback_later(patience, exit=True)


def end_with_parent() -> None:
    """In a child: when standard input ends, the parent is gone; end as if asked to, and after ten seconds in any case.

    Ctrl-C goes to the whole terminal; a child leaves it to the parent, which ends its children in their order.
    """

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(10)
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch, name="parent", daemon=True).start()
