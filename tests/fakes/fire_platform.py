"""A fake of a fire remote-monitoring platform that speaks GB/T 26875.3-2011: reads frames by itself, confirms, denies, or keeps silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from config.accepting import accept_no_more


class FirePlatform:
    """`answers` are given in order, the last again and again: `confirm`, `deny`, `silence`, `garbage`, `hang_up`."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers) or ["confirm"]
        self.frames: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(27)
                assert head[:2] == b"@@"
                rest = await reader.readexactly(int.from_bytes(head[24:26], "little") + 3)
                frame = head + rest
                assert frame[-2:] == b"##"
                assert sum(frame[2:-3]) & 0xFF == frame[-3], "the checksum"
                self.frames.append(frame)
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer == "hang_up":
                    return
                if answer == "garbage":
                    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n".ljust(64, b"\0"))
                elif answer in ("confirm", "deny"):
                    writer.write(self._answer(frame, 3 if answer == "confirm" else 6))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @staticmethod
    def _answer(frame: bytes, command: int) -> bytes:
        """The same number and version, the addresses the other way round, no data."""
        body = frame[2:12] + frame[18:24] + frame[12:18] + b"\0\0" + bytes([command])
        return b"@@" + body + bytes([sum(body) & 0xFF]) + b"##"


@asynccontextmanager
async def fire_platform(*answers: str) -> AsyncIterator[FirePlatform]:
    platform = FirePlatform(*answers)
    server = await asyncio.start_server(platform.serve, "127.0.0.1", 0)
    platform.port = server.sockets[0].getsockname()[1]
    try:
        yield platform
    finally:
        await accept_no_more(server)
        server.close()
        await server.wait_closed()
