"""The report as one HTML file that needs nothing else: figures, what went wrong, and charts drawn as SVG in the page itself."""

from collections.abc import Mapping, Sequence
from html import escape

from simulator.report import Report, Second, Suffered
from simulator.score import BAD, Row

WIDTH, HEIGHT, LEFT, BOTTOM = 860, 180, 56, 22
WORST = 200
"""Rows of events that are listed; the JSON report has all."""
STYLE = (
    "body{font:15px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;margin:2rem auto;"
    "max-width:60rem;padding:0 1rem;color:#1c2430;background:#fff}"
    "h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .4rem}p.sub{color:#5a6472;margin:.2rem 0 1.2rem}"
    "table{border-collapse:collapse;width:100%;font-size:.88rem}"
    "td,th{text-align:left;vertical-align:top;padding:.25rem .6rem;border-bottom:1px solid #e3e7ec}"
    ".figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.6rem}"
    ".figures div{border:1px solid #e3e7ec;border-radius:6px;padding:.5rem .7rem}.figures b{display:block;font-size:1.3rem}"
    ".bad{border-color:#c0392b!important;color:#c0392b}.verdict{display:inline-block;padding:.15rem .7rem;border-radius:4px;color:#fff}"
    "svg{width:100%;height:auto}svg text{font-size:11px;fill:#5a6472}h3{font-size:.92rem;margin:1rem 0 .4rem;font-weight:600}"
    ".figures span{color:#5a6472;font-size:.85rem}.figures .bad span{color:inherit}.n{text-align:right;font-variant-numeric:tabular-nums}"
    "td.n:first-child{width:6rem}.why{margin:.5rem 0;padding:.4rem .8rem;border-left:4px solid #c0392b}tr.bad td{font-weight:600}"
    "@media print{svg,tr{break-inside:avoid}}"
)
COLOURS = ("#1f6feb", "#c0392b", "#2e8b57")
DASHES = ("", "6 3", "2 3")
"""Beside the colours, so that curves are told apart without."""
NAMES = {
    "planted": "事件 planted", "seen": "已见警情 seen", "quiet": "应无警情 quiet", "receipts": "已回执 receipts",
    "delivered": "送达 delivered", "missed": "漏报 missed", "late": "迟到 late", "wrong_priority": "优先级错 wrong priority",
    "false": "误报 false", "doubled": "重复 doubled", "without_receipt": "无回执 without receipt",
    "undelivered": "未送达 undelivered", "dropped": "丢弃读数 dropped",
}  # fmt: skip
RIGHT = ("planted", "seen", "quiet", "receipts", "delivered")
WRONG = ("missed", "late", "wrong_priority", "false", "doubled", "without_receipt", "undelivered", "dropped")
Shade = tuple[float, float]
"""From which second of the run to which a fault stood."""


def as_page(report: Report) -> str:
    verdict = ("#2e8b57", "通过 · passed") if report.passed else ("#c0392b", "未通过 · FAILED")
    seconds = report.fleet.seconds
    shades = [(one.at_s / report.speed, (one.at_s + one.lasts_s) / report.speed) for one in report.faults]
    parts = [
        f"<h1>{escape(report.title)} · {escape(report.title_en)}</h1>",
        f"<p class=sub>{escape(_where(report))}</p>",
        f'<p><span class=verdict style="background:{verdict[0]}">{verdict[1]}</span></p>',
        _why(report),
        "<h3>结果 · What came of it</h3>", _grid([(NAMES[name], str(getattr(report, name)), False) for name in RIGHT]),
        "<h3>差错 · What went wrong</h3>", _grid([(NAMES[name], str(getattr(report, name)), getattr(report, name) > 0) for name in WRONG]),
        "<h3>用时与开销 · Times and cost</h3>", _grid(_costs(report)),
        *_faults(report.faults),
        *_counted("故障所致 · What the faults did", report.fleet.struck),
        "<h2>每秒 · Each second</h2>",
        "<p class=sub>底色为故障期间 · shaded: while a fault stood</p>" if shades else "",
        _lines(seconds, (("在线 connected", [s.connected for s in seconds]),), shades),
        _lines(
            seconds, (("送达 acknowledged /s", [s.delivered for s in seconds]), ("错误 errors /s", [s.errors for s in seconds])), shades,
        ),
        _lines(seconds, (("事件 planted /s", [s.planted for s in seconds]), ("警情 alerts /s", [s.alerts for s in seconds])), shades),
        "<h2>确认用时 · PUBACK</h2>",
        _bars([(f"{upper:g}", count) for upper, count in report.fleet.histogram], "ms"),
        "<h2>警情用时 · From the device's message to the sight of its alert</h2>",
        _bars(_classes([row.latency_s for row in report.events if row.latency_s is not None]), "ms"),
        *_table("出错的事件 · What went wrong", [row for row in report.events if row.outcome in BAD]),
        *_table("事件 · Events", list(report.events[:WORST])),
    ]
    parts += _counted("线路错误 · Errors of lines", report.fleet.errors)
    head = f"<meta charset=utf-8><title>{escape(report.title_en)}</title><style>{STYLE}</style>"
    return f'<!doctype html><html lang=zh-CN>{head}<body>{"".join(parts)}</body></html>\n'


def _where(report: Report) -> str:
    return (
        f"{report.homes} 户 homes · {report.fleet.processes} 进程 processes · 种子 seed {report.seed} · 倍速 speed {report.speed:g} · "
        f"broker {report.broker} · 见证 watched by {report.witness} · {report.started_at:%Y-%m-%d %H:%M:%S} UTC · {report.took_s:.1f} s"
    )


def _why(report: Report) -> str:
    """Why it did not pass, before all figures."""
    wrong = [f"{NAMES[name]} {getattr(report, name)}" for name in WRONG if getattr(report, name) > 0]
    if report.passed or not wrong:
        return ""
    return f"<p class=why>{escape('；'.join(wrong))}</p>"


def _costs(report: Report) -> list[tuple[str, str, bool]]:
    return [
        ("警情 alert p50 / p99, ms", _pair(report.latency_ms.p50, report.latency_ms.p99), False),
        ("PUBACK p50 / p99, ms", _pair(report.fleet.puback_ms.p50, report.fleet.puback_ms.p99), False),
        ("连接 connecting p50 / p99, ms", _pair(report.fleet.connect_ms.p50, report.fleet.connect_ms.p99), False),
        ("每连接内存 KiB a connection", f"{report.fleet.kib_each:g}", False),
        ("每连接每秒 CPU, ms a second", f"{report.fleet.cpu_ms_each:g}", False),
    ]


def _grid(figures: Sequence[tuple[str, str, bool]]) -> str:
    """(name, value, whether it is bad)"""
    return f"<div class=figures>{''.join(_figure(*one) for one in figures)}</div>"


def _pair(first: float | None, second: float | None) -> str:
    return "-" if first is None or second is None else f"{first:g} / {second:g}"


def _figure(name: str, value: str, bad: bool) -> str:
    return f"<div{' class=bad' if bad else ''}><b>{'✗ ' * bad}{escape(value)}</b><span>{escape(name)}</span></div>"


def _lines(seconds: Sequence[Second], curves: Sequence[tuple[str, list[int]]], shades: Sequence[Shade] = ()) -> str:
    """Curves over the run's seconds, on one scale."""
    most = max((max(values, default=0) for _, values in curves), default=0) or 1
    first, last = (seconds[0].second, seconds[-1].second) if seconds else (0, 1)
    span = max(last - first, 1)

    def across(second: float) -> float:
        return LEFT + (min(max(second, first), last) - first) / span * (WIDTH - LEFT - 8)

    def point(second: int, value: int) -> str:
        return f"{across(second):.1f},{HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - 24):.1f}"

    drawn = [
        f'<rect x="{across(begins):.1f}" y="20" width="{across(ends) - across(begins):.1f}" '
        f'height="{HEIGHT - BOTTOM - 20}" fill="#fbf1d9"/>'
        for begins, ends in dict.fromkeys(shades)
    ]
    drawn += [
        f'<polyline fill="none" stroke="{COLOURS[number]}" stroke-width="1.8" stroke-dasharray="{DASHES[number]}" '
        f'points="{" ".join(point(s.second, v) for s, v in zip(seconds, values, strict=True))}"/>'
        f'<line x1="{LEFT + 4 + 200 * number}" x2="{LEFT + 30 + 200 * number}" y1="8" y2="8" stroke="{COLOURS[number]}" stroke-width="1.8" '
        f'stroke-dasharray="{DASHES[number]}"/><text x="{LEFT + 36 + 200 * number}" y="12">{escape(name)}</text>'
        for number, (name, values) in enumerate(curves)
    ]
    story = across(0)
    beginning = f'<line x1="{story:.1f}" x2="{story:.1f}" y1="18" y2="{HEIGHT - BOTTOM}" stroke="#9aa4b0" stroke-dasharray="3 3"/>'
    return _framed("".join(drawn) + (beginning if first < 0 < last else ""), str(most), f"{first} s", f"{last} s")


def _bars(classes: Sequence[tuple[str, int]], unit: str) -> str:
    if not classes:
        return "<p class=sub>-</p>"
    most = max(count for _, count in classes)
    width = (WIDTH - LEFT - 8) / len(classes)
    drawn = "".join(
        f'<rect x="{LEFT + number * width + 1:.1f}" y="{HEIGHT - BOTTOM - count / most * (HEIGHT - BOTTOM - 24):.1f}" '
        f'width="{max(width - 2, 1):.1f}" height="{count / most * (HEIGHT - BOTTOM - 24):.1f}" fill="{COLOURS[0]}">'
        f"<title>≤ {escape(upper)} {unit}: {count}</title></rect>"
        for number, (upper, count) in enumerate(classes)
    )
    return _framed(drawn, str(most), f"≤ {classes[0][0]} {unit}", f"≤ {classes[-1][0]} {unit}")


def _classes(seconds: list[float]) -> list[tuple[str, int]]:
    """Forty of the same width, from nothing to the slowest."""
    if not seconds:
        return []
    wide = max(seconds) * 1000 / 40 or 1.0
    counted = [0] * 40
    for one in seconds:
        counted[min(int(one * 1000 / wide), 39)] += 1
    return [(f"{(number + 1) * wide:.0f}", count) for number, count in enumerate(counted)]


def _framed(drawn: str, most: str, first: str, last: str) -> str:
    floor = HEIGHT - BOTTOM
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><line x1="{LEFT}" x2="{WIDTH - 8}" y1="{floor}" y2="{floor}" stroke="#c6cdd6"/>'
        f'<text x="{LEFT - 6}" y="30" text-anchor="end">{most}</text><text x="{LEFT - 6}" y="{floor}" text-anchor="end">0</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 6}">{escape(first)}</text>'
        f'<text x="{WIDTH - 8}" y="{HEIGHT - 6}" text-anchor="end">{escape(last)}</text>{drawn}</svg>'
    )


def _faults(faults: Sequence[Suffered]) -> list[str]:
    if not faults:
        return []
    rows = "".join(
        f"<tr><td>{one.number}<td>{escape(one.what)}<td class=n>{one.at_s:g} s<td class=n>{one.lasts_s:g} s<td class=n>{one.homes}"
        for one in faults
    )
    return [f"<h2>故障 · Faults</h2><table><tr><th>no<th>fault<th class=n>at<th class=n>lasts<th class=n>homes{rows}</table>"]


def _counted(title: str, counts: Mapping[str, int]) -> list[str]:
    if not counts:
        return []
    rows = "".join(f"<tr><td class=n>{count}<td>{escape(what)}" for what, count in sorted(counts.items(), key=lambda each: -each[1]))
    return [f"<h2>{title}</h2><table>{rows}</table>"]


def _table(title: str, rows: list[Row]) -> list[str]:
    if not rows:
        return []
    cells = "".join(
        f"<tr{' class=bad' if row.outcome in BAD else ''}><td class=n>{row.at_s:.1f} s<td>{escape(row.home)}<td>{escape(row.device)}"
        f"<td>{escape(row.act)}<td>{escape(row.expected)}<td>{escape(row.outcome)}"
        f"<td class=n>{'' if row.latency_s is None else f'{row.latency_s * 1000:.0f}'}"
        for row in rows
    )
    return [f"<h2>{title}</h2><table><tr><th class=n>at<th>home<th>device<th>act<th>expected<th>outcome<th class=n>ms{cells}</table>"]
