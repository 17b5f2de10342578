"""The figures as Markdown: printed, and put between the markers of `docs/performance.md`.

A marker is `<!-- figures: NAME -->`, its end `<!-- end -->`; the text around them is people's.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import tables
from benchmarks.results import Results

_MARKED = re.compile(r"(<!-- figures: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

TABLES: dict[str, tuple[Callable[[Results], str], Callable[[Results], Sequence[object]]]] = {
    "machine": (tables.machine, lambda r: [r.machine]),
    "targets": (tables.targets, lambda r: [*r.sustained, *r.latency, *r.footprints]),
    "throughput": (tables.throughput, lambda r: r.sustained),
    "cpu": (tables.cpu, lambda r: r.sustained),
    "latency": (tables.latency, lambda r: r.latency),
    "memory": (tables.memory, lambda r: r.footprints),
    "connections": (tables.connections, lambda r: r.weights),
    "consoles": (tables.consoles, lambda r: r.watched),
    "recovery": (tables.recovery, lambda r: r.recoveries),
    "homes": (tables.homes, lambda r: r.homes),
    "disk": (tables.disk, lambda r: r.disk),
    "profile": (tables.profiles, lambda r: r.profiles),
}
"""By the name of the marker: what makes it, and what it is made of."""


def rendered(results: Results) -> dict[str, str]:
    """Those that there are figures for."""
    return {name: make(results) for name, (make, of) in TABLES.items() if of(results)}


def put_into(document: Path, results: Results) -> list[str]:
    """Replace what stands between markers, where there are figures; the names of those replaced."""
    made = rendered(results)
    replaced: list[str] = []

    def anew(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in made:
            return found[0]
        replaced.append(name)
        return f"{found[1]}\n{made[name]}\n\n{found[3]}"

    document.write_text(_MARKED.sub(anew, document.read_text(encoding="utf-8")), encoding="utf-8")
    return replaced
