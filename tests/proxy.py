"""A TCP line that can be cut, at once or in the middle of whatever is on it: between a client and its broker."""

import contextlib
import socket
import struct
from threading import Lock, Thread

_PIECE = 4096


class Proxy:
    """Listens on a free loopback port and passes on to `port`. `passed` counts the bytes that came back from there."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.passed = 0
        self.connections = 0
        """Ever made."""
        self._left: int | None = None
        self._lines: set[socket.socket] = set()
        self._lock = Lock()
        Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Every line, as when a cable is pulled and a reset comes back: what is on its way is gone."""
        with self._lock:
            lines, self._lines = self._lines, set()
        for line in lines:
            with contextlib.suppress(OSError):
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def cut_after(self, count: int) -> None:
        """Cut when so many more bytes have come from the target: in the middle of a packet, most likely."""
        self._left = count

    def close(self) -> None:
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), 5)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            with self._lock:
                self.connections += 1
                self._lines |= {near, far}
            Thread(target=self._pass, args=(near, far, False), daemon=True).start()
            Thread(target=self._pass, args=(far, near, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, back: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE):
                if back:
                    self.passed += len(data)
                    if self._left is not None and len(data) >= self._left:
                        target.sendall(data[: self._left])
                        self._left = None
                        self.cut()
                        return
                    if self._left is not None:
                        self._left -= len(data)
                target.sendall(data)
        for line in (source, target):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            with self._lock:
                self._lines.discard(line)
            line.close()
