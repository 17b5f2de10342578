"""The watchdog's judgement, without a service: what became of a call, when it alarms and when it does not."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.terms import Sentence
from gateway.control import Deliveries, Health
from gateway.watchdog.alarms import MISSES, Alarms, Said
from gateway.watchdog.channels import FAILURES, REMEMBERED_S, Channels, Probe
from gateway.watchdog.rounds import LATE_S, Broken, Missed, Rounds, Seen, Spoiled, Step

EVERY, PATIENCE = 60.0, 20.0
WORST_S = 150.0
"""From the moment that something breaks to the word of it."""
LOST = Sentence("丢了", "lost")


class Looking:
    """Looks every tenth of a second, as the process does, and lets each call go as far as the service is whole."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.rounds = Rounds(EVERY, PATIENCE, self.now)
        self.alarms = Alarms("t", 1800.0)
        self.words: list[tuple[float, Said]] = []
        self.step, self.shows, self.refused = Step.ACKNOWLEDGED, True, False
        self.rounds.stream_up = True
        self.number = 0

    def passes(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 0.1
            outcome = self.rounds.look(self.now)
            if isinstance(outcome, Seen):
                word = self.alarms.well("calls", LOST, self.now)
            elif isinstance(outcome, Missed):
                word = self.alarms.missed("calls", LOST, self.now, kind=outcome.broken.value)
            else:
                word = None
            if word is not None:
                self.words.append((self.now, word.said))
            if self.rounds.due(self.now):
                self.number += 1
                call = self.rounds.begin(f"c{self.number}", self.now)
                call.step, call.refused, call.published_at = self.step, self.refused, self.now
                if self.shows:
                    self.rounds.shown(call.id, self.now + 0.03)


def test_an_hour_of_calls_that_get_through_says_nothing() -> None:
    look = Looking()
    look.passes(3600)
    assert look.number in (59, 60)
    assert look.words == []


@pytest.mark.parametrize("into_the_minute", [0.0, 0.2, 20.0, 59.9])
def test_whenever_it_breaks_it_is_said_in_time_and_so_is_the_end_of_it(into_the_minute: float) -> None:
    look = Looking()
    look.passes(300 + into_the_minute)
    look.shows, broke = False, look.now
    look.passes(200)
    [(at, said)] = look.words
    assert said is Said.BROKEN
    assert at - broke <= WORST_S - 5
    look.shows = True
    look.passes(121)
    assert [said for _, said in look.words] == [Said.BROKEN, Said.WELL]


def test_what_stays_broken_is_said_again_every_half_hour() -> None:
    look = Looking()
    look.shows = False
    look.passes(7300)
    assert [said for _, said in look.words] == [Said.BROKEN, Said.STILL, Said.STILL, Said.STILL]


@settings(max_examples=30)
@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_it_alarms_exactly_when_two_in_a_row_are_missing(seen: list[bool]) -> None:
    alarms, standing = Alarms("t", 1e9), False
    for number, well in enumerate(seen):
        word = alarms.well("calls", LOST, float(number)) if well else alarms.missed("calls", LOST, float(number))
        standing = not well and (standing or (number > 0 and not seen[number - 1]))
        assert bool(alarms.standing) is standing
        if well:
            assert (word is not None) == (number >= MISSES and not any(seen[number - MISSES : number]))


@pytest.mark.parametrize(
    ("step", "stream_up", "refused", "broken"),
    [
        (Step.STARTED, True, False, Broken.ENDPOINT),
        (Step.REACHED, True, True, Broken.REFUSED),
        (Step.REACHED, True, False, Broken.LOOP),
        (Step.SENT, True, False, Broken.JOURNAL),
        (Step.ACKNOWLEDGED, False, False, Broken.STREAM),
        (Step.ACKNOWLEDGED, True, False, Broken.LOST),
    ],
)
def test_how_far_a_call_came_tells_what_is_broken(step: Step, *, stream_up: bool, refused: bool, broken: Broken) -> None:
    rounds = Rounds(EVERY, PATIENCE, 59.0)
    call = rounds.begin("c", 60.0)
    rounds.stream_up, call.step, call.refused = stream_up, step, refused
    found = [rounds.look(60.0 + tenth / 10) for tenth in range(int(PATIENCE * 10) + 2)]
    assert [one for one in found if one is not None] == [Missed(broken, "")]


def test_shown_without_being_acknowledged_is_missing_and_so_is_the_call_of_another_minute() -> None:
    rounds = Rounds(EVERY, PATIENCE, 59.0)
    call = rounds.begin("c1", 60.0)
    call.step = Step.SENT
    rounds.shown("c1", 60.1)
    rounds.shown("c0", 60.1)
    found = [rounds.look(60.0 + tenth / 10) for tenth in range(int(PATIENCE * 10) + 2)]
    assert [one for one in found if one is not None] == [Missed(Broken.JOURNAL, "")]


def test_what_passed_without_a_look_does_not_count_against_a_call() -> None:
    rounds = Rounds(EVERY, PATIENCE, 59.0)
    call = rounds.begin("c", 60.0)
    call.step = Step.SENT
    rounds.look(60.1)
    late = LATE_S + 1.0
    assert rounds.look(60.1 + late) is None
    assert [rounds.look(60.2 + late + tenth / 10) for tenth in range(int(PATIENCE * 10) - 5)] == [None] * (int(PATIENCE * 10) - 5)
    assert rounds.look(60.2 + late + PATIENCE) == Missed(Broken.JOURNAL, "")


@pytest.mark.parametrize("asleep_s", [PATIENCE + 0.2, 60.0, 8 * 3600.0])
def test_a_machine_that_slept_blames_nobody_and_calls_again_at_once(asleep_s: float) -> None:
    rounds = Rounds(EVERY, PATIENCE, 0.0)
    rounds.look(60.0)
    rounds.begin("c", 60.0)
    rounds.look(60.1)
    assert rounds.look(60.1 + asleep_s) == Spoiled()
    assert not rounds.due(60.2 + asleep_s)
    assert rounds.due(61.2 + asleep_s)


def test_nothing_is_said_while_the_service_is_starting() -> None:
    alarms = Alarms("t", 1800.0)
    assert [alarms.missed("calls", LOST, float(at), hold=True) for at in range(5)] == [None] * 5
    word = alarms.missed("calls", LOST, 9.0)
    assert word is not None
    assert word.said is Said.BROKEN


def test_what_a_process_before_said_to_be_broken_is_said_to_be_well() -> None:
    alarms = Alarms("t", 1800.0)
    alarms.resume("calls", LOST, 10.0, 50.0)
    assert alarms.missed("calls", LOST, 60.0) is None
    word = alarms.well("calls", LOST, 70.0)
    assert word is not None
    assert (word.said, word.since) == (Said.WELL, 10.0)


# --- channels ----------------------------------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def health(sent: int, failed: int, retried: int) -> Health:
    counts = Deliveries(sent, failed, retried, 1, "webhook", None, NOW, "500")
    return Health(
        now=NOW, wall_offset_s=0, seq=1, ready=True, problems=(), connections=0, waiting_bytes=0, waiting=0, reports=0, alarms=0,
        quarantined=0, commits=0, commit_s=0, cpu_s=0, rss_bytes=0, disk_free_bytes=0, pending_notifications=0, started_at=NOW,
        deliveries={"hook": counts},
    )  # fmt: skip


def test_a_channel_that_takes_nothing_several_times_in_a_row_is_broken_until_it_takes_something() -> None:
    now = [0.0]
    channels = Channels({}, lambda: now[0])
    channels.heard(health(4, 1, 2))
    assert channels.problems() == {}, "how it went before, nobody saw"
    channels.heard(health(5, 1, 2))
    assert channels.problems() == {}
    channels.heard(health(5, 1, 2 + FAILURES - 1))
    assert channels.problems() == {}
    channels.heard(health(5, 2, 2 + FAILURES - 1))
    assert channels.problems() == {"hook": "500"}
    now[0] = REMEMBERED_S + 1
    assert channels.problems() == {}, "nobody has used it for an hour"
    channels.heard(health(6, 2, 4))
    channels.heard(health(6, 2, 4 + FAILURES))
    assert channels.problems() == {"hook": "500"}
    channels.heard(health(0, 0, 0))
    assert channels.problems() == {"hook": "500"}, "the alarm process began anew, and nothing was sent since"
    channels.heard(health(1, 0, 0))
    assert channels.problems() == {}


def test_a_channel_that_cannot_be_reached_is_broken_and_a_mail_server_is_asked_sparingly() -> None:
    asked = {"hook": 0, "mail": 0}

    async def hook() -> str:
        asked["hook"] += 1
        raise OSError("no connection")

    async def mail() -> str:
        asked["mail"] += 1
        return "it greets"

    async def story() -> Channels:
        channels = Channels({"hook": Probe("webhook", hook), "mail": Probe("email", mail)})
        for _ in range(10):
            await channels.reach()
        return channels

    assert asyncio.run(story()).problems() == {"hook": "no connection"}
    assert asked == {"hook": 10, "mail": 1}


def test_the_alarm_process_that_says_nothing_explains_a_call_that_is_lost() -> None:
    now = [0.0]
    channels = Channels({}, lambda: now[0])
    channels.heard(health(1, 0, 0))
    assert hint(channels) == ""
    now[0] = 10.0
    assert "does not answer" in hint(channels)


def hint(channels: Channels) -> str:
    return channels.hint.en if channels.hint is not None else ""
