"""The certification suite in virtual time: sound devices pass, a device with one fault fails the clause that names it."""

from datetime import datetime, timedelta

import msgspec
import pytest

from devices.mqtt.packets import Connack, Will
from simulator.certification.bench import Verdict
from simulator.certification.catalogue import load
from simulator.certification.features import reference
from simulator.certification.lab import examine_all
from simulator.certification.procedures import PROCEDURES
from simulator.certification.result import as_json, from_json
from simulator.virtual.firmware import Firmware
from simulator.virtual.flash import Letter
from simulator.virtual.profile import PROFILES, ProfileName
from simulator.virtual.radio import Shown, Timer

CLAUSES = load(PROCEDURES)


class ReadingsFirst(Firmware):
    """After an outage it empties its store before it says anything else."""

    def send_alarms(self, now: datetime) -> None:
        if not self.flash.readings:
            super().send_alarms(now)


class AlarmInMemory(Firmware):
    """What is not sent is in RAM alone."""

    def boot(self, now: datetime) -> None:
        self.flash.alarms.clear()
        super().boot(now)


class AnotherIdEachTime(Firmware):
    def payload(self, letter: Letter) -> bytes:
        letter.id = self.new_id()
        return super().payload(letter)


class NoWill(Firmware):
    def will(self) -> Will | None:
        return None


class TrustsAnybody(Firmware):
    def trusts(self, shown: Shown) -> bool:
        return True


class LocalTime(Firmware):
    """Without its offset."""

    def at(self, noted: datetime) -> str | None:
        said = super().at(noted)
        return None if said is None else said.removesuffix("+08:00")


class Sleeper(Firmware):
    """It connects when it has something to say, and says goodbye."""

    def welcomed(self, connack: Connack, now: datetime) -> None:
        super().welcomed(connack, now)
        self.timers[Timer.RETRY] = now + timedelta(seconds=5)

    def rang(self, timer: Timer, now: datetime) -> None:
        if timer is Timer.RETRY and self.mqtt.welcome and not self.flying:
            self.mqtt.close()
            self.wants_line = False
        else:
            super().rang(timer, now)

    def line_down(self, now: datetime) -> None:
        super().line_down(now)
        if not (self.flash.alarms or self.flash.readings):
            self.timers.pop(Timer.CONNECT, None)

    def keep(self, letter: Letter) -> None:
        super().keep(letter)
        if not self.wants_line:
            self.timers.setdefault(Timer.CONNECT, letter.noted)


@pytest.mark.parametrize("level", [4, 5])
@pytest.mark.parametrize("profile", list(ProfileName))
def test_the_reference_device_of_each_profile_passes_everything_that_applies(profile: ProfileName, level: int) -> None:
    result = examine_all(CLAUSES, PROCEDURES, reference(PROFILES[profile]), level=level)
    sound = (Verdict.PASS, Verdict.NOT_APPLICABLE)
    wrong = [(one.number, one.verdict, one.reason.en) for one in result.verdicts if one.verdict not in sound]
    assert wrong == []
    assert result.passed


def test_the_same_seed_gives_the_same_result_to_the_byte() -> None:
    features = reference(PROFILES[ProfileName.PULL_CORD])
    one = as_json(examine_all(CLAUSES, PROCEDURES, features, seed="7"))
    assert one == as_json(examine_all(CLAUSES, PROCEDURES, features, seed="7"))
    assert one != as_json(examine_all(CLAUSES, PROCEDURES, features, seed="8"))
    assert as_json(from_json(one)) == one


@pytest.mark.parametrize(
    ("firmware", "numbers"),
    [
        pytest.param(ReadingsFirst, ["A-02"], id="readings before the alarm"),
        pytest.param(AlarmInMemory, ["A-13"], id="an alarm that is lost with the power"),
        pytest.param(AnotherIdEachTime, ["A-06"], id="a new id each time"),
        pytest.param(NoWill, ["S-10"], id="no will"),
        pytest.param(TrustsAnybody, ["C-15", "C-16", "C-17"], id="any certificate will do"),
        pytest.param(LocalTime, ["K-01"], id="local time without its offset"),
    ],
)
def test_a_device_with_one_fault_fails_the_clauses_that_name_it(firmware: type[Firmware], numbers: list[str]) -> None:
    result = examine_all(CLAUSES, PROCEDURES, reference(PROFILES[ProfileName.PULL_CORD]), firmware=firmware)
    assert [one.number for one in result.verdicts if one.verdict is Verdict.FAIL] == numbers


def test_a_device_that_sleeps_without_a_line_is_heard_when_it_wakes() -> None:
    stated = reference(PROFILES[ProfileName.PENDANT])
    stated = msgspec.structs.replace(stated, connection=msgspec.structs.replace(stated.connection, sleeps=True))
    only = frozenset({"C-01", "C-07", "C-08", "I-01", "I-03", "S-01", "S-08", "S-10", "H-01", "A-01", "A-03", "A-07", "A-11"})
    result = examine_all(CLAUSES, PROCEDURES, stated, firmware=Sleeper, only=only)
    verdicts = {one.number: one.verdict for one in result.verdicts}
    assert {number for number, verdict in verdicts.items() if verdict is Verdict.NOT_APPLICABLE} == {"C-07", "C-08"}
    assert {verdict for number, verdict in verdicts.items() if number not in ("C-07", "C-08")} == {Verdict.PASS}, verdicts
