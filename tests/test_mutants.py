"""The suite is measured: a device with one fault fails the clause that names the fault, and no clause that has nothing to do with it."""

from pathlib import Path
from random import Random

import pytest

from simulator.__main__ import main
from simulator.certification.bench import Verdict
from simulator.certification.catalogue import FLOOD, load
from simulator.certification.features import reference
from simulator.certification.lab import examine_all
from simulator.certification.mutation import examined
from simulator.certification.procedures import PROCEDURES
from simulator.virtual.mutants import MUTANTS
from simulator.virtual.mutants.mutant import Mutant
from simulator.virtual.profile import PROFILES, ProfileName

CLAUSES = load(PROCEDURES)
CLAUSE = {clause.number: clause for clause in CLAUSES}
SOAKED = [mutant for mutant in MUTANTS if CLAUSE[mutant.fails].entries > FLOOD]
"""Their faults show after days of virtual time, or tens of thousands of messages."""
ORDINARILY = Random(20).sample([mutant for mutant in MUTANTS if mutant.profile not in CLAUSE["S-18"].profiles], 4)
"""Of kinds whose column has no clause of 65,535 messages."""
REST = [mutant for mutant in MUTANTS if mutant not in ORDINARILY]
PAGE = Path(__file__).parent.parent / "docs" / "mutants.md"


@pytest.mark.parametrize("mutant", [mutant for mutant in MUTANTS if mutant not in SOAKED], ids=lambda mutant: mutant.name)
def test_a_fault_fails_each_clause_that_its_record_names(mutant: Mutant) -> None:
    _each_fails(mutant)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", SOAKED, ids=lambda mutant: mutant.name)
def test_a_fault_that_shows_late_fails_each_clause_that_its_record_names(mutant: Mutant) -> None:
    _each_fails(mutant)


def _each_fails(mutant: Mutant) -> None:
    named = frozenset({mutant.fails, *(also.clause for also in mutant.also)})
    features = reference(PROFILES[mutant.profile])
    result = examine_all(CLAUSES, PROCEDURES, features, level=mutant.level, firmware=mutant.firmware, only=named)
    assert {one.number: one.verdict for one in result.verdicts} == dict.fromkeys(named, Verdict.FAIL)


@pytest.mark.parametrize("mutant", ORDINARILY, ids=lambda mutant: mutant.name)
def test_a_fault_fails_no_other_clause(mutant: Mutant) -> None:
    row = examined(mutant, CLAUSES)
    assert row.astray == ()
    assert row.as_recorded


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", REST, ids=lambda mutant: mutant.name)
def test_every_other_fault_fails_no_other_clause(mutant: Mutant) -> None:
    row = examined(mutant, CLAUSES)
    assert row.astray == ()
    assert row.as_recorded


def test_there_are_sixty_mutants_and_more_and_twenty_come_from_trackers_of_real_firmware() -> None:
    assert len(MUTANTS) >= 60
    assert len({mutant.name for mutant in MUTANTS}) == len({mutant.firmware for mutant in MUTANTS}) == len(MUTANTS)
    assert len({mutant.source for mutant in MUTANTS if mutant.found_in_the_field}) >= 20
    assert {mutant.profile for mutant in MUTANTS} == set(ProfileName)


def test_a_record_names_clauses_that_there_are_and_says_why_a_second_one_sees_the_fault() -> None:
    for mutant in MUTANTS:
        assert {mutant.fails, *(also.clause for also in mutant.also)} <= CLAUSE.keys(), mutant.name
        assert mutant.fails not in {also.clause for also in mutant.also}, mutant.name
        assert all(also.why for also in mutant.also), mutant.name
        assert mutant.title.zh, mutant.name
        assert mutant.title.en, mutant.name


def test_the_page_tells_each_mutant_as_its_record_does() -> None:
    told = PAGE.read_text().splitlines()
    assert [line for line in (_line(mutant) for mutant in MUTANTS) if line not in told] == []
    assert len([line for line in told if line.startswith("| `")]) == len(MUTANTS)


def _line(mutant: Mutant) -> str:
    repository, _, number = mutant.source.partition("#")
    source = f"[{mutant.source}](https://github.com/{repository}/issues/{number})" if mutant.found_in_the_field else mutant.source
    also = "; ".join(f"{also.clause} ({also.why})" for also in mutant.also)
    return f"| `{mutant.name}` | {mutant.profile} | {mutant.title.en} | {source} | {mutant.fails} | {also} |"


def test_the_table_is_printed_and_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certify", "mutants", "retained_alarm", "no_will"]) == 0
    assert "2 mutants: 2 caught, 0 with a clause astray" in capsys.readouterr().out
    assert main(["certify", "mutants", "no_such_fault"]) == 2
    assert "no_such_fault" in capsys.readouterr().err
    with pytest.raises(SystemExit) as wrong:
        main(["certify", "mutants", "--jobs", "many"])
    assert wrong.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
