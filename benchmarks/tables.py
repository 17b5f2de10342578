"""One table each: what was measured, the limit or the peer of the same runs beside it, and the ratio."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from benchmarks import subjects
from benchmarks.behind_mosquitto import BehindMosquitto
from benchmarks.latency import Latency
from benchmarks.markdown import figure, table
from benchmarks.memory import Footprint
from benchmarks.node_red import NodeRed
from benchmarks.profile import Profile
from benchmarks.results import Results
from benchmarks.statistics import Spread, median
from benchmarks.throughput import Sustained

T = TypeVar("T")

OWN, BROKERED, PEER, LIMIT = subjects.Listener.name, BehindMosquitto.name, NodeRed.name, subjects.BareSocket.name


def grouped(items: Iterable[T], key: Callable[[T], str]) -> dict[str, list[T]]:
    """In the order in which each key came first."""
    found: dict[str, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def machine(results: Results) -> str:
    m = results.machine
    note = "\n\nA quick form: it shows that everything runs, its figures mean nothing." if results.quick else ""
    peer = f" {PEER} {results.peer}." if results.peer else ""
    return (
        f"{m.cpu}, {m.cores} cores, {m.memory_gib:g} GiB, Linux {m.kernel}, {m.filesystem}, Python {m.python}.{peer}\n"
        f"Commit {results.version}, {results.at}, {results.runs} run{'s' * (results.runs != 1)}: `{results.command}`{note}"
    )


# --- reports and what they cost ----------------------------------------------------------------------------------------------------


def throughput(results: Results) -> str:
    most = grouped((s for s in results.sustained if not s.asked_rate), lambda s: s.subject)
    rows = []
    for name, some in most.items():
        rates = [s.rate for s in some]
        rows.append([name, figure(rates), ratio(rates, most, PEER), ratio(rates, most, LIMIT), _kept(results, name)])
    return table(["reports a second, sustained", "rate", f"× {PEER}", f"× {LIMIT}", "sent = acknowledged = counted there"], rows)


def ratio(rates: Sequence[float], most: dict[str, list[Sustained]], other: str) -> str:
    return f"{median(rates) / median(s.rate for s in most[other]):.2f}" if other in most else "-"


def _kept(results: Results, name: str) -> str:
    checks = [c for c in results.checked if c.subject == name]
    where = "" if name in (LIMIT, PEER) else ", in the journal"
    return f"{'all of' if all(c.whole for c in checks) else 'NOT all of'} {sum(c.sent for c in checks):,}{where}"


def cpu(results: Results) -> str:
    rows = []
    for name, of_one in grouped(results.sustained, lambda s: s.subject).items():
        for kind, some in grouped(of_one, lambda s: f"at {s.asked_rate:,.0f}/s" if s.asked_rate else "at the maximum").items():
            first, *others = some[0].cpu_us
            rest = ", ".join(f"{other} {figure((s.cpu_us[other] for s in some), 1)}" for other in others)
            load = figure((s.load_cpu for s in some), 2)
            rows.append([f"{name}, {kind}", figure((s.cpu_us[first] for s in some), 1), rest or "-", load])
    for floor in results.floors[:1]:
        rows.append(["a PUBLISH cut out of its bytes, in a loop", f"{floor.cut_us:.2f}", "-", "-"])
        rows.append(["its JSON into typed fields, in a loop", f"{floor.json_us:.2f}", "-", "-"])
    return table(["CPU microseconds a report", "the process that judges", "beside it", "the load: share of a core"], rows)


# --- alarms ---------------------------------------------------------------------------------------------------------------------------


def latency(results: Results) -> str:
    rows = []
    for scenario, of_one in grouped(results.latency, lambda x: x.scenario).items():
        for name, some in grouped(of_one, lambda x: x.subject).items():
            lost = sum(x.lost for x in some)
            count = f"{sum(x.count for x in some):,}" + (f", {lost:,} LOST" if lost else "")
            times = [figure((pick(x.ms) for x in some), 1) for pick in (_p50, _p99, _p999, _largest)]
            pace = figure(x.background for x in some)
            rows.append([f"{scenario}: {name}", pace, count, *times, figure((synced_p99(x) for x in some), 2)])
    return table(["alarm, publish to stream, ms", "reports/s", "alarms", "p50", "p99", "p99.9", "max", "fdatasync p99"], rows)


def synced_p99(measured: Latency) -> float:
    """Of the bare loop, the larger of before and after."""
    return max(measured.disk_before.ms.p99, measured.disk_after.ms.p99)


def _p50(spread: Spread) -> float:
    return spread.p50


def _p99(spread: Spread) -> float:
    return spread.p99


def _p999(spread: Spread) -> float:
    return spread.p999


def _largest(spread: Spread) -> float:
    return spread.largest


def connections(results: Results) -> str:
    rows = [
        [some[0].way, f"{some[0].count:,}", figure((w.kib for w in some), 1), figure(w.cpu_us for w in some)]
        for some in grouped(results.weights, lambda w: f"{w.way} {w.count}").values()
    ]
    return table(["way in", "idle kits", "KiB of the alarm process each", "µs of its CPU to connect each"], rows)


def consoles(results: Results) -> str:
    rows = []
    for key, some in grouped(results.watched, lambda w: str(w.consoles)).items():
        times = [figure((pick(w.ms) for w in some), 1) for pick in (_p50, _p99)]
        rows.append([key, figure(w.web_us for w in some), figure(w.alarm_us for w in some), *times])
    return table(["consoles", "web process, µs CPU a call", "alarm process, µs", "p50 ms", "p99 ms"], rows)


# --- memory, recovery, disk -------------------------------------------------------------------------------------------------------------


def memory(results: Results) -> str:
    rows = []
    for key, some in grouped(results.footprints, lambda f: f"{f.subject}, {f.state}, {f.devices:,} devices").items():
        each = [f"{name} {figure(f.processes[name].pss_kib / 1024 for f in some)}" for name in some[0].processes]
        rows.append([key, figure(f.pss_kib / 1024 for f in some), ", ".join(each), figure(rss(f) for f in some)])
    text = table(["MiB", "PSS", "by process", "RSS, pages shared counted twice"], rows)
    beyond = per_device(results.footprints)
    if not beyond:
        return text
    a, b, *_ = beyond[0]
    kib = ", ".join(f"{name} {each:.2f}" for *_, name, each in beyond)
    what = "a sixth of its home and of that home's credential included"
    return f"{text}\n\nKiB of PSS a device, from {a:,} to {b:,} registered ones, {what}: {kib}."


def homes(results: Results) -> str:
    rows = []
    for number, some in grouped(results.homes, lambda one: f"{one.homes:,}").items():
        cpu, bare = figure((one.cpu_us for one in some), 1), figure((one.bare_us for one in some), 1)
        rows.append([number, cpu, bare, figure((one.kib for one in some), 1), figure(one.row_bytes for one in some)])
    return table(["homes", "CPU µs a report", "without rules of homes", "KiB a home", "bytes of its row"], rows)


def rss(footprint: Footprint) -> float:
    return sum(m.rss_kib for m in footprint.processes.values()) / 1024


def per_device(footprints: Sequence[Footprint]) -> list[tuple[int, int, str, float]]:
    """Between the smallest and the largest number registered: of each process, and of the two that the figure to reach names."""
    registered = grouped((f for f in footprints if "registered" in f.state), lambda f: str(f.devices))
    if len(registered) < 2:
        return []
    low, high = (registered[key] for key in (min(registered, key=int), max(registered, key=int)))
    a, b = low[0].devices, high[0].devices
    found = []
    for name in low[0].processes:
        kib = median(f.processes[name].pss_kib for f in high) - median(f.processes[name].pss_kib for f in low)
        found.append((a, b, name, kib / (b - a)))
    halves = sum(kib for *_, name, kib in found if name in ("alarm", "web"))
    return [*found, (a, b, "alarm and web", halves)]


def recovery(results: Results) -> str:
    rows = []
    for key, some in grouped(results.recoveries, lambda r: f"{r.how}, {_about(r.entries)} entries").items():
        times = [figure(values, 2) for values in ((r.recovered_s for r in some), (r.hears_s for r in some), (r.ready_s for r in some))]
        rows.append([key, figure(r.folded for r in some), *times])
    return table(["seconds", "entries folded", "the recovery alone", "until kits are welcome", "until `/readyz`"], rows)


def _about(entries: int) -> str:
    return f"{entries / 1e6:.1f} million" if entries >= 1e6 else f"{entries:,}"


def disk(results: Results) -> str:
    loops = [*results.disk, *(loop for x in results.latency for loop in (x.disk_before, x.disk_after))]
    rows = [
        [key, figure(s.a_second for s in some), *(figure((pick(s.ms) for s in some), 2) for pick in (_p50, _p99, _largest))]
        for key, some in grouped(loops, lambda s: f"{s.when}, {f'{s.rate:,.0f}/s asked' if s.rate else 'back to back'}").items()
    ]
    return table(["4 KiB appended, fdatasync", "a second", "p50 ms", "p99 ms", "max ms"], rows)


# --- where it goes ----------------------------------------------------------------------------------------------------------------------


def profiles(results: Results) -> str:
    return "\n\n".join(profile(p) for p in results.profiles)


def profile(p: Profile) -> str:
    rest = [(f"threads `{name}`: the journal's", us) for name, us in p.threads.items() if name != "main" and us >= 0.05]
    rows = [[name, f"{us:.1f}", f"{us / p.total_us:.0%}"] for name, us in [*p.stages.items(), *rest]]
    rows.append(["all of it, as the kernel counts", f"{p.total_us:.1f}", "100%"])
    places = [[f"`{name}`", f"{us:.1f}", f"{us / p.total_us:.0%}"] for name, us in p.places[:15]]
    return (
        table([f"the alarm process at {p.rate:,.0f} reports/s, main thread by stage", "µs a report", "share"], rows)
        + "\n\n" + table(["dearest places", "µs a report", "share"], places)
    )  # fmt: skip


PACE = 15_000
"""Reports a second that half of the maximum is to be, at least."""


# --- the figures to reach ---------------------------------------------------------------------------------------------------------------


def targets(results: Results) -> str:
    """Each figure that was set, what it comes to in these runs, and ours."""
    most = {name: median(s.rate for s in some) for name, some in grouped(
        (s for s in results.sustained if not s.asked_rate), lambda s: s.subject).items()}  # fmt: skip
    rows = []
    for name, times in ((OWN, 2.5), (BROKERED, 1.5)):
        if name in most and PEER in most:
            rows.append(_row(f"reports/s, {name}", f"≥ {times} × {PEER}", most[name], times * most[PEER], at_least=True))
    for rate, most_us in ((0.0, 27.0), (2000.0, 90.0)):
        some = [s.cpu_us["alarm"] for s in results.sustained if s.subject == OWN and s.asked_rate == rate]
        if some:
            rows.append(_row(f"CPU µs a report, {OWN}, {_pace(rate)}", f"≤ {most_us:.0f}", median(some), most_us))
    rows += _latency_targets(results)
    idle = [f for f in results.footprints if f.subject == OWN and f.state.startswith("idle, demonstration homes: 1000")]
    if idle:
        ours = median((f.processes["alarm"].pss_kib + f.processes["web"].pss_kib) / 1024 for f in idle)
        beside = median(f.processes["telemetry"].pss_kib / 1024 for f in idle)
        rows.append(_row(f"alarm and web process at 1,000 homes, MiB (telemetry {beside:.0f} more)", "≤ 160", ours, 160.0))
    together = [kib for *_, name, kib in per_device(results.footprints) if name == "alarm and web"]
    rows += [_row("KiB a registered device beyond", "≤ 1.5", kib, 1.5) for kib in together]
    return table(["figure", "to reach", "which is here", "ours", "reached"], rows)


def _latency_targets(results: Results) -> list[list[str]]:
    by = grouped(results.latency, lambda x: f"{x.subject}/{x.scenario}")
    rows = []
    ours, peers = by.get(f"{OWN}/2,000/s"), by.get(f"{PEER}/2,000/s")
    if ours and peers:
        bound = 2 * median(x.ms.p99 for x in peers) + 2 * median(map(synced_p99, ours))
        rows.append(_row("alarm p99 ms at 2,000/s", f"≤ 2 × {PEER}'s + 2 × fdatasync's p99", median(x.ms.p99 for x in ours), bound))
    if half := by.get(f"{OWN}/half of the maximum"):
        bound = 25 + 2 * median(map(synced_p99, half))
        pace = median(x.background for x in half)
        what, words = f"alarm p99 ms at half of the maximum, {pace:,.0f}/s", f"≤ 25 + 2 × fdatasync's p99, at ≥ {PACE:,}/s"
        row = _row(what, words, median(x.ms.p99 for x in half), bound)
        rows.append([*row[:-1], "in time, but at fewer reports"] if row[-1] == "yes" and pace < PACE else row)
    alone = by.get(f"{OWN}/2,000/s, calls ten a second")
    office = by.get(f"{OWN}/2,000/s, calls ten a second, 200 consoles and an office at work")
    if alone and office:
        bound = 1.5 * median(x.ms.p99 for x in alone)
        what = "alarm p99 ms with 200 consoles and an office at work"
        rows.append(_row(what, "≤ 1.5 × without", median(x.ms.p99 for x in office), bound))
    return rows


def _row(what: str, words: str, ours: float, bound: float, *, at_least: bool = False) -> list[str]:
    reached = ours >= bound if at_least else ours <= bound
    by = ours / bound if bound else float("nan")
    return [what, words, _short(bound), _short(ours), "yes" if reached else f"no: {by:.2f} ×"]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def _pace(rate: float) -> str:
    return f"at {rate:,.0f}/s" if rate else "at the maximum"
