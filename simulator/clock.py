"""Virtual time and its place on the wall clock. The simulator's only reader of the wall clock.

A simulation lives in virtual seconds since its start and never looks at a clock; this maps them. At speed 60 a virtual minute takes a
second. Devices stamp what they say with the wall-clock instant at which it is said, at any speed: the platform lives by the wall clock,
and a report from tomorrow would only be a device with a wrong clock.
"""

import time
from datetime import UTC, datetime, timedelta, timezone

import msgspec

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
DAY_S = 86400.0


class Clock(msgspec.Struct, frozen=True):
    """`began_at` and `began_s` are one moment, on the wall clock and on the monotonic one."""

    began_at: datetime
    began_s: float
    speed: float = 1.0

    def due_s(self, virtual_s: float) -> float:
        """The monotonic second at which a virtual moment comes."""
        return self.began_s + virtual_s / self.speed

    def virtual_s(self, monotonic_s: float) -> float:
        return (monotonic_s - self.began_s) * self.speed

    def wall(self, virtual_s: float) -> datetime:
        """What a device's clock shows at a virtual moment, UTC."""
        return self.began_at + timedelta(seconds=virtual_s / self.speed)

    def earlier(self, seconds: float) -> "Clock":
        """The same clock for a world that began so many virtual seconds before this one."""
        past = seconds / self.speed
        return Clock(self.began_at - timedelta(seconds=past), self.began_s - past, self.speed)

    @property
    def local_s(self) -> float:
        """Seconds since midnight in the homes' time zone at the start."""
        local = self.began_at.astimezone(CHINA)
        return local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6

    @property
    def boot(self) -> str:
        """What this run's report ids begin with: another run never repeats them, else its calls would be old news."""
        return f"{int(self.began_at.timestamp() * 1000):x}"


def begin(speed: float = 1.0) -> Clock:
    return Clock(datetime.fromtimestamp(time.time(), UTC), time.monotonic(), speed)  # noqa: TID251 - the one instant a run is given
