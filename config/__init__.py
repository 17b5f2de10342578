"""Reads TOML into typed values. A leaf: it knows no domain type, and says of every mistake in which file, at which key, and why."""

import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import msgspec

DEFAULTS = Path(__file__).parent
"""The files that come with Anju."""

_T = TypeVar("_T")
_AT = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<key>.*)`)?$", re.DOTALL)


class ConfigError(Exception):
    """A file cannot be used: `str()` is one line, `file: key: reason`."""

    def __init__(self, path: Path, key: str, reason: str) -> None:
        self.path = path
        self.key = key
        self.reason = reason
        super().__init__(f"{path}: {key}: {reason}" if key else f"{path}: {reason}")


def load(path: Path, type_: type[_T]) -> _T:
    """The file as a value of `type_`; ConfigError for a file that cannot be read, is not TOML, or says something the type does not know.

    Durations are ISO 8601 (`PT90S`). A key that the type does not have is an error, since a misspelt limit would be no limit.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ConfigError(path, "", problem.strerror or "cannot be read") from problem
    except UnicodeDecodeError as problem:
        raise ConfigError(path, "", f"is not UTF-8 at byte {problem.start}") from problem
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(path, "", f"is not TOML: {problem}") from problem
    try:
        value = msgspec.convert(raw, type_)
    except msgspec.ValidationError as problem:
        found = _AT.match(str(problem))
        key = (found["key"] or "").removeprefix("$").removeprefix(".") if found else ""
        raise ConfigError(path, key, found["reason"] if found else str(problem)) from problem
    unknown = _unknown(raw, msgspec.to_builtins(value), "")
    if unknown is not None:
        key, known = unknown
        near = get_close_matches(key.rpartition(".")[2], known, 1)
        raise ConfigError(path, key, "is not a key that is known here" + (f"; did you mean {near[0]!r}?" if near else ""))
    return value


def load_all(folder: Path, type_: type[_T]) -> list[_T]:
    """Every `*.toml` of a folder, by name; ConfigError when there is none."""
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise ConfigError(folder, "", "holds no .toml file")
    return [load(path, type_) for path in paths]


def _unknown(raw: object, known: object, at: str) -> tuple[str, list[str]] | None:
    """The first key of what was read that is nowhere in what came of it, and the keys that are known there."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for key, value in raw.items():
            here = f"{at}.{key}" if at else str(key)
            if key not in known:
                return here, [str(name) for name in known]
            found = _unknown(value, known[key], here)
            if found is not None:
                return found
    elif isinstance(raw, list) and isinstance(known, list | tuple):
        for index, (left, right) in enumerate(zip(raw, known, strict=False)):
            found = _unknown(left, right, f"{at}[{index}]")
            if found is not None:
                return found
    return None
