"""A machine whose clocks stand where the test has set them, for a whole service: the service's own readings, `gateway.clock.Readings`.

Every process of the service is given them as it starts. Sockets and timers of the system go by real time as ever; what the service
calls time is the machine's, and goes on from where it was set. It is only ever set forwards, as time goes.
"""

import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import CLOCK_BOOTTIME, clock_gettime

SITE = """
import mmap
import struct
from datetime import timedelta
from pathlib import Path

from msgspec.structs import force_setattr

from gateway import clock

real = clock.Readings(clock.MACHINE.wall, clock.MACHINE.boottime, clock.MACHINE.boot_id)
with open(Path(__file__).with_name("ahead"), "rb") as file:
    ahead = mmap.mmap(file.fileno(), 16, access=mmap.ACCESS_READ)
force_setattr(clock.MACHINE, "wall", lambda: real.wall() + timedelta(seconds=struct.unpack_from("<d", ahead)[0]))
force_setattr(clock.MACHINE, "boottime", lambda: real.boottime() + struct.unpack_from("<d", ahead, 8)[0])
"""


class Machine:
    """`site` is to stand before the project on the module path of the service."""

    def __init__(self, folder: Path, began_at: datetime) -> None:
        self.site = folder / "site"
        self.site.mkdir()
        (self.site / "sitecustomize.py").write_text(SITE)
        self._began_at, self._began_s = began_at, clock_gettime(CLOCK_BOOTTIME)
        self._latest_s = 0.0
        self._ahead = (self.site / "ahead").open("wb", buffering=0)
        self.stands_at(0.0)

    def stands_at(self, second: float) -> None:
        """So long after the beginning, unless it is later already."""
        passed = clock_gettime(CLOCK_BOOTTIME) - self._began_s
        self._latest_s = max(self._latest_s, second - passed)
        wall = self._began_at + timedelta(seconds=self._latest_s + passed) - datetime.now(UTC)  # noqa: TID251 - the real one
        self._ahead.seek(0)
        self._ahead.write(struct.pack("<dd", wall.total_seconds(), self._latest_s))

    def close(self) -> None:
        self._ahead.close()
