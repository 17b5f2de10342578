"""A clause as a picture: device and server as two lanes, time downward, a row for each happening. Pure geometry, drawn elsewhere.

What the verdict rests on is always drawn, then what lies around it, then what people and lines did; routine traffic fills what room
is left, and a row says how much was not drawn.
"""

import re
from enum import StrEnum
from unicodedata import east_asian_width

import msgspec

from simulator.certification.report.words import clean, clock
from simulator.certification.result import ClauseVerdict, Line

ROWS = 26
"""Rows of a picture, besides those that say what was left out."""
WIDTH = 860.0
TIME, DEVICE, SERVER, SIDE = 96.0, 136.0, 740.0, 748.0
"""Where on the x axis: the right edge of times, the two lanes, what is written beside."""


class Ink(StrEnum):
    """Strong for what happened, faint for what frames it, mark for what the verdict rests on, band for the ground behind that."""

    STRONG = "strong"
    FAINT = "faint"
    MARK = "mark"
    BAND = "band"


class Segment(msgspec.Struct, frozen=True):
    x1: float
    y1: float
    x2: float
    y2: float
    ink: Ink = Ink.STRONG
    weight: float = 1.0
    dashed: bool = False
    arrow: bool = False
    """A head at its end."""


class Label(msgspec.Struct, frozen=True):
    """`x` is its left, its right where `end`, its middle where `middle`; `y` its base line."""

    x: float
    y: float
    text: str
    size: float = 12.0
    ink: Ink = Ink.STRONG
    bold: bool = False
    end: bool = False
    middle: bool = False


class Box(msgspec.Struct, frozen=True):
    x: float
    y: float
    width: float
    height: float
    ink: Ink = Ink.BAND


class Picture(msgspec.Struct, frozen=True):
    """y grows downward."""

    width: float
    height: float
    shapes: tuple[Segment | Label | Box, ...]
    says: str
    """The picture in one line, for those who do not see it."""


def picture(verdict: ClauseVerdict) -> Picture | None:
    """None where nothing was measured."""
    if not verdict.evidence:
        return None
    shapes: list[Segment | Label | Box] = [
        Label(DEVICE, 16, "设备 device", 13, bold=True, middle=True),
        Label(SERVER, 16, "服务器 server", 13, bold=True, middle=True),
        Label(TIME - 8, 16, "时间 time", 10.5, Ink.FAINT, end=True),
    ]
    y = 26.0
    drawn = 0
    for line in chosen(verdict.evidence):
        if isinstance(line, int):
            shapes.append(Label((DEVICE + SERVER) / 2, y + 15, f"… 略去 {line} 条 · {line} not drawn", 10.5, Ink.FAINT, middle=True))
            y += 22
            continue
        drawn += 1
        y = _row(shapes, line, (line.at - verdict.began_at).total_seconds(), y)
    lanes = [Segment(x, 24, x, y + 4, Ink.FAINT, 1.5) for x in (DEVICE, SERVER)]
    shown = sum(line.shows for line in verdict.evidence)
    says = f"{verdict.number}: {drawn} happenings between device and server, {shown} of which show the verdict"
    bands = [shape for shape in shapes if isinstance(shape, Box)]
    return Picture(WIDTH, y + 8, (*bands, *lanes, *(shape for shape in shapes if not isinstance(shape, Box))), says)


def chosen(evidence: tuple[Line, ...]) -> list[Line | int]:
    """The lines to draw in their order, and between them how many are not drawn."""
    shown = [index for index, line in enumerate(evidence) if line.shows]

    def rank(index: int) -> tuple[int, int]:
        line = evidence[index]
        if line.shows:
            return 0, index
        near = min((abs(index - other) for other in shown), default=len(evidence))
        if line.packet in ("PINGREQ", "PINGRESP"):
            return 4, near
        if near <= 2:
            return 1, near
        return (2, near) if line.kind != "packet" else (3, near)

    kept = sorted(sorted(range(len(evidence)), key=rank)[:ROWS])
    found: list[Line | int] = [kept[0]] if kept[0] else []
    last = evidence[kept[0]].number
    for index in kept:
        left_out = evidence[index].number - last - 1
        if left_out > 0:
            found.append(left_out)
        found.append(evidence[index])
        last = evidence[index].number
    if last < evidence[-1].number:
        found.append(evidence[-1].number - last)
    return found


def _row(shapes: list[Segment | Label | Box], line: Line, after: float, y: float) -> float:
    """Add the row that begins at `y`; where the next begins."""
    head, tail = brief(line)
    ink = Ink.MARK if line.shows else Ink.STRONG
    two = bool(tail) and line.kind in ("packet", "raw", "broke")
    height = 44.0 if two else 30.0
    base = y + 14
    if line.shows:
        shapes.append(Box(4, y, WIDTH - 8, height - 2))
        shapes.append(Label(SIDE + 6, base + 4, "◆ 依据 shows it", 11.5, Ink.MARK, bold=True))
    shapes.append(Label(TIME - 8, base + 4, clock(max(after, 0.0)), 10.5, ink, bold=line.shows, end=True))
    room = SERVER - DEVICE - 24
    match line.kind:
        case "packet" | "raw" | "broke":
            up = line.way != "down"
            tip = y + height - 8
            ends = (DEVICE, SERVER) if up else (SERVER, DEVICE)
            shapes.append(Segment(ends[0], tip, ends[1], tip, ink, 2.4 if line.shows else 1.2, line.kind != "packet", arrow=True))
            words = f"× {head}" if line.kind == "broke" else head
            x = DEVICE + 12
            shapes.append(Label(x, base, cut(words, room, 12), 12, ink, bold=line.shows))
            if two:
                shapes.append(Label(x, base + 14, cut(tail, room, 10), 10, Ink.FAINT))
        case "opened" | "closed":
            shapes.append(Segment(DEVICE, y + 20, SERVER, y + 20, Ink.FAINT, 1, dashed=True))
            shapes.append(Label((DEVICE + SERVER) / 2, base, cut(head, room, 11), 11, ink, bold=line.shows, middle=True))
        case "acted":
            shapes.append(Box(DEVICE - 5, y + 6, 10, 14, ink))
            shapes.append(Label(DEVICE + 12, base + 3, cut(f"操作 · act: {head}", room, 12), 12, ink, bold=True))
        case "changed":
            shapes.append(Box(SERVER - 5, y + 6, 10, 14, ink))
            shapes.append(Label(SERVER - 12, base + 3, cut(head, room, 12), 12, ink, bold=True, end=True))
        case _:
            shapes.append(Label((DEVICE + SERVER) / 2, base + 3, cut(head, room, 11), 11, ink, bold=line.shows, middle=True))
    return y + height


_FIELD = re.compile(r"(\w+)=(\S+)")


def brief(line: Line) -> tuple[str, str]:
    """A line as the head of an arrow, and under it what the packet carries."""
    text = clean(line.text).replace("\n", " ")
    if line.packet != "PUBLISH":
        return text, ""
    outside, payload = text, ""
    found = re.search(r"payload=(.*?)(?= (?:qos|retain|packet_id|dup|properties)=|$)", text)
    if found is not None:
        payload = found[1]
        outside = text[: found.start()] + text[found.end() :]
    said = dict(_FIELD.findall(outside))
    words = ["PUBLISH", said.get("topic", "").rsplit("/", 1)[-1], f"QoS {said.get('qos', '0')}"]
    words += [f"id {said['packet_id']}"] if "packet_id" in said else []
    words += [name for name in ("dup", "retain") if said.get(name) == "True"]
    if text.endswith("(ignored)"):
        words.append("(ignored)")
    return " ".join(words), payload.removesuffix(" (ignored)")


def cut(text: str, room: float, size: float) -> str:
    """As much of it as has room, by the usual widths of letters; what is cut off is shown by an ellipsis."""
    taken = 0.0
    for index, letter in enumerate(text):
        taken += size * (1.0 if east_asian_width(letter) in "WF" else 0.58)
        if taken > room:
            return text[: max(index - 1, 0)] + "…"
    return text
