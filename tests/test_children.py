"""The processes that are watched: whatever ends one, or keeps one from starting, it is tried again; and told to end, each ends."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from gateway.children import Child
from tests.patience import PATIENCE_S, ended
from tests.service import ROOT

SLEEPS = ["-c", "import sys; sys.stdin.read()"]
ENDS_AT_ONCE = ["-c", "import sys; sys.exit(3)"]
DEAF = ["-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"]


@asynccontextmanager
async def watched(words: list[str], told: Callable[[str], None]) -> AsyncIterator[Child]:
    child = Child("the child", words, told)
    running = asyncio.create_task(child.run())
    try:
        yield child
    finally:
        await child.stop(patience=0.5)
        await ended(running, PATIENCE_S)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


def alive(child: Child) -> bool:
    return child.process is not None and child.process.returncode is None


@contextmanager
def no_more_files() -> Iterator[None]:
    """As when the machine is at its limits: whatever is to be opened now cannot be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_one_that_is_killed_is_started_again() -> None:
    async def story() -> None:
        told: list[str] = []
        async with watched(SLEEPS, told.append) as child:
            await until(lambda: alive(child))
            assert child.process is not None
            first = child.process.pid
            child.process.kill()
            await until(lambda: alive(child) and child.process is not None and child.process.pid != first)
            assert told == ["the child was killed by signal 9; starting it again in 0.1 s"]

    asyncio.run(story())


def test_one_that_cannot_be_started_now_is_started_when_it_can_be() -> None:
    async def story() -> None:
        told: list[str] = []
        async with watched(SLEEPS, told.append) as child:
            await until(lambda: alive(child))
            with no_more_files():
                assert child.process is not None
                child.process.kill()
                await until(lambda: any("could not be started (Too many open files)" in line for line in told))
            await until(lambda: alive(child))

    asyncio.run(story())


def test_one_that_ends_at_every_start_is_tried_about_once_a_second() -> None:
    async def story() -> None:
        told: list[str] = []
        async with watched(ENDS_AT_ONCE, told.append):
            await until(lambda: len(told) == 4)
        assert [line.rpartition(" in ")[2] for line in told] == ["0.1 s", "0.3 s", "0.7 s", "1.0 s"]

    asyncio.run(story())


def test_told_to_end_while_it_is_being_started_it_ends() -> None:
    async def story() -> None:
        for turns in range(8):
            child = Child("the child", SLEEPS, lambda _: None)
            running = asyncio.create_task(child.run())
            for _ in range(turns):
                await asyncio.sleep(0)
            await child.stop()
            await ended(running, PATIENCE_S)
            assert not alive(child)

    asyncio.run(story())


def test_one_that_does_not_listen_is_killed() -> None:
    async def story() -> None:
        told: list[str] = []
        child = Child("the child", DEAF, told.append)
        running = asyncio.create_task(child.run())
        await until(lambda: alive(child) and ignores(child, signal.SIGTERM))
        await child.stop(patience=0.2)
        await ended(running, PATIENCE_S)
        assert told == ["the child did not end within 0 s and was killed"]

    asyncio.run(story())


def ignores(child: Child, number: signal.Signals) -> bool:
    assert child.process is not None
    status = (Path("/proc") / str(child.process.pid) / "status").read_text()
    [mask] = [line.split()[1] for line in status.splitlines() if line.startswith("SigIgn")]
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_that_nobody_reads_the_log_any_more_ends_no_watch() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    script = "from gateway.app import say; say('killed by signal 9; starting it again'); say('and again'); import os; os._exit(7)"
    done = subprocess.run([sys.executable, "-c", script], stderr=writing, cwd=ROOT, check=False)
    os.close(writing)
    assert done.returncode == 7


def test_a_process_that_hangs_ends_and_says_where() -> None:
    script = "from gateway.children import still_alive\nimport time\nstill_alive(30)\ntime.sleep(0.1)\nstill_alive(0.3)\ntime.sleep(60)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert "line 6" in done.stderr
