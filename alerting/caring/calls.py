"""An alert for a check-in that nobody heard, and its clearing when somebody does."""

from datetime import datetime

from alerting import wording
from alerting.caring.records import Errand, Occasion, PlanId
from alerting.circumstances import Circumstances
from alerting.escalation import first_step_at, policy_for
from alerting.facts import AlertCleared, AlertRaised
from alerting.home_state import HomeState
from alerting.identity import alert_id
from alerting.suppression import muting
from alerting.terms import Category, Priority, Sentence

RULE = "care"
TITLE = Sentence("未按时报平安", "check-in missed")


def matter(plan: PlanId) -> str:
    return f"check_in:{plan}"


def missed(home: HomeState, occasion: Occasion, around: Circumstances, now: datetime) -> AlertRaised | None:
    """None where it is no check-in, where one was raised already, and while the home is in another mode: nobody is there to say it."""
    if occasion.errand is not Errand.CHECK_IN or home.arranged.mode is not None or home.open_alert(matter(occasion.plan)) is not None:
        return None
    ruleset, category = around.ruleset, Category.INACTIVITY
    policy = policy_for(ruleset, category)
    silence = muting(home.silences.values(), category, None, now)
    wall = around.wall_offset
    due = wording.clock(occasion.due_at + wall, ruleset.utc_offset_minutes, now + wall)
    late = wording.clock(occasion.late_at + wall, ruleset.utc_offset_minutes, now + wall)
    return AlertRaised(
        alert=alert_id(home.id, matter(occasion.plan), occasion.id, now),
        at=now,
        home=home.id,
        area=home.area,
        category=category,
        priority=Priority.PROMPT,
        matter=matter(occasion.plan),
        title=TITLE,
        reason=Sentence(
            f"应在 {due} 报平安，到 {late} 仍未收到：请致电核实。",
            f"A check-in was due at {due}, and by {late} none was heard: ring the home and make sure.",
        ),
        rule=RULE,
        rule_version=ruleset.version,
        evidence=(),
        policy=policy.id,
        silenced_by=silence.silence if silence else None,
        next_step_at=None if silence else first_step_at(policy, category, now),
    )


def heard(home: HomeState, occasion: Occasion, now: datetime) -> AlertCleared | None:
    alert = home.open_alert(matter(occasion.plan))
    return AlertCleared(alert.id, now, home.id) if alert is not None and alert.cleared_at is None else None
