"""A: alarm semantics. What happened is reported, once, in time, as what it is. What follows a call stands in `alarm_answer.py`."""

from functools import partial

from simulator.certification.behaviour import Deal
from simulator.certification.bench import Bench, Procedure
from simulator.certification.features import Repeat
from simulator.certification.procedures.parts import MINUTE, SHORT, WATCHED, firsts, ids, is_alarm, noticed, seconds
from simulator.certification.trace import ALARMS
from simulator.virtual.stimulus import Stimulus
from simulator.wire import Channel, Stage

_CALLING = ALARMS | {"cancel", "test"}
"""What may be said on the channel alarm, true or false."""


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


def nothing_else_on_the_alarm_channel(bench: Bench) -> Procedure:
    """A backlog of readings on it would stand before the calls for which it is there."""
    yield from noticed(bench)
    yield from bench.sleep(bench.heartbeat)
    here = [message for message in bench.trace.messages() if message.entry.channel is Channel.ALARM]
    stray = [message for message in here if not message.report.values.keys() & _CALLING]
    if stray:
        return bench.failed("alarm 通道上有普通读数", "readings came on the channel alarm, which is for calls and hazards", stray[:3])
    return bench.passed(bench.trace.messages()[:6])


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


def one_event_is_one_report(bench: Bench) -> Procedure:
    """With its PUBACK and its receipt at once, so that there is nothing to repeat."""
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(MINUTE)
    came = firsts(bench.trace.alarms(alarm.number, prop=bench.alarm.prop))
    yield from bench.calmed()
    if len(came) > 1:
        return bench.failed(f"一次触发上报了 {len(came)} 个报警", f"one stimulus gave {len(came)} reports", came)
    return bench.passed(alarm)


def alarm_stands_while_its_cause_does(bench: Bench) -> Procedure:
    alarm = yield from bench.raised()
    if alarm is None:
        return bench.no_alarm()
    yield from bench.sleep(2 * MINUTE)
    prop = bench.alarm.prop
    over = bench.trace.messages(alarm.number, where=lambda report: report.values.get(prop) is False)
    yield from bench.calmed()
    if over:
        return bench.failed(
            f"危险仍在，设备却上报 {prop} 为 false", f"its cause still stood, and {prop} was reported as false", alarm, over[:3],
        )  # fmt: skip
    return bench.passed(alarm)


def value_on_the_edge_is_one_event(bench: Bench) -> Procedure:
    """What it measures wavers by 2 % about the value at which it calls."""
    sense = bench.alarm
    since = bench.trace.mark
    for share in (1.02, 0.98) * 5:
        yield from bench.stimulate(sense.stimulus, sense.raise_at * share)
        yield from bench.sleep(SHORT)
    came = firsts(bench.trace.alarms(since, prop=sense.prop))
    yield from bench.calmed()
    if not came:
        return bench.no_alarm()
    if len(came) > 1:
        return bench.failed(
            f"数值在门限附近波动，报警 {len(came)} 次", f"its value wavered about the threshold, and it called {len(came)} times", came[:6],
        )  # fmt: skip
    return bench.passed(came)


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
    broken = [message.entry for message in bench.trace.messages(alarm.number + 1) if message.report.problems]
    broken += bench.trace.unreadable(alarm.number)
    yield from bench.calmed()
    if broken and not alarm.report.problems:
        return bench.failed("报警能读，重发的却读不了", "the alarm could be read, and its repetition cannot", alarm, broken)
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


def self_test_is_distinguishable(bench: Bench) -> Procedure:
    """By its own property alone: who reads a hazard beside it must not have to know what the word test means."""
    since = yield from bench.stimulate(Stimulus.SELF_TEST)
    limit = bench.features.alarm.within
    said = yield from bench.until(lambda: bench.trace.messages(since, where=lambda r: r.values.get("test") is True), limit)
    yield from bench.sleep(MINUTE)
    hazards = bench.trace.messages(since, where=lambda report: report.alarms)
    if hazards:
        return bench.failed("自检上报中带有求助或危险", "the self-test gave a report that says a call or a hazard", hazards)
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
