"""Faults of the outbox: what is lost, doubled, out of order, for ever under way."""

from datetime import datetime, timedelta

from devices.mqtt.client import Client
from devices.mqtt.packets import FIVE, Connack
from simulator.scenario import Bilingual
from simulator.virtual.firmware import Firmware
from simulator.virtual.flash import Lane, Letter, Says
from simulator.virtual.mutants.mutant import Also, Mutant
from simulator.virtual.profile import ProfileName, Sense
from simulator.virtual.radio import Timer

EXPIRES_AFTER = timedelta(seconds=30)
LAST_PACKET = 65_535


class NoOutbox(Firmware):
    """What is observed while there is no line is gone."""

    def keep(self, letter: Letter) -> None:
        if self.mqtt.welcome:
            super().keep(letter)


class OutboxInMemory(Firmware):
    def boot(self, now: datetime) -> None:
        self.flash.alarms.clear()
        self.flash.readings.clear()
        super().boot(now)


class ClearsOutboxOnConnect(Firmware):
    def welcomed(self, connack: Connack, now: datetime) -> None:
        self.flash.alarms.clear()
        self.flash.readings.clear()
        super().welcomed(connack, now)


class OutboxExpires(Firmware):
    """What could not be sent for half a minute is thrown away."""

    def send_waiting(self, now: datetime) -> None:
        for box in (self.flash.alarms, self.flash.readings):
            box[:] = [letter for letter in box if now - letter.noted < EXPIRES_AFTER]
        super().send_waiting(now)


class ForgetsWhenSent(Firmware):
    def send(self, letter: Letter, now: datetime) -> None:
        super().send(letter, now)
        self.forget(letter)


class NeverRetransmits(Firmware):
    """A message under way when the line breaks is not sent again."""

    def line_down(self, now: datetime) -> None:
        for letter in self.flying.values():
            self.forget(letter)
        self.flying.clear()
        self.mqtt = Client(self.connect_packet())
        super().line_down(now)


class ReadingsFirst(Firmware):
    def send_waiting(self, now: datetime) -> None:
        if self.mqtt.welcome and self.flash.readings:
            if not self.flying:
                self.send(self.flash.readings[0], now)
        else:
            super().send_waiting(now)

    def send_alarms(self, now: datetime) -> None:
        if not self.flash.readings:
            super().send_alarms(now)


class NewestAlarmFirst(Firmware):
    def send_alarms(self, now: datetime) -> None:
        for letter in [letter for letter in reversed(self.flash.alarms) if letter not in self.flying.values()]:
            self.send(letter, now)


class NewestReadingFirst(Firmware):
    def send_waiting(self, now: datetime) -> None:
        if self.mqtt.welcome:
            self.send_alarms(now)
            if self.flash.readings and not self.flying:
                self.send(self.flash.readings[-1], now)


class SaysItThrice(Firmware):
    def noticed(self, sense: Sense, says: Says, now: datetime) -> None:
        for _ in range(3):
            super().noticed(sense, says, now)


class StopsAfterLastPacketNumber(Firmware):
    spent = 0

    def send(self, letter: Letter, now: datetime) -> None:
        self.spent += 1
        if self.spent <= LAST_PACKET:
            super().send(letter, now)


class WaitsForLostPuback(Firmware):
    """After a cut it waits for the acknowledgement of a message that it does not know any more; readings stand behind it."""

    stuck = False

    def line_down(self, now: datetime) -> None:
        self.stuck = self.stuck or bool(self.flying)
        super().line_down(now)

    def send_waiting(self, now: datetime) -> None:
        if not self.stuck:
            super().send_waiting(now)
        elif self.mqtt.welcome:
            self.send_alarms(now)


class OldAlarmAgain(Firmware):
    """With every new connection it says its last alarm again, as a new one."""

    last: Letter | None = None

    def delivered(self, letter: Letter, now: datetime) -> None:
        super().delivered(letter, now)
        if letter.urgent:
            self.last = letter

    def welcomed(self, connack: Connack, now: datetime) -> None:
        super().welcomed(connack, now)
        if self.last is not None:
            self.note(Lane.ALARM, self.last.says, now, urgent=True)


class OneSlotForAlarms(Firmware):
    def keep(self, letter: Letter) -> None:
        if letter.lane is Lane.ALARM:
            self.flash.alarms.clear()
        super().keep(letter)


class FewReadingsKept(Firmware):
    readings_kept = 5


class FullOutboxTakesNoAlarm(Firmware):
    def keep(self, letter: Letter) -> None:
        if len(self.flash.readings) < self.readings_kept:
            super().keep(letter)


class RefusedAlarmGivenUp(Firmware):
    def not_taken(self, letter: Letter, now: datetime) -> None:  # noqa: ARG002 - now is not needed to forget
        self.forget(letter)


class WaitsForKeepAlive(Firmware):
    """An alarm without PUBACK stays on a line that looks sound."""

    def unacknowledged(self, now: datetime) -> None:
        pass


class AlarmWaits(Firmware):
    """It collects for twenty seconds before it sends anything."""

    def send_alarms(self, now: datetime) -> None:
        waiting = [letter for letter in self.flash.alarms if letter not in self.flying.values()]
        for letter in waiting:
            if now - letter.noted >= timedelta(seconds=20):
                self.send(letter, now)
            else:
                self.timers[Timer.RETRY] = letter.noted + timedelta(seconds=20)


class ResendsEverySecond(Firmware):
    """It does not wait for the PUBACK but sends again by a timer."""

    def send(self, letter: Letter, now: datetime) -> None:
        super().send(letter, now)
        if letter in self.flash.alarms:
            self.timers[Timer.RETRY] = now + timedelta(seconds=1)

    def rang(self, timer: Timer, now: datetime) -> None:
        if timer is Timer.RETRY and self.mqtt.welcome:
            for letter in list(self.flash.alarms):
                self.send(letter, now)
        else:
            super().rang(timer, now)


MUTANTS = (
    Mutant(
        name="no_outbox", profile=ProfileName.PULL_CORD, firmware=NoOutbox, source="arendst/Tasmota#4734",
        title=Bilingual("断网时发生的呼叫直接丢掉，恢复后不补发。", "What happens while there is no line is lost, a call too."),
        names="an alarm over an outage", fails="A-11",
        also=(
            Also("S-12", "readings are lost in the same way"),
        ),
    ),
    Mutant(
        name="outbox_in_memory", profile=ProfileName.SMOKE, firmware=OutboxInMemory, source="espressif/esp-mqtt#237",
        title=Bilingual("待发报警只在内存里，断电就没了。", "Alarms that wait are in memory alone, and a power cut takes them."),
        names="an alarm over a loss of power", fails="A-13",
    ),
    Mutant(
        name="clears_outbox_on_connect", profile=ProfileName.PENDANT, firmware=ClearsOutboxOnConnect, source="bertmelis/espMqttClient#59",
        title=Bilingual("一连上服务器就清空待发队列。", "It empties its outbox in the moment it connects."),
        names="an alarm over a reconnect", fails="A-11",
        also=(
            Also("S-12", "readings are lost in the same way"),
        ),
    ),
    Mutant(
        name="outbox_expires", profile=ProfileName.GAS, firmware=OutboxExpires, source="espressif/esp-mqtt#238",
        title=Bilingual("发不出去的报警半分钟后自动删除。", "An alarm that could not be sent for half a minute is deleted."),
        names="an alarm over a longer outage", fails="A-24",
        also=(
            Also("S-12", "readings expire in the same way"),
        ),
    ),
    Mutant(
        name="forgets_when_sent", profile=ProfileName.CO, firmware=ForgetsWhenSent, source="knolleary/pubsubclient#885",
        title=Bilingual(
            "一发出就从队列删除，没等确认。",
            "It takes a message out of its outbox when it is sent, not when it is acknowledged.",
        ),
        names="an alarm kept until its PUBACK", fails="A-13",
    ),
    Mutant(
        name="never_retransmits", profile=ProfileName.PULL_CORD, firmware=NeverRetransmits, source="tuanpmt/esp_mqtt#45",
        title=Bilingual("发出后未确认就断线的报警，重连后不再发。", "An alarm under way when the line broke is not sent again."),
        names="an alarm lost between PUBLISH and PUBACK", fails="A-07",
        also=(
            Also("S-11", "a reading is lost in the same way"),
        ),
    ),
    Mutant(
        name="readings_first", profile=ProfileName.SMOKE, firmware=ReadingsFirst,
        title=Bilingual(
            "网络恢复后先补发几百条普通数据，报警排在最后。",
            "After an outage its old readings go first, and the alarm stands behind them.",
        ),
        names="alarms first after an outage", fails="A-02",
    ),
    Mutant(
        name="newest_alarm_first", profile=ProfileName.FALL, firmware=NewestAlarmFirst, source="espressif/esp-idf#17563",
        title=Bilingual(
            "恢复后报警倒着发，先到的反而是后发生的。",
            "After an outage its alarms come in the wrong order, the last one first.",
        ),
        names="the order of alarms", fails="A-12",
    ),
    Mutant(
        name="newest_reading_first", profile=ProfileName.MOTION, firmware=NewestReadingFirst, source="espressif/esp-mqtt#327",
        title=Bilingual("新数据插到队列前面先发，次序乱了。", "A new reading overtakes those that wait."),
        names="the order of readings", fails="S-13",
    ),
    Mutant(
        name="says_it_thrice", profile=ProfileName.PENDANT, firmware=SaysItThrice, source="Koenkk/zigbee2mqtt#16395",
        title=Bilingual("按一次上报三次，每次编号都不同。", "One press is three reports, each with an id of its own."),
        names="one event, one report", fails="A-33",
    ),
    Mutant(
        name="stops_after_last_packet_number", profile=ProfileName.MOTION, firmware=StopsAfterLastPacketNumber, source="njouanin/hbmqtt#75",
        title=Bilingual("发满 65535 包后再也不发。", "After 65,535 messages it sends nothing any more."),
        names="packet numbers that wrap", fails="S-18",
    ),
    Mutant(
        name="waits_for_lost_puback", profile=ProfileName.WATCH, firmware=WaitsForLostPuback, source="emsesp/EMS-ESP32#305",
        title=Bilingual(
            "断线丢了一个确认后，普通数据再也发不出来。",
            "After one acknowledgement lost in a cut, no reading goes out any more.",
        ),
        names="going on after a lost PUBACK", fails="S-14",
    ),
    Mutant(
        name="old_alarm_again", profile=ProfileName.PULL_CORD, firmware=OldAlarmAgain,
        title=Bilingual("每次重连都把上一次报警当新报警再发一遍。", "With every reconnect it says its last alarm again, as a new one."),
        names="no stale alarm after a recovery", fails="A-14",
    ),
    Mutant(
        name="one_slot_for_alarms", profile=ProfileName.FALL, firmware=OneSlotForAlarms,
        title=Bilingual("只存一条待发报警，后一条覆盖前一条。", "It has room for one alarm: the next overwrites it."),
        names="several alarms over an outage", fails="A-24",
    ),
    Mutant(
        name="few_readings_kept", profile=ProfileName.MOTION, firmware=FewReadingsKept,
        title=Bilingual("声明存两百条数据，实际只存五条。", "It states room for two hundred readings and keeps five."),
        names="the stated store", fails="S-15",
    ),
    Mutant(
        name="full_outbox_takes_no_alarm", profile=ProfileName.SMOKE, firmware=FullOutboxTakesNoAlarm,
        title=Bilingual("存储满了以后连报警也不收。", "When its store is full of readings it takes no alarm either."),
        names="room for an alarm in a full store", fails="A-25",
    ),
    Mutant(
        name="refused_alarm_given_up", profile=ProfileName.CO, firmware=RefusedAlarmGivenUp, level=FIVE,
        title=Bilingual("服务器暂时不收的报警，它就不再发了。", "An alarm that the server could not take for now is given up."),
        names="an alarm that the server refuses (5.0)", fails="R-14",
        also=(
            Also("R-13", "a server that takes only short packets refuses the alarm too"),
        ),
    ),
    Mutant(
        name="waits_for_keep_alive", profile=ProfileName.PULL_CORD, firmware=WaitsForKeepAlive,
        title=Bilingual(
            "报警没有确认也不换连接，一直等到保活超时。",
            "An alarm without PUBACK stays on its dead line until the keep-alive runs out.",
        ),
        names="the time in which an unacknowledged alarm is tried otherwise", fails="A-05",
    ),
    Mutant(
        name="alarm_waits", profile=ProfileName.GAS, firmware=AlarmWaits,
        title=Bilingual("报警要攒二十秒才发。", "It collects for twenty seconds before an alarm goes out."),
        names="the time from the event to the alarm", fails="A-01",
    ),
    Mutant(
        name="resends_every_second", profile=ProfileName.WATER, firmware=ResendsEverySecond,
        title=Bilingual("没等确认就每秒再发一次。", "Without waiting for the PUBACK it sends the same again every second."),
        names="a flood of repetitions", fails="A-28",
        also=(
            Also("F-02", "over a delay its copies are under way when the first is acknowledged, and it leaves a line that works"),
        ),
    ),
)  # fmt: skip
