"""What takes long is made by a process of its own: which gives way, and ends with whoever wanted it."""

import asyncio
import os
from pathlib import Path

import pytest

from gateway.evidence import apart
from tests.patience import PATIENCE_S

GIVES_WAY = """
import os, time
while os.getpriority(os.PRIO_PROCESS, 0) < {nice}:
    time.sleep(0.01)
print("given way")
"""

WAITS = """
import os, pathlib, time
pathlib.Path({path!r}).write_text(str(os.getpid()))
time.sleep(3600)
"""


async def ran(statement: str) -> bytes:
    async with asyncio.timeout(PATIENCE_S):
        return await apart.made("timeit", "-n1", "-r1", statement)


def test_it_gives_way_without_doing_anything_for_it() -> None:
    assert b"given way\n" in asyncio.run(ran(GIVES_WAY.format(nice=apart.NICE)))


def test_one_that_fails_is_told() -> None:
    with pytest.raises(RuntimeError, match="timeit ended with 1"):
        asyncio.run(ran("raise SystemExit(1)"))


def test_it_ends_with_whoever_wanted_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    async def story() -> int:
        making = asyncio.create_task(ran(WAITS.format(path=str(pid))))
        while not pid.exists() or not pid.read_text():
            await asyncio.sleep(0.01)
            assert not making.done()
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making
        return int(pid.read_text())

    child = asyncio.run(story())
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_one_that_nobody_wants_any_more_while_it_is_started_ends_too(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    async def story() -> None:
        making = asyncio.create_task(ran(WAITS.format(path=str(pid))))
        await asyncio.sleep(0)  # it has gone to its thread, and the child is being started there
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making

    asyncio.run(story())  # which waits for its threads
    ours = [int(p.parent.name) for p in Path("/proc").glob("[0-9]*/cmdline") if str(pid).encode() in _read(p)]
    assert ours == []


def _read(path: Path) -> bytes:
    """Of a process that may have ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
