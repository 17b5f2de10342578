"""B: a device with one fault about its battery fails the one clause that names it."""

from datetime import datetime, timedelta

import pytest

from simulator.virtual.firmware import Firmware
from simulator.virtual.flash import Lane, Letter, Says
from simulator.virtual.profile import ProfileName
from simulator.virtual.radio import Timer
from simulator.virtual.stimulus import Deed, Sign, Stimulus
from tests.faulty import fails


class LooksWhenItIsChanged(Firmware):
    """At its battery, and at no other time."""

    def rang(self, timer: Timer, now: datetime) -> None:
        if timer is Timer.HEARTBEAT:
            self.timers[timer] = now + self.next_heartbeat()
            self.heartbeat(now)
        else:
            super().rang(timer, now)


class Wavers(Firmware):
    def check_battery(self, now: datetime) -> None:
        if 20 < self.hardware.battery(now) < 30:
            self.flash.standing.discard("battery_low")
        super().check_battery(now)


class AlwaysFull(Firmware):
    def condition(self, now: datetime) -> Says:
        return super().condition(now) | {"battery": 100}


class SavesItself(Firmware):
    def sense(self, deed: Deed, now: datetime) -> None:
        if self.hardware.battery(now) > 10 or deed.stimulus is Stimulus.BATTERY:
            super().sense(deed, now)


class TriesTwice(Firmware):
    """What was under way at two starts is taken for the reason of them."""

    def boot(self, now: datetime) -> None:
        self.flash.alarms[:] = [letter for letter in self.flash.alarms if letter.sent < 2]
        super().boot(now)


class LowForEver(Firmware):
    def note(self, lane: Lane, says: Says, now: datetime, *, urgent: bool = False) -> Letter:
        return super().note(lane, {k: v for k, v in says.items() if k != "battery_low" or v}, now, urgent=urgent)


class SaysItToNobody(Firmware):
    def keep(self, letter: Letter) -> None:
        if self.mqtt.welcome or not letter.says.get("battery_low"):
            super().keep(letter)


class ShowsNothing(Firmware):
    def check_battery(self, now: datetime) -> None:
        super().check_battery(now)
        self.hardware.lamps.discard(Sign.BATTERY_LOW)


class TiresAfterThirtySixHours(Firmware):
    began: datetime | None = None

    def heartbeat(self, now: datetime) -> None:
        self.began = self.began or now
        if now - self.began < timedelta(hours=36):
            super().heartbeat(now)


@pytest.mark.parametrize(
    ("firmware", "number"),
    [
        pytest.param(LooksWhenItIsChanged, "B-02", id="looks at its battery when it is changed"),
        pytest.param(Wavers, "B-03", id="wavers with its battery"),
        pytest.param(AlwaysFull, "B-04", id="is always full"),
        pytest.param(SavesItself, "B-05", id="saves its battery for later"),
        pytest.param(TriesTwice, "B-06", id="tries twice"),
        pytest.param(LowForEver, "B-07", id="is low for ever"),
        pytest.param(SaysItToNobody, "B-08", id="says it while nobody hears"),
        pytest.param(ShowsNothing, "B-09", id="shows nothing"),
        pytest.param(TiresAfterThirtySixHours, "B-10", id="tires after thirty-six hours"),
    ],
)
def test_a_device_with_one_fault_about_its_battery_fails_the_clause_that_names_it(firmware: type[Firmware], number: str) -> None:
    assert fails(firmware, profile=ProfileName.SMOKE) == [number]
