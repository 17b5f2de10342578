"""A body that goes the way of a published course: its signs leave the resident's own and follow the course's lines."""

from bisect import bisect_left

import msgspec

from benchmarks.county.emergencies import Course
from simulator.body import Body, Illness
from simulator.home import VirtualHome
from simulator.wire import Values


class Stricken(Body):
    """The resident's own body until `begins` (a virtual second) and again once the course has ended; a mat sees the pulse too."""

    def __init__(self, home: VirtualHome, course: Course, begins: float, ends: float) -> None:
        super().__init__(f"{home.seed}:body", home.occupant.health)
        self.phase, self.episode = home.body.phase, home.body.episode
        self.illness = Illness(begins - Illness.COMES_S, ends, fever=0.0, spo2=0.0)
        """Who is so ill does not go to market."""
        self._course, self._begins, self._ends = course, begins, ends

    def vitals(self, now: float, local_s: float, effort: float, since_s: float) -> Values:
        own = super().vitals(now, local_s, effort, since_s)
        if not self._begins <= now < self._ends:
            return own
        hour, course = (now - self._begins) / 3600, self._course
        changed: dict[str, float] = {}
        for name in ("heart_rate", "spo2", "body_temperature", "systolic"):
            line, value = getattr(course, name), getattr(own, name)
            if line and value is not msgspec.UNSET:
                changed[name] = round(self._at(hour, value, line), 1 if name == "body_temperature" else None)
        return msgspec.structs.replace(own, **changed)

    def heart_and_breath(self, now: float, local_s: float, effort: float) -> tuple[float, float]:
        rate, breath = super().heart_and_breath(now, local_s, effort)
        if self._begins <= now < self._ends and self._course.heart_rate:
            rate = self._at((now - self._begins) / 3600, rate, self._course.heart_rate)
        return rate, breath

    def _at(self, hour: float, own: float, line: tuple[float, ...]) -> float:
        """Between two columns; before the first from the resident's own, whose noise fades out on the way."""
        hours = self._course.hours
        place = bisect_left(hours, hour)
        if place == len(hours):
            return line[-1]
        since, value = (hours[place - 1], line[place - 1]) if place else (0.0, own)
        return value + (line[place] - value) * (hour - since) / (hours[place] - since)
