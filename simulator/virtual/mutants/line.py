"""Faults of the line: will, sessions, keep-alive, coming back."""

from datetime import datetime, timedelta

import msgspec

from devices.mqtt.encode import encode
from devices.mqtt.packets import Connack, Connect, Pingresp, Will
from simulator.scenario import Bilingual
from simulator.virtual import speech
from simulator.virtual.firmware import Firmware
from simulator.virtual.mutants.mutant import Also, Mutant
from simulator.virtual.profile import ProfileName
from simulator.virtual.radio import Timer
from simulator.virtual.speech import Channel


class NoWill(Firmware):
    def will(self) -> Will | None:
        return None


class WillNotRetained(Firmware):
    def will(self) -> Will | None:
        return Will(self.identity.topic(Channel.STATUS), speech.OFFLINE, 1, retain=False)


class OnlineNotRetained(Firmware):
    def announce(self, now: datetime) -> None:
        payload = speech.online(self.profile.model, self.profile.firmware)
        self.mqtt.publish(self.identity.topic(Channel.STATUS), payload, 1, now=now)


class OnlineOnlyAtBoot(Firmware):
    said = False

    def announce(self, now: datetime) -> None:
        if not self.said:
            self.said = True
            super().announce(now)


class OneClientIdForAll(Firmware):
    def connect_packet(self) -> Connect:
        return msgspec.structs.replace(super().connect_packet(), client_id="ESP8266Client")


class CleanSession(Firmware):
    def clean_session(self) -> bool:
        return True


class ReconnectsWithoutPause(Firmware):
    def back_off(self, failures: int) -> timedelta:  # noqa: ARG002 - it does not look
        return timedelta(milliseconds=1)

    def hang_up(self, now: datetime) -> None:
        super().hang_up(now)
        self.timers[Timer.CONNECT] = now + timedelta(milliseconds=1)


class GivesUp(Firmware):
    """Three tries, then it waits for somebody to switch it off and on."""

    def line_down(self, now: datetime) -> None:
        super().line_down(now)
        if self.failures > 3:
            del self.timers[Timer.CONNECT]


class TriesRefusalAgainAtOnce(Firmware):
    def refused(self, connack: Connack, now: datetime) -> None:
        super().refused(connack, now)
        self.timers[Timer.CONNECT] = now + timedelta(milliseconds=50)

    def back_off(self, failures: int) -> timedelta:  # noqa: ARG002 - a refused connection counts as one that was had
        return timedelta(milliseconds=50)


class RefusedForEver(Firmware):
    barred = False

    def refused(self, connack: Connack, now: datetime) -> None:
        self.barred = True
        super().refused(connack, now)

    def rang(self, timer: Timer, now: datetime) -> None:
        if not (self.barred and timer is Timer.CONNECT):
            super().rang(timer, now)


class DoesNotMissPingAnswers(Firmware):
    """A ping that could be sent counts as answered."""

    def advance(self, now: datetime) -> None:
        due = self.mqtt.next_deadline
        if self.on_line and due is not None and now >= due:
            list(self.mqtt.receive(encode(Pingresp()), now))
        super().advance(now)


class PingsTooSeldom(Firmware):
    """It promises one keep-alive and pings by a timer of its own, twice as long."""

    def line_up(self, now: datetime) -> None:
        super().line_up(now)
        self.mqtt.connect = msgspec.structs.replace(self.mqtt.connect, keep_alive=2 * self.keep_alive())


class NoKeepAlive(Firmware):
    def keep_alive(self) -> int:
        return 0


class CallsAtOnceAfterPowerCut(Firmware):
    def wait_at_boot(self) -> timedelta:
        return timedelta(0)


class SubscribesOnlyOnce(Firmware):
    asked = False

    def subscribe(self) -> None:
        if not self.asked:
            self.asked = True
            super().subscribe()


class SubscribesWithQosZero(Firmware):
    def subscribe(self) -> None:
        self.mqtt.subscribe(((self.identity.topic(Channel.COMMAND), 0),))


class WaitsForEverForConnack(Firmware):
    """Nothing is watched until the connection is accepted."""

    def line_up(self, now: datetime) -> None:
        super().line_up(now)
        del self.timers[Timer.GREETING]
        self.mqtt.connect = msgspec.structs.replace(self.mqtt.connect, keep_alive=0)

    def welcomed(self, connack: Connack, now: datetime) -> None:
        self.mqtt.connect = self.connect_packet()
        super().welcomed(connack, now)


class SlowToComeBack(Firmware):
    """The pause doubles without a limit."""

    def back_off(self, failures: int) -> timedelta:
        return timedelta(seconds=30) * 2.0 ** min(failures, 12)


MUTANTS = (
    Mutant(
        name="no_will", profile=ProfileName.PULL_CORD, firmware=NoWill, source="UtilitechAS/amsreader-firmware#722",
        title=Bilingual(
            "连接时没有遗嘱，断线后平台上一直显示在线。",
            "It connects without a will, and stays online on the platform when it is gone.",
        ),
        names="the will that says offline", fails="S-10",
    ),
    Mutant(
        name="will_not_retained", profile=ProfileName.WATER, firmware=WillNotRetained, source="pinkywafer/PinkyLEDs#6",
        title=Bilingual(
            "遗嘱未设保留，后来的订阅者看到的仍是在线。", "Its will is not retained: who looks later still reads that it is online.",
        ),
        names="the will's retain flag", fails="S-10",
    ),
    Mutant(
        name="online_not_retained", profile=ProfileName.SMOKE, firmware=OnlineNotRetained,
        source="F1p/Home-Assistant-Mitsubishi-CN105-to-MQTT#60",
        title=Bilingual("上线消息未设保留，平台一直停在离线。", "It says online without retain, so that the kept status stays at offline."),
        names="status online, retained", fails="S-08",
    ),
    Mutant(
        name="online_only_at_boot", profile=ProfileName.DOOR, firmware=OnlineOnlyAtBoot, source="256dpi/arduino-mqtt#166",
        title=Bilingual(
            "只在开机时报一次在线，重连后再也不报。",
            "It says online once after the start, and never again after a reconnect.",
        ),
        names="status online after every connect", fails="S-09",
    ),
    Mutant(
        name="one_client_id_for_all", profile=ProfileName.MOTION, firmware=OneClientIdForAll, source="knolleary/pubsubclient#129",
        title=Bilingual(
            "出厂的客户端标识都一样，两台设备互相踢下线。",
            "All units carry one client id, and two of them throw each other out.",
        ),
        names="a client id of its own", fails="I-07",
    ),
    Mutant(
        name="clean_session", profile=ProfileName.PENDANT, firmware=CleanSession,
        title=Bilingual("声明保持会话，实际每次都清空会话。", "It states a kept session and asks for a clean one."),
        names="the stated kind of session", fails="C-05",
    ),
    Mutant(
        name="reconnects_without_pause", profile=ProfileName.GAS, firmware=ReconnectsWithoutPause, source="redakker/blecker#27",
        title=Bilingual(
            "断线后不间断地重连，每秒上百次。",
            "After a lost line it tries again without a pause, hundreds of times a second.",
        ),
        names="pauses between connection attempts", fails="R-11",
    ),
    Mutant(
        name="gives_up", profile=ProfileName.PULL_CORD, firmware=GivesUp, source="xoseperez/espurna#264",
        title=Bilingual(
            "服务器停机稍久就不再重连，要人去断电重启。",
            "When the server is away for a while it stops trying, until somebody restarts it.",
        ),
        names="coming back after a long outage", fails="F-14",
    ),
    Mutant(
        name="tries_refusal_again_at_once", profile=ProfileName.CO, firmware=TriesRefusalAgainAtOnce, source="tuanpmt/esp32-mqtt#13",
        title=Bilingual("密码被拒后立刻再试，没完没了。", "Refused for its password it tries again at once, without end."),
        names="a pause after a refusal", fails="C-09",
        also=(
            Also("R-11", "a server that hangs up is tried again at once in the same way"),
        ),
    ),
    Mutant(
        name="refused_for_ever", profile=ProfileName.WATER, firmware=RefusedForEver,
        source="adafruit/Adafruit_CircuitPython_MiniMQTT#213",
        title=Bilingual("被拒绝一次后永远不再连接。", "Refused once, it never tries again."),
        names="trying again after a refusal", fails="C-09",
    ),
    Mutant(
        name="does_not_miss_ping_answers", profile=ProfileName.HUB, firmware=DoesNotMissPingAnswers, source="espressif/esp-mqtt#54",
        title=Bilingual("心跳包发出去就算成功，连接早已断了也不知道。", "A ping counts once it is sent: a dead line stays up for it."),
        names="a half-open line found by a missing PINGRESP", fails="C-11",
    ),
    Mutant(
        name="pings_too_seldom", profile=ProfileName.GAS, firmware=PingsTooSeldom, source="eclipse-mosquitto/mosquitto#2124",
        title=Bilingual(
            "承诺的保活间隔比实际发心跳的间隔短，总被服务器断开。",
            "It pings less often than the keep-alive it promised, and is cut off.",
        ),
        names="keep-alive kept", fails="C-07",
    ),
    Mutant(
        name="no_keep_alive", profile=ProfileName.DOOR, firmware=NoKeepAlive,
        title=Bilingual("保活设为零，服务器无从发现它掉线。", "Its keep-alive is zero, so that the server never finds it gone."),
        names="a keep-alive at all", fails="C-06",
    ),
    Mutant(
        name="calls_at_once_after_power_cut", profile=ProfileName.SMOKE, firmware=CallsAtOnceAfterPowerCut,
        title=Bilingual(
            "来电后不错开时间，一条街的设备同时连上来。",
            "After a power cut it connects at once, together with the whole street.",
        ),
        names="a random pause at the start", fails="F-13",
    ),
    Mutant(
        name="subscribes_only_once", profile=ProfileName.PULL_CORD, firmware=SubscribesOnlyOnce, source="tuanpmt/esp_mqtt#15",
        title=Bilingual(
            "只在开机时订阅，服务器丢了会话后再也收不到命令。",
            "It subscribes once; when the server has lost the session, no command comes.",
        ),
        names="subscribing again when the session is gone", fails="C-12",
    ),
    Mutant(
        name="subscribes_with_qos_zero", profile=ProfileName.FALL, firmware=SubscribesWithQosZero,
        title=Bilingual(
            "以 QoS 0 订阅命令，断线期间的回执全部丢失。",
            "It subscribes with QoS 0: receipts sent while it is away are lost.",
        ),
        names="commands with QoS 1", fails="M-06",
    ),
    Mutant(
        name="waits_for_ever_for_connack", profile=ProfileName.WATCH, firmware=WaitsForEverForConnack,
        title=Bilingual("服务器不回应连接时一直干等。", "When CONNECT gets no answer it waits for ever."),
        names="giving up a connection without CONNACK", fails="C-10",
    ),
    Mutant(
        name="slow_to_come_back", profile=ProfileName.CO, firmware=SlowToComeBack,
        title=Bilingual(
            "重连间隔越来越长，网络恢复后几小时才回来。",
            "Its pauses double without a limit: hours pass after the line is back.",
        ),
        names="back within the stated time", fails="F-14",
    ),
)  # fmt: skip
