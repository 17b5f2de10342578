"""F: a device with one fault of its network code fails the one clause that names it."""

from datetime import datetime, timedelta

import pytest

from devices.mqtt.client import Client
from simulator.certification.endpoint import Endpoint
from simulator.certification.lab import EPOCH, identity
from simulator.certification.trace import Changed
from simulator.virtual.firmware import Firmware
from simulator.virtual.flash import Letter
from simulator.virtual.profile import PROFILES, ProfileName
from simulator.virtual.radio import Shown, Timer
from simulator.wire import Command
from tests.faulty import fails, open_with


class Impatient(Firmware):
    """Four seconds without a PUBACK are a dead line to it."""

    def send(self, letter: Letter, now: datetime) -> None:
        super().send(letter, now)
        if Timer.UNACKNOWLEDGED in self.timers:
            self.timers[Timer.UNACKNOWLEDGED] = min(self.timers[Timer.UNACKNOWLEDGED], now + timedelta(seconds=4))


class TalksToADeadLine(Firmware):
    """It says the alarm again where it said it before; what it sends counts as a sign of life, so that it never pings."""

    def unacknowledged(self, now: datetime) -> None:
        for letter in self.flash.alarms:
            self.send(letter, now)


class WholeStoreAtOnce(Firmware):
    def send_waiting(self, now: datetime) -> None:
        super().send_waiting(now)
        if self.mqtt.welcome and len(self.flash.readings) > 4:
            for letter in [letter for letter in self.flash.readings if letter not in self.flying.values()]:
                self.send(letter, now)


class SurprisedByAPong(Firmware):
    """A second answer to one ping is an error to it."""

    def receive(self, data: bytes, now: datetime) -> None:
        super().receive(data, now)
        if data.startswith(b"\xd0\x00\xd0"):
            self.hang_up(now)


class ReceiptMustComeLast(Firmware):
    def receipt(self, command: Command, now: datetime) -> None:
        super().receipt(command, now)
        for letter in self.flying.values():
            letter.heard = False


class FirstInFirstAcknowledged(Firmware):
    """It does not look at the number of a PUBACK."""

    def settled(self, number: int, code: int, now: datetime) -> None:
        oldest = min(self.flying, default=number)
        if oldest != number and self.flying[oldest].urgent:
            self.forget(self.flying.pop(oldest))
        super().settled(number, code, now)

    def unacknowledged(self, now: datetime) -> None:
        if any(letter.urgent for letter in self.flash.alarms):
            super().unacknowledged(now)


class GivesUpAfterFive(Firmware):
    def line_down(self, now: datetime) -> None:
        super().line_down(now)
        if self.failures == 5:
            self.flash.alarms.clear()
            self.flying.clear()
            self.mqtt = type(self.mqtt)(self.connect_packet())


class TrustsTheSession(Firmware):
    """What it handed to its MQTT stack is the session's to keep, and goes with it."""

    def receive(self, data: bytes, now: datetime) -> None:
        if data.startswith(b"\x20\x02\x00\x00") and self.flying:
            for letter in self.flying.values():
                self.forget(letter)
            self.flying.clear()
            self.mqtt = Client(self.connect_packet())
            self.mqtt.open(now)
            self.mqtt.output.clear()
        super().receive(data, now)


class AfraidOfCertificates(Firmware):
    """One that does not check is reason enough to wait for an hour."""

    def trusts(self, shown: Shown) -> bool:
        sound = super().trusts(shown)
        self.wary = not sound
        return sound

    def back_off(self, failures: int) -> timedelta:
        return timedelta(hours=1) if getattr(self, "wary", False) else super().back_off(failures)


class RemembersTheAddress(Firmware):
    def looks_up(self) -> bool:
        return False


class SafeMode(Firmware):
    """Four starts without a connection between them, and it begins as from the factory."""

    def boot(self, now: datetime) -> None:
        super().boot(now)
        if self.flash.boot % 5 == 4:
            self.flash.alarms.clear()


@pytest.mark.parametrize(
    ("firmware", "numbers"),
    [
        pytest.param(Impatient, ["F-02"], id="a delay is a dead line"),
        pytest.param(TalksToADeadLine, ["F-03"], id="an alarm said over and over to a dead line"),
        pytest.param(WholeStoreAtOnce, ["F-04"], id="a backlog before the alarm"),
        pytest.param(SurprisedByAPong, ["F-05"], id="a second pong"),
        pytest.param(ReceiptMustComeLast, ["F-06"], id="a receipt before the acknowledgement"),
        pytest.param(FirstInFirstAcknowledged, ["F-07"], id="any acknowledgement is the oldest's"),
        pytest.param(GivesUpAfterFive, ["F-08"], id="given up after five tries"),
        pytest.param(TrustsTheSession, ["F-09"], id="gone with the session"),
        pytest.param(AfraidOfCertificates, ["F-10"], id="away for an hour after a bad certificate"),
        pytest.param(RemembersTheAddress, ["F-11"], id="an address that is remembered for ever"),
        pytest.param(SafeMode, ["F-12"], id="a flash that is wiped after some starts"),
    ],
)
def test_a_device_with_one_fault_of_its_network_fails_the_clause_that_names_it(firmware: type[Firmware], numbers: list[str]) -> None:
    assert fails(firmware) == numbers


class NeverBack(Firmware):
    def line_down(self, now: datetime) -> None:
        super().line_down(now)
        if self.flash.sequence or self.failures == 1:
            self.timers.pop(Timer.CONNECT, None)


@pytest.mark.parametrize("number", ["F-03", "F-04", "F-08", "F-09", "F-10", "F-11"])
def test_a_device_that_never_reconnects_is_told_so_once(number: str) -> None:
    assert "C-08" in open_with(NeverBack, number)


def test_where_the_name_leads_is_told_in_the_trace() -> None:
    endpoint = Endpoint(identity(PROFILES[ProfileName.PULL_CORD], 4))
    endpoint.turn("the name leads elsewhere", EPOCH).address += 1
    assert [entry.what for entry in endpoint.trace.entries if isinstance(entry, Changed)] == ["the name leads elsewhere"]
    endpoint.reset(EPOCH)
    assert endpoint.behaviour.address == 0
