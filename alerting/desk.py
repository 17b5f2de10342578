"""What people ask of an alert: allowed or not, and the facts it becomes. Refusals say who did what, when, in both languages."""

from datetime import datetime, timedelta

from alerting import wording
from alerting.alert import ACTIONS, Alert, evolve, permits
from alerting.escalation import next_step, policy_for
from alerting.facts import (
    Acknowledge,
    Actor,
    AlertAcknowledged,
    AlertClaimed,
    AlertClosed,
    AlertCommand,
    AlertEscalated,
    AlertFact,
    AlertHeld,
    AlertNoted,
    AlertTransferred,
    Claim,
    Close,
    Escalate,
    HelpReported,
    Hold,
    IllegalTransition,
    Note,
    Respond,
    Sentence,
    Transfer,
)
from alerting.rules import Ruleset
from alerting.suppression import hold_limit, may_hold

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
    """What the desk's answers depend on besides the alert itself."""

    def __init__(self, ruleset: Ruleset, now: datetime, wall_offset: timedelta) -> None:
        self.ruleset = ruleset
        self.now = now
        self.wall_offset = wall_offset

    def decide(self, alert: Alert, command: AlertCommand, by: Actor) -> list[AlertFact]:
        """The facts that a command becomes; IllegalTransition, and nothing, where it may not be."""
        en, zh = _VERBS[type(command)]
        if not permits(alert, ACTIONS[en]):
            raise IllegalTransition(self._over(alert, zh, en))
        at, home = self.now, alert.home
        match command:
            case Claim():
                return [self._claim(alert, by)]
            case Acknowledge():
                claim = [] if alert.claimed_by == by else [self._claim(alert, by)]
                return [*claim, AlertAcknowledged(alert.id, at, home, by)]
            case Note():
                return [AlertNoted(alert.id, at, home, by, _text(command.text, "备注", "a note"))]
            case Hold():
                return [self._hold(alert, command, by)]
            case Escalate():
                escalated = AlertEscalated(alert.id, at, home, by, _text(command.reason, "升级原因", "the reason for escalating"))
                policy = policy_for(self.ruleset, alert.category, alert.policy)
                return [escalated, next_step(evolve(alert, escalated), policy, at)]
            case Transfer():
                to, reason = _text(command.to, "接收人", "who takes over"), _text(command.reason, "移交原因", "the reason for the transfer")
                return [AlertTransferred(alert.id, at, home, by, to, reason)]
            case Respond():
                return [HelpReported(alert.id, at, home, by, _text(command.responder, "响应人", "who responds"), command.stage)]
            case Close():
                return [self._close(alert, command, by)]

    def _claim(self, alert: Alert, by: Actor) -> AlertClaimed:
        if alert.claimed_by == by:
            since = self._clock(alert.claimed_at or self.now)
            raise IllegalTransition(
                Sentence(f"您已于 {since} 接警；请确认，或结案", f"you have had this alert since {since}; acknowledge or close it"),
            )
        return AlertClaimed(alert.id, self.now, alert.home, by, taken_over_from=alert.claimed_by)

    def _hold(self, alert: Alert, command: Hold, by: Actor) -> AlertHeld:
        if not may_hold(alert.category, in_hand=alert.claimed_by is not None):
            raise IllegalTransition(
                Sentence(
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
        reason = _text(command.reason, "暂挂原因", "the reason for the hold")
        return AlertHeld(alert.id, self.now, alert.home, by, self.now + timedelta(minutes=command.minutes), reason)

    def _close(self, alert: Alert, command: Close, by: Actor) -> AlertClosed:
        known = [d.id for d in self.ruleset.dispositions]
        if command.disposition not in known:
            raise IllegalTransition(
                Sentence(
                    f"结案须选择处置结果：{'、'.join(f'{d.zh}（{d.id}）' for d in self.ruleset.dispositions)}",
                    f"{command.disposition[:40]!r} is not a disposition; closing takes one of {', '.join(known)}",
                ),
            )
        return AlertClosed(alert.id, self.now, alert.home, by, command.disposition, command.reason[:TEXT_LIMIT])

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
        return wording.clock(at + self.wall_offset, self.ruleset.utc_offset_minutes, self.now + self.wall_offset)


def _text(text: str, zh: str, en: str) -> str:
    cleaned = text.strip()
    if not cleaned:
        raise IllegalTransition(Sentence(f"请填写{zh}", f"{en} is missing"))
    return cleaned[:TEXT_LIMIT]
