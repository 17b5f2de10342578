"""What MQTT 5.0 adds to the sessions that the endpoint remembers: an end, wills that wait, and what subscriptions say of a message."""

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from devices.mqtt.entries import (
    Retained,
    SessionBegun,
    SessionEnded,
    SessionEntry,
    SessionLasts,
    Subscribed,
    WillSettled,
    WillWaits,
    later,
)
from devices.mqtt.packets import Will
from devices.mqtt.properties import Properties
from devices.mqtt.session import Grant, SessionKey, session_key
from devices.mqtt.sessions import SNAPSHOTS, Sessions
from devices.mqtt.shelves import Status, Waiting
from tests.endpoint import AT, CREDENTIALS, OWN
from tests.mqtt_sessions import CITY, COMMAND, CORD, HUB, begun, command, remembered, session


def lasting(key: SessionKey, expiry_s: int | None) -> tuple[SessionEntry, ...]:
    return SessionBegun(key, key.split("/", maxsplit=1)[0], AT, expiry_s), Subscribed(key, ((COMMAND, 1),))


def test_a_session_ends_when_its_time_is_over_and_not_while_somebody_has_it() -> None:
    """3.1.2.11.2"""
    minute = AT + timedelta(seconds=60)
    sessions = remembered(*lasting(CORD, 60))
    assert sessions.due(AT + timedelta(days=1)) == []
    sessions.fold(SessionLasts(CORD, 60, minute))
    assert sessions.due(minute - timedelta(seconds=1)) == []
    sessions.fold(SessionLasts(CORD, 60, None))
    assert sessions.due(minute) == [], "it came back"
    sessions.fold(SessionLasts(CORD, 60, minute))
    assert sessions.due(minute) == [session(sessions)]
    assert sessions.due(minute) == [], "each is told once"


def test_who_comes_and_goes_all_day_is_ended_once_and_fills_no_memory() -> None:
    sessions = remembered(*lasting(CORD, 86_400))
    before = tracemalloc_of(lambda: coming_and_going(sessions, 100))
    assert tracemalloc_of(lambda: coming_and_going(sessions, 5000)) < before + 20_000, "bytes"
    assert sessions.due(AT + timedelta(seconds=4999 + 86_400)) == [session(sessions)]
    assert len(sessions.due_wills(AT + timedelta(seconds=86_400))) == 1


def coming_and_going(sessions: Sessions, times: int) -> None:
    for second in range(times):
        at = AT + timedelta(seconds=second)
        sessions.fold(SessionLasts(CORD, 86_400, None))
        sessions.fold(SessionLasts(CORD, 86_400, at + timedelta(seconds=86_400)))
        sessions.fold(WillWaits(CORD, "cord", Will(f"{OWN}/status", b"gone"), at + timedelta(seconds=60)))


def tracemalloc_of(work: Callable[[], None]) -> int:
    """Bytes that it leaves behind."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_a_session_that_ends_with_its_connection_is_ended_by_it() -> None:
    sessions = remembered(*lasting(CORD, 60))
    assert sessions.leave(session(sessions), 5, AT) == SessionLasts(CORD, 5, AT + timedelta(seconds=5))
    assert sessions.leave(session(sessions), 0, AT) == SessionEnded(CORD)
    assert sessions.get(CORD) is None


def test_after_a_restart_the_time_of_whoever_was_connected_begins_to_run() -> None:
    sessions = remembered(*lasting(CORD, 60), *lasting(HUB, 0), *lasting(CITY, None))
    gone = session_key("watch", "w")
    for entry in (*lasting(gone, 9), SessionLasts(gone, 9, AT)):
        sessions.fold(entry)
    later = AT + timedelta(hours=1)
    assert sessions.resumed(later) == [SessionLasts(CORD, 60, later + timedelta(seconds=60)), SessionEnded(HUB)]
    assert sessions.due(later) == [session(sessions, gone)]


def test_an_interval_beyond_the_calendar_is_the_end_of_the_calendar() -> None:
    assert later(AT, 0xFFFF_FFFE).year == 2162
    assert later(datetime.max.replace(tzinfo=UTC), 60) == datetime.max.replace(tzinfo=UTC)


def test_a_will_waits_until_it_is_due_or_its_client_is_back() -> None:
    """3.1.3.2.2"""
    will, due = Will(f"{OWN}/status", b"gone"), AT + timedelta(seconds=30)
    live = remembered(*lasting(CORD, 60))
    entry = live.leave_will(CORD, "cord", will, due)
    for sessions in (live, remembered(entry)):
        assert sessions.due_wills(due - timedelta(seconds=1)) == []
        assert sessions.due_wills(due) == [(CORD, Waiting("cord", will, due))]
        assert sessions.due_wills(due) == [], "it is being published"
        assert sessions.take_will(CORD) is None
        sessions.put_back_will(CORD, Waiting("cord", will, due), due + timedelta(seconds=10))
        assert sessions.due_wills(due) == [], "there was no room"
        assert len(sessions.due_wills(due + timedelta(seconds=10))) == 1
        sessions.fold(WillSettled(CORD, due))
        assert sessions.wills == {}


def test_a_newer_will_is_not_settled_by_the_publication_of_an_older_one() -> None:
    sessions = remembered(*lasting(CORD, 60))
    first, second = AT + timedelta(seconds=1), AT + timedelta(seconds=2)
    sessions.fold(WillWaits(CORD, "cord", Will(f"{OWN}/status", b"1"), first))
    assert sessions.due_wills(first)
    sessions.fold(WillWaits(CORD, "cord", Will(f"{OWN}/status", b"2"), second))
    sessions.fold(WillSettled(CORD, first))
    assert [waiting.will.payload for _, waiting in sessions.due_wills(second)] == [b"2"]


def test_a_revoked_credential_takes_its_wills_along() -> None:
    sessions = remembered(WillWaits(CORD, "cord", Will(f"{OWN}/status", b"1"), AT), WillWaits(HUB, "hub", Will("a", b"1"), AT))
    sessions.revoke("cord")
    assert list(sessions.wills) == [HUB]


GRANTED = [
    ((("#", 0, 0),), Grant(0), Grant(0), "one subscription"),
    ((("#", 0, 7), (COMMAND, 2, 0), ("anju/#", 1, 300)), Grant(2, (7, 300)), Grant(2, (7, 300)), "the highest QoS, every identifier"),
    ((("#", 0x04 | 1, 7),), Grant(1, (7,)), None, "No Local: nothing of its own"),
    ((("#", 0x04 | 2, 7), ("anju/#", 1, 8)), Grant(2, (7, 8)), Grant(1, (8,)), "No Local on one of two"),
    ((("#", 0x09, 0), ("anju/#", 0, 0)), Grant(1, as_published=True), Grant(1, as_published=True), "Retain As Published on one of two"),
    ((("other/#", 1, 1),), None, None, "nothing that matches"),
]


@pytest.mark.parametrize(("filters", "grant", "own"), [g[:3] for g in GRANTED], ids=[g[3] for g in GRANTED])
def test_what_subscriptions_say_of_a_message(filters: tuple[tuple[str, int, int], ...], grant: Grant | None, own: Grant | None) -> None:
    """[MQTT-3.3.4-3] [MQTT-3.3.4-4] [MQTT-3.8.3-3]"""
    sessions = remembered(*begun(CORD), *(Subscribed(CORD, ((text, options),), number) for text, options, number in filters))
    assert session(sessions).granted(COMMAND) == grant
    assert session(sessions).granted_own(COMMAND) == own


def test_what_5_adds_is_in_the_snapshots_too() -> None:
    beside = Properties(content_type="json", user=(("k", "v"),))
    sessions = remembered(
        *lasting(CORD, 60), Subscribed(CORD, (("#", 0x0C),), 5), SessionLasts(CORD, 30, AT + timedelta(seconds=30)),
        Retained(f"{OWN}/status", b"on", beside, AT + timedelta(seconds=9), 2),
        WillWaits(CORD, "cord", Will(f"{OWN}/status", b"gone", 1, True, beside), AT + timedelta(seconds=7)),
    )  # fmt: skip
    again = Sessions(CREDENTIALS.get)
    for key in sessions.keys():  # noqa: SIM118 - a method of its own
        assert key.startswith(SNAPSHOTS)
        again.restore(key, sessions.snapshot(key), 10)
    ours = session(again)
    assert (ours.expiry_s, ours.ends_at) == (30, AT + timedelta(seconds=30))
    assert (ours.subscriptions, ours.ids) == ({COMMAND: 1, "#": 0x0C}, {"#": 5})
    assert again.retained.get(f"{OWN}/status") == Status(b"on", beside, AT + timedelta(seconds=9), 2)
    assert again.wills == sessions.wills
    assert len(again.due_wills(AT + timedelta(seconds=7))) == 1
    assert again.due(AT + timedelta(seconds=30)) == [ours]


def test_a_journal_and_snapshots_of_a_time_before_5_are_read() -> None:
    """As written then: fewer fields, and a status that was its payload alone."""
    old: list[tuple[object, ...]] = [
        ("s:new", CORD, "cord", AT), ("s:sub", CORD, ((COMMAND, 1),)), ("s:ret", f"{OWN}/status", b"on"), ("s:end", HUB),
    ]  # fmt: skip
    entries = msgspec.msgpack.decode(msgspec.msgpack.encode(old), type=list[SessionEntry])
    sessions = remembered(*entries)
    assert session(sessions).expiry_s is None
    assert sessions.resumed(AT) == []
    assert sessions.retained.get(f"{OWN}/status") == Status(b"on")
    command(sessions)
    again = Sessions(CREDENTIALS.get)
    message = ("c1", COMMAND, b"x", 1, 1, None, False, False, False, False)
    row = msgspec.msgpack.encode(("cord", AT, {COMMAND: 1}, [message], [3], 2, 0))
    again.restore(f"session/{CORD}", row, 5)
    again.restore(f"retained/{OWN}/status", b"on", 5)
    again.restore(f"kept/{COMMAND}", msgspec.msgpack.encode([("c2", *message[1:])]), 5)
    assert session(again).queue["c1"].properties == Properties()
    assert session(again).subscriptions == {COMMAND: 1}
    assert again.status(f"{OWN}/status") == b"on"
    assert again.keeps("c2")
    again.fold(Retained(f"{OWN}/status", b""), 6)
    assert again.snapshot(f"retained/{OWN}/status") == b""
    assert f"retained/{OWN}/status" in again.changed, "the row of then is emptied"
