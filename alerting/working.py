"""How an item and a fact are worked through, on what is known; `alerting.engine` says what holds for all of it.

`_hear`, `_ask` and `_take` decide what an item comes to. Each fact goes through `_emit` at once: it holds from there on, and `_follow`
makes what it brings with it behind it.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from alerting import escalation, grading, marks, reach, record, rulebook, snapshots, told
from alerting.agenda import Agenda
from alerting.alert import Alert
from alerting.caring.caring import Caring
from alerting.caring.help_facts import MessageEnded
from alerting.caring.prompt_facts import PromptFound
from alerting.change_of_shift import ChangeOfShift
from alerting.circumstances import BEGINNING
from alerting.commands import ActivateRules, AlertCommand, Asked, CareCommand, CheckHomes, CloseTogether, Command, MarkWelfare
from alerting.desk import TEXT_LIMIT, Desk
from alerting.detection import Shown, evidence
from alerting.duty_commands import DutyCommand, TakeOver
from alerting.duty_facts import DutyChanged, OverridesEnded, RosterRetired, RosterSet, ShiftsOverridden, StaffRetired, StaffSet
from alerting.facts import (
    AlertClosed,
    AlertFact,
    AlertRaised,
    AlertRecurred,
    AlertRepeated,
    AlertWorsened,
    Fact,
    HelpReported,
    NotificationEnded,
    NotificationReported,
    RulesActivated,
    StepReached,
    WelfareNoted,
)
from alerting.folding import NOWHERE
from alerting.heard_facts import DeviceReturned, DeviceSilent, HubLost, HubReturned
from alerting.hearing import is_hub, last_hub
from alerting.home_facts import HomeModeEnded, HomeModeEnding, HomeModeSet, ParametersChanged
from alerting.home_state import DeviceState, HomeState
from alerting.items import (
    Configured,
    DeliveryEnded,
    DeliveryReported,
    Item,
    Said,
    WallClockStepped,
)
from alerting.life_facts import OnTestSet
from alerting.outages import Outages
from alerting.plan_facts import GradeRaised, RaiseGrade
from alerting.raising import Raising
from alerting.receipts import receipts
from alerting.record_commands import RecordCommand
from alerting.refusals import Unknown
from alerting.registry_facts import DeviceDiscovered, DeviceRegistered, DeviceRetired, HomeRegistered, SilenceEnded, SilenceSet
from alerting.rules import Ruleset
from alerting.sirens import sirens
from alerting.snapshots import GLOBAL
from alerting.state import State
from alerting.terms import Actor, Origin, Sentence
from alerting.together import closed_together
from alerting.told import Tellings
from alerting.watching import combination
from alerting.watching.heeding import concerning, heed
from alerting.watching.scene import Scene
from alerting.witness import Witnessed, listed, witness
from devices.message import DirectoryHeard, Heard, StatusHeard
from devices.observation import Observation, Property


class Working:
    """What is known, and what becomes of an item. One thread, no I/O, no clock."""

    def __init__(self, ruleset: Ruleset | None = None) -> None:
        self._state = State(ruleset or Ruleset())
        self.registry = self._state.registry
        self._circumstances = self._state.circumstances
        self._shifts = ChangeOfShift(self.registry, self._circumstances, self._state.alerts)
        self._agenda = Agenda(self.registry, self._circumstances, self._state.alerts, self._shifts)
        self.caring = Caring(self.registry, self._circumstances)
        self._outages = Outages(self.registry, self._circumstances, self._state.alerts)
        self._outages.anew()
        self._now = BEGINNING
        self._out: list[Fact] = []

    @property
    def ruleset(self) -> Ruleset:
        return self._circumstances.ruleset

    @property
    def tellings(self) -> Tellings:
        """Who was told, of every alert that is remembered."""
        return self._state.tellings

    def answered(self, asked: Asked) -> bool:
        """Whether this key of this actor was answered within the last day; `handle` then gives no facts and changes nothing."""
        return self._state.answered(asked, self._now)

    # --- items -----------------------------------------------------------------------------------------------------------------

    def _hear(self, said: Said) -> None:
        message = said.message
        index = self._circumstances.index
        known = self.registry.homes.get(message.home)
        if known is None or (known.rules_since is not index.since and known.rules_since != index.since):
            self._circumstances.settle(known or self.registry.state(message.home, message.area), index)
        witnessed = witness(self.registry, said, index)
        self._state.changed[snapshots.HOME + message.home] = None
        if witnessed is not None:
            home, device = witnessed.home, witnessed.device
            if witnessed.new:
                self._emit(DeviceDiscovered(self._now, device.record))
            if self._outages.is_dark(home.id):
                self._outages.touch(home.id)
            if isinstance(message, Heard):
                if witnessed.signs:
                    self._judge(witnessed, said, message)
                if observations := concerning(message.report, index):
                    self._heed(witnessed, said, message, observations)
            elif isinstance(message, StatusHeard):
                self._outages.touch(home.id)
            if device.offline_since is not None or home.away is not None:
                self._hub(home, device)
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
        silences = self.registry.whole.silences.values()
        area = message.area if home.record is None else home.area
        judge = Raising(home, self._circumstances.index, self._now, self._circumstances.wall_offset, area, silences=silences)
        for sign in witnessed.signs:
            if sign.observation.property is Property.MAINS_LOST:
                self._outages.touch(home.id)
            if sign.shown is Shown.PENDING and sign.rule is not None:
                self._agenda.await_limit(home, device, sign.rule.id)
                continue
            shown = evidence(device.record.id, message.report, sign.observation, said.raw)
            for fact in judge.verdict(sign, shown):
                self._emit(fact)

    def _heed(self, witnessed: Witnessed, said: Said, message: Heard, observations: list[Observation]) -> None:
        """What the rules that watch homes make of a report."""
        home = witnessed.home
        scene = Scene(home, None, self._now, self._circumstances.index, self._circumstances)
        for rule, device, outcome in heed(witnessed.device, message.report, observations, said.raw, scene):
            if outcome:
                for fact in self._agenda.raising(home, self._now).concluded(rule, scene.of(device), outcome):
                    self._emit(fact)
            self._agenda.await_rule(home, rule, device, self._now, scene)

    def _hub(self, home: HomeState, device: DeviceState) -> None:
        """A device spoke, or something spoke for it: if it is the hub, with it the whole home is heard, or is not."""
        if not is_hub(device, self._circumstances.index):
            return
        if device.offline_since is None:
            if home.away is not None:
                self._emit(HubReturned(self._now, home.id, home.away.device))
        elif home.away is None and last_hub(home, device.record.id, self._circumstances.index):
            self._emit(HubLost(self._now, home.id, device.record.id, device.offline_since))

    def _returned(self, home: HomeState, device: DeviceState) -> None:
        self._emit(DeviceReturned(self._now, home.id, device.record.id))
        rule = self._circumstances.index.silence(device.record.model)
        if rule is not None:
            for fact in self._agenda.raising(home, self._now).returned(rule, device):
                self._emit(fact)

    def _ask(self, asked: Asked) -> None:
        if self.answered(asked):
            return
        for fact in self._decided(asked.command, asked.by):
            self._emit(fact)
        self._state.remember(asked, self._now)
        self._state.mark(GLOBAL)

    def _decided(self, command: Command, by: Actor) -> Iterable[Fact]:
        """What a command becomes; each fact has to hold before the next one is asked for."""
        if isinstance(command, AlertCommand):
            alert = self._state.alerts.get(command.alert)
            if alert is None:
                raise Unknown(Sentence(f"没有编号为 {command.alert} 的警报", f"there is no alert {command.alert}"))
            if isinstance(command, RaiseGrade):
                wanted = grading.raised(alert, command, by, self._circumstances.policy(alert), self.registry.duties)
                reason = command.reason.strip()[: grading.TEXT_LIMIT]
                return [GradeRaised(alert.id, self._now, alert.home, by, wanted.scale, wanted.grade, reason, wanted.targets)]
            return self._desk(alert).decide(alert, command, by)
        if isinstance(command, CloseTogether):
            return closed_together(command, self._state.alerts, self._desk, by)
        if isinstance(command, ActivateRules):
            return [rulebook.activated(command, by, self.ruleset, self._now)]
        if isinstance(command, MarkWelfare):
            return [self._marked(command, by)]
        if isinstance(command, CareCommand):
            return self.caring.decide(command, by, self._now)
        if isinstance(command, TakeOver):
            return [*self._shifts.take_over(command, by, self._now)]
        if isinstance(command, DutyCommand):
            wall = self._now + self._circumstances.wall_offset
            return [self.registry.duties.decide(command, by, self._now, wall, self._circumstances.zone)]
        if isinstance(command, RecordCommand):
            return [record.decide(command, self.registry, by, self._now)]
        if isinstance(command, CheckHomes):
            return ()  # the list is an item of its own, made by the shell, which knows what day it is where people live
        return [*self.registry.decide(command, by, self._now, self._circumstances.index)]

    def _desk(self, alert: Alert) -> Desk:
        return Desk(self.registry.state(alert.home), self._circumstances, self._now)

    def _marked(self, command: MarkWelfare, by: Actor) -> WelfareNoted:
        if not self._outages.folding.member(command.alert, command.home):
            zh = f"住户 {command.home} 不在警报 {command.alert} 的名单上"
            raise Unknown(Sentence(zh, f"home {command.home} is not on the list of alert {command.alert}"))
        return WelfareNoted(command.alert, self._now, NOWHERE, by, command.home, command.result, command.note.strip()[:TEXT_LIMIT])

    def _take(self, item: Item) -> None:
        match item:
            case Configured() | WallClockStepped():
                self._circumstances.change(item, self._now)
                self._state.mark(GLOBAL)
                if isinstance(item, Configured):
                    self._agenda.anew(self._now)
                    self._outages.anew()
                self._agenda.look_at_rosters(self._now)
            case DeliveryEnded() if item.home and item.notification in self.registry.state(item.home).care.messages:
                self._emit(
                    MessageEnded(item.notification, self._now, item.home, item.delivered, item.attempts, item.detail),
                )
            case DeliveryEnded() if item.notification in self._state.notifications:
                self._emit(told.ended(item, self._now))
            case DeliveryReported() if (fact := told.reported(item, self.tellings.by_id, self._now)) is not None:
                self._emit(fact)
            case _:
                pass

    # --- facts -----------------------------------------------------------------------------------------------------------------

    def _emit(self, fact: Fact) -> None:
        """Make a fact: it holds from here on, and what follows from it is made behind it."""
        before = self._state.alerts.get(fact.alert) if isinstance(fact, AlertFact) else None
        self._out.append(fact)
        self._outages.before(fact)
        self._state.apply(fact)
        self._outages.after(fact)
        self._follow(fact, before)

    def _follow(self, fact: Fact, before: Alert | None) -> None:
        """What a fact brings with it: receipts, notifications, deadlines."""
        match fact:
            case SilenceSet():
                self._agenda.await_end(fact)
                for owned in self._shifts.owned(fact):
                    self._emit(owned)
            case DutyChanged():
                for owned in self._shifts.first_owned(fact.at):
                    self._emit(owned)
            case StaffSet() | StaffRetired():
                self._agenda.look_at_rosters(fact.at)
            case RosterSet() | RosterRetired() | ShiftsOverridden() | OverridesEnded():
                self._look_at_rosters_of(fact)
            case RulesActivated():
                self._agenda.anew(self._now)
                self._outages.anew()
            case SilenceEnded():
                self._unmute(fact)
            case PromptFound():
                self._prompt(self.caring.prompting.found(fact))
            case OnTestSet():
                self._agenda.await_test(fact)
                for owned in self._shifts.owned(fact):
                    self._emit(owned)
            case HomeModeSet() | HomeModeEnding() | HomeModeEnded() | ParametersChanged():
                home = self.registry.homes[fact.home]
                self._agenda.await_mode(home)
                self._agenda.await_rules(home, self._now)
            case DeviceRegistered(device=device):
                home = self.registry.homes[device.home]
                self._agenda.watch(home, home.devices[device.id])
                self._agenda.await_rules(home, self._now)
            case HomeRegistered(home=record):
                self._agenda.await_rules(self.registry.homes[record.id], self._now)
            case DeviceSilent():
                home, index = self.registry.homes[fact.home], self._circumstances.index
                if home.away is None and is_hub(home.devices[fact.device], index) and last_hub(home, fact.device, index):
                    self._emit(HubLost(fact.at, fact.home, fact.device, fact.last_heard_at))
            case DeviceRetired() if (away := self.registry.homes[fact.home].away) is not None and away.device == fact.device:
                self._emit(HubReturned(fact.at, fact.home, fact.device))
            case HubReturned():
                self._agenda.look_again(fact.at, fact.home)
            case _ if isinstance(fact, AlertFact):
                after = self._state.alerts.get(fact.alert)
                if after is None:
                    return
                home = self.registry.state(fact.home)
                for receipt in receipts(before, after, fact, home):
                    self._emit(receipt)
                for command in sirens(after, fact, home, self._circumstances.policy(after), self.ruleset):
                    self._emit(command)
                if isinstance(fact, AlertRecurred) and (mark := marks.chattering(after, self.ruleset.life, fact.at)) is not None:
                    self._emit(mark)
                if isinstance(fact, AlertRaised | AlertRecurred):
                    for folded in self._outages.folding.raised(after, fact.at):
                        self._emit(folded)
                elif isinstance(fact, AlertClosed) and not fact.home:
                    for part in self._outages.folding.closed(after, fact):
                        self._emit(part)
                if isinstance(fact, AlertRaised):
                    for owned in self._shifts.owned(fact):
                        self._emit(owned)
                self._tell(before, after, fact, home)
                if isinstance(fact, AlertRaised) and fact.anew_of is None:
                    self._prompt(self.caring.prompting.raised(after, fact.at))
                self._agenda.schedule(self._state.alerts[after.id])
                if isinstance(fact, AlertRaised | AlertRepeated | AlertRecurred | AlertWorsened) and fact.home and _counts(after, fact):
                    self._combine(fact, fact.key or after.rule)
            case _:
                pass

    def _tell(self, before: Alert | None, after: Alert, fact: AlertFact, home: HomeState) -> None:
        """Who is told of a step, who may stand down, and the next step at once where nobody was reached."""
        around = self._shifts.around(home, after, fact.at)
        policy = around.policy
        following = None
        if isinstance(fact, StepReached):
            announced = escalation.announcements(after, fact, around)
            for announcement in announced:
                self._emit(announcement)
            following = escalation.hurried(after, policy, announced, fact.at)
        elif isinstance(fact, GradeRaised):
            for told_of_grade in list(grading.announcements(after, fact, around)):
                self._emit(told_of_grade)
        elif isinstance(fact, HelpReported | AlertClosed | NotificationEnded):
            for stand_down in list(reach.stand_downs(before or after, after, fact, around)):
                self._emit(stand_down)
        if isinstance(fact, NotificationEnded | NotificationReported) and reach.in_vain(after, fact, around):
            following = escalation.next_step(after, policy, fact.at) if not self._agenda.muted(after) else None
        if following is not None:
            self._emit(following)

    def _prompt(self, prompts: Iterable[Fact]) -> None:
        for fact in prompts:
            self._emit(fact)

    def _look_at_rosters_of(self, fact: RosterSet | RosterRetired | ShiftsOverridden | OverridesEnded) -> None:
        self._agenda.look_at_rosters(fact.at)
        if isinstance(fact, RosterRetired):
            for cleared in self._shifts.looked(fact.roster, fact.at):
                self._emit(cleared)

    def _combine(self, fact: AlertRaised | AlertRepeated | AlertRecurred | AlertWorsened, key: str) -> None:
        """What comes together with what a rule said."""
        home = self.registry.homes[fact.home]
        for rule in self._circumstances.index.combinations.get(key.partition(":")[0], ()):
            scene = self._agenda.scene(home, None, self._now)
            for concluded in self._agenda.raising(home, self._now).concluded(rule, scene, combination.follow(rule, scene)):
                self._emit(concluded)

    def _unmute(self, fact: SilenceEnded) -> None:
        for alert in list(self.registry.homes[fact.home].alerts.values() if fact.home else self._state.alerts.values()):
            if alert.silenced_by == fact.silence and alert.ringing and alert.folded_into is None:
                begins = replace(alert, round_started_at=self._now)
                self._emit(escalation.next_step(begins, self._circumstances.policy(alert), self._now))

    # --- areas --------------------------------------------------------------------------------------------------------------

    def _settle_areas(self) -> None:
        """What follows for areas from what became of homes."""
        if self._outages.restless:
            while facts := self._outages.settle(self._now):
                for fact in facts:
                    self._emit(fact)
            self._await_areas()

    def _await_areas(self) -> None:
        for at, matter in self._outages.due():
            self._agenda.await_area(at, matter)


def _counts(alert: Alert, fact: Fact) -> bool:
    """Whether it is an occurrence that rules may put together with others: no test, and not what was closed and still holds."""
    return alert.origin is Origin.REAL and not (isinstance(fact, AlertRaised) and fact.anew_of is not None)
