"""A backtest as one HTML file that needs nothing else: figures, a chart of the days, the homes, every difference with its evidence."""

from collections import Counter
from datetime import timedelta, timezone
from html import escape

from gateway.rules.backtest.result import Backtest, Change, Day, Raised, What

WORDS = {
    What.ADDED: ("新增", "added"),
    What.REMOVED: ("不再报警", "removed"),
    What.EARLIER: ("提前", "earlier"),
    What.LATER: ("推迟", "later"),
    What.CHANGED: ("改变", "changed"),
}
COLOURS = {What.ADDED: "#c0392b", What.REMOVED: "#2471a3", What.EARLIER: "#b9770e", What.LATER: "#7d3c98", What.CHANGED: "#566573"}
MOST_HOMES = 100
MOST_CHANGES = 2_000
WIDTH, HEIGHT, FOOT, SIDE = 960, 220, 34, 44

_STYLE = """
body{font:15px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1b2631}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}small,.quiet{color:#566573}
.figures{display:flex;flex-wrap:wrap;gap:1rem 2rem;margin:1rem 0}.figures b{display:block;font-size:1.5rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #d5d8dc;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}ul{margin:.2rem 0;padding-left:1.2rem}
.what{display:inline-block;padding:0 .5em;border-radius:.3em;color:#fff}svg{width:100%;height:auto}svg text{font-size:11px;fill:#566573}
@media(prefers-color-scheme:dark){body{background:#17202a;color:#eaecee}th,td{border-color:#34495e}
small,.quiet,svg text{color:#aeb6bf;fill:#aeb6bf}}
"""


def page(found: Backtest, draft: str) -> str:
    """`draft`: what the draft is called, in the heading."""
    local = timezone(timedelta(minutes=found.utc_offset_minutes))
    span = f"{found.start.astimezone(local):%Y-%m-%d %H:%M} – {found.end.astimezone(local):%Y-%m-%d %H:%M}"
    figures = [
        ("现行规则 · now", f"{found.now_alerts:,}"),
        ("草案 · draft", f"{found.draft_alerts:,}"),
        *((" · ".join(WORDS[what]), f"{found.count(what):,}") for what in What),
    ]
    shown = "".join(f"<div>{escape(name)}<b>{value}</b></div>" for name, value in figures)
    notes = "".join(f"<p class=quiet>{escape(note)}</p>" for note in found.notes)
    return (
        "<!doctype html><html lang=zh><head><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>规则回测 · {escape(draft)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>规则回测 · Backtest of {escape(draft)}</h1><p class=quiet>{escape(span)} · {found.homes:,} 户 homes · "
        f"{found.reports:,} 条上报 reports · <code>{escape(found.now_version)}</code> → <code>{escape(found.draft_version)}</code></p>"
        f"{notes}<div class=figures>{shown}</div>"
        f"<h2>每日差异 · Differences by day</h2>{chart(found.days)}{_days(found.days)}"
        f"<h2>住户 · Homes</h2>{_homes(found.changes)}"
        f"<h2>每一处差异 · Every difference</h2>{_changes(found.changes, local)}</body></html>\n"
    )


def chart(days: tuple[Day, ...]) -> str:
    """Stacked columns, one a day: what is added or otherwise upwards, what is removed downwards."""
    if not any(_up(day) or day.removed for day in days):
        return "<p class=quiet>没有差异 · no difference</p>"
    top = max(1, *(_up(day) for day in days))
    bottom = max(day.removed for day in days)
    scale = (HEIGHT - FOOT) / (top + bottom)
    zero = top * scale + 6
    step = (WIDTH - SIDE) / len(days)
    bars = []
    for index, day in enumerate(days):
        x, width = SIDE + index * step, max(min(step * 0.8, 48), 1)
        y = zero
        for what in (What.ADDED, What.EARLIER, What.LATER, What.CHANGED):
            count = getattr(day, what.value)
            if count:
                y -= count * scale
                bars.append(_bar(x, y, width, count * scale, what=what, day=day))
        if day.removed:
            bars.append(_bar(x, zero, width, day.removed * scale, what=What.REMOVED, day=day))
        if index % max(len(days) // 12, 1) == 0:
            bars.append(f"<text x={x:.1f} y={HEIGHT + 8}>{day.day:%m-%d}</text>")
    marks = [f"<text x=0 y=14>{top}</text>", f"<text x=0 y={zero + 4:.1f}>0</text>"]
    if bottom:
        marks.append(f"<text x=0 y={zero + bottom * scale:.1f}>−{bottom}</text>")
    key = "".join(
        f"<tspan fill={COLOURS[what]} dx=14>■</tspan><tspan dx=4>{' '.join(WORDS[what])}</tspan>" for what in What
    )  # fmt: skip
    return (
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT + 34}' role=img aria-label='differences by day'>"
        f"<line x1={SIDE} x2={WIDTH} y1={zero:.1f} y2={zero:.1f} stroke=currentColor />{''.join(bars)}{''.join(marks)}"
        f"<text x={SIDE} y={HEIGHT + 28}>{key}</text></svg>"
    )


def _up(day: Day) -> int:
    return day.added + day.earlier + day.later + day.changed


def _bar(x: float, y: float, width: float, height: float, *, what: What, day: Day) -> str:
    count = getattr(day, what.value)
    told = f"{day.day:%Y-%m-%d}: {count} {' '.join(WORDS[what])}"
    return f"<rect x={x:.1f} y={y:.1f} width={width:.1f} height={height:.1f} fill={COLOURS[what]}><title>{told}</title></rect>"


def _days(days: tuple[Day, ...]) -> str:
    head = "".join(f"<th class=n>{name}</th>" for name in ("现行 now", "草案 draft", *(" ".join(WORDS[what]) for what in What)))
    rows = "".join(
        f"<tr><td>{day.day:%Y-%m-%d}</td>"
        + "".join(f"<td class=n>{n:,}</td>" for n in (day.now, day.draft, *(getattr(day, what.value) for what in What)))
        + "</tr>"
        for day in days
    )
    return f"<details><summary>数字 · figures</summary><table><tr><th>日期 day</th>{head}</tr>{rows}</table></details>"


def _homes(changes: tuple[Change, ...]) -> str:
    of = Counter((change.area, change.home) for change in changes)
    each = Counter((change.area, change.home, change.what) for change in changes)
    head = "".join(f"<th class=n>{' '.join(WORDS[what])}</th>" for what in What)
    rows = "".join(
        f"<tr><td>{escape(home or '—')}</td><td>{escape(area)}</td>"
        + "".join(f"<td class=n>{each[area, home, what] or ''}</td>" for what in What)
        + "</tr>"
        for (area, home), _ in of.most_common(MOST_HOMES)
    )
    more = f"<p class=quiet>… {len(of) - MOST_HOMES:,} 户 more homes</p>" if len(of) > MOST_HOMES else ""
    return f"<table><tr><th>住户 home</th><th>区域 area</th>{head}</tr>{rows}</table>{more}"


def _changes(changes: tuple[Change, ...], local: timezone) -> str:
    rows = []
    for change in changes[:MOST_CHANGES]:
        what = f"<span class=what style='background:{COLOURS[change.what]}'>{' '.join(WORDS[change.what])}</span>"
        by = ""
        if change.now and change.draft:
            by = f"<br><small>{change.now.at.astimezone(local):%m-%d %H:%M:%S} → {change.draft.at.astimezone(local):%m-%d %H:%M:%S}</small>"
        alert = change.alert
        rows.append(
            f"<tr><td>{what}{by}</td><td>{alert.at.astimezone(local):%m-%d %H:%M:%S}</td><td>{escape(change.home or change.area)}</td>"
            f"<td><code>{escape(alert.rule)}</code> P{alert.priority}<br>{escape(alert.reason.zh)}<br>"
            f"<small>{escape(alert.reason.en)}</small>{_evidence(alert, local)}</td></tr>",
        )
    more = f"<p class=quiet>… {len(changes) - MOST_CHANGES:,} more; --json has them all</p>" if len(changes) > MOST_CHANGES else ""
    return f"<table><tr><th></th><th>时间 at</th><th>住户 home</th><th>规则与依据 rule and evidence</th></tr>{''.join(rows)}</table>{more}"


def _evidence(alert: Raised, local: timezone) -> str:
    lines = "".join(
        f"<li><small>{one.at.astimezone(local):%m-%d %H:%M:%S} {escape(one.device)} {escape(one.property)} = {one.value}</small></li>"
        for one in alert.evidence
    )
    return f"<ul>{lines}</ul>" if lines else ""
