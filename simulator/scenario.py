"""A scenario: a story in TOML that a nurse can read, and what the platform should make of it.

`at`, `lasts`, `every` and `jitter` are the story's own time, which `--speed` presses together; `within` is real time, since the person
who waits for help lives in that. An event without an alert says so: `expect = "nothing"`.
"""

import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Literal

import msgspec

from simulator.acts import ACTS, Act
from simulator.device import Kind

SHIPPED = Path(__file__).parent / "scenarios"
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+\Z")
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class ScenarioError(Exception):
    """The file's fault: names file, key and reason, in one line."""


class Category(StrEnum):
    """The contract's."""

    CALL_FOR_HELP = "call_for_help"
    FIRE = "fire"
    GAS = "gas"
    FALL = "fall"
    HEALTH = "health"
    INACTIVITY = "inactivity"
    WANDERING = "wandering"
    WATER = "water"
    INTRUSION = "intrusion"
    TECHNICAL = "technical"


class Span(float):
    """Seconds, written `90s`, `5m`, `1h30m`, `500ms`."""

    __slots__ = ()


class TimeOfDay(float):
    """Seconds since midnight in the homes, written `02:40`."""

    __slots__ = ()


class Bilingual(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zh: str
    en: str


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An alert that should come. `priority` left out: any."""

    category: Category
    within: Span
    priority: Literal[1, 2, 3, 4] | None = None


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`home`: its number from 1, several numbers, `any` (one by chance) or `each`. `device`: a slot such as `cord-bath`."""

    at: Span
    do: Act
    expect: Expect | tuple[Expect, ...] | Literal["nothing"]
    home: int | tuple[int, ...] | Literal["any", "each"] = 1
    device: str = ""
    lasts: Span | None = None
    times: int = 1
    every: Span | None = None
    """Again and again, until the scenario is over."""
    jitter: Span = Span(0)
    """Up to so much later, by chance; with `each`, every home by a chance of its own."""

    @property
    def expected(self) -> tuple[Expect, ...]:
        if isinstance(self.expect, str):
            return ()
        return (self.expect,) if isinstance(self.expect, Expect) else self.expect


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`start`: the time of day in the homes at which it begins, else the real one. `everyday`: residents live around the events.

    `real_time`: the platform's own waiting is part of the story (a hub may be quiet for minutes), so it is not told faster.
    """

    title: Bilingual
    story: Bilingual
    homes: int
    duration: Span
    event: tuple[Event, ...] = ()
    start: TimeOfDay | None = None
    everyday: bool = False
    real_time: bool = False

    @property
    def needs_zigbee(self) -> bool:
        """Whether a home named by its number needs a Zigbee net of its own; `any` finds one that has it."""
        return any(ACTS[event.do].zigbee and event.home != "any" for event in self.event)


def shipped() -> list[str]:
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load(name: str, *, homes: int | None = None) -> Scenario:
    """A shipped scenario by its name, or a TOML file by its path; `homes` instead of its own number. ScenarioError otherwise."""
    path = SHIPPED / f"{name}.toml" if name in shipped() else Path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        known = ", ".join(shipped())
        why = problem.strerror if isinstance(problem, OSError) else "not UTF-8"
        raise ScenarioError(f"scenario {name}: {why}; shipped ones are {known}") from None
    return parse(text, path.name, homes=homes)


def parse(text: str, file: str, *, homes: int | None = None) -> Scenario:
    try:
        scenario = msgspec.convert(tomllib.loads(text), Scenario, dec_hook=_hook)
    except tomllib.TOMLDecodeError as problem:
        raise ScenarioError(f"{file}: not TOML: {problem}") from None
    except msgspec.ValidationError as problem:
        raise ScenarioError(f"{file}: {_placed(str(problem))}") from None
    if homes is not None:
        scenario = msgspec.structs.replace(scenario, homes=homes)
    for key, reason in lint(scenario):
        raise ScenarioError(f"{file}: {key}: {reason}")
    return scenario


def lint(scenario: Scenario) -> list[tuple[str, str]]:
    """(key, reason) of everything that reads well and cannot be played."""
    found = []
    if scenario.homes < 1:
        found.append(("homes", f"{scenario.homes} homes are none"))
    for number, event in enumerate(scenario.event, start=1):
        numbers = (event.home,) if isinstance(event.home, int) else event.home if isinstance(event.home, tuple) else ()
        place = f"event {number}"
        found += [
            (f"{place}.home", f"home {home} of {scenario.homes}: they are numbered from 1")
            for home in numbers
            if not 1 <= home <= scenario.homes
        ]
        if event.at > scenario.duration:
            found.append((f"{place}.at", f"{event.at:g} s is after the end, {scenario.duration:g} s"))
        if event.every is not None and event.every < 1:
            found.append((f"{place}.every", "less than a second apart"))
        if event.times < 1:
            found.append((f"{place}.times", f"{event.times} times is never"))
        if event.device and not _fits(event):
            found.append((f"{place}.device", f"{event.do} is not something that a {event.device} does"))
        if any(expect.within <= 0 for expect in event.expected):
            found.append((f"{place}.expect.within", "no time at all"))
    return found


def _fits(event: Event) -> bool:
    kind = event.device.split("-")[0]
    capability = ACTS[event.do]
    return kind == capability.kind or (capability.any_kind and kind in {str(known) for known in Kind})


def _hook(wanted: type, value: object) -> object:
    if wanted is TimeOfDay:
        clock = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
        if clock is None:
            raise ValueError(f"{value!r} is not a time of day such as 02:40")
        return TimeOfDay(int(clock[1]) * 3600 + int(clock[2]) * 60)
    if wanted is not Span:
        raise NotImplementedError(wanted)
    if not isinstance(value, str) or not _SPAN.match(value):
        raise ValueError(f"{value!r} is not a duration such as 90s, 5m or 1h30m")
    return Span(sum(float(number) * _UNIT_S[unit] for number, unit in _PIECE.findall(value)))


def _placed(message: str) -> str:
    """What msgspec writes, `reason - at `$.event[2].do``, as `event 3.do: reason`, counting as people do."""
    reason, _, place = message.partition(" - at `$")
    key = re.sub(r"\[(\d+)\]", lambda index: f" {int(index[1]) + 1}", place.rstrip("`").lstrip("."))
    return f"{key}: {reason}" if key else reason
