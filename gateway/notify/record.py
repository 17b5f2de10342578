"""What the settings of all channels have in common: how they are named, what they are made with, how addresses and secrets are read."""

import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo

import httpx
import msgspec

from gateway.notify.channel import Channel
from gateway.settings import reveal

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
PerMinute = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Phones = Annotated[tuple[str, ...], msgspec.Meta(max_length=50)]


class Means(msgspec.Struct, frozen=True):
    """What channels are made with. `folder`: where the file lies; `wall` reads the wall clock, UTC; `zone` is the readers'."""

    folder: Path
    wall: Callable[[], datetime]
    zone: ZoneInfo
    environment: Mapping[str, str]


class Record(Protocol):
    """The settings of one channel. `make` connects to nobody; ValueError begins with the key that is wrong and repeats no secret."""

    @property
    def name(self) -> str: ...

    def make(self, means: Means) -> Channel: ...


def revealed(key: str, value: str, means: Means) -> str:
    try:
        return reveal(value, means.folder, means.environment)
    except ValueError as problem:
        raise ValueError(f"{key}: {problem}") from problem


def trusted(ca: str, means: Means) -> ssl.SSLContext:
    """The machine's roots, or those of `ca` alone: who names an authority of its own wants no other."""
    if not ca:
        return _machines_roots()
    path = means.folder / ca
    try:
        return ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as problem:
        raise ValueError(f"ca: cannot read certificates from {path}: {problem}") from problem


@cache
def _machines_roots() -> ssl.SSLContext:
    """One for all channels: reading them takes longer than everything else about a start of theirs."""
    return ssl.create_default_context()


def web_address(text: str, key: str = "url", *, shown: bool = True) -> str:
    """An http or https address. `shown` False: it is a secret itself, and no sentence repeats it."""
    said = repr(text) if shown else "what it holds"
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as problem:
        raise ValueError(f"{key}: {said}: {problem}" if shown else f"{key}: {said} is no address") from problem
    if url.scheme not in ("http", "https") or not url.host or "%" in url.host or not 0 < (url.port or 443) < 65536:
        raise ValueError(f"{key}: {said} is not an address like https://example.org/anju")
    if url.userinfo:
        raise ValueError(f"{key}: a user name in the address is not sent; the signature says who is calling")
    return text


def mainland(text: str) -> str:
    """A telephone number of mainland China as its digits, without country code: `138-0000-0012`, `+86 571 …`. Empty for what is none."""
    digits = "".join(c for c in text if c.isascii() and c.isdigit())
    if text.strip().startswith("+") and not digits.startswith("86"):
        return ""
    for prefix in ("0086", "86"):
        if digits.startswith(prefix) and len(digits) - len(prefix) >= 10:
            digits = digits.removeprefix(prefix)
            break
    return digits if 7 <= len(digits) <= 12 else ""


def phones(key: str, given: tuple[str, ...]) -> tuple[str, ...]:
    """Numbers from a file, each checked; double ones count once."""
    found = []
    for text in given:
        number = mainland(text)
        if not number:
            raise ValueError(f"{key}: {text!r} is not a telephone number of mainland China like 13800000012")
        found.append(number)
    return tuple(dict.fromkeys(found))
