"""WebSocket's frames: what another implementation writes is read, in pieces of any size; what RFC 6455 forbids ends the connection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from gateway.mqtt.frames import Close, Data, Frames, FrameViolation, Op, Ping, Status, closing, frame


def sent(opcode: Opcode, payload: bytes = b"", *, fin: bool = True, mask: bool = True) -> bytes:
    """A client's frame, as `websockets` writes it."""
    return Frame(opcode, payload, fin).serialize(mask=mask)


def read(data: bytes, cuts: list[int] | None = None) -> tuple[bytes, list[Ping | Close], int]:
    """The data, the control frames, and the most bytes of it that were ever held; fed in pieces that end at `cuts`."""
    frames, said, control, held = Frames(), bytearray(), list[Ping | Close](), 0
    ends = sorted({min(cut, len(data)) for cut in cuts or []} | {len(data)})
    begin = 0
    for end in ends:
        for one in frames.receive(data[begin:end]):
            if isinstance(one, Data):
                said += one.payload
            else:
                control.append(one)
        held = max(held, len(frames._held) + len(frames._control))
        begin = end
    return bytes(said), control, held


@given(
    st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=4), max_size=5),
    st.lists(st.binary(max_size=125), max_size=3),
    st.lists(st.integers(0, 6000), max_size=30),
)
def test_messages_in_frames_in_pieces_come_out_as_they_went_in(messages: list[list[bytes]], pings: list[bytes], cuts: list[int]) -> None:
    """Pings stand between the frames of a message, as they may (5.4)."""
    wire, expected, asked = b"", b"", list[bytes]()
    left = list(pings)
    for message in messages:
        for index, part in enumerate(message):
            wire += sent(Opcode.CONT if index else Opcode.BINARY, part, fin=index == len(message) - 1)
            expected += part
            if left:
                asked.append(left.pop())
                wire += sent(Opcode.PING, asked[-1])
    said, control, held = read(wire, cuts)
    assert said == expected
    assert [ping.payload for ping in control] == asked
    assert held <= 14 + 125


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 300_000])
def test_every_form_of_a_length_is_read_and_written(size: int) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    payload = payload[:size]
    said, _, held = read(sent(Opcode.BINARY, payload), list(range(0, size + 14, 4096)))
    assert said == payload
    assert held <= 14, "what has come of a message is handed on, not kept"
    assert frame(Op.BINARY, payload) == sent(Opcode.BINARY, payload, mask=False)


def test_a_close_carries_what_was_said() -> None:
    assert read(sent(Opcode.CLOSE, b"\x03\xe8bye"))[1] == [Close(b"\x03\xe8bye")]
    assert read(sent(Opcode.CLOSE))[1] == [Close(b"")]
    assert closing(Status.UNACCEPTABLE, "x" * 300) == sent(Opcode.CLOSE, b"\x03\xeb" + b"x" * 123, mask=False)


FORBIDDEN = [
    (sent(Opcode.TEXT, b"hello"), Status.UNACCEPTABLE, "a text frame [MQTT-6.0.0-1]"),
    (sent(Opcode.BINARY, b"x", mask=False), Status.PROTOCOL_ERROR, "a frame that is not masked (5.1)"),
    (b"\xc2\x81\x00\x00\x00\x00x", Status.PROTOCOL_ERROR, "a reserved bit (5.2)"),
    (b"\x83\x81\x00\x00\x00\x00x", Status.PROTOCOL_ERROR, "a reserved kind of frame (5.2)"),
    (b"\x8b\x81\x00\x00\x00\x00x", Status.PROTOCOL_ERROR, "a reserved kind of control frame (5.2)"),
    (sent(Opcode.CONT, b"x"), Status.PROTOCOL_ERROR, "a continuation of nothing (5.4)"),
    (sent(Opcode.BINARY, b"x", fin=False) + sent(Opcode.BINARY, b"y"), Status.PROTOCOL_ERROR, "a message within a message (5.4)"),
    (b"\x09\x80\x00\x00\x00\x00", Status.PROTOCOL_ERROR, "a ping in pieces (5.5)"),
    (b"\x89\xfe\x00\x7e\x00\x00\x00\x00", Status.PROTOCOL_ERROR, "a ping of 126 bytes (5.5)"),
    (b"\x82\xff\x80" + bytes(11), Status.PROTOCOL_ERROR, "a length of 64 bits (5.2)"),
]


@pytest.mark.parametrize(("wire", "status"), [f[:2] for f in FORBIDDEN], ids=[f[2] for f in FORBIDDEN])
def test_what_is_forbidden_ends_it_behind_what_was_sound(wire: bytes, status: Status) -> None:
    frames, said = Frames(), list[Data | Ping | Close]()

    def byte_by_byte() -> None:
        for index in range(len(wire)):
            said.extend(frames.receive(wire[index : index + 1]))

    said.extend(frames.receive(sent(Opcode.BINARY, b"good")))
    with pytest.raises(FrameViolation) as caught:
        byte_by_byte()
    assert caught.value.status is status
    assert said[0] == Data(b"good")
    with pytest.raises(FrameViolation) as at_once:
        read(sent(Opcode.BINARY, b"good") + wire)
    assert at_once.value.status is status


@given(st.binary(max_size=2000), st.lists(st.integers(0, 2000), max_size=20))
def test_noise_is_refused_or_read_and_never_anything_else(noise: bytes, cuts: list[int]) -> None:
    def outcome(at: list[int]) -> tuple[bytes, list[Ping | Close]] | Status:
        try:
            return read(noise, at)[:2]
        except FrameViolation as violation:
            return violation.status

    assert outcome(cuts) == outcome([])
