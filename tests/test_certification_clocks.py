"""K: a device with one fault of its clock fails the one clause that names it."""

from datetime import UTC, datetime, timedelta

import pytest

from simulator.virtual.firmware import Firmware
from simulator.virtual.flash import Letter
from simulator.virtual.radio import Timer
from simulator.virtual.speech import written
from tests.faulty import fails

WRAP = 2**31


class AsksOnce(Firmware):
    """For the time: when it starts."""

    asked = False

    def synchronise(self, now: datetime) -> None:
        if not self.asked:
            super().synchronise(now)
        self.asked = True


class BeatsByTheClock(Firmware):
    """The next heartbeat is at a time of day, and that may be a day away again."""

    def rang(self, timer: Timer, now: datetime) -> None:
        error = self.hardware.clock_error
        if timer is Timer.HEARTBEAT and error is not None and error < -timedelta(hours=12):
            self.timers[timer] = now - error
        else:
            super().rang(timer, now)


class BornIn1970(Firmware):
    def at(self, noted: datetime) -> str | None:
        return super().at(noted) or written(datetime(1970, 1, 1, tzinfo=UTC))


class StampsWhatItSends(Firmware):
    def send(self, letter: Letter, now: datetime) -> None:
        if not letter.sent:
            letter.at = self.at(now)
        super().send(letter, now)


class StampsWhatItFinds(Firmware):
    """What it finds in flash when it starts is of now to it."""

    def boot(self, now: datetime) -> None:
        super().boot(now)
        for letter in self.flash.alarms:
            letter.at = written(now)


class DateOfAnotherZone(Firmware):
    def at(self, noted: datetime) -> str | None:
        said, error = super().at(noted), self.hardware.clock_error
        return None if said is None or error is None else f"{(noted + error).astimezone(UTC):%Y-%m-%d}{said[10:]}"


class ThirtyTwoBits(Firmware):
    def at(self, noted: datetime) -> str | None:
        error = self.hardware.clock_error
        if error is None:
            return None
        moment = noted + error
        return written(moment - timedelta(seconds=2 * WRAP) if moment.timestamp() >= WRAP else moment)


class NoLeapYears(Firmware):
    def at(self, noted: datetime) -> str | None:
        said = super().at(noted)
        return None if said is None else said.replace("-02-29T", "-03-01T")


@pytest.mark.parametrize(
    ("firmware", "numbers"),
    [
        pytest.param(AsksOnce, ["K-03"], id="asks for the time once"),
        pytest.param(BeatsByTheClock, ["K-04"], id="a heartbeat by the time of day"),
        pytest.param(BornIn1970, ["K-05"], id="1970 before it knows better"),
        pytest.param(StampsWhatItSends, ["K-06"], id="the time of sending"),
        pytest.param(StampsWhatItFinds, ["K-07"], id="the time of the start"),
        pytest.param(DateOfAnotherZone, ["K-08"], id="a date of one zone and a time of another"),
        pytest.param(ThirtyTwoBits, ["K-09"], id="2038 is 1901"),
        pytest.param(NoLeapYears, ["K-10"], id="no 29 February"),
    ],
)
def test_a_device_with_one_fault_of_its_clock_fails_the_clause_that_names_it(firmware: type[Firmware], numbers: list[str]) -> None:
    assert fails(firmware) == numbers
