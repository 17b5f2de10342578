"""Faults of what a report looks like: ids, topics, QoS, what the JSON says of whom."""

import re
from datetime import datetime
from random import Random

import msgspec

from simulator.scenario import Bilingual
from simulator.virtual import speech
from simulator.virtual.firmware import Firmware
from simulator.virtual.flash import Flash, Lane, Letter, Says
from simulator.virtual.hardware import Hardware
from simulator.virtual.mutants.mutant import Also, Mutant
from simulator.virtual.profile import Profile, ProfileName
from simulator.virtual.speech import Channel, Identity


class _Slashed(Identity, frozen=True):
    def topic(self, channel: Channel) -> str:
        return "/" + super().topic(channel)


class NewIdOnRepeat(Firmware):
    def send(self, letter: Letter, now: datetime) -> None:
        if letter.sent:
            letter.id = self.new_id()
        super().send(letter, now)


class IdsBeginAnew(Firmware):
    """It counts from one again after each start."""

    given = 0

    def new_id(self) -> str:
        self.given += 1
        return f"{self.flash.unit}-{self.given}"


class NoId(Firmware):
    def payload(self, letter: Letter) -> bytes:
        found = msgspec.json.decode(super().payload(letter), type=dict[str, msgspec.Raw])
        return msgspec.json.encode({name: value for name, value in found.items() if name != "id"})


class IdIsTheMinute(Firmware):
    """Two events of one minute share an id, and the second counts as a repetition."""

    minute = ""

    def note(self, lane: Lane, says: Says, now: datetime, *, urgent: bool = False) -> Letter:
        self.minute = now.strftime("%Y%m%d%H%M")
        return super().note(lane, says, now, urgent=urgent)

    def new_id(self) -> str:
        return self.minute


class QosZero(Firmware):
    def qos(self, letter: Letter) -> int:  # noqa: ARG002 - all the same
        return 0


class RetainedAlarm(Firmware):
    def retain(self, letter: Letter) -> bool:
        return letter.lane is Lane.ALARM


class LeadingSlash(Firmware):
    def __init__(self, profile: Profile, identity: Identity, flash: Flash, hardware: Hardware, chance: Random) -> None:
        slashed = _Slashed(identity.address, identity.device, identity.username, identity.password, identity.level)
        super().__init__(profile, slashed, flash, hardware, chance)


class NotANumber(Firmware):
    """A sensor that could not be read is written as nan."""

    def payload(self, letter: Letter) -> bytes:
        return re.sub(rb'"rssi":-?\d+', b'"rssi":nan', super().payload(letter))


class NumbersAsText(Firmware):
    def payload(self, letter: Letter) -> bytes:
        return re.sub(rb'"(battery|rssi)":(-?\d+)', rb'"\1":"\2"', super().payload(letter))


class OneForTrue(Firmware):
    def payload(self, letter: Letter) -> bytes:
        return speech.report(letter.id, letter.at, {name: value + 0 for name, value in letter.says.items()})


class NameOfItsOwn(Firmware):
    """It calls its property by the maker's name."""

    def payload(self, letter: Letter) -> bytes:
        event = self.profile.event.prop
        return super().payload(letter).replace(f'"{event}"'.encode(), b'"alarm_status"')


class RepeatsAreCut(Firmware):
    """The buffer of a repetition is two bytes short."""

    def payload(self, letter: Letter) -> bytes:
        found = super().payload(letter)
        return found[:-2] if letter.sent > 1 else found


class SaysNoFirmware(Firmware):
    def announce(self, now: datetime) -> None:
        payload = msgspec.json.encode({"status": "online", "model": self.profile.model})
        self.mqtt.publish(self.identity.topic(Channel.STATUS), payload, 1, retain=True, now=now)


class SaysOtherFirmware(Firmware):
    """The version text was forgotten at the last release."""

    def announce(self, now: datetime) -> None:
        payload = speech.online(self.profile.model, "0.9.0")
        self.mqtt.publish(self.identity.topic(Channel.STATUS), payload, 1, retain=True, now=now)


class ReadingsOnAlarmChannel(Firmware):
    def channel(self, letter: Letter) -> Channel:  # noqa: ARG002 - all the same
        return Channel.ALARM


class AlarmsAmongReadings(Firmware):
    def channel(self, letter: Letter) -> Channel:  # noqa: ARG002 - all the same
        return Channel.REPORT


MUTANTS = (
    Mutant(
        name="new_id_on_repeat", profile=ProfileName.PULL_CORD, firmware=NewIdOnRepeat,
        title=Bilingual("重发时换了编号，一次呼叫成了好几次。", "A repetition has a new id: one call becomes several."),
        names="the id stays over repeats", fails="A-06",
    ),
    Mutant(
        name="ids_begin_anew", profile=ProfileName.SMOKE, firmware=IdsBeginAnew,
        title=Bilingual(
            "断电后编号从头数，新报警被当成旧的。",
            "After a power cut its ids begin anew, and a new alarm counts as an old one.",
        ),
        names="an id is never given twice, over restarts", fails="I-05",
    ),
    Mutant(
        name="no_id", profile=ProfileName.DOOR, firmware=NoId,
        title=Bilingual("上报不带编号。", "Its reports carry no id."),
        names="every report has an id", fails="I-03",
    ),
    Mutant(
        name="id_is_the_minute", profile=ProfileName.FALL, firmware=IdIsTheMinute,
        title=Bilingual(
            "用分钟作编号，同一分钟的两次呼叫只算一次。",
            "The minute is the id: of two calls in one minute the second is lost.",
        ),
        names="an id is unique in the device", fails="I-04",
    ),
    Mutant(
        name="qos_zero", profile=ProfileName.PENDANT, firmware=QosZero, source="knolleary/pubsubclient#644",
        title=Bilingual("报警以 QoS 0 发送，丢了也不知道。", "It sends alarms with QoS 0, and does not know when one is lost."),
        names="alarms with QoS 1", fails="A-03",
        also=(
            Also("S-02", "its readings go with QoS 0 too"),
        ),
    ),
    Mutant(
        name="retained_alarm", profile=ProfileName.PULL_CORD, firmware=RetainedAlarm, source="mjg59/wink-relay-handler#11",
        title=Bilingual(
            "报警设了保留，平台重启后旧呼叫又响一遍。",
            "Its alarms are retained: an old call rings again for whoever comes later.",
        ),
        names="alarms are not retained", fails="A-04",
    ),
    Mutant(
        name="leading_slash", profile=ProfileName.WATER, firmware=LeadingSlash, source="alibaba/AliOS-Things#66",
        title=Bilingual("所有主题前多一个斜杠。", "All its topics begin with a slash."),
        names="the topic grammar", fails="I-01",
    ),
    Mutant(
        name="not_a_number", profile=ProfileName.MOTION, firmware=NotANumber, source="arendst/Tasmota#4147",
        title=Bilingual(
            "读不到的数值写成 nan，整条消息无法解析。",
            "A value that could not be read is written nan, and nothing of the report can be read.",
        ),
        names="valid JSON", fails="S-01",
    ),
    Mutant(
        name="numbers_as_text", profile=ProfileName.DOOR, firmware=NumbersAsText,
        title=Bilingual("数值加了引号，成了文本。", "Its numbers are in quotes."),
        names="the types of values", fails="S-01",
    ),
    Mutant(
        name="one_for_true", profile=ProfileName.GAS, firmware=OneForTrue,
        title=Bilingual("真假写成一和零。", "It writes 1 and 0 for true and false."),
        names="booleans are booleans", fails="S-01",
    ),
    Mutant(
        name="name_of_its_own", profile=ProfileName.WATER, firmware=NameOfItsOwn,
        title=Bilingual(
            "属性用厂家自己的名字，平台不认识。",
            "It calls its property by the maker's name, which the platform does not know.",
        ),
        names="properties of the contract", fails="A-01",
    ),
    Mutant(
        name="repeats_are_cut", profile=ProfileName.FALL, firmware=RepeatsAreCut, source="hmueller01/pubsubclient3#66",
        title=Bilingual("重发的消息末尾少两个字节。", "A repeated message lacks its last two bytes."),
        names="a repetition is the same report", fails="A-06",
    ),
    Mutant(
        name="says_no_firmware", profile=ProfileName.HUB, firmware=SaysNoFirmware,
        title=Bilingual("上线消息不带固件版本。", "Its status does not say its firmware."),
        names="model and firmware in the status", fails="I-06",
    ),
    Mutant(
        name="says_other_firmware", profile=ProfileName.CO, firmware=SaysOtherFirmware,
        title=Bilingual("自报的固件版本与送检的不同。", "It names another firmware than the one it was handed in as."),
        names="the stated firmware", fails="I-06",
    ),
    Mutant(
        name="readings_on_alarm_channel", profile=ProfileName.WATCH, firmware=ReadingsOnAlarmChannel,
        title=Bilingual("普通数据也走报警通道。", "Its readings go on the channel of the alarms."),
        names="the alarm channel is for calls and hazards", fails="A-26",
    ),
    Mutant(
        name="alarms_among_readings", profile=ProfileName.SMOKE, firmware=AlarmsAmongReadings,
        title=Bilingual("声明用报警通道，报警却走普通通道。", "It states the alarm channel and sends its alarms among the readings."),
        names="the stated alarm channel", fails="A-17",
    ),
)  # fmt: skip
