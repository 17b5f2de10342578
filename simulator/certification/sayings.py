"""What a person at a device is asked to do or to look for, in both languages."""

from simulator.scenario import Bilingual
from simulator.virtual.profile import PROFILES
from simulator.virtual.stimulus import Deed, Sign, Stimulus

DEEDS: dict[Stimulus, tuple[Bilingual, Bilingual]] = {
    Stimulus.PRESS: (Bilingual("拉一下拉绳或按下按钮", "pull the cord or press the button"), Bilingual("松开或复位", "let go or reset it")),
    Stimulus.CANCEL: (Bilingual("取消呼叫", "cancel the call"), Bilingual("", "")),
    Stimulus.SELF_TEST: (Bilingual("按自检按钮", "press the self-test button"), Bilingual("", "")),
    Stimulus.SMOKE: (Bilingual("加试验烟雾", "apply test smoke"), Bilingual("移走烟雾，吹净", "take the smoke away and blow it clean")),
    Stimulus.HEAT: (Bilingual("加热探测器", "heat the detector"), Bilingual("停止加热，冷却", "let it cool down")),
    Stimulus.CO: (Bilingual("加一氧化碳试验气", "apply CO test gas"), Bilingual("移走试验气，通风", "take the gas away and air it")),
    Stimulus.GAS: (Bilingual("加可燃气试验气", "apply test gas"), Bilingual("移走试验气，通风", "take the gas away and air it")),
    Stimulus.WATER: (Bilingual("打湿探头", "wet the probe"), Bilingual("擦干探头", "dry the probe")),
    Stimulus.DOOR: (Bilingual("打开门", "open the door"), Bilingual("关上门", "shut the door")),
    Stimulus.MOTION: (Bilingual("在探测区内走动", "move in front of it"), Bilingual("离开探测区", "leave its field")),
    Stimulus.FALL: (Bilingual("做一次跌倒动作", "make it fall"), Bilingual("起身站好", "get up again")),
    Stimulus.WORN: (Bilingual("戴上设备", "put it on"), Bilingual("摘下设备", "take it off")),
    Stimulus.BATTERY: (Bilingual("换上电量约为所示的电池", "put in a battery of this"), Bilingual("取出电池", "take the battery out")),
    Stimulus.MAINS_LOST: (Bilingual("拔掉市电", "unplug the mains"), Bilingual("接回市电", "plug it in again")),
    Stimulus.TAMPER: (Bilingual("打开外壳", "open the housing"), Bilingual("合上外壳", "close the housing")),
    Stimulus.POWER: (Bilingual("恢复供电", "give it its power back"), Bilingual("断开全部电源和电池", "take all power away, battery too")),
    Stimulus.CLOCK: (Bilingual("把时钟拨偏（秒）", "set its clock wrong (seconds)"), Bilingual("把时钟拨准", "set its clock right")),
}  # fmt: skip
_MEASURED = {
    Stimulus.SMOKE: "dB/m", Stimulus.HEAT: "°C", Stimulus.CO: "ppm", Stimulus.GAS: "%LEL", Stimulus.BATTERY: "%", Stimulus.CLOCK: "s",
}  # fmt: skip
SIGNS = {
    Sign.CALLING: Bilingual("正在呼叫", "calling"), Sign.ACCEPTED: Bilingual("已受理", "accepted"), Sign.SEEN: Bilingual("已看到", "seen"),
    Sign.HELPING: Bilingual("正在救助", "being helped"), Sign.CLOSED: Bilingual("已结束", "closed"),
    Sign.NO_LINE: Bilingual("没有网络", "no line"), Sign.BATTERY_LOW: Bilingual("电量低", "battery low"),
}  # fmt: skip


def asked_for(deed: Deed) -> Bilingual:
    """What a person is to do, in one sentence."""
    unit = _MEASURED.get(deed.stimulus)
    rest = next((one.rest for profile in PROFILES.values() for one in profile.senses if one.stimulus is deed.stimulus), 0.0)
    begins = deed.amount > rest
    words = DEEDS[deed.stimulus][0 if begins else 1]
    amount = f" ({deed.amount:g} {unit})" if unit is not None and begins else ""
    return Bilingual(words.zh + amount, words.en + amount)
