"""What happened to an alert, told: one fact, one sentence in Chinese and English, and its particulars as data."""

from datetime import datetime

import msgspec

from alerting.duty_facts import AlertOwned
from alerting.facts import (
    AcknowledgementLapsed,
    AlertAcknowledged,
    AlertClaimed,
    AlertCleared,
    AlertClosed,
    AlertEscalated,
    AlertFact,
    AlertFolded,
    AlertHeld,
    AlertNoted,
    AlertRaised,
    AlertRecurred,
    AlertRepeated,
    AlertTransferred,
    AlertUnfolded,
    AlertWorsened,
    CallCancelled,
    ClaimLapsed,
    HelpReported,
    HoldEnded,
    NotificationEnded,
    NotificationReported,
    NotificationRequested,
    NotificationSkipped,
    StepReached,
    WelfareNoted,
)
from alerting.grading import named
from alerting.life_facts import AlertChattering, AlertRearmed, AlertStanding, AlertViewed, CallConfirmed, CallUnconfirmed
from alerting.plan_facts import GradeRaised
from alerting.terms import SERVICE, Actor, Evidence, Progress, Sentence, Stage, Welfare
from alerting.wording import duration
from gateway.web.shapes import Datum

STAGES: dict[Stage, Sentence] = {
    Stage.ACCEPTED: Sentence("已答应前往", "has accepted"),
    Stage.ON_THE_WAY: Sentence("正在路上", "is on the way"),
    Stage.ARRIVED: Sentence("已到达", "has arrived"),
    Stage.DONE: Sentence("已处理完毕", "is done"),
    Stage.DECLINED: Sentence("不能前往", "cannot come"),
}

FOUND: dict[Welfare, Sentence] = {
    Welfare.SAFE: Sentence("平安", "safe"),
    Welfare.NO_ANSWER: Sentence("无人应答", "no answer"),
    Welfare.VISIT: Sentence("已派人上门", "somebody is on the way"),
    Welfare.NEEDS_HELP: Sentence("需要帮助", "needs help"),
}

PROGRESS: dict[Progress, Sentence] = {
    Progress.DELIVERED: Sentence("通知已送达对方", "the notification reached the person"),
    Progress.READ: Sentence("通知已读", "the notification was read"),
    Progress.FAILED: Sentence("服务商已接收，但未送达对方", "the provider took the notification and could not deliver it"),
    Progress.ACCEPTED: Sentence("对方答复：前往", "answered: is coming"),
    Progress.DECLINED: Sentence("对方答复：不能前往", "answered: cannot come"),
}
DELIVERED = Sentence("通知已送达", "the notification was delivered")
UNDELIVERED = Sentence("通知未送达", "the notification was not delivered")


class Told(msgspec.Struct, frozen=True):
    kind: str
    sentence: Sentence
    by: Actor = SERVICE
    data: dict[str, Datum] = {}


def because(reason: str) -> Sentence:
    return Sentence(f"：{reason}", f": {reason}") if reason else Sentence("", "")


def _observed(evidence: tuple[Evidence, ...]) -> dict[str, Datum]:
    """The observation that said so, as the entry's data."""
    if not evidence:
        return {}
    latest = evidence[-1]
    return {"device": latest.device, "property": latest.observation.property.value, "value": latest.observation.value}


def utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def tell(fact: AlertFact) -> Told:
    match fact:
        case AlertRaised():
            data: dict[str, Datum] = {"rule": fact.rule, "silenced_by": fact.silenced_by}
            return Told("raised", fact.reason, data=data | ({"anew_of": fact.anew_of} if fact.anew_of else {}))
        case AlertRepeated(evidence=evidence):
            return Told("repeated", Sentence("再次收到同一警情", "the same was reported again"), data=_observed(evidence))
        case AlertCleared(evidence=evidence):
            said = Sentence("现场已恢复正常，仍需人工处理", "back to normal on site; it still waits for a person")
            return Told("cleared", said, data=_observed(evidence))
        case AlertRecurred(evidence=evidence):
            return Told("recurred", Sentence("警情再次出现", "the condition came back"), data=_observed(evidence))
        case AlertWorsened(reason=reason, rule=rule, evidence=evidence):
            said = Sentence(f"情况加重：{reason.zh}", f"it got worse: {reason.en}")
            return Told("worsened", said, data=_observed(evidence) | {"rule": rule})
        case CallCancelled(evidence=evidence):
            said = Sentence("呼叫者取消了求助，仍需人工核实", "the caller took the call back; somebody still has to make sure")
            return Told("cancelled", said, data=_observed(evidence))
        case AlertClaimed(by=by, follows=str(follows), taken_over_from=before):
            said = Sentence(f"{by} 接手同户警情，一并接手", f"{by} claimed another alert of the home, and this one with it")
            return Told("claimed", said, by, {"follows": follows} | ({"taken_over_from": before} if before else {}))
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
        case AlertHeld(at=at, by=by, until=until, reason=reason, return_priority=back):
            why, span = because(reason), duration(until - at)
            zh, en = (f"，以 {back:d} 级返回", f", to come back with priority {back:d}") if back else ("", "")
            said = Sentence(f"{by} 暂缓 {span.zh}{zh}{why.zh}", f"{by} put it on hold for {span.en}{en}{why.en}")
            return Told("held", said, by, {"until": utc(until), "reason": reason} | ({"return_priority": int(back)} if back else {}))
        case HoldEnded():
            return Told("hold_ended", Sentence("暂缓时间已到", "the hold is over"))
        case AlertEscalated(by=by, reason=reason):
            why = because(reason)
            return Told("escalated", Sentence(f"{by} 要求升级{why.zh}", f"{by} escalated it{why.en}"), by, {"reason": reason})
        case StepReached(step=step, round=round_, targets=targets, next_step_at=following):
            said = Sentence(f"升级到第 {step + 1} 步（第 {round_ + 1} 轮）", f"step {step + 1} was due (round {round_ + 1})")
            data = {"step": step, "round": round_, "targets": list(targets)}
            return Told("step_reached", said, data=data | {"next_step_at": utc(following) if following else None})
        case AlertTransferred(by=by, to=to, reason=reason):
            why = because(reason)
            said = Sentence(f"{by} 转交给 {to}{why.zh}", f"{by} transferred it to {to}{why.en}")
            return Told("transferred", said, by, {"to": to, "reason": reason})
        case GradeRaised(by=by, scale=scale, grade=grade, reason=reason, targets=targets):
            name = named(scale, grade)
            said = Sentence(f"{by} 提高到{name.zh}：{reason}", f"{by} raised it to {name.en}: {reason}")
            return Told("graded", said, by, {"scale": scale.value, "grade": grade, "reason": reason, "targets": list(targets)})
        case HelpReported(by=by, responder=responder, stage=stage):
            words = STAGES[stage]
            said = Sentence(f"{responder} {words.zh}", f"{responder} {words.en}")
            return Told("help_reported", said, by, {"responder": responder, "stage": stage.value})
        case AlertClosed():
            return _closed(fact)
        case AlertViewed(by=by):
            return Told("viewed", Sentence(f"{by} 首次查看", f"{by} was the first to open it"), by)
        case AlertChattering(times=times, within_s=within):
            said = Sentence(f"{within:g} 秒内反复出现 {times} 次：颤动告警", f"it came {times} times in {within:g} s: chattering")
            return Told("chattering", said, data={"times": times, "within_s": within})
        case AlertStanding(at=at, since=since):
            span = duration(at - since)
            said = Sentence(f"持续 {span.zh}未恢复：常驻告警", f"active without a break for {span.en}: a standing alarm")
            return Told("standing", said, data={"since": utc(since)})
        case AlertRearmed(raised=None):
            return Told("rearmed", Sentence("复查：警情已恢复", "looked at again: its condition is over"))
        case AlertRearmed(raised=raised):
            said = Sentence("复查：警情仍未恢复，重新告警", "looked at again: its condition still holds, and it is raised anew")
            return Told("rearmed", said, data={"raised": raised})
        case CallConfirmed(by=by):
            return Told("test_confirmed", Sentence(f"{by} 确认为测试", f"{by} confirmed that it was a test"), by)
        case CallUnconfirmed():
            said = Sentence("测试人未在 60 秒内确认：按真实警情处理", "its tester did not confirm it within 60 s: it is a real alert")
            return Told("test_unconfirmed", said)
        case AlertFolded(into=into):
            return Told("folded", Sentence("并入片区告警", "made part of the area's alert"), data={"into": into})
        case AlertUnfolded():
            return Told("unfolded", Sentence("不再属于片区告警，单独处理", "no longer part of the area's alert: it stands for itself"))
        case WelfareNoted(by=by, member=member, result=result, note=note):
            words, why = FOUND[result], because(note)
            said = Sentence(f"{by} 核实住户 {member}：{words.zh}{why.zh}", f"{by} looked to home {member}: {words.en}{why.en}")
            return Told("welfare_noted", said, by, {"home": member, "result": result.value, "note": note})
        case AlertOwned(owner=owner, before=""):
            said = Sentence(f"由当班的 {owner} 负责", f"{owner} is on duty and owns it")
            return Told("owned", said, data={"owner": owner, "before": None})
        case AlertOwned(owner=owner, before=before, by=by):
            said = Sentence(f"{owner} 接班，从 {before} 处接管", f"{owner} came on duty and took it over from {before}")
            return Told("owned", said, by or SERVICE, {"owner": owner, "before": before})
        case NotificationRequested(notification=id_, target=target, channel=channel, step=step, why=why):
            data = {"notification": id_, "target": target, "channel": channel, "step": step}
            return Told("notification_requested", why, data=data | {"stand_down": fact.stand_down})
        case NotificationSkipped(target=target, step=step, why=why):
            return Told("notification_skipped", why, data={"target": target, "step": step})
        case NotificationReported(notification=id_, progress=progress, detail=detail):
            said, why = PROGRESS[progress], because(detail)
            told = {"notification": id_, "progress": progress.value, "detail": detail}
            return Told("notification_reported", Sentence(said.zh + why.zh, said.en + why.en), data={**told})
        case NotificationEnded(notification=id_, delivered=delivered, attempts=attempts, detail=detail):
            said = DELIVERED if delivered else UNDELIVERED
            data = {"notification": id_, "delivered": delivered, "attempts": attempts, "detail": detail}
            return Told("notification_ended", Sentence(said.zh + because(detail).zh, said.en + because(detail).en), data=data)


def _closed(fact: AlertClosed) -> Told:
    why, data = because(fact.reason), {"disposition": fact.disposition, "reason": fact.reason}
    zh, en = f"{fact.by} 办结（{fact.disposition}）{why.zh}", f"{fact.by} closed it as {fact.disposition}{why.en}"
    if fact.event:
        zh, en, data = f"{zh}（事件：{fact.event}）", f"{en} (event: {fact.event})", data | {"event": fact.event}
    if fact.rearm_at is not None:
        until = utc(fact.rearm_at)
        zh, en = f"{zh}；警情尚未恢复，到时复查", f"{en}; its condition still holds and is looked at again at {until}"
        data |= {"rearm_at": until}
    return Told("closed", Sentence(zh, en), fact.by, {**data})
