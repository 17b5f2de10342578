"""What the load says: reports of the demonstration's homes, three devices each, as MQTT packets with holes for what changes.

A packet is filled in by one `%` of bytes, under a microsecond, so that the load costs little of the machine it measures.
"""

from datetime import UTC, datetime, timedelta, timezone

import msgspec

from config.community import DemoHome, community

SEED = 1
"""Of the demonstration's community, as `up` has it by default."""

CHINA = timezone(timedelta(hours=8))

_VALUES = {
    "watch": '"heart_rate":%%02d,"spo2":97,"body_temperature":36.5,"steps":12%d,"battery":%d,"rssi":-61',
    "motion-living": '"occupancy":false,"humidity":%%02d,"temperature":21.4,"illuminance":%d,"battery":%d',
    "smoke": '"smoke":false,"smoke_density":0.02,"rssi":-%%02d,"temperature":22.5,"humidity":%d.5,"battery":%d',
}
"""By slot of the demonstration's kit: no value of these raises anything."""


class Source(msgspec.Struct, frozen=True):
    """One device. `packet` has four holes: packet identifier, the report's number, its moment, a reading of two digits."""

    home: str
    topic: str
    packet: bytes
    payload_bytes: int
    """Filled in."""


def sources(count: int, letter: str) -> list[Source]:
    """Three devices of each of so many homes, a home's beside each other. `letter` tells the reports of this load from those of others."""
    place = community(count, SEED)
    areas = {home.id: home.area for home in place.homes}
    found: list[Source] = []
    for number, device in enumerate(d for d in place.devices if d.slot in _VALUES):
        topic = f"anju/v1/{areas[device.home]}/{device.home}/{device.id}/report"
        values = _VALUES[device.slot] % (20 + number % 80, 20 + number % 77)
        payload = f'{{"id":"{prefix(letter)}%017d","at":"%b","values":{{{values}}}}}'.encode()
        filled = payload % (0, moment(0.0), 0)
        found.append(Source(device.home, topic, head(topic, len(filled)) + b"%b" + payload, len(filled)))
    return found


def homes(count: int) -> tuple[DemoHome, ...]:
    return community(count, SEED).homes


def first_area() -> str:
    """A community's code, of the demonstration."""
    return community(1, SEED).homes[0].area


def calls(count: int) -> list[Source]:
    """The cord by the bed of every home, pulled."""
    place = community(count, SEED)
    areas = {home.id: home.area for home in place.homes}
    found: list[Source] = []
    for device in (d for d in place.devices if d.slot == "cord-bed"):
        topic = f"anju/v1/{areas[device.home]}/{device.home}/{device.id}/alarm"
        payload = f'{{"id":"{prefix("!")}%017d","at":"%b","values":{{"pull_cord":true,"battery":87,"rssi":-%02d}}}}'.encode()
        filled = payload % (0, moment(0.0), 0)
        found.append(Source(device.home, topic, head(topic, len(filled)) + b"%b" + payload, len(filled)))
    return found


def prefix(letter: str) -> str:
    """How the ids of a load begin; with seventeen digits they have 26 characters, as a ULID has."""
    return f"01JBENCH{letter}"


def head(topic: str, payload_bytes: int) -> bytes:
    """A QoS 1 PUBLISH up to its packet identifier, as one side of a `%`."""
    name = topic.encode()
    return (b"\x32" + remaining_length(2 + len(name) + 2 + payload_bytes) + text(name)).replace(b"%", b"%%")


def text(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def remaining_length(size: int) -> bytes:
    """MQTT 3.1.1, 2.2.3."""
    out = bytearray()
    while True:
        size, low = divmod(size, 128)
        out.append(low | (0x80 if size else 0))
        if not size:
            return bytes(out)


def connect(client_id: str, username: str, password: str) -> bytes:
    """A CONNECT of MQTT 3.1.1 with a clean session and no keep-alive; without a user name an anonymous one."""
    flags = 0xC2 if username else 0x02
    body = text(b"MQTT") + bytes((4, flags, 0, 0)) + text(client_id.encode())
    if username:
        body += text(username.encode()) + text(password.encode())
    return b"\x10" + remaining_length(len(body)) + body


def subscribe(topic_filter: str) -> bytes:
    """QoS 1, packet identifier 1."""
    body = b"\x00\x01" + text(topic_filter.encode()) + b"\x01"
    return b"\x82" + remaining_length(len(body)) + body


def moment(at: float) -> bytes:
    """RFC 3339 in China's time to the millisecond, of seconds since 1970."""
    return datetime.fromtimestamp(at, UTC).astimezone(CHINA).isoformat(timespec="milliseconds").encode()
