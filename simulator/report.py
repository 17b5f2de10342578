"""What a run found, as JSON for programs and as a table for people."""

from datetime import datetime
from math import ceil
from unicodedata import east_asian_width

import msgspec

from simulator.book import Harvest
from simulator.gauges import Histogram, upper_ms
from simulator.score import BAD, Outcome, Row, Stray, Verdict
from simulator.story import Scenario


class Latencies(msgspec.Struct, frozen=True):
    """Milliseconds from the device's message to the sight of its alert; None where there was none."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None


class Second(msgspec.Struct, frozen=True):
    """One second of the run; `second` from the story's beginning, negative while the lines connect."""

    second: int
    connected: int
    came: int
    delivered: int
    errors: int
    planted: int
    alerts: int


class Suffered(msgspec.Struct, frozen=True):
    """One fault of the file. `at_s`, `lasts_s`: the story's time. `homes`: how many it met."""

    number: int
    what: str
    at_s: float
    lasts_s: float
    homes: int


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """How the lines fared. `puback_ms`, `connect_ms`: upper bounds of classes a fifth wide. `histogram`: (ms, how many) of PUBACK.

    `kib_each`: memory that a connection added to the process, its hub's outbox and all; `cpu_ms_each`: processor time of one connection
    in one second of the run.
    """

    connections: int
    processes: int
    puback_ms: Latencies
    connect_ms: Latencies
    errors: dict[str, int]
    struck: dict[str, int]
    """What the faults of the file did to lines, and how often."""
    histogram: tuple[tuple[float, int], ...]
    seconds: tuple[Second, ...]
    kib_each: float
    cpu_s: float
    cpu_ms_each: float


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
    receipts: int = 0
    """Alerts of calls and hazards of which the person in need was told; `without_receipt`: of which nobody was."""
    without_receipt: int = 0
    latency_ms: Latencies
    events: tuple[Row, ...]
    false_alerts: tuple[Stray, ...]
    doubled_alerts: tuple[Stray, ...]
    faults: tuple[Suffered, ...] = ()
    fleet: Fleet


def latencies(seconds: list[float]) -> Latencies:
    """`seconds` in rising order; percentiles by nearest rank."""
    if not seconds:
        return Latencies()

    def rank(share: float) -> float:
        return round(seconds[ceil(share * len(seconds)) - 1] * 1000, 1)

    return Latencies(rank(0.5), rank(0.99), rank(1.0))


def fleet(harvest: Harvest, connections: int, processes: int, began_s: int, lasted_s: float) -> Fleet:
    seconds = tuple(
        Second(one.second - began_s, one.connected, one.came, one.delivered, one.errors, one.planted, one.alerts)
        for _, one in sorted(harvest.samples.items())
    )
    return Fleet(
        connections=connections,
        processes=processes,
        puback_ms=_quantiles(harvest.puback),
        connect_ms=_quantiles(harvest.connecting),
        errors=harvest.errors,
        struck=harvest.struck,
        histogram=tuple((upper_ms(bound), count) for bound, count in sorted(harvest.puback.counts.items())),
        seconds=seconds,
        kib_each=round(harvest.memory_kib / connections, 1),
        cpu_s=round(harvest.cpu_s, 2),
        cpu_ms_each=round(harvest.cpu_s * 1000 / connections / max(lasted_s, 1.0), 3),
    )


def faults(scenario: Scenario, harvest: Harvest) -> tuple[Suffered, ...]:
    return tuple(
        Suffered(number, fault.do.value, float(fault.at), float(fault.lasts), harvest.suffered.get(number, 0))
        for number, fault in enumerate(scenario.fault, start=1)
    )


def _quantiles(times: Histogram) -> Latencies:
    return Latencies(times.quantile_ms(0.5), times.quantile_ms(0.99), times.quantile_ms(1.0))


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
        f"receipts      {report.receipts} of {report.receipts + report.without_receipt} alerts of calls and hazards told to who called",
        *(
            f"fault         {one.what} at {one.at_s:g} s for {one.lasts_s:g} s: {one.homes} home{'s' if one.homes != 1 else ''}"
            for one in report.faults
        ),
        *_lines_fared(report.fleet),
        f"messages      {report.delivered} acknowledged, {report.undelivered} not, {report.dropped} dropped, {report.took_s:.1f} s in all",
        ("passed" if report.passed else "FAILED") + _unwatched(report.not_watched),
    ]
    return "\n".join(lines) + "\n"


def _lines_fared(lines: Fleet) -> list[str]:
    processes = f"{lines.processes} process{'es' if lines.processes > 1 else ''}"
    worst = sorted(lines.errors.items(), key=lambda each: -each[1])[:5]
    return [
        f"lines         {lines.connections} in {processes}, {lines.kib_each:g} KiB and {lines.cpu_ms_each:g} ms of processor a second each",
        f"              PUBACK {_spread(lines.puback_ms)}; connecting {_spread(lines.connect_ms)}",
        *(f"struck        {count}: {what}" for what, count in sorted(lines.struck.items())),
        *(f"errors        {count}: {why}" for why, count in worst),
    ]


def _spread(times: Latencies) -> str:
    return "-" if times.p50 is None else f"p50 {times.p50:g} ms, p99 {times.p99:g} ms"


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
