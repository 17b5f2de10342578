"""Archives of generated operations, for those who look into them or tamper with them."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from gateway.evidence.archive import ANCHORS, NAME, Anchor, Archive
from gateway.evidence.entry import decode, encode, link, total
from gateway.store.entry import Commit

ZONE = ZoneInfo("Asia/Shanghai")


def archived(data: Path, commits: list[Commit]) -> None:
    """What the telemetry process would have kept of these."""
    archive = Archive(data, ZONE, lambda: True)
    try:
        position = archive.open()
        for commit in commits:
            if archive.take(commit):
                archive.write(commit.last_seq)
        archive.write(max(position, commits[-1].last_seq))
    finally:
        archive.close()


def copied(data: Path, to: Path) -> Path:
    return Path(shutil.copytree(data, to))


def change(data: Path, *words: str) -> None:
    """Statements of SQL, by somebody who can write the file."""
    with closing(sqlite3.connect(data / NAME, isolation_level=None)) as file:
        assert sum(file.execute(statement).rowcount for statement in words), "it changed nothing"


def chained_anew(data: Path) -> None:
    """Every link, count and anchor made to fit whatever the entries say now: what a forger with the program would do."""
    tips: dict[str, bytes] = {}
    counts: dict[str, int] = {}
    before = b""
    with closing(sqlite3.connect(data / NAME, isolation_level=None)) as file:
        file.execute("BEGIN")
        for seq, alert, body in file.execute("SELECT seq, alert, body FROM entry ORDER BY seq").fetchall():
            counts[alert] = counts.get(alert, 0) + 1
            said = encode(msgspec.structs.replace(decode(body), n=counts[alert]))
            own = tips[alert] = link(tips.get(alert, b""), said)
            before = total(before, own)
            file.execute("UPDATE entry SET n = ?, body = ?, link = ?, total = ? WHERE seq = ?", (counts[alert], said, own, before, seq))
        lines = []
        for day, seq in file.execute("SELECT day, seq FROM anchor ORDER BY day").fetchall():
            entries, last, ended = file.execute(
                "SELECT count(*), max(seq), (SELECT total FROM entry WHERE seq <= ? ORDER BY seq DESC LIMIT 1) FROM entry WHERE seq <= ?",
                (seq, seq),
            ).fetchone()
            file.execute("UPDATE anchor SET seq = ?, entries = ?, total = ? WHERE day = ?", (last, entries, ended, day))
            lines.append(msgspec.json.encode(Anchor(day, last, entries, ended.hex())) + b"\n")
        file.execute("COMMIT")
    (data / ANCHORS).write_bytes(b"".join(lines))
