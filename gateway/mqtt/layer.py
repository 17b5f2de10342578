"""What stands between a line and what speaks over it: a protocol to what is below, a transport to what is above.

TLS and WebSocket are such layers, so that a connection is a stack of what it needs and a plain one has none.
"""

import asyncio
from typing import cast


class Layer(asyncio.Protocol, asyncio.Transport):
    """Passes everything on; a layer overrides what it changes. `upper` is the protocol above."""

    __slots__ = ("_line", "upper")

    def __init__(self, upper: asyncio.Protocol) -> None:
        super().__init__()
        self.upper = upper
        self._line: asyncio.Transport | None = None

    # --- towards what is above ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._hold(transport)
        self.upper.connection_made(self)

    def _hold(self, transport: asyncio.BaseTransport) -> None:
        self._line = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._line = None
        self.upper.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.upper.data_received(data)

    def pause_writing(self) -> None:
        self.upper.pause_writing()

    def resume_writing(self) -> None:
        self.upper.resume_writing()

    # --- towards the line ---

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._line is not None:
            self._line.write(data)

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        if self._line is not None:
            self._line.close()

    def abort(self) -> None:
        if self._line is not None:
            self._line.abort()

    def is_closing(self) -> bool:
        return self._line is None or self._line.is_closing()

    def pause_reading(self) -> None:
        if self._line is not None:
            self._line.pause_reading()

    def resume_reading(self) -> None:
        if self._line is not None:
            self._line.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if self._line is not None:
            self._line.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return 0 if self._line is None else self._line.get_write_buffer_size()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.upper = cast("asyncio.Protocol", protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.upper
