"""Commands on their way to kits behind an outside broker: a follower of the journal, from a number it remembers.

A command is a fact; it leaves after its commit, in the order of the journal, and counts as gone when the broker has acknowledged it.
Up to where all are gone is kept in a small file. A start reads the journal on from there, so a command may be sent twice, under the
same id, and none is left out; those that have expired meanwhile are. The file is written at most once a second, and only when a
command has gone or enough has passed: losing the last of it costs a repetition.

Without a file (a broker configured for the first time) it begins with the next command: what was issued before was for other lines.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

from alerting.facts import CommandIssued
from gateway.mqtt.broker_client import Outgoing
from gateway.store.entry import Entry
from gateway.store.failure import sync_folder
from gateway.store.journal import DiskFull, Pruned, Reader, StoreBroken

HELD = 10_000
"""Commands in memory; what is issued beyond is read from the journal when its turn comes."""
KEEP_EVERY = 20_000
"""Numbers that the journal may grow by, without a command, before the file is written."""

log = logging.getLogger(__name__)


class Memory(msgspec.Struct):
    """What the file holds. `position`: every command up to this number is gone; -1 where nothing is remembered."""

    position: int = -1
    subscribed: dict[str, list[str]] = {}
    """By client id, what the session at the broker was subscribed to."""
    broker: str = ""
    """The address that `subscribed` is about."""


class MemoryFile:
    """The file beside the data. What cannot be read is as if it had never been written."""

    def __init__(self, path: Path, broker: str) -> None:
        self._path = path
        try:
            self.memory = msgspec.json.decode(path.read_bytes(), type=Memory)
        except FileNotFoundError:
            self.memory = Memory()
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
            log.warning("%s cannot be read (%s): commands begin with the next one", path, problem)
            self.memory = Memory()
        if self.memory.broker != broker:
            self.memory.subscribed, self.memory.broker = {}, broker
        self._changed = False

    # --- subscriptions, as a session asks for them ---

    def knows(self, client_id: str, filters: list[str]) -> bool:
        """Whether the session at the broker has just these subscriptions, so that asking again would only replay what is retained."""
        return self.memory.subscribed.get(client_id) == filters

    def stale(self, client_id: str, filters: list[str]) -> list[str]:
        return [text for text in self.memory.subscribed.get(client_id, []) if text not in filters]

    def made(self, client_id: str, filters: list[str]) -> None:
        self.memory.subscribed[client_id] = filters
        self._changed = True

    # --- the file ---

    def reached(self, position: int, *, at_once: bool) -> None:
        """All commands up to here are gone."""
        if position != self.memory.position and (at_once or position - self.memory.position >= KEEP_EVERY):
            self.memory.position = position
            self._changed = True

    async def keep(self) -> None:
        """Write it if it changed; a disk without room is tried again."""
        if self._changed:
            self._changed = False
            body = msgspec.json.format(msgspec.json.encode(self.memory))
            try:
                await asyncio.to_thread(self._write, body)
            except OSError as problem:
                self._changed = True
                log.warning("%s cannot be written: %s", self._path, problem.strerror)

    def _write(self, body: bytes) -> None:
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        sync_folder(self._path.parent)


class Way(msgspec.Struct, frozen=True):
    """Where commands leave: how many more it takes now, and the number under which it will say that one has arrived."""

    room: Callable[[], int]
    send: Callable[[Outgoing], int]


class Outbox:
    """`committed` with each commit, `pump` when the line has room, `acknowledged` with what it says."""

    def __init__(self, journal: Reader, file: MemoryFile, last_seq: int, way: Way, clock: Callable[[], datetime]) -> None:
        self.refused = 0
        """Commands that the broker, or paho, would not take; there is nothing to be won by sending them again."""
        self.expired = 0
        self._journal = journal
        self._file = file
        self._way = way
        self._clock = clock
        position = file.memory.position
        self._last_seq = last_seq
        self._loaded = last_seq if position < 0 else min(position, last_seq)
        """Up to here the commands that are not gone are in memory."""
        self._behind = self._loaded < last_seq
        self._waiting: deque[tuple[int, CommandIssued]] = deque()
        self._sent: dict[int, tuple[int, CommandIssued]] = {}
        """By packet identifier."""
        self._gone = position < 0
        if position < 0:
            file.reached(last_seq, at_once=True)

    def __len__(self) -> int:
        """Commands that are known of and not gone."""
        return len(self._waiting) + len(self._sent)

    def committed(self, first_seq: int, entries: Iterable[Entry]) -> None:
        seq = first_seq - 1
        for seq, entry in enumerate(entries, first_seq):
            if isinstance(entry, CommandIssued) and not self._behind:
                self._waiting.append((seq, entry))
        self._last_seq = seq
        if not self._behind:
            self._loaded = seq
            self._behind = len(self._waiting) >= HELD
        self.pump()

    def pump(self) -> None:
        """Send what may be sent now."""
        while self._waiting and self._way.room() > 0:
            seq, command = self._waiting.popleft()
            left = None if command.expires_at is None else (command.expires_at - self._clock()).total_seconds()
            if left is not None and left <= 0:
                self.expired += 1
                self._gone = True
                continue
            try:
                number = self._way.send(Outgoing(command.topic, command.payload, None if left is None else int(left) + 1))
            except ValueError as problem:
                self._refuse(command, str(problem))
            else:
                self._sent[number] = (seq, command)

    def acknowledged(self, number: int, refusal: str) -> None:
        """The broker has it; `refusal`: it will not pass it on."""
        sent = self._sent.pop(number, None)
        if sent is None:
            return
        self._gone = True
        if refusal:
            self._refuse(sent[1], refusal)
        self.pump()

    def connected(self, anew: bool) -> None:
        """The line can be used. `anew`: it does not know what it was given before, so that is sent again."""
        if anew:
            self._waiting.extendleft(sorted(self._sent.values(), key=lambda one: one[0], reverse=True))
            self._sent.clear()
        self.pump()

    async def tend(self) -> None:
        """Once a second: read on in the journal where memory did not suffice, and remember how far everything is gone."""
        while self._behind and len(self._waiting) < HELD // 2:
            upto = self._last_seq
            try:
                found = await asyncio.to_thread(self._read, self._loaded, upto)
            except (StoreBroken, DiskFull) as problem:
                log.warning("commands that wait cannot be read: %s", problem)
                break
            self._waiting.extend(found)
            self._loaded = found[-1][0] if len(found) == HELD else upto
            self._behind = self._loaded < self._last_seq
            self.pump()
        oldest = min([seq for seq, _ in self._sent.values()] + [seq for seq, _ in list(self._waiting)[:1]], default=None)
        self._file.reached(self._loaded if oldest is None else oldest - 1, at_once=self._gone)
        self._gone = False
        await self._file.keep()

    def _read(self, after: int, upto: int) -> list[tuple[int, CommandIssued]]:
        """Commands between two numbers, as many as may be held. What retention has removed has expired long ago."""
        try:
            return list(islice(self._commands(after, upto), HELD))
        except Pruned:
            return list(islice(self._commands(0, upto), HELD))

    def _commands(self, after: int, upto: int) -> Iterator[tuple[int, CommandIssued]]:
        for commit in self._journal.read(after):
            if commit.first_seq > upto:
                return
            for seq, entry in enumerate(commit.entries, commit.first_seq):
                if seq > after and isinstance(entry, CommandIssued):
                    yield seq, entry

    def _refuse(self, command: CommandIssued, why: str) -> None:
        self.refused += 1
        self._gone = True
        log.warning("command %s on %s is not passed on: %s", command.id, command.topic, why)
