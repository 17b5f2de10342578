"""The month's report as a workbook: a sheet for each of its tables, in Chinese and English, the figures as numbers to go on with.

Made with XlsxWriter, from the optional extra `reports`, imported when a workbook is asked for.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from io import BytesIO
from zoneinfo import ZoneInfo

from gateway.evidence.answers import Figures
from gateway.evidence.report import Report
from gateway.evidence.words import Names

Cell = str | int | float | None
Table = tuple[str, tuple[str, ...], list[tuple[Cell, ...]]]
"""(title, heads, rows)."""

FIGURES = (
    "数量 Count", "已应答 Answered", "等待 Waiting", "60 秒内 Within 60 s", "180 秒内 Within 180 s",
    "中位秒 Median s", "95% 秒 p95 s", "最长秒 Longest s",
)  # fmt: skip


def tables(report: Report, names: Names, zone: ZoneInfo) -> Iterator[Table]:
    """Every table of the report, as workbook and PDF show it."""
    yield "应答 Answering", ("", *FIGURES), [
        ("全部 All", *_row(report.answering)),
        *((names.priority(name), *_row(some)) for name, some in report.by_priority.items()),
        *((names.category(name), *_row(some)) for name, some in report.by_category.items()),
    ]
    yield "区域 Areas", ("区域 Area", *FIGURES), [(names.area(name), *_row(some)) for name, some in report.by_area.items()]
    yield (
        "值守员 Operators",
        ("值守员 Operator", "首先应答 Answered", "60 秒内 Within 60 s", "180 秒内 Within 180 s", "中位秒 Median s", "办结 Closed"),
        [(who, p.answered, p.within_60_s, p.within_180_s, p.p50_s, p.closed) for who, p in report.by_operator.items()],
    )
    yield (
        "过程 Course",
        ("自触发起 Since raised", "数量 Count", "中位秒 Median s", "95% 秒 p95 s", "最长秒 Longest s"),
        [(names.phase(name), p.count, p.p50_s, p.p95_s, p.max_s) for name, p in report.phases.items()],
    )
    yield (
        "误报 False alarms",
        ("原因 / 型号 Cause or model", "触发 Raised", "办结 Closed", "误报 False", "占比 Share"),
        [
            ("全部 All", report.answering.count, report.closed, report.false, report.false_share),
            *((names.disposition(name), None, count, None, None) for name, count in report.by_disposition.items()),
            *((name or "（无设备）no device", m.raised, m.closed, m.false, m.share) for name, m in report.by_model.items()),
        ],
    )
    yield "负荷 Alarm load", ("ISA-18.2", "值 Value"), _load(report, zone)
    yield (
        "前十来源 Top ten",
        ("规则 Rule", "设备 Device", "住户 Home", "次数 Count", "占比 Share"),
        [(s.rule, s.device, s.home, s.count, s.share) for s in report.load.top],
    )
    yield (
        "险些失误 Near misses",
        ("警报 Alert", "住户 Home", "类别 Category", "触发 Raised", "原因 Why", "应答秒 Answered s", "复盘 Review"),
        [
            (
                m.alert, m.home, names.category(m.category), local(m.raised_at, zone), "、".join(names.miss(one) for one in m.misses),
                m.answered_s, names.outcome(m.review.outcome) if m.review else "待复盘 open",
            )
            for m in report.near_misses
        ],
    )  # fmt: skip
    yield (
        "每日 Days",
        ("日期 Day", "数量 Count", "60 秒内 Within 60 s", "180 秒内 Within 180 s"),
        [(d.day, d.count, d.within_60_s, d.within_180_s) for d in report.days],
    )


def workbook(report: Report, names: Names, zone: ZoneInfo) -> bytes:
    """ModuleNotFoundError without the extra."""
    import xlsxwriter  # noqa: PLC0415 - an extra

    made = BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": f"安居月报 Anju {report.month}", "created": report.upto.replace(tzinfo=None)})
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    share = book.add_format({"num_format": "0.00%"})
    for title, heads, rows in (("月报 Report", ("", ""), summary(report, zone)), *tables(report, names, zone)):
        sheet = book.add_worksheet(title[:31])
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, len(heads), 16)
        sheet.write_row(0, 0, heads, head)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, float) and column < len(heads) and is_share(heads[column]):
                    sheet.write_number(number, column, cell, share)
                else:
                    sheet.write(number, column, cell)
    book.close()
    return made.getvalue()


def summary(report: Report, zone: ZoneInfo) -> list[tuple[Cell, ...]]:
    a = report.answering
    return [
        ("月份 Month", report.month),
        ("统计至 Up to", local(report.upto, zone)),
        ("触发 Raised", report.raised),
        ("提示值守 Asked for a person", a.count),
        ("60 秒内应答 Within 60 s", percent(a.within_60_s)),
        ("目标 Target", percent(report.target_60_s)),
        ("180 秒内应答 Within 180 s", percent(a.within_180_s)),
        ("目标 Target", percent(report.target_180_s)),
        ("误报占比 False", percent(report.false_share)),
        ("险些失误 Near misses", f"{len(report.near_misses)}（已复盘 reviewed {report.reviewed}）"),
        ("日志编号 Journal number", report.position),
        ("日锚 Anchor", "–" if report.anchor is None else f"{report.anchor.day}={report.anchor.total}"),
    ]


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.2%}"


def local(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _load(report: Report, zone: ZoneInfo) -> list[tuple[Cell, ...]]:
    load = report.load
    return [
        ("警报次数 Annunciations", load.count),
        ("每小时 Per hour", load.per_hour),
        ("每 10 分钟 Per 10 min", load.per_10_min),
        ("10 分钟峰值 Peak in 10 min", load.peak_10_min),
        ("峰值时刻 Peak at", "–" if load.peak_at is None else local(load.peak_at, zone)),
        ("洪峰次数 Floods", len(load.floods)),
        ("洪峰分钟 Minutes in flood", load.flood_minutes),
        ("洪峰占比 Share in flood", percent(load.flood_share)),
        ("抖动警报 Chattering", load.chattering),
        ("滞留警报（超 24 小时）Standing over 24 h", load.standing),
    ]


def _row(some: Figures) -> Sequence[Cell]:
    return (some.count, some.answered, some.waiting, some.within_60_s, some.within_180_s, some.p50_s, some.p95_s, some.max_s)


def is_share(head: str) -> bool:
    return "占比" in head or (head in FIGURES and "秒内" in head)
