"""Cursors: where a page ended, opaque to whoever holds one."""

import asyncio
import base64
import binascii
import heapq
from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar

import msgspec
from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.web.order import Order
from gateway.web.problems import Problem, unprocessable

LARGEST_PAGE = 1000
AT_ONCE = 100
"""So many homes are looked through, then everybody else has a turn of the event loop: a millisecond or two."""

K = TypeVar("K")
I = TypeVar("I", bound=str)  # noqa: E741 - an id
R = TypeVar("R")
TEXT: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


class Query(BaseModel):
    """Parameters of a list; one that is not known is refused by its name."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 100
    cursor: Annotated[str | None, Field(max_length=1000)] = None


def encode(key: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decode(cursor: str | None, decoder: msgspec.json.Decoder[K]) -> K | None:
    if not cursor:
        return None
    try:
        return decoder.decode(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, msgspec.MsgspecError, ValueError) as problem:
        raise unprocessable("cursor", "not a cursor of this list", zh="不是这个列表给出的游标") from problem


def page(keys: Iterable[str], cursor: str | None, limit: int) -> tuple[list[str], str | None]:
    """The keys after the cursor in their order, and the next cursor."""
    after = decode(cursor, TEXT)
    found = heapq.nsmallest(limit + 1, (key for key in keys if after is None or key > after))
    return found[:limit], encode(found[limit - 1]) if len(found) > limit else None


async def walk(
    order: Order[I], wanted: Callable[[I], Iterable[tuple[str, R]]], cursor: str | None, limit: int, only: I | None = None,
) -> tuple[list[R], str | None]:
    """As `page`, of what a whole county has: of each id, or of one only, what is wanted and its key, from the cursor on until it is enough.

    The keys of an id begin with its rank, and stand in their order. What comes or goes meanwhile is shown or not, everything else once.
    """
    after = decode(cursor, TEXT) or ""
    found: list[tuple[str, R]] = []
    ids = order.around(after, AT_ONCE) if only is None else [only]
    while ids:
        for id_ in ids:
            found += ((key, record) for key, record in wanted(id_) if key > after)
            if len(found) > limit:
                return [record for _, record in found[:limit]], encode(found[limit - 1][0])
        await asyncio.sleep(0)
        ids = order.past(ids[-1], AT_ONCE) if only is None else []
    return [record for _, record in found], None


def _no_query(request: Request) -> None:
    for name in request.query_params:
        raise _unknown(name)


def _unknown(name: str) -> Problem:
    return unprocessable(name[:100], "no such parameter here", zh="这里没有这个参数")


NO_QUERY = Depends(_no_query)
"""For calls that take no parameters: one that is sent is a mistake worth telling."""
