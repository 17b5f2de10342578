"""The report as one HTML file that needs nothing else: figures, what went wrong, and charts drawn as SVG in the page itself."""

from collections.abc import Sequence
from html import escape

from simulator.report import Report, Second
from simulator.score import BAD, Row

WIDTH, HEIGHT, LEFT, BOTTOM = 860, 180, 56, 22
WORST = 200
"""Rows of events that are listed; the JSON report has all."""
STYLE = (
    "body{font:15px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;margin:2rem auto;"
    "max-width:60rem;padding:0 1rem;color:#1c2430;background:#fff}"
    "h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .4rem}p.sub{color:#5a6472;margin:.2rem 0 1.2rem}"
    "table{border-collapse:collapse;width:100%;font-size:.88rem}td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #e3e7ec}"
    ".figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.6rem}"
    ".figures div{border:1px solid #e3e7ec;border-radius:6px;padding:.5rem .7rem}.figures b{display:block;font-size:1.3rem}"
    ".bad{border-color:#c0392b!important;color:#c0392b}.verdict{display:inline-block;padding:.15rem .7rem;border-radius:4px;color:#fff}"
    "svg{width:100%;height:auto}svg text{font-size:11px;fill:#5a6472}"
)
COLOURS = ("#1f6feb", "#c0392b", "#2e8b57")


def as_page(report: Report) -> str:
    verdict = ("#2e8b57", "通过 · passed") if report.passed else ("#c0392b", "未通过 · FAILED")
    seconds = report.fleet.seconds
    parts = [
        f"<h1>{escape(report.title)} · {escape(report.title_en)}</h1>",
        f"<p class=sub>{escape(_where(report))}</p>",
        f'<p><span class=verdict style="background:{verdict[0]}">{verdict[1]}</span></p>',
        f"<div class=figures>{''.join(_figure(*one) for one in _figures(report))}</div>",
        "<h2>每秒 · Each second</h2>",
        _lines(seconds, (("在线 connected", [s.connected for s in seconds]),)),
        _lines(seconds, (("送达 acknowledged /s", [s.delivered for s in seconds]), ("错误 errors /s", [s.errors for s in seconds]))),
        _lines(seconds, (("事件 planted /s", [s.planted for s in seconds]), ("警情 alerts /s", [s.alerts for s in seconds]))),
        "<h2>PUBACK</h2>",
        _bars([(f"{upper:g}", count) for upper, count in report.fleet.histogram], "ms"),
        "<h2>警情用时 · From the device's message to the sight of its alert</h2>",
        _bars(_classes([row.latency_s for row in report.events if row.latency_s is not None]), "ms"),
        *_table("出错的事件 · What went wrong", [row for row in report.events if row.outcome in BAD]),
        *_table("事件 · Events", list(report.events[:WORST])),
    ]
    if report.fleet.errors:
        rows = "".join(f"<tr><td>{count}<td>{escape(why)}" for why, count in sorted(report.fleet.errors.items(), key=lambda e: -e[1]))
        parts.append(f"<h2>线路错误 · Errors of lines</h2><table>{rows}</table>")
    head = f"<meta charset=utf-8><title>{escape(report.title_en)}</title><style>{STYLE}</style>"
    return f'<!doctype html><html lang=zh-CN>{head}<body>{"".join(parts)}</body></html>\n'


def _where(report: Report) -> str:
    return (
        f"{report.homes} homes in {report.fleet.processes} process(es), seed {report.seed}, speed {report.speed:g}, "
        f"broker {report.broker}, watched by {report.witness}, {report.started_at:%Y-%m-%d %H:%M:%S} UTC, {report.took_s:.1f} s"
    )


def _figures(report: Report) -> list[tuple[str, str, bool]]:
    """(name, value, whether it is bad)"""
    wrong = ("missed", "late", "wrong_priority", "false", "doubled", "without_receipt", "undelivered", "dropped")
    right = ("planted", "seen", "quiet", "receipts", "delivered")
    return [
        *((name, str(getattr(report, name)), False) for name in right),
        *((name.replace("_", " "), str(getattr(report, name)), getattr(report, name) > 0) for name in wrong),
        ("alert p50 / p99, ms", _pair(report.latency_ms.p50, report.latency_ms.p99), False),
        ("PUBACK p50 / p99, ms", _pair(report.fleet.puback_ms.p50, report.fleet.puback_ms.p99), False),
        ("KiB a connection", f"{report.fleet.kib_each:g}", False),
        ("CPU ms a connection and second", f"{report.fleet.cpu_ms_each:g}", False),
    ]


def _pair(first: float | None, second: float | None) -> str:
    return "-" if first is None or second is None else f"{first:g} / {second:g}"


def _figure(name: str, value: str, bad: bool) -> str:
    return f"<div{' class=bad' if bad else ''}><b>{escape(value)}</b>{escape(name)}</div>"


def _lines(seconds: Sequence[Second], curves: Sequence[tuple[str, list[int]]]) -> str:
    """Curves over the run's seconds, on one scale."""
    most = max((max(values, default=0) for _, values in curves), default=0) or 1
    first, last = (seconds[0].second, seconds[-1].second) if seconds else (0, 1)
    span = max(last - first, 1)

    def point(second: int, value: int) -> str:
        return f"{LEFT + (second - first) / span * (WIDTH - LEFT - 8):.1f},{HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - 24):.1f}"

    drawn = [
        f'<polyline fill="none" stroke="{COLOURS[number]}" stroke-width="1.5" '
        f'points="{" ".join(point(s.second, v) for s, v in zip(seconds, values, strict=True))}"/>'
        f'<text x="{LEFT + 4 + 180 * number}" y="12" style="fill:{COLOURS[number]}">{escape(name)}</text>'
        for number, (name, values) in enumerate(curves)
    ]
    story = LEFT + (0 - first) / span * (WIDTH - LEFT - 8)
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


def _table(title: str, rows: list[Row]) -> list[str]:
    if not rows:
        return []
    cells = "".join(
        f"<tr><td>{row.at_s:.1f} s<td>{escape(row.home)}<td>{escape(row.device)}<td>{escape(row.act)}<td>{escape(row.expected)}"
        f"<td>{escape(row.outcome)}<td>{'' if row.latency_s is None else f'{row.latency_s * 1000:.0f}'}"
        for row in rows
    )
    return [f"<h2>{title}</h2><table><tr><th>at<th>home<th>device<th>act<th>expected<th>outcome<th>ms{cells}</table>"]
