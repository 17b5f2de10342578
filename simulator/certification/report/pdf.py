"""The report as a PDF on A4: Chinese, with English titles of clauses; the same content as the page, the same pictures.

reportlab draws it, from the optional extra `certify`, and is imported only when a PDF is asked for. The Chinese font is STSong-Light,
which every PDF reader for Chinese brings along and no file has to carry; runs of ASCII are set in Helvetica.
"""

import io
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from simulator.certification.bench import Verdict
from simulator.certification.report import words
from simulator.certification.report.pdf_text import SONG, font_runs, mixed
from simulator.certification.report.timeline import picture
from simulator.certification.report.words import SIGNS, VERDICTS, clean
from simulator.certification.result import ClauseVerdict, Result

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import Flowable
    from reportlab.platypus.doctemplate import BaseDocTemplate

COLOURS = {
    Verdict.PASS: "#0f6b3a", Verdict.FAIL: "#a3170f", Verdict.INCONCLUSIVE: "#7a4b00", Verdict.NOT_APPLICABLE: "#58646e",
}  # fmt: skip
INK, FAINT, RULE, SOFT = "#1b2126", "#58646e", "#cfd6db", "#f3f5f7"
MARGIN, ACROSS = 48.0, 499.0
"""Points; A4 is 595 wide."""


class PdfUnavailable(Exception):  # noqa: N818 - a state of the installation
    """reportlab is not installed."""


MISSING = "no PDF: reportlab is not installed (pip install 'anju[certify]', or pip install reportlab)"


def wanting() -> str:
    """Why no PDF can be made here; empty where one can."""
    return "" if find_spec("reportlab") else MISSING


def pdf(result: Result, *, whole: bool, key: str) -> bytes:
    """PdfUnavailable where the extra is not installed. The same result gives the same bytes with the same reportlab."""
    try:
        from reportlab.lib.pagesizes import A4
        from reportlab.pdfbase.cidfonts import UnicodeCIDFont
        from reportlab.pdfbase.pdfmetrics import registerFont
        from reportlab.platypus import SimpleDocTemplate
    except ImportError as problem:
        raise PdfUnavailable(MISSING) from problem
    registerFont(UnicodeCIDFont(SONG))
    features = result.features
    name = clean(f"{features.vendor} {features.model} {features.firmware}")
    file = io.BytesIO()
    document = SimpleDocTemplate(
        file, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=46, bottomMargin=46, invariant=1,
        title=f"安居设备检验报告 {name}", author="Anju", subject=f"Anju device certification report, suite {clean(result.suite)}",
    )  # fmt: skip
    foot = partial(_foot, name=name, key=key)
    document.build(_story(result, whole=whole, key=key), onFirstPage=foot, onLaterPages=foot)
    return file.getvalue()


def _foot(canvas: "Canvas", document: "BaseDocTemplate", *, name: str, key: str) -> None:
    canvas.setFillColor(FAINT)
    _write(canvas, MARGIN, f"安居设备检验报告  {name}"[:90])
    last = f"第 {document.page} 页"
    _write(canvas, MARGIN + ACROSS - 150, f"密钥 {key[:19]} …  {last}")


def _write(canvas: "Canvas", x: float, text: str) -> None:
    for font, run in font_runs(text):
        canvas.setFont(font, 8)
        canvas.drawString(x, 28, run)
        x += canvas.stringWidth(run, font, 8)


def _story(result: Result, *, whole: bool, key: str) -> list["Flowable"]:
    from reportlab.platypus import Paragraph, Spacer

    features = result.features
    story: list[Flowable] = [
        Paragraph("安居设备检验报告", style(18)),
        Paragraph(mixed("Anju device certification report"), style(9, FAINT)),
        Spacer(0, 10),
        _summary(result, whole=whole),
        Spacer(0, 8),
    ]
    amiss = [v for v in result.verdicts if v.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)]
    if amiss:
        rows = [[_sign(v.verdict), _p(f"{v.number} {v.title.zh}"), _p(v.reason.zh)] for v in amiss]
        story += [_head("须处理"), table(rows, (62, 170, 267))]
    facts = [*words.facts(result), (words.same("签名密钥指纹"), words.same(key))]
    story += [_head("检验对象"), table([[_p(label.zh, 9, FAINT), _p(value.zh)] for label, value in facts], (110, 389))]
    story += [_head("各类结果"), _families(result)]
    statement = [[_p(name, 8), _p(value, 8)] for name, value in words.stated(features)]
    story += [_head("厂商声明"), table(statement, (190, 309))]
    above = [_head("逐条结果")]
    for letter, name, verdicts in words.by_family(result):
        above.append(Paragraph(mixed(f"{letter}  {name.zh}  {name.en}"), style(11.5, before=8)))
        for v in verdicts:
            story += _clause(v, above)
            above = []
    story += [
        _head("如何核对"),
        _p("本文件带有签名。运行 ./anju certify verify 文件 可核对签名、内容是否被改动，以及密钥属于谁。"),
        _p("证书只说明所列型号和固件在检验时的表现。"),
    ]
    return story


def style(size: float, ink: str = INK, *, before: float = 0) -> "object":
    from reportlab.lib.styles import ParagraphStyle

    return ParagraphStyle(
        f"s{size}", fontName=SONG, fontSize=size, leading=size * 1.45, textColor=ink, wordWrap="CJK", spaceBefore=before,
        splitLongWords=True,
    )  # fmt: skip


def _p(text: str, size: float = 9, ink: str = INK) -> "Flowable":
    from reportlab.platypus import Paragraph

    found: Flowable = Paragraph(mixed(text), style(size, ink))
    return found


def _head(text: str) -> "Flowable":
    from reportlab.platypus import Paragraph

    found: Flowable = Paragraph(mixed(text), style(13.5, before=12))
    found.keepWithNext = 1
    return found


def _sign(verdict: Verdict, size: float = 9) -> "Flowable":
    return _p(f"{PLAIN[verdict]} {VERDICTS[verdict].zh}", size, COLOURS[verdict])


PLAIN = {**SIGNS, Verdict.PASS: "√", Verdict.FAIL: "×"}
"""The signs that STSong-Light has."""


def table(rows: list[list["Flowable"]], widths: tuple[float, ...], *, head: bool = False) -> "Flowable":
    from reportlab.platypus import Table

    commands: list[tuple[object, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.5, RULE),
        ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 3), ("LEFTPADDING", (0, 0), (-1, -1), 3),
    ]  # fmt: skip
    if head:
        commands.append(("LINEBELOW", (0, 0), (-1, 0), 1, FAINT))
    found: Flowable = Table(rows, colWidths=widths, style=commands, repeatRows=int(head))
    return found


def _summary(result: Result, *, whole: bool) -> "Flowable":
    from reportlab.platypus import Table

    verdict, head = words.headline(result, whole=whole)
    features = result.features
    kind = words.PROFILES.get(features.profile, features.profile)
    told = [
        _p(f"{features.vendor} {features.model}", 13),
        _p(f"{kind}，固件 {features.firmware}", 10),
        _p(words.summary(result, whole=whole).zh, 10),
    ]
    if result.run.virtual:
        told.append(_p("在虚拟时间中检验的是设备程序，不是实物。", 9, FAINT))
    colour = COLOURS[verdict]
    commands: list[tuple[object, ...]] = [
        ("BOX", (0, 0), (-1, -1), 1.5, colour), ("LINEBEFORE", (0, 0), (0, -1), 8, colour, "butt"), ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LEFTPADDING", (0, 0), (0, -1), 18), ("TOPPADDING", (0, 0), (-1, -1), 8), ("BOTTOMPADDING", (0, 0), (-1, -1), 10),
    ]  # fmt: skip
    found: Flowable = Table([[_p(f"{PLAIN[verdict]} {head.zh}", 24, colour), told]], colWidths=(160, 339), style=commands)
    return found


def _families(result: Result) -> "Flowable":
    rows = [[_p("类", 9, FAINT), *(_p(VERDICTS[v].zh, 9, FAINT) for v in Verdict)]]
    for letter, name, verdicts in words.by_family(result):
        counts = [(verdict, sum(v.verdict is verdict for v in verdicts)) for verdict in Verdict]
        cells = [_p(f"{PLAIN[v]} {count}", 9, COLOURS[v]) if count else _p("0", 9, FAINT) for v, count in counts]
        rows.append([_p(f"{letter}  {name.zh}  {name.en}"), *cells])
    total = result.counts()
    rows.append([_p("合计"), *(_p(f"{PLAIN[v]} {total[v]}", 9, COLOURS[v]) for v in Verdict)])
    return table(rows, (219, 70, 70, 70, 70), head=True)


def _clause(v: ClauseVerdict, above: list["Flowable"]) -> list["Flowable"]:
    """`above`: headings that must not be left alone at the foot of a page."""
    from reportlab.platypus import CondPageBreak, Spacer, Table

    from simulator.certification.report.pdf_timeline import drawing

    colour = COLOURS[v.verdict]
    bar: list[tuple[object, ...]] = [
        ("BACKGROUND", (0, 0), (-1, -1), SOFT), ("LINEBEFORE", (0, 0), (0, -1), 4, colour, "butt"), ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 4), ("LEFTPADDING", (0, 0), (0, -1), 10),
    ]  # fmt: skip
    title = [_p(v.title.zh, 10), _p(v.title.en, 8, FAINT)]
    head: Flowable = Table([[_p(v.number, 10), title, _sign(v.verdict, 10)]], colWidths=(50, 369, 80), style=bar)
    rows = [
        [_p(label, 8.5, FAINT), _p(said, 8.5)]
        for label, said in (("要求", v.requirement.zh), ("判据", v.criterion.zh), ("理由", v.reason.zh), ("依据", v.source))
    ]
    drawn = picture(v)
    if drawn is not None:
        rows.append([_p("历时", 8.5, FAINT), _p(words.span(v.took_s), 8.5)])
    told = [*above, Spacer(0, 6), head, table(rows, (50, 449))]
    needed = 130 + 32 * len(above)
    if drawn is None:
        return [CondPageBreak(needed), *told]
    figure = drawing(drawn, ACROSS)
    return [CondPageBreak(min(needed + figure.height, 730)), *told, Spacer(0, 4), figure]
