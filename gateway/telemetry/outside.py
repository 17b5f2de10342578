"""The follower's end of a store outside: what is offered to it, how often, and what becomes of what it refuses.

A batch that is refused is halved until the line at fault stands alone; that one is set aside with the server's reason and the rest goes
on. Servers keep the good lines of a batch they refuse (InfluxDB does), and lines come again after an outage or a kill: both are
harmless, the same point is the same point. A store that takes nothing at all out of a hundred lines has something else wrong with it: then
nothing is set aside, and it is said.
"""

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import msgspec

from alerting.items import Said
from alerting.registry_facts import DeviceDiscovered, DeviceRegistered
from alerting.snapshots import GLOBAL, decode_home
from alerting.terms import Sentence
from devices.home import SYNTHETIC_HOME, AreaId, DeviceId, HomeId, ModelId
from devices.message import Heard
from gateway.clock import MACHINE
from gateway.outside_stores import Begin, Store
from gateway.store.entry import Commit
from gateway.store.failure import DiskFull
from gateway.store.folder import Layout
from gateway.store.journal import Reader
from gateway.store.reserve import NO_ROOM
from gateway.store.snapshots import read as read_snapshots
from gateway.store.standing import DeviceKey, Refused, Standing, path_of
from gateway.telemetry.follower import StoreAway
from gateway.telemetry.lines import lines, tags
from gateway.telemetry.verdict import NotNow, Refusal
from gateway.telemetry.writers import Writer, open_writer

BATCH_LINES = 5000
BATCH_BYTES = 1 << 20
ALL_REFUSED = 100
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
_DEVICES = (DeviceRegistered, DeviceDiscovered)
"""Asked of every entry; a union that is written out there would be made anew each time."""
_DEVICES_REMEMBERED = 200_000
_LINE_KEPT = 2000


class _Taken(msgspec.Struct, frozen=True):
    """What one round of writing came to. `at` in monotonic seconds."""

    at: float
    position: int
    models: dict[DeviceKey, ModelId]
    refused: list[Refused]
    outdated: int


class Outside:
    """A `Sink`. `room` says whether this process may fill the disk, which the position needs.

    The position is noted once the store cannot forget any more what it said yes to. Until then it is only gone on from in memory: after
    a failure that much is offered again.
    """

    def __init__(self, store: Store, layout: Layout, journal: Reader, room: Callable[[], bool]) -> None:
        self.name = store.name
        self.refused = 0
        self._store = store
        self._layout = layout
        self._journal = journal
        self._room = room
        self._standing: Standing | None = None
        self._writer: Writer | None = None
        self._failures = 0
        self._lines: list[str] = []
        self._absurd: list[Refused] = []
        self._bytes = 0
        self._models: dict[DeviceKey, ModelId] = {}
        """As they were at the position."""
        self._learned: dict[DeviceKey, ModelId] = {}
        """Since. Apart, so that lines that come again are the same lines."""
        self._taken: deque[_Taken] = deque()
        """In the store, and not noted yet."""
        self._tags: dict[DeviceKey, tuple[AreaId, str]] = {}

    # --- what a follower asks ------------------------------------------------------------------------------------------------

    def open(self) -> int:
        self._lines, self._absurd, self._bytes = [], [], 0
        self._learned, self._tags = {}, {}
        self._taken.clear()
        self._need_room()
        if self._standing is None:
            self._standing = Standing(path_of(self._layout.root, self.name), self._store.target)
            self._models, self.refused = self._standing.models(), self._standing.refused
        position = self._standing.position
        return self._begin(self._standing) if position is None else position

    def missed(self) -> None:
        """Devices that were registered in what is gone are known to the snapshots."""
        self._learned |= known_models(self._layout.snapshots)

    def take(self, commit: Commit) -> bool:
        for entry in commit.entries:
            if isinstance(entry, _DEVICES):
                self._learn(entry.device.home, entry.device.id, entry.device.model)
        for entry in commit.entries:
            if isinstance(entry, Said) and isinstance(entry.message, Heard) and entry.message.home != SYNTHETIC_HOME:
                heard = entry.message
                for o, line in zip(heard.report.observations, lines(heard, self._tags_of(heard)), strict=True):
                    if abs(o.value) > self._store.largest:
                        self._absurd.append(Refused(MACHINE.wall(), line[:_LINE_KEPT], f"over {self._store.largest:g}: not offered"))
                        continue
                    self._lines.append(line)
                    self._bytes += len(line) + 1
        return len(self._lines) >= BATCH_LINES or self._bytes >= BATCH_BYTES

    def write(self, position: int) -> int:
        self._need_room()
        assert self._standing is not None
        offer = Offer(self._opened_writer())
        try:
            for batch in batches(self._lines):
                offer.put(batch)
        except NotNow as later:
            self._failures += 1
            pause = min(FIRST_PAUSE_S * 2 ** (self._failures - 1), LONGEST_PAUSE_S) if later.after is None else later.after
            pause = max(pause, FIRST_PAUSE_S)
            raise StoreAway(later.sentence, pause) from later
        count = len(self._lines)
        self._taken.append(_Taken(monotonic(), position, dict(self._learned), [*self._absurd, *offer.refused], offer.outdated))
        self._lines, self._absurd, self._bytes, self._failures = [], [], 0, 0
        self._settle(self._standing)
        return count - len(offer.refused) - offer.outdated

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._standing is not None:
            self._standing.close()
        self._writer = self._standing = None

    def _settle(self, standing: Standing) -> None:
        """Note what the store has on its own disk by now."""
        settled: list[_Taken] = []
        while self._taken and monotonic() - self._taken[0].at >= self._store.forgets_s:
            settled.append(self._taken.popleft())
        if settled:
            latest = settled[-1]
            refused = [one for taken in settled for one in taken.refused]
            standing.advance(latest.position, latest.models, refused, sum(taken.outdated for taken in settled))
            self._models |= latest.models
            self._learned = {key: model for key, model in self._learned.items() if self._models.get(key) != model}
        self.refused = standing.refused + sum(len(taken.refused) + taken.outdated for taken in self._taken)

    # --- what they need -------------------------------------------------------------------------------------------------------

    def _begin(self, standing: Standing) -> int:
        """The store was never fed: from where its settings say."""
        newest = self._journal.last
        position = newest.last_seq if newest is not None and self._store.begin is Begin.NOW else 0
        self._models = known_models(self._layout.snapshots) if position or self._journal.first_seq > 1 else {}
        standing.advance(position, self._models)
        return position

    def _learn(self, home: HomeId, device: DeviceId, model: ModelId) -> None:
        if self._model(home, device) != model:
            self._learned[home, device] = model
            self._tags.pop((home, device), None)

    def _model(self, home: HomeId, device: DeviceId) -> ModelId | None:
        return self._learned.get((home, device)) or self._models.get((home, device))

    def _tags_of(self, heard: Heard) -> str:
        key = (heard.home, heard.device)
        found = self._tags.get(key)
        if found is None or found[0] != heard.area:
            if len(self._tags) >= _DEVICES_REMEMBERED:
                self._tags.clear()
            found = self._tags[key] = (heard.area, tags(heard, self._model(*key)))
        return found[1]

    def _opened_writer(self) -> Writer:
        if self._writer is None:
            try:
                self._writer = open_writer(self._store)
            except (ValueError, ImportError) as problem:  # a secret or a package that went away since the settings were checked
                raise StoreAway(Sentence(f"设置有误：{problem}", f"its settings: {problem}"), LONGEST_PAUSE_S) from problem
        return self._writer

    def _need_room(self) -> None:
        if not self._room():
            raise DiskFull(NO_ROOM)


class Offer:
    """One round of writing: what was set aside in it. Nothing of it is noted anywhere before the whole round is through."""

    def __init__(self, writer: Writer) -> None:
        self.refused: list[Refused] = []
        self.outdated = 0
        """Older than the store keeps: refused too, but nobody's mistake, and too many to write down."""
        self._taken = False
        self._writer = writer

    def put(self, batch: list[str]) -> None:
        """Everything of it taken or set aside; NotNow when neither can be said."""
        try:
            self._writer.write("".join(f"{line}\n" for line in batch).encode())
        except Refusal as refusal:
            if refusal.outdated == len(batch):
                self.outdated += len(batch)
            elif len(batch) == 1:
                self._set_aside(batch[0], refusal.reason)
            else:
                self.put(batch[: len(batch) // 2])
                self.put(batch[len(batch) // 2 :])
        else:
            self._taken = True

    def _set_aside(self, line: str, reason: str) -> None:
        self.refused.append(Refused(MACHINE.wall(), line[:_LINE_KEPT], reason))
        if len(self.refused) >= ALL_REFUSED and not self._taken:
            said = f"{len(self.refused)}, {reason}"
            raise NotNow(Sentence(f"对方拒绝一切数据（{said}）", f"it refuses whatever it is offered ({said})"))


def batches(all_lines: list[str]) -> Iterator[list[str]]:
    """Of at most 5,000 lines and 1 MiB each, in order."""
    batch: list[str] = []
    size = 0
    for line in all_lines:
        if batch and (len(batch) >= BATCH_LINES or size + len(line) + 1 > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line) + 1
    if batch:
        yield batch


def known_models(snapshots: Path) -> dict[DeviceKey, ModelId]:
    """Of every device that the snapshots know. Empty where there are none; what is damaged there is the alarm process's to tell."""
    if not snapshots.exists():
        return {}
    models: dict[DeviceKey, ModelId] = {}
    for key, row in read_snapshots(snapshots).rows.items():
        if row.body is None or key == GLOBAL or not key.startswith("home/"):
            continue
        try:
            home = decode_home(row.body)[1]
        except ValueError:
            continue
        models |= {(home.id, device.record.id): device.record.model for device in home.devices.values()}
    return models
