"""Ground truth: what really happened, one JSON object a line, written as it happens.

Every line: `at` (virtual seconds since the start), `home`, `what`, and where they are known `who`, `device`, `note` and `event`, the
planted event's id. Told are the residents' and the world's doings, seen or not; what devices said of a call, a hazard or a planted event,
and whether the radio lost it. The same seed gives the same bytes, at any speed and in any process: nothing here is measured.
"""

from collections.abc import Callable, Iterable
from heapq import merge
from typing import BinaryIO

import msgspec

from simulator.wire import Values
from simulator.world import Bridged, Emission, Happened, LineCut, LineRestored, Said

Tell = Callable[[float, Emission], None]


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    at: float
    home: str
    what: str
    who: str = ""
    device: str = ""
    note: str = ""
    event: str = ""


_encode = msgspec.json.Encoder().encode


def line_of(at: float, emission: Emission) -> Line | None:
    """None for what is no more than everyday talk."""
    at = round(at, 3)
    match emission:
        case Happened(home, what, who, device, note, mark):
            return Line(at, home, what, who, device, note, mark)
        case Said(home, device, values, mark) if mark or values.urgent or not emission.heard:
            what = "says" if emission.heard else "is not heard"
            return Line(at, home, what, "", device, _named(values), mark)
        case Bridged(home, dialect, topic, _, mark) if mark:
            return Line(at, home, f"says by {dialect}", "", topic, "", mark)
        case LineCut(home, mark):
            return Line(at, home, "no connection", event=mark)
        case LineRestored(home):
            return Line(at, home, "connects again")
        case _:
            return None


def _named(values: Values) -> str:
    """What it asserts; numbers are telemetry."""
    return " ".join(name for name in values.__struct_fields__ if getattr(values, name) is True)


class Writer:
    """Into a file. What falls into one millisecond stands in the order of the homes: a fleet in several processes writes the same."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._moment: list[Line] = []

    def tell(self, at: float, emission: Emission) -> None:
        line = line_of(at, emission)
        if line is None:
            return
        if self._moment and self._moment[0].at != line.at:
            self.flush()
        self._moment.append(line)

    def flush(self) -> None:
        for line in sorted(self._moment, key=lambda each: each.home):
            self._file.write(_encode(line) + b"\n")
        self._moment.clear()


def merged(parts: Iterable[Iterable[bytes]], file: BinaryIO) -> None:
    """One file of several processes' ones."""
    decode = msgspec.json.Decoder(Line).decode
    lines = merge(*([(decode(raw), raw) for raw in part] for part in parts), key=lambda each: (each[0].at, each[0].home))
    file.writelines(raw for _, raw in lines)


def nobody(_at: float, _emission: Emission) -> None:
    """Where no ground truth is kept."""
