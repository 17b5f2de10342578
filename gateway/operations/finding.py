"""What `doctor` found of one thing: how it is, and what to do where it is not well."""

from collections.abc import Iterator
from enum import StrEnum

import msgspec


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    """It works, and will not for ever, or not when it is needed."""
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True):
    what: str
    level: Level
    sentence: str


Findings = Iterator[Finding]


def ok(what: str, sentence: str) -> Finding:
    return Finding(what, Level.OK, sentence)


def warn(what: str, sentence: str) -> Finding:
    return Finding(what, Level.WARN, sentence)


def fail(what: str, sentence: str) -> Finding:
    return Finding(what, Level.FAIL, sentence)
