"""A picture drawn by reportlab.graphics; imported by `pdf` alone, once it is known to be there."""

from typing import TYPE_CHECKING

from reportlab.graphics.shapes import Drawing, Line, Polygon, Rect, String
from reportlab.lib.colors import HexColor
from reportlab.pdfbase.pdfmetrics import stringWidth

from simulator.certification.report.pdf_text import font_runs
from simulator.certification.report.timeline import Box, Ink, Label, Picture, Segment

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

COLOURS = {Ink.STRONG: "#1b2126", Ink.FAINT: "#58646e", Ink.MARK: "#0b4f8a", Ink.BAND: "#fff3c9"}
HEAD = 7.0
TALLEST = 690.0
"""Points that a page has room for."""


def drawing(picture: Picture, width: float) -> "Flowable":
    """As wide as asked, narrower where it would be taller than a page."""
    scale = min(width / picture.width, TALLEST / picture.height)
    found = Drawing(picture.width * scale, picture.height * scale)
    found.hAlign = "LEFT"
    for shape in picture.shapes:
        for drawn in _drawn(shape, picture.height):
            found.add(drawn)
    found.scale(scale, scale)
    flowable: Flowable = found
    return flowable


def _drawn(shape: Segment | Label | Box, height: float) -> list[object]:
    colour = HexColor(COLOURS[shape.ink])
    match shape:
        case Box():
            edge = HexColor("#d9b84a") if shape.ink is Ink.BAND else None
            y = height - shape.y - shape.height
            return [Rect(shape.x, y, shape.width, shape.height, rx=3, ry=3, fillColor=colour, strokeColor=edge, strokeWidth=0.6)]
        case Segment():
            y1, y2 = height - shape.y1, height - shape.y2
            dash = [5, 4] if shape.dashed else None
            line = Line(shape.x1, y1, shape.x2, y2, strokeColor=colour, strokeWidth=shape.weight, strokeDashArray=dash)
            if not shape.arrow:
                return [line]
            back = shape.x2 + (HEAD if shape.x2 < shape.x1 else -HEAD)
            return [line, Polygon([shape.x2, y2, back, y2 - 4, back, y2 + 4], fillColor=colour, strokeColor=None)]
        case Label():
            return _runs(shape, height - shape.y, colour)


def _runs(label: Label, y: float, colour: object) -> list[object]:
    """One string for each run of a script: no single font here has both."""
    runs = font_runs(label.text, bold=label.bold)
    widths = [stringWidth(text, font, label.size) for font, text in runs]
    x = label.x - (sum(widths) if label.end else sum(widths) / 2 if label.middle else 0)
    drawn: list[object] = []
    for (font, text), width in zip(runs, widths, strict=True):
        drawn.append(String(x, y, text, fontName=font, fontSize=label.size, fillColor=colour))
        x += width
    return drawn
