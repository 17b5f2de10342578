"""A rule in words that a nurse reads: what it waits for, in Chinese and English; and what would end its alert."""

from alerting import wording
from alerting.area_rules import AreaOutage, Dark, Grouping
from alerting.detection import Index
from alerting.home_rules import HomeRule
from alerting.rules import LowBattery, Rule, Ruleset, Silence, Threshold, Trigger
from alerting.standing import clears
from alerting.terms import Sentence
from devices.catalog import Kind
from devices.observation import UNITS, Property
from gateway.rules.words_over_time import over_again, over_time

_ZH = {
    Property.SOS: "紧急呼叫", Property.PULL_CORD: "拉绳被拉", Property.SMOKE: "烟雾", Property.HEAT_ALARM: "高温",
    Property.CO_ALARM: "一氧化碳报警", Property.GAS_ALARM: "燃气泄漏", Property.WATER_LEAK: "漏水", Property.FALL: "跌倒",
    Property.OCCUPANCY: "有人活动", Property.CONTACT_OPEN: "门开", Property.BED_OCCUPIED: "在床", Property.TAMPER: "被拆动",
    Property.MAINS_LOST: "市电中断", Property.BATTERY_LOW: "电量低", Property.FAULT: "故障", Property.TEST: "自检",
    Property.CANCEL: "取消", Property.CHECKED_IN: "报平安", Property.MEDICATION_TAKEN: "已服药", Property.VIBRATION: "振动",
    Property.HEART_RATE: "心率", Property.SPO2: "血氧", Property.RESPIRATION_RATE: "呼吸频率",
    Property.BODY_TEMPERATURE: "体温", Property.SYSTOLIC: "收缩压", Property.DIASTOLIC: "舒张压", Property.STEPS: "步数",
    Property.LATITUDE: "纬度", Property.LONGITUDE: "经度", Property.TEMPERATURE: "室温", Property.HUMIDITY: "湿度",
    Property.CO: "一氧化碳浓度", Property.GAS: "燃气浓度", Property.SMOKE_DENSITY: "烟雾浓度", Property.WATER_USED: "用水量",
    Property.ENERGY_USED: "用电量", Property.ILLUMINANCE: "照度", Property.BATTERY: "电量", Property.LINK_QUALITY: "链路质量",
    Property.RSSI: "信号强度", Property.SPEED: "速度",
}  # fmt: skip

_KNOWN_AS = {
    "home": Sentence("住户", "the home"), "device": Sentence("设备", "device"), "area": Sentence("某片区", "an area"),
    "count": Sentence("若干", "some"),
}  # fmt: skip
_LEFT_OUT = frozenset({"room", "of_room", "in_room", "unit", "level"})
_UNKNOWN = {field: wording.same("" if field in _LEFT_OUT else "…") for field in wording.FIELDS} | _KNOWN_AS

_ANY = _UNKNOWN | {
    "area": Sentence("片区", "an area"), "count": Sentence("多", "several"),
    "score": Sentence("若干", "n"),
}  # fmt: skip
"""For a title, which nobody reads with gaps in it."""


def in_words(rule: Rule, ruleset: Ruleset) -> Sentence:
    """What it waits for. `ruleset`: the rules that it stands among."""
    said = _raises(rule, ruleset)
    if rule.alerts:
        return said
    return Sentence(said.zh.replace("报警", "提示"), said.en.replace("raises", "tells the home", 1))


def titled(rule: Rule) -> Sentence:
    """What it is called, whatever the home."""
    known = dict(_ANY)
    if isinstance(rule, AreaOutage):
        known["group"] = Sentence("同一", "one carrier") if rule.by is Grouping.CARRIER else Sentence("同一楼栋", "one building")
    title = wording.render(rule.title, known)
    return _begun(Sentence(title.zh.replace(" 多 户", "多户").replace("多 户", "多户"), title.en))


def says(rule: Rule) -> Sentence:
    """The sentence of its alerts, with `…` for what only an alert knows."""
    return _begun(wording.render(rule.reason, _UNKNOWN))


def ends(rule: Rule, ruleset: Ruleset) -> Sentence:
    """What would clear its alert."""
    return over_again(rule) if isinstance(rule, HomeRule) else clears(rule, Index(ruleset))


def _begun(said: Sentence) -> Sentence:
    """With a capital, whatever stands for the name that it began with."""
    return Sentence(said.zh, said.en[:1].upper() + said.en[1:])


def _raises(rule: Rule, ruleset: Ruleset) -> Sentence:
    match rule:
        case Trigger(properties=properties):
            return Sentence(
                f"设备报告{'或'.join(map(_zh, properties))}，立即报警", f"raises as soon as a device says {_listed(properties)}",
            )  # fmt: skip
        case Threshold():
            return _threshold(rule)
        case Silence():
            kinds = _kinds(rule.kinds)
            grace, offline = wording.duration(rule.grace), wording.duration(rule.offline_grace)
            return Sentence(
                f"{kinds.zh}超过心跳时间 × {rule.factor:g} 又 {grace.zh}没有消息，或离线 {offline.zh}，即报警",
                f"raises when {kinds.en} is not heard for its heartbeat x {rule.factor:g} and {grace.en}, or is offline for {offline.en}",
            )
        case LowBattery():
            return Sentence(f"电量低于或等于 {rule.at_most:g}% 或设备报告电量低即报警",
                            f"raises at a battery of {rule.at_most:g}% or less, or when the device says it is low")  # fmt: skip
        case AreaOutage():
            return _outage(rule)
        case _:
            return over_time(rule, {other.id: titled(other) for other in ruleset.rules})


def _outage(rule: AreaOutage) -> Sentence:
    dark_zh, dark_en = ("失联", "fall silent") if rule.dark is Dark.SILENT else ("断电", "lose mains")
    among_zh, among_en = {
        Grouping.AREA: ("同一片区", "of one area"), Grouping.CARRIER: ("同一运营商", "on one carrier"),
        Grouping.BUILDING: ("同一楼栋", "of one building"),
    }[rule.by]  # fmt: skip
    window, held, share = wording.duration(rule.window), wording.duration(rule.hold), f"{100 * rule.share:g}"
    return Sentence(
        f"{among_zh}的住户在 {window.zh}内有 {rule.at_least} 户以上且达到 {share}% {dark_zh}，持续 {held.zh}即报警",
        f"raises when {rule.at_least} homes {among_en}, and {share} % of them, {dark_en} within {window.en} and stay so for {held.en}",
    )


def _threshold(rule: Threshold) -> Sentence:
    name, unit = rule.property, UNITS.get(rule.property, "")
    limit = rule.at_least if rule.at_least is not None else rule.at_most
    zh, en = ("达到或超过", "at or over") if rule.at_least is not None else ("达到或低于", "at or under")
    held = wording.duration(rule.hold)
    for_zh, for_en = (f"，持续 {held.zh}", f" for {held.en}") if rule.hold else ("，立刻", ", at once")
    return Sentence(f"{_zh(name)}{zh} {limit:g} {unit}{for_zh}即报警", f"raises when {_en(name)} is {en} {limit:g} {unit}{for_en}")


def _kinds(kinds: tuple[Kind, ...]) -> Sentence:
    each = [wording.device(kind, "") for kind in kinds]
    return Sentence("或".join(one.zh for one in each) or "设备", " or ".join(f"a {one.en}" for one in each) or "any device")


def _zh(property_: Property) -> str:
    return _ZH.get(property_, property_.value)


def _en(property_: Property) -> str:
    return property_.value.replace("_", " ")


def _listed(properties: tuple[Property, ...]) -> str:
    return " or ".join(map(_en, properties))
