"""A call with an Idempotency-Key is carried out once; repeated, it is answered as the first time, also after a restart.

The answer is kept under user, address and key; the same key goes to the engine with the command, so that a call whose answer was lost
with this process is not carried out again either.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

from fastapi import Request, Response

from alerting.refusals import IllegalTransition
from alerting.terms import Sentence
from gateway.web.auth import Identity
from gateway.web.problems import Problem, refused, unprocessable
from gateway.web.users import Answer, Users

HEADER = "Idempotency-Key"
LONGEST = 255


class Once:
    """One at a time under each key."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def answer(self, request: Request, who: Identity, work: Callable[[str], Awaitable[Response]]) -> Response:
        """`work` gets the key for the engine, empty when the call has none. What it refuses is an answer too, and kept."""
        given = request.headers.get(HEADER, "")
        if not given:
            return await work("")
        if len(given) > LONGEST:
            raise unprocessable(HEADER, f"longer than {LONGEST} characters", place="header")
        path = f"{request.method} {request.url.path}"
        name = hashlib.sha256(f"{who.user}\0{path}\0{given}".encode("utf-8", "surrogateescape")).digest()
        asked = hashlib.sha256(await request.body()).digest()
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            kept = await asyncio.to_thread(self._users.answer, name)
            if kept is None:
                kept = _kept(asked, await _carried_out(work, name.hex()))
                await asyncio.to_thread(self._users.keep, name, kept)
            elif kept.request != asked:
                said = Sentence("这个 Idempotency-Key 已用于另一个请求", "this Idempotency-Key was used for a different request")
                raise Problem(422, said)
            return Response(kept.body, kept.status, media_type=kept.media)


async def _carried_out(work: Callable[[str], Awaitable[Response]], key: str) -> Response:
    """Its answer or its refusal. That the alarm process is away is neither, and passes through."""
    try:
        return await work(key)
    except IllegalTransition as error:
        return refused(error).response()
    except Problem as problem:
        if problem.status >= 500:
            raise
        return problem.response()


def _kept(asked: bytes, response: Response) -> Answer:
    return Answer(asked, response.status_code, response.media_type or "", bytes(response.body))
