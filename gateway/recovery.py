"""A start: the engine and the sessions as they were after the last commit, from the rolling snapshots and the journal behind them."""

import logging
from collections.abc import Callable
from functools import partial

import msgspec

from alerting.engine import Engine
from devices.mqtt.entries import SessionEntry
from devices.mqtt.sessions import SNAPSHOTS as SESSION_KEYS
from devices.mqtt.sessions import Sessions
from gateway.mqtt.listener import remember
from gateway.store.entry import Commit
from gateway.store.journal import Journal, Pruned, Reader
from gateway.store.snapshots import Loaded, Roller, Snapshots

log = logging.getLogger(__name__)


class Recovered(msgspec.Struct):
    engine: Engine
    sessions: Sessions
    roller: Roller
    replayed: int
    """Entries folded from the journal."""
    problems: list[str]
    """What could not be had back, in English sentences; empty after every ordinary start."""


def recover(journal: Journal, snapshots: Snapshots) -> Recovered:
    """Decides nothing: stored facts are folded as they stand. StoreBroken when the journal itself cannot be read."""
    engine = Engine()
    sessions = Sessions(engine.credential)
    loaded = snapshots.load(journal.last_seq)
    reflected = _restore(loaded, engine, sessions)
    roller = Roller(snapshots, loaded, partial(_changed, engine, sessions), _capture(engine, sessions))
    if gap := loaded.gap(journal.first_seq):
        loaded.problems.append(gap)
    replayed = 0
    try:
        for commit in journal.read(_floor(journal, loaded)):
            replayed += _fold(commit, engine, reflected)  # first, as it was: sessions hear of a commit when the engine has all of it
            for seq, entry in enumerate(commit.entries, commit.first_seq):
                remember(sessions, entry, seq)
            roller.committed(commit.first_seq, commit.last_seq)
    except Pruned as pruned:
        loaded.problems.append(str(pruned))
    for problem in loaded.problems:
        log.warning("recovery: %s", problem)
    return Recovered(engine, sessions, roller, replayed, loaded.problems)


def look(journal: Reader, loaded: Loaded, last_seq: int) -> tuple[Engine, Sessions]:
    """What a start would find, without opening anything for writing. StoreBroken, Pruned."""
    engine = Engine()
    sessions = Sessions(engine.credential)
    reflected = _restore(loaded, engine, sessions)
    for commit in journal.read(_floor(journal, loaded)):
        if commit.first_seq > last_seq:
            break
        _fold(commit, engine, reflected)
        for seq, entry in enumerate(commit.entries, commit.first_seq):
            remember(sessions, entry, seq)
    return engine, sessions


def refold(journal: Journal, snapshots: Snapshots) -> Engine:
    """The engine alone, as it was after the last commit: what the loop goes on with when judging has failed. On the journal's thread."""
    engine = Engine()
    loaded = snapshots.load(journal.last_seq)
    reflected = _restore(loaded, engine, None)
    for commit in journal.read(_floor(journal, loaded)):
        _fold(commit, engine, reflected)
    return engine


def _floor(journal: Reader, loaded: Loaded) -> int:
    return loaded.floor if journal.first_seq <= loaded.floor + 1 else 0


def _fold(commit: Commit, engine: Engine, reflected: dict[str, int]) -> int:
    """How many entries of the commit were in no row."""
    count = 0
    for seq, entry in enumerate(commit.entries, commit.first_seq):
        if not isinstance(entry, SessionEntry) and seq > reflected.get(engine.key_of(entry), 0):
            engine.fold(entry, commit.stamp.service_at)
            count += 1
    return count


def _restore(loaded: Loaded, engine: Engine, sessions: Sessions | None) -> dict[str, int]:
    """Put every row back that can be read; the number that each reflects."""
    reflected: dict[str, int] = {}
    for key in sorted(loaded.rows, key=lambda key: (key != "global", key)):
        row = loaded.rows[key]
        if row.body is None:
            continue
        try:
            if key.startswith(SESSION_KEYS):
                if sessions is not None:
                    sessions.restore(key, row.body, row.seq)
            else:
                engine.restore(key, row.body)
        except (msgspec.MsgspecError, ValueError, KeyError) as problem:
            loaded.discard(key, f"cannot be read ({problem})")
        else:
            reflected[key] = row.seq
    return reflected


def _changed(engine: Engine, sessions: Sessions) -> list[str]:
    """The rows that changed since this was last asked."""
    keys = engine.take_changed()
    if sessions.changed:
        keys += sessions.changed
        sessions.changed.clear()
    return keys


def _capture(engine: Engine, sessions: Sessions) -> Callable[[str], bytes | None]:
    def capture(key: str) -> bytes | None:
        if key.startswith(SESSION_KEYS):
            return sessions.snapshot(key) or None
        try:
            return engine.snapshot(key)
        except KeyError:
            return None

    return capture
