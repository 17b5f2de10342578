"""What an examination came to, as one value: written as JSON, and all that a report, a signature or a catalogue of models needs."""

from datetime import datetime

import msgspec

from devices.mqtt.packets import Pingreq, Pingresp
from simulator.certification.bench import Verdict
from simulator.certification.features import Features
from simulator.certification.trace import (
    Acted,
    Broke,
    Changed,
    Closed,
    Entry,
    Framed,
    Noted,
    Opened,
    Passed,
    Proved,
    Raw,
    Upgraded,
    Way,
)
from simulator.frames import Op
from simulator.scenario import Bilingual

SUITE = "2"
"""Raised with every change after which a verdict could be another."""
RAW_KEPT = 512
"""Bytes of a packet that the result keeps."""
_PINGS = (Pingreq, Pingresp)
LINES_KEPT = 400
"""Lines of evidence that a clause keeps; those that show the verdict always."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of the trace as people read it. `kind`: packet, opened, closed, broke, raw, acted, changed, noted.

    `text` is the packet or the happening in words; `raw` its bytes in hex, cut at RAW_KEPT. `shows`: the verdict rests on it.
    """

    number: int
    at: datetime
    kind: str
    text: str
    way: str = ""
    connection: int = 0
    packet: str = ""
    raw: str = ""
    shows: bool = False


class ClauseVerdict(msgspec.Struct, frozen=True):
    """One clause: its texts stand here as they were when it was measured."""

    number: str
    family: str
    title: Bilingual
    requirement: Bilingual
    criterion: Bilingual
    source: str
    verdict: Verdict
    reason: Bilingual
    began_at: datetime
    took_s: float
    evidence: tuple[Line, ...] = ()
    left_out: int = 0
    """Lines of the trace between those of `evidence` that were not kept."""


class Run(msgspec.Struct, frozen=True):
    """`virtual`: device core against endpoint core in virtual time, from `seed`. `level`: the MQTT version spoken.

    `broker`: the outside broker behind which the device was, as host and port; empty: none.
    """

    began_at: datetime
    ended_at: datetime
    virtual: bool
    level: int
    seed: str
    device: str
    secured: str = ""
    broker: str = ""


class Result(msgspec.Struct, frozen=True):
    suite: str
    catalogue: str
    """SHA-256 of the catalogue's files."""
    features: Features
    run: Run
    verdicts: tuple[ClauseVerdict, ...]

    @property
    def passed(self) -> bool:
        """No clause failed and none remained open."""
        return not any(one.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) for one in self.verdicts)

    def counts(self) -> dict[Verdict, int]:
        return {verdict: sum(one.verdict is verdict for one in self.verdicts) for verdict in Verdict}


def as_json(result: Result) -> bytes:
    return msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"


def from_json(data: bytes) -> Result:
    """msgspec.ValidationError where it is not one."""
    return msgspec.json.decode(data, type=Result)


def evidence(entries: list[Entry], shown: tuple[int, ...]) -> tuple[tuple[Line, ...], int]:
    """The trace of a clause as lines, and how many were left out: pings that show nothing; of a long one all but beginning, end, proof."""
    shows = set(shown)
    kept = [entry for entry in entries if entry.number in shows or not (isinstance(entry, Passed) and isinstance(entry.packet, _PINGS))]
    if len(kept) > LINES_KEPT:
        half = LINES_KEPT // 2
        kept = [entry for index, entry in enumerate(kept) if index < half or index >= len(kept) - half or entry.number in shows]
    return tuple(line(entry, shows=entry.number in shows) for entry in kept), len(entries) - len(kept)


def line(entry: Entry, *, shows: bool = False) -> Line:
    match entry:
        case Passed(number, at, connection, way, packet, raw):
            name = type(packet).__name__.upper()
            text = f"{name} {_words(entry)}".strip() + (" (ignored)" if entry.ignored else "")
            return Line(number, at, "packet", text, way, connection, name, raw[:RAW_KEPT].hex(), shows)
        case Opened(number, at, connection, secured):
            return Line(number, at, "opened", f"connection {connection} {secured}".strip(), "", connection, shows=shows)
        case Proved(number, at, connection, name):
            text = f"the device's certificate: {name[:80]}" if name else "the device showed no certificate"
            return Line(number, at, "noted", text, Way.UP, connection, shows=shows)
        case Upgraded(number, at, connection, path, offered, _):
            text = f"WebSocket at {path[:80]}, subprotocol {', '.join(offered)[:80] or 'none'}"
            return Line(number, at, "noted", text, Way.UP, connection, shows=shows)
        case Framed(number, at, connection, way, op, payload, masked):
            name = Op(op).name.lower() if op in list(Op) else f"{op:#x}"
            text = f"WebSocket frame: {name}" + ("" if masked or way is Way.DOWN else ", not masked")
            return Line(number, at, "noted", text, way, connection, raw=payload.hex(), shows=shows)
        case Closed(number, at, connection, by, why, will):
            text = f"connection {connection} ended by the {by}" + (f": {why}" if why else "") + ("; its will is published" if will else "")
            return Line(number, at, "closed", text, "", connection, shows=shows)
        case Broke(number, at, connection, statement, reason, raw):
            text = f"[{statement}] {reason}" if statement else reason
            return Line(number, at, "broke", text, Way.UP, connection, raw=raw[:RAW_KEPT].hex(), shows=shows)
        case Raw(number, at, connection, raw, what):
            return Line(number, at, "raw", what, Way.DOWN, connection, raw=raw[:RAW_KEPT].hex(), shows=shows)
        case Acted(number, at, deed):
            return Line(number, at, "acted", f"{deed.stimulus} {deed.amount:g}", shows=shows)
        case Changed(number, at, what):
            return Line(number, at, "changed", what, shows=shows)
        case Noted(number, at, what):
            return Line(number, at, "noted", what, shows=shows)


def _words(entry: Passed) -> str:
    """A packet's fields but its type, in one line."""
    said = {name: value for name, value in msgspec.structs.asdict(entry.packet).items() if value not in (None, "", 0, False, ())}
    for name in ("payload", "password"):
        value = said.get(name)
        if isinstance(value, bytes):
            said[name] = "…" if name == "password" else value[:200].decode(errors="replace")
    if not getattr(entry.packet, "properties", None) or repr(entry.packet.properties) == "Properties()":  # type: ignore[union-attr]
        said.pop("properties", None)
    return " ".join(f"{name}={value}" for name, value in said.items())
