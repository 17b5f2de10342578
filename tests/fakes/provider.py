"""What the fakes of providers have in common: they judge a request as their documents say, or give the answer that a test has planned."""

import asyncio
import json
from collections import deque
from typing import Any

from tests.notices import Hit

Json = dict[str, Any]


class Provider:
    """`taken` are the requests that were good, in order. `planned` answers come first, each once, whatever was asked."""

    def __init__(self) -> None:
        self.taken: list[Json] = []
        self.planned: deque[tuple[str, Json]] = deque()

    def plan(self, *answers: Json, status: str = "200 OK") -> None:
        self.planned.extend((status, answer) for answer in answers)

    def judge(self, hit: Hit) -> tuple[str, Json]:
        raise NotImplementedError

    async def __call__(self, hit: Hit, writer: asyncio.StreamWriter) -> None:
        status, answer = self.planned.popleft() if self.planned else self.judge(hit)
        body = json.dumps(answer, ensure_ascii=False).encode()
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
