"""S: report and status semantics. What is said is true, in the contract's words, and is not lost."""

from collections.abc import Generator
from datetime import timedelta
from itertools import pairwise

from devices.mqtt.packets import Publish
from simulator.certification.behaviour import Deal
from simulator.certification.bench import Bench, Outcome, Procedure, Step
from simulator.certification.procedures.parts import MINUTE, beats, firsts, is_reading, noticed, seconds
from simulator.certification.trace import Message, Passed
from simulator.virtual.profile import Sense
from simulator.virtual.speech import OFFLINE
from simulator.virtual.stimulus import Stimulus
from simulator.wire import Channel

LAST_NUMBER = 0xFFFF
QUICK = timedelta(milliseconds=30)
"""For a report and its PUBACK, in virtual time."""
PLAUSIBLE: dict[str, tuple[float, float]] = {
    "heart_rate": (25, 220), "spo2": (50, 100), "respiration_rate": (4, 60), "body_temperature": (30, 43), "systolic": (50, 260),
    "diastolic": (20, 160), "temperature": (-40, 85), "humidity": (0, 100), "co": (0, 2000), "gas": (0, 100), "smoke_density": (0, 10),
    "illuminance": (0, 150_000), "battery": (0, 100), "link_quality": (0, 255), "rssi": (-150, 0), "speed": (0, 100),
    "latitude": (-90, 90), "longitude": (-180, 180),
}  # fmt: skip
"""Least and most. 0, 255 and -1 stand in many protocols for what could not be measured."""
OF_A_BODY = frozenset({"heart_rate", "spo2", "respiration_rate", "body_temperature", "systolic", "diastolic"})


def reports_are_sound(bench: Bench) -> Procedure:
    yield from noticed(bench)
    yield from bench.sleep(bench.heartbeat)
    bad = [entry for entry in bench.trace.unreadable() if entry.channel is not None]
    if bad:
        why = bad[0].said
        return bench.failed(f"有消息无法读取：{getattr(why, 'reason', '')}", f"a message cannot be read: {getattr(why, 'reason', '')}", bad)
    partly = [message for message in bench.trace.messages() if message.report.problems]
    if partly:
        why_not = partly[0].report.problems[0]
        return bench.failed(f"报告中有不合规的内容：{why_not}", f"something in a report is not as the contract has it: {why_not}", partly)
    return bench.passed(bench.trace.messages()[:6])


def readings_at_qos_1(bench: Bench) -> Procedure:
    readings = yield from _readings(bench)
    bad = [entry for entry in readings if _publish(entry).qos == 0]
    if not readings:
        return bench.inconclusive("没有收到普通报告，无法判定", "no reading came, so this could not be measured")
    if bad:
        return bench.failed("普通报告以 QoS 0 发送", "a report was sent with QoS 0", bad[:3])
    return bench.passed(readings[:3])


def readings_not_retained(bench: Bench) -> Procedure:
    readings = yield from _readings(bench)
    bad = [entry for entry in readings if _publish(entry).retain]
    if not readings:
        return bench.inconclusive("没有收到普通报告，无法判定", "no reading came, so this could not be measured")
    if bad:
        return bench.failed("普通报告带保留标志", "a report was retained", bad[:3])
    return bench.passed(readings[:3])


def what_it_notices_is_reported(bench: Bench) -> Procedure:
    return (yield from _begins_and_ends(bench, bench.event))


def tamper_is_reported(bench: Bench) -> Procedure:
    return (yield from _begins_and_ends(bench, _sense(bench, Stimulus.TAMPER)))


def loss_of_mains_is_reported(bench: Bench) -> Procedure:
    return (yield from _begins_and_ends(bench, _sense(bench, Stimulus.MAINS_LOST)))


def nothing_is_reported_that_is_not(bench: Bench) -> Procedure:
    since = bench.trace.mark
    yield from bench.sleep(bench.heartbeat * 3)
    false = [
        message
        for message in bench.trace.messages(since)
        if any(message.report.values.get(sense.prop) is True for sense in bench.profile.senses)
    ]
    if false:
        return bench.failed("没有任何触发，设备却报了事件", "nothing happened, and it reported that something did", false)
    return bench.passed(bench.trace.messages(since)[:3])


# --- status ---


def says_that_it_is_online(bench: Bench) -> Outcome:
    online = [entry for entry, status in bench.trace.statuses() if status.online]
    if not online:
        return bench.failed("连接后没有发布 online 状态", "no status online came after it connected", _connects(bench))
    return _retained(bench, online)


def says_that_it_is_online_again(bench: Bench) -> Procedure:
    if not any(status.online for _, status in bench.trace.statuses()):
        return bench.named_elsewhere("S-08")
    since = bench.trace.mark
    bench.cut()
    if (yield from bench.reconnected(since)) is None:
        return bench.no_line()
    yield from bench.until(lambda: [s for _, s in bench.trace.statuses(since) if s.online], MINUTE)
    online = [entry for entry, status in bench.trace.statuses(since) if status.online]
    if not online:
        return bench.failed(
            "重连后没有重新发布 online，平台会一直认为它离线",
            "it did not say online again after its will had said offline: it would be taken for dead", bench.trace.closed(since)[:1],
        )  # fmt: skip
    return bench.passed(bench.trace.closed(since)[:1], online[:1])


def has_a_will(bench: Bench) -> Outcome:
    assert bench.connect is not None
    entry, said = bench.connect
    will = said.will
    if will is None:
        return bench.failed("CONNECT 没有遗嘱，断线无人知道", "its CONNECT has no will: nobody is told when its line breaks", entry)
    if will.topic != bench.endpoint.identity.topic(Channel.STATUS) or b'"offline"' not in will.payload.replace(b" ", b""):
        return bench.failed("遗嘱不是自己 status 上的 offline", f"its will is not offline on its own status ({OFFLINE.decode()})", entry)
    if not will.retain or will.qos == 0:
        return bench.failed("遗嘱没有以 QoS 1 保留", "its will is not retained with QoS 1", entry)
    return bench.passed(entry)


# --- nothing is lost ---


def reading_survives_a_cut_before_its_acknowledgement(bench: Bench) -> Procedure:
    since = bench.trace.mark
    bench.on(is_reading, Deal.CUT, "the connection is cut between a reading's PUBLISH and its PUBACK")
    first = yield from bench.until(lambda: bench.trace.messages(since), bench.heartbeat * 1.2)
    if not first:
        return bench.inconclusive("没有收到普通报告，无法判定", "no reading came, so this could not be measured")
    report_id = first[0].report.id
    if first[0].publish.qos == 0:
        return bench.named_elsewhere("S-02", first[:1])
    limit = bench.features.connection.reconnects_within + MINUTE
    again = yield from bench.until(lambda: bench.trace.with_id(report_id, first[0].number + 1), limit)
    if not again and not bench.trace.connects(first[0].number):
        return bench.named_elsewhere("C-08", first[:1])
    if not again:
        return bench.failed("未被确认的读数在中断后丢失", "a reading that was not acknowledged did not come again after the cut", first[:1])
    return bench.passed(first[:1], again[:1])


def readings_of_an_outage_arrive(bench: Bench) -> Procedure:
    if not (yield from beats(bench)):
        return bench.named_elsewhere("H-01")
    came, since = yield from _outage(bench)
    if not bench.trace.connects(since):
        return bench.named_elsewhere("C-08, F-14", bench.trace.closed(bench.mark))
    if len(came) < min(2, bench.features.store):
        return bench.failed(
            f"断网期间的读数只到了 {len(came)} 条", f"of the readings of an outage {len(came)} came after it", bench.trace.opened(since),
        )  # fmt: skip
    return bench.passed(came[:6])


def readings_of_an_outage_come_in_order(bench: Bench) -> Procedure:
    came, _ = yield from _outage(bench)
    stamped = [message for message in came if message.report.at]
    if len(stamped) < 2:
        return bench.inconclusive(
            "断网期间的读数不足，无法判定", "too few readings of the outage came, so this could not be measured", came,
        )  # fmt: skip
    for earlier, later in pairwise(stamped):
        if later.report.at < earlier.report.at:
            return bench.failed("积存的读数没有从最早的开始送", "stored readings did not come oldest first", earlier, later)
    return bench.passed(stamped[:6])


def readings_go_on_after_a_lost_acknowledgement(bench: Bench) -> Procedure:
    """The one whose PUBACK was lost may come again; others must come."""
    since = bench.trace.mark
    bench.on(is_reading, Deal.CUT, "the connection is cut between a reading's PUBLISH and its PUBACK")
    first = yield from bench.until(lambda: bench.trace.messages(since), bench.heartbeat * 1.2)
    if not first:
        return bench.named_elsewhere("H-01")
    if first[0].publish.qos == 0:
        return bench.named_elsewhere("S-02", first[:1])
    if (yield from bench.reconnected(first[0].number)) is None:
        return bench.named_elsewhere("C-08", first[:1])
    yield from bench.settled()
    here, known = bench.trace.mark, first[0].report.id
    others = yield from bench.until(lambda: bench.trace.messages(here, where=lambda report: report.id != known), bench.heartbeat)
    if not others:
        return bench.failed(
            "丢失一个确认后不再有读数", "one PUBACK was lost in a cut, and no reading came any more", first[:1], bench.trace.opened(here),
        )  # fmt: skip
    return bench.passed(first[:1], others[:1])


def stated_store_is_there(bench: Bench) -> Procedure:
    """An outage in which more readings come about than it states to keep."""
    store = bench.features.store
    bench.vanish()
    since = bench.trace.mark
    yield from bench.sleep(bench.heartbeat * (store + 2))
    bench.come_back()
    yield from bench.reconnected(since)
    if not bench.trace.connects(since):
        return bench.named_elsewhere("F-14", bench.trace.closed(bench.mark))
    yield from bench.until(lambda: len(bench.trace.messages(since)) >= store, 5 * MINUTE)
    came = firsts(bench.trace.messages(since))
    if len(came) < store:
        return bench.failed(
            f"声明保存 {store} 条读数，断网后只到了 {len(came)} 条",
            f"it states that it keeps {store} readings, and {len(came)} came after an outage", came[:3],
        )  # fmt: skip
    return bench.passed(came[:3])


def packet_numbers_begin_anew(bench: Bench) -> Procedure:
    """MQTT numbers messages to 65,535 and then from 1 again. What is no alarm is made to begin and end so often."""
    sense = next((one for one in bench.profile.senses if not one.alarm), bench.event)
    since = bench.trace.mark
    for _ in range(LAST_NUMBER // 2 + 50):
        yield from bench.do(sense.deed)
        yield from bench.sleep(QUICK)
        yield from bench.do(sense.undoing or sense.deed)
        yield from bench.sleep(QUICK)
    here = yield from bench.do(sense.deed)
    said = yield from bench.until(lambda: bench.trace.messages(here, where=lambda r: r.values.get(sense.prop) is True), MINUTE)
    yield from bench.do(sense.undoing or sense.deed)
    count = len(bench.trace.messages(since))
    if count < LAST_NUMBER // 2:
        return bench.inconclusive("设备没有逐一上报，无法判定", f"it reported {count} times alone, so this could not be measured")
    if not said:
        return bench.failed(f"发送 {count} 条之后不再上报", f"after {count} reports it said nothing more", bench.trace.messages(since)[-3:])
    return bench.passed(said[:1])


# --- what values say ---


def values_are_plausible(bench: Bench) -> Procedure:
    """Of a living body and of a room, in the contract's units. What could not be measured is left out."""
    yield from bench.sleep(bench.heartbeat)
    said = bench.trace.messages()
    for message in said:
        for name, value in message.report.values.items():
            least, most = PLAUSIBLE.get(name, (value, value))
            if not least <= value <= most:
                return bench.failed(
                    f"{name} 为 {value:g}，不在 {least:g} 至 {most:g} 之间",
                    f"{name} was {value:g}, which is not within {least:g} and {most:g}", message,
                )  # fmt: skip
    return bench.passed(said[:3])


def no_vitals_of_nobody(bench: Bench) -> Procedure:
    yield from bench.stimulate(Stimulus.WORN, 0)
    yield from bench.sleep(MINUTE)
    here = bench.trace.mark
    yield from bench.sleep(bench.heartbeat)
    said = bench.trace.messages(here, where=lambda report: report.values.keys() & OF_A_BODY)
    yield from bench.stimulate(Stimulus.WORN, 1)
    if said:
        return bench.failed("已摘下仍上报生命体征", "nobody wore it, and it reported what only a body has", said[:3])
    return bench.passed(bench.trace.messages(here)[:1])


# --- parts ---


def _readings(bench: Bench) -> Generator[Step, object, list[Passed]]:
    yield from bench.sleep(bench.heartbeat)
    return [entry for entry in bench.trace.passed(Publish) if is_reading(entry)]


def _publish(entry: Passed) -> Publish:
    assert isinstance(entry.packet, Publish)
    return entry.packet


def _outage(bench: Bench) -> Generator[Step, object, tuple[list[Message], int]]:
    bench.vanish()
    since = bench.trace.mark
    yield from bench.sleep(bench.heartbeat * 3)
    bench.come_back()
    yield from bench.reconnected(since)
    yield from bench.settled()
    return [message for message in firsts(bench.trace.messages(since)) if not message.report.is_alarm], since


def _begins_and_ends(bench: Bench, sense: Sense) -> Procedure:
    prop, limit = sense.prop, bench.features.alarm.within
    since = yield from bench.do(sense.deed)
    began = yield from bench.until(lambda: bench.trace.messages(since, where=lambda r: r.values.get(prop) is True), limit)
    yield from bench.sleep(MINUTE)
    if not began:
        if sense.undoing is not None:
            yield from bench.do(sense.undoing)
        return bench.failed(f"{seconds(limit)} 内没有上报 {prop} 为 true", f"{prop} was not reported as true within {seconds(limit)}")
    if sense.undoing is None:
        return bench.passed(began[:1])
    since = yield from bench.do(sense.undoing)
    ended = yield from bench.until(lambda: bench.trace.messages(since, where=lambda r: r.values.get(prop) is False), limit)
    if not ended:
        return bench.failed(
            f"{seconds(limit)} 内没有上报 {prop} 为 false",
            f"{prop} was not reported as false within {seconds(limit)} of its end", began[:1],
        )  # fmt: skip
    return bench.passed(began[:1], ended[:1])


def _sense(bench: Bench, stimulus: Stimulus) -> Sense:
    return next(sense for sense in bench.profile.senses if sense.stimulus is stimulus)


def _connects(bench: Bench) -> list[Passed]:
    return [entry for entry, _ in bench.trace.connects()]


def _retained(bench: Bench, online: list[Passed]) -> Outcome:
    bad = [entry for entry in online if not _publish(entry).retain or _publish(entry).qos == 0]
    if bad:
        return bench.failed("online 状态没有以 QoS 1 保留", "its status online is not retained with QoS 1", bad)
    return bench.passed(online[:1])
