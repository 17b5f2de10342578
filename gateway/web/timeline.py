"""What happened to an alert, told: one fact, one sentence in Chinese and English, and its particulars as data."""

from datetime import datetime

import msgspec

from alerting.facts import (
    SERVICE,
    AcknowledgementLapsed,
    Actor,
    AlertAcknowledged,
    AlertClaimed,
    AlertCleared,
    AlertClosed,
    AlertEscalated,
    AlertFact,
    AlertHeld,
    AlertNoted,
    AlertRaised,
    AlertRecurred,
    AlertRepeated,
    AlertTransferred,
    CallCancelled,
    ClaimLapsed,
    Evidence,
    HelpReported,
    HoldEnded,
    NotificationEnded,
    NotificationRequested,
    NotificationSkipped,
    Sentence,
    Stage,
    StepReached,
)
from gateway.web.shapes import Datum

STAGES: dict[Stage, Sentence] = {
    Stage.ACCEPTED: Sentence("已答应前往", "has accepted"),
    Stage.ON_THE_WAY: Sentence("正在路上", "is on the way"),
    Stage.ARRIVED: Sentence("已到达", "has arrived"),
    Stage.DONE: Sentence("已处理完毕", "is done"),
    Stage.DECLINED: Sentence("不能前往", "cannot come"),
}

DELIVERED = Sentence("通知已送达", "the notification was delivered")
UNDELIVERED = Sentence("通知未送达", "the notification was not delivered")


class Told(msgspec.Struct, frozen=True):
    kind: str
    sentence: Sentence
    by: Actor = SERVICE
    data: dict[str, Datum] = {}


def _because(reason: str) -> Sentence:
    return Sentence(f"：{reason}", f": {reason}") if reason else Sentence("", "")


def _observed(evidence: tuple[Evidence, ...]) -> dict[str, Datum]:
    """The observation that said so, as the entry's data."""
    if not evidence:
        return {}
    latest = evidence[-1]
    return {"device": latest.device, "property": latest.observation.property.value, "value": latest.observation.value}


def _utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def tell(fact: AlertFact) -> Told:
    match fact:
        case AlertRaised():
            return Told("raised", fact.reason, data={"rule": fact.rule, "silenced_by": fact.silenced_by})
        case AlertRepeated(evidence=evidence):
            return Told("repeated", Sentence("再次收到同一警情", "the same was reported again"), data=_observed(evidence))
        case AlertCleared(evidence=evidence):
            said = Sentence("现场已恢复正常，仍需人工处理", "back to normal on site; it still waits for a person")
            return Told("cleared", said, data=_observed(evidence))
        case AlertRecurred(evidence=evidence):
            return Told("recurred", Sentence("警情再次出现", "the condition came back"), data=_observed(evidence))
        case CallCancelled(evidence=evidence):
            said = Sentence("呼叫者取消了求助，仍需人工核实", "the caller took the call back; somebody still has to make sure")
            return Told("cancelled", said, data=_observed(evidence))
        case AlertClaimed(by=by, taken_over_from=None):
            return Told("claimed", Sentence(f"{by} 接手", f"{by} claimed it"), by)
        case AlertClaimed(by=by, taken_over_from=before):
            said = Sentence(f"{by} 从 {before} 处接手", f"{by} took it over from {before}")
            return Told("claimed", said, by, {"taken_over_from": before})
        case ClaimLapsed(by=by):
            said = Sentence(f"{by} 接手后未确认，重新开放", f"{by} claimed it and did not acknowledge in time: it is everybody's again")
            return Told("claim_lapsed", said, data={"claimed_by": by})
        case AlertAcknowledged(by=by):
            return Told("acknowledged", Sentence(f"{by} 确认处理中", f"{by} acknowledged it"), by)
        case AcknowledgementLapsed(by=by):
            said = Sentence(f"{by} 确认后长时间未处理完，重新告警", f"{by} acknowledged it and it was forgotten: it rings again")
            return Told("acknowledgement_lapsed", said, data={"acknowledged_by": by})
        case AlertNoted(by=by, text=text):
            return Told("noted", Sentence(f"{by}：{text}", f"{by}: {text}"), by, {"text": text})
        case AlertHeld(by=by, until=until, reason=reason):
            why = _because(reason)
            said = Sentence(f"{by} 暂缓至约定时间{why.zh}", f"{by} put it on hold until {_utc(until)}{why.en}")
            return Told("held", said, by, {"until": _utc(until), "reason": reason})
        case HoldEnded():
            return Told("hold_ended", Sentence("暂缓时间已到", "the hold is over"))
        case AlertEscalated(by=by, reason=reason):
            why = _because(reason)
            return Told("escalated", Sentence(f"{by} 要求升级{why.zh}", f"{by} escalated it{why.en}"), by, {"reason": reason})
        case StepReached(step=step, round=round_, targets=targets, next_step_at=following):
            said = Sentence(f"升级到第 {step + 1} 步（第 {round_ + 1} 轮）", f"step {step + 1} was due (round {round_ + 1})")
            data: dict[str, Datum] = {"step": step, "round": round_, "targets": list(targets)}
            return Told("step_reached", said, data=data | {"next_step_at": _utc(following) if following else None})
        case AlertTransferred(by=by, to=to, reason=reason):
            why = _because(reason)
            said = Sentence(f"{by} 转交给 {to}{why.zh}", f"{by} transferred it to {to}{why.en}")
            return Told("transferred", said, by, {"to": to, "reason": reason})
        case HelpReported(by=by, responder=responder, stage=stage):
            words = STAGES[stage]
            said = Sentence(f"{responder} {words.zh}", f"{responder} {words.en}")
            return Told("help_reported", said, by, {"responder": responder, "stage": stage.value})
        case AlertClosed(by=by, disposition=disposition, reason=reason):
            why = _because(reason)
            said = Sentence(f"{by} 办结（{disposition}）{why.zh}", f"{by} closed it as {disposition}{why.en}")
            return Told("closed", said, by, {"disposition": disposition, "reason": reason})
        case NotificationRequested(notification=id_, target=target, channel=channel, step=step, why=why):
            return Told("notification_requested", why, data={"notification": id_, "target": target, "channel": channel, "step": step})
        case NotificationSkipped(target=target, step=step, why=why):
            return Told("notification_skipped", why, data={"target": target, "step": step})
        case NotificationEnded(notification=id_, delivered=delivered, attempts=attempts, detail=detail):
            said = DELIVERED if delivered else UNDELIVERED
            data = {"notification": id_, "delivered": delivered, "attempts": attempts, "detail": detail}
            return Told("notification_ended", Sentence(said.zh + _because(detail).zh, said.en + _because(detail).en), data=data)
