"""The month's report on paper: what was promised and what was kept, two charts, every table, and the anchor that proves them.

reportlab draws it, from the optional extra `reports`, imported when a PDF is asked for. The Chinese font is STSong-Light, one of Adobe's
standard CID fonts: it is named, not embedded, so the file stays small and every reader brings a face of its own for it.
"""

from collections.abc import Sequence
from io import BytesIO
from zoneinfo import ZoneInfo

from gateway.evidence.report import Report
from gateway.evidence.sheets import Cell, is_share, percent, summary, tables
from gateway.evidence.words import Names

SONG = "STSong-Light"
GREEN, RED, BLUE, LINE = "#1b6350", "#a90f20", "#0f62ac", "#d3dbe3"
MOST_ROWS = 200
"""Of one table; the workbook has all."""


def document(report: Report, names: Names, zone: ZoneInfo) -> bytes:
    """A4. ModuleNotFoundError without the extra."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer
    from reportlab.platypus import Table as Drawn

    registerFont(UnicodeCIDFont(SONG))
    small = ParagraphStyle("small", fontName=SONG, fontSize=8, leading=11, wordWrap="CJK")
    head = ParagraphStyle(
        "head", parent=small, fontSize=13, leading=18, spaceBefore=10, spaceAfter=4, textColor=HexColor(GREEN), keepWithNext=1,
    )  # fmt: skip
    title = ParagraphStyle("title", parent=head, fontSize=20, leading=28)

    def drawn(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Drawn:
        lines = [[_said(cell, of) for cell, of in zip(row, heads, strict=True)] for row in rows]
        cells = [[Paragraph(_escaped(word), small) for word in line] for line in ([[*heads], *lines] if any(heads) else lines)]
        grid = Drawn(cells, repeatRows=int(any(heads)), hAlign="LEFT")
        grid.setStyle([("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor(LINE)), ("VALIGN", (0, 0), (-1, -1), "TOP")])
        return grid

    story = [
        Paragraph(f"安居月报 Anju monthly report {report.month}", title),
        drawn(("", ""), summary(report, zone)),
        Spacer(1, 4 * mm),
        _targets(report),
        Paragraph("每日警报与 60 秒内应答 Alerts a day, and those answered within 60 s", head),
        _days(report),
    ]
    for name, heads, rows in tables(report, names, zone):
        story += [Paragraph(_escaped(name), head), drawn(heads, rows[:MOST_ROWS]) if rows else Paragraph("无 none", small)]
        if len(rows) > MOST_ROWS:
            story.append(Paragraph(f"另有 {len(rows) - MOST_ROWS} 行，见工作簿 and more, in the workbook", small))
    made = BytesIO()
    paper = SimpleDocTemplate(
        made, pagesize=landscape(A4), title=f"Anju {report.month}", author="Anju", invariant=True,
        leftMargin=15 * mm, rightMargin=15 * mm, topMargin=14 * mm, bottomMargin=14 * mm,
    )  # fmt: skip
    paper.build(story)
    return made.getvalue()


def _targets(report: Report) -> object:
    """Two bars with a mark where the target is; words beside them, since colour alone says nothing."""
    from reportlab.graphics.shapes import Drawing, Line, Rect, String
    from reportlab.lib.colors import HexColor

    drawing = Drawing(520, 60)
    pairs = ((60, report.answering.within_60_s, report.target_60_s), (180, report.answering.within_180_s, report.target_180_s))
    for row, (seconds, share, target) in enumerate(pairs):
        y = 34 - 28 * row
        kept = share is not None and share >= target
        drawing.add(String(0, y + 4, f"{seconds} s", fontName=SONG, fontSize=9))
        drawing.add(Rect(40, y, 300, 14, fillColor=HexColor(LINE), strokeColor=None))
        drawing.add(Rect(40, y, 300 * (share or 0), 14, fillColor=HexColor(GREEN if kept else RED), strokeColor=None))
        drawing.add(Line(40 + 300 * target, y - 3, 40 + 300 * target, y + 17, strokeWidth=1.5))
        verdict = "达到 kept" if kept else "未达到 missed"
        drawing.add(String(350, y + 4, f"{percent(share)} / {percent(target)} {verdict}", fontName=SONG, fontSize=9))
    return drawing


def _days(report: Report) -> object:
    from reportlab.graphics.shapes import Drawing, Rect, String
    from reportlab.lib.colors import HexColor

    drawing = Drawing(740, 110)
    most = max((day.count for day in report.days), default=1)
    for number, day in enumerate(report.days):
        x = 4 + number * 23.5
        for count, colour in ((day.count, LINE), (day.within_60_s, BLUE)):
            drawing.add(Rect(x, 14, 18, 78 * count / most, fillColor=HexColor(colour), strokeColor=None))
        drawing.add(String(x + 9, 3, day.day[-2:], fontName=SONG, fontSize=7, textAnchor="middle"))
        drawing.add(String(x + 9, 16 + 78 * day.count / most, str(day.count), fontName=SONG, fontSize=7, textAnchor="middle"))
    return drawing


def _said(cell: Cell, head: str) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return percent(cell) if is_share(head) else f"{cell:,.3g}" if abs(cell) < 1 else f"{cell:,.1f}"
    return str(cell)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
