"""Whether what an alert is about is still so; and the alert that is raised anew where it was closed all the same.

A call and a fall are moments, not conditions: closed, they are over, and a new one is a new alert. What lasts is smoke that is still
said, a reading past its limit, a device that is still not heard, a rule of the home that still sees what it saw. Closing such an alert
takes a reason and a time, and keeps nobody quiet: what the device says anew is raised as ever, and under the safety floor what it says
again is, too.
"""

from datetime import datetime

from alerting.alert import Alert
from alerting.detection import asserted
from alerting.facts import AlertRaised
from alerting.home_rules import Combination
from alerting.home_state import HomeState
from alerting.identity import alert_id
from alerting.life_facts import AlertRearmed
from alerting.raising import matter_of
from alerting.rules import Silence
from alerting.terms import Origin, Sentence
from alerting.watching.kinds import kind_of
from alerting.watching.scene import Phase, Scene, key_of
from devices.observation import CALLS, Property

MOMENTS = CALLS | {Property.FALL}


def holds(alert: Alert, scene: Scene) -> bool:
    """Whether the condition holds by the newest word of the home. Of an area's alert never: closed, its homes ring by themselves."""
    if not alert.home or alert.cleared_at is not None or scene.home.retired:
        return False
    return _said(alert, scene) or _silent(alert, scene) or _watched(alert, scene)


def _said(alert: Alert, scene: Scene) -> bool:
    """A device says so."""
    rules = frozenset(rule.id for rule in scene.index.rules.values() for d, _ in alert.sources if matter_of(rule, d) == alert.matter)
    for device, property_ in alert.sources:
        known = scene.home.devices.get(device)
        if property_ not in MOMENTS and known is not None and asserted(known, property_, rules, scene.index):
            return True
    return False


def _silent(alert: Alert, scene: Scene) -> bool:
    device = scene.home.devices.get(alert.device) if alert.device is not None else None
    return device is not None and device.silent and isinstance(scene.index.rules.get(alert.rule), Silence)


def _watched(alert: Alert, scene: Scene) -> bool:
    """A rule that watches the home still sees it. One that only joins others' alerts sees nothing by itself."""
    for rule in scene.index.home_rules:
        if isinstance(rule, Combination):
            continue
        for device in scene.home.devices if rule.by_device else (None,):
            memory = scene.home.memories.get(key_of(rule, device)) if matter_of(rule, device) == alert.matter else None
            if memory is not None and kind_of(rule).state(rule, memory, scene.of(device)).phase is Phase.FIRING:
                return True
    return False


def rearmed(alert: Alert, home: HomeState, scene: Scene, next_step_at: datetime, now: datetime) -> tuple[AlertRearmed, AlertRaised | None]:
    """What its time comes to. `next_step_at`: when the first step of its policy is due if it is raised anew."""
    if home.open_alert(alert.matter) is not None or not holds(alert, scene):
        return AlertRearmed(alert.id, now, home.id), None
    raised = AlertRaised(
        alert=alert_id(home.id, alert.matter, f"{alert.rule} anew {alert.id}", now),
        at=now,
        home=home.id,
        area=alert.area,
        category=alert.category,
        priority=alert.priority,
        matter=alert.matter,
        title=alert.title,
        reason=Sentence(f"办结时尚未恢复，现在仍未恢复：{alert.reason.zh}", f"closed while it held, and it still holds: {alert.reason.en}"),
        rule=alert.rule,
        rule_version=alert.rule_version,
        evidence=alert.evidence[-1:],
        device=alert.device,
        room=alert.room,
        origin=Origin.REAL,
        policy=alert.policy,
        next_step_at=next_step_at,
        anew_of=alert.id,
    )
    return AlertRearmed(alert.id, now, home.id, raised.alert), raised
