"""When views.db was lost after the journal's beginning had been pruned: what the alarm process's own snapshots still know.

They hold every home with its people and devices, and every open alert; the journal behind them is then read from where it begins, as at
any start. What is in neither (alerts closed before, and the timelines up to there) is gone, and said so; it is in backups of views.db.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from alerting.alert import Alert
from alerting.arrangements import NOTHING_ARRANGED
from alerting.caring.care import NO_CARE
from alerting.home_state import DeviceState as Heard
from alerting.home_state import HomeState
from alerting.snapshots import GLOBAL, Whole, decode_home, decode_whole, home_key
from alerting.terms import Sentence
from devices.home import SYNTHETIC_AREA, SYNTHETIC_HOME, HomeId, Lifecycle
from gateway.store.failure import DiskFull, StoreBroken
from gateway.store.journal import Reader
from gateway.store.snapshots import read as read_snapshots
from gateway.web.ledger import Account, Muted
from gateway.web.place_records import Activation, DeviceState, Issued, Owner
from gateway.web.watched import HomeGaps
from gateway.web.welfare import Listed

_HOMES = home_key(HomeId(""))


class Restored(msgspec.Struct, frozen=True):
    """`begins` and `at`: the first number in the journal, and its moment. `reflects`: from there on all is as if nothing had been lost."""

    begins: int
    at: datetime
    reflects: int
    records: list[tuple[str, str, msgspec.Struct]]
    """The registry, by kind and key, as `views.db` has it."""
    alerts: list[tuple[Alert, int]]
    """From before the journal's beginning, each with the number that its state reflects."""
    problems: list[str]

    @property
    def sentence(self) -> Sentence:
        """What the desk is told."""
        day = f"{self.at:%Y-%m-%d}"
        zh = f"值守视图已重建：{day} 之前办结的告警和此前的处理经过不在其中，可从备份恢复"
        en = f"the desk's view was built anew: alerts closed before {day}, and what was done until then, are not in it, only in backups"
        if self.problems:
            zh += "；快照也不完整，可能缺少住户或未结告警"
            en += f"; the snapshots are not whole either, homes or open alerts may be missing ({'; '.join(self.problems[:3])})"
        return Sentence(zh, en)


def restore(snapshots: Path, journal: Reader) -> Restored | None:
    """None where the journal is empty. Blocks. StoreBroken or OSError when the journal cannot be read."""
    first, last = next(journal.rows(), None), journal.last
    if first is None or last is None:
        return None
    restored = Restored(first.first_seq, first.stamp.service_at, first.first_seq, [], [], [])
    try:
        loaded = read_snapshots(snapshots)
    except (StoreBroken, DiskFull) as problem:
        restored.problems.append(str(problem))
        return restored
    restored.problems.extend(loaded.problems)
    if gap := loaded.gap(first.first_seq):
        restored.problems.append(gap)
    reflects = restored.reflects
    for key, row in loaded.rows.items():
        if row.body is None or not (key == GLOBAL or key.startswith(_HOMES)):
            continue
        try:
            if key == GLOBAL:
                whole = decode_whole(row.body)
                restored.records.extend(_of_whole(whole))
                of_areas = whole.whole.alerts.values() if whole.whole is not None else ()
                restored.alerts.extend((alert, row.seq) for alert in of_areas if alert.raised_at < restored.at)
                reflects = max(reflects, row.seq)
                continue
            home = decode_home(row.body)[1]
        except (msgspec.MsgspecError, ValueError) as problem:
            restored.problems.append(f"the snapshot of {key!r} cannot be read ({problem})")
            continue
        restored.records.extend(_of_home(home))
        restored.alerts.extend((alert, row.seq) for alert in home.alerts.values() if alert.raised_at < restored.at)
        reflects = max(reflects, row.seq)
    return msgspec.structs.replace(restored, reflects=min(reflects, last.last_seq))


def _of_whole(whole: Whole) -> Iterator[tuple[str, str, msgspec.Struct]]:
    for area in whole.areas.values():
        if area.id != SYNTHETIC_AREA:
            yield "area", area.id, area
    for c in whole.credentials.values():
        yield "credential", c.username, Issued(c.username, c.scope, c.home, c.device, None)
    for id_, certification in whole.certificates.items():
        yield "certificate", id_, certification
    if whole.whole is not None:
        yield from _silences(whole.whole)
    if whole.whole is not None and whole.whole.care != NO_CARE:
        yield "care", "", whole.whole.care
    yield "deafness", "", whole.circumstances.deafness
    if whole.whole is not None:
        yield from (("owner", item, Owner(owner)) for item, owner in whole.whole.owners.items())
    if whole.duties is not None:
        yield "duties", "", whole.duties
    if whole.circumstances.rulesets:
        yield "ruleset", "", whole.circumstances.rulesets[-1][1]
    for since, ruleset in whole.circumstances.rulesets:
        if ruleset.version:
            yield "activation", since.isoformat(), Activation(since, "", "", "", ruleset, chosen=False)


def _of_home(home: HomeState) -> Iterator[tuple[str, str, msgspec.Struct]]:
    if home.retired or home.id == SYNTHETIC_HOME:
        return
    if home.record is not None:
        yield "home", home.id, home.record
    if home.arranged != NOTHING_ARRANGED:
        yield "arranged", home.id, home.arranged
    for person in home.people.values():
        yield "person", f"{home.id}/{person.id}", person
    for device in home.devices.values():
        if device.record.lifecycle is not Lifecycle.RETIRED:
            yield "device", f"{home.id}/{device.record.id}", device.record
            yield "state", f"{home.id}/{device.record.id}", _state(device)
    yield from _silences(home)
    for item, owner in home.owners.items():
        yield "owner", item, Owner(owner)
    for test in home.tests.values():
        yield "test", test.test, test
    if home.away is not None or home.gaps:
        yield "gaps", home.id, HomeGaps(home.away.since if home.away is not None else None, home.gaps)
    if home.care != NO_CARE:
        yield "care", home.id, home.care
    for member in home.outages:
        yield "welfare", f"{member.alert}/{home.id}", Listed(home.id, member.dark, member.since, member.back_at)
    for c in home.credentials.values():
        yield "credential", c.username, Issued(c.username, c.scope, c.home, c.device, None)


def _silences(home: HomeState) -> Iterator[tuple[str, str, msgspec.Struct]]:
    """Those that hold, and what they keep off the ring just now."""
    for silence in home.silences.values():
        yield "silence", silence.silence, silence
        muted = tuple(Muted(a.id, a.raised_at) for a in home.alerts.values() if a.open and a.silenced_by == silence.silence)
        yield "ledger", silence.silence, Account(silence, muted, len(muted))


def _state(device: Heard) -> DeviceState:
    """The signal is not in a snapshot; the next report has it."""
    gone = device.silent or device.online is False
    online = False if gone else True if device.online or device.last_heard_at else None
    return DeviceState(device.last_heard_at, online, device.battery, None, device.firmware)
