"""`./anju audit` and `./anju report`: the evidence verified and counted, while the service runs or without it; a resident erased."""

import argparse
import sqlite3
import sys
from contextlib import closing
from datetime import UTC
from pathlib import Path

import msgspec

from alerting.terms import Sentence
from devices.home import Area
from gateway.evidence.pdf import document
from gateway.evidence.report import Wish
from gateway.evidence.report import report as made_report
from gateway.evidence.sheets import summary, workbook
from gateway.evidence.verify import MOST, NoEvidence, Verified, verify
from gateway.evidence.words import Names
from gateway.judging import load_ruleset
from gateway.operations.commands import settings_for
from gateway.operations.registry import service
from gateway.problem import CommandFailed
from gateway.store.failure import StoreBroken


def audit(asked: argparse.Namespace) -> int:
    """Exit 1 when something was found."""
    if asked.what == "erase":
        with service(asked) as api:
            done = api.call("POST", f"/homes/{asked.home}/erase", body={"reason": asked.reason})
        said = f"{asked.home} is erased; the last file of the journal with a text of it goes by {done['journal_until']}"
        _say(msgspec.json.encode(done).decode() if asked.json else said)
        return 0
    try:
        found = verify(Path(settings_for(asked.config, asked.data).data), kept=_kept(asked.anchor), journal=not asked.without_journal)
    except (NoEvidence, StoreBroken) as problem:
        raise CommandFailed(str(problem)) from problem
    if asked.json:
        _say(msgspec.json.encode({"good": found.good, **msgspec.to_builtins(found)}).decode())
    else:
        for line in sentences(found):
            _say(line)
    return 0 if found.good else 1


def report(asked: argparse.Namespace) -> int:
    """The figures of a month, counted anew from the archive: as words, JSON, PDF or workbook."""
    settings = settings_for(asked.config, asked.data)
    dispositions = load_ruleset(settings).dispositions
    wish = Wish(settings.data, asked.month, settings.timezone, tuple(one.id for one in dispositions if one.false_alarm))
    try:
        made = made_report(wish)
    except ValueError as problem:
        raise CommandFailed(f"--month {asked.month}: YYYY-MM") from problem
    except sqlite3.Error as problem:
        raise CommandFailed(f"{settings.data}: there is no evidence to count from ({problem})") from problem
    names = Names(_areas(Path(settings.data)), {one.id: Sentence(one.zh, one.en) for one in dispositions})
    try:
        if asked.pdf:
            asked.pdf.write_bytes(document(made, names, settings.zone))
        if asked.xlsx:
            asked.xlsx.write_bytes(workbook(made, names, settings.zone))
    except ModuleNotFoundError as missing:
        raise CommandFailed(f"{missing.name} is not installed: pip install 'anju[reports]'") from missing
    except OSError as problem:
        raise CommandFailed(f"{problem.filename}: {problem.strerror}") from problem
    if asked.json:
        _say(msgspec.json.encode(made).decode())
    else:
        for name, value in summary(made, settings.zone):
            _say(f"{name}: {value}")
    return 0


def _areas(data: Path) -> dict[str, str]:
    """The names of areas as the desk's view has them; the report does without where there is none."""
    try:
        with closing(sqlite3.connect(f"{(data / 'views.db').absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as file:
            rows = file.execute("SELECT body FROM record WHERE kind = 'area'").fetchall()
        return {area.id: area.name for area in (msgspec.msgpack.decode(body, type=Area) for (body,) in rows)}
    except (sqlite3.Error, msgspec.MsgspecError):
        return {}


def sentences(found: Verified) -> list[str]:
    lines = [f"{found.entries:,} entries of {found.alerts:,} alerts, up to number {found.upto:,}"]
    if found.anchors:
        last = found.anchors[-1]
        lines.append(f"{len(found.anchors):,} days anchored; the last is {last.day}={last.total}")
    if found.compared_from:
        lines.append(f"compared with the journal from number {found.compared_from:,} on")
    lines += [
        f"{one.home}: erased on {one.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, by {one.by} ({one.entries:,} entries without their texts)"
        for one in found.erased
    ]
    lines += [f"numbers {begin:,} to {end:,} were removed by retention before they were read" for begin, end in found.gaps]
    lines += [f"{one.fault}: {one.sentence.en}" for one in found.findings]
    if len(found.findings) == MOST:
        lines.append("and more")
    lines.append("nothing was altered, nothing is missing, nothing stands out of its order" if found.good else "this is not as it was made")
    return lines


def _kept(words: list[str]) -> dict[str, str]:
    kept = {}
    for word in words:
        day, _, total = word.partition("=")
        if len(total) != 64:
            raise CommandFailed(f"--anchor {word}: DAY=HEX, as ./anju audit verify and the monthly report show it")
        kept[day] = total
    return kept


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
