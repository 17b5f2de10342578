"""`./anju certify mutants`: devices with one fault each, against the suite. It is the suite that is measured here, not a device.

A fault is caught when the clause that names it fails; a clause that fails and neither names the fault nor is known to see it is astray.
Exit 0: every mutant did as its record says; 1: one did not; 2: wrong usage.
"""

import argparse
import sys
from collections.abc import Iterable

import msgspec

from simulator.certification import catalogue, lab
from simulator.certification.bench import Verdict
from simulator.certification.catalogue import Clause
from simulator.certification.features import reference
from simulator.certification.procedures import PROCEDURES
from simulator.virtual.mutants import MUTANTS
from simulator.virtual.mutants.mutant import Mutant
from simulator.virtual.profile import PROFILES


class Row(msgspec.Struct, frozen=True):
    """One mutant in the table. `failed`: the clauses that failed; `remained_open`: those that could not say."""

    name: str
    source: str
    fails: str
    failed: tuple[str, ...]
    remained_open: tuple[str, ...]
    astray: tuple[str, ...]
    """Failed, and neither names the fault nor rightly sees it."""

    @property
    def caught(self) -> bool:
        """By the clause that names the fault; never where no clause does."""
        return self.fails in self.failed

    @property
    def as_recorded(self) -> bool:
        """What its record says came true, be it that no clause sees the fault."""
        return not self.astray and (self.caught or not (self.fails or self.failed))


def examined(mutant: Mutant, clauses: tuple[Clause, ...], *, seed: str = "1") -> Row:
    """Every clause that applies to its profile, in virtual time."""
    features = reference(PROFILES[mutant.profile])
    result = lab.examine_all(clauses, PROCEDURES, features, level=mutant.level, seed=seed, firmware=mutant.firmware)
    failed = tuple(one.number for one in result.verdicts if one.verdict is Verdict.FAIL)
    remained_open = tuple(one.number for one in result.verdicts if one.verdict is Verdict.INCONCLUSIVE)
    expected = {mutant.fails, *(also.clause for also in mutant.also if not also.mistaken)}
    return Row(mutant.name, mutant.source, mutant.fails, failed, remained_open, tuple(one for one in failed if one not in expected))


def parser() -> argparse.ArgumentParser:
    one = argparse.ArgumentParser(
        prog="anju certify mutants",
        description="Examines devices with one fault each, in virtual time, and says which clause catches which.",
        epilog="Exit 0: every mutant failed the clause that names its fault and no other; 1: one did not; 2: wrong usage.",
    )
    one.add_argument("name", nargs="*", metavar="NAME", help="these alone; all without")
    one.add_argument("--seed", default="1", metavar="S", help="of the virtual devices (1)")
    one.add_argument("--json", action="store_true", help="print the table as JSON")
    return one


def mutants(words: list[str]) -> int:
    asked = parser().parse_args(words)
    known = {mutant.name: mutant for mutant in MUTANTS}
    if strange := [name for name in asked.name if name not in known]:
        sys.stderr.write(f"anju: no mutant {', '.join(strange)}; there are {', '.join(known)}\n")
        return 2
    clauses = catalogue.load(PROCEDURES)
    chosen = [known[name] for name in dict.fromkeys(asked.name)] or list(MUTANTS)
    rows: list[Row] = []
    for mutant in chosen:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{len(rows)}/{len(chosen)} {mutant.name}")
            sys.stderr.flush()
        rows.append(examined(mutant, clauses, seed=asked.seed))
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(rows), indent=1).decode() + "\n" if asked.json else table(rows))
    return 0 if all(row.as_recorded for row in rows) else 1


def table(rows: Iterable[Row]) -> str:
    """One line for each mutant, and what it comes to."""
    rows = list(rows)
    lines = [f"{_mark(row)}  {row.fails or '-':5} {row.name:32} failed: {' '.join(row.failed) or '-'}" for row in rows]
    caught, unnamed = sum(row.caught for row in rows), sum(not row.fails for row in rows)
    astray = sum(bool(row.astray) for row in rows)
    return "\n".join([*lines, "", f"{len(rows)} mutants: {caught} caught, {unnamed} named by no clause, {astray} with a clause astray", ""])


def _mark(row: Row) -> str:
    if not row.as_recorded:
        return "✗"
    return "✓" if row.caught else "○"
