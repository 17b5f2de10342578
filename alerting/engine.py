"""The engine: everything judged, in one place, for one shard of homes. Items and `now` in, facts out.

Theory of operation
-------------------
`handle(item, now)` decides; `advance(now)` lets time pass; `next_deadline` says when it must be called next. There is nothing else that
makes anything happen. `handle` first lets time pass up to `now`, so what was due before comes before. Facts are stamped with the moment
they were due, never earlier than the fact before: one leap of time gives the same facts as many small ones.

Three sorts of state (`home_state`), and one rule for each:

- What facts say (alerts, registry, what is silent) changes in `State.apply` alone, at the moment a fact is made. Whatever a fact brings
  with it, receipts, notifications, the first step of a policy, is another fact, made in `working` behind it, or by a deadline.
- What inputs leave behind changes in `witness.witness` (last values, holds, ids heard) and `watching.heeding.heed` (what the rules that
  watch homes remember) alone, and by nothing that facts have decided: a fold has the input before the facts.
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
from datetime import datetime, timedelta

from alerting import snapshots
from alerting.alert import Alert
from alerting.caring.help_facts import MessageRequested
from alerting.commands import Asked
from alerting.comparison import Comparison
from alerting.deadlines import DeadlineFailed, Kind
from alerting.deadlines import Entry as Deadline
from alerting.detection import evidence
from alerting.facts import (
    Fact,
    NotificationRequested,
)
from alerting.home_state import DeviceState, HomeState
from alerting.items import (
    Configured,
    Item,
    LineLost,
    LineRestored,
    Passing,
    Said,
    ServiceStarted,
    WallClockStepped,
)
from alerting.raising import Raising
from alerting.refusals import IllegalTransition, Unknown
from alerting.rules import Ruleset
from alerting.snapshots import GLOBAL
from alerting.standing import Standing, standings
from alerting.terms import AlertId, Sentence
from alerting.unjudged import unjudged
from alerting.watching.heeding import concerning, heed
from alerting.watching.scene import Scene
from alerting.witness import witness
from alerting.working import Working
from devices.credential import Credential
from devices.home import Area, AreaId, HomeId, Person
from devices.message import NO_DIRECTORY, Directory, Heard


class Engine(Working):
    """See the module. One thread, no I/O, no clock."""

    def __init__(self, ruleset: Ruleset | None = None) -> None:
        super().__init__(ruleset)
        self.differences = 0
        """Reports that a recovery would have judged otherwise."""
        self._comparison: Comparison | None = None
        self._owed: list[Fact] = []
        self._left_out: set[tuple[Kind, HomeId, str, str]] = set()

    # --- what the shell reads --------------------------------------------------------------------------------------------------

    @property
    def alerts(self) -> Mapping[AlertId, Alert]:
        """The open ones, and those closed for less than `CLOSED_KEPT`."""
        return self._state.alerts

    @property
    def rules_chosen(self) -> bool:
        """Whether a person has put the rules live: the files no longer say them."""
        return self._circumstances.chosen

    @property
    def wall_offset(self) -> timedelta:
        """Wall minus service time as last journaled: all that follows the clock on the wall is reckoned by it, to the microsecond."""
        return self._circumstances.wall_offset

    @property
    def line_lost_since(self) -> datetime | None:
        """When the line to the outside broker was cut, if it is."""
        return self._circumstances.deafness.line_lost_since

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

    def directory(self, home: HomeId, key: str) -> Directory:
        state = self.registry.homes.get(home)
        return state.directories.get(key, NO_DIRECTORY) if state else NO_DIRECTORY

    def pending_notifications(self) -> Iterable[NotificationRequested]:
        """Requested and not ended, oldest request of this life of the engine first."""
        return self._state.notifications.values()

    def pending_messages(self) -> Iterator[MessageRequested]:
        """The same of what is told and is no alert's."""
        return (message for home in self.registry.homes.values() for message in home.care.messages.values())

    def standings(self, home: HomeId) -> list[Standing]:
        """How every rule stands for a home; Unknown."""
        state = self.registry.homes.get(home)
        if state is None:
            raise Unknown(Sentence(f"没有编号为 {home} 的住户", f"there is no home {home}"))
        return list(standings(state, self._circumstances, self._now))

    # --- deciding --------------------------------------------------------------------------------------------------------------

    def handle(self, item: Item, now: datetime) -> list[Fact]:
        """The facts an item gives, behind those that were due by `now`.

        For a command: IllegalTransition, Unknown or Exists when it may not be, and then it has changed nothing; what was due by `now`
        is given by the next call.
        """
        if self._comparison is not None:
            self._live()
        if type(item) is not Said:
            self._hears_again(item, max(now, self._now))
        if self._owed or self._agenda.is_due(now):
            facts = self.advance(now)
        else:
            facts = self._out = []
            if now > self._now:  # noqa: PLR1730 - `max` costs three times as much
                self._now = now
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
        if self._outages.restless:
            self._settle_areas()
        if self._agenda.is_due(self._now):
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
                if entry.kind is Kind.RULE:
                    self._agenda.went_on(entry, self._now)
                elif entry.kind is Kind.AREA:
                    for fact in self._outages.reach(entry.name, self._now):
                        self._emit(fact)
                self._settle_areas()
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
        elif isinstance(entry, LineLost):
            self._circumstances.deafness.line_lost(entry.since)
        elif isinstance(entry, LineRestored):
            self._circumstances.deafness.line_restored(now)
        elif isinstance(entry, Configured | WallClockStepped):
            self._circumstances.change(entry, now)
        elif not isinstance(entry, Passing):
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
        self._circumstances.settle(self.registry.state(said.message.home, said.message.area), index)
        witnessed = witness(self.registry, said, index)
        if witnessed is None or not isinstance(said.message, Heard):
            return
        home, device, report = witnessed.home, witnessed.device.record.id, said.message.report
        judge = Raising(home, index, now, self._circumstances.wall_offset)
        for sign in witnessed.signs:
            shown = evidence(device, report, sign.observation, said.raw)
            comparison.expects(judge.verdict(sign, shown), home)
        if observations := concerning(report, index):
            scene = Scene(home, None, now, index, self._circumstances)
            for rule, of, outcome in heed(witnessed.device, report, observations, said.raw, scene):
                comparison.expects(judge.concluded(rule, scene.of(of), outcome), home)

    def _live(self) -> None:
        """From recovery to life: everything due is made anew from what was restored and folded."""
        if self._comparison is not None:
            self.differences += self._comparison.differences
            self._comparison = None
            self._agenda.listening = False
            self._agenda.anew(self._now)
            self._outages.anew()
            self._await_areas()

    def _hears_again(self, item: Item, now: datetime) -> None:
        """What an item says of whether anybody listens; before time passes."""
        if type(item) is ServiceStarted:
            if item.deaf_since is not None:
                self._circumstances.deafness.add(item.deaf_since, now)
                self._state.mark(GLOBAL)
            self._agenda.listen(self._now)
            self._outages.look_again()
        elif type(item) is LineLost or type(item) is LineRestored:
            self._line(item, now)

    def _line(self, item: LineLost | LineRestored, now: datetime) -> None:
        """Before time passes: from here on, or no longer, absence counts."""
        deafness = self._circumstances.deafness
        if isinstance(item, LineLost):
            deafness.line_lost(item.since)
        else:
            deafness.line_restored(now)
            self._agenda.look_again(self._now)
        self._state.mark(GLOBAL)
