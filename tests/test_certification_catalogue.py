"""The clauses as data: numbers, words, features and procedures fit together, a mistake is told, and the guides count them rightly."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from config import load as load_file
from simulator.certification.catalogue import FAMILIES, Clause, Needs, Where, lint, load
from simulator.certification.features import FEATURES, Connection, Features, Session, reference
from simulator.certification.procedures import FAMILIES as MODULES
from simulator.certification.procedures import PROCEDURES
from simulator.scenario import Bilingual
from simulator.virtual.mutants import MUTANTS
from simulator.virtual.profile import PROFILES, ProfileName

CLAUSES = load(PROCEDURES)
CORD = reference(PROFILES[ProfileName.PULL_CORD])


def test_the_catalogue_that_ships_is_sound_and_has_every_family() -> None:
    assert lint(CLAUSES, PROCEDURES) == []
    assert {clause.family for clause in CLAUSES} == set(FAMILIES)
    assert [clause.number for clause in CLAUSES if clause.family == "A"] == [f"A-{number:02}" for number in range(1, 36)]


def test_no_two_families_have_a_procedure_of_one_name() -> None:
    names = [name for module in MODULES for name, found in vars(module).items() if getattr(found, "__module__", "") == module.__name__]
    public = [name for name in names if not name.startswith("_") and name in PROCEDURES]
    assert len(public) == len(PROCEDURES)


def test_every_feature_is_asked_for_by_some_clause_or_waits_for_one_over_sockets() -> None:
    asked = {name for clause in CLAUSES for name in clause.features}
    assert set(FEATURES) - asked <= {"websocket", "client_certificate", "mqtt311", "mqtt5"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"number": "A-7"}, "A-7: a number is a family of"),
        ({"number": "X-01"}, "X-01: a number is a family of"),
        ({"procedure": "alarm_reportet"}, "there is no procedure alarm_reportet"),
        ({"features": ("alarm", "wings")}, "nobody knows the feature wings"),
        ({"title": Bilingual("alarm", "alarm")}, "title.zh is not Chinese"),
        ({"criterion": Bilingual("送达。", "")}, "criterion.en is not English"),
        ({"manual": (Bilingual("按下按钮。", "press 按钮"),)}, "manual[0].en is not English"),
        ({"source": " "}, "where is it from?"),
        ({"duration": timedelta(0)}, "it takes no time"),
        ({"rests_on": ("A-99",)}, "A-01: it rests on A-99, which is no clause"),
        ({"rests_on": ("A-34",)}, "A-01: it rests on itself"),
    ],
)
def test_a_mistake_in_a_clause_is_told(change: dict[str, object], said: str) -> None:
    wrong = [msgspec.structs.replace(clause, **change) if clause.number == "A-01" else clause for clause in CLAUSES]
    assert any(said in line for line in lint(wrong, PROCEDURES)), lint(wrong, PROCEDURES)


def test_a_number_that_is_given_twice_and_a_procedure_that_nobody_uses_are_told() -> None:
    assert any("A-01: given 2 times" in line for line in lint([*CLAUSES, CLAUSES[0], _clause("A-01")], PROCEDURES))
    assert any("alarm_reported: no clause uses" in line for line in lint([c for c in CLAUSES if c.number != "A-01"], PROCEDURES))


def test_a_clause_that_does_not_apply_says_why() -> None:
    clean = msgspec.structs.replace(CORD, connection=Connection(session=Session.CLEAN))
    kept = _clause("M-05").unfit(clean, level=4, virtual=True)
    assert kept is not None
    assert kept.en == "it states a clean session"
    assert _clause("M-05").unfit(CORD, level=4, virtual=True) is None
    door = _clause("S-04").unfit(CORD, level=4, virtual=True)
    assert door is not None
    assert "pull_cord" in door.en
    assert _clause("C-19").unfit(CORD, level=4, virtual=True) is not None
    assert _clause("C-19").unfit(CORD, level=5, virtual=True) is None


def test_what_takes_days_is_left_to_virtual_time() -> None:
    long = _clause("A-15")
    assert long.where is Where.VIRTUAL
    assert long.unfit(CORD, level=4, virtual=False) is not None
    assert long.unfit(CORD, level=4, virtual=True) is None
    assert long.lasts(CORD) > timedelta(days=10)


def _clause(number: str) -> Clause:
    return next(clause for clause in CLAUSES if clause.number == number)


# --- what the guides count ---

ROOT = Path(__file__).parents[1]
OVER_SOCKETS = [clause for clause in CLAUSES if clause.where is not Where.VIRTUAL]


def _told(page: str) -> str:
    """A page of docs/ with its lines joined."""
    return " ".join((ROOT / "docs" / page).read_text().split())


def test_the_page_on_certification_counts_the_clauses_as_they_are() -> None:
    of = {where: sum(clause.where is where for clause in CLAUSES) for where in Where}
    resting = sum(bool(clause.rests_on) for clause in CLAUSES)
    assert (
        f"The catalogue has {len(CLAUSES)} clauses: {of[Where.ANYWHERE]} are measured in virtual time and over sockets alike, "
        f"{of[Where.VIRTUAL]} in virtual time alone, since they take days or another network, {of[Where.SOCKETS]} over sockets alone. "
        f"{resting} of them rest on others (`rests_on`)"
    ) in _told("certification.md")


def test_the_vendors_guide_counts_the_clauses_as_they_are() -> None:
    guide = _told("vendor.md")
    behind = sum(clause.needs is Needs.TOPICS for clause in OVER_SOCKETS)
    assert f"{behind} of the {len(OVER_SOCKETS)} clauses that sockets can measure need no more" in guide
    stated = load_file(ROOT / "examples" / "vendor" / "starter.toml", Features)
    asked = [clause for clause in OVER_SOCKETS if clause.unfit(stated, level=stated.connection.levels[0], virtual=False) is None]
    hours = sum((clause.lasts(stated) for clause in asked), timedelta()) / timedelta(hours=1)
    assert f"the starter's statement selects {len(asked)} clauses, for which the catalogue reckons {hours:.1f} h" in guide


def test_the_page_of_the_mutants_counts_them_as_they_are() -> None:
    page = _told("mutants.md")
    sockets = {clause.number for clause in OVER_SOCKETS}
    shown = sum(mutant.fails in sockets for mutant in MUTANTS)
    assert f"has {len(MUTANTS)} virtual devices" in page
    assert f"{sum(mutant.found_in_the_field for mutant in MUTANTS)} of them follow a fault that was reported there" in page
    assert f"shows {shown} of them again over real sockets" in page
    assert f"other {len(MUTANTS) - shown} need days" in page
