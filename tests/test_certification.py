"""The certification suite in virtual time: sound devices pass, a device with one fault fails the clause that names it."""

from datetime import datetime

import pytest

from simulator.certification.bench import Verdict
from simulator.certification.catalogue import load
from simulator.certification.features import reference
from simulator.certification.lab import examine_all
from simulator.certification.procedures import PROCEDURES
from simulator.certification.result import as_json, from_json
from simulator.virtual.firmware import Firmware
from simulator.virtual.profile import PROFILES, ProfileName

CLAUSES = load(PROCEDURES)


class ReadingsFirst(Firmware):
    """After an outage it empties its store before it says anything else."""

    def send_alarms(self, now: datetime) -> None:
        if not self.flash.readings:
            super().send_alarms(now)


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
    ("firmware", "number"),
    [pytest.param(ReadingsFirst, "A-02", id="readings before the alarm")],
)
def test_a_device_with_one_fault_fails_the_clause_that_names_it(firmware: type[Firmware], number: str) -> None:
    result = examine_all(CLAUSES, PROCEDURES, reference(PROFILES[ProfileName.PULL_CORD]), firmware=firmware)
    assert [one.number for one in result.verdicts if one.verdict is Verdict.FAIL] == [number]
