"""`./anju rules backtest`, as a person in front of a shell sees it."""

import argparse
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import msgspec

from alerting.rules import Ruleset
from gateway.operations.commands import settings_for
from gateway.operations.pace import Bar
from gateway.problem import CommandFailed
from gateway.rules.backtest.feed import Journal
from gateway.rules.backtest.page import page
from gateway.rules.backtest.result import Backtest, Change, What
from gateway.rules.backtest.work import Job, run
from gateway.rules.commands import draft_over, folder_for
from gateway.rules.folder import judged

TOP = 20
"""Lines of a table."""


def backtest(asked: argparse.Namespace) -> int:
    recording: Path | None = asked.recording
    if asked.html is not None and not asked.html.parent.is_dir():  # before the months are played, not behind them
        raise CommandFailed(f"--html {asked.html}: there is no folder {asked.html.parent}")
    data = Path(settings_for(asked.config, asked.data).data) if recording is None else None
    if data is not None and not (data / "segments").is_dir():
        raise CommandFailed(f"{data} is no data folder: it has no segments")
    now = _now(asked, data)
    draft = draft_over(now, asked.rules)
    job = Job(
        now, draft, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), timedelta(days=asked.warm_up),
        data=str(data or ""), recording=str(recording or ""),
    )  # fmt: skip
    span = job.source.span()
    if span is None:
        raise CommandFailed(f"{recording or data} holds nothing to play")
    start = _moment(asked.start, now) or span[0]
    end = _moment(asked.end, now, after=True) or span[1] + timedelta(seconds=1)
    if start >= end:
        raise CommandFailed(f"--from {start:%Y-%m-%d %H:%M} is not before --to {end:%Y-%m-%d %H:%M}")
    job = msgspec.structs.replace(job, start=start, end=end, warm_up=min(job.warm_up, max(start - span[0], timedelta(0))))
    bar = Bar("backtest", recording.stat().st_size if recording else _size(data or Path()))
    try:
        found = run(job, asked.processes, bar.add, every_rule=asked.every_rule)
    finally:
        bar.close()
    if asked.html is not None:
        try:
            asked.html.write_text(page(found, ", ".join(path.name for path in asked.rules)), encoding="utf-8")
        except OSError as problem:
            raise CommandFailed(f"--html {asked.html}: {problem.strerror}") from problem
    if asked.json:
        _say(msgspec.json.encode(found).decode())
    else:
        for line in table(found):
            _say(line)
    return 0


def _size(data: Path) -> int:
    return sum(path.stat().st_size for path in data.glob("segments/*.journal"))


def _now(asked: argparse.Namespace, data: Path | None) -> Ruleset:
    """The rules that hold: those of the service, where its journal is played; else those of the folder."""
    if data is not None and asked.judging is None:
        held = Journal(data).ruleset()
        if held is not None:
            return held
    found = judged(folder_for(asked))
    mistakes = [*found.mistakes, *found.gathered.mistakes]
    if mistakes:
        raise CommandFailed("\n".join(map(str, mistakes)))
    return found.ruleset


def _moment(text: str, ruleset: Ruleset, *, after: bool = False) -> datetime | None:
    """A day or a moment, where people live unless it says otherwise; `after`: a day counts as a whole."""
    if not text:
        return None
    zone = timezone(timedelta(minutes=ruleset.utc_offset_minutes))
    try:
        if len(text) == len("2026-03-02"):
            day = date.fromisoformat(text) + timedelta(days=1 if after else 0)
            return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as problem:
        raise CommandFailed(f"{text!r} is neither a day (2026-03-02) nor a moment (2026-03-02T08:00): {problem}") from problem
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


def table(found: Backtest) -> list[str]:
    """The summary, the days, the homes with most differences, and the differences with their evidence."""
    local = timezone(timedelta(minutes=found.utc_offset_minutes))
    rate = found.reports / found.took_s if found.took_s else 0.0
    span = f"{found.start.astimezone(local):%Y-%m-%d %H:%M} to {found.end.astimezone(local):%Y-%m-%d %H:%M}"
    counts = ", ".join(f"{found.count(what):,} {what.value}" for what in What if found.count(what)) or "no difference"
    lines = [
        f"{span}: {found.homes:,} homes, {found.reports:,} reports in {found.took_s:,.1f} s ({rate:,.0f}/s, {found.processes} processes)",
        f"{found.now_version} raises {found.now_alerts:,}, {found.draft_version} raises {found.draft_alerts:,}: {counts}",
        *found.notes,
    ]
    if not found.changes:
        return lines
    lines += ["", f"{'day':10}  {'now':>7} {'draft':>7} {'added':>7} {'removed':>7} {'earlier':>7} {'later':>7} {'changed':>7}"]
    for day in found.days:
        numbers = (day.now, day.draft, day.added, day.removed, day.earlier, day.later, day.changed)
        lines.append(f"{day.day:%Y-%m-%d}  " + " ".join(f"{count:7,}" for count in numbers))
    homes = Counter((change.area, change.home) for change in found.changes)
    lines += ["", "homes with most differences:"]
    for (area, home), count in homes.most_common(TOP):
        of = Counter(change.what.value for change in found.changes if (change.area, change.home) == (area, home))
        lines.append(f"  {home or area}: {count} ({', '.join(f'{n} {what}' for what, n in of.most_common())})")
    lines.append("")
    for change in found.changes[:TOP]:
        lines += _told(change, local)
    if len(found.changes) > TOP:
        lines.append(f"and {len(found.changes) - TOP:,} more: --json or --html FILE has them all")
    return lines


def _told(change: Change, local: timezone) -> list[str]:
    alert = change.alert
    head = f"{change.what.value:8} {alert.at.astimezone(local):%m-%d %H:%M:%S} {change.home or change.area} {alert.rule} p{alert.priority}"
    if change.now and change.draft:
        by = f"{abs(change.shift_s):,.0f} s {change.what.value}" if change.shift_s else f"was {change.now.rule} p{change.now.priority}"
        head += f" ({by})"
    shown = [f"{one.at.astimezone(local):%H:%M:%S} {one.device} {one.property} = {_value(one.value)}" for one in alert.evidence]
    return [head, f"         {alert.reason.zh}", *(f"         {line}" for line in shown)]


def _value(value: bool | float) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")

