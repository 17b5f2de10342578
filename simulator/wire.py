"""The outer contract as a device maker reads it: topics, reports, status, commands and replies as bytes.

Written from the contract, not from `devices`: the platform's decoder is an independent reading, and the two meet in the tests.
"""

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import UNSET, UnsetType


class Values(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one report says; what is unset is not said. One unit each, as the contract has it."""

    sos: bool | UnsetType = UNSET
    pull_cord: bool | UnsetType = UNSET
    smoke: bool | UnsetType = UNSET
    heat_alarm: bool | UnsetType = UNSET
    co_alarm: bool | UnsetType = UNSET
    gas_alarm: bool | UnsetType = UNSET
    water_leak: bool | UnsetType = UNSET
    fall: bool | UnsetType = UNSET
    cancel: bool | UnsetType = UNSET
    checked_in: bool | UnsetType = UNSET
    medication_taken: bool | UnsetType = UNSET
    bed_occupied: bool | UnsetType = UNSET
    fault: bool | UnsetType = UNSET
    occupancy: bool | UnsetType = UNSET
    contact_open: bool | UnsetType = UNSET
    tamper: bool | UnsetType = UNSET
    mains_lost: bool | UnsetType = UNSET
    battery_low: bool | UnsetType = UNSET
    test: bool | UnsetType = UNSET
    heart_rate: float | UnsetType = UNSET
    """/min"""
    spo2: float | UnsetType = UNSET
    """%"""
    respiration_rate: float | UnsetType = UNSET
    """/min"""
    body_temperature: float | UnsetType = UNSET
    """°C"""
    systolic: float | UnsetType = UNSET
    """mmHg"""
    diastolic: float | UnsetType = UNSET
    """mmHg"""
    steps: int | UnsetType = UNSET
    """since midnight"""
    temperature: float | UnsetType = UNSET
    """°C"""
    smoke_density: float | UnsetType = UNSET
    """dB/m"""
    co: float | UnsetType = UNSET
    """ppm"""
    gas: float | UnsetType = UNSET
    """%LEL"""
    water_used: float | UnsetType = UNSET
    """m³, a meter's"""
    energy_used: float | UnsetType = UNSET
    """kWh, a meter's"""
    battery: int | UnsetType = UNSET
    """%"""
    rssi: int | UnsetType = UNSET
    """dBm"""

    @property
    def urgent(self) -> bool:
        """A call or a hazard: it goes on `alarm`, ahead of everything else."""
        calls = (self.sos, self.pull_cord, self.smoke, self.heat_alarm, self.co_alarm, self.gas_alarm, self.fall)
        return any(value is True for value in calls)


class Channel(StrEnum):
    REPORT = "report"
    ALARM = "alarm"
    STATUS = "status"
    COMMAND = "command"
    REPLY = "reply"


class Address(msgspec.Struct, frozen=True):
    """Where a home stands in the topic tree."""

    area: str
    home: str

    def topic(self, device: str, channel: Channel) -> str:
        return f"anju/v1/{self.area}/{self.home}/{device}/{channel}"

    def bridged(self, dialect: str, original: str) -> str:
        """The foreign topic, unchanged, behind the dialect."""
        return f"anju/v1/{self.area}/{self.home}/bridge/{dialect}/{original}"

    @property
    def commands(self) -> str:
        """The filter for every device's commands."""
        return f"anju/v1/{self.area}/{self.home}/+/command"


def original_of(topic: str, dialect: str) -> str:
    """The foreign topic behind the dialect; empty for any other topic."""
    return topic.partition(f"/bridge/{dialect}/")[2]


def device_of(topic: str) -> str:
    """The device a `command` topic names."""
    return topic.split("/")[4]


class Stage(StrEnum):
    """How far the call for help has come, as the platform tells the person who called."""

    ACCEPTED = "accepted"
    SEEN = "seen"
    HELPING = "helping"
    CLOSED = "closed"


class Words(msgspec.Struct, frozen=True):
    """What a device is to say, in both languages."""

    zh: str = ""
    en: str = ""


class Command(msgspec.Struct, frozen=True):
    """What the platform asks of a device. With `command: receipt`, `alert` and `stage` are there; other commands want a reply.

    With `command: prompt` there is `text`: the words for a voice or a screen.
    """

    id: str = ""
    command: str = ""
    alert: str = ""
    stage: str = ""
    prompt: str = ""
    text: Words = Words()


class _Report(msgspec.Struct):
    id: str
    at: datetime
    values: Values


class _Status(msgspec.Struct, omit_defaults=True):
    status: str
    model: str = ""
    firmware: str = ""


class _Reply(msgspec.Struct, omit_defaults=True):
    id: str
    result: str = ""
    error: str = ""


_encoder = msgspec.json.Encoder()
_commands = msgspec.json.Decoder(Command)


def report(report_id: str, at: datetime, values: Values) -> bytes:
    """`at` carries its offset. The same id again is the same report, delivered again."""
    return _encoder.encode(_Report(report_id, at, values))


def online(model: str, firmware: str) -> bytes:
    return _encoder.encode(_Status("online", model, firmware))


OFFLINE = _encoder.encode(_Status("offline"))
"""Also a hub's will."""


def done(command_id: str) -> bytes:
    return _encoder.encode(_Reply(command_id, result="done"))


def refused(command_id: str, why: str) -> bytes:
    return _encoder.encode(_Reply(command_id, error=why))


def command(payload: bytes) -> Command:
    """msgspec.DecodeError where the platform sent something else."""
    return _commands.decode(payload)
