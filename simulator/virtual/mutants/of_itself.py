"""Faults of what a device knows of itself: its clock, its battery, and whom it trusts."""

from datetime import UTC, datetime, timedelta

from simulator.scenario import Bilingual
from simulator.virtual import speech
from simulator.virtual.firmware import Firmware
from simulator.virtual.flash import Letter, Says
from simulator.virtual.mutants.mutant import Also, Mutant
from simulator.virtual.profile import ProfileName
from simulator.virtual.radio import Shown
from simulator.virtual.stimulus import Sign


class LocalTimeWithoutOffset(Firmware):
    def at(self, noted: datetime) -> str | None:
        found = super().at(noted)
        return None if found is None else found[: found.index("+")]


class LocalTimeCalledUtc(Firmware):
    def at(self, noted: datetime) -> str | None:
        found = super().at(noted)
        return None if found is None else found[: found.index("+")] + "Z"


class SaysNineteenSeventy(Firmware):
    """A clock that was never set has a time all the same."""

    def at(self, noted: datetime) -> str | None:
        return super().at(noted) or speech.written(datetime(1970, 1, 1, 0, 0, 3, tzinfo=UTC))


class SecondsNotMilliseconds(Firmware):
    def payload(self, letter: Letter) -> bytes:
        at = None if letter.at is None else int(datetime.fromisoformat(letter.at).timestamp())
        return speech.report(letter.id, at, letter.says)


class TimeOfSending(Firmware):
    """What waited for an outage to end is dated with its end."""

    def send(self, letter: Letter, now: datetime) -> None:
        letter.at = self.at(now)
        super().send(letter, now)


class TwelveHours(Firmware):
    """One in the afternoon is one in the night."""

    def at(self, noted: datetime) -> str | None:
        found = super().at(noted)
        if found is None:
            return None
        moment = datetime.fromisoformat(found)
        return moment.replace(hour=moment.hour % 12).isoformat(timespec="milliseconds")


class SetsClockOnce(Firmware):
    once = False

    def synchronise(self, now: datetime) -> None:
        if not self.once:
            self.once = True
            super().synchronise(now)


class NeverSetsClock(Firmware):
    def synchronise(self, now: datetime) -> None:
        pass


class BatteryTwice(Firmware):
    """It sends the half per cents of its radio stack as per cents."""

    def condition(self, now: datetime) -> Says:
        found = super().condition(now)
        return found | {"battery": found["battery"] * 2} if "battery" in found else found


class BatteryHalf(Firmware):
    def condition(self, now: datetime) -> Says:
        found = super().condition(now)
        return found | {"battery": found["battery"] // 2} if "battery" in found else found


class BatteryAlwaysFull(Firmware):
    def condition(self, now: datetime) -> Says:
        found = super().condition(now)
        return found | {"battery": 100} if "battery" in found else found


class BatteryNotSaid(Firmware):
    def condition(self, now: datetime) -> Says:
        return {name: value for name, value in super().condition(now).items() if name != "battery"}


class NeverBatteryLow(Firmware):
    def check_battery(self, now: datetime) -> None:
        pass


class BatteryLowForEver(Firmware):
    """It says when the battery is low, and not when it is new."""

    def check_battery(self, now: datetime) -> None:
        if "battery_low" not in self.flash.standing:
            super().check_battery(now)


class BatteryLowTooLate(Firmware):
    def check_battery(self, now: datetime) -> None:
        if "battery_low" in self.flash.standing or self.hardware.battery(now) <= 5:
            super().check_battery(now)


class BatteryLowWithEveryBreath(Firmware):
    """No gap between low and good: a battery on the edge is reported each time it is looked at."""

    def check_battery(self, now: datetime) -> None:
        self.flash.standing.discard("battery_low")
        super().check_battery(now)


class SilentWhenLow(Firmware):
    """It saves the last of its battery by saying nothing."""

    def heartbeat(self, now: datetime) -> None:
        if not self.profile.battery_days or self.hardware.battery(now) > 20:
            super().heartbeat(now)


class BatteryLampMissing(Firmware):
    def check_battery(self, now: datetime) -> None:
        super().check_battery(now)
        self.hardware.lamps.discard(Sign.BATTERY_LOW)


class TrustsAnybody(Firmware):
    def trusts(self, shown: Shown) -> bool:  # noqa: ARG002 - it does not look
        return True


class TrustsExpired(Firmware):
    """It has no time when it connects, and so it does not ask for one."""

    def trusts(self, shown: Shown) -> bool:
        return shown.trusted and shown.named


class TrustsOtherName(Firmware):
    """It connects by address, and turns the check of the name off."""

    def trusts(self, shown: Shown) -> bool:
        return shown.trusted and shown.in_date


class ADayAhead(Firmware):
    """It counts the days of a year from one where the network counts from nought."""

    def synchronise(self, now: datetime) -> None:
        super().synchronise(now)
        self.hardware.clock_error = timedelta(days=1)


MUTANTS = (
    Mutant(
        name="local_time_without_offset", profile=ProfileName.SMOKE, firmware=LocalTimeWithoutOffset, source="Cisien/meshcoretomqtt#66",
        title=Bilingual("时间是当地时间，却不带时区。", "It writes local time without an offset."),
        names="the offset of a time", fails="K-01",
    ),
    Mutant(
        name="local_time_called_utc", profile=ProfileName.PULL_CORD, firmware=LocalTimeCalledUtc, source="hjelev/rpi-mqtt-monitor#183",
        title=Bilingual("把当地时间标成世界时，差八小时。", "It calls local time UTC, and is eight hours off."),
        names="the time is right", fails="K-02",
    ),
    Mutant(
        name="says_nineteen_seventy", profile=ProfileName.WATER, firmware=SaysNineteenSeventy, source="arendst/Tasmota#2571",
        title=Bilingual("对时之前的事件都写成 1970 年。", "What happens before its clock is set happened in 1970."),
        names="no time rather than a wrong one", fails="K-05",
    ),
    Mutant(
        name="seconds_not_milliseconds", profile=ProfileName.GAS, firmware=SecondsNotMilliseconds,
        title=Bilingual("时间戳用秒而不是毫秒，平台读成 1970 年。", "Its times are in seconds, and read as milliseconds they are in 1970."),
        names="integer times are milliseconds", fails="K-02",
    ),
    Mutant(
        name="time_of_sending", profile=ProfileName.DOOR, firmware=TimeOfSending,
        title=Bilingual("补发的数据写的是发送时间，不是发生时间。", "What is sent after an outage carries the time of sending."),
        names="the time of the event", fails="K-06",
    ),
    Mutant(
        name="twelve_hours", profile=ProfileName.MOTION, firmware=TwelveHours,
        title=Bilingual("时间按十二小时制，下午变成凌晨。", "It writes hours to twelve: the afternoon is the night before."),
        names="the time is right in the afternoon", fails="K-08",
    ),
    Mutant(
        name="sets_clock_once", profile=ProfileName.WATCH, firmware=SetsClockOnce,
        title=Bilingual("开机对时一次后再也不对时。", "It sets its clock once and never again."),
        names="a wrong clock is put right", fails="K-03",
    ),
    Mutant(
        name="never_sets_clock", profile=ProfileName.CO, firmware=NeverSetsClock, source="arendst/Tasmota#17728",
        title=Bilingual("声明网络对时，实际从不对时。", "It states the network's time and never asks for it."),
        names="a clock from the network", fails="K-03",
    ),
    Mutant(
        name="clock_a_day_ahead", profile=ProfileName.FALL, firmware=ADayAhead,
        title=Bilingual("对时后日期多一天。", "Its clock is a day ahead once it is set."),
        names="the time is right", fails="K-02",
    ),
    Mutant(
        name="battery_twice", profile=ProfileName.DOOR, firmware=BatteryTwice, source="Koenkk/zigbee2mqtt#21607",
        title=Bilingual("满电报百分之二百。", "A full battery is 200 %."),
        names="the unit of the battery", fails="S-01",
    ),
    Mutant(
        name="battery_half", profile=ProfileName.PENDANT, firmware=BatteryHalf, source="Koenkk/zigbee2mqtt#3286",
        title=Bilingual("新电池只报百分之五十。", "A new battery is 50 %."),
        names="the value of the battery", fails="B-04",
    ),
    Mutant(
        name="battery_always_full", profile=ProfileName.MOTION, firmware=BatteryAlwaysFull, source="Koenkk/zigbee2mqtt#24120",
        title=Bilingual("电量永远报百分之百，直到没电。", "Its battery is at 100 % until it is dead."),
        names="the value of the battery", fails="B-04",
    ),
    Mutant(
        name="battery_not_said", profile=ProfileName.WATER, firmware=BatteryNotSaid,
        title=Bilingual("用电池却从不报电量。", "It runs on a battery and never says its charge."),
        names="the battery in the heartbeat", fails="B-11",
    ),
    Mutant(
        name="never_battery_low", profile=ProfileName.SMOKE, firmware=NeverBatteryLow, source="Koenkk/zigbee2mqtt#6452",
        title=Bilingual("电量低从不上报，直到没电离线。", "A low battery is never reported; one day it is gone."),
        names="battery_low reported", fails="B-01",
        also=(
            Also("B-09", "the lamp goes with the report"),
        ),
    ),
    Mutant(
        name="battery_low_for_ever", profile=ProfileName.CO, firmware=BatteryLowForEver, source="Koenkk/zigbee2mqtt#18228",
        title=Bilingual("换了新电池仍报电量低。", "With a new battery it is still low."),
        names="battery_low taken back", fails="B-07",
    ),
    Mutant(
        name="battery_low_too_late", profile=ProfileName.PULL_CORD, firmware=BatteryLowTooLate, source="Koenkk/zigbee2mqtt#10259",
        title=Bilingual("声明百分之二十报低电，实际到百分之五才报。", "It states a warning at 20 % and warns at 5."),
        names="the stated threshold of battery_low", fails="B-01",
    ),
    Mutant(
        name="battery_low_with_every_breath", profile=ProfileName.DOOR, firmware=BatteryLowWithEveryBreath,
        title=Bilingual("电量低以后每次检查都再报一遍。", "Once low, it reports battery_low each time that it looks."),
        names="battery_low said once", fails="B-03",
        also=(
            Also("B-07", "it forgets that it was low, and takes nothing back"),
        ),
    ),
    Mutant(
        name="silent_when_low", profile=ProfileName.WATER, firmware=SilentWhenLow,
        title=Bilingual("电量低以后为省电停了心跳。", "With a low battery it saves its heartbeats."),
        names="the heartbeat with a low battery", fails="B-12",
    ),
    Mutant(
        name="battery_lamp_missing", profile=ProfileName.PENDANT, firmware=BatteryLampMissing,
        title=Bilingual("电量低时本机没有任何提示。", "With a low battery the device itself shows nothing."),
        names="a low battery shown on the device", fails="B-09",
    ),
    Mutant(
        name="trusts_anybody", profile=ProfileName.PULL_CORD, firmware=TrustsAnybody,
        title=Bilingual("不验证证书，谁冒充服务器都连。", "It does not check certificates, and tells anybody its password."),
        names="a certificate of an unknown authority", fails="C-15",
    ),
    Mutant(
        name="trusts_expired", profile=ProfileName.SMOKE, firmware=TrustsExpired,
        title=Bilingual("过期的证书也接受。", "It takes a certificate that has run out."),
        names="an expired certificate", fails="C-16",
    ),
    Mutant(
        name="trusts_other_name", profile=ProfileName.WATCH, firmware=TrustsOtherName, source="esphome/esphome#3580",
        title=Bilingual("证书是别人的也接受。", "It takes a certificate made out to somebody else."),
        names="a certificate for another name", fails="C-17",
    ),
)  # fmt: skip
