"""The frames of GB/T 26875.3-2011, as far as alarms are reported by them: control unit, component states, checksum. Pure.

    @@ | number 2 | version 2 | time 6 | source 6 | destination 6 | length 2 | command 1 | data | checksum 1 | ##

All numbers are little-endian, times are `ss mm hh dd MM yy` in UTC+8 whatever the zone, texts GB18030 padded with zeros. The checksum
is the sum of everything between the start mark and itself, modulo 256. Read in public reproductions of the standard, not in a copy of
it; the test vector is one frame whose checksum was recomputed.
"""

from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum, IntFlag

import msgspec

START, END = b"@@", b"##"
HEAD = 27
"""Bytes up to and with the command."""
MOST_DATA = 1024
VERSION = (1, 1)
BEIJING = timezone(timedelta(hours=8))
TEXT = 31


class Command(IntEnum):
    CONTROL = 1
    SEND = 2
    CONFIRM = 3
    REQUEST = 4
    RESPONSE = 5
    DENY = 6


class State(IntFlag):
    """Of a component. Neither bit 0 (in normal operation) nor any other means: under test."""

    NORMAL = 1
    FIRE = 2
    FAULT = 4
    POWER_FAULT = 256


class NotAFrame(ValueError):  # noqa: N818 - that is what it is
    """What came is none; the sentence says why."""


class Frame(msgspec.Struct, frozen=True):
    """`number` comes back in the answer; addresses are below 2**48."""

    number: int
    at: datetime
    source: int
    destination: int
    command: Command
    data: bytes = b""
    version: tuple[int, int] = VERSION


def encode(frame: Frame) -> bytes:
    if len(frame.data) > MOST_DATA:
        raise ValueError(f"{len(frame.data)} bytes of data, and {MOST_DATA} are the most")
    body = b"".join([
        frame.number.to_bytes(2, "little"), bytes(frame.version), _time(frame.at), frame.source.to_bytes(6, "little"),
        frame.destination.to_bytes(6, "little"), len(frame.data).to_bytes(2, "little"), bytes([frame.command]), frame.data,
    ])  # fmt: skip
    return START + body + bytes([sum(body) % 256]) + END


def length(head: bytes) -> int:
    """How many bytes follow the first `HEAD` ones of a frame. NotAFrame."""
    if head[:2] != START:
        raise NotAFrame(f"it begins with {head[:2].hex(' ')}, not with @@")
    data = int.from_bytes(head[24:26], "little")
    if data > MOST_DATA:
        raise NotAFrame(f"it announces {data} bytes of data")
    return data + 3


def decode(whole: bytes) -> Frame:
    """NotAFrame for whatever was cut, changed on the way, or is something else."""
    if len(whole) < HEAD + 3 or len(whole) != HEAD + length(whole):
        raise NotAFrame(f"{len(whole)} bytes are not the length it announces")
    if whole[-2:] != END:
        raise NotAFrame(f"it ends with {whole[-2:].hex(' ')}, not with ##")
    if sum(whole[2:-3]) % 256 != whole[-3]:
        raise NotAFrame(f"the checksum is {whole[-3]:#04x}, of its bytes {sum(whole[2:-3]) % 256:#04x}")
    try:
        command = Command(whole[26])
        at = _read_time(whole[6:12])
    except ValueError as problem:
        raise NotAFrame(str(problem)) from problem
    return Frame(
        int.from_bytes(whole[2:4], "little"), at, int.from_bytes(whole[12:18], "little"), int.from_bytes(whole[18:24], "little"),
        command, whole[27:-3], (whole[4], whole[5]),
    )  # fmt: skip


class Component(msgspec.Struct, frozen=True):
    """One component of a fire protection system, and how it is. Types and addresses as the receiving platform has given them out."""

    system_type: int
    system: int
    type: int
    address: int
    state: State
    text: str
    at: datetime


COMPONENT_STATES = 2


def component_state(component: Component) -> bytes:
    """The data of a frame that reports one component (type 2)."""
    return b"".join([
        bytes([COMPONENT_STATES, 1, component.system_type, component.system, component.type]),
        component.address.to_bytes(4, "little"), component.state.to_bytes(2, "little"), _text(component.text), _time(component.at),
    ])  # fmt: skip


def _text(text: str) -> bytes:
    """As many whole characters as there is room for."""
    while len(encoded := text.encode("gb18030", "replace")) > TEXT:
        text = text[:-1]
    return encoded.ljust(TEXT, b"\0")


def _time(at: datetime) -> bytes:
    there = at.astimezone(BEIJING)
    return bytes([there.second, there.minute, there.hour, there.day, there.month, there.year % 100])


def _read_time(raw: bytes) -> datetime:
    second, minute, hour, day, month, year = raw
    return datetime(2000 + year, month, day, hour, minute, second, tzinfo=BEIJING).astimezone(UTC)
