"""A: alarm semantics. A call for help arrives, once, first, and says nothing that it should not."""

from datetime import timedelta
from functools import partial

from simulator.certification.behaviour import Deal
from simulator.certification.bench import Bench, Procedure
from simulator.certification.features import Repeat
from simulator.certification.procedures.parts import MINUTE, SHORT, ids, is_alarm, seconds
from simulator.virtual.stimulus import Sign, Stimulus
from simulator.wire import Channel, Stage

WATCHED = timedelta(minutes=12)
"""Longer than any pause between two repetitions."""


# --- the report itself ---


def alarm_reported(bench: Bench) -> Procedure:
    alarm = yield from bench.raised()
    if alarm is None:
        within = seconds(bench.features.alarm.within)
        return bench.failed(
            f"触发后 {within} 内没有收到 {bench.alarm.prop}", f"no report with {bench.alarm.prop} came within {within} of the stimulus",
        )  # fmt: skip
    yield from bench.calmed()
    return bench.passed(alarm)


def alarm_at_qos_1(bench: Bench) -> Procedure:
    alarm = yield from bench.raised()
    yield from bench.calmed()
    if alarm is None:
        return bench.no_alarm()
    if alarm.publish.qos == 0:
        return bench.failed("报警以 QoS 0 发送，丢失时无人知道", "the alarm was sent with QoS 0: nobody would know that it was lost", alarm)
    return bench.passed(alarm)


def alarm_not_retained(bench: Bench) -> Procedure:
    alarm = yield from bench.raised()
    yield from bench.calmed()
    if alarm is None:
        return bench.no_alarm()
    retained = [message for message in bench.trace.alarms(bench.mark) if message.publish.retain]
    if retained:
        return bench.failed(
            "报警带保留标志，会在以后被当作新的报警", "the alarm was retained, and would come again as if it were new", retained,
        )  # fmt: skip
    return bench.passed(alarm)


def alarm_on_its_channel(bench: Bench) -> Procedure:
    alarm = yield from bench.raised()
    yield from bench.calmed()
    if alarm is None:
        return bench.no_alarm()
    elsewhere = [message for message in bench.trace.alarms(bench.mark) if message.entry.channel is not Channel.ALARM]
    if elsewhere:
        return bench.failed(
            "声明使用 alarm 通道，报警却走了 report", "it states the channel alarm, and the alarm came on another", elsewhere,
        )  # fmt: skip
    return bench.passed(alarm)


def each_call_is_its_own(bench: Bench) -> Procedure:
    first = yield from bench.raised()
    yield from bench.calmed()
    yield from bench.sleep(MINUTE)
    if first is None:
        return bench.no_alarm()
    second = yield from bench.raised()
    yield from bench.calmed()
    if second is None or second.report.id == first.report.id:
        return bench.failed(
            "第二次报警没有作为新的报告上报", "the second alarm was not reported as one of its own", first, second or (),
        )  # fmt: skip
    return bench.passed(first, second)


# --- until somebody has it ---


def alarm_repeated_until_acknowledged(bench: Bench) -> Procedure:
    bench.turn("PUBACKs are held").acknowledge = False
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    if alarm.publish.qos == 0:
        return bench.named_elsewhere("A-03", alarm)
    limit = bench.features.alarm.acknowledged_within + bench.features.connection.reconnects_within
    again = yield from bench.until(lambda: bench.trace.alarms(alarm.number + 1, prop=bench.alarm.prop), limit)
    if not again and bench.trace.closed(alarm.number):
        return bench.named_elsewhere("A-07" if bench.trace.connects(alarm.number) else "C-08", alarm)
    if not again:
        return bench.failed(
            f"报警未被确认，{seconds(limit)} 内没有再次发送",
            f"the alarm was not acknowledged, and was not sent again within {seconds(limit)}", alarm,
        )  # fmt: skip
    third = yield from bench.until(lambda: bench.trace.alarms(again[0].number + 1, prop=bench.alarm.prop), limit)
    bench.release()
    yield from bench.calmed()
    if not third:
        return bench.failed("报警只重发了一次就放弃", "the alarm was sent again once, and then given up", alarm, again[:1])
    return bench.passed(alarm, again[:1], third[:1])


def alarm_id_is_stable(bench: Bench) -> Procedure:
    """Over each way in which the device says it again: without a PUBACK, and without a receipt where it waits for one."""
    how = bench.turn("PUBACKs are held, no receipt is sent")
    how.acknowledge = how.receipts = False
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    if alarm.publish.qos == 0:
        return bench.named_elsewhere("A-03", alarm)
    limit = bench.features.alarm.acknowledged_within + bench.features.connection.reconnects_within
    yield from bench.until(lambda: len(bench.trace.alarms(alarm.number, prop=bench.alarm.prop)) >= 3, 2 * limit)
    bench.release()
    if bench.features.alarm.repeat is Repeat.RECEIPT:
        yield from bench.until(partial(bench.trace.alarms, bench.trace.mark, prop=bench.alarm.prop), WATCHED)
        bench.tell(Stage.ACCEPTED)
    copies = bench.trace.alarms(alarm.number, prop=bench.alarm.prop)
    yield from bench.calmed()
    if len(copies) < 2:
        return bench.inconclusive("报警没有重发，无法判定", "the alarm was not sent again, so this could not be measured", copies)
    if len(ids(copies)) > 1:
        return bench.failed(
            f"同一报警重发时 id 不同：{'、'.join(ids(copies)[:3])}",
            f"one alarm came under several ids: {', '.join(ids(copies)[:3])}", copies,
        )  # fmt: skip
    changed = [copy for copy in copies if (copy.report.values, copy.report.at) != (alarm.report.values, alarm.report.at)]
    if changed:
        return bench.failed("同一 id 的报告内容前后不一致", "one id stood for reports that say different things", alarm, changed)
    return bench.passed(copies)


def alarm_survives_a_cut_before_its_acknowledgement(bench: Bench) -> Procedure:
    bench.on(is_alarm, Deal.CUT, "the connection is cut between the alarm's PUBLISH and its PUBACK")
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    if alarm.publish.qos == 0:
        return bench.named_elsewhere("A-03", alarm)
    limit = bench.features.alarm.acknowledged_within + bench.features.connection.reconnects_within
    again = yield from bench.until(lambda: bench.trace.alarms(alarm.number + 1, prop=bench.alarm.prop), limit)
    yield from bench.calmed()
    if not again and not bench.trace.connects(alarm.number):
        return bench.named_elsewhere("C-08", alarm)
    if not again:
        return bench.failed(
            f"连接在 PUBACK 之前中断，{seconds(limit)} 内报警没有再送",
            f"the connection broke before the PUBACK, and the alarm did not come again within {seconds(limit)}", alarm,
            bench.trace.opened(alarm.number),
        )  # fmt: skip
    return bench.passed(alarm, again[:1])


def alarm_not_doubled_by_a_cut(bench: Bench) -> Procedure:
    bench.on(is_alarm, Deal.CUT, "the connection is cut between the alarm's PUBLISH and its PUBACK")
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    if alarm.publish.qos == 0:
        return bench.named_elsewhere("A-03", alarm)
    limit = bench.features.alarm.acknowledged_within + bench.features.connection.reconnects_within
    yield from bench.until(lambda: bench.trace.alarms(alarm.number + 1, prop=bench.alarm.prop), limit)
    yield from bench.sleep(MINUTE)
    copies = bench.trace.alarms(alarm.number, prop=bench.alarm.prop)
    yield from bench.calmed()
    if len(copies) < 2:
        return bench.inconclusive(
            "中断后报警没有再送，无法判定", "the alarm did not come again after the cut, so this could not be measured", copies,
        )  # fmt: skip
    if len(ids(copies)) > 1:
        return bench.failed(
            f"一次报警在中断后成了 {len(ids(copies))} 个不同的报告",
            f"one alarm became {len(ids(copies))} different reports over the cut", copies,
        )  # fmt: skip
    return bench.passed(copies)


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


# --- what takes it back, what is none ---


def restore_follows(bench: Bench) -> Procedure:
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(MINUTE)
    since = yield from bench.calmed()
    prop, limit = bench.alarm.prop, bench.features.alarm.within
    over = yield from bench.until(lambda: bench.trace.messages(since, where=lambda r: r.values.get(prop) is False), limit)
    if not over:
        return bench.failed(
            f"危险消除后 {seconds(limit)} 内没有上报 {prop} 为 false",
            f"{prop} was not reported as false within {seconds(limit)} of its end", alarm,
        )  # fmt: skip
    if over[0].report.id == alarm.report.id:
        return bench.failed("恢复与报警使用了同一 id", "the end came under the id of the alarm, and would change nothing", alarm, over[:1])
    return bench.passed(alarm, over[:1])


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


def self_test_is_distinguishable(bench: Bench) -> Procedure:
    since = yield from bench.stimulate(Stimulus.SELF_TEST)
    limit = bench.features.alarm.within
    said = yield from bench.until(lambda: bench.trace.messages(since, where=lambda r: r.values.get("test") is True), limit)
    yield from bench.sleep(MINUTE)
    unmarked = bench.trace.alarms(since)
    if unmarked:
        return bench.failed("自检发出了未标明 test 的报警", "the self-test gave an alarm that is not marked as a test", unmarked)
    if not said:
        return bench.failed(
            f"自检后 {seconds(limit)} 内没有上报 test", f"no report with test came within {seconds(limit)} of the self-test",
        )  # fmt: skip
    return bench.passed(said[:1])


def alarm_behind_a_self_test(bench: Bench) -> Procedure:
    yield from bench.stimulate(Stimulus.SELF_TEST)
    yield from bench.sleep(SHORT)
    since = yield from bench.do(bench.alarm.deed)
    prop = bench.alarm.prop
    said = yield from bench.until(
        lambda: bench.trace.messages(since, where=lambda r: r.values.get(prop) is True), bench.features.alarm.within + MINUTE,
    )  # fmt: skip
    yield from bench.calmed()
    if not said:
        return bench.failed("自检之后的真实报警没有上报", "a real alarm behind a self-test was not reported")
    if not bench.trace.alarms(since, prop=prop):
        return bench.failed("自检之后的真实报警被标成了测试", "a real alarm behind a self-test was marked as a test", said)
    return bench.passed(said[:1])


# --- what the person is told ---


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
    bench.turn("PUBACKs are held, no receipt is sent").acknowledge = False
    bench.endpoint.behaviour.receipts = False
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(SHORT)
    for sign, zh in _SIGNS.items():
        if (yield from bench.sees(sign)):
            return bench.failed(
                f"平台尚未受理，设备已提示“{zh}”", f"nobody had taken the call, and the device showed {sign}", alarm,
            )  # fmt: skip
    bench.release()
    bench.tell(Stage.ACCEPTED)
    yield from bench.calmed()
    return bench.passed(alarm)


_SIGNS = {Sign.ACCEPTED: "已受理", Sign.SEEN: "已看到", Sign.HELPING: "正在救助"}
