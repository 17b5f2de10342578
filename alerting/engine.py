"""The engine: everything judged, in one place, for one shard of homes. Items and `now` in, facts out.

Theory of operation
-------------------
`handle(item, now)` decides; `advance(now)` lets time pass; `next_deadline` says when it must be called next. There is nothing else that
makes anything happen. `handle` first lets time pass up to `now`, so what was due before comes before. Facts are stamped with the moment
they were due, never earlier than the fact before: one leap of time gives the same facts as many small ones.

Three sorts of state (`home_state`), and one rule for each:

- What facts say (alerts, registry, what is silent) changes in `State.apply` alone, at the moment a fact is made. Whatever a fact brings
  with it, receipts, notifications, the first step of a policy, is another fact, made in `_follow` or by a deadline.
- What inputs leave behind (last values, holds, ids heard) changes in `witness.witness` alone.
- Deadlines follow from both; `Agenda.anew` can make all of them anew, and does so after recovery and when the rules change.

Recovery is `restore` for every row of the snapshots, then `fold` for every entry of the journal behind the row it belongs to (`key_of`),
in order. A fold decides nothing: an item only goes through `witness`, a fact only through `State.apply`. What the item would give by
today's rules and code is compared with the facts that stand, and `differences` counts the reports that would be judged otherwise. An
entry touches the state of its own key alone, so rows of different ages may be mixed. What a home needs from the whole (rulesets,
deaf spans) is kept with the moments it held from, so that an old row is folded with the rules of its time.

The shell calls, at a start: `restore`…, `fold`…, then `handle(ServiceStarted(...), now)`, then `Configured` if the rules have changed.
Anything but IllegalTransition out of `handle`, and DeadlineFailed out of either, is a fault of ours: some of what the item meant may have
been done, so the state is no longer sound. The shell folds another engine from what is journaled and lets this one `take_over` it.

After a recovery no device counts as silent until that ServiceStarted, which extends the patience with all of them by the time in which
nobody listened. Everything else that fell due meanwhile comes with the first call, stamped with its moments.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec.structs import replace

from alerting import escalation, snapshots
from alerting.agenda import Agenda
from alerting.alert import Alert
from alerting.circumstances import BEGINNING
from alerting.comparison import Comparison
from alerting.deadlines import DeadlineFailed, Kind
from alerting.deadlines import Entry as Deadline
from alerting.desk import Desk
from alerting.detection import Shown, evidence
from alerting.facts import (
    AlertCommand,
    AlertFact,
    AlertId,
    Asked,
    CheckHomes,
    Configured,
    DeliveryEnded,
    DeviceDiscovered,
    DeviceRegistered,
    DeviceReturned,
    Fact,
    HomesChecked,
    IllegalTransition,
    Item,
    NotificationEnded,
    NotificationRequested,
    Quarantined,
    Said,
    Sentence,
    ServiceStarted,
    SilenceEnded,
    SilenceSet,
    StepReached,
    Unknown,
    WallClockStepped,
)
from alerting.home_state import DeviceState, HomeState
from alerting.raising import Raising
from alerting.receipts import receipts
from alerting.rules import Ruleset
from alerting.snapshots import GLOBAL
from alerting.state import State
from alerting.unjudged import unjudged
from alerting.witness import Witnessed, listed, witness
from devices.credential import Credential
from devices.home import Area, AreaId, HomeId, Person
from devices.message import NO_DIRECTORY, Directory, DirectoryHeard, Heard


class Engine:
    """See the module. One thread, no I/O, no clock."""

    def __init__(self, ruleset: Ruleset | None = None) -> None:
        self._state = State(ruleset or Ruleset())
        self.registry = self._state.registry
        self.differences = 0
        """Reports that a recovery would have judged otherwise."""
        self._circumstances = self._state.circumstances
        self._agenda = Agenda(self.registry, self._circumstances, self._state.alerts)
        self._now = BEGINNING
        self._comparison: Comparison | None = None
        self._out: list[Fact] = []
        self._owed: list[Fact] = []
        self._left_out: set[tuple[Kind, HomeId, str, str]] = set()

    # --- what the shell reads --------------------------------------------------------------------------------------------------

    @property
    def alerts(self) -> Mapping[AlertId, Alert]:
        """The open ones, and those closed for less than `CLOSED_KEPT`."""
        return self._state.alerts

    @property
    def ruleset(self) -> Ruleset:
        return self._circumstances.ruleset

    @property
    def homes(self) -> Mapping[HomeId, HomeState]:
        """Registered ones, retired ones, and those only heard of (`record` is None)."""
        return self.registry.homes

    @property
    def areas(self) -> Mapping[AreaId, Area]:
        return self.registry.areas

    @property
    def devices(self) -> Iterator[DeviceState]:
        return self.registry.devices()

    @property
    def people(self) -> Iterator[Person]:
        return self.registry.people()

    def credential(self, username: str) -> Credential | None:
        return self.registry.credentials.get(username)

    def directory(self, home: HomeId, dialect: str) -> Directory:
        state = self.registry.homes.get(home)
        return state.directories.get(dialect, NO_DIRECTORY) if state else NO_DIRECTORY

    def pending_notifications(self) -> Iterable[NotificationRequested]:
        """Requested and not ended, oldest request of this life of the engine first."""
        return self._state.notifications.values()

    def answered(self, asked: Asked) -> bool:
        """Whether this key of this actor was answered within the last day; `handle` then gives no facts and changes nothing."""
        return self._state.answered(asked, self._now)

    # --- deciding --------------------------------------------------------------------------------------------------------------

    def handle(self, item: Item, now: datetime) -> list[Fact]:
        """The facts an item gives, behind those that were due by `now`.

        For a command: IllegalTransition, Unknown or Exists when it may not be, and then it has changed nothing; what was due by `now`
        is given by the next call.
        """
        if self._comparison is not None:
            self._live()
        if type(item) is ServiceStarted:
            if item.deaf_since is not None:
                self._circumstances.deafness.add(item.deaf_since, max(now, self._now))
                self._state.mark(GLOBAL)
            self._agenda.listen(self._now)
        deadline = self._agenda.next_at
        if self._owed or (deadline is not None and deadline <= now):
            facts = self.advance(now)
        else:
            facts = self._out = []
            self._now = max(self._now, now)
        if type(item) is Said:
            self._hear(item)
        elif type(item) is Asked:
            try:
                self._ask(item)
            except IllegalTransition:
                self._owed = facts
                raise
        else:
            self._take(item)
        deadline = self._agenda.next_at
        if deadline is not None and deadline <= self._now:
            self._run(self._now)
        return facts

    def advance(self, now: datetime) -> list[Fact]:
        """Everything due by `now` and not given yet, each stamped with the moment it was due, in that order."""
        self._live()
        self._out, self._owed = self._owed, []
        facts = self._out
        self._run(now)
        return facts

    @property
    def next_deadline(self) -> datetime | None:
        """When `advance` must be called next. It may then give nothing: a device was heard meanwhile."""
        self._live()
        return self._owed[0].at if self._owed else self._agenda.next_at

    def _run(self, now: datetime) -> None:
        while (entry := self._agenda.pop_due(now)) is not None:
            if self._left_out and entry[1:] in self._left_out:
                continue
            self._now = max(self._now, entry.at)
            try:
                if entry.kind is Kind.FORGET:
                    self._state.forget(AlertId(entry.name), entry.home)
                for fact in self._agenda.facts(entry, self._now):
                    self._emit(fact)
            except Exception as bug:
                raise DeadlineFailed(entry) from bug
        self._now = max(self._now, now)

    # --- when judging failed -----------------------------------------------------------------------------------------------------

    def take_over(self, sound: "Engine") -> None:
        """Know what another engine knows, and go on from there; that one is not used any more."""
        vars(self).update(vars(sound) | {"_left_out": self._left_out})

    def leave_out(self, entry: Deadline) -> None:
        """Judge neither this deadline nor a later one of the same thing, for as long as this engine lives: it would fail again."""
        self._left_out.add(entry[1:])

    def raise_unjudged(self, message: Heard, raw: bytes, now: datetime) -> list[Fact]:
        """The facts of a call that `handle` failed on, on a sound state; `raw` is kept as evidence. Decides by no rule."""
        facts = self.advance(now)
        home = self.registry.state(message.home, message.area)
        self._emit(unjudged(home, message, raw, self._circumstances.index, self._now))
        self._run(self._now)
        return facts

    # --- recovery --------------------------------------------------------------------------------------------------------------

    def keys(self) -> Iterator[str]:
        """The rows of a whole snapshot."""
        return self._state.keys()

    def take_changed(self) -> list[str]:
        """The rows that changed since this was last asked, in the order of their first change."""
        keys = list(self._state.changed)
        self._state.changed.clear()
        return keys

    def snapshot(self, key: str) -> bytes:
        """The row as it is now; KeyError for an unknown home."""
        return self._state.snapshot(key, self._now)

    def restore(self, key: str, body: bytes) -> None:
        """Take a row. Every entry of that key behind it has to be folded afterwards; none before it may be."""
        self._comparison = self._comparison or Comparison()
        self._now = max(self._now, self._state.restore(key, body))

    def fold(self, entry: Item | Fact, now: datetime) -> None:
        """Take a journaled entry as it stands; `now` is its commit's. Decides nothing."""
        comparison = self._comparison = self._comparison or Comparison()
        self._now = max(self._now, now)
        if isinstance(entry, Said):
            self._refold(entry, now, comparison)
        elif isinstance(entry, Asked):
            self._state.remember(entry, now)
        elif isinstance(entry, ServiceStarted) and entry.deaf_since is not None:
            self._circumstances.deafness.add(entry.deaf_since, now)
        elif isinstance(entry, Configured | WallClockStepped):
            self._circumstances.change(entry, now)
        elif not isinstance(entry, Quarantined | HomesChecked | DeliveryEnded | ServiceStarted):
            try:
                self._state.apply(entry)
            except IllegalTransition:
                comparison.refused()
            comparison.stands(entry, self._state.alerts, self._circumstances.index_at(now))
        self._state.mark(snapshots.key_of(entry))

    def key_of(self, entry: Item | Fact) -> str:
        """The row of the snapshots that an entry belongs to."""
        return snapshots.key_of(entry)

    def _refold(self, said: Said, now: datetime, comparison: Comparison) -> None:
        index = self._circumstances.index_at(now)
        witnessed = witness(self.registry, said, index)
        if witnessed is None or not isinstance(said.message, Heard):
            return
        home, device, report = witnessed.home, witnessed.device.record.id, said.message.report
        judge = Raising(home, index, now, self._circumstances.wall_offset)
        for sign in witnessed.signs:
            shown = evidence(device, report, sign.observation, said.raw)
            comparison.expects(judge.verdict(sign, shown), home, device, report.id)

    def _live(self) -> None:
        """From recovery to life: everything due is made anew from what was restored and folded."""
        if self._comparison is not None:
            self.differences += self._comparison.differences
            self._comparison = None
            self._agenda.listening = False
            self._agenda.anew(self._now)

    # --- items -----------------------------------------------------------------------------------------------------------------

    def _hear(self, said: Said) -> None:
        message = said.message
        witnessed = witness(self.registry, said, self._circumstances.index)
        self._state.changed[snapshots.HOME + message.home] = None
        if witnessed is not None:
            home, device = witnessed.home, witnessed.device
            if witnessed.new:
                self._emit(DeviceDiscovered(self._now, device.record))
            if witnessed.signs and isinstance(message, Heard):
                self._judge(witnessed, said, message)
            if device.silent and device.offline_since is None:
                self._returned(home, device)
            if not device.watched or device.offline_since is not None:
                self._agenda.watch(home, device)
        elif isinstance(message, DirectoryHeard):
            home = self.registry.homes[message.home]
            for record in listed(home, message):
                self._emit(DeviceDiscovered(self._now, record))

    def _judge(self, witnessed: Witnessed, said: Said, message: Heard) -> None:
        home, device = witnessed.home, witnessed.device
        judge = Raising(home, self._circumstances.index, self._now, self._circumstances.wall_offset, message.area)
        for sign in witnessed.signs:
            if sign.shown is Shown.PENDING and sign.rule is not None:
                self._agenda.await_limit(home, device, sign.rule.id)
                continue
            shown = evidence(device.record.id, message.report, sign.observation, said.raw)
            for fact in judge.verdict(sign, shown):
                self._emit(fact)

    def _returned(self, home: HomeState, device: DeviceState) -> None:
        self._emit(DeviceReturned(self._now, home.id, device.record.id))
        rule = self._circumstances.index.silence(device.record.model)
        if rule is not None:
            for fact in self._agenda.raising(home, self._now).returned(rule, device):
                self._emit(fact)

    def _ask(self, asked: Asked) -> None:
        if self.answered(asked):
            return
        command, by = asked.command, asked.by
        if isinstance(command, AlertCommand):
            alert = self._state.alerts.get(command.alert)
            if alert is None:
                raise Unknown(Sentence(f"没有编号为 {command.alert} 的警报", f"there is no alert {command.alert}"))
            facts: list[Fact] = [*Desk(self.ruleset, self._now, self._circumstances.wall_offset).decide(alert, command, by)]
        elif isinstance(command, CheckHomes):
            facts = []  # the list is an item of its own, made by the shell, which knows what day it is where people live
        else:
            facts = [*self.registry.decide(command, by, self._now, self._circumstances.index)]
        for fact in facts:
            self._emit(fact)
        self._state.remember(asked, self._now)
        self._state.mark(GLOBAL)

    def _take(self, item: Item) -> None:
        match item:
            case Configured() | WallClockStepped():
                self._circumstances.change(item, self._now)
                self._state.mark(GLOBAL)
                if isinstance(item, Configured):
                    self._agenda.anew(self._now)
            case DeliveryEnded() if item.notification in self._state.notifications:
                self._emit(
                    NotificationEnded(
                        item.notification, item.alert, self._now, item.home, item.delivered, item.attempts, item.detail,
                    ),
                )
            case _:
                pass

    # --- facts -----------------------------------------------------------------------------------------------------------------

    def _emit(self, fact: Fact) -> None:
        """Make a fact: it holds from here on, and what follows from it is made behind it."""
        before = self._state.alerts.get(fact.alert) if isinstance(fact, AlertFact) else None
        self._out.append(fact)
        self._state.apply(fact)
        self._follow(fact, before)

    def _follow(self, fact: Fact, before: Alert | None) -> None:
        """What a fact brings with it: receipts, notifications, deadlines."""
        match fact:
            case SilenceSet():
                self._agenda.await_end(fact)
            case SilenceEnded():
                self._unmute(fact)
            case DeviceRegistered(device=device):
                home = self.registry.homes[device.home]
                self._agenda.watch(home, home.devices[device.id])
            case _ if isinstance(fact, AlertFact):
                after = self._state.alerts.get(fact.alert)
                if after is None:
                    return
                for receipt in receipts(before, after, fact, self.registry.homes[fact.home]):
                    self._emit(receipt)
                if isinstance(fact, StepReached):
                    for announcement in escalation.announcements(after, fact, self.ruleset):
                        self._emit(announcement)
                self._agenda.schedule(after)
            case _:
                pass

    def _unmute(self, fact: SilenceEnded) -> None:
        for alert in list(self.registry.homes[fact.home].alerts.values()):
            if alert.silenced_by == fact.silence and alert.ringing:
                begins = replace(alert, round_started_at=self._now)
                self._emit(escalation.next_step(begins, self._circumstances.policy(alert), self._now))
