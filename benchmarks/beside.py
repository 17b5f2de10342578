"""What else the machine may be busy with while alarms are timed; each a process, or several, that end with the block.

`python -m benchmarks.beside disk FOLDER` writes and syncs a mebibyte over and over; `watch PORT TOKEN COUNT` is so many consoles
that read their streams and do nothing else.
"""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from benchmarks.driven import ROOT
from benchmarks.listening import ServerSent
from benchmarks.mosquitto import ended

MIB = bytes(1 << 20)
FILE_MIB = 128


@contextmanager
def core() -> Iterator[None]:
    """One core, as far as the kernel gives it."""
    with ended(subprocess.Popen([sys.executable, "-c", "while True: pass"])):
        yield


@contextmanager
def disk(folder: Path) -> Iterator[None]:
    with _told("disk", str(folder)):
        yield


@contextmanager
def consoles(port: int, token: str, count: int) -> Iterator[None]:
    """All of them connected when this returns."""
    with _told("watch", str(port), token, str(count)):
        yield


@contextmanager
def office(port: int, token: str, username: str, password: str, area: str) -> Iterator[None]:
    """See `desk_work`."""
    with _ready([sys.executable, "-m", "benchmarks.desk_work", str(port), token, username, password, area]):
        yield


@contextmanager
def _told(*words: str) -> Iterator[None]:
    with _ready([sys.executable, "-m", "benchmarks.beside", *words]):
        yield


@contextmanager
def _ready(command: list[str]) -> Iterator[None]:
    with ended(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)) as process:
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"{command[2]} did not begin")
        yield


def _write(folder: Path) -> None:
    with TemporaryFile(dir=folder, buffering=0) as file:
        print("ready", flush=True)
        while True:
            file.seek(0)
            for _ in range(FILE_MIB):
                file.write(MIB)
                os.fsync(file.fileno())


def _watch(port: int, token: str, count: int) -> None:
    streams = [ServerSent(port, token) for _ in range(count)]
    poll = select.poll()
    for stream in streams:
        poll.register(stream, select.POLLIN)
    print("ready", flush=True)
    while True:
        for number, _ in poll.poll():
            if not os.read(number, 1 << 18):
                sys.exit("a console's stream was closed")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["disk", folder]:
            _write(Path(folder))
        case ["watch", port, token, count]:
            _watch(int(port), token, int(count))
