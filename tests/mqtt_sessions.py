"""Sessions as a fold, for tests: what was begun, and what was sent to whom."""

from datetime import timedelta

from devices.mqtt.entries import SessionBegun, SessionEntry, Subscribed
from devices.mqtt.session import Session, SessionKey, session_key
from devices.mqtt.sessions import Sessions
from tests.endpoint import AT, CREDENTIALS, OWN

COMMAND = f"{OWN}/command"
CORD, HUB, CITY = session_key("cord", "c"), session_key("hub", "h"), session_key("city", "r")


def remembered(*entries: SessionEntry) -> Sessions:
    sessions = Sessions(CREDENTIALS.get)
    for entry in entries:
        sessions.fold(entry)
    return sessions


def begun(key: SessionKey, *filters: tuple[str, int]) -> tuple[SessionEntry, ...]:
    return SessionBegun(key, key.split("/", maxsplit=1)[0], AT), Subscribed(key, filters)


def session(sessions: Sessions, key: SessionKey = CORD) -> Session:
    found = sessions.get(key)
    assert found is not None
    return found


def command(
    sessions: Sessions, number: int = 1, topic: str = COMMAND, *, payload: bytes = b"x", minutes: float | None = None,
) -> list[SessionKey]:  # fmt: skip
    expires_at = None if minutes is None else AT + timedelta(minutes=minutes)
    return sessions.command(f"c{number}", topic, payload, AT + timedelta(seconds=number), expires_at)
