"""Which clauses a firmware fails, of the whole catalogue but its soaks, in virtual time."""

from simulator.certification.bench import Verdict
from simulator.certification.catalogue import FLOOD, load
from simulator.certification.features import reference
from simulator.certification.lab import examine_all
from simulator.certification.procedures import PROCEDURES
from simulator.virtual.firmware import Firmware
from simulator.virtual.profile import PROFILES, ProfileName

CLAUSES = load(PROCEDURES)
BRIEF = frozenset(clause.number for clause in CLAUSES if clause.entries == FLOOD)


def fails(firmware: type[Firmware], *, profile: ProfileName = ProfileName.PULL_CORD, level: int = 4) -> list[str]:
    result = examine_all(CLAUSES, PROCEDURES, reference(PROFILES[profile]), firmware=firmware, level=level, only=BRIEF)
    return [one.number for one in result.verdicts if one.verdict is Verdict.FAIL]


def open_with(firmware: type[Firmware], number: str, *, level: int = 4) -> str:
    """Why a clause could not be measured on it."""
    stated = reference(PROFILES[ProfileName.PULL_CORD])
    result = examine_all(CLAUSES, PROCEDURES, stated, firmware=firmware, level=level, only=frozenset({number}))
    assert [one.verdict for one in result.verdicts] == [Verdict.INCONCLUSIVE]
    return result.verdicts[0].reason.en
