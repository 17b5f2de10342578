"""What people ask of an alert: allowed or not, and the facts it becomes. Refusals say who did what, when, in both languages."""

from datetime import datetime, timedelta

from alerting import wording
from alerting.alert import ACTIONS, Alert, evolve, permits
from alerting.circumstances import Circumstances
from alerting.commands import Acknowledge, Claim, Close, ConfirmCall, DeskCommand, Escalate, Hold, Note, Respond, Transfer, View
from alerting.escalation import next_step
from alerting.facts import (
    AlertAcknowledged,
    AlertClaimed,
    AlertClosed,
    AlertEscalated,
    AlertFact,
    AlertHeld,
    AlertNoted,
    AlertTransferred,
    HelpReported,
)
from alerting.home_state import HomeState
from alerting.lasting import holds
from alerting.life_facts import AlertViewed
from alerting.on_test import confirmed
from alerting.refusals import IllegalTransition
from alerting.suppression import hold_limit, may_hold, rearm_limit, return_limit
from alerting.synthetic import may_touch
from alerting.terms import SERVICE, Actor, Origin, Sentence
from alerting.watching.scene import Scene

TEXT_LIMIT = 4_000
"""Characters of a note or a reason."""

_VERBS = {
    Claim: ("claim", "接警"),
    Acknowledge: ("acknowledge", "确认"),
    Note: ("note", "添加备注"),
    Hold: ("hold", "暂挂"),
    Escalate: ("escalate", "升级"),
    Transfer: ("transfer", "移交"),
    Respond: ("respond", "登记响应"),
    Close: ("close", "结案"),
}


class Desk:
    """One home's alerts, or those of areas, at a moment: what the desk's answers depend on besides the alert itself."""

    def __init__(self, home: HomeState, around: Circumstances, now: datetime) -> None:
        self.home = home
        self.around = around
        self.ruleset = around.ruleset
        self.now = now

    def decide(self, alert: Alert, command: DeskCommand, by: Actor) -> list[AlertFact]:
        """The facts that a command becomes; IllegalTransition, and nothing, where it may not be."""
        if isinstance(command, View):
            return [AlertViewed(alert.id, self.now, alert.home, by)] if alert.open and alert.viewed_at is None else []
        if isinstance(command, ConfirmCall):
            return confirmed(alert, by, self.now)
        may_touch(alert)
        en, zh = _VERBS[type(command)]
        if not permits(alert, ACTIONS[en]):
            raise IllegalTransition(self._over(alert, zh, en))
        at, home = self.now, alert.home
        match command:
            case Claim():
                return self._claim(alert, by, command.expects)
            case Acknowledge():
                claim = [] if alert.claimed_by == by else self._claim(alert, by)
                return [*claim, AlertAcknowledged(alert.id, at, home, by)]
            case Note():
                return [AlertNoted(alert.id, at, home, by, _text(command.text, "备注", "a note"))]
            case Hold():
                return [self._hold(alert, command, by)]
            case Escalate():
                escalated = AlertEscalated(alert.id, at, home, by, _text(command.reason, "升级原因", "the reason for escalating"))
                return [escalated, next_step(evolve(alert, escalated), self.around.policy(alert), at)]
            case Transfer():
                to, reason = _text(command.to, "接收人", "who takes over"), _text(command.reason, "移交原因", "the reason for the transfer")
                theirs = [other for other in self._others(alert) if alert.claimed_by is not None and other.claimed_by == alert.claimed_by]
                return [AlertTransferred(each.id, at, home, by, to, reason) for each in (alert, *theirs)]
            case Respond():
                responder = _text(command.responder, "响应人", "who responds")
                return [HelpReported(alert.id, at, home, by, responder, command.stage, command.notification)]
            case Close():
                return [self.close(alert, by, command.disposition, command.reason, rearm_minutes=command.rearm_minutes)]

    # --- having it -------------------------------------------------------------------------------------------------------------

    def _claim(self, alert: Alert, by: Actor, expects: str | None = None) -> list[AlertFact]:
        """With it come the home's other alerts that nobody has, and those of whoever it was taken over from: one person, one home."""
        before = alert.claimed_by
        if before == by and alert.claim_follows is None:
            since = self._clock(alert.claimed_at or self.now)
            raise IllegalTransition(
                Sentence(f"您已于 {since} 接警；请确认，或结案", f"you have had this alert since {since}; acknowledge or close it"),
            )
        if expects is not None and (before or "") not in (expects, by):
            raise IllegalTransition(self._taken(alert))
        taken_from = before if before != by else None
        claims: list[AlertFact] = [AlertClaimed(alert.id, self.now, alert.home, by, taken_over_from=taken_from)]
        for other in self._others(alert):
            theirs = taken_from is not None and other.claimed_by == taken_from
            if theirs or (other.ringing and other.folded_into is None):
                claims.append(AlertClaimed(other.id, self.now, other.home, by, other.claimed_by, follows=alert.id))
        return claims

    def _others(self, alert: Alert) -> list[Alert]:
        """The other open alerts of a home; areas have none that belong together. Tests are their tester's."""
        if not alert.home or alert.origin is not Origin.REAL:
            return []
        return [other for other in self.home.alerts.values() if other.open and other.id != alert.id and other.origin is Origin.REAL]

    def _taken(self, alert: Alert) -> Sentence:
        if alert.claimed_by is None:
            return Sentence("这条警报现在无人接手，请重新接警", "nobody has this alert any more: claim it afresh")
        since = self._clock(alert.claimed_at or self.now)
        who = alert.claimed_by
        return Sentence(f"{who} 已于 {since} 接警；如需接管请确认", f"{who} has had this alert since {since}; take it over if you mean to")

    # --- putting it off, and ending it -----------------------------------------------------------------------------------------

    def _hold(self, alert: Alert, command: Hold, by: Actor) -> AlertHeld:
        if not may_hold(alert.category, in_hand=alert.claimed_by == by):
            raise IllegalTransition(
                self._taken(alert)
                if alert.claimed_by is not None
                else Sentence(
                    "求助、火警、燃气和跌倒警报须先接警才能暂挂",
                    "a call for help, a fire, gas or a fall can be put on hold only by somebody who has claimed it",
                ),
            )
        limit = hold_limit(alert.category)
        if not 0 < command.minutes <= limit / timedelta(minutes=1):
            most = wording.duration(limit)
            raise IllegalTransition(
                Sentence(f"暂挂时间须大于 0，且最长 {most.zh}", f"a hold is longer than nothing and no longer than {most.en}"),
            )
        if command.return_priority is not None and command.return_priority > return_limit(alert.category, alert.priority):
            raise IllegalTransition(
                Sentence(
                    "求助、火警、燃气和跌倒警报暂挂后不能降低级别",
                    "a call for help, a fire, gas or a fall comes back with no lower a priority than it has",
                ),
            )
        reason = _text(command.reason, "暂挂原因", "the reason for the hold")
        until = self.now + timedelta(minutes=command.minutes)
        return AlertHeld(alert.id, self.now, alert.home, by, until, reason, command.return_priority)

    def close(
        self, alert: Alert, by: Actor, disposition: str, reason: str, *, rearm_minutes: float | None = None, event: str = "",
    ) -> AlertClosed:  # fmt: skip
        """The end of an open alert. What the service itself closes (in a replay, a call of its own) is never armed again."""
        self.check_disposition(disposition)
        rearm_at = None
        if by != SERVICE and self.holds(alert):
            _text(reason, "办结原因（警情尚未恢复）", "the reason (its condition still holds)")
            rearm_at = self.now + self._rearm_after(alert, rearm_minutes)
        return AlertClosed(alert.id, self.now, alert.home, by, disposition, reason.strip()[:TEXT_LIMIT], rearm_at, event)

    def holds(self, alert: Alert) -> bool:
        return holds(alert, Scene(self.home, None, self.now, self.around.index, self.around))

    def check_disposition(self, disposition: str) -> None:
        """IllegalTransition for what is none of the list's."""
        known = [d.id for d in self.ruleset.dispositions]
        if disposition not in known:
            raise IllegalTransition(
                Sentence(
                    f"结案须选择处置结果：{'、'.join(f'{d.zh}（{d.id}）' for d in self.ruleset.dispositions)}",
                    f"{disposition[:40]!r} is not a disposition; closing takes one of {', '.join(known)}",
                ),
            )

    def _rearm_after(self, alert: Alert, minutes: float | None) -> timedelta:
        limit = rearm_limit(alert.category)
        if minutes is None:
            return min(self.ruleset.life.rearm_after, limit)
        if not 0 < minutes <= limit / timedelta(minutes=1):
            most = wording.duration(limit)
            raise IllegalTransition(
                Sentence(
                    f"警情尚未恢复，复查时间须大于 0，且最长 {most.zh}",
                    f"its condition still holds: it is looked at again after more than nothing and no more than {most.en}",
                ),
            )
        return timedelta(minutes=minutes)

    def _over(self, alert: Alert, zh: str, en: str) -> Sentence:
        """The alert is closed: by whom, when, as what."""
        when = self._clock(alert.closed_at or self.now)
        what = next((d for d in self.ruleset.dispositions if d.id == alert.disposition), None)
        as_zh, as_en = (what.zh, what.en) if what else (alert.disposition, alert.disposition)
        return Sentence(
            f"{alert.closed_by} 已于 {when} 结案（{as_zh}），不能再{zh}",
            f"{alert.closed_by} closed this alert at {when} ({as_en}); there is nothing left to {en}",
        )

    def _clock(self, at: datetime) -> str:
        offset = self.around.wall_offset
        return wording.clock(at + offset, self.ruleset.utc_offset_minutes, self.now + offset)


def _text(text: str, zh: str, en: str) -> str:
    cleaned = text.strip()
    if not cleaned:
        raise IllegalTransition(Sentence(f"请填写{zh}", f"{en} is missing"))
    return cleaned[:TEXT_LIMIT]
