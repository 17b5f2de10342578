"""`./anju certify mutants`: devices with one fault each, against the suite. It is the suite that is measured here, not a device.

A fault is caught when the clause that names it fails; a clause that fails, though the fault does not break what it asks, is astray.
Exit 0: every mutant did as its record says; 1: one did not; 2: wrong usage.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

import msgspec

from simulator.certification import catalogue, lab
from simulator.certification.bench import Verdict
from simulator.certification.catalogue import Clause
from simulator.certification.features import reference
from simulator.certification.procedures import PROCEDURES
from simulator.usage import OneLine
from simulator.virtual.mutants import MUTANTS
from simulator.virtual.mutants.mutant import Mutant
from simulator.virtual.profile import PROFILES


class Row(msgspec.Struct, frozen=True):
    """One mutant in the table. `fails`: the clause that names its fault; `also`: others whose requirement the fault breaks too.

    `failed`: the clauses that failed; `remained_open`: those that could not say.
    """

    name: str
    source: str
    fails: str
    also: tuple[str, ...]
    failed: tuple[str, ...]
    remained_open: tuple[str, ...]

    @property
    def caught(self) -> bool:
        """By the clause that names the fault."""
        return self.fails in self.failed

    @property
    def astray(self) -> tuple[str, ...]:
        """Failed, and neither names the fault nor rightly sees it."""
        return tuple(number for number in self.failed if number != self.fails and number not in self.also)

    @property
    def as_recorded(self) -> bool:
        """These clauses failed, each of them, and no other."""
        return set(self.failed) == {self.fails, *self.also}


def examined(mutant: Mutant, clauses: tuple[Clause, ...], *, seed: str = "1") -> Row:
    """Every clause that applies to its profile, in virtual time."""
    features = reference(PROFILES[mutant.profile])
    result = lab.examine_all(clauses, PROCEDURES, features, level=mutant.level, seed=seed, firmware=mutant.firmware)
    failed = tuple(one.number for one in result.verdicts if one.verdict is Verdict.FAIL)
    remained_open = tuple(one.number for one in result.verdicts if one.verdict is Verdict.INCONCLUSIVE)
    return Row(mutant.name, mutant.source, mutant.fails, tuple(also.clause for also in mutant.also), failed, remained_open)


def parser() -> argparse.ArgumentParser:
    one = OneLine(
        prog="anju certify mutants",
        description="Examines devices with one fault each, in virtual time, and says which clause catches which.",
        epilog="Exit 0: every mutant failed the clause that names its fault and no other; 1: one did not; 2: wrong usage.",
    )
    one.add_argument("name", nargs="*", metavar="NAME", help="these alone; all without")
    one.add_argument("--jobs", type=int, default=0, metavar="N", help="processes to share the work (as many as there are processors)")
    one.add_argument("--seed", default="1", metavar="S", help="of the virtual devices (1)")
    one.add_argument("--json", action="store_true", help="print the table as JSON")
    return one


def mutants(words: list[str]) -> int:
    asked = parser().parse_args(words)
    known = {mutant.name: mutant for mutant in MUTANTS}
    if strange := [name for name in asked.name if name not in known]:
        sys.stderr.write(f"anju: no mutant {', '.join(strange)}; there are {', '.join(known)}\n")
        return 2
    chosen = list(dict.fromkeys(asked.name)) or list(known)
    rows: list[Row] = []
    for row in _rows(chosen, asked.seed, asked.jobs or os.cpu_count() or 1):
        rows.append(row)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{len(rows)}/{len(chosen)} {row.name}")
            sys.stderr.flush()
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(rows), indent=1).decode() + "\n" if asked.json else table(rows))
    return 0 if all(row.as_recorded for row in rows) else 1


def table(rows: Iterable[Row]) -> str:
    """One line for each mutant, and what it comes to."""
    rows = list(rows)
    lines = [f"{_mark(row)}  {row.fails:5} {row.name:32} failed: {' '.join(row.failed) or '-'}" for row in rows]
    caught, astray = sum(row.caught for row in rows), sum(bool(row.astray) for row in rows)
    return "\n".join([*lines, "", f"{len(rows)} mutants: {caught} caught, {astray} with a clause astray", ""])


def _mark(row: Row) -> str:
    return "✓" if row.as_recorded else "✗"


def _rows(names: list[str], seed: str, jobs: int) -> Iterator[Row]:
    """In their order, whichever is done first."""
    if min(jobs, len(names)) < 2:
        yield from (_row(name, seed) for name in names)
        return
    with ProcessPoolExecutor(min(jobs, len(names))) as pool:
        yield from pool.map(_row, names, [seed] * len(names))


def _row(name: str, seed: str) -> Row:
    return examined(next(mutant for mutant in MUTANTS if mutant.name == name), catalogue.load(PROCEDURES), seed=seed)
