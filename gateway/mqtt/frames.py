"""WebSocket's frames, without a socket (RFC 6455, 5): what a client sends, as it comes, and what it is sent.

A message is not put together: MQTT packets may begin and end anywhere in the frames [MQTT-6.0.0-2], so what has come of one is
handed on, and nothing is held but the head of a frame and a control frame's few bytes.
"""

from collections.abc import Iterator
from enum import IntEnum

import msgspec

CONTROL_LIMIT = 125


class Op(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Status(IntEnum):
    """Why it ends, as the one who ends it says (RFC 6455, 7.4.1)."""

    NORMAL = 1000
    PROTOCOL_ERROR = 1002
    UNACCEPTABLE = 1003


class FrameViolation(Exception):  # noqa: N818 - named as ProtocolViolation is
    def __init__(self, status: Status, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


class Data(msgspec.Struct, frozen=True, gc=False):
    """A piece of a binary message."""

    payload: bytes


class Ping(msgspec.Struct, frozen=True, gc=False):
    payload: bytes


class Close(msgspec.Struct, frozen=True, gc=False):
    payload: bytes


class Frames:
    """What one client sends."""

    __slots__ = ("_at", "_control", "_held", "_left", "_mask", "_op", "_within")

    def __init__(self) -> None:
        self._held = b""
        """Of a head that has not come whole."""
        self._op = Op.BINARY
        self._left = 0
        """Bytes of the present frame's payload still to come."""
        self._mask = b""
        self._at = 0
        """Of the payload's bytes so far, modulo four."""
        self._control = b""
        self._within = False
        """A message has begun and its last frame has not come."""

    def receive(self, data: bytes) -> Iterator[Data | Ping | Close]:
        """In order; to be taken to its end. FrameViolation behind the sound ones before it."""
        at = 0
        if self._held:
            data, self._held = self._held + data, b""
        while at < len(data):
            if not self._left:
                begin = self._head(data, at)
                if begin == 0:
                    self._held = data[at:]
                    return
                at = begin
                if self._left == 0:
                    yield from self._whole_control()
                    continue
            stop = min(len(data), at + self._left)
            piece = self._unmasked(data[at:stop])
            self._left -= stop - at
            at = stop
            if self._op >= Op.CLOSE:
                self._control += piece
                if not self._left:
                    yield from self._whole_control()
            elif piece:
                yield Data(piece)

    def _head(self, data: bytes, at: int) -> int:
        """Take the head of the next frame; the index behind it, 0 when it has not come whole."""
        first = data[at]
        if first & 0x70:
            raise FrameViolation(Status.PROTOCOL_ERROR, "reserved bits, and no extension was agreed on")
        try:
            op = Op(first & 0x0F)
        except ValueError:
            raise FrameViolation(Status.PROTOCOL_ERROR, f"the opcode {first & 0x0F:#x} is reserved") from None
        final = first & 0x80 != 0
        if len(data) < at + 2:
            return 0
        size = data[at + 1] & 0x7F
        if not data[at + 1] & 0x80:
            raise FrameViolation(Status.PROTOCOL_ERROR, "a client's frame without a mask")
        if op >= Op.CLOSE:
            if not final or size > CONTROL_LIMIT:
                raise FrameViolation(Status.PROTOCOL_ERROR, f"a control frame that is {'too long' if final else 'in pieces'}")
        elif op is Op.TEXT:
            raise FrameViolation(Status.UNACCEPTABLE, "MQTT comes in binary frames [MQTT-6.0.0-1]")
        elif (op is Op.CONTINUATION) != self._within:
            raise FrameViolation(Status.PROTOCOL_ERROR, "a message within a message" if self._within else "a continuation of nothing")
        extra = {126: 2, 127: 8}.get(size, 0)
        begin = at + 2 + extra + 4
        if len(data) < begin:
            return 0
        if extra:
            size = int.from_bytes(data[at + 2 : at + 2 + extra], "big")
            if size >> 63:
                raise FrameViolation(Status.PROTOCOL_ERROR, "a length of more than 63 bits")
        if op < Op.CLOSE:
            self._within = not final
        self._op, self._left, self._mask, self._at = op, size, data[begin - 4 : begin], 0
        return begin

    def _unmasked(self, piece: bytes) -> bytes:
        size, turn = len(piece), self._at
        mask = (self._mask[turn:] + self._mask[:turn]) * (size // 4 + 1)
        self._at = (turn + size) & 3
        return (int.from_bytes(piece, "little") ^ int.from_bytes(mask[:size], "little")).to_bytes(size, "little")

    def _whole_control(self) -> Iterator[Ping | Close]:
        """A frame without a payload, or a control frame's end."""
        payload, self._control = self._control, b""
        if self._op is Op.PING:
            yield Ping(payload)
        elif self._op is Op.CLOSE:
            yield Close(payload)


def frame(op: Op, payload: bytes | bytearray | memoryview) -> bytes:
    """A whole message, or a control frame, from a server: unmasked."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | op, size))
    elif size < 65_536:
        head = bytes((0x80 | op, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | op, 127)) + size.to_bytes(8, "big")
    return head + bytes(payload)


def closing(status: Status, reason: str = "") -> bytes:
    return frame(Op.CLOSE, status.to_bytes(2, "big") + reason.encode()[: CONTROL_LIMIT - 2])
