"""A session at a broker that does not behave: lines cut in a batch, numbers used again, versions unknown, packets that are none."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from devices.mqtt.packets import Kind
from gateway.mqtt import broker_client
from gateway.mqtt.broker_session import LEAST_PAUSE_S, MOST_PAUSE_S, pause
from tests.broker_platform import AT, HOME, platform, until
from tests.broker_script import WELCOME_BACK, Caller, publish, scripted
from tests.patience import PATIENCE_S, STORY_S, ended

REPORT = f"{HOME}/watch-1/report"


def body(number: int) -> bytes:
    return b'{"values": {"n": %d}}' % number


def story(tell: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        await ended(tell(), STORY_S)

    asyncio.run(told())


def test_an_acknowledgement_that_belongs_to_the_line_before_is_not_sent_on_this_one(tmp_path: Path) -> None:
    async def tell() -> None:
        async with scripted() as broker, platform(tmp_path, broker, version="3.1.1") as anju:
            anju.held = True
            first = broker.session("readings")
            first.send(b"".join(publish(number, REPORT, body(number)) for number in (1, 2, 3)))
            await until(lambda: len(anju.taken) == 3)
            first.cut()
            await until(lambda: broker.count("readings") == 2 and anju.broker.hearing)
            second = broker.session("readings", 2)
            second.send(publish(1, REPORT, body(10)))  # the same number, another message
            await until(lambda: len(anju.taken) == 4)
            *old, new = anju.taken
            anju.queue.clear()
            for published in old:
                published.done()
            second.send(publish(2, REPORT, body(11)))
            await until(lambda: len(anju.taken) == 5)
            anju.commit()  # the last one; what came before it on this line is not on disk
            new.done()
            await until(lambda: len(second.acknowledged) >= 2)
            assert second.acknowledged == [1, 2]
            assert first.acknowledged == []

    story(tell)


def test_acknowledgements_leave_in_the_order_of_the_messages_and_after_their_commit(tmp_path: Path) -> None:
    async def tell() -> None:
        async with scripted() as broker, platform(tmp_path, broker, version="3.1.1") as anju:
            anju.held = True
            line = broker.session("readings")
            line.send(b"".join(publish(number, REPORT, body(number)) for number in (5, 6, 7)))
            await until(lambda: len(anju.taken) == 3)
            assert line.acknowledged == []
            anju.commit(backwards=True)
            await until(lambda: len(line.acknowledged) == 3)
            assert line.acknowledged == [5, 6, 7]

    story(tell)


def test_a_line_cut_in_the_middle_of_a_packet_costs_nothing(tmp_path: Path) -> None:
    async def tell() -> None:
        packet = publish(1, REPORT, body(1))
        async with scripted() as broker, platform(tmp_path, broker, version="3.1.1") as anju:
            seen = 1
            for length in range(1, len(packet), 20):
                broker.session("readings", seen).send(packet[:length])
                await asyncio.sleep(0)
                broker.session("readings", seen).cut()
                seen += 1
                await until(lambda least=seen: broker.count("readings") >= least and anju.broker.hearing)  # type: ignore[misc]
                if seen == 4:
                    break
            broker.session("readings", seen).send(packet)
            await until(lambda: anju.values() == [1])

    story(tell)


@pytest.mark.parametrize(
    ("packet", "told"),
    [
        (publish(1, REPORT, body(1), qos=2), "at QoS 0 or 1"),
        (publish(0, REPORT, body(1)), "at QoS 0 or 1"),
        (b"\x32\xff\xff\xff\xff\x01", "more than four bytes"),
        (b"\x32\x02\x00\x30", "a PUBLISH of 2 bytes"),
        (b"\xf0\x00", "ended"),
    ],
    ids=["QoS 2", "no packet identifier", "an endless length", "a topic longer than its packet", "a kind that is none"],
)
def test_what_is_no_mqtt_ends_the_line_and_it_is_tried_again(tmp_path: Path, packet: bytes, told: str) -> None:
    async def tell() -> None:
        async with scripted() as broker, platform(tmp_path, broker, version="3.1.1") as anju:
            broker.session("readings").send(packet)
            await until(lambda: not anju.broker.hearing)
            assert told in anju.broker.problems[0].en
            await until(lambda: anju.broker.hearing)
            broker.session("readings", 2).send(publish(1, REPORT, body(1)))
            await until(lambda: anju.values() == [1])

    story(tell)


def test_who_closes_just_as_the_line_breaks_is_not_waiting_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order to end must not get lost behind the news that it has ended."""

    async def tell() -> None:
        async with scripted() as broker, platform(tmp_path, broker, version="3.1.1") as anju:
            session, closing = anju.broker._alarms, list[asyncio.Task[None]]()

            def close_once() -> None:
                if not closing:
                    closing.append(asyncio.create_task(session.close()))

            monkeypatch.setattr(session, "_changed", close_once)
            broker.session("alarms").cut()
            await until(lambda: len(closing) == 1)
            assert (await asyncio.wait(closing, timeout=PATIENCE_S))[0], "it goes on connecting"

    story(tell)


def test_of_a_message_over_its_limit_the_first_kib_is_taken_and_it_is_acknowledged(tmp_path: Path) -> None:
    async def tell() -> None:
        async with scripted() as broker, platform(tmp_path, broker, version="3.1.1") as anju:
            line = broker.session("readings")
            sizes = [64 * 1024, 64 * 1024 + 1, 200_000, 2_000_000]
            for number, size in enumerate(sizes, 1):
                line.send(publish(number, REPORT, b"x" * size))
            bridge = f"{HOME}/bridge/zigbee2mqtt/zigbee2mqtt/bridge/devices"
            line.send(publish(5, bridge, b"y" * 4 * 1024 * 1024))
            line.send(publish(6, bridge, b"z" * (5 * 1024 * 1024)))
            line.send(publish(7, REPORT, body(7)))
            await until(lambda: line.acknowledged == [1, 2, 3, 4, 5, 6, 7])
            assert [p.size for p in anju.stored] == [*sizes, 4 * 1024 * 1024, 5 * 1024 * 1024, len(body(7))]
            assert [len(p.payload) for p in anju.stored] == [64 * 1024, 1024, 1024, 1024, 4 * 1024 * 1024, 1024, len(body(7))]

    story(tell)


def test_a_topic_that_is_not_utf_8_is_taken_for_the_quarantine_and_acknowledged(tmp_path: Path) -> None:
    async def tell() -> None:
        async with scripted() as broker, platform(tmp_path, broker, version="3.1.1") as anju:
            broker.session("readings").send(b"\x32\x09\x00\x03a\xff/\x00\x05{}")
            await until(lambda: broker.session("readings").acknowledged == [5])
            assert anju.stored[0].topic == "a\\xff/"

    story(tell)


def test_a_broker_without_5_0_is_spoken_to_in_3_1_1(tmp_path: Path) -> None:
    def says_so(_caller: Caller, kind: int, sent: bytes) -> bytes | None:
        return b"\x20\x02\x00\x01" if kind == Kind.CONNECT and sent[6] == 5 else None

    def just_closes(caller: Caller, kind: int, sent: bytes) -> bytes | None:
        if kind == Kind.CONNECT and sent[6] == 5:
            caller.cut()
            return b""
        return None

    async def tell() -> None:
        for answer, lines in ((says_so, 2), (just_closes, 3)):
            async with scripted(answer) as broker, platform(tmp_path, broker) as anju:
                assert anju.broker.versions == ("3.1.1", "3.1.1")
                assert len(broker.callers) == 2 * lines

    story(tell)


def test_a_session_that_is_still_there_is_not_subscribed_again(tmp_path: Path) -> None:
    """Subscribing again replays everything retained: a million statuses, in a city."""

    def remembers(_caller: Caller, kind: int, _sent: bytes) -> bytes | None:
        return WELCOME_BACK if kind == Kind.CONNECT else None

    async def tell() -> None:
        async with scripted(remembers) as broker:
            async with platform(tmp_path, broker, version="3.1.1") as anju:
                assert broker.session("readings").asked(Kind.SUBSCRIBE) == 1  # of whatever it holds, we know nothing
                broker.session("readings").cut()
                await until(lambda: broker.count("readings") == 2 and anju.broker.hearing)
                assert broker.session("readings", 2).asked(Kind.SUBSCRIBE) == 0
            async with platform(tmp_path, broker, version="3.1.1"):
                assert broker.session("readings", 3).asked(Kind.SUBSCRIBE) == 0

    story(tell)


def test_a_session_that_the_broker_lost_is_subscribed_again(tmp_path: Path) -> None:
    async def tell() -> None:
        async with scripted() as broker, platform(tmp_path, broker, version="3.1.1") as anju:
            broker.session("alarms").cut()
            await until(lambda: broker.count("alarms") == 2 and anju.broker.hearing)
            assert broker.session("alarms", 2).asked(Kind.SUBSCRIBE) == 1

    story(tell)


@pytest.mark.parametrize(
    ("kind", "said", "told"),
    [
        (Kind.CONNECT, b"\x20\x02\x00\x05", "the broker refuses us: Not authorized"),
        (Kind.SUBSCRIBE, b"\x90\x03\x00\x01\x80", "does not let us subscribe with QoS 1 to anju/v1/+/+/+/alarm"),
        (Kind.SUBSCRIBE, b"\x90\x03\x00\x01\x00", "does not let us subscribe with QoS 1 to anju/v1/+/+/+/alarm"),
    ],
    ids=["a wrong password", "no right to subscribe", "QoS 0 only"],
)
def test_what_the_broker_does_not_allow_is_said(tmp_path: Path, kind: Kind, said: bytes, told: str) -> None:
    def strict(caller: Caller, asked: int, _sent: bytes) -> bytes | None:
        return said if asked == kind and caller.client_id == "anju-alarms" else None

    async def tell() -> None:
        async with scripted(strict) as broker, platform(tmp_path, broker, hearing=False, version="3.1.1") as anju:
            await until(lambda: any(told in problem.en for problem in anju.broker.problems))
            assert anju.broker.unheard_since == AT

    story(tell)


def test_since_when_something_is_not_heard_is_said_until_all_of_it_is_heard_again(tmp_path: Path) -> None:
    async def tell() -> None:
        async with scripted() as broker, platform(tmp_path, broker, version="3.1.1") as anju:
            assert anju.broker.unheard_since is None
            anju.now = AT + timedelta(minutes=5)
            broker.session("alarms").cut()
            await until(lambda: anju.broker.unheard_since == AT + timedelta(minutes=5))
            assert "brings no calls" in anju.broker.problems[0].en
            anju.now = AT + timedelta(minutes=6)
            await until(lambda: anju.broker.unheard_since is None)
            assert anju.broker.problems == ()

    story(tell)


def test_more_than_may_wait_is_left_in_the_socket_and_read_when_the_disk_has_the_rest(tmp_path: Path) -> None:
    async def tell() -> None:
        async with scripted() as broker, platform(tmp_path, broker, version="3.1.1") as anju:
            anju.held = True
            line = broker.session("readings")
            report = b'{"values": {"n": 1}, "pad": "' + b"x" * 60_000 + b'"}'
            for number in range(1, 1001):
                line.send(publish(number, REPORT, report))
            await until(lambda: len(anju.taken) >= 60)
            broker.session("alarms").send(publish(1, f"{HOME}/cord-1/alarm", body(1)))
            await until(lambda: any(p.topic.endswith("/alarm") for p in anju.taken))  # which has a line of its own
            assert len(anju.taken) < 100, "60 MB were sent, and 4 MiB are held"
            anju.held = False
            await until(lambda: len(line.acknowledged) == 1000)

    story(tell)


def test_a_line_that_answers_nothing_any_more_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_client, "KEEPALIVE_S", 1)

    async def tell() -> None:
        async with scripted() as broker, platform(tmp_path, broker, version="3.1.1") as anju:
            broker.session("alarms").mute = True
            await until(lambda: "answered nothing" in "".join(problem.en for problem in anju.broker.problems))
            await until(lambda: anju.broker.hearing)
            assert broker.count("alarms") == 2
            assert broker.count("readings") == 1

    story(tell)


def test_the_pauses_between_attempts_double_up_to_a_bound() -> None:
    bounds = [pause(attempt) for attempt in range(12)]
    assert bounds[0] == LEAST_PAUSE_S
    assert bounds == sorted(bounds)
    assert bounds[-1] == MOST_PAUSE_S
    assert pause(10_000) == MOST_PAUSE_S
