"""Versions of rules that somebody brought, as files in the data folder: `rules/<version>.json`. Judging never reads them.

A draft is kept with the rules that it came to, so that it means the same whatever is put live meanwhile. What is live is in the
journal, rules and all, and does not depend on these files.
"""

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from alerting.rules import Rule
from gateway.rules.lint import Finding

DRAFTS_KEPT = 200


class Draft(msgspec.Struct, frozen=True):
    """`text` and `tests` as they were brought; `rules` is what they came to, laid over those of `base`."""

    version: str
    at: datetime
    by: str
    note: str
    text: str
    tests: str
    base: str
    rules: tuple[Rule, ...]
    findings: tuple[Finding, ...] = ()


class Drafts:
    """`judging`: the folder of the files that the service was started with."""

    def __init__(self, folder: Path, judging: Path) -> None:
        self.judging = judging
        self._folder = folder

    def keep(self, draft: Draft) -> None:
        """On disk when this returns; the oldest go where there are too many."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / f"{draft.version}.json"
        new = path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(draft))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        for old in sorted(self._folder.glob("*.json"), key=lambda one: one.stat().st_mtime)[:-DRAFTS_KEPT]:
            old.unlink(missing_ok=True)

    def all(self) -> list[Draft]:
        """The newest first; what cannot be read is left out."""
        found = []
        for path in self._folder.glob("*.json"):
            with suppress(OSError, msgspec.MsgspecError):
                found.append(msgspec.json.decode(path.read_bytes(), type=Draft))
        return sorted(found, key=lambda draft: draft.at, reverse=True)
