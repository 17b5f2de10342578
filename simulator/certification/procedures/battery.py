"""B: battery and end of life."""

from datetime import timedelta
from itertools import pairwise

from simulator.certification.behaviour import Deal
from simulator.certification.bench import Bench, Procedure
from simulator.certification.procedures.parts import MINUTE, SHORT, beats, firsts, is_alarm, seconds
from simulator.certification.trace import Message
from simulator.virtual.stimulus import Sign, Stimulus

ABOVE = 0.05
"""% above the low mark, from where a battery is left to fall by itself."""
OFF_BY = 5.0
"""%"""
BROWN_OUTS = 3
SOAK = timedelta(days=2)


def low_battery_is_reported(bench: Bench) -> Procedure:
    level = bench.features.battery_low_at
    since = yield from bench.stimulate(Stimulus.BATTERY, max(1.0, level - 3))
    said = yield from bench.until(
        lambda: bench.trace.messages(since, where=lambda r: r.values.get("battery_low") is True), bench.heartbeat + MINUTE,
    )  # fmt: skip
    yield from bench.stimulate(Stimulus.BATTERY, 100)
    if not said:
        return bench.failed(
            f"电量低于声明的 {level:g} % 后没有上报 battery_low", f"battery_low was not reported below the {level:g} % that it states",
            bench.trace.messages(since)[:3],
        )  # fmt: skip
    return bench.passed(said[:1])


def low_battery_is_reported_in_time(bench: Bench) -> Procedure:
    """It falls by itself, as it does in a home: nobody takes a battery out and puts another in."""
    since = yield from bench.stimulate(Stimulus.BATTERY, bench.features.battery_low_at + ABOVE)
    falls = timedelta(days=bench.profile.battery_days) * ABOVE / 100
    said = yield from bench.until(lambda: _low(bench, since), falls + bench.heartbeat + MINUTE)
    if not said:
        control = yield from bench.stimulate(Stimulus.BATTERY, max(1.0, bench.features.battery_low_at - 3))
        told = yield from bench.until(lambda: _low(bench, control), bench.heartbeat + MINUTE)
        yield from bench.stimulate(Stimulus.BATTERY, 100)
        if not told:
            return bench.named_elsewhere("B-01")
        return bench.failed("电量自然降到限值以下，没有及时上报", "its charge fell below the mark, and it did not say so", told[:1])
    yield from bench.stimulate(Stimulus.BATTERY, 100)
    return bench.passed(said[:1])


def low_battery_is_reported_once(bench: Bench) -> Procedure:
    level = bench.features.battery_low_at
    since = bench.trace.mark
    for amount in (level - 1, level + 1) * 5:
        yield from bench.stimulate(Stimulus.BATTERY, amount)
        yield from bench.sleep(SHORT)
    yield from bench.sleep(bench.heartbeat * 2)
    said = firsts(bench.trace.messages(since, where=lambda r: "battery_low" in r.values))
    yield from bench.stimulate(Stimulus.BATTERY, 100)
    if not said:
        return bench.named_elsewhere("B-01")
    if len(said) > 2:
        return bench.failed(
            f"电量在限值上下波动，上报了 {len(said)} 次", f"its charge wavered about the mark, and it said so {len(said)} times", said[:6],
        )  # fmt: skip
    return bench.passed(said)


def charge_is_the_charge(bench: Bench) -> Procedure:
    shown = []
    for amount in (90.0, 60.0, 35.0):
        since = yield from bench.stimulate(Stimulus.BATTERY, amount)
        yield from bench.sleep(bench.heartbeat)
        said = bench.trace.messages(since, where=lambda r: "battery" in r.values)
        if not said:
            return bench.inconclusive("报告不带电量，无法判定", "no report says its charge, so this could not be measured")
        falls = bench.heartbeat / timedelta(days=bench.profile.battery_days) * 100 if bench.profile.battery_days else 0.0
        if abs(float(said[-1].report.values["battery"]) - amount) > OFF_BY + falls:
            return bench.failed(f"电量约 {amount:g} %，报告的却不是", f"its charge was {amount:g} %, and it said another", said[-1:])
        shown += said[-1:]
    yield from bench.stimulate(Stimulus.BATTERY, 100)
    return bench.passed(shown)


def alarm_with_a_low_battery(bench: Bench) -> Procedure:
    yield from bench.stimulate(Stimulus.BATTERY, 5)
    yield from bench.sleep(MINUTE)
    alarm = yield from bench.raised()
    yield from bench.calmed()
    yield from bench.stimulate(Stimulus.BATTERY, 100)
    if alarm is None:
        yield from bench.sleep(MINUTE)
        control = yield from bench.raised()
        yield from bench.calmed()
        if control is None:
            return bench.named_elsewhere("A-01")
        return bench.failed("电量低时报警没有送达", "with a low battery the alarm did not come, and with a good one it did", control)
    return bench.passed(alarm)


def alarm_over_brown_outs(bench: Bench) -> Procedure:
    """A weak battery falls with every transmission: the power goes when the alarm is sent."""
    yield from bench.stimulate(Stimulus.BATTERY, 3)
    bench.on(is_alarm, Deal.CUT, "the battery gives way when the alarm is sent", BROWN_OUTS)
    since = yield from bench.do(bench.alarm.deed)
    sent: list[Message] = []
    limit = bench.features.connection.reconnects_within + MINUTE
    for _ in range(BROWN_OUTS + 1):
        here = bench.trace.mark if sent else since
        came = yield from bench.until(lambda mark=here: bench.trace.alarms(mark, prop=bench.alarm.prop), limit)  # type: ignore[misc]
        if not came:
            break
        sent += came[:1]
        if len(sent) <= BROWN_OUTS:
            yield from bench.stimulate(Stimulus.POWER, 0)
            yield from bench.sleep(SHORT)
            yield from bench.stimulate(Stimulus.POWER, 1)
    bench.endpoint.behaviour.rules.clear()
    yield from bench.stimulate(Stimulus.BATTERY, 100)
    yield from bench.calmed()
    if not sent:
        return bench.no_alarm()
    if len(sent) < 2:
        return bench.named_elsewhere("A-13", sent)
    if len(sent) <= BROWN_OUTS:
        return bench.failed(f"电压跌落 {len(sent)} 次后报警丢失", f"after {len(sent)} brown-outs the alarm was gone", sent)
    return bench.passed(sent)


def new_battery_is_good(bench: Bench) -> Procedure:
    since = yield from bench.stimulate(Stimulus.BATTERY, max(1.0, bench.features.battery_low_at - 3))
    low = yield from bench.until(lambda: _low(bench, since), bench.heartbeat + MINUTE)
    if not low:
        return bench.named_elsewhere("B-01")
    yield from bench.stimulate(Stimulus.POWER, 0)
    yield from bench.sleep(SHORT)
    yield from bench.stimulate(Stimulus.BATTERY, 100)
    here = yield from bench.stimulate(Stimulus.POWER, 1)
    good = yield from bench.until(
        lambda: bench.trace.messages(here, where=lambda r: r.values.get("battery_low") is False), bench.heartbeat + 2 * MINUTE,
    )  # fmt: skip
    if not good:
        return bench.failed("换电池后没有上报 battery_low 为 false", "the battery was new, and battery_low was not taken back", low[:1])
    return bench.passed(low[:1], good[:1])


def low_battery_of_an_outage_is_reported(bench: Bench) -> Procedure:
    bench.vanish()
    yield from bench.sleep(SHORT)
    since = yield from bench.stimulate(Stimulus.BATTERY, max(1.0, bench.features.battery_low_at - 3))
    yield from bench.sleep(2 * MINUTE)
    bench.come_back()
    said = yield from bench.until(lambda: _low(bench, since), bench.features.connection.reconnects_within + bench.heartbeat + MINUTE)
    yield from bench.stimulate(Stimulus.BATTERY, 100)
    if not said and not bench.trace.connects(since):
        return bench.named_elsewhere("C-08, F-14", bench.trace.closed(bench.mark))
    if not said:
        return bench.failed("断网期间电量变低，恢复后没有上报", "its battery became low in an outage, and it never said so")
    return bench.passed(said[:1])


def low_battery_is_shown(bench: Bench) -> Procedure:
    yield from bench.stimulate(Stimulus.BATTERY, max(1.0, bench.features.battery_low_at - 3))
    yield from bench.sleep(bench.heartbeat)
    shown = yield from bench.sees(Sign.BATTERY_LOW)
    yield from bench.stimulate(Stimulus.BATTERY, 100)
    if not shown:
        return bench.failed("电量低时设备本身没有提示", "its battery was low, and it did not show it", bench.trace.entries[-1:])
    return bench.passed(bench.trace.entries[-1:])


def charge_is_said(bench: Bench) -> Procedure:
    yield from bench.sleep(bench.heartbeat)
    said = bench.trace.messages()
    if not said:
        return bench.named_elsewhere("H-01")
    charges = [message for message in said if "battery" in message.report.values]
    if not charges:
        return bench.failed("一个心跳周期内没有上报电量", "in one heartbeat no report said its charge", said[:3])
    return bench.passed(charges[:1])


def heard_with_a_low_battery(bench: Bench) -> Procedure:
    if not (yield from beats(bench)):
        return bench.named_elsewhere("H-01")
    since = yield from bench.stimulate(Stimulus.BATTERY, max(1.0, bench.features.battery_low_at - 3))
    began = bench.now
    yield from bench.sleep(bench.heartbeat * 3)
    said = bench.trace.messages(since)
    moments = [began, *(message.at for message in said), bench.now]
    longest = max(later - earlier for earlier, later in pairwise(moments))
    yield from bench.stimulate(Stimulus.BATTERY, 100)
    if longest > bench.heartbeat + bench.patience:
        return bench.failed(
            f"电量低时沉默了 {seconds(longest)}", f"with a low battery it was silent for {seconds(longest)}", said[-2:],
        )  # fmt: skip
    return bench.passed(said[:3])


def holds_out(bench: Bench) -> Procedure:
    """Two days, or half of a shorter life, at rest: heard within its promise, and no emptier than its declared life makes it."""
    if not (yield from beats(bench)):
        return bench.named_elsewhere("H-01")
    life = timedelta(days=bench.profile.battery_days)
    span = min(SOAK, life / 2)
    yield from bench.stimulate(Stimulus.BATTERY, 100)
    since, began = bench.trace.mark, bench.now
    yield from bench.sleep(span)
    said = bench.trace.messages(since)
    moments = [began, *(message.at for message in said), bench.now]
    longest = max(later - earlier for earlier, later in pairwise(moments))
    if longest > bench.heartbeat + bench.patience:
        return bench.failed(
            f"长时间运行中沉默了 {seconds(longest)}", f"in the long run it was silent for {seconds(longest)}", said[-1:],
        )  # fmt: skip
    charges = [message for message in said if "battery" in message.report.values]
    if charges and float(charges[-1].report.values["battery"]) < 100 - span / life * 100 - OFF_BY:
        return bench.failed("电量下降快于声明的寿命", "its charge falls faster than the life that it states", charges[:1], charges[-1:])
    return bench.passed(said[:1], said[-1:])


def _low(bench: Bench, since: int) -> list[Message]:
    return bench.trace.messages(since, where=lambda r: r.values.get("battery_low") is True)
