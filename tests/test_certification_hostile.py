"""R: a device that one thing a server says does harm to fails the clause that says it."""

from datetime import datetime

import msgspec
import pytest

from devices.mqtt.client import Event
from devices.mqtt.packets import Connack, Disconnect, Publish, Reason, Refusal, Suback
from simulator.virtual.firmware import Firmware
from simulator.virtual.profile import ProfileName
from simulator.virtual.radio import Timer
from simulator.virtual.stimulus import Deed
from tests.faulty import fails, open_with

STRANGE = (4242).to_bytes(2, "big")


class Mortal(Firmware):
    """Something may hang it for good: no watchdog."""

    dead = False

    def dies(self) -> None:
        self.dead, self.wants_line = True, False
        self.timers.clear()

    def receive(self, data: bytes, now: datetime) -> None:
        if not self.dead:
            super().receive(data, now)

    def sense(self, deed: Deed, now: datetime) -> None:
        if not self.dead:
            super().sense(deed, now)

    def line_down(self, now: datetime) -> None:
        super().line_down(now)
        if self.dead:
            self.timers.clear()


class DiesOfAPing(Mortal):
    def receive(self, data: bytes, now: datetime) -> None:
        super().receive(data, now)
        if data == b"\xc0\x00":
            self.dies()


class WaitsForTheRest(Firmware):
    """Everything is part of the one packet, and something does come: the line is taken for alive."""

    swallows = False

    def receive(self, data: bytes, now: datetime) -> None:
        self.swallows = self.swallows or data.startswith(b"\x30\xff\xff\xff\x7f")
        if not self.swallows or data == b"\xd0\x00":
            super().receive(data, now)

    def unacknowledged(self, now: datetime) -> None:
        if not self.swallows:
            super().unacknowledged(now)


class LittleMemory(Mortal):
    def commanded(self, message: Publish, now: datetime) -> None:
        super().commanded(message, now)
        if message.retain and len(message.payload) > 4096:
            self.dies()


class AnyAcknowledgementWillDo(Firmware):
    def receive(self, data: bytes, now: datetime) -> None:
        super().receive(data, now)
        if data.startswith(b"\x40\x02" + STRANGE):
            self.flying.clear()
            self.flash.alarms.clear()
            self.timers.pop(Timer.UNACKNOWLEDGED, None)


class DiesOfASuback(Mortal):
    def receive(self, data: bytes, now: datetime) -> None:
        super().receive(data, now)
        if data.startswith(b"\x90\x03" + STRANGE):
            self.dies()


class MustSubscribe(Firmware):
    def heard(self, event: Event, now: datetime) -> None:
        super().heard(event, now)
        if isinstance(event, Suback) and max(event.codes) >= 0x80:
            self.failures = 0
            self.hang_up(now)


class SubscribesFirst(Firmware):
    subscribed = False

    def line_down(self, now: datetime) -> None:
        self.subscribed = False
        super().line_down(now)

    def heard(self, event: Event, now: datetime) -> None:
        self.subscribed = self.subscribed or isinstance(event, Suback)
        super().heard(event, now)

    def send_alarms(self, now: datetime) -> None:
        if self.subscribed:
            super().send_alarms(now)

    def send_waiting(self, now: datetime) -> None:
        if self.subscribed:
            super().send_waiting(now)


class DoesAnybodysCommands(Firmware):
    def heard(self, event: Event, now: datetime) -> None:
        super().heard(event, now)
        if isinstance(event, Publish) and not event.topic.endswith(f"/{self.identity.device}/command"):
            self.commanded(event, now)


class TiredOfCommands(Firmware):
    counted = 0

    def commanded(self, message: Publish, now: datetime) -> None:
        self.counted += 1
        super().commanded(message, now)

    def sense(self, deed: Deed, now: datetime) -> None:
        if self.counted < 100:
            super().sense(deed, now)


class TakesNoForAnAnswer(Mortal):
    """Not authorized is for ever."""

    def refused(self, connack: Connack, now: datetime) -> None:
        super().refused(connack, now)
        if connack.code in (Refusal.NOT_AUTHORIZED, Reason.NOT_AUTHORIZED):
            self.dies()


class WelcomedIsWell(Firmware):
    """A CONNACK ends its pauses, whatever comes of the connection."""

    def welcomed(self, connack: Connack, now: datetime) -> None:
        super().welcomed(connack, now)
        self.failures = 0


class BelievesInItsSession(Firmware):
    kept = False

    def welcomed(self, connack: Connack, now: datetime) -> None:
        self.kept = connack.session_present
        super().welcomed(connack, now)

    def subscribe(self) -> None:
        if not self.kept:
            super().subscribe()


class AsLongAsItLikes(Firmware):
    def welcomed(self, connack: Connack, now: datetime) -> None:
        self.mqtt._server = msgspec.structs.replace(connack.properties, maximum_packet_size=None)
        super().welcomed(connack, now)


class AnyPubackIsYes(Firmware):
    def settled(self, number: int, code: int, now: datetime) -> None:
        super().settled(number, 0, now)


class GoneForGood(Mortal):
    """A server that says goodbye to it has no use for it."""

    def heard(self, event: Event, now: datetime) -> None:
        super().heard(event, now)
        if isinstance(event, Disconnect) and event.code == Reason.NOT_AUTHORIZED:
            self.dies()


@pytest.mark.parametrize(
    ("firmware", "number", "level"),
    [
        pytest.param(DiesOfAPing, "R-01", 4, id="hangs after a packet that no server may send"),
        pytest.param(WaitsForTheRest, "R-02", 4, id="waits for ever for the rest of a packet"),
        pytest.param(LittleMemory, "R-03", 4, id="hangs after a huge retained command"),
        pytest.param(AnyAcknowledgementWillDo, "R-04", 4, id="any PUBACK is the alarm's"),
        pytest.param(DiesOfASuback, "R-05", 4, id="hangs after a SUBACK for nothing"),
        pytest.param(MustSubscribe, "R-06", 4, id="hammers when its subscription is refused"),
        pytest.param(SubscribesFirst, "R-07", 4, id="says nothing before its SUBACK"),
        pytest.param(DoesAnybodysCommands, "R-08", 4, id="does the commands of another"),
        pytest.param(TiredOfCommands, "R-09", 4, id="feels nothing after a hundred commands"),
        pytest.param(TakesNoForAnAnswer, "R-10", 4, id="not authorized is for ever"),
        pytest.param(TakesNoForAnAnswer, "R-10", 5, id="not authorized is for ever in 5.0"),
        pytest.param(WelcomedIsWell, "R-11", 4, id="a welcome ends all pauses"),
        pytest.param(BelievesInItsSession, "R-12", 4, id="believes in a session that is not there"),
        pytest.param(AsLongAsItLikes, "R-13", 5, id="packets as long as it likes"),
        pytest.param(GoneForGood, "R-15", 5, id="a goodbye is for ever"),
    ],
)
def test_a_device_that_a_server_can_harm_fails_the_clause_that_says_how(firmware: type[Firmware], number: str, level: int) -> None:
    assert fails(firmware, level=level) == [number]


def test_a_device_to_which_any_acknowledgement_says_yes_loses_a_refused_alarm() -> None:
    assert fails(AnyPubackIsYes, profile=ProfileName.SMOKE, level=5) == ["R-14"]


class NeverBack(Firmware):
    def line_down(self, now: datetime) -> None:
        super().line_down(now)
        self.timers.pop(Timer.CONNECT, None)


@pytest.mark.parametrize("number", ["R-01", "R-02", "R-03", "R-05", "R-06", "R-07", "R-10", "R-11"])
def test_a_device_that_never_reconnects_is_not_told_that_a_packet_harmed_it(number: str) -> None:
    assert "C-08" in open_with(NeverBack, number)
