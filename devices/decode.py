"""(topic, payload, moment of receipt) -> what was said, or DecodeError that names the place. Total: no input makes it do anything else."""

from datetime import datetime

from devices.catalog import DIALECTS, native, salvage
from devices.message import NO_DIRECTORY, Directory, Message
from devices.observation import DecodeError
from devices.topic import BridgeTopic, Channel, DeviceTopic, parse

REPORT_LIMIT = 64 * 1024
"""Bytes of a native message."""
BRIDGE_LIMIT = 4 * 1024 * 1024
"""Bytes of a message on `bridge/`: a hub's list of devices is long."""
EXCERPT = 1024
"""Bytes that are kept of a message over its limit."""


def decode(
    topic: str | DeviceTopic | BridgeTopic, payload: bytes, received_at: datetime, directory: Directory = NO_DIRECTORY, *,
    size: int | None = None,
) -> Message:  # fmt: skip
    """What a message means. `received_at` is aware; `directory` is what the home's hubs have listed so far.

    `size`: how long the message was when it came. One over its limit is kept as its beginning only, and refused,
    unless a call stands plainly in that.
    """
    parsed = parse(topic) if isinstance(topic, str) else topic
    try:
        length = len(payload)
        if type(parsed) is DeviceTopic and length <= REPORT_LIMIT and (size is None or size == length):
            return native(parsed, payload, received_at)
        return _decode(parsed, payload, received_at, directory, length if size is None else size)
    except DecodeError:
        raise
    except Exception as bug:  # noqa: BLE001 - see below
        # Ours, not the device's. Left to rise it would end the kit's connection, delivery after delivery, and nothing that the kit has
        # to say behind this message would ever be heard.
        wrong = DecodeError("payload", f"a fault of the reader itself: {bug!r}"[:200])
        return _salvage(parsed, payload, received_at, wrong)


def _decode(parsed: DeviceTopic | BridgeTopic, payload: bytes, received_at: datetime, directory: Directory, came: int) -> Message:
    limit = REPORT_LIMIT if isinstance(parsed, DeviceTopic) else BRIDGE_LIMIT
    if came > limit:
        return _salvage(parsed, payload, received_at, DecodeError("payload", f"{came} bytes, {limit} at most"))
    if came > len(payload):
        raise DecodeError("payload", f"only {len(payload)} of {came} bytes are here")
    assert isinstance(parsed, BridgeTopic), "a device's own message of a size that is sound has been read"
    dialect = DIALECTS.get(parsed.dialect)
    if dialect is None:
        raise DecodeError("topic.dialect", f"{parsed.dialect!r} is not one of {', '.join(DIALECTS)}")
    return dialect(parsed, payload, received_at, directory)


def _salvage(parsed: DeviceTopic | BridgeTopic, payload: bytes, received_at: datetime, wrong: DecodeError) -> Message:
    """The call that stands plainly at the beginning of what cannot be read; without one, `wrong` stands."""
    if isinstance(parsed, DeviceTopic) and parsed.channel in (Channel.REPORT, Channel.ALARM):
        return salvage(parsed, payload[:EXCERPT], received_at, wrong)
    raise wrong
