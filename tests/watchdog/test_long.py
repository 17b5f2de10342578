"""The watchdog as a county runs it: a call a minute, by turns broken, each time said within 150 s; and an hour in which nothing is."""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

import pytest

from tests.guarded import Guarded, guarded, stopped
from tests.receiver import Receiver
from tests.service import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(5400)]

WITHIN_S = 150.0
COUNTY = {"every_s": 60, "patience_s": 20.0}
RECOVERY_S = 200.0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=120m", "anju-test", str(place)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"this test mounts a small tmpfs and must run as root where mounting is allowed: {done.stderr}"
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def no_files(pid: int) -> Iterator[None]:
    """The listener can take nobody in; everything that is open stays so."""
    limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    taken = {int(file.name) for file in Path(f"/proc/{pid}/fd").iterdir()}
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (next(n for n in range(1 << 16) if n not in taken), limit[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """To the last byte, and the reserve that was taken for calls with it; whatever becomes free is filled again."""
    over = Event()
    filler = disk / "filler"
    os.truncate(disk / "data" / "reserve", 0)

    def fill() -> None:
        with filler.open("ab", buffering=0) as file:
            while not over.is_set():
                try:
                    file.write(bytes(1 << 14))
                except OSError:
                    over.wait(0.02)

    filling = Thread(target=fill)
    filling.start()
    try:
        yield
    finally:
        over.set()
        filling.join()
        filler.unlink()


BREAKS: dict[str, Callable[[Guarded, Path], AbstractContextManager[None]]] = {
    "listener": lambda service, _: no_files(service.pid("alarm")),
    "loop": lambda service, _: stopped(service.pid("alarm")),
    "stream": lambda service, _: stopped(service.pid("web")),
    "journal": lambda _, disk: full(disk),
    "channel": lambda _, __: nullcontext(),
}
"""The channel's receiver is closed besides."""


@pytest.mark.parametrize("what", BREAKS)
def test_by_turns_broken_it_is_said_within_150_seconds_each_time(what: str, small: Path, tmp_path: Path) -> None:
    orderer = Receiver()
    notify = orderer.notify_file(tmp_path, ("shift_lead", "supervisor"))
    more = f'notify = "{notify}"\n[disk]\nreserve_mib = 16\nreadings_stop_mib = 8'
    with guarded(tmp_path, data=small / "data", more=more, **COUNTY) as service:
        matter = "channel:receiver" if what == "channel" else "calls"
        began = monotonic()
        if what == "channel":
            orderer.close()
        with BREAKS[what](service, small):
            [word] = until(f"a word of the {what}", lambda: service.words(matter), WITHIN_S, 0.1)
            assert word["said"] == "broken"
            print(f"{what}: {monotonic() - began:.0f} s: {word['sentence']['en']}")
        if what != "channel":
            until("well again", lambda: service.words()[-1]["said"] == "well", RECOVERY_S, 0.1)
            orderer.close()
        assert service.hook.bad == []


def test_while_all_is_well_nothing_is_said_for_an_hour(tmp_path: Path) -> None:
    with guarded(tmp_path, **COUNTY) as service:
        end = monotonic() + 3600
        while monotonic() < end:
            sleep(5)
            assert service.hook.calls == []
            assert service.post.mails == []
            assert not service.siren.exists()
        assert service.watched.seen >= 58
        assert service.watched.missed == 0
