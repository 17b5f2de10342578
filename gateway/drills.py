"""Reports of drills, as files in the data folder: `drills/<id>.json`. Nothing is judged by them."""

import os
import re
from pathlib import Path

KEPT = 500
NAME = re.compile(r"[0-9a-f]{8,32}\Z")


class DrillBook:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, id_: str, report: bytes) -> None:
        """On disk when this returns; the oldest go where there are too many."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / f"{id_}.json"
        new = path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(report)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        for old in self._files()[KEPT:]:
            old.unlink(missing_ok=True)

    def one(self, id_: str) -> bytes | None:
        path = self._folder / f"{id_}.json"
        return path.read_bytes() if NAME.match(id_) and path.is_file() else None

    def all(self) -> list[bytes]:
        """The newest first."""
        return [path.read_bytes() for path in self._files()]

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"), key=lambda one: one.stat().st_mtime, reverse=True)
