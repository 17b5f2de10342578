"""What takes long is done by a process of its own, at a low priority, gone afterwards: it stands between no alarm and the screens."""

import asyncio
import os
import subprocess
import sys

NICE = 15


async def made(module: str, *words: str) -> bytes:
    """What `python -m module words` writes. RuntimeError when it fails; whoever is cancelled meanwhile ends it."""
    making = _Making([sys.executable, "-m", module, *words])
    try:
        body, ended_with = await asyncio.to_thread(making.run)
    finally:
        making.give_up()
    if ended_with != 0:
        raise RuntimeError(f"{module} ended with {ended_with}")
    return body


class _Making:
    """By vfork, on a thread: a fork copies the tables of all this process's memory, milliseconds in which no console is served."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._child: subprocess.Popen[bytes] | None = None
        self._given_up = False

    def run(self) -> tuple[bytes, int]:
        """What it wrote, and how it ended. It gives way from here on, before it has loaded anything."""
        with subprocess.Popen(self._words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as child:  # noqa: S603 - our own modules
            _step_back(child.pid)
            self._child = child
            if self._given_up:
                child.kill()
            body, _ = child.communicate()
        return body, child.returncode

    def give_up(self) -> None:
        """Nobody wants it any more; one that has ended does not mind."""
        self._given_up = True
        if self._child is not None:
            self._child.kill()


def answer(body: bytes) -> None:
    """In the child, at its end."""
    sys.stdout.buffer.write(body)


def give_way() -> None:
    """In the child, at its beginning, whoever started it."""
    _step_back(0)


def _step_back(process: int) -> None:
    """Never forward again, which only root may do. One that has ended is there until it is waited for."""
    os.setpriority(os.PRIO_PROCESS, process, max(NICE, os.getpriority(os.PRIO_PROCESS, process)))
