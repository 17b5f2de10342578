"""One clause examined: known state, procedure, verdict with its evidence. Whoever plays the steps is a runner, virtual or real."""

import hashlib
from datetime import datetime

import msgspec

from simulator.certification.bench import Bench, Outcome, Procedural, Procedure, Verdict
from simulator.certification.catalogue import FOLDER, Clause
from simulator.certification.features import Features
from simulator.certification.result import ClauseVerdict, evidence
from simulator.certification.trace import Passed, Trace
from simulator.scenario import Bilingual


class Flooded(Exception):  # noqa: N818 - a state of the world
    """The device sends without end."""


def staged(clause: Clause, procedure: Procedural, bench: Bench) -> Procedure:
    """The procedure behind its known beginning: the device connected and quiet, where the clause asks for that."""
    if clause.settled and not (yield from bench.settled()):
        return bench.no_line()
    found = procedure(bench)
    outcome = found if isinstance(found, Outcome) else (yield from found)
    basic = _missing(bench.trace, clause.number, outcome.shown) if outcome.verdict is Verdict.FAIL else None
    return outcome if basic is None else bench.named_elsewhere(*basic)


def _missing(trace: Trace, asked: str, proof: tuple[int, ...]) -> tuple[str, Passed] | None:
    """Which of the clauses that all others rest on is not met, before the one that is asked, and the packet that shows it.

    A device that cannot be understood is told so once; but what a procedure itself gives as its proof is its own to tell.
    """
    unread = [entry for entry in trace.unreadable() if entry.number not in proof]
    basics = {
        "I-01": [entry for entry in unread if entry.channel is None],
        "S-01": unread,
        "I-03": [message.entry for message in trace.messages() if not message.report.id and message.number not in proof],
    }
    for number, shown in basics.items():
        if number == asked:
            return None
        if shown:
            return number, shown[0]
    return None


def not_applicable(clause: Clause, why: Bilingual, now: datetime) -> ClauseVerdict:
    return _verdict(clause, Outcome(Verdict.NOT_APPLICABLE, why), now, now)


def judged(clause: Clause, bench: Bench, outcome: Outcome, began_at: datetime) -> ClauseVerdict:
    """What came of it, with the trace of the clause and how the connection on which it began came about."""
    trace = bench.trace
    before = [entry for entry in trace.entries[: bench.mark] if entry.number in set(outcome.shown)]
    lines, left_out = evidence([*before, *trace.entries[bench.mark :]], outcome.shown)
    return msgspec.structs.replace(_verdict(clause, outcome, began_at, bench.now), evidence=lines, left_out=left_out)


def flooded() -> Outcome:
    return Outcome(
        Verdict.INCONCLUSIVE,
        Bilingual("设备不停地发送或重连，测量中止", "the device sends, or connects, without end; measuring was ended"),
    )


def selected(
    clauses: tuple[Clause, ...], features: Features, *,
    level: int, virtual: bool, behind: bool = False, only: frozenset[str] = frozenset(),
) -> list[tuple[Clause, Bilingual | None]]:  # fmt: skip
    """Each clause with why it does not apply, None where it does."""
    asked = [clause for clause in clauses if not only or clause.number in only]
    return [(clause, clause.unfit(features, level=level, virtual=virtual, behind=behind)) for clause in asked]


def digest() -> str:
    """Of the catalogue's files."""
    found = hashlib.sha256()
    for file in sorted(FOLDER.glob("*.toml")):
        found.update(file.read_bytes())
    return found.hexdigest()


def _verdict(clause: Clause, outcome: Outcome, began_at: datetime, ended_at: datetime) -> ClauseVerdict:
    return ClauseVerdict(
        clause.number, clause.family, clause.title, clause.requirement, clause.criterion, clause.source,
        outcome.verdict, outcome.reason, began_at, (ended_at - began_at).total_seconds(),
    )  # fmt: skip
