"""What a run found, as JSON for programs and as a table for people."""

from datetime import datetime
from math import ceil
from unicodedata import east_asian_width

import msgspec

from simulator.score import BAD, Outcome, Row, Stray, Verdict


class Latencies(msgspec.Struct, frozen=True):
    """Milliseconds from the device's message to the sight of its alert; None where there was none."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`passed`: every expected alert came in its time with its priority, none twice, and none that nothing explains.

    `witness`: `stream` (the platform's API) or `receipts` (the command topics, which tell of calls and hazards alone).
    """

    scenario: str
    title: str
    title_en: str
    seed: int
    speed: float
    homes: int
    broker: str
    witness: str
    started_at: datetime
    took_s: float
    passed: bool
    delivered: int
    """Messages that the broker acknowledged."""
    undelivered: int
    dropped: int
    """Readings that a hub without a line had no room for."""
    planted: int
    seen: int
    late: int
    missed: int
    wrong_priority: int
    false: int
    doubled: int
    quiet: int
    not_watched: int
    not_planted: int
    latency_ms: Latencies
    events: tuple[Row, ...]
    false_alerts: tuple[Stray, ...]
    doubled_alerts: tuple[Stray, ...]


def latencies(seconds: list[float]) -> Latencies:
    """`seconds` in rising order; percentiles by nearest rank."""
    if not seconds:
        return Latencies()

    def rank(share: float) -> float:
        return round(seconds[ceil(share * len(seconds)) - 1] * 1000, 1)

    return Latencies(rank(0.5), rank(0.99), rank(1.0))


def counts(verdict: Verdict) -> dict[str, int]:
    """The report's figures of that name."""
    return {
        "planted": sum(row.outcome is not Outcome.UNPLANTED for row in verdict.rows),
        "seen": verdict.count(Outcome.SEEN),
        "late": verdict.count(Outcome.LATE),
        "missed": verdict.count(Outcome.MISSED),
        "wrong_priority": verdict.count(Outcome.WRONG),
        "false": len(verdict.false),
        "doubled": len(verdict.doubled),
        "quiet": verdict.count(Outcome.QUIET),
        "not_watched": verdict.count(Outcome.UNWATCHED),
        "not_planted": verdict.count(Outcome.UNPLANTED),
    }


def as_json(report: Report) -> bytes:
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


SHOWN = 40
"""Rows of a table; past that, only those that went wrong."""


def as_table(report: Report) -> str:
    lines = [
        f"{report.title} · {report.title_en}",
        f"{report.homes} homes, seed {report.seed}, speed {report.speed:g}, broker {report.broker}, watched by {report.witness}",
        "",
    ]
    shown = report.events if len(report.events) <= SHOWN else tuple(row for row in report.events if row.outcome in BAD)
    if shown:
        lines += _table(shown)
    if len(shown) < len(report.events):
        lines.append(f"({len(report.events) - len(shown)} events went as expected and are not listed)")
    lines += [f"false alert   {stray.home}  {stray.category}  {stray.alert}{_after(stray)}" for stray in report.false_alerts]
    lines += [f"doubled alert {stray.home}  {stray.category}  {stray.alert}{_after(stray)}" for stray in report.doubled_alerts]
    lines += [
        "",
        (
            f"planted {report.planted}  seen {report.seen}  late {report.late}  missed {report.missed}  "
            f"wrong priority {report.wrong_priority}  false {report.false}  doubled {report.doubled}  quiet {report.quiet}"
        ),
    ]
    if report.not_planted:
        lines.append(f"not planted   {report.not_planted}: the home has no such device, or the run ended before")
    if report.latency_ms.max is not None:
        lines.append(f"latency ms    p50 {report.latency_ms.p50:g}  p99 {report.latency_ms.p99:g}  max {report.latency_ms.max:g}")
    lines += [
        f"messages      {report.delivered} acknowledged, {report.undelivered} not, {report.dropped} dropped, {report.took_s:.1f} s in all",
        ("passed" if report.passed else "FAILED") + _unwatched(report.not_watched),
    ]
    return "\n".join(lines) + "\n"


def _unwatched(number: int) -> str:
    """What a verdict without the API leaves open is part of the verdict."""
    if not number:
        return ""
    return f"; {number} expected alert{'s' if number > 1 else ''} could not be watched without --api"


def _after(stray: Stray) -> str:
    return f"  after event {stray.after}" if stray.after else ""


def _table(rows: tuple[Row, ...]) -> list[str]:
    head = ("event", "at", "home", "device", "act", "expected", "outcome", "ms")
    cells = [head, *(_cells(row) for row in rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(head))]
    return ["  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _cells(row: Row) -> tuple[str, ...]:
    latency = "" if row.latency_s is None else f"{row.latency_s * 1000:.0f}"
    device = row.device.removeprefix(f"{row.home}-")
    return (row.plant.split(".")[0], f"{row.at_s:.1f}s", row.home, device, row.act, row.expected, row.outcome, latency)


def _width(text: str) -> int:
    """Columns of a terminal: a Chinese character takes two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
