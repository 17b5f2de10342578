"""WebSocket's frames, for both ends that the simulator plays: the device and the certification's server (RFC 6455, 5).

Written from the RFC, not from the platform's own reading of it. Nothing is refused here: who reads judges.
"""

import base64
import hashlib
from collections.abc import Iterator
from enum import IntEnum

import msgspec

LONGEST = 1024 * 1024
"""Bytes of a frame that are held."""
PATH = "/mqtt"
SUBPROTOCOL = "mqtt"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Op(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Frame(msgspec.Struct, frozen=True):
    """`op` is an Op, or a number that the RFC keeps for later."""

    op: int
    payload: bytes
    masked: bool = False


class TooLong(Exception):  # noqa: N818 - a state of the world
    """A frame of more than LONGEST bytes."""


class Frames:
    """Bytes in pieces of any size to whole frames."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        self._held += data
        while (found := self._next()) is not None:
            yield found

    def _next(self) -> Frame | None:
        held = self._held
        if len(held) < 2:
            return None
        at, size = 2, held[1] & 0x7F
        if size > 125:
            wide = 2 if size == 126 else 8
            size, at = int.from_bytes(held[2 : 2 + wide], "big"), 2 + wide
            if len(held) < at:
                return None
        if size > LONGEST:
            raise TooLong
        masked = bool(held[1] & 0x80)
        key = bytes(held[at : at + 4]) if masked else b""
        at += len(key) if masked else 0
        if (masked and len(key) < 4) or len(held) < at + size:
            return None
        payload = bytes(held[at : at + size])
        op = held[0] & 0x0F
        del held[: at + size]
        return Frame(op, _mixed(payload, key) if masked else payload, masked)


def written(op: int, payload: bytes, key: bytes = b"") -> bytes:
    """One whole frame. `key`: four bytes that a client masks with; a server masks nothing."""
    size = len(payload)
    second = 0x80 if key else 0
    if size < 126:
        head = bytes((0x80 | op, second | size))
    elif size <= 0xFFFF:
        head = bytes((0x80 | op, second | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | op, second | 127)) + size.to_bytes(8, "big")
    return head + (key + _mixed(payload, key) if key else payload)


def accepted(key: str) -> str:
    """What a server says to a client's key (4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def _mixed(payload: bytes, key: bytes) -> bytes:
    whole = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(payload), "big")
