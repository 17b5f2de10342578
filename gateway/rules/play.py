"""Plays a rule test on the engine itself and says, line by line, where what came of it is not what was expected.

What devices say goes through the decoder of the wire, so a test also shows that the platform can read it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import msgspec

from alerting.caring.prompt_facts import PromptFound
from alerting.commands import (
    Acknowledge,
    Asked,
    ChangeParameters,
    Close,
    Command,
    EndHomeMode,
    RegisterArea,
    RegisterDevice,
    RegisterHome,
    RegisterPerson,
    SetHomeMode,
)
from alerting.engine import Engine
from alerting.facts import AlertCleared, AlertFact, AlertRaised, AlertRecurred, AlertRepeated, AlertWorsened, Fact
from alerting.items import Item, Said, ServiceStarted
from alerting.refusals import IllegalTransition
from alerting.rules import Ruleset
from alerting.terms import Actor, AlertId, Mode
from devices.decode import decode
from devices.home import Area, AreaId, Device, DeviceId, Home, HomeId, Person, PersonId, Role
from devices.message import Heard, StatusHeard
from devices.observation import DecodeError
from gateway.rules.moments import moment, span, written
from gateway.rules.story import Does, Expected, RuleTest, Says

STREET = AreaId("330106001")
AREA = AreaId("330106001001")
IN_ONE_BUILDING = 10
"""Homes, in the order of their numbers; all are on one carrier."""
NURSE = Actor("nurse")
MOST_HOMES = 500
MOST_REPORTS = 200_000


class BadTest(Exception):  # noqa: N818 - what is bad is in its name
    """The test itself cannot be played; the sentence says at which place and why."""


class Happening(msgspec.Struct, frozen=True):
    """Something that an alert of a rule did. `home` counts from 1; 0 for an area."""

    at: datetime
    what: str
    rule: str
    home: int
    priority: int = 0
    category: str = ""
    reason: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """Of one test. `lines`: what is wrong, each line of its own; none where it passed."""

    test: str
    about: tuple[str, ...]
    lines: tuple[str, ...]
    happenings: tuple[Happening, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.lines


class _Moment(msgspec.Struct, frozen=True, order=True):
    """`at` as the service hears of it, in the order in which things of the same moment stand in the test."""

    at: datetime
    order: int
    home: int = msgspec.field(default=1)
    said: tuple[str, bytes] | None = None
    """Topic and payload."""
    does: int = -1
    back: bool = False


def play(test: RuleTest, ruleset: Ruleset) -> Outcome:
    """What the test comes to under a ruleset."""
    try:
        happened = tuple(happenings(test, ruleset))
        lines = tuple(_differences(test, happened, _start(test, ruleset)))
    except (BadTest, ValueError, OverflowError) as problem:
        return Outcome(test.name, test.about, (f"cannot be played: {problem}",))
    return Outcome(test.name, test.about, lines, happened)


def happenings(test: RuleTest, ruleset: Ruleset) -> Iterator[Happening]:
    """Everything of alerts in the story, in order; BadTest."""
    start = _start(test, ruleset)
    engine = Engine(ruleset)
    facts = _settle(engine, test, ruleset, start)
    last = start
    deaf = [(at, at + span(does.hears_nothing)) for does in test.does if does.hears_nothing for at in (moment(does.at, start),)]
    rules: dict[AlertId, str] = {}
    for due in sorted(_moments(test, start, deaf)):
        if due.back:
            begun = due.at - span(test.does[due.does].hears_nothing)
            yield from _happened(facts + engine.advance(begun.astimezone(UTC)), rules)
            engine = _restarted(engine)
            facts = engine.handle(ServiceStarted(begun.astimezone(UTC)), due.at.astimezone(UTC))
        else:
            facts += _take(engine, test, due, rules)
        last = max(last, due.at)
        yield from _happened(facts, rules)
        facts = []
    end = moment(test.until, start) if test.until else last
    end = max(end, last, *(_latest(one, start) for one in test.expect))
    yield from _happened(engine.advance(end.astimezone(UTC)), rules)


def _restarted(engine: Engine) -> Engine:
    """What a process that starts again has: the rows of the one before."""
    again = Engine()
    for key in list(engine.keys()):
        again.restore(key, engine.snapshot(key))
    return again


def _start(test: RuleTest, ruleset: Ruleset) -> datetime:
    return test.start.replace(tzinfo=timezone(timedelta(minutes=ruleset.utc_offset_minutes)))


def _latest(expected: Expected, start: datetime) -> datetime:
    return moment(expected.at, start) + (span(expected.within) if expected.within else timedelta(0))


def _home(number: int) -> HomeId:
    return HomeId(f"home-{number}")


def _device(device: DeviceId, number: int) -> DeviceId:
    return device if number == 1 else DeviceId(f"{device}-{number}")


def _settle(engine: Engine, test: RuleTest, ruleset: Ruleset, start: datetime) -> list[Fact]:
    """The homes of the story, registered at its beginning."""
    if not 1 <= test.homes <= MOST_HOMES:
        raise BadTest(f"homes = {test.homes} is not from 1 to {MOST_HOMES}")
    models = {model.id for model in ruleset.models}
    for device, there in test.devices.items():
        if there.model not in models:
            raise BadTest(f"devices.{device}: there is no model {there.model!r}")
    commands: list[Command] = [RegisterArea(Area(STREET, "翠苑街道")), RegisterArea(Area(AREA, "翠苑社区", STREET))]
    for number in range(1, test.homes + 1):
        home = _home(number)
        building = f"{(number - 1) // IN_ONE_BUILDING + 12} 栋"
        latitude, longitude = test.stands or (None, None)
        place = Home(
            home, AREA, f"{building} {number} 号", latitude=latitude, longitude=longitude, building=building, carrier="移动",
        )  # fmt: skip
        commands.append(RegisterHome(place))
        for order, name in enumerate(test.residents):
            commands.append(RegisterPerson(Person(PersonId(f"{home}-{order}"), home, Role.RESIDENT, name)))
        for device, there in test.devices.items():
            commands.append(RegisterDevice(Device(_device(device, number), home, there.model, room=there.room)))
    try:
        return [fact for command in commands for fact in engine.handle(Asked(command, NURSE), start.astimezone(UTC))]
    except IllegalTransition as refusal:
        raise BadTest(f"its home cannot be registered: {refusal.sentence.en}") from refusal


def _homes(text: str, most: int) -> range:
    first, dash, last = text.partition("-")
    if text == "all":
        return range(1, most + 1)
    try:
        found = range(int(first), int(last if dash else first) + 1)
    except ValueError:
        raise BadTest(f"homes = {text!r} is neither a number, nor `2-40`, nor `all`") from None
    if not found or found[0] < 1 or found[-1] > most:
        raise BadTest(f"homes = {text!r}: the story has {most}")
    return found


def _moments(test: RuleTest, start: datetime, deaf: list[tuple[datetime, datetime]]) -> Iterator[_Moment]:
    order = count = 0
    for says in test.says:
        if says.device not in test.devices:
            raise BadTest(f"says: there is no device {says.device!r} in `devices`")
        for at in _times(says, start):
            for number in _homes(says.homes, test.homes):
                count += 1
                if count > MOST_REPORTS:
                    raise BadTest(f"more than {MOST_REPORTS:,} reports")
                arrives = at + (span(says.received) if says.received else timedelta(0))
                yield _Moment(_heard(arrives, deaf), order, number, _wire(says, at, number, count))
        order += 1
    for index, does in enumerate(test.does):
        at = moment(does.at, start)
        if does.hears_nothing:
            yield _Moment(at + span(does.hears_nothing), -1, back=True, does=index)
        else:
            yield _Moment(_heard(at, deaf), order + index, does.home, does=index)


def _heard(at: datetime, deaf: list[tuple[datetime, datetime]]) -> datetime:
    """When it gets through."""
    return next((end for begin, end in deaf if begin <= at < end), at)


def _times(says: Says, start: datetime) -> Iterator[datetime]:
    at = moment(says.at, start)
    yield at
    if says.every:
        step = span(says.every)
        if not step or not says.until:
            raise BadTest(f"says at {says.at}: `every` needs a span over 0 and `until`")
        end = moment(says.until, start)
        while (at := at + step) <= end:
            yield at


def _wire(says: Says, at: datetime, number: int, count: int) -> tuple[str, bytes]:
    device = _device(says.device, number)
    root = f"anju/v1/{AREA}/{_home(number)}/{device}"
    if says.online is not None:
        return f"{root}/status", msgspec.json.encode({"status": "online" if says.online else "offline"})
    body = {"id": says.id or f"r{count}", "at": at.isoformat(), "values": {p.value: v for p, v in says.values.items()}}
    return f"{root}/report", msgspec.json.encode(body)


def _take(engine: Engine, test: RuleTest, due: _Moment, rules: dict[AlertId, str]) -> list[Fact]:
    now = due.at.astimezone(UTC)
    if due.said is not None:
        topic, payload = due.said
        try:
            message = decode(topic, payload, now)
        except DecodeError as problem:
            raise BadTest(f"what is said at {due.at:%d %H:%M:%S} cannot be read: {problem}") from problem
        if not isinstance(message, Heard | StatusHeard):
            raise BadTest(f"what is said at {due.at:%d %H:%M:%S} comes to nothing")
        item: Item = Said(message, topic, payload)
    else:
        item = Asked(_command(test.does[due.does], engine, rules, _start(test, engine.ruleset)), NURSE)
    try:
        return engine.handle(item, now)
    except IllegalTransition as refusal:
        raise BadTest(f"refused at {due.at:%d %H:%M:%S}: {refusal.sentence.en}") from refusal


def _command(does: Does, engine: Engine, rules: dict[AlertId, str], start: datetime) -> Command:
    rule = does.acknowledge or does.close
    home = _home(does.home)
    if does.mode is Mode.HOME:
        return EndHomeMode(home)
    if does.mode is not None:
        return SetHomeMode(home, does.mode, moment(does.until, start).astimezone(UTC), "as the story has it")
    if does.sets:
        return ChangeParameters(home, does.sets, does.values, "as the story has it")
    found = next((a.id for a in engine.alerts.values() if a.open and a.home == home and rules.get(a.id) == rule), None)
    if found is None:
        raise BadTest(f"does at {does.at}: home {does.home} has no open alert of {rule!r}")
    return Acknowledge(found) if does.acknowledge else Close(found, "assistance_given", "as the story has it")


WAYS = ("raises", "repeats", "recurs", "worsens", "clears", "prompts")
_WHAT: dict[type, str] = {
    AlertRaised: "raises", AlertRepeated: "repeats", AlertRecurred: "recurs", AlertWorsened: "worsens", AlertCleared: "clears",
}  # fmt: skip


def _happened(facts: list[Fact], rules: dict[AlertId, str]) -> Iterator[Happening]:
    for fact in facts:
        if isinstance(fact, PromptFound):
            says = f"{fact.reason.zh} / {fact.reason.en}"
            yield Happening(fact.at, "prompts", fact.rule, int(fact.home.rpartition("-")[2]), 0, "", says)
        if not isinstance(fact, AlertFact):
            continue
        what = _WHAT.get(type(fact))
        if isinstance(fact, AlertRaised):
            rules[fact.alert] = fact.rule
        if what is None:
            continue
        home = int(fact.home.rpartition("-")[2]) if fact.home else 0
        if isinstance(fact, AlertRaised):
            says = f"{fact.reason.zh} / {fact.reason.en}"
            yield Happening(fact.at, what, fact.rule, home, int(fact.priority), fact.category.value, says)
        elif isinstance(fact, AlertWorsened):
            says = f"{fact.reason.zh} / {fact.reason.en}"
            yield Happening(fact.at, what, fact.rule, home, int(fact.priority), "", says)
        else:
            yield Happening(fact.at, what, rules.get(fact.alert, ""), home)


# --- what is not as expected -------------------------------------------------------------------------------------------------------


def _differences(test: RuleTest, happened: tuple[Happening, ...], start: datetime) -> Iterator[str]:
    repeats = any(one.repeats for one in test.expect)
    left = [
        one for one in happened
        if (one.what != "repeats" or repeats) and (one.rule in test.only if test.only else one.rule not in test.ignore)
    ]  # fmt: skip
    missing: list[Expected] = []
    for expected in test.expect:
        found = next((one for one in left if _meets(expected, one, start)), None)
        if found is None:
            missing.append(expected)
        else:
            left.remove(found)
            yield from _otherwise(expected, found, start)
    for expected in missing:
        what, rule = _wanted(expected)
        other = next((one for one in left if (one.what, one.rule) == (what, rule) and expected.home in (0, one.home)), None)
        if other is None:
            yield f"- expected at {expected.at}: {what} {rule!r}{_at_home(expected.home)}, and it did not happen"
        else:
            left.remove(other)
            yield f"- expected at {expected.at}: {what} {rule!r}{_at_home(expected.home)}"
            yield f"+ came at {written(other.at.astimezone(start.tzinfo), start)}"
    for one in left:
        because = f": {one.reason}" if one.reason else ""
        when = written(one.at.astimezone(start.tzinfo), start)
        yield f"+ not expected at {when}: {one.what} {one.rule!r}{_at_home(one.home if test.homes > 1 else 0)}{because}"


def _wanted(expected: Expected) -> tuple[str, str]:
    given = [(name, rule) for name in WAYS if (rule := getattr(expected, name))]
    if len(given) != 1:
        raise BadTest(f"expect at {expected.at}: exactly one of {', '.join(WAYS)}")
    return given[0]


def _meets(expected: Expected, one: Happening, start: datetime) -> bool:
    what, rule = _wanted(expected)
    early = moment(expected.at, start)
    late = early + (span(expected.within) if expected.within else timedelta(0))
    return (one.what, one.rule) == (what, rule) and expected.home in (0, one.home) and early <= one.at <= late


def _otherwise(expected: Expected, one: Happening, start: datetime) -> Iterator[str]:
    what, rule = _wanted(expected)
    head = f"{what} {rule!r} at {written(one.at.astimezone(start.tzinfo), start)}"
    if expected.priority is not None and expected.priority != one.priority:
        yield f"- {head} with priority {int(expected.priority)}"
        yield f"+ it has priority {one.priority}"
    if expected.category is not None and expected.category.value != one.category:
        yield f"- {head} with category {expected.category.value}"
        yield f"+ it has category {one.category}"
    if expected.says and expected.says not in one.reason:
        yield f"- {head} and says {expected.says!r}"
        yield f"+ it says {one.reason!r}"


def _at_home(home: int) -> str:
    return f" in home {home}" if home else ""
