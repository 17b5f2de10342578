"""A: what follows a call, until somebody has answered: it is said again at a pace, shown to its person, ended by receipt or cancel."""

from datetime import timedelta

from simulator.certification.bench import Bench, Procedure
from simulator.certification.features import Repeat
from simulator.certification.procedures.parts import SHORT, WATCHED, seconds
from simulator.virtual.stimulus import Sign, Stimulus
from simulator.wire import Stage

LONG = timedelta(hours=2)
PACED = timedelta(minutes=5)
MOST = 60
"""Times that one call is said in PACED: each five seconds."""


# --- said again ---


def alarm_repeated_until_receipt(bench: Bench) -> Procedure:
    bench.turn("no receipt is sent").receipts = False
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    again = yield from bench.until(lambda: bench.trace.alarms(alarm.number + 1, prop=bench.alarm.prop), WATCHED)
    bench.tell(Stage.ACCEPTED)
    yield from bench.calmed()
    if not again:
        return bench.failed(
            "声明重复至收到回执，没有回执时却不再发送", "it states that it repeats until a receipt, and did not without one", alarm,
        )  # fmt: skip
    return bench.passed(alarm, again[:1])


def alarm_repeated_however_long(bench: Bench) -> Procedure:
    """Nobody answers for two hours; how often it is said by then is its own affair."""
    bench.turn("no receipt is sent").receipts = False
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(LONG - WATCHED)
    here = bench.trace.mark
    again = yield from bench.until(lambda: bench.trace.alarms(here, prop=bench.alarm.prop), WATCHED)
    bench.tell(Stage.ACCEPTED)
    yield from bench.calmed()
    if not again:
        copies = bench.trace.alarms(alarm.number, prop=bench.alarm.prop)
        return bench.failed(
            f"没有回执，重复 {len(copies) - 1} 次后就放弃了", f"there was no receipt, and after {len(copies) - 1} repetitions it gave up",
            alarm, copies[-1:],
        )  # fmt: skip
    return bench.passed(alarm, again[:1])


def repetition_keeps_a_pace(bench: Bench) -> Procedure:
    """Without a PUBACK, and without a receipt where it waits for one."""
    how = bench.turn("PUBACKs are held, no receipt is sent")
    how.acknowledge = how.receipts = False
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(PACED)
    copies = bench.trace.alarms(alarm.number, prop=bench.alarm.prop)
    here = bench.trace.mark
    bench.release()
    if bench.features.alarm.repeat is Repeat.RECEIPT:
        yield from bench.sleep(PACED)
    unanswered = bench.trace.alarms(here, prop=bench.alarm.prop)
    bench.tell(Stage.ACCEPTED)
    yield from bench.calmed()
    if max(len(copies), len(unanswered)) > MOST:
        worst = max(copies, unanswered, key=len)
        return bench.failed(
            f"{seconds(PACED)} 内同一报警发送了 {len(worst)} 次", f"it said one call {len(worst)} times in {seconds(PACED)}", worst[:5],
        )  # fmt: skip
    return bench.passed(alarm, copies[1:3], unanswered[:2])


def unanswered_call_outlives_the_power(bench: Bench) -> Procedure:
    """The platform has the call, nobody has answered it, and the power goes."""
    bench.turn("no receipt is sent").receipts = False
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(SHORT)
    yield from bench.stimulate(Stimulus.POWER, 0)
    yield from bench.sleep(timedelta(seconds=20))
    since = yield from bench.stimulate(Stimulus.POWER, 1)
    limit = bench.features.connection.reconnects_within + WATCHED
    again = yield from bench.until(lambda: bench.trace.with_id(alarm.report.id, since), limit)
    bench.tell(Stage.ACCEPTED)
    yield from bench.calmed()
    if not again:
        return bench.failed(
            "等待回执时断电，来电后不再呼叫",
            "the power went while it waited for a receipt, and it did not call again", alarm, bench.trace.opened(since)[:1],
        )  # fmt: skip
    return bench.passed(alarm, again[:1])


# --- ended ---


def repetition_ends(bench: Bench) -> Procedure:
    """With the PUBACK or the receipt, whichever the device states; what was on its way in that moment is not held against it."""
    if bench.features.alarm.repeat is Repeat.RECEIPT and not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(SHORT)
    since = bench.trace.mark
    yield from bench.sleep(WATCHED)
    again = [message for message in bench.trace.with_id(alarm.report.id, since) if message.report.id]
    yield from bench.calmed()
    if again:
        return bench.failed(
            f"报警已被确认并回执，仍重发 {len(again)} 次",
            f"the alarm was acknowledged and receipted, and was still sent {len(again)} times",
            alarm, again[:5],
        )  # fmt: skip
    return bench.passed(alarm)


def cancel_follows(bench: Bench) -> Procedure:
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(SHORT)
    since = yield from bench.stimulate(Stimulus.CANCEL)
    limit = bench.features.alarm.within
    said = yield from bench.until(lambda: bench.trace.messages(since, where=lambda r: r.values.get("cancel") is True), limit)
    yield from bench.calmed()
    if not said:
        return bench.failed(
            f"取消后 {seconds(limit)} 内没有上报 cancel", f"no report with cancel came within {seconds(limit)} of the cancelling", alarm,
        )  # fmt: skip
    if said[0].report.id == alarm.report.id or said[0].report.alarms:
        return bench.failed("取消没有作为单独的报告上报", "the cancelling was no report of its own", alarm, said[:1])
    return bench.passed(alarm, said[:1])


def cancel_ends_the_repeating(bench: Bench) -> Procedure:
    bench.turn("no receipt is sent").receipts = False
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(SHORT)
    yield from bench.stimulate(Stimulus.CANCEL)
    yield from bench.sleep(2 * SHORT)
    here = bench.trace.mark
    yield from bench.sleep(WATCHED)
    again = bench.trace.with_id(alarm.report.id, here)
    bench.tell(Stage.ACCEPTED)
    yield from bench.calmed()
    if again:
        return bench.failed("取消后仍重复呼叫", f"the call was cancelled, and was said {len(again)} times more", alarm, again[:3])
    return bench.passed(alarm)


# --- what the person is told ---


def call_under_way_is_shown(bench: Bench) -> Procedure:
    """Nobody has heard it yet; who pressed sees that the device has."""
    how = bench.turn("PUBACKs are held, no receipt is sent")
    how.acknowledge = how.receipts = False
    since = yield from bench.do(bench.alarm.deed)
    yield from bench.sleep(SHORT)
    shown = yield from bench.sees(Sign.CALLING)
    proof = bench.trace.entries[since : since + 1]
    bench.release()
    bench.tell(Stage.ACCEPTED)
    yield from bench.calmed()
    if not shown:
        return bench.failed("触发后设备没有任何提示", "it was called through, and it showed nothing", proof)
    return bench.passed(proof)


def receipt_is_shown(bench: Bench) -> Procedure:
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(SHORT)
    for sign, stage in ((Sign.ACCEPTED, None), (Sign.SEEN, Stage.SEEN), (Sign.HELPING, Stage.HELPING)):
        if stage is not None:
            bench.tell(stage)
            yield from bench.sleep(SHORT)
        if not (yield from bench.sees(sign)):
            return bench.failed(
                f"收到回执后设备没有提示“{_SIGNS[sign]}”", f"the receipt {sign} came, and the device did not show it", alarm,
            )  # fmt: skip
    yield from bench.calmed()
    return bench.passed(alarm, bench.trace.entries[-1:])


def nothing_is_shown_before_the_receipt(bench: Bench) -> Procedure:
    """Neither before the PUBACK nor behind it: that a message arrived is not yet that somebody was told."""
    how = bench.turn("PUBACKs are held, no receipt is sent")
    how.acknowledge = how.receipts = False
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    for acknowledged in (False, True):
        if acknowledged:
            bench.release()
        yield from bench.sleep(SHORT)
        for sign, zh in _SIGNS.items():
            if (yield from bench.sees(sign)):
                return bench.failed(
                    f"平台尚未受理，设备已提示“{zh}”", f"nobody had taken the call, and the device showed {sign}", alarm,
                )  # fmt: skip
    bench.tell(Stage.ACCEPTED)
    yield from bench.calmed()
    return bench.passed(alarm)


_SIGNS = {Sign.ACCEPTED: "已受理", Sign.SEEN: "已看到", Sign.HELPING: "正在救助"}
