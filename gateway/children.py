"""The processes that `up` and `serve` start and watch. Each may die alone; it is started again, and the others go on.

A child ends when its standard input does (`end_with_parent`), so a killed parent leaves no orphan holding ports and data.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from time import monotonic

CALM_S = 10.0
"""A child that lived this long was well; the pause before its next start is none."""

LONGEST_PAUSE_S = 1.0
"""A half that fails at every start is tried again once a second: while it is away nobody hears."""


class Child:
    """One process, started again whenever it ends by itself. `told` gets one line for every start after the first."""

    def __init__(self, name: str, words: list[str], told: Callable[[str], None]) -> None:
        self.name = name
        self.process: asyncio.subprocess.Process | None = None
        self._words = words
        self._told = told
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Until `stop()`."""
        pause = 0.0
        while True:
            began = monotonic()
            self.process = await asyncio.create_subprocess_exec(sys.executable, *self._words, stdin=asyncio.subprocess.PIPE)
            code = await self.process.wait()
            if self._stopping.is_set():
                return
            pause = 0.0 if monotonic() - began > CALM_S else min(LONGEST_PAUSE_S, 2 * pause + 0.1)
            if code == 0:
                await asyncio.sleep(0.3)  # told to end by the signal that is on its way to us too
                if self._stopping.is_set():
                    return
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            self._told(f"{self.name} {how}; starting it again" + (f" in {pause:.1f} s" if pause else ""))
            await asyncio.sleep(pause)
            if self._stopping.is_set():
                return

    async def stop(self, patience: float = 8.0) -> None:
        self._stopping.set()
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            self._told(f"{self.name} did not end within {patience:.0f} s and was killed")
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


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
