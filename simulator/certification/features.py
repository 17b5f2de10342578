"""What a vendor states about a device, in TOML: the statement selects the clauses, as a PICS does, and the verdict is bound to it.

A feature is a name that a clause may ask for. A clause whose feature the device does not have does not apply, and says which.
"""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

import msgspec

from devices.mqtt.packets import FIVE, LEVEL
from simulator.scenario import Bilingual
from simulator.virtual.profile import PROFILES, Profile, ProfileName


class Session(StrEnum):
    PERSISTENT = "persistent"
    CLEAN = "clean"


class Repeat(StrEnum):
    """Until when the device says an alarm again."""

    ACKNOWLEDGED = "acknowledged"
    """PUBACK."""
    RECEIPT = "receipt"
    """The platform's receipt."""


class ClockSource(StrEnum):
    NETWORK = "network"
    """NTP, mobile network, satellites."""
    NONE = "none"
    """It never says a time."""


class Connection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`levels`: 4 is MQTT 3.1.1, 5 is 5.0. `reconnects_within`: the longest pause between two tries, once there is a line again."""

    levels: tuple[int, ...] = (LEVEL,)
    tls: bool = False
    websocket: bool = False
    client_certificate: bool = False
    session: Session = Session.PERSISTENT
    sleeps: bool = False
    """It connects to say something, and goes again."""
    reconnects_within: timedelta = timedelta(minutes=2)


class Alarm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`within`: from the stimulus to the report. `acknowledged_within`: how long it waits for a PUBACK before it tries otherwise."""

    within: timedelta = timedelta(seconds=10)
    channel: bool = True
    """It uses the channel `alarm`."""
    repeat: Repeat = Repeat.ACKNOWLEDGED
    acknowledged_within: timedelta = timedelta(seconds=60)
    restore: bool = False
    cancel: bool = False
    self_test: bool = False
    receipts: bool = False
    """It shows its person how far the call has come."""


class Features(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`firmware_hash`: SHA-256 of the image, hex. `store`: readings that survive an outage.

    `acceleration`: how much faster than life the firmware's own clock runs for the examination.
    """

    profile: ProfileName
    vendor: str
    model: str
    firmware: str
    heartbeat: timedelta
    firmware_hash: str = ""
    connection: Connection = Connection()
    alarm: Alarm = Alarm()
    commands: tuple[str, ...] = ()
    """Beside `receipt`."""
    store: int = 0
    alarm_store: bool = True
    """Alarms that are not acknowledged survive a loss of power."""
    clock: ClockSource = ClockSource.NETWORK
    battery: bool = False
    battery_low_at: float = 20.0
    """%"""
    acceleration: float = 1.0
    unit: str = ""
    """Serial number or hardware address of the unit on the bench, where its client id is made of that and not of what it was given."""

    @property
    def of_profile(self) -> Profile:
        return PROFILES[self.profile]


class Feature(msgspec.Struct, frozen=True):
    """`without` says what a device that does not have it does not do."""

    has: Callable[[Features], bool]
    without: Bilingual


FEATURES: dict[str, Feature] = {
    "alarm": Feature(
        lambda f: f.of_profile.alarm is not None, Bilingual("该类设备本身不发出求助或危险报警", "devices of this kind call for no help"),
    ),
    "restore": Feature(lambda f: f.alarm.restore, Bilingual("未声明报警恢复上报", "it does not state that it reports the end of an alarm")),
    "cancel": Feature(lambda f: f.alarm.cancel, Bilingual("未声明取消功能", "it does not state that a call can be cancelled")),
    "self_test": Feature(lambda f: f.alarm.self_test, Bilingual("未声明自检功能", "it does not state a self-test")),
    "receipts": Feature(lambda f: f.alarm.receipts, Bilingual("未声明回执提示", "it does not state that it shows receipts")),
    "repeat_receipt": Feature(
        lambda f: f.alarm.repeat is Repeat.RECEIPT, Bilingual("未声明重复至收到回执", "it does not state that it repeats until a receipt"),
    ),
    "alarm_channel": Feature(
        lambda f: f.alarm.channel, Bilingual("未声明使用 alarm 通道", "it does not state that it uses the channel alarm"),
    ),
    "alarm_store": Feature(
        lambda f: f.alarm_store, Bilingual("未声明掉电保存报警", "it does not state that alarms survive a loss of power"),
    ),
    "store": Feature(lambda f: f.store > 0, Bilingual("未声明断网存储", "it does not state that it keeps readings over an outage")),
    "stays": Feature(lambda f: not f.connection.sleeps, Bilingual("声明平时不保持连接", "it states that it sleeps without a line")),
    "listens": Feature(
        lambda f: bool(f.commands) or f.alarm.receipts, Bilingual("未声明接收命令或回执", "it states neither commands nor receipts"),
    ),
    "persistent": Feature(lambda f: f.connection.session is Session.PERSISTENT, Bilingual("声明为临时会话", "it states a clean session")),
    "tls": Feature(lambda f: f.connection.tls, Bilingual("未声明 TLS", "it does not state TLS")),
    "websocket": Feature(lambda f: f.connection.websocket, Bilingual("未声明 WebSocket", "it does not state WebSocket")),
    "client_certificate": Feature(
        lambda f: f.connection.client_certificate, Bilingual("未声明客户端证书", "it does not state a client certificate"),
    ),
    "mqtt311": Feature(lambda f: LEVEL in f.connection.levels, Bilingual("未声明 MQTT 3.1.1", "it does not state MQTT 3.1.1")),
    "mqtt5": Feature(lambda f: FIVE in f.connection.levels, Bilingual("未声明 MQTT 5.0", "it does not state MQTT 5.0")),
    "commands": Feature(lambda f: bool(f.commands), Bilingual("未声明支持任何命令", "it states no command")),
    "self_test_command": Feature(
        lambda f: "self_test" in f.commands, Bilingual("未声明命令 self_test", "it does not state the command self_test"),
    ),
    "clock": Feature(lambda f: f.clock is not ClockSource.NONE, Bilingual("声明不带时钟", "it states that it has no clock")),
    "battery": Feature(lambda f: f.battery, Bilingual("声明不使用电池", "it states that it has no battery")),
    "mains": Feature(
        lambda f: "mains_lost" in f.of_profile.exposes, Bilingual("该类设备不使用市电", "devices of this kind do not run on mains"),
    ),
}  # fmt: skip


def reference(profile: Profile) -> Features:
    """What our own virtual device of a profile states."""
    alarm = Alarm(
        repeat=Repeat.RECEIPT if profile.receipts else Repeat.ACKNOWLEDGED,
        restore=profile.alarm is not None and not profile.alarm.momentary,
        cancel=profile.cancels, self_test=profile.tests, receipts=profile.receipts,
    )  # fmt: skip
    commands = ("identify", "ping", *(("self_test",) if profile.tests else ()), *(("prompt",) if profile.speaks else ()))
    return Features(
        profile.name, "Anju reference", profile.model, profile.firmware, profile.heartbeat,
        connection=Connection(levels=(LEVEL, FIVE), tls=True), alarm=alarm, commands=commands, store=200,
        battery=bool(profile.battery_days),
    )  # fmt: skip
