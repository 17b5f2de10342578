"""A scenario as a recording: what a platform would hear of it and when, as `./anju rules backtest --recording` reads it.

JSON lines in the order of receipt: the community first (`register`), then each message with `received_at`, `topic` and `payload`. It is
told in virtual time and through the homes' own hubs, so that what a hub keeps while its line is cut is received when the line is back,
calls first; the platform sees the hub's will when the line breaks. Of a story's weather only such cuts are in it: delays, lost
acknowledgements and broken handshakes are between a line and a broker, and there is none here. The same seed gives the same bytes.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import msgspec

from config.community import Community
from simulator.clock import CHINA, Clock
from simulator.home import HomeRecord
from simulator.hub import Hub, Letter
from simulator.play import hand_over
from simulator.world import Emission, LineCut, LineRestored

DAY = datetime(2026, 3, 2, tzinfo=CHINA)
"""A Monday, on which every recording begins."""


class _Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """An area, a home or a device, with the fields of its kind."""

    id: str
    name: str = ""
    parent: str = ""
    area: str = ""
    latitude: float | None = None
    longitude: float | None = None
    home: str = ""
    model: str = ""
    room: str = ""


class _Registered(msgspec.Struct, frozen=True):
    register: dict[str, _Place]


class _Received(msgspec.Struct, frozen=True):
    received_at: datetime
    topic: str
    payload: msgspec.Raw


_encode = msgspec.json.Encoder().encode


class Recorder:
    """Writes as it is told. `local_s`: at which second of the day the story begins."""

    def __init__(self, hubs: Mapping[str, Hub], local_s: float, file: BinaryIO) -> None:
        self._hubs = hubs
        self._clock = Clock((DAY + timedelta(seconds=local_s)).astimezone(UTC), 0.0)
        self._file = file
        self.messages = 0

    def open(self, made: Community, records: Iterable[HomeRecord]) -> None:
        """Who there is, and their first words. `records`: the homes as the story furnishes them."""
        for area in made.areas:
            self._register("area", _Place(area.id, area.name, area.parent or ""))
        for home in made.homes:
            self._register("home", _Place(home.id, home.name, area=home.area, latitude=home.latitude, longitude=home.longitude))
        for record in records:
            for device in record.devices:
                self._register("device", _Place(device.id, home=record.id, model=device.model, room=device.room))
        for hub in self._hubs.values():
            hub.came_up()
            self._deliver(hub, 0.0)

    def tell(self, at: float, emission: Emission) -> None:
        hub = self._hubs[emission.home]
        was_cut = hub.cut
        hand_over(emission, hub, self._clock, at)
        match emission:
            case LineCut() if not was_cut:
                self._write(hub.will, at)
                hub.went_down()
            case LineRestored() if was_cut:
                hub.came_up()
            case _:
                pass
        if not hub.cut:
            self._deliver(hub, at)

    def _deliver(self, hub: Hub, at: float) -> None:
        while (taken := hub.take()) is not None:
            flight, letter = taken
            self._write(letter, at)
            hub.settled(flight)

    def _register(self, kind: str, place: _Place) -> None:
        self._file.write(_encode(_Registered({kind: place})) + b"\n")

    def _write(self, letter: Letter, at: float) -> None:
        self.messages += 1
        self._file.write(_encode(_Received(self._clock.wall(at), letter.topic, _json(letter.payload))) + b"\n")


def _json(payload: bytes) -> msgspec.Raw:
    """As it is where it is JSON, which all is that homes of the contract say; else its text as a string."""
    try:
        msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return msgspec.Raw(_encode(payload.decode(errors="replace")))
    return msgspec.Raw(payload)
