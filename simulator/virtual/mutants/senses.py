"""Faults of what is noticed: beginning, end, echo, the edge of a value, what happened without power; and of self-test and cancel."""

from datetime import datetime, timedelta

from simulator.scenario import Bilingual
from simulator.virtual.firmware import Firmware
from simulator.virtual.flash import Lane, Says
from simulator.virtual.mutants.mutant import Also, Mutant
from simulator.virtual.profile import ProfileName, Sense
from simulator.virtual.radio import Timer
from simulator.virtual.stimulus import Deed, Sign, Stimulus


class NeverOver(Firmware):
    def over(self, sense: Sense, says: Says, now: datetime) -> None:
        pass


class SeesOneEvent(Firmware):
    """It says that the alarm is over and goes on thinking that it stands, so that the next one is not seen."""

    def over(self, sense: Sense, says: Says, now: datetime) -> None:
        super().over(sense, says, now)
        self.flash.standing.add(sense.prop)


class Flickers(Firmware):
    """The first message of an event says that there is none."""

    def noticed(self, sense: Sense, says: Says, now: datetime) -> None:
        super().noticed(sense, says, now)
        self.note(Lane.ALARM if sense.alarm else Lane.READING, says | {sense.prop: False}, now)


class NoGapOnTheEdge(Firmware):
    """Raised and over at the same value."""

    def feel(self, sense: Sense, amount: float, now: datetime) -> None:
        standing = sense.prop in self.flash.standing
        if not sense.momentary and standing and amount < sense.raise_at:
            self.flash.standing.discard(sense.prop)
            self.over(sense, self.values_of(sense, amount, False), now)
        else:
            super().feel(sense, amount, now)


class DoesNotLookAtStart(Firmware):
    def look_around(self, now: datetime) -> None:
        self.check_battery(now)


class RaisesAgainAtStart(Firmware):
    """What stood before the power cut is a new event after it."""

    def boot(self, now: datetime) -> None:
        self.flash.standing.clear()
        super().boot(now)


class AlarmAtStart(Firmware):
    """The line of its sensor floats while the voltage rises."""

    def look_around(self, now: datetime) -> None:
        super().look_around(now)
        event = self.profile.event
        self.noticed(event, self.values_of(event, event.typical, True), now)


class TestIsAlarm(Firmware):
    def self_test(self, now: datetime) -> None:
        event = self.profile.event
        self.noticed(event, self.values_of(event, event.typical, True), now)


class TestWithAlarm(Firmware):
    """The test is marked, and says the hazard too."""

    def self_test(self, now: datetime) -> None:
        self.note(Lane.ALARM, {"test": True, self.profile.event.prop: True}, now)


class CancelsInSilence(Firmware):
    def cancel(self, now: datetime) -> None:  # noqa: ARG002 - nobody is told
        self.flash.unanswered.clear()
        self.timers.pop(Timer.UNANSWERED, None)
        self.hardware.lamps.discard(Sign.CALLING)


class CancelErasesCall(Firmware):
    """A call that waits to be sent is taken back as if it had never been."""

    def cancel(self, now: datetime) -> None:
        self.flash.alarms[:] = [letter for letter in self.flash.alarms if not letter.urgent or letter.sent]
        super().cancel(now)


class CallsOnAfterCancel(Firmware):
    def cancel(self, now: datetime) -> None:
        self.note(Lane.ALARM, {"cancel": True}, now)


class TamperUnseen(Firmware):
    def sense(self, deed: Deed, now: datetime) -> None:
        if deed.stimulus is not Stimulus.TAMPER:
            super().sense(deed, now)


class MainsUnseen(Firmware):
    def sense(self, deed: Deed, now: datetime) -> None:
        if deed.stimulus is not Stimulus.MAINS_LOST:
            super().sense(deed, now)


class PulseOffTheWrist(Firmware):
    """It measures the table."""

    def vitals(self) -> Says:
        return dict(self.profile.vitals)


class ImpossiblePulse(Firmware):
    def vitals(self) -> Says:
        found = super().vitals()
        return found | {"heart_rate": 255} if "heart_rate" in found else found


class HeartbeatTooSlow(Firmware):
    """It counts from the end of the last one, by an oscillator that is slow."""

    def next_heartbeat(self) -> timedelta:
        return self.profile.heartbeat * 1.15


class HeartbeatDrifts(Firmware):
    """Each one a little later than the last."""

    beats = 0

    def next_heartbeat(self) -> timedelta:
        self.beats += 1
        return self.profile.heartbeat * (0.8 + 0.06 * self.beats)


class HeartbeatEveryFiveSeconds(Firmware):
    def next_heartbeat(self) -> timedelta:
        return timedelta(seconds=5)


class NoHeartbeatAfterAlarm(Firmware):
    """The timer that it used for the alarm was that of the heartbeat."""

    def noticed(self, sense: Sense, says: Says, now: datetime) -> None:
        super().noticed(sense, says, now)
        if sense.alarm:
            self.timers.pop(Timer.HEARTBEAT, None)


class NoHeartbeatAfterReconnect(Firmware):
    """The heartbeat was begun by the first connection, and ended with it."""

    def line_down(self, now: datetime) -> None:
        super().line_down(now)
        self.timers.pop(Timer.HEARTBEAT, None)


class StopsAfterTwentyFiveDays(Firmware):
    """Milliseconds in a signed number of 32 bits."""

    began_at: datetime | None = None

    def boot(self, now: datetime) -> None:
        self.began_at = now
        super().boot(now)

    def heartbeat(self, now: datetime) -> None:
        if self.began_at is None or now - self.began_at < timedelta(milliseconds=2**31):
            super().heartbeat(now)


class EmptyHeartbeat(Firmware):
    def heartbeat(self, now: datetime) -> None:
        self.note(Lane.READING, {}, now)


SMOKE, WATER, CO, GAS = ProfileName.SMOKE, ProfileName.WATER, ProfileName.CO, ProfileName.GAS

MUTANTS = (
    Mutant(
        name="never_over", profile=SMOKE, firmware=NeverOver, source="Koenkk/zigbee2mqtt#24945",
        title=Bilingual("烟散了以后从不上报解除。", "The smoke is gone, and it never says so."),
        names="the end of an alarm", fails="A-18",
        also=(
            Also("S-05", "the end of tampering is not said either"),
        ),
    ),
    Mutant(
        name="sees_one_event", profile=WATER, firmware=SeesOneEvent, source="Koenkk/zigbee2mqtt#7837",
        title=Bilingual("只报第一次，解除后再漏水不报。", "The first leak is seen; after its end, no other."),
        names="a second event after the first is over", fails="A-16",
    ),
    Mutant(
        name="flickers", profile=WATER, firmware=Flickers, source="Koenkk/zigbee2mqtt#20665",
        title=Bilingual("刚报漏水马上又报没有漏水。", "It says a leak and at once that there is none."),
        names="an alarm that stands while its cause stands", fails="A-31",
    ),
    Mutant(
        name="no_gap_on_the_edge", profile=GAS, firmware=NoGapOnTheEdge,
        title=Bilingual("浓度在门限上下时，报警和解除来回跳。", "With the value on the threshold it raises and clears without end."),
        names="a gap between raising and clearing", fails="A-32",
    ),
    Mutant(
        name="does_not_look_at_start", profile=ProfileName.DOOR, firmware=DoesNotLookAtStart, source="RavenSystem/esp-homekit-devices#236",
        title=Bilingual(
            "开机不看传感器，断电时门开了也不知道。",
            "At a start it does not look: a door opened without power stays shut for it.",
        ),
        names="what changed while there was no power", fails="F-15",
    ),
    Mutant(
        name="raises_again_at_start", profile=SMOKE, firmware=RaisesAgainAtStart,
        title=Bilingual("断电重启后，还没解除的报警又当新报警报一遍。", "After a restart an alarm that stood already is a new one."),
        names="one event over a restart", fails="F-12",
        also=(
            Also("B-07", "a start with a new battery has forgotten that it was low"),
            Also("F-15", "it has forgotten what stood, and does not say that it is over"),
        ),
    ),
    Mutant(
        name="alarm_at_start", profile=WATER, firmware=AlarmAtStart, source="Koenkk/zigbee2mqtt#12018",
        title=Bilingual("每次上电误报一次漏水。", "With every start it reports a leak that is not there."),
        names="no alarm without a cause, at a start", fails="A-14",
    ),
    Mutant(
        name="test_is_alarm", profile=CO, firmware=TestIsAlarm, source="Koenkk/zigbee2mqtt#24945",
        title=Bilingual("按自检按钮上报的是真报警。", "The test button sends a real alarm."),
        names="a self-test told from an alarm", fails="A-20",
    ),
    Mutant(
        name="test_with_alarm", profile=GAS, firmware=TestWithAlarm,
        title=Bilingual("自检上报里同时带着报警。", "Its test report says the hazard too."),
        names="a self-test told from an alarm", fails="A-20",
    ),
    Mutant(
        name="cancels_in_silence", profile=ProfileName.PULL_CORD, firmware=CancelsInSilence,
        title=Bilingual("取消只在本机生效，平台不知道。", "A cancel ends the call on the device and tells nobody."),
        names="the cancel is reported", fails="A-19",
    ),
    Mutant(
        name="cancel_erases_call", profile=ProfileName.PENDANT, firmware=CancelErasesCall,
        title=Bilingual("断网时取消，连呼叫本身也从队列里删了。", "Cancelled before it was sent, the call itself is erased."),
        names="a cancelled call is reported all the same", fails="A-34",
    ),
    Mutant(
        name="calls_on_after_cancel", profile=ProfileName.FALL, firmware=CallsOnAfterCancel,
        title=Bilingual("取消以后仍反复呼叫。", "It goes on calling after the cancel."),
        names="a cancel ends the repeating", fails="A-35",
    ),
    Mutant(
        name="tamper_unseen", profile=ProfileName.DOOR, firmware=TamperUnseen,
        title=Bilingual("被拆开不上报。", "It is prised open and does not say so."),
        names="tamper reported", fails="S-05",
    ),
    Mutant(
        name="mains_unseen", profile=ProfileName.HUB, firmware=MainsUnseen,
        title=Bilingual("市电断了不上报。", "Mains fails and it does not say so."),
        names="loss of mains reported", fails="S-06",
    ),
    Mutant(
        name="pulse_off_the_wrist", profile=ProfileName.WATCH, firmware=PulseOffTheWrist,
        title=Bilingual("摘下来放在桌上还在报心率。", "Taken off and laid on a table it still reports a pulse."),
        names="no vitals when it is not worn", fails="S-17",
    ),
    Mutant(
        name="impossible_pulse", profile=ProfileName.WATCH, firmware=ImpossiblePulse,
        title=Bilingual("量不到心率时报 255。", "A pulse that it cannot measure is 255."),
        names="plausible values", fails="S-16",
    ),
    Mutant(
        name="heartbeat_too_slow", profile=SMOKE, firmware=HeartbeatTooSlow,
        title=Bilingual("心跳间隔比声明的长百分之十五。", "Its heartbeats are 15 % further apart than it states."),
        names="the stated heartbeat", fails="H-01",
    ),
    Mutant(
        name="heartbeat_drifts", profile=ProfileName.DOOR, firmware=HeartbeatDrifts,
        title=Bilingual("心跳越来越慢，几次后就超过声明的间隔。", "Each heartbeat is later than the last, soon too late."),
        names="the heartbeat does not drift", fails="H-02",
        also=(
            Also("H-01", "it soon drifts past its promise"),
        ),
    ),
    Mutant(
        name="heartbeat_every_five_seconds", profile=ProfileName.MOTION, firmware=HeartbeatEveryFiveSeconds,
        source="mihsu81/addon-theengsgw#15",
        title=Bilingual("每五秒报一次同样的数据，刷爆服务器。", "It floods the server with the same data every five seconds."),
        names="no flood of readings", fails="H-06",
    ),
    Mutant(
        name="no_heartbeat_after_alarm", profile=CO, firmware=NoHeartbeatAfterAlarm,
        title=Bilingual("报过一次警以后心跳停了。", "After an alarm its heartbeat has stopped."),
        names="the heartbeat goes on after an alarm", fails="H-04",
    ),
    Mutant(
        name="no_heartbeat_after_reconnect", profile=GAS, firmware=NoHeartbeatAfterReconnect,
        title=Bilingual("重连以后心跳停了。", "After a reconnect its heartbeat has stopped."),
        names="the heartbeat goes on after a reconnect", fails="H-03",
    ),
    Mutant(
        name="stops_after_twenty_five_days", profile=WATER, firmware=StopsAfterTwentyFiveDays, source="jascdk/Nilan_Homeassistant#36",
        title=Bilingual("开机约二十五天后不再上报。", "About 25 days after its start it reports nothing more."),
        names="a long uptime", fails="H-07",
    ),
    Mutant(
        name="empty_heartbeat", profile=ProfileName.HUB, firmware=EmptyHeartbeat,
        title=Bilingual("心跳里什么都没有。", "Its heartbeats say nothing."),
        names="what a heartbeat says", fails="H-08",
    ),
)  # fmt: skip
