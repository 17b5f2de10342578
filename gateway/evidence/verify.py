"""Whether the evidence is as it was made: every entry, every link, every text against its digest, every anchor, and all of it against the
journal as far as that goes back. What was erased is said, with when and by whom; it is no finding.

A chain alone shows that something was changed; that all of it was made anew it cannot show. For that there are the journal, and anchors
that were kept elsewhere (a printed report has them).
"""

import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from alerting.terms import Sentence
from gateway.evidence.apart import answer, give_way
from gateway.evidence.archive import ANCHORS, Anchor, read_anchors, reading
from gateway.evidence.entry import GAP, Entry, Told, decode, digest, encode, is_told, kind_of, link, open_part, sealed_part, total
from gateway.store.entry import Commit, Stamp
from gateway.store.failure import StoreBroken
from gateway.store.journal import Reader

ERASED = "f:erase"
MOST = 1000
"""Findings that are told one by one."""


class Fault(StrEnum):
    ALTERED = "altered"
    MISSING = "missing"
    REORDERED = "reordered"
    ADDED = "added"
    TEXT = "text"
    """A text is not what its digest says, or is gone without an erasure, or is there after one."""
    ANCHOR = "anchor"


class Finding(msgspec.Struct, frozen=True):
    """`seq`: the journal's number of the entry; 0 where it is about none."""

    fault: Fault
    seq: int
    alert: str
    sentence: Sentence


class Erased(msgspec.Struct, frozen=True):
    home: str
    at: datetime
    by: str
    entries: int
    """Of the chain, whose texts are gone."""


class Verified(msgspec.Struct, frozen=True):
    entries: int
    alerts: int
    anchors: tuple[Anchor, ...]
    upto: int
    """The number of the journal that the archive has come to."""
    compared_from: int
    """From which number on each entry was compared with the journal; 0: with none."""
    erased: tuple[Erased, ...]
    gaps: tuple[tuple[int, int], ...]
    """Numbers of the journal that retention had removed before they were read."""
    findings: tuple[Finding, ...]

    @property
    def good(self) -> bool:
        return not self.findings


class NoEvidence(Exception):  # noqa: N818 - a state of the world
    """There is no archive here yet, or it cannot be opened."""


class _Row(msgspec.Struct, frozen=True):
    seq: int
    alert: str
    n: int
    kind: str
    at: float
    body: bytes
    link: bytes
    total: bytes


def verify(data: Path, *, kept: Mapping[str, str] | None = None, journal: bool = True) -> Verified:
    """`kept`: anchors from elsewhere, by day, in hexadecimal. Blocks, for as long as the journal is long. NoEvidence; StoreBroken."""
    try:
        file = reading(data)
        file.execute("SELECT 1 FROM entry").fetchone()
    except sqlite3.Error as problem:
        raise NoEvidence(f"{data}: there is no evidence to verify ({problem})") from problem
    with closing(file):
        try:
            return _Examination(file, data, kept or {}).run(compare=journal)
        except sqlite3.Error as problem:
            raise StoreBroken(f"{data}: evidence.db cannot be read: {problem}") from problem


class _Examination:
    def __init__(self, file: sqlite3.Connection, data: Path, kept: Mapping[str, str]) -> None:
        self._file, self._data, self._kept = file, data, kept
        self._found: list[Finding] = []
        self._totals: dict[int, tuple[int, bytes]] = {}
        """By the number of an entry that an anchor names: how many entries there are up to it, and the link over all."""
        self._erased_at: dict[str, Entry] = {}
        self._bare: dict[str, int] = {}
        self._keys: dict[str, bytes] = dict(file.execute("SELECT home, key FROM subject").fetchall())
        self._gaps: list[tuple[int, int]] = []
        self._tips: dict[str, tuple[int, bytes]] = {}
        known = dict(file.execute("SELECT name, value FROM meta").fetchall())
        self._position = int(known.get("position", 0))

    def run(self, *, compare: bool) -> Verified:
        rows = self._file.execute("SELECT day, seq, entries, total FROM anchor ORDER BY day")
        anchors = [Anchor(day, seq, entries, ended.hex()) for day, seq, entries, ended in rows]
        for body, kind in self._file.execute("SELECT body, kind FROM entry WHERE kind IN (?, ?) ORDER BY seq", (ERASED, GAP)):
            self._special(body, kind)
        count = self._chain({a.seq for a in anchors})
        self._strays()
        self._anchored(anchors)
        since = self._compare() if compare else 0
        erased = [Erased(home, e.at, e.actor, self._bare.get(home, 0)) for home, e in self._erased_at.items()]
        return Verified(
            entries=count, alerts=sum(1 for alert in self._tips if alert), anchors=tuple(anchors), upto=self._position, compared_from=since,
            erased=tuple(erased), gaps=tuple(self._gaps), findings=tuple(self._found[:MOST]),
        )  # fmt: skip

    def _special(self, body: bytes, kind: str) -> None:
        try:
            entry = decode(body)
        except msgspec.MsgspecError:
            return  # said where the chain is walked
        if kind == GAP:
            self._gaps.append((int(entry.open.get("from") or 0), int(entry.open.get("to") or 0)))
        else:
            self._erased_at[entry.home] = entry

    # --- the chain -----------------------------------------------------------------------------------------------------------

    def _chain(self, anchored: set[int]) -> int:
        before, count = b"", 0
        query = (
            "SELECT e.seq, e.alert, e.n, e.kind, e.at, e.body, e.link, e.total, s.subject, s.body"
            " FROM entry e LEFT JOIN sealed s USING (seq) ORDER BY e.seq"
        )
        for *fields, subject, texts in self._file.execute(query):
            row = _Row(*fields)
            count += 1
            entry = self._body(row)
            if entry is not None:
                self._texts(row, entry, subject, texts)
            self._linked(row)
            if total(before, row.link) != row.total:
                self._note(Fault.MISSING, row, "与前一条记录不相连", "does not join the entry before it in the archive")
            before = row.total
            if row.seq in anchored:
                self._totals[row.seq] = (count, row.total)
        return count

    def _body(self, row: _Row) -> Entry | None:
        try:
            entry = decode(row.body)
        except msgspec.MsgspecError:
            self._note(Fault.ALTERED, row, "内容无法读取", "cannot be read")
            return None
        if encode(entry) != row.body:
            self._note(Fault.ALTERED, row, "内容的写法与归档不同", "is not written as the archive writes")
        said = (entry.seq, entry.alert, entry.n, entry.kind, entry.at.timestamp())
        if said != (row.seq, row.alert, row.n, row.kind, row.at):
            self._note(Fault.ALTERED, row, "索引与内容不符", "is listed as something else than it says")
        return entry

    def _linked(self, row: _Row) -> None:
        n, before = self._tips.get(row.alert, (0, b""))
        if link(before, row.body) != row.link:
            self._note(Fault.ALTERED, row, "与本警报的前一条记录不相连", "was altered, or does not follow what was before it")
        if row.n > n + 1:
            missing = row.n - n - 1
            self._note(Fault.MISSING, row, f"其前缺少 {missing} 条记录", f"is preceded by a gap of {missing} in its alert's timeline")
        elif row.n <= n:
            self._note(Fault.REORDERED, row, "次序不对", "stands out of its order")
        self._tips[row.alert] = (max(row.n, n), row.link)

    def _texts(self, row: _Row, entry: Entry, subject: str | None, body: bytes | None) -> None:
        if not entry.sealed:
            if body is not None:
                self._note(Fault.ADDED, row, "附有不属于它的文字", "has texts that it never had")
            return
        owner = str(entry.open.get("member") or entry.home)
        erasure = self._erased_at.get(owner)
        gone = erasure is not None and row.seq <= erasure.seq
        if body is None:
            if gone:
                self._bare[owner] = self._bare.get(owner, 0) + 1
            else:
                self._note(Fault.TEXT, row, "文字缺失，且没有清除记录", "has lost its texts, and nobody erased them")
            return
        if gone:
            self._note(Fault.TEXT, row, "文字本应已清除", "still has texts that were to be erased")
            return
        key = self._keys.get(owner)
        try:
            texts = msgspec.json.decode(body, type=dict[str, str])
        except msgspec.MsgspecError:
            texts = {}
        if subject != owner or key is None:
            self._note(Fault.TEXT, row, "缺少住户的密钥", "has texts whose salt is gone, or is another home's")
        elif texts.keys() != entry.sealed.keys():
            self._note(Fault.TEXT, row, "文字的项目与摘要不符", "has other texts than digests")
        else:
            for field, text in texts.items():
                if digest(key, row.seq, field, text) != entry.sealed[field]:
                    self._note(Fault.TEXT, row, f"{field} 的文字被改动", f"says in {field} what its digest does not")

    def _strays(self) -> None:
        """Texts without an entry."""
        for (seq,) in self._file.execute("SELECT seq FROM sealed WHERE seq NOT IN (SELECT seq FROM entry)"):
            sentence = Sentence(f"第 {seq} 号的文字没有对应的记录", f"number {seq}: there are texts, and no entry")
            self._found.append(Finding(Fault.MISSING, seq, "", sentence))

    # --- anchors -------------------------------------------------------------------------------------------------------------

    def _anchored(self, anchors: Sequence[Anchor]) -> None:
        for anchor in anchors:
            if not anchor.seq:
                there: tuple[int, bytes] | None = (0, b"")
            else:
                there = self._totals.get(anchor.seq)
            if there != (anchor.entries, bytes.fromhex(anchor.total)):
                self._anchor(anchor.day, "与当日之前的记录不符", "is not what the entries up to that day come to")
            if self._kept.get(anchor.day, anchor.total).lower() != anchor.total:
                self._anchor(anchor.day, "与另行保存的日锚不符", "is not the one that was kept elsewhere")
        known = {anchor.day: anchor for anchor in anchors}
        for day in self._kept.keys() - known.keys():
            self._anchor(day, "有另行保存的日锚，而档案中没有", "was kept elsewhere, and is not here")
        try:
            beside = {anchor.day: anchor for anchor in read_anchors(self._data / ANCHORS)}
        except (ValueError, OSError) as problem:
            self._anchor("", f"{ANCHORS} 无法读取：{problem}", f"{ANCHORS} cannot be read: {problem}")
            return
        for day in sorted(beside.keys() | known.keys()):
            if beside.get(day) != known.get(day):
                self._anchor(day, f"与 {ANCHORS} 不一致", f"is not the same in {ANCHORS}")

    def _anchor(self, day: str, zh: str, en: str) -> None:
        self._found.append(Finding(Fault.ANCHOR, 0, "", Sentence(f"{day} 的日锚{zh}", f"the anchor of {day} {en}")))

    # --- the journal ---------------------------------------------------------------------------------------------------------

    def _compare(self) -> int:
        """Every entry as the journal has it; the first number that the journal still holds."""
        journal = Reader(self._data)
        rows = iter(self._file.execute("SELECT seq, body FROM entry WHERE kind != ? ORDER BY seq", (GAP,)).fetchall())
        seq, body = next(rows, (0, b""))
        first = 0
        for commit in journal.read(0):
            if not first:
                first = commit.first_seq
                while seq and seq < first:
                    seq, body = next(rows, (0, b""))
            for number, fact, stamp in _told(commit):
                if number > self._position:
                    break
                while seq and seq < number:
                    self._stray(seq)
                    seq, body = next(rows, (0, b""))
                if seq != number:
                    zh, en = "日志中有此记录，档案中没有", "is in the journal and not in the archive"
                    self._found.append(_finding(Fault.MISSING, number, getattr(fact, "alert", ""), zh, en))
                else:
                    self._same(seq, body, fact, stamp)
                    seq, body = next(rows, (0, b""))
        while seq:
            self._stray(seq)
            seq, _ = next(rows, (0, b""))
        return first

    def _stray(self, seq: int) -> None:
        self._found.append(_finding(Fault.ADDED, seq, "", "日志中没有此记录", "is in the archive and not in the journal"))

    def _same(self, seq: int, body: bytes, fact: Told, stamp: Stamp) -> None:
        try:
            entry = decode(body)
        except msgspec.MsgspecError:
            return  # said where the chain was walked
        told = (kind_of(fact), fact.home, getattr(fact, "alert", ""), fact.at, stamp)
        kept = Stamp(entry.service_at, entry.wall_at, entry.boottime, entry.boot_id)
        opened = {name: entry.open.get(name) for name in open_part(fact)}
        texts = sealed_part(fact)
        key = self._keys.get(str(entry.open.get("member") or entry.home))
        digests = entry.sealed if key is None else {name: digest(key, seq, name, text) for name, text in texts.items()}
        if (
            told != (entry.kind, entry.home, entry.alert, entry.at, kept)
            or opened != open_part(fact)
            or entry.actor != getattr(fact, "by", "service")
            or entry.sealed.keys() != texts.keys()
            or entry.sealed != digests
        ):
            self._found.append(_finding(Fault.ALTERED, seq, entry.alert, "与日志不一致", "is not what the journal says"))

    def _note(self, fault: Fault, row: _Row, zh: str, en: str) -> None:
        self._found.append(_finding(fault, row.seq, row.alert, zh, en))


def _told(commit: Commit) -> Iterator[tuple[int, Told, Stamp]]:
    for number, entry in enumerate(commit.entries, commit.first_seq):
        if is_told(entry):
            yield number, entry, commit.stamp


def _finding(fault: Fault, seq: int, alert: str, zh: str, en: str) -> Finding:
    of = f"（警报 {alert}）" if alert else ""
    of_en = f" (alert {alert})" if alert else ""
    return Finding(fault, seq, alert, Sentence(f"第 {seq} 号记录{of}{zh}", f"number {seq}{of_en} {en}"))


def main() -> None:
    """`python -m gateway.evidence.verify DATA`: the result as JSON."""
    give_way()
    answer(msgspec.json.encode(verify(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
