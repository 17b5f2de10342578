"""Tables of the figures, as Markdown: printed, and put between the markers of `docs/performance.md`.

A marker is `<!-- figures: NAME -->`, its end `<!-- end -->`; the text around them is people's. Figures of several runs are their median,
with the smallest and the largest behind it where they differ by more than a tenth.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.profile import Profile
from benchmarks.results import Results
from benchmarks.statistics import median
from benchmarks.throughput import Sustained

_MARKED = re.compile(r"(<!-- figures: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def figure(values: Sequence[float], digits: int = 0) -> str:
    """Of several runs."""
    if not values:
        return "-"
    middle, low, high = median(values), min(values), max(values)
    text = f"{middle:,.{digits}f}"
    return text if high - low <= 0.1 * middle else f"{text} ({low:,.{digits}f}-{high:,.{digits}f})"


def machine(results: Results) -> str:
    m = results.machine
    note = " A quick form: it shows that everything runs, its figures mean nothing." if results.quick else ""
    return (
        f"{m.cpu}, {m.cores} cores, {m.memory_gib:g} GiB, Linux {m.kernel}, {m.filesystem}, Python {m.python}. "
        f"Commit {results.version}, {results.at}, {results.runs} run{'s' * (results.runs != 1)}, `{results.command}`.{note}"
    )


def disk(results: Results) -> str:
    rows = [
        [s.when, pace(s.rate), f"{s.a_second:,.0f}", *(f"{v:.2f}" for v in (s.ms.p50, s.ms.p99, s.ms.largest))] for s in results.disk
    ]
    return table(["4 KiB and fdatasync", "asked a second", "done a second", "p50 ms", "p99 ms", "max ms"], rows)


def pace(rate: float) -> str:
    return f"{rate:,.0f}" if rate else "back to back"


def throughput(results: Results) -> str:
    peer = [s.rate for s in results.sustained if s.subject == PEER and not s.asked_rate]
    rows = []
    for name in dict.fromkeys(s.subject for s in results.sustained):
        rates = [s.rate for s in results.sustained if s.subject == name and not s.asked_rate]
        rows.append([name, figure(rates), f"{median(rates) / median(peer):.2f}" if peer else "-", stored(results, name)])
    return table(["reports a second, sustained", "rate", f"of {PEER}", "sent, acknowledged and stored"], rows)


def stored(results: Results, name: str) -> str:
    checks = [c for c in results.checked if c.subject == name]
    if not checks:
        return "not stored"
    return ("all of " if all(c.whole for c in checks) else "NOT ALL of ") + f"{sum(c.sent for c in checks):,}"


def cpu(results: Results) -> str:
    rows = []
    for name in dict.fromkeys(s.subject for s in results.sustained):
        for kind, chosen in (("at the maximum", False), ("at {:,.0f}/s", True)):
            some = [s for s in results.sustained if s.subject == name and bool(s.asked_rate) is chosen]
            if some:
                rows.append([f"{name}, {kind.format(some[0].asked_rate)}", *_processes(some)])
    return table(["CPU microseconds a report", "judging process", "others", "the load's own core share"], rows)


def _processes(some: list[Sustained]) -> list[str]:
    first, *others = some[0].cpu_us
    rest = [f"{other} {figure([s.cpu_us[other] for s in some], 1)}" for other in others]
    return [figure([s.cpu_us[first] for s in some], 1), ", ".join(rest) or "-", figure([s.load_cpu for s in some], 2)]


def profiles(results: Results) -> str:
    return "\n\n".join(profile(p) for p in results.profiles)


def profile(p: Profile) -> str:
    rest = [(f"thread(s) `{name}`: the journal's commits and upkeep" if name == "python" else f"thread `{name}`", us)
            for name, us in p.threads.items() if name != "main" and us >= 0.05]  # fmt: skip
    rows = [[name, f"{us:.1f}", f"{us / p.total_us:.0%}"] for name, us in [*p.stages.items(), *rest]]
    rows.append(["all of it, as the kernel counts", f"{p.total_us:.1f}", "100%"])
    places = [[f"`{name}`", f"{us:.1f}", f"{us / p.total_us:.0%}"] for name, us in p.places[:15]]
    return (
        table([f"the alarm process at {p.rate:,.0f} reports/s, main thread by stage", "µs a report", "share"], rows)
        + "\n\n" + table(["dearest places", "µs a report", "share"], places)
    )  # fmt: skip


PEER = "Node-RED"

TABLES: dict[str, Callable[[Results], str]] = {
    "machine": machine, "disk": disk, "throughput": throughput, "cpu": cpu, "profile": profiles,
}  # fmt: skip
_EMPTY = "| --- |"


def tables(results: Results) -> dict[str, str]:
    """Those that there are figures for."""
    made = {name: make(results) for name, make in TABLES.items()}
    return {name: text for name, text in made.items() if text and not text.splitlines()[-1].startswith(_EMPTY)}


def put_into(document: Path, results: Results) -> list[str]:
    """Replace what stands between markers, where there are new figures; the names of those replaced."""
    made = tables(results)
    replaced: list[str] = []

    def anew(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in made:
            return found[0]
        replaced.append(name)
        return f"{found[1]}{made[name]}\n{found[3]}"

    document.write_text(_MARKED.sub(anew, document.read_text(encoding="utf-8")), encoding="utf-8")
    return replaced
