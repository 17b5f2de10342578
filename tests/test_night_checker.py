"""The checker of the busy night finds what is planted in one that was good, each fault by its name, and nothing in the good one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from alerting.facts import (
    AlertAcknowledged,
    AlertClaimed,
    AlertClosed,
    AlertRaised,
    ClaimLapsed,
    NotificationEnded,
    NotificationReported,
    NotificationRequested,
    StepReached,
)
from alerting.items import ServiceStarted
from alerting.terms import Actor, AlertId, Category, NotificationId, Priority, Progress, Sentence
from devices.home import AreaId, HomeId
from tests.night_checker import Answer, Arrival, Line, Night, Policy, check

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
BOOT = 5000.0
"""Boottime at noon of service time."""
POLICY = Policy(
    (timedelta(0), timedelta(seconds=1), timedelta(seconds=3)),
    (frozenset(), frozenset({("lead", "hook"), ("lead", "sms")}), frozenset({("chief", "mail")})),
)
SAID = Sentence("", "")
ANSWERED, SLEPT, LAPSED = AlertId("answered"), AlertId("slept-through"), AlertId("lapsed")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def line(seconds: float, entry: object) -> Line:
    """Committed 10 ms behind what it says."""
    return Line(0, BOOT + seconds + 0.01, at(seconds + 0.01), entry)


def raised(alert: AlertId, seconds: float) -> AlertRaised:
    return AlertRaised(
        alert, at(seconds), HomeId(f"home-{alert}"), AreaId("a"), Category.FIRE, Priority.LIFE, "fire", SAID, SAID, "smoke", "1", (),
    )  # fmt: skip


def step(alert: AlertId, seconds: float, number: int, round_: int = 0) -> StepReached:
    return StepReached(alert, at(seconds), HomeId(f"home-{alert}"), number, round_, (), None)


def request(alert: AlertId, seconds: float, number: int, target: str, channel: str) -> NotificationRequested:
    id_ = NotificationId(f"{alert}-{number}-{channel}")
    return NotificationRequested(id_, alert, at(seconds), HomeId(f"home-{alert}"), target, channel, number, SAID)


def end(asked: NotificationRequested, seconds: float, *, delivered: bool = True) -> NotificationEnded:
    return NotificationEnded(asked.notification, asked.alert, at(seconds), asked.home, delivered, 1, "")


def arrival(asked: NotificationRequested, seconds: float, answer: Answer = Answer.TAKEN) -> Arrival:
    return Arrival(BOOT + seconds, asked.channel, asked.notification, answer, BOOT + int(seconds))


LI, WU = Actor("li"), Actor("wu")
HOOK, SMS = (request(ANSWERED, 1, 1, "lead", channel) for channel in ("hook", "sms"))
HOOK2, SMS2 = (request(SLEPT, 21, 1, "lead", channel) for channel in ("hook", "sms"))
MAIL2 = request(SLEPT, 21.5, 2, "chief", "mail")
AGAIN = NotificationId("again")
LAST = [*(request(LAPSED, 820.5, 1, "lead", channel) for channel in ("hook", "sms")), request(LAPSED, 820.5, 2, "chief", "mail")]
HOME, HOME2, HOME3 = HOOK.home, HOOK2.home, LAST[0].home
"""One alert is answered behind its first step, while a notification is on the wire; another's first step fails, and it goes on; the
third is claimed and forgotten, so that its steps come at once, and late."""


def good() -> Night:
    journal = [
        line(0, ServiceStarted(None)),
        line(0, raised(ANSWERED, 0)),
        line(0, step(ANSWERED, 0, 0)),
        line(1, step(ANSWERED, 1, 1)),
        line(1, HOOK),
        line(1, SMS),
        line(1.4, AlertClaimed(ANSWERED, at(1.4), HOME, LI)),
        line(1.5, end(HOOK, 1.5)),
        line(2, AlertAcknowledged(ANSWERED, at(2), HOME, LI)),
        line(2.5, end(SMS, 2.5)),
        line(3, NotificationReported(SMS.notification, ANSWERED, at(3), HOME, Progress.DELIVERED, "")),
        line(4, AlertClosed(ANSWERED, at(4), HOME, LI, "test", "")),
        line(20, raised(SLEPT, 20)),
        line(20, step(SLEPT, 20, 0)),
        line(21, step(SLEPT, 21, 1)),
        line(21, HOOK2),
        line(21, SMS2),
        line(21.3, end(HOOK2, 21.3, delivered=False)),
        line(21.5, end(SMS2, 21.5, delivered=False)),
        line(21.5, step(SLEPT, 21.5, 2)),
        line(21.5, MAIL2),
        line(25, ServiceStarted(at(22))),
        line(26, end(MAIL2, 26)),
        line(621.5, step(SLEPT, 621.5, 2, 1)),
        line(621.5, replace(MAIL2, notification=AGAIN, at=at(621.5), round=1)),
        line(622, AlertClaimed(SLEPT, at(622), HOME2, WU)),
        line(623, AlertClosed(SLEPT, at(623), HOME2, WU, "false_device", "")),
        line(624, end(replace(MAIL2, notification=AGAIN), 624, delivered=False)),
        line(700, raised(LAPSED, 700)),
        line(700, step(LAPSED, 700, 0)),
        line(700.5, AlertClaimed(LAPSED, at(700.5), HOME3, WU)),
        line(820.5, ClaimLapsed(LAPSED, at(820.5), HOME3, WU)),
        line(820.5, step(LAPSED, 820.5, 1)),
        *(line(820.5, asked) for asked in LAST[:2]),
        line(820.5, step(LAPSED, 820.5, 2)),
        line(820.5, LAST[2]),
        *(line(821, end(asked, 821)) for asked in LAST),
        line(822, AlertClosed(LAPSED, at(822), HOME3, WU, "test", "")),
    ]
    return Night(
        policy=POLICY,
        planted=[(home, Category.FIRE) for home in (HOME, HOME2, HOME3)],
        journal=[each._replace(seq=number) for number, each in enumerate(journal, 1)],
        arrivals=[
            arrival(HOOK, 1.2, Answer.LOST), arrival(HOOK, 1.4), arrival(SMS, 2.3)._replace(begun=BOOT + 1),
            arrival(HOOK2, 21.2, Answer.NEVER), arrival(SMS2, 21.4, Answer.NEVER), arrival(MAIL2, 21.9), arrival(MAIL2, 25.5),
            *(arrival(asked, 820.8) for asked in LAST),
        ],
        cuts=[BOOT + 22],
        done=[(ANSWERED, "claim", LI), (ANSWERED, "acknowledge", LI), (ANSWERED, "close", LI), (SLEPT, "close", WU)],
        receipts=[(SMS.notification, Progress.DELIVERED), (SMS.notification, Progress.DELIVERED)],
        dispositions=frozenset({"test", "false_device"}),
        late_s=60,
    )  # fmt: skip


def without(night: Night, entry: object) -> Night:
    left = [each for each in night.journal if each.entry != entry]
    assert len(left) < len(night.journal)
    return night._replace(journal=left)


def behind(night: Night, before: object, *entries: object) -> Night:
    """With more entries, in the commit of one that is there."""
    (place,) = (number for number, each in enumerate(night.journal) if each.entry == before)
    more = [night.journal[place]._replace(entry=entry) for entry in entries]
    journal = [*night.journal[: place + 1], *more, *night.journal[place + 1 :]]
    return night._replace(journal=[each._replace(seq=number) for number, each in enumerate(journal, 1)])


def instead(night: Night, before: object, after: object) -> Night:
    return without(behind(night, before, after), before)


def arrived(night: Night, *more: Arrival) -> Night:
    return night._replace(arrivals=[*night.arrivals, *more])


def unarrived(night: Night, asked: NotificationRequested) -> Night:
    return night._replace(arrivals=[each for each in night.arrivals if each.notification != asked.notification])


def later(night: Night, asked: NotificationRequested, seconds: float) -> Night:
    """Its only answer was "not now"."""
    return arrived(unarrived(night, asked), arrival(asked, seconds, Answer.LATER))


RAISED = raised(ANSWERED, 0)
CLAIM, ACK = AlertClaimed(ANSWERED, at(1.4), HOME, LI), AlertAcknowledged(ANSWERED, at(2), HOME, LI)
CLOSE = AlertClosed(ANSWERED, at(4), HOME, LI, "test", "")
REPORT = NotificationReported(SMS.notification, ANSWERED, at(3), HOME, Progress.DELIVERED, "")

FAULTS: list[tuple[str, str, Callable[[Night], Night]]] = [
    ("a call that raised nothing", "call lost", lambda n: n._replace(planted=[*n.planted, ("elsewhere", Category.GAS)])),
    ("a call that raised two alerts", "call doubled", lambda n: behind(n, RAISED, replace(RAISED, alert=AlertId("t")))),
    ("an alert that was raised again", "call doubled: alert answered was raised twice", lambda n: behind(n, CLAIM, RAISED)),
    ("an alert that nobody called", "call of nobody", lambda n: n._replace(planted=n.planted[1:])),
    ("a doubled step", "step doubled", lambda n: behind(n, step(ANSWERED, 1, 1), step(ANSWERED, 1, 1))),
    ("a step left out by the next", "step missing", lambda n: without(n, step(SLEPT, 21, 1))),
    ("a step left out before a claim", "step missing", lambda n: without(without(without(n, step(ANSWERED, 1, 1)), HOOK), SMS)),
    ("a round that was not rung again", "step missing", lambda n: without(n, step(SLEPT, 621.5, 2, 1))),
    ("a step before its time", "step out of time", lambda n: instead(n, step(ANSWERED, 1, 1), step(ANSWERED, 0.9, 1))),
    ("a step behind its time", "step out of time", lambda n: instead(n, step(ANSWERED, 1, 1), step(ANSWERED, 1.3, 1))),
    ("a step that was not brought forward", "step", lambda n: instead(n, step(SLEPT, 21.5, 2), step(SLEPT, 23, 2))),
    ("an overdue step that waits on", "step out of time", lambda n: instead(n, step(LAPSED, 820.5, 2), step(LAPSED, 822.5, 2))),
    ("a step while somebody has it", "step too many", lambda n: behind(n, ACK, step(ANSWERED, 3, 2))),
    ("a step behind the close", "step too many", lambda n: behind(n, CLOSE, step(ANSWERED, 4, 2))),
    ("a target that a step forgot", "notification missing", lambda n: without(n, HOOK)),
    ("a request that was made twice", "request doubled", lambda n: behind(n, HOOK, HOOK)),
    ("a request of no step", "request of nothing", lambda n: behind(n, HOOK, replace(HOOK, notification=NotificationId("x"), target="y"))),
    ("a notification without an end", "end missing", lambda n: without(n, end(HOOK, 1.5))),
    ("a notification with two ends", "end doubled", lambda n: behind(n, end(HOOK, 1.5), end(HOOK, 1.5))),
    ("a notification that never came", "notification lost", lambda n: unarrived(n, MAIL2)),
    ("one said to be delivered that nobody took", "notification lost", lambda n: later(n, HOOK, 1.1)),
    ("one given up that nobody refused for good", "notification lost", lambda n: later(n, SMS2, 21.4)),
    ("one sent again to who took it", "notification doubled", lambda n: arrived(n, arrival(HOOK, 1.45))),
    ("one sent again to who refused it", "asked again", lambda n: arrived(n, arrival(SMS2, 21.6, Answer.NEVER))),
    ("one of which the journal knows nothing", "notification of nothing", lambda n: without(without(n, HOOK), end(HOOK, 1.5))),
    ("one that left before it was on disk", "notification too early", lambda n: arrived(n, arrival(HOOK, 0.9, Answer.LATER))),
    ("one that came by another channel", "wrong channel", lambda n: arrived(n, arrival(HOOK, 1.1, Answer.LATER)._replace(channel="mail"))),
    ("one that came too late", "notification late", lambda n: arrived(unarrived(n, MAIL2), arrival(MAIL2, 90))),
    ("one begun behind the acknowledgement", "notification after", lambda n: arrived(n, arrival(SMS, 3.5, Answer.LATER))),
    ("one begun behind the close", "notification after", lambda n: arrived(n, arrival(replace(MAIL2, notification=AGAIN), 640))),
    ("an alert that nobody closed", "not closed", lambda n: without(n, CLOSE)),
    ("one closed without a disposition", "no disposition", lambda n: instead(n, CLOSE, replace(CLOSE, disposition=""))),
    ("one closed by nobody", "nobody's", lambda n: instead(n, CLOSE, replace(CLOSE, by=Actor("")))),
    ("one acknowledged by nobody", "nobody's", lambda n: instead(n, ACK, replace(ACK, by=Actor("")))),
    ("an answer that was forgotten", "answer lost", lambda n: n._replace(done=[*n.done, (SLEPT, "note", WU)])),
    ("an act that another one did", "answer lost", lambda n: instead(n, CLAIM, replace(CLAIM, by=WU))),
    ("a receipt that was forgotten", "receipt lost", lambda n: without(n, REPORT)),
    ("a receipt that stands twice", "receipt doubled", lambda n: behind(n, REPORT, REPORT)),
    ("time that goes back", "time went back", lambda n: n._replace(journal=[*n.journal[:-1], n.journal[-1]._replace(service_at=at(0))])),
]


def test_a_good_night_has_no_findings_and_its_counts_are_told() -> None:
    verdict = check(good())
    assert verdict.findings == []
    assert dict(verdict.counts) == {
        "steps": 9, "notifications": 9, "steps brought forward": 1, "on the wire at the acknowledgement": 1,
        "said again over a crash": 1, "said again, its answer was lost": 1,
    }  # fmt: skip


@pytest.mark.parametrize(("found", "plant"), [(found, plant) for _, found, plant in FAULTS], ids=[what for what, _, _ in FAULTS])
def test_a_planted_fault_is_found(found: str, plant: Callable[[Night], Night]) -> None:
    findings = check(plant(good())).findings
    assert any(finding.startswith(found) for finding in findings), findings
