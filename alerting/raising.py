"""From a sign to the alert it concerns: raised, repeated, cleared, recurred, or nothing, and in what words.

One alert for a home and matter. Under the safety floor the matter is always the category: a second cord pulled in the same home is the
same call, with another room in its evidence.
"""

from datetime import datetime, timedelta

from alerting import wording
from alerting.alert import Alert
from alerting.detection import Index, Limit, Shown, Sign, asserted
from alerting.escalation import first_step_at, policy_for
from alerting.facts import (
    AlertCleared,
    AlertFact,
    AlertRaised,
    AlertRecurred,
    AlertRepeated,
    CallCancelled,
    Category,
    Evidence,
    HoldEnded,
    Sentence,
)
from alerting.home_state import DeviceState, HomeState
from alerting.identity import alert_id
from alerting.rules import Rule, Silence
from alerting.suppression import muting, under_floor
from devices.catalog import Kind
from devices.home import AreaId, DeviceId, Role
from devices.observation import CALLS

CANCELLABLE = frozenset({Category.CALL_FOR_HELP, Category.FALL})
"""What a person may take back; a gadget cannot take back a fire."""


def matter_of(rule: Rule, device: DeviceId) -> str:
    if under_floor(rule.category):
        return rule.category.value
    matter = rule.matter or rule.category.value
    return f"{matter}:{device}" if rule.per_device else matter


class Raising:
    """One home at one moment, about to be judged. `wall_offset` turns service time into what clocks on walls show."""

    def __init__(self, home: HomeState, index: Index, at: datetime, wall_offset: timedelta, area: AreaId | None = None) -> None:
        self.home = home
        self.index = index
        self.at = at
        self.wall_offset = wall_offset
        self.area = area or home.area

    def verdict(self, sign: Sign, evidence: Evidence) -> list[AlertFact]:
        """What a sign of a report comes to."""
        rule = sign.rule
        if rule is None:
            return self._cancelled(evidence)
        alert = self.home.open_alert(matter_of(rule, evidence.device))
        match sign.shown:
            case Shown.NEW:
                return self._again(alert, evidence) if alert else [self._raised(rule, evidence)]
            case Shown.STILL if rule.insists:
                if alert is None:
                    return [self._raised(rule, evidence)]
                return [self._occurred(alert, evidence)] if alert.cleared_at or self._tells_more(alert, rule, evidence) else []
            case Shown.NORMAL if alert is not None and alert.cleared_at is None and not self._asserted(alert):
                return [AlertCleared(alert.id, self.at, self.home.id, (evidence,))]
            case _:
                return []

    def held_out(self, rule: Rule, evidence: Evidence) -> list[AlertFact]:
        """A limit's `for` is over, and nothing has contradicted it."""
        alert = self.home.open_alert(matter_of(rule, evidence.device))
        return self._again(alert, evidence) if alert else [self._raised(rule, evidence)]

    def fell_silent(self, rule: Silence, device: DeviceState) -> list[AlertFact]:
        """The device was not heard in time, or stayed offline."""
        alert = self.home.open_alert(matter_of(rule, device.record.id))
        if alert is not None:
            return [AlertRecurred(alert.id, self.at, self.home.id, ())] if alert.cleared_at else []
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

    def _again(self, alert: Alert, evidence: Evidence) -> list[AlertFact]:
        """A new occurrence while the alert is open. Under the floor it ends a hold: the hold was given for what was known then."""
        occurred = self._occurred(alert, evidence)
        if isinstance(occurred, AlertRepeated) and alert.held_until is not None and under_floor(alert.category):
            return [occurred, HoldEnded(alert.id, self.at, alert.home)]
        return [occurred]

    def _occurred(self, alert: Alert, evidence: Evidence) -> AlertRepeated | AlertRecurred:
        happened = AlertRecurred if alert.cleared_at else AlertRepeated
        return happened(alert.id, self.at, alert.home, (evidence,))

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
        rules = frozenset(rule.id for rule in self.index.rules.values() for d, _ in alert.sources if matter_of(rule, d) == alert.matter)
        for device, property_ in alert.sources:
            known = self.home.devices.get(device)
            if property_ in CALLS or (known is not None and asserted(known, property_, rules, self.index)):
                return True
        return False

    def _raised(self, rule: Rule, evidence: Evidence) -> AlertRaised:
        device = self.home.devices[evidence.device]
        observed = evidence.received_at + self.wall_offset if evidence.clock_suspect else evidence.at
        fields = self._place(device) | {"at": wording.same(self._clock(observed))}
        observation = evidence.observation
        if not isinstance(observation.value, bool):
            fields |= wording.reading(observation.property, observation.value)
            limit = self.index.limits.get(rule.id)
            if limit is not None:
                fields |= _limit(limit[1])
        cause = f"{evidence.device} {evidence.report}"
        return self._raise(rule, evidence.device, fields, (evidence,), cause=cause, caused_at=evidence.received_at)

    def _raise(
        self, rule: Rule, device: DeviceId, fields: dict[str, Sentence], evidence: tuple[Evidence, ...], *, cause: str, caused_at: datetime,
    ) -> AlertRaised:  # fmt: skip
        policy = policy_for(self.index.ruleset, rule.category, rule.policy)
        silence = muting(self.home.silences.values(), rule.category, device, self.at)
        matter = matter_of(rule, device)
        return AlertRaised(
            alert=alert_id(self.home.id, matter, f"{rule.id} {cause}", caused_at),
            at=self.at,
            home=self.home.id,
            area=self.area,
            category=rule.category,
            priority=rule.priority,
            matter=matter,
            title=wording.render(rule.title, fields),
            reason=wording.render(rule.reason, fields),
            rule=rule.id,
            rule_version=self.index.ruleset.version,
            evidence=evidence,
            device=device,
            room=self.home.devices[device].record.room,
            policy=policy.id,
            silenced_by=silence.silence if silence else None,
            next_step_at=None if silence else first_step_at(policy, rule.category, self.at),
        )

    def _place(self, device: DeviceState) -> dict[str, Sentence]:
        home, record = self.home, device.record
        kind = self.index.kind(record.model)
        residents = tuple(p.name for p in sorted(home.people.values(), key=lambda p: (p.order, p.id)) if p.role is Role.RESIDENT)
        return {
            "home": wording.home(home.record.name if home.record else home.id, residents),
            "device": wording.device(kind, record.name or (record.id if kind is Kind.OTHER else "")),
            **wording.place(record.room),
        }

    def _clock(self, at: datetime) -> str:
        return wording.clock(at, self.index.ruleset.utc_offset_minutes, self.at + self.wall_offset)


def _limit(limit: Limit) -> dict[str, Sentence]:
    return {
        "limit": wording.same(wording.number(limit.limit)),
        "clear": wording.same(wording.number(limit.clear)),
        "for": wording.duration(limit.hold),
    }
