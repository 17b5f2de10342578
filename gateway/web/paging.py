"""Cursors: where a page ended, opaque to whoever holds one."""

import base64
import binascii
import heapq
from collections.abc import Iterable
from typing import Annotated, TypeVar

import msgspec
from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.web.problems import Problem, unprocessable

LARGEST_PAGE = 500

K = TypeVar("K")
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


def _no_query(request: Request) -> None:
    for name in request.query_params:
        raise _unknown(name)


def _unknown(name: str) -> Problem:
    return unprocessable(name[:100], "no such parameter here", zh="这里没有这个参数")


NO_QUERY = Depends(_no_query)
"""For calls that take no parameters: one that is sent is a mistake worth telling."""
