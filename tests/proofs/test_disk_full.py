"""The disk fills: readings stop being acknowledged, calls still are; when nothing at all can be written, calls are shown and rung.

On a tmpfs of its own, mounted for the test, since a real full disk is the only honest one. Needs root, as a bare CI machine gives.
"""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from alerting.facts import AlertRaised
from tests.judging import judging, names
from tests.patience import PATIENCE_S
from tests.receiver import Receiver
from tests.service import Anju, Json, until

CALLS = 1000


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=240m", "anju-test", str(place)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"this test mounts a small tmpfs and must run as root where mounting is allowed: {done.stderr}"
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


class Filler:
    """Takes all the room there is, and leaves `keep` bytes of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self, keep: int = 0) -> None:
        with self.path.open("ab", buffering=0) as file:
            while True:
                status = os.statvfs(self.path)
                room = status.f_bavail * status.f_frsize - keep
                if room <= 0:
                    return
                try:
                    file.write(bytes(min(room, 1 << 20)))
                except OSError as problem:
                    if problem.errno != errno.ENOSPC:
                        raise
                    return

    def empty(self) -> None:
        self.path.unlink()


def problems(anju: Anju) -> str:
    answer = httpx.get(f"http://127.0.0.1:{anju.http_port}/readyz", trust_env=False, timeout=PATIENCE_S)
    return "" if answer.status_code == 200 else answer.text


def test_a_full_disk_costs_readings_and_no_call(small: Path, tmp_path: Path) -> None:
    receiver = Receiver()
    steps = [0.0, 0.5]
    words = (
        "--no-simulator", "--judging", str(judging(tmp_path, steps)), "--notify", str(receiver.notify_file(tmp_path, names(2))),
    )  # fmt: skip
    anju = Anju(small / "data", homes=1, words=words).start()
    filler = Filler(small / "filler")
    try:
        home: Json = anju.home()
        area = home["area"]
        readings, calls = anju.kit("readings"), anju.kit("calls")

        # Nearly full: readings are left with the kit.
        filler.fill(keep=8 << 20)
        until("word of it on /readyz", lambda: problems(anju))
        reading = readings.say(home, "watch", {"heart_rate": 71}, wait=False)
        for number in range(CALLS):
            calls.say({"area": area, "id": f"full-{number:04d}"}, "cord", {"pull_cord": True}, wait=number % 100 == 99)
        with anju.api() as client:
            until("a thousand calls", lambda: _count(client, "full-") == CALLS)
        assert not reading.is_published(), "a reading was acknowledged by a full disk"

        # Nothing left at all, the reserve included: shown and rung, marked, not acknowledged.
        for number in range(200):
            filler.fill()
            last = f"blind-{number:03d}"
            blind = calls.say({"area": area, "id": last}, "cord", {"pull_cord": True}, wait=False)
            until("the disk takes the call or it is said", lambda: blind.is_published() or "not even calls" in problems(anju))  # noqa: B023
            if not blind.is_published():
                break
        assert not blind.is_published(), "the disk never became full for calls"
        with anju.api() as client:
            [shown] = until("shown all the same", lambda: client.get("/alerts", params={"home": last}).json()["items"])
            assert shown["stored"] is False
        until("rung all the same", lambda: [b for _, _, b in receiver.calls if last in str(b)])
        assert not blind.is_published()
        assert "disk" in problems(anju)

        # Room again: everything is caught up by itself.
        filler.empty()
        until("the call is acknowledged", blind.is_published)
        until("the reading is acknowledged", reading.is_published)
        until("ready again", lambda: not problems(anju))
        with anju.api() as client:
            [stored] = client.get("/alerts", params={"home": last}).json()["items"]
        assert (stored["id"], stored["stored"]) == (shown["id"], True)
        readings.close()
        calls.close()
    finally:
        anju.stop()
        receiver.close()
    raised = [entry.home for _, entry in anju.entries() if isinstance(entry, AlertRaised)]
    assert len([h for h in raised if h.startswith("full-")]) == CALLS
    assert len(raised) == len(set(raised))


def _count(client: httpx.Client, prefix: str) -> int:
    total = 0
    cursor = ""
    while True:
        page = client.get("/alerts", params={"status": "open", "limit": 500, **({"cursor": cursor} if cursor else {})}).json()
        total += sum(alert["home"].startswith(prefix) for alert in page["items"])
        cursor = page["next"]
        if not cursor:
            return int(total)
