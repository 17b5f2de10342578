"""From a sign to the alert it concerns: raised, repeated, cleared, recurred, or nothing, and in what words.

One alert for a home and matter. Under the safety floor the matter is always the category: a second cord pulled in the same home is the
same call, with another room in its evidence.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from alerting import on_test, wording
from alerting.alert import Alert
from alerting.arrangements import MODES
from alerting.caring.prompt_facts import PromptFound
from alerting.detection import Index, Limit, Shown, Sign, asserted
from alerting.escalation import first_step_at
from alerting.facts import AlertCleared, AlertFact, AlertRaised, AlertRecurred, AlertRepeated, AlertWorsened, CallCancelled, HoldEnded
from alerting.home_rules import HomeRule
from alerting.home_state import DeviceState, HomeState
from alerting.identity import alert_id
from alerting.registry_facts import SilenceSet
from alerting.rules import Rule, Silence
from alerting.schedule import Openings
from alerting.silences import over
from alerting.suppression import muting, shelved, under_floor
from alerting.synthetic import own_origin
from alerting.terms import Category, Evidence, Sentence
from alerting.watching.kinds import kind_of
from alerting.watching.scene import Clear, Outcome, Phase, Raise, Scene, Still, key_of
from devices.catalog import Kind
from devices.home import AreaId, DeviceId, Role
from devices.observation import CALLS, URGENT

CANCELLABLE = frozenset({Category.CALL_FOR_HELP, Category.FALL})
"""What a person may take back; a gadget cannot take back a fire."""
EVIDENCE_MOST = 8
"""Observations that one conclusion about a home may rest on: the first and the latest of them."""


Judged = AlertFact | PromptFound


def matter_of(rule: Rule | HomeRule, device: DeviceId | None) -> str:
    if under_floor(rule.category):
        return rule.category.value
    matter = rule.matter or rule.category.value
    return f"{matter}:{device}" if rule.per_device and device is not None else matter


class Raising:
    """One home at one moment, about to be judged. `wall_offset` turns service time into what clocks on walls show; `silences`: of areas."""

    def __init__(
        self, home: HomeState, index: Index, at: datetime, wall_offset: timedelta, area: AreaId | None = None, *,
        silences: Iterable[SilenceSet] = (),
    ) -> None:  # fmt: skip
        self.home = home
        self.index = index
        self.at = at
        self.wall_offset = wall_offset
        self.area = area or home.area
        self._silences = silences

    def verdict(self, sign: Sign, evidence: Evidence) -> list[Judged]:
        """What a sign of a report comes to."""
        rule = sign.rule
        if rule is None:
            return [*self._cancelled(evidence)]
        alert = self._concerned(rule, sign.shown, evidence)
        if sign.shown in (Shown.NEW, Shown.STILL) and rule.id in self.index.schedules and not self._counts(rule, evidence):
            return []
        match sign.shown:
            case _ if not rule.alerts:
                return [self._found(rule, evidence)] if sign.shown is Shown.NEW else []
            case Shown.NEW:
                return [*self._begun(alert, rule, evidence)]
            case Shown.STILL if rule.insists:
                if alert is None:
                    return [] if self._shelved(rule, evidence.device, evidence) else [self._raised(rule, evidence)]
                told = alert.cleared_at or self._tells_more(alert, rule, evidence)
                return [self._occurred(alert, (evidence,), rule.id)] if told else []
            case Shown.NORMAL if alert is not None and alert.cleared_at is None and not self._asserted(alert):
                return [AlertCleared(alert.id, self.at, self.home.id, (evidence,))]
            case _:
                return []

    def held_out(self, rule: Rule, evidence: Evidence) -> list[Judged]:
        """A limit's `for` is over, and nothing has contradicted it."""
        if rule.id in self.index.schedules and not self._counts(rule, evidence, self.at):
            return []
        if not rule.alerts:
            return [self._found(rule, evidence)]
        return [*self._begun(self._concerned(rule, Shown.NEW, evidence), rule, evidence)]

    def concluded(self, rule: HomeRule, scene: Scene, outcome: Outcome) -> Iterator[Judged]:
        """What a rule that watches the home concluded; `scene` is its own. A Raise always gives a fact.

        Each fact has to hold before the next one is asked for.
        """
        for conclusion in outcome:
            alert = self.home.open_alert(matter_of(rule, scene.device))
            match conclusion:
                case Raise() | Still() if rule.id in self.index.schedules and not self._in_hours(rule, scene, conclusion.evidence):
                    pass
                case Raise() if not rule.alerts:
                    yield self._concluded_without_alert(rule, scene.device, conclusion)
                case _ if not rule.alerts:
                    pass
                case Raise() if alert is not None and alert.rule != rule.id and (rule.worsens or rule.priority < alert.priority):
                    evidence = _most(conclusion.evidence)
                    place = scene.device or (evidence[-1].device if evidence else alert.device)
                    yield self._worsened(alert, rule, evidence, self._told(place, conclusion), key_of(rule, scene.device))
                case Raise() if alert is not None:
                    yield from self._again(alert, _most(conclusion.evidence), key_of(rule, scene.device))
                case Raise():
                    yield self._watched(rule, scene.device, conclusion)
                case Still() if alert is None and rule.insists and not self._shelved(rule, scene.device):
                    yield self._watched(rule, scene.device, conclusion)
                case Clear() if alert is not None and alert.cleared_at is None and not self._stands(alert, rule, scene):
                    yield AlertCleared(alert.id, self.at, self.home.id, _most(conclusion.evidence))
                case _:
                    pass

    def _concerned(self, rule: Rule, shown: Shown, evidence: Evidence) -> Alert | None:
        """The open alert that a sign belongs to: the real one, else that of a test. What is meant never joins a test."""
        matter, device = matter_of(rule, evidence.device), evidence.device
        real = self.home.open_alert(matter)
        if real is not None or not (shown is Shown.NORMAL or on_test.covering(self.home, rule.category, device, self.at)):
            return real
        return self.home.open_alert(on_test.matter(matter, device))

    def _shelved(self, rule: Rule | HomeRule, device: DeviceId | None, evidence: Evidence | None = None) -> bool:
        """Whether somebody closed just this though it held, and its time has not come. A number that is worse than all of then is more."""
        matter = matter_of(rule, device)
        return any(
            alert.matter == matter and shelved(alert.category, alert.rearm_at, self.at) and not self._worse(alert, rule, evidence)
            for alert in self.home.alerts.values()
        )

    def _worse(self, alert: Alert, rule: Rule | HomeRule, evidence: Evidence | None) -> bool:
        if evidence is None or isinstance(evidence.observation.value, bool) or isinstance(rule, HomeRule):
            return False
        return self._tells_more(alert, rule, evidence)

    def _in_hours(self, rule: HomeRule, scene: Scene, evidence: tuple[Evidence, ...]) -> bool:
        """Whether the newest thing that it rests on was made while the rule's schedule was open; some kinds see to that themselves."""
        return rule.keeps_hours or scene.openings(rule).open(min(evidence[-1].at, evidence[-1].received_at) if evidence else self.at)

    def fell_silent(self, rule: Silence, device: DeviceState) -> list[AlertFact]:
        """The device was not heard in time, or stayed offline."""
        alert = self.home.open_alert(matter_of(rule, device.record.id))
        if alert is not None:
            return [AlertRecurred(alert.id, self.at, self.home.id, (), rule.id)] if alert.cleared_at else []
        heard = device.last_heard_at or self.at
        fields = self._place(device) | {
            "at": wording.same(self._clock(self.at + self.wall_offset)),
            "heard": wording.same(self._clock(heard + self.wall_offset)),
            "for": wording.duration(self.at - heard),
        }
        return [self._raise(rule, device.record.id, fields, (), cause=self.at.isoformat(), caused_at=self.at)]

    def returned(self, rule: Silence, device: DeviceState) -> list[AlertFact]:
        alert = self.home.open_alert(matter_of(rule, device.record.id))
        return [AlertCleared(alert.id, self.at, self.home.id)] if alert and alert.cleared_at is None else []

    def _counts(self, rule: Rule, evidence: Evidence, at: datetime | None = None) -> bool:
        """Whether the rule's schedule is open, and has been for as long as the rule waits with what holds."""
        shift = self.wall_offset + timedelta(minutes=self.index.ruleset.utc_offset_minutes)
        openings = Openings(self.index.schedules[rule.id], shift, self.home.arranged.modes)
        at = at or (evidence.received_at if evidence.clock_suspect else min(evidence.at, evidence.received_at))
        beyond, limit = self.home.devices[evidence.device].past(rule.id), self.index.limits.get(rule.id)
        if beyond is None or limit is None or not limit[1].hold:
            return openings.open(at)
        begun = openings.since(at, beyond.since)
        return begun is not None and begun + limit[1].hold <= at

    def _begun(self, alert: Alert | None, rule: Rule, evidence: Evidence) -> list[AlertFact]:
        """What was not before: an alert, or more of the one that is open. A test is never made worse: what is meant does not join it."""
        if alert is None:
            return [self._raised(rule, evidence)]
        if alert.matter == matter_of(rule, evidence.device) and self._adds_to(alert, rule, evidence):
            return [self._worsened(alert, rule, (evidence,), self._read(rule, evidence), rule.id)]
        return self._again(alert, (evidence,), rule.id)

    def _adds_to(self, alert: Alert, rule: Rule, evidence: Evidence) -> bool:
        """A sign that the alert has not had, so that two which come and go by turns ring once each and not for ever."""
        known = any(property_ is evidence.observation.property for _, property_ in alert.sources)
        return rule.priority < alert.priority or (rule.worsens and rule.priority == alert.priority and not known)

    def _again(self, alert: Alert, evidence: tuple[Evidence, ...], key: str) -> list[AlertFact]:
        """A new occurrence while the alert is open. Under the floor it ends a hold: the hold was given for what was known then."""
        occurred = self._occurred(alert, evidence, key)
        if isinstance(occurred, AlertRepeated) and alert.held_until is not None and under_floor(alert.category):
            return [occurred, HoldEnded(alert.id, self.at, alert.home)]
        return [occurred]

    def _occurred(self, alert: Alert, evidence: tuple[Evidence, ...], key: str) -> AlertRepeated | AlertRecurred:
        happened = AlertRecurred if alert.cleared_at else AlertRepeated
        return happened(alert.id, self.at, alert.home, evidence, key)

    def _cancelled(self, evidence: Evidence) -> list[AlertFact]:
        return [
            CallCancelled(alert.id, self.at, alert.home, (evidence,))
            for alert in self.home.alerts.values()
            if alert.open and alert.category in CANCELLABLE and alert.cancelled_at is None
        ]

    def _tells_more(self, alert: Alert, rule: Rule, evidence: Evidence) -> bool:
        """A state said again counts; a number only when it is worse than any before it, or a watch would count every heartbeat."""
        value, property_ = evidence.observation.value, evidence.observation.property
        if isinstance(value, bool):
            return True
        limit = self.index.limits.get(rule.id)
        before = [e.observation.value for e in alert.evidence if e.device == evidence.device and e.observation.property is property_]
        if limit is None or not before:
            return True
        return value > max(before) if limit[1].up else value < min(before)

    def _asserted(self, alert: Alert) -> bool:
        """Whether any device still says so. A call for help is momentary: only a person ends it."""
        matter = on_test.real_matter(alert)
        rules = frozenset(rule.id for rule in self.index.rules.values() for d, _ in alert.sources if matter_of(rule, d) == matter)
        for device, property_ in alert.sources:
            known = self.home.devices.get(device)
            if property_ in CALLS or (known is not None and asserted(known, property_, rules, self.index)):
                return True
        return False

    def _stands(self, alert: Alert, but: HomeRule, scene: Scene) -> bool:
        """Whether an alert has reason to stand besides one rule: another rule's, a device that still says so, or that it was a call or
        hazard, which only its own device can say is over.
        """
        for rule in self.index.home_rules:
            for device in self.home.devices if rule.by_device else (None,):
                if matter_of(rule, device) != alert.matter or (rule is but and device == scene.device):
                    continue
                memory = self.home.memories.get(key_of(rule, device))
                if memory is not None and kind_of(rule).state(rule, memory, scene.of(device)).phase is Phase.FIRING:
                    return True
        called = under_floor(alert.category) and any(property_ in URGENT for _, property_ in alert.sources)
        return called or self._asserted(alert)

    def _watched(self, rule: HomeRule, device: DeviceId | None, raised: Raise | Still) -> AlertRaised:
        evidence = _most(raised.evidence)
        place = device or (evidence[-1].device if evidence else None)
        fields = self._told(place, raised)
        cause = " ".join([self.at.isoformat(), *(f"{e.device} {e.report}" for e in evidence)])
        return self._raise(rule, place, fields, evidence, cause=cause, caused_at=self.at, key=key_of(rule, device))

    def _worsened(
        self, alert: Alert, rule: Rule | HomeRule, evidence: tuple[Evidence, ...], fields: dict[str, Sentence], key: str,
    ) -> AlertWorsened:  # fmt: skip
        return AlertWorsened(
            alert.id, self.at, alert.home, rule.priority, wording.render(rule.title, fields), wording.render(rule.reason, fields),
            rule.id, self.index.ruleset.version, evidence, key,
        )  # fmt: skip

    def _told(self, place: DeviceId | None, conclusion: Raise | Still) -> dict[str, Sentence]:
        where = self._place(self.home.devices[place]) if place is not None else self._home()
        return where | {"at": wording.same(self._clock(self.at + self.wall_offset))} | conclusion.fields

    def _concluded_without_alert(self, rule: HomeRule, device: DeviceId | None, raised: Raise) -> PromptFound:
        latest = raised.evidence[-1] if raised.evidence else None
        place = device or (latest.device if latest else None)
        fields, cause = self._told(place, raised), f"{rule.id} {place or ''} {self.at.isoformat()}"
        title, reason = wording.render(rule.title, fields), wording.render(rule.reason, fields)
        seen = latest.at if latest else self.at
        return PromptFound(self.at, self.home.id, rule.id, place, title, reason, cause, seen, key_of(rule, device))

    def _found(self, rule: Rule, evidence: Evidence) -> PromptFound:
        fields, cause = self._read(rule, evidence), f"{rule.id} {evidence.device} {evidence.report}"
        title, reason = wording.render(rule.title, fields), wording.render(rule.reason, fields)
        return PromptFound(self.at, self.home.id, rule.id, evidence.device, title, reason, cause, evidence.at)

    def _raised(self, rule: Rule, evidence: Evidence) -> AlertRaised:
        cause, fields = f"{evidence.device} {evidence.report}", self._read(rule, evidence)
        raised = self._raise(rule, evidence.device, fields, (evidence,), cause=cause, caused_at=evidence.received_at)
        test = on_test.covering(self.home, rule.category, evidence.device, self.at)
        return raised if test is None else on_test.as_test(raised, test)

    def _read(self, rule: Rule, evidence: Evidence) -> dict[str, Sentence]:
        """What the sentences may say of one observation."""
        observation = evidence.observation
        observed = evidence.received_at + self.wall_offset if evidence.clock_suspect else evidence.at
        fields = self._place(self.home.devices[evidence.device]) | {"at": wording.same(self._clock(observed))}
        if isinstance(observation.value, bool):
            return fields
        fields |= wording.reading(observation.property, observation.value)
        limit = self.index.limits.get(rule.id)
        return fields if limit is None else fields | _limit(limit[1].of(self.home.arranged.own))

    def _raise(
        self, rule: Rule | HomeRule, device: DeviceId | None, fields: dict[str, Sentence], evidence: tuple[Evidence, ...],
        *, cause: str, caused_at: datetime, key: str = "",
    ) -> AlertRaised:  # fmt: skip
        policy = self.index.policy(self.area, rule.category, rule.policy)
        silence = muting((*self.home.silences.values(), *over(self._silences, self.home.area)), rule.category, device, self.at)
        matter = matter_of(rule, device)
        raised = AlertRaised(
            alert=alert_id(self.home.id, matter, f"{rule.id} {cause}", caused_at),
            at=self.at,
            home=self.home.id,
            area=self.area,
            category=rule.category,
            priority=rule.priority,
            matter=matter,
            title=wording.render(rule.title, fields),
            reason=self._with_mode(wording.render(rule.reason, fields)),
            rule=rule.id,
            rule_version=self.index.ruleset.version,
            evidence=evidence,
            device=device,
            room=self.home.devices[device].record.room if device is not None else "",
            policy=policy.id,
            silenced_by=silence.silence if silence else None,
            next_step_at=None if silence else first_step_at(policy, rule.category, self.at),
            key=key,
        )
        return own_origin(raised, self.home)

    def _with_mode(self, reason: Sentence) -> Sentence:
        """With how the home is said to be lived in, where that is not as usual: whoever answers should know that it may be empty."""
        span = next((span for span in reversed(self.home.arranged.modes) if span.since <= self.at < span.ends_at), None)
        if span is None:
            return reason
        words, until = MODES[span.mode], self._clock(span.until + self.wall_offset)
        return Sentence(f"{reason.zh}（登记为{words.zh}，至 {until}）", f"{reason.en} (registered as {words.en} until {until})")

    def _home(self) -> dict[str, Sentence]:
        home = self.home
        residents = tuple(p.name for p in sorted(home.people.values(), key=lambda p: (p.order, p.id)) if p.role is Role.RESIDENT)
        return {"home": wording.home(home.record.name if home.record else home.id, residents)}

    def _place(self, device: DeviceState) -> dict[str, Sentence]:
        record = device.record
        kind = self.index.kind(record.model)
        return {
            **self._home(),
            "device": wording.device(kind, record.name or (record.id if kind is Kind.OTHER else "")),
            **wording.place(record.room),
        }

    def _clock(self, at: datetime) -> str:
        return wording.clock(at, self.index.ruleset.utc_offset_minutes, self.at + self.wall_offset)


def _most(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    return evidence if len(evidence) <= EVIDENCE_MOST else (evidence[0], *evidence[1 - EVIDENCE_MOST :])


def _limit(limit: Limit) -> dict[str, Sentence]:
    return {
        "limit": wording.same(wording.number(limit.limit)),
        "clear": wording.same(wording.number(limit.clear)),
        "for": wording.duration(limit.hold),
    }
