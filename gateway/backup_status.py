"""How the last backup of the calendar went: `backup.json` in the data folder, written by the process that watches the others."""

from datetime import datetime
from pathlib import Path

import msgspec

NAME = "backup.json"


class LastBackup(msgspec.Struct, frozen=True, kw_only=True):
    day: str
    """The local day that it was for."""
    ended_at: datetime
    good: bool
    sentence: str
    """What went wrong, where something did."""
    last_seq: int = 0
    """The journal's number that it reaches."""


def read(data: Path) -> LastBackup | None:
    """None where there was none."""
    try:
        return msgspec.json.decode((data / NAME).read_bytes(), type=LastBackup)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def write(data: Path, last: LastBackup) -> None:
    draft = data / f"{NAME}.new"
    draft.write_bytes(msgspec.json.encode(last))
    draft.replace(data / NAME)
