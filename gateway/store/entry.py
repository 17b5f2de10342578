"""One line of the journal: an item, a fact it gave, or a change of an MQTT session; and their common encoding."""

from datetime import datetime

import msgspec

from alerting.facts import Fact
from alerting.items import Item
from devices.mqtt.entries import SessionEntry

Entry = Item | Fact | SessionEntry


class Stamp(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When a commit was made, on every clock there is. `service_at` is what the core calls `now`; `boottime` in seconds."""

    service_at: datetime
    wall_at: datetime
    boottime: float
    boot_id: str


class Commit(msgspec.Struct, frozen=True, gc=False):
    """What one transaction held. The entry at index i has the sequence number `first_seq + i`."""

    first_seq: int
    stamp: Stamp
    entries: tuple[Entry, ...]

    @property
    def last_seq(self) -> int:
        return self.first_seq + len(self.entries) - 1


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Entry, ...])


def encode(entries: list[Entry]) -> bytes:
    return _encoder.encode(entries)


def decode(body: bytes) -> tuple[Entry, ...]:
    return _decoder.decode(body)
