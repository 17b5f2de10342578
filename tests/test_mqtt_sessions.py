"""What the endpoint remembers of its sessions, as a fold: from the same journal the same state, from any snapshots and what follows."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.mqtt.entries import (
    Delivered,
    PacketIdHeld,
    PacketIdReleased,
    Received,
    Retained,
    SessionBegun,
    SessionEnded,
    SessionEntry,
    SessionLasts,
    Subscribed,
    Unsubscribed,
)
from devices.mqtt.packets import REFUSED
from devices.mqtt.rights import Rights
from devices.mqtt.session import QUEUE_BYTES, QUEUE_MESSAGES, SessionKey, session_key
from devices.mqtt.sessions import Sessions
from devices.mqtt.shelves import KEPT_MESSAGES, RETAINED_BYTES, RETAINED_TOPICS, Status
from tests.endpoint import AT, CREDENTIALS, OWN
from tests.mqtt_sessions import CITY, COMMAND, CORD, HUB, begun, command, remembered, session


def test_a_client_id_belongs_to_its_user_and_slashes_do_not_confuse_them() -> None:
    assert session_key("a/b", "c") != session_key("a", "b/c")
    assert session_key("a%2Fb", "c") != session_key("a/b", "c")


def test_a_command_waits_for_a_sleeping_device_until_the_device_has_it() -> None:
    sessions = remembered(*begun(CORD, (COMMAND, 1)))
    assert command(sessions) == [CORD]
    assert [m.payload for m in session(sessions).queue.values()] == [b"x"]
    sessions.fold(Delivered(CORD, "c1"))
    assert session(sessions).queue == {}
    assert session(sessions).queued_bytes == 0


def test_a_command_goes_to_every_session_that_may_have_it_and_to_no_other() -> None:
    everything = (("#", 1),)
    watch = session_key("watch", "w")
    sessions = remembered(*begun(CORD, *everything), *begun(HUB, *everything), *begun(CITY, *everything), *begun(watch, *everything))
    assert set(command(sessions)) == {CORD, HUB}
    assert list(sessions.kept.topics()) == []


def test_it_is_sent_with_the_highest_qos_that_matches() -> None:
    """[MQTT-3.3.5-1]"""
    sessions = remembered(*begun(CORD, ("#", 0), (COMMAND, 2), ("anju/#", 1)))
    command(sessions)
    assert session(sessions).queue["c1"].qos == 2


def test_the_oldest_make_room_and_are_counted() -> None:
    sessions = remembered(*begun(CORD, (COMMAND, 1)))
    for number in range(QUEUE_MESSAGES + 10):
        command(sessions, number)
    assert next(iter(session(sessions).queue)) == "c10"
    assert session(sessions).dropped == 10
    command(sessions, 5000, payload=bytes(QUEUE_BYTES))
    assert list(session(sessions).queue) == ["c5000"]
    assert session(sessions).queued_bytes == QUEUE_BYTES


def test_an_expired_command_is_not_kept() -> None:
    sessions = remembered(*begun(CORD, (COMMAND, 1)))
    command(sessions, 1, minutes=1)
    command(sessions, 2)
    command(sessions, 120)
    assert list(session(sessions).queue) == ["c2", "c120"]


def test_packet_identifiers_come_from_the_fold_and_are_never_shared() -> None:
    sessions = remembered(*begun(CORD, (COMMAND, 2)))
    for number in range(40_000):
        command(sessions, number)
        if number % 2:
            sessions.fold(Delivered(CORD, f"c{number}"))
    numbers = [m.packet_id for m in session(sessions).queue.values()]
    assert len(set(numbers)) == len(numbers) == QUEUE_MESSAGES - 1
    assert max(numbers) < 0x8000


def test_commands_for_a_device_that_never_subscribed_are_kept_the_last_32_of_them() -> None:
    sessions = remembered()
    for number in range(KEPT_MESSAGES + 5):
        assert command(sessions, number) == []
    kept = sessions.kept.get(COMMAND)
    assert kept is not None
    assert [m.id for m in kept] == [f"c{n}" for n in range(5, KEPT_MESSAGES + 5)]
    assert not sessions.keeps("c4")
    sessions.fold(Delivered("", "c5"))
    assert not sessions.keeps("c5")
    assert sessions.keeps("c6")


def test_retained_status_is_the_last_one_and_an_empty_one_forgets_it() -> None:
    """[MQTT-3.3.1-5] [MQTT-3.3.1-10] [MQTT-3.3.1-11]"""
    sessions = remembered(Retained(f"{OWN}/status", b"1"), Retained(f"{OWN}/status", b"2"))
    assert sessions.retained.get(f"{OWN}/status") == Status(b"2")
    sessions.fold(Retained(f"{OWN}/status", b""))
    assert sessions.retained.get(f"{OWN}/status") is None


def test_retained_status_is_bounded_in_length_and_for_each_home() -> None:
    sessions = remembered(Retained(f"{OWN}/status", bytes(RETAINED_BYTES + 1)))
    assert list(sessions.retained.topics()) == []
    for number in range(RETAINED_TOPICS + 5):
        sessions.fold(Retained(f"anju/v1/330106/home-1/d{number}/status", b"x"))
    assert len(list(sessions.retained.topics())) == RETAINED_TOPICS
    sessions.fold(Retained("anju/v1/330106/home-1/d0/status", b"y"))
    assert sessions.retained.get("anju/v1/330106/home-1/d0/status") == Status(b"y")
    sessions.fold(Retained("anju/v1/330106/home-2/d0/status", b"y"))
    assert sessions.retained.get("anju/v1/330106/home-2/d0/status") == Status(b"y")


def test_a_revoked_credential_takes_its_sessions_along() -> None:
    sessions = remembered(*begun(CORD, (COMMAND, 1)), *begun(HUB, ("#", 1)))
    sessions.revoke("cord")
    assert sessions.get(CORD) is None
    assert command(sessions) == [HUB]
    assert sessions.snapshot(f"session/{CORD}") == b""


def test_a_held_identifier_may_reach_the_journal_before_its_session_does() -> None:
    """The lane of calls is faster than the one in which a session's beginning waits."""
    live = Sessions(CREDENTIALS.get)
    mine, entry = live.begin(CORD, "cord", AT)
    for sessions in (live, remembered()):
        sessions.fold(PacketIdHeld(CORD, 7))
        sessions.fold(entry)
        assert session(sessions).held == {7}
    assert session(live) is mine, "a live connection's session is never replaced under it"


def test_a_session_ended_and_begun_again_before_the_disk_knew_of_either_is_the_new_one() -> None:
    live = remembered(*begun(CORD, (COMMAND, 1)))
    ended = live.end(session(live))
    assert live.get(CORD) is None
    mine, entry = live.begin(CORD, "cord", AT + timedelta(seconds=1))
    live.fold(ended)
    assert session(live) is mine
    live.fold(entry)
    assert session(live) is mine
    assert mine.begun
    assert mine.subscriptions == {}
    assert command(live) == []


def test_a_snapshot_of_a_session_that_is_not_on_disk_says_nothing() -> None:
    live = Sessions(CREDENTIALS.get)
    live.begin(CORD, "cord", AT)
    assert live.snapshot(f"session/{CORD}") == b""


def test_after_a_restart_what_is_queued_may_have_been_sent_before() -> None:
    sessions = remembered(*begun(CORD, (COMMAND, 1)))
    command(sessions)
    assert not session(sessions).queue["c1"].uncertain
    assert sessions.resumed(AT) == [], "and it has no end"
    assert session(sessions).queue["c1"].uncertain


GRANTS = [
    ("cord", COMMAND, True, "a device has its own commands"),
    ("cord", f"{OWN}/status", True, "and its own status"),
    ("cord", "#", True, "however wide it asks: what it gets is checked again"),
    ("cord", f"{OWN}/report", False, "a device reads no reports, its own neither"),
    ("cord", "anju/v1/330106/home-1/watch-1/command", False, "nor another device's commands"),
    ("cord", "anju/v1/330106/home-1/bridge/#", False, "nor its home's bridge"),
    ("cord", "$SYS/#", False, "there is no broker to ask about"),
    ("hub", "anju/v1/330106/home-1/+/command", True, "a hub has its home's commands"),
    ("hub", "anju/v1/330106/home-1/bridge/zigbee2mqtt/#", True, "and its bridge"),
    ("hub", "anju/v1/330106/home-2/+/command", False, "no other home's"),
    ("city", "anju/v1/330106/#", True, "a reader has its area"),
    ("city", "anju/v1/330106/+/+/report", True, "by channel too"),
    ("city", "anju/v1/330106/+/+/command", False, "never commands"),
    ("city", "anju/v1/330107/#", False, "no other area"),
    ("demo", "anju/v1/+/+/+/command", True, "the demo reads any home's commands"),
    ("demo", "other/#", False, "there are no other topics"),
    ("cord", "anju/v1/" + "+/" * 600 + "#", False, "an absurd length is refused"),
]


@pytest.mark.parametrize(("username", "topic_filter", "granted"), [g[:3] for g in GRANTS], ids=[g[3] for g in GRANTS])
def test_a_subscription_is_granted_when_something_in_it_may_be_received(username: str, topic_filter: str, granted: bool) -> None:
    """[MQTT-3.8.4-5]"""
    code = Rights(CREDENTIALS[username]).grant(topic_filter, 1)
    assert code == 1 if granted else code >= REFUSED


# --- snapshots -----------------------------------------------------------------------------------------------------------------------


class Step(msgspec.Struct, frozen=True):
    entry: SessionEntry | None = None
    command: int = 0


keys = st.sampled_from((CORD, HUB))
filters = st.sampled_from(((COMMAND, 2), ("anju/#", 1)))
a_command = st.integers(1, 9)
histories = st.lists(
    st.one_of(
        st.builds(lambda f, k: Step(Subscribed(k, (f,))), filters, keys),
        st.builds(lambda f, k: Step(Unsubscribed(k, (f[0],))), filters, keys),
        st.builds(lambda n, k: Step(PacketIdHeld(k, n)), a_command, keys),
        st.builds(lambda n, k: Step(PacketIdReleased(k, n)), a_command, keys),
        st.builds(lambda k: Step(SessionBegun(k, k.split("/")[0], AT)), keys),
        st.builds(lambda k: Step(SessionEnded(k)), keys),
        st.builds(lambda k, n: Step(SessionLasts(k, n, None if n > 5 else AT + timedelta(seconds=n))), keys, st.integers(0, 9)),
        st.builds(lambda n: Step(Retained(f"{OWN}/status", str(n).encode())), st.integers(0, 3)),
        st.just(Step(command=1)),
        st.just(Step(command=1)),
        st.builds(lambda n, k: Step(Delivered(k, f"c{n}")), st.integers(0, 30), st.sampled_from((CORD, HUB, ""))),
        st.builds(lambda n, k: Step(Received(k, f"c{n}")), st.integers(0, 30), keys),
    ),
    max_size=30,
)


def apply(sessions: Sessions, step: Step, seq: int, *, live: bool) -> None:
    if step.entry is None:
        at = AT + timedelta(seconds=seq)
        if live:
            sessions.command(f"c{seq}", COMMAND, b"x", at, None)
        else:
            sessions.command(f"c{seq}", COMMAND, b"x", at, None, seq=seq)
    elif live:
        sessions.fold(step.entry)
    else:
        sessions.fold(step.entry, seq)


def queued(sessions: Sessions, key: SessionKey) -> dict[str, tuple[int, int, bool]]:
    found = sessions.get(key)
    return {} if found is None else {m.id: (m.packet_id, m.qos, m.received) for m in found.queue.values()}


@settings(max_examples=300, deadline=None)
@given(histories, st.data())
def test_snapshots_of_different_ages_and_the_journal_behind_them_give_the_same_sessions(history: list[Step], data: st.DataObject) -> None:
    straight = remembered(SessionBegun(CORD, "cord", AT), SessionBegun(HUB, "hub", AT))
    rows: dict[str, tuple[int, bytes]] = {key: (0, straight.snapshot(key)) for key in straight.keys()}  # noqa: SIM118 - a method of its own
    for seq, step in enumerate(history, 1):
        apply(straight, step, seq, live=True)
        for key in [key for key in straight.changed if data.draw(st.booleans(), label=f"snapshot of {key}")]:
            del straight.changed[key]
            rows[key] = (seq, straight.snapshot(key))
    again = Sessions(CREDENTIALS.get)
    for key, (seq, row) in rows.items():
        again.restore(key, row, seq)
    for seq, step in enumerate(history, 1):  # from the oldest row on; a later row says itself what it has already
        apply(again, step, seq, live=False)
    for key in (CORD, HUB):
        ours, theirs = again.get(key), straight.get(key)
        assert (ours is None) == (theirs is None)
        if ours is not None and theirs is not None:
            assert (ours.subscriptions, ours.held, ours.next_id) == (theirs.subscriptions, theirs.held, theirs.next_id)
            assert (ours.expiry_s, ours.ends_at) == (theirs.expiry_s, theirs.ends_at)
            assert queued(again, key) == queued(straight, key)
    assert again.retained.get(f"{OWN}/status") == straight.retained.get(f"{OWN}/status")
    assert again.due(AT + timedelta(seconds=9)) == [again.get(s.key) for s in straight.due(AT + timedelta(seconds=9))]
    for message in straight.kept.get(COMMAND) or []:
        assert again.keeps(message.id), "a command that waits for anybody is never lost"


def test_a_snapshot_is_small_and_total() -> None:
    sessions = remembered(*begun(CORD, (COMMAND, 1)), PacketIdHeld(CORD, 3), Retained(f"{OWN}/status", b"on"))
    command(sessions)
    command(sessions, 2, "anju/v1/330106/home-9/d/command", minutes=5)
    again = Sessions(CREDENTIALS.get)
    for key in sessions.keys():  # noqa: SIM118 - a method of its own
        assert len(sessions.snapshot(key)) < 300
        again.restore(key, sessions.snapshot(key), 10)
    assert set(again.keys()) == set(sessions.keys())
    assert session(again).held == {3}
    assert session(again).queue["c1"].packet_id == session(sessions).queue["c1"].packet_id
    assert again.keeps("c2")
