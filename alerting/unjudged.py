"""A call that judging failed on, by a fault of ours: the plainest alert there is, without rules, so that a person looks."""

from datetime import datetime

from alerting.detection import Index
from alerting.facts import AlertFact, AlertRaised, AlertRecurred, AlertRepeated
from alerting.home_state import HomeState
from alerting.identity import alert_id
from alerting.suppression import under_floor
from alerting.synthetic import own_origin
from alerting.terms import Category, Evidence, Priority, Sentence
from devices.message import Heard
from devices.observation import URGENT, Property

MATTER = "unjudged"
TITLE = Sentence("求助（系统未能判读）", "call that could not be judged")


def unjudged(home: HomeState, message: Heard, raw: bytes, index: Index, at: datetime) -> AlertFact:
    """The fact for the first call or hazard of a message; ValueError when it has none. Asks nothing of the device's memory."""
    report = message.report
    said = next((o for o in report.observations if o.value is True and o.property in URGENT), None)
    if said is None:
        raise ValueError("no call in the message")
    shown = (Evidence(message.device, report.id, report.received_at, report.received_at, said, clock_suspect=True, raw=raw),)
    alert = home.open_alert(MATTER)
    if alert is not None:
        happened = AlertRecurred if alert.cleared_at else AlertRepeated
        return happened(alert.id, at, home.id, shown)
    category = _category(said.property, index)
    raised = AlertRaised(
        alert=alert_id(home.id, MATTER, f"{message.device} {report.id}", report.received_at),
        at=at,
        home=home.id,
        area=home.area or message.area,
        category=category,
        priority=Priority.LIFE,
        matter=MATTER,
        title=TITLE,
        reason=Sentence(
            f"设备 {message.device} 发出 {said.property}，系统处理时出错：请立即联系住户核实。",
            f"Device {message.device} says {said.property}, and judging it failed: ring the home and make sure.",
        ),
        rule="",
        rule_version=index.ruleset.version,
        evidence=shown,
        device=message.device if message.device in home.devices else None,
        policy=index.policy(home.area or message.area, category).id,
        next_step_at=at,
    )
    return own_origin(raised, home)


def _category(property_: Property, index: Index) -> Category:
    found = (watcher.rule.category for watcher in index.watchers.get(property_, ()))
    return next(filter(under_floor, found), Category.CALL_FOR_HELP)
