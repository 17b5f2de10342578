"""Reads TOML into typed values. A leaf: it knows no domain type; of every mistake it says in which file and line, at which key, and why."""

import tomllib
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from config.lines import lines_of, place
from config.strict import GONE, Difference, compare, refusal

DEFAULTS = Path(__file__).parent
"""The files that come with Anju."""

TESTS = ".test.toml"
"""How the name of a file of tests ends, which lies beside what it tests."""

_T = TypeVar("_T")


class ConfigError(Exception):
    """A file cannot be used: `str()` is one line, `file:line: key: reason`; line 0 is not known and not written."""

    def __init__(self, path: Path, key: str, reason: str, line: int = 0) -> None:
        self.path = path
        self.key = key
        self.reason = " ".join(reason.split())
        self.line = line
        self.place = f"{path}:{line}" if line else str(path)
        super().__init__(f"{self.place}: {key}: {self.reason}" if key else f"{self.place}: {self.reason}")


class Survey(Generic[_T]):
    """A file as far as it can be read: `value` without what is wrong in it (None when nothing is left), and every mistake."""

    def __init__(self, path: Path, value: _T | None, mistakes: list[ConfigError], lines: dict[str, int]) -> None:
        self.path = path
        self.value = value
        self.mistakes = mistakes
        self._lines = lines

    def mistake(self, key: str, reason: str) -> None:
        """Add what types cannot say; nothing when the key has been told already."""
        if not any(told.key == key for told in self.mistakes):
            self.mistakes.append(self.at(key, reason))

    def at(self, key: str, reason: str) -> ConfigError:
        """A mistake at a key of this file, with its line; it is not added."""
        return ConfigError(self.path, key, reason, place(self._lines, key))


def survey(path: Path, type_: type[_T]) -> Survey[_T]:
    """The file compared with `type_`, all its mistakes at once, in the order of the file. Raises nothing."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # an editor of Windows puts a mark before the first line
    except OSError as problem:
        return _unread(path, problem.strerror or "cannot be read")
    except UnicodeDecodeError as problem:
        return _unread(path, f"is not UTF-8 at byte {problem.start}")
    return survey_text(text, path, type_)


def survey_text(text: str, path: Path, type_: type[_T]) -> Survey[_T]:
    """`survey` of a text that came by another way; `path` is what its mistakes call it."""
    try:
        raw = tomllib.loads(text)
    except RecursionError:
        return _unread(path, "is nested too deeply")
    except ValueError as problem:  # TOMLDecodeError is one, and so is what int() says of thousands of digits
        return _unread(path, f"is not TOML: {problem}")
    left, differences = compare(raw, type_)
    last = Difference("", "") if left is GONE else refusal(left, type_, "")
    if last is not None and not differences:
        differences = [last]
    lines = lines_of(text)
    mistakes = [ConfigError(path, d.key, d.reason, place(lines, d.key)) for d in differences]
    value = None if last is not None else msgspec.convert(left, type_)
    return Survey(path, value, sorted(mistakes, key=lambda mistake: mistake.line), lines)


def load(path: Path, type_: type[_T]) -> _T:
    """The file as a value of `type_`; ConfigError for a file that cannot be read, is not TOML, or says something the type does not know.

    Durations are ISO 8601 (`PT90S`). A key that the type does not have is an error, since a misspelt limit would be no limit.
    """
    found = survey(path, type_)
    if found.mistakes or found.value is None:
        raise found.mistakes[0]
    return found.value


def load_all(folder: Path, type_: type[_T]) -> list[_T]:
    """What `files_of` names; ConfigError when there is nothing."""
    return [load(path, type_) for path in files_of(folder)]


def files_of(folder: Path) -> list[Path]:
    """Every `*.toml` of a folder, by name, but the tests of what stands in the others (`*.test.toml`); ConfigError when there is none."""
    paths = sorted(path for path in folder.glob("*.toml") if not path.name.endswith(TESTS))
    if not paths:
        raise ConfigError(folder, "", "holds no .toml file")
    return paths


def _unread(path: Path, reason: str) -> Survey[_T]:
    return Survey(path, None, [ConfigError(path, "", reason)], {})
