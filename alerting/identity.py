"""Ids that follow from what they name, so that judging the same thing again gives the same id."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from alerting.terms import AlertId, NotificationId
from devices.home import DeviceId, HomeId

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def alert_id(home: HomeId, matter: str, cause: str, at: datetime) -> AlertId:
    """26 characters in the form of a ULID: the millisecond of the cause, then 80 bits of what it was.

    `cause` tells one occurrence from another: the report's id with its device, or the moment that was due.
    """
    ms = max(0, (at - _EPOCH) // _MS) & (1 << 48) - 1
    return AlertId(_text(ms << 80 | int.from_bytes(_digest(10, home, matter, cause)), 26))


def notification_id(alert: AlertId, round_: int, step: int, target: str, channel: str) -> NotificationId:
    return NotificationId(_text(int.from_bytes(_digest(16, alert, str(round_), str(step), target, channel)), 26))


def command_id(alert: AlertId, device: DeviceId, stage: str) -> str:
    return _text(int.from_bytes(_digest(16, alert, device, stage)), 26)


def message_id(home: HomeId, *parts: str) -> NotificationId:
    """Of what is told and is no alert's: as sure to be the same again as that of a notification, and never one of those."""
    return NotificationId(_text(int.from_bytes(_digest(16, "message", home, *parts)), 26))


def short_hash(text: str) -> bytes:
    """Eight bytes that stand for a report's id or an idempotency key."""
    try:
        plain = text.encode()
    except UnicodeEncodeError:
        plain = text.encode("utf-8", "surrogatepass")
    return blake2b(plain, digest_size=8).digest()


def _digest(size: int, *parts: str) -> bytes:
    return blake2b("\x00".join(parts).encode("utf-8", "surrogatepass"), digest_size=size).digest()


def _text(number: int, length: int) -> str:
    return "".join(_CROCKFORD[number >> 5 * i & 31] for i in range(length - 1, -1, -1))
