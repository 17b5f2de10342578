"""`./anju backup` and `./anju restore`, as a person in front of a shell sees them."""

import argparse
import os
import sys
from datetime import datetime
from pathlib import Path

import msgspec

from gateway.children import offer
from gateway.clock import MACHINE
from gateway.operations import manifest
from gateway.operations.backup import NICENESS, Wanted, back_up
from gateway.operations.configuration import of_folder
from gateway.operations.examine import examine
from gateway.operations.manifest import BadBackup
from gateway.operations.pace import Bar, Pace
from gateway.operations.restore import Lost, Restored, Wish, chosen, restore
from gateway.problem import CommandFailed
from gateway.settings import Settings
from gateway.web import VERSION

DISPENSABLE = 700
"""It folds the whole journal in memory: where that is too much, the backup is what goes."""


def settings_for(config: Path | None, data: Path | None) -> Settings:
    """Of `--config FILE`, as far as it can be read, or of the folder of `--data DIR`."""
    if config is None:
        return of_folder(data or Path("data"))
    settings, mistakes = examine(config, os.environ)
    if settings is None:
        raise CommandFailed("\n".join(mistakes))
    return settings


def backup(asked: argparse.Namespace) -> int:
    settings = settings_for(asked.config, asked.data)
    os.nice(NICENESS)
    offer(os.getpid(), DISPENSABLE)
    bar = Bar("backup", _size(Path(settings.data)))
    wanted = Wanted(
        settings=settings, config=asked.config, history=not asked.without_history, keep=asked.keep, version=VERSION, made_at=MACHINE.wall(),
    )  # fmt: skip
    try:
        kept = back_up(wanted, asked.folder, Pace(gentle=True, told=bar.add))
    finally:
        bar.close()
    made = kept.manifest
    if asked.json:
        _say(msgspec.json.encode({"backup": str(kept.path), "last_seq": made.last_seq, "counts": made.counts}).decode())
        return 0
    _say(f"{kept.path}")
    _say(f"up to number {made.last_seq:,} ({_when(made.service_at)}): {_counted(made.counts)}")
    _say(f"{len(made.files)} files, {_mib(sum(record.bytes for record in made.files.values()))}; opened and folded once")
    if not made.history:
        _say("without the readings for charts: a restore reads them again from the journal, as far as it goes back")
    if asked.folder.stat().st_dev == Path(settings.data).stat().st_dev:
        _say("it lies on the disk of the data: that helps against a slip of the hand, not against a disk that dies")
    return 0


def restored(asked: argparse.Namespace) -> int:
    data = asked.data or (Path(settings_for(asked.config, None).data) if asked.config else None)
    if data is None:
        raise CommandFailed("--data DIR or --config FILE says which folder is to be restored")
    try:
        kept = chosen(asked.folder)
    except BadBackup as problem:
        raise CommandFailed(str(problem)) from problem
    total = sum(record.bytes for record in kept.manifest.files.values())
    checking, placing = Bar("checking", total), Bar("restore", total)
    wish = Wish(source=asked.folder, data=data, replace=asked.replace, old=asked.old, now=MACHINE.wall())
    try:
        done = restore(wish, kept, Pace(gentle=False, told=checking.add), Pace(gentle=False, told=placing.add))
    finally:
        checking.close()
        placing.close()
    if asked.json:
        _say(msgspec.json.encode(done).decode())
    else:
        for line in sentences(done, data):
            _say(line)
    return 0


def sentences(done: Restored, data: Path) -> list[str]:
    """What a person who has just lost a server needs to know."""
    lines = [
        f"{data} is as it was at number {done.last_seq:,} ({_when(done.service_at)}): {_counted(done.counts)}",
        f"from {done.backup}: {done.files} files, {_mib(done.bytes)}, every hash and the folded state agree with its manifest",
        _said(done.lost, done.last_seq),
    ]
    if not done.history:
        lines.append("the readings for charts are read again from the journal, as far as it goes back")
    if done.config:
        lines.append(f"the configuration of then lies in {done.config}: put it where it belongs")
    if done.replaced:
        lines.append(f"what was there before is in {done.replaced}: remove it when nobody needs it")
    return lines


def _said(lost: Lost | None, last_seq: int) -> str:
    if lost is None:
        return (
            f"what was acknowledged after number {last_seq:,} is lost; how much that was nothing here knows"
            " (name what is left of the old folder with --old DIR, or set [backup] folder so that it is noted)"
        )
    upto = f"up to number {lost.upto_seq:,}" + (f", {_when(lost.upto_at)}" if lost.upto_at else "")
    if not lost.reports:
        return f"nothing was acknowledged after this backup ({upto})"
    what = f"{lost.reports:,} reports, {lost.calls:,} of them calls or hazards, were acknowledged after this backup and are lost"
    noted = "as was noted beside the backups; the last seconds may be missing"
    known = "as the journal of before says" if lost.known_by == "journal" else noted
    return f"{what} ({upto}; {known})"


def _counted(counts: manifest.Counts) -> str:
    return f"{counts.open_alerts:,} open alerts, {counts.homes:,} homes, {counts.devices:,} devices, {counts.people:,} people"


def _when(at: datetime | None) -> str:
    return "empty" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _mib(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MiB"


def _size(data: Path) -> int:
    """About: what is copied is also hashed."""
    return sum(path.stat().st_size for path in data.rglob("*") if path.is_file() and path.name != "reserve")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
