"""Stories of a home for properties that hold whatever happens: observations at moments, how they arrive, and what came of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
from hypothesis import strategies as st

from alerting.engine import Engine
from alerting.facts import AlertCleared, AlertFact, AlertRaised, AlertRecurred, AlertRepeated, AlertWorsened, Fact
from alerting.home_rules import Absence, Change, Combination, Count, HomeRule, News2, Pattern
from alerting.home_rules import Sequence as Row
from alerting.items import Item, Said
from alerting.rules import Ruleset
from alerting.terms import Category, Priority
from devices.observation import Property
from tests.household import START, Household, report
from tests.watching.rules import WORDS, with_rules

OPEN, SHUT = Pattern(Property.CONTACT_OPEN, True), Pattern(Property.CONTACT_OPEN, False)
MOVING = Pattern(Property.OCCUPANCY, True)
LATENESS = timedelta(minutes=2)

LEFT_OPEN = Absence(
    id="left-open", category=Category.INTRUSION, priority=Priority.AWARE, matter="open", per_device=True, title=WORDS, reason=WORDS,
    awaited=(SHUT,), after=(OPEN,), hold=timedelta(minutes=5),
)  # fmt: skip
STILL = Absence(
    id="still", category=Category.INACTIVITY, priority=Priority.PROMPT, title=WORDS, reason=WORDS,
    awaited=(MOVING, OPEN), hold=timedelta(minutes=20),
)  # fmt: skip
UNSEEN = Row(
    id="unseen", category=Category.INTRUSION, priority=Priority.AWARE, matter="unseen", title=WORDS, reason=WORDS,
    steps=((OPEN,), (SHUT,)), without=(MOVING,), within=timedelta(minutes=4),
)  # fmt: skip
OUT = Row(
    id="out", category=Category.WANDERING, priority=Priority.PROMPT, matter="out", title=WORDS, reason=WORDS,
    steps=((MOVING,), (OPEN,)), within=timedelta(minutes=4), clear=(SHUT,), clear_after=timedelta(minutes=30),
)  # fmt: skip
RESTLESS = Count(
    id="restless", category=Category.WANDERING, priority=Priority.AWARE, matter="restless", title=WORDS, reason=WORDS,
    of=(OPEN,), times=3, within=timedelta(minutes=10),
)  # fmt: skip
WARMER = Change(
    id="warmer", category=Category.HEALTH, priority=Priority.AWARE, matter="warm", per_device=True, title=WORDS, reason=WORDS,
    of=Property.TEMPERATURE, rises=4.0, within=timedelta(minutes=6),
)  # fmt: skip
POORLY = News2(
    id="poorly", category=Category.HEALTH, priority=Priority.PROMPT, matter="poorly", title=WORDS, reason=WORDS, at_least=5.0,
    fresh_for=timedelta(minutes=15),
)  # fmt: skip
WORSE = Combination(
    id="worse", category=Category.HEALTH, priority=Priority.LIFE, matter="poorly", title=WORDS, reason=WORDS,
    of=(("poorly",), ("restless", "warmer")), within=timedelta(minutes=15),
)  # fmt: skip
ALL = with_rules(LEFT_OPEN, STILL, UNSEEN, OUT, RESTLESS, WARMER, POORLY, WORSE)


class Happening(msgspec.Struct, frozen=True):
    """Something observed so many seconds into the story, and how many seconds later its report arrives."""

    at: int
    device: str
    property: str
    value: bool | float
    late: int = 0
    twice: bool = False


_MEANT = st.one_of(
    st.tuples(st.sampled_from(["door", "window"]), st.just("contact_open"), st.booleans()),
    st.tuples(st.sampled_from(["hall", "bath"]), st.just("occupancy"), st.booleans()),
    st.tuples(st.just("thermo"), st.just("temperature"), st.integers(18, 26)),
    st.tuples(st.just("watch"), st.sampled_from(["heart_rate"]), st.sampled_from([70, 95, 131])),
    st.tuples(st.just("watch"), st.sampled_from(["spo2"]), st.sampled_from([90, 93, 98])),
)


@st.composite
def stories(draw: st.DrawFn, most: int = 25, latest: int = 120) -> list[Happening]:
    """Up to an hour of a home; no two things in the same second, for of those nobody can say which was first."""
    span = draw(st.sampled_from([600, 1800, 3600]))
    moments = sorted(draw(st.sets(st.integers(0, span), min_size=4, max_size=most)))
    return [
        Happening(at, *draw(_MEANT), late=draw(st.integers(0, latest)), twice=draw(st.booleans()))
        for at in moments
    ]  # fmt: skip


def orderly(story: Sequence[Happening]) -> list[tuple[datetime, Said]]:
    """Each thing as it happens."""
    return [(at := START + timedelta(seconds=one.at), _said(one, number, at)) for number, one in enumerate(story)]


def disorderly(story: Sequence[Happening]) -> list[tuple[datetime, Said]]:
    """As the story says: late, out of order, some of it twice."""
    found = []
    for number, one in enumerate(story):
        for copy in range(1 + one.twice):
            arrives = START + timedelta(seconds=one.at + (one.late + 120 * copy) // (1 + copy))
            found.append((arrives, _said(one, number, arrives, again=copy)))
    return sorted(found, key=lambda each: each[0])


def _said(one: Happening, number: int, received_at: datetime, again: int = 0) -> Said:
    made_at = START + timedelta(seconds=one.at)
    return report(one.device, made_at, f"n{number}-{again}", {one.property: one.value}, received_at=received_at)


def lived(
    arrivals: Sequence[tuple[datetime, Item]], ruleset: Ruleset = ALL, *, step: timedelta | None = None, hours: int = 4,
) -> list[Fact]:  # fmt: skip
    """The facts of a story and of some hours behind it; with `step` time passes in many small steps between."""
    house = Household(ruleset)
    engine, facts = house.engine, []
    end = START + timedelta(hours=hours)
    for (moment, item), (following, _) in pairwise([*arrivals, (end, None)]):
        assert item is not None
        facts += engine.handle(item, moment)
        while step is not None and (moment := moment + step) < following:
            facts += engine.advance(moment)
    return facts + engine.advance(end)


def of_rules(facts: Sequence[Fact], *rules: HomeRule) -> list[AlertFact]:
    """What these rules concluded, in order."""
    ids = {rule.id for rule in rules}
    mine = {fact.alert for fact in facts if isinstance(fact, AlertRaised) and fact.rule in ids}
    kinds = AlertRaised | AlertRepeated | AlertRecurred | AlertWorsened | AlertCleared
    return [fact for fact in facts if isinstance(fact, kinds) and fact.alert in mine]


def restored(engine: Engine, ruleset: Ruleset) -> Engine:
    """Another engine from this one's rows."""
    other = Engine(ruleset)
    for key, row in rows(engine).items():
        other.restore(key, row)
    return other


def remembered(engine: Engine) -> list[object]:
    """What the rules that watch homes know, of inputs and of facts."""
    return [(home.id, home.memories, home.fired) for home in engine.homes.values()]


def rows(engine: Engine) -> dict[str, bytes]:
    return {key: engine.snapshot(key) for key in list(engine.keys())}
