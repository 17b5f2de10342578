"""The suite is measured: a device with one fault fails the clause that names the fault, and no clause that has nothing to do with it."""

from random import Random

import pytest

from simulator.__main__ import main
from simulator.certification.catalogue import load
from simulator.certification.features import reference
from simulator.certification.lab import examine_all
from simulator.certification.mutation import examined
from simulator.certification.procedures import PROCEDURES
from simulator.virtual.mutants import MUTANTS
from simulator.virtual.mutants.mutant import Mutant
from simulator.virtual.profile import PROFILES, ProfileName

CLAUSES = load(PROCEDURES)
NUMBERS = {clause.number for clause in CLAUSES}
NAMED = [mutant for mutant in MUTANTS if mutant.fails]
UNNAMED = [mutant for mutant in MUTANTS if not mutant.fails]
ORDINARILY = Random(20).sample(NAMED, len(NAMED) // 3)
REST = [mutant for mutant in NAMED if mutant not in ORDINARILY]


def _as_recorded(mutant: Mutant) -> None:
    row = examined(mutant, CLAUSES)
    assert mutant.fails in row.failed
    assert set(row.astray) <= {also.clause for also in mutant.also if also.mistaken}


@pytest.mark.parametrize("mutant", ORDINARILY, ids=lambda mutant: mutant.name)
def test_a_fault_fails_the_clause_that_names_it(mutant: Mutant) -> None:
    _as_recorded(mutant)


@pytest.mark.long
@pytest.mark.parametrize("mutant", REST, ids=lambda mutant: mutant.name)
def test_every_other_fault_fails_the_clause_that_names_it(mutant: Mutant) -> None:
    _as_recorded(mutant)


@pytest.mark.long
@pytest.mark.parametrize("mutant", UNNAMED, ids=lambda mutant: mutant.name)
def test_a_fault_that_no_clause_names_fails_none(mutant: Mutant) -> None:
    assert examined(mutant, CLAUSES).failed == (), "a clause sees it now: it belongs into the record"


@pytest.mark.parametrize("name", ProfileName)
def test_a_device_without_a_fault_fails_nothing(name: ProfileName) -> None:
    assert examine_all(CLAUSES, PROCEDURES, reference(PROFILES[name])).passed


def test_there_are_sixty_mutants_and_more_and_twenty_come_from_trackers_of_real_firmware() -> None:
    assert len(MUTANTS) >= 60
    assert len({mutant.name for mutant in MUTANTS}) == len({mutant.firmware for mutant in MUTANTS}) == len(MUTANTS)
    assert len({mutant.source for mutant in MUTANTS if mutant.found_in_the_field}) >= 20
    assert {mutant.profile for mutant in MUTANTS} == set(ProfileName)


def test_a_record_names_clauses_that_there_are_and_says_why_a_second_one_sees_the_fault() -> None:
    for mutant in MUTANTS:
        named = [mutant.fails] if mutant.fails else []
        assert {*named, *(also.clause for also in mutant.also)} <= NUMBERS, mutant.name
        assert mutant.fails not in {also.clause for also in mutant.also}, mutant.name
        assert mutant.fails or not mutant.also, mutant.name
        assert all(also.why for also in mutant.also), mutant.name
        assert mutant.title.zh, mutant.name
        assert mutant.title.en, mutant.name


def test_the_table_is_printed_and_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certify", "mutants", "retained_alarm"]) == 0
    assert "1 mutants: 1 caught" in capsys.readouterr().out
    assert main(["certify", "mutants", "no_such_fault"]) == 2
    assert "no_such_fault" in capsys.readouterr().err
