"""What rules look for, in words: the phrases that explain a rule to people."""

from alerting import wording
from alerting.home_rules import Pattern
from alerting.terms import Sentence
from devices.observation import UNITS, Property

_BOOLEANS = {
    Property.SOS: ("求助键按下", "an emergency button pressed", "求助键未按", "no emergency button pressed"),
    Property.PULL_CORD: ("拉绳拉下", "a cord pulled", "拉绳复位", "the cord reset"),
    Property.SMOKE: ("烟雾报警", "a smoke alarm", "烟雾消散", "no more smoke"),
    Property.HEAT_ALARM: ("感温报警", "a heat alarm", "温度正常", "no more heat"),
    Property.CO_ALARM: ("一氧化碳报警", "a carbon monoxide alarm", "一氧化碳正常", "no more carbon monoxide"),
    Property.GAS_ALARM: ("燃气报警", "a gas alarm", "燃气正常", "no more gas"),
    Property.WATER_LEAK: ("漏水", "water on the floor", "不再漏水", "the floor dry"),
    Property.FALL: ("跌倒", "a fall", "不再报告跌倒", "no fall reported any more"),
    Property.OCCUPANCY: ("有人活动", "somebody moving", "无人活动", "nobody moving"),
    Property.CONTACT_OPEN: ("门窗打开", "a door or window opened", "门窗关闭", "the door or window shut"),
    Property.BED_OCCUPIED: ("有人在床", "somebody in bed", "离床", "the bed left"),
    Property.TAMPER: ("设备被拆动", "a device tampered with", "设备复位", "the device put back"),
    Property.MAINS_LOST: ("市电中断", "mains power lost", "市电恢复", "mains power back"),
    Property.BATTERY_LOW: ("电量低", "a battery low", "电量正常", "the battery well again"),
    Property.FAULT: ("设备故障", "a device faulty", "设备恢复正常", "the device well again"),
    Property.TEST: ("设备自检", "a self-test", "自检结束", "the self-test over"),
    Property.CANCEL: ("取消求助", "a call taken back", "未取消求助", "no call taken back"),
    Property.CHECKED_IN: ("报平安", "a check-in", "未报平安", "no check-in"),
    Property.MEDICATION_TAKEN: ("已服药", "medicine taken", "未服药", "no medicine taken"),
    Property.VIBRATION: ("震动", "vibration", "震动停止", "no more vibration"),
}

_NUMBERS = {
    Property.HEART_RATE: ("心率", "the heart rate"),
    Property.SPO2: ("血氧", "blood oxygen"),
    Property.RESPIRATION_RATE: ("呼吸", "respiration"),
    Property.BODY_TEMPERATURE: ("体温", "body temperature"),
    Property.SYSTOLIC: ("收缩压", "systolic pressure"),
    Property.DIASTOLIC: ("舒张压", "diastolic pressure"),
    Property.STEPS: ("步数", "the count of steps"),
    Property.LATITUDE: ("纬度", "the latitude"),
    Property.LONGITUDE: ("经度", "the longitude"),
    Property.TEMPERATURE: ("温度", "the temperature"),
    Property.HUMIDITY: ("湿度", "the humidity"),
    Property.CO: ("一氧化碳浓度", "carbon monoxide"),
    Property.GAS: ("燃气浓度", "gas"),
    Property.SMOKE_DENSITY: ("烟雾浓度", "smoke density"),
    Property.WATER_USED: ("水表读数", "the water meter"),
    Property.ENERGY_USED: ("电表读数", "the electricity meter"),
    Property.ILLUMINANCE: ("照度", "the light"),
    Property.BATTERY: ("电量", "the battery"),
    Property.LINK_QUALITY: ("链路质量", "the quality of the link"),
    Property.RSSI: ("信号强度", "the strength of the signal"),
    Property.SPEED: ("速度", "the speed"),
}


def name(property_: Property) -> Sentence:
    """A number's name, or what a boolean says when it is true."""
    if property_ in UNITS:
        return Sentence(*_NUMBERS[property_])
    return Sentence(*_BOOLEANS[property_][:2])


def measured(property_: Property, value: float) -> Sentence:
    """A number with its name and unit."""
    words, reading = name(property_), wording.reading(property_, value)
    return Sentence(f"{words.zh} {reading['value'].zh}{reading['unit'].zh}", f"{words.en} {reading['value'].en}{reading['unit'].en}")


def pattern(of: Pattern) -> Sentence:
    """What a rule looks for: 卧室门窗打开 / a door or window opened in bedroom."""
    rooms_zh, rooms_en = "、".join(of.rooms), f" in {' or '.join(of.rooms)}" if of.rooms else ""
    if of.property in UNITS:
        said = name(of.property)
        for limit, zh, en in ((of.at_least, "不低于", "at or over"), (of.at_most, "不高于", "at or under")):
            if limit is not None:
                value = wording.reading(of.property, limit)
                number, unit = value["value"], value["unit"]
                said = Sentence(f"{said.zh}{zh} {number.zh}{unit.zh}", f"{said.en} {en} {number.en}{unit.en}")
    elif of.is_ is None:
        true_zh, true_en, false_zh, false_en = _BOOLEANS[of.property]
        said = Sentence(f"{true_zh}或{false_zh}", f"{true_en} or {false_en}")
    else:
        words = _BOOLEANS[of.property]
        said = Sentence(*(words[:2] if of.is_ else words[2:]))
    return Sentence(f"{rooms_zh}{said.zh}", f"{said.en}{rooms_en}")


def any_of(patterns: tuple[Pattern, ...]) -> Sentence:
    """One of several."""
    each = [pattern(one) for one in patterns]
    return Sentence("或".join(one.zh for one in each), " or ".join(one.en for one in each))
