"""A picture as inline SVG: its colours are those of the page it stands in, on paper as on a screen."""

from html import escape

from simulator.certification.report.timeline import Box, Ink, Label, Picture, Segment

HEAD = 7.0
"""Length of an arrow's head."""


def svg(picture: Picture) -> str:
    size = f'viewBox="0 0 {picture.width:g} {picture.height:g}" style="max-width:{picture.width:g}px"'
    drawn = "".join(_drawn(shape) for shape in picture.shapes)
    return f'<svg class="timeline" role="img" aria-label="{escape(picture.says)}" {size}>{drawn}</svg>'


def _drawn(shape: Segment | Label | Box) -> str:
    match shape:
        case Box():
            size = f'width="{shape.width:g}" height="{shape.height:g}"'
            return f'<rect x="{shape.x:g}" y="{shape.y:g}" {size} rx="3" class="{_fill(shape.ink)}"/>'
        case Label():
            anchor = ' text-anchor="end"' if shape.end else ' text-anchor="middle"' if shape.middle else ""
            bold = ' font-weight="700"' if shape.bold else ""
            return (
                f'<text x="{shape.x:g}" y="{shape.y:g}" font-size="{shape.size:g}"{anchor}{bold} '
                f'class="{_fill(shape.ink)}">{escape(shape.text)}</text>'
            )
        case Segment():
            dash = ' stroke-dasharray="5 4"' if shape.dashed else ""
            line = (
                f'<line x1="{shape.x1:g}" y1="{shape.y1:g}" x2="{shape.x2:g}" y2="{shape.y2:g}" stroke-width="{shape.weight:g}"{dash} '
                f'class="s-{shape.ink}"/>'
            )
            if not shape.arrow:
                return line
            back = shape.x2 + (HEAD if shape.x2 < shape.x1 else -HEAD)
            points = f"{shape.x2:g},{shape.y2:g} {back:g},{shape.y2 - 4:g} {back:g},{shape.y2 + 4:g}"
            return f'{line}<polygon points="{points}" class="{_fill(shape.ink)}"/>'


def _fill(ink: Ink) -> str:
    return f"f-{ink}"
