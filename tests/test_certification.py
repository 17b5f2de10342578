"""The certification suite in virtual time: sound devices pass, a device with one fault fails the clause that names it."""

from datetime import datetime, timedelta

import msgspec
import pytest

from devices.mqtt.packets import Connack, Will
from simulator.certification.bench import Verdict
from simulator.certification.catalogue import FLOOD, load
from simulator.certification.course import Course
from simulator.certification.examination import selected
from simulator.certification.features import reference
from simulator.certification.lab import EPOCH, examine, examine_all
from simulator.certification.procedures import PROCEDURES
from simulator.certification.result import ClauseVerdict, as_json, from_json
from simulator.virtual.firmware import Firmware
from simulator.virtual.flash import Letter
from simulator.virtual.profile import PROFILES, ProfileName
from simulator.virtual.radio import Shown, Timer
from simulator.virtual.stimulus import Deed

CLAUSES = load(PROCEDURES)
BRIEF = frozenset(clause.number for clause in CLAUSES if clause.entries == FLOOD)
CORD = reference(PROFILES[ProfileName.PULL_CORD])
SOAKS = frozenset(clause.number for clause in CLAUSES) - BRIEF


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
    _passes(profile, BRIEF, level)


@pytest.mark.long
@pytest.mark.parametrize("profile", list(ProfileName))
def test_the_reference_device_of_each_profile_passes_what_takes_weeks(profile: ProfileName) -> None:
    _passes(profile, SOAKS, 4)


def test_one_reference_device_passes_what_takes_weeks() -> None:
    _passes(ProfileName.DOOR, SOAKS, 5)


def _passes(profile: ProfileName, numbers: frozenset[str], level: int) -> None:
    result = examine_all(CLAUSES, PROCEDURES, reference(PROFILES[profile]), level=level, only=numbers)
    sound = (Verdict.PASS, Verdict.NOT_APPLICABLE)
    wrong = [(one.number, one.verdict, one.reason.en) for one in result.verdicts if one.verdict not in sound]
    assert wrong == []
    assert result.passed


def test_the_same_seed_gives_the_same_result_to_the_byte() -> None:
    features = reference(PROFILES[ProfileName.PULL_CORD])
    one = as_json(examine_all(CLAUSES, PROCEDURES, features, seed="7", only=BRIEF))
    assert one == as_json(examine_all(CLAUSES, PROCEDURES, features, seed="7", only=BRIEF))
    assert one != as_json(examine_all(CLAUSES, PROCEDURES, features, seed="8", only=BRIEF))
    assert as_json(from_json(one)) == one


@pytest.mark.parametrize(
    ("firmware", "numbers"),
    [
        pytest.param(ReadingsFirst, ["A-02"], id="readings before the alarm"),
        pytest.param(AlarmInMemory, ["A-13"], id="an alarm that is lost with the power"),
        pytest.param(AnotherIdEachTime, ["A-06"], id="a new id each time"),
        pytest.param(NoWill, ["S-10"], id="no will"),
        pytest.param(TrustsAnybody, ["C-15"], id="any certificate will do"),
        pytest.param(LocalTime, ["K-01"], id="local time without its offset"),
    ],
)
def test_a_device_with_one_fault_fails_the_clauses_that_name_it(firmware: type[Firmware], numbers: list[str]) -> None:
    result = examine_all(CLAUSES, PROCEDURES, reference(PROFILES[ProfileName.PULL_CORD]), firmware=firmware, only=BRIEF)
    assert [one.number for one in result.verdicts if one.verdict is Verdict.FAIL] == numbers


def test_a_device_that_sleeps_without_a_line_is_heard_when_it_wakes() -> None:
    stated = reference(PROFILES[ProfileName.PENDANT])
    stated = msgspec.structs.replace(stated, connection=msgspec.structs.replace(stated.connection, sleeps=True))
    only = frozenset({"C-01", "C-07", "C-08", "I-01", "I-03", "S-01", "S-08", "S-10", "H-01", "A-01", "A-03", "A-07", "A-11"})
    result = examine_all(CLAUSES, PROCEDURES, stated, firmware=Sleeper, only=only)
    verdicts = {one.number: one.verdict for one in result.verdicts}
    assert {number for number, verdict in verdicts.items() if verdict is Verdict.NOT_APPLICABLE} == {"C-07", "C-08"}
    assert {verdict for number, verdict in verdicts.items() if number not in ("C-07", "C-08")} == {Verdict.PASS}, verdicts


class FeelsNothing(Firmware):
    def sense(self, deed: Deed, now: datetime) -> None:
        pass


def _measured(course: Course, number: str, firmware: type[Firmware] = Firmware) -> tuple[list[str], ClauseVerdict]:
    """Which clauses are measured for the verdict of one, and the verdict."""
    asked: list[str] = []
    steps = course.verdict(number)
    try:
        clause = next(steps)
        while True:
            asked.append(clause.number)
            clause = steps.send(examine(clause, PROCEDURES[clause.procedure], CORD, level=4, firmware=firmware))
    except StopIteration as ended:
        return asked, ended.value


def test_a_failure_is_believed_once_the_clauses_that_it_rests_on_have_passed() -> None:
    """A device that never calls fails F-01; A-01 says why, and is measured for it though nobody asked."""
    course = Course(selected(CLAUSES, CORD, level=4, virtual=True), lambda: EPOCH)
    asked, found = _measured(course, "F-01", FeelsNothing)
    assert asked == ["F-01", "A-01"]
    assert (found.verdict, found.reason.en) == (Verdict.INCONCLUSIVE, "what A-01 is about stands in the way of this")
    asked, found = _measured(course, "A-01", FeelsNothing)
    assert (asked, found.verdict) == ([], Verdict.FAIL)  # it is known: nobody is asked to press again


def test_a_sound_device_is_examined_by_the_clause_alone() -> None:
    asked, found = _measured(Course(selected(CLAUSES, CORD, level=4, virtual=True), lambda: EPOCH), "F-01")
    assert (asked, found.verdict) == (["F-01"], Verdict.PASS)
