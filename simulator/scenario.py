"""A scenario's file: TOML that a nurse can read. What is wrong with it is told with file, line, key and what was probably meant."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

import msgspec

from config.lines import lines_of, place
from simulator.acts import ACTS, Act
from simulator.device import Kind
from simulator.resident import Room
from simulator.story import (
    Allowed,
    Bilingual,
    Building,
    Category,
    Event,
    Expect,
    Fault,
    Resident,
    Scenario,
    Span,
    TimeOfDay,
    Trouble,
    Which,
)

__all__ = [
    "Allowed", "Bilingual", "Building", "Category", "Event", "Expect", "Fault", "Resident", "Scenario", "ScenarioError", "Span",
    "TimeOfDay", "Trouble", "lint", "load", "parse", "shipped",
]  # fmt: skip

SHIPPED = Path(__file__).parent / "scenarios"
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+\Z")
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_ENUM = re.compile(r"Invalid enum value '([^']*)'")
_WORDS = sorted(
    {*Act, *Trouble, *Category, *Room, *(str(field) for one in (Scenario, Event, Fault, Expect, Resident, Building, Allowed, Bilingual)
     for field in one.__struct_fields__)}
)  # fmt: skip
"""Every word that a file may use, for suggestions."""


class ScenarioError(Exception):
    """The file's fault: names file, line, key and reason, in one line."""


def shipped() -> list[str]:
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load(name: str, *, homes: int | None = None) -> Scenario:
    """A shipped scenario by its name, or a TOML file by its path; `homes` instead of its own number. ScenarioError otherwise."""
    path = SHIPPED / f"{name}.toml" if name in shipped() else Path(name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        known = ", ".join(shipped())
        why = problem.strerror if isinstance(problem, OSError) else "not UTF-8"
        near = _near(name, shipped())
        raise ScenarioError(f"scenario {name}: {why}{near}; shipped ones are {known}") from None
    return parse(text, path.name, homes=homes)


def parse(text: str, file: str, *, homes: int | None = None) -> Scenario:
    try:
        raw = tomllib.loads(text)
    except RecursionError:
        raise ScenarioError(f"{file}: nested too deeply") from None
    except ValueError as problem:  # TOMLDecodeError is one, and so is what int() says of thousands of digits
        raise ScenarioError(f"{file}: not TOML: {problem}") from None
    try:
        scenario = msgspec.convert(raw, Scenario, dec_hook=_hook)
    except msgspec.ValidationError as problem:
        reason, _, path = str(problem).partition(" - at `$")
        raise ScenarioError(_located(text, file, path.rstrip("`").lstrip("."), reason + _suggestion(reason))) from None
    if homes is not None:
        scenario = msgspec.structs.replace(scenario, homes=homes)
    for path, reason in lint(scenario):
        raise ScenarioError(_located(text, file, path, reason))
    return scenario


def _located(text: str, file: str, path: str, reason: str) -> str:
    """`file:line: event 3.do: reason`, counting as people do."""
    unknown = _UNKNOWN.search(reason)
    line = place(lines_of(text), f"{path}.{unknown[1]}".lstrip(".") if unknown else path)
    key = re.sub(r"\[(\d+)\]", lambda index: f" {int(index[1]) + 1}", path)
    return f"{file}{f':{line}' if line else ''}: {f'{key}: ' if key else ''}{reason}"


def _suggestion(reason: str) -> str:
    wrong = _ENUM.search(reason) or _UNKNOWN.search(reason)
    return _near(wrong[1], _WORDS) if wrong else ""


def _near(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), 1)
    return f"; did you mean {str(near[0])!r}?" if near else ""


def lint(scenario: Scenario) -> list[tuple[str, str]]:
    """(path, reason) of everything that reads well and cannot be played; paths count from 0, as in `event[2].home`."""
    found = []
    if scenario.homes < 1:
        found.append(("homes", f"{scenario.homes} homes are none"))
    found += [("kit", f"{slot!r} is no device{_near(slot, Kind)}") for slot in scenario.kit if slot.split("-")[0] not in set(Kind)]
    for number, event in enumerate(scenario.event):
        found += [(f"event[{number}].{key}", reason) for key, reason in _event(scenario, event)]
    for number, fault in enumerate(scenario.fault):
        found += [(f"fault[{number}].{key}", reason) for key, reason in _fault(scenario, fault)]
    buildings = [building.name for building in scenario.dwelling]
    for number, resident in enumerate(scenario.resident):
        found += [(f"resident[{number}].{key}", reason) for key, reason in _resident(scenario, resident, buildings)]
    if sum(resident.share for resident in scenario.resident) > 100:
        found.append(("resident[0].share", "the shares of all residents are more than a hundred"))
    return found


def _event(scenario: Scenario, event: Event) -> Iterator[tuple[str, str]]:
    yield from _homes(scenario, event.home)
    if event.at > scenario.duration:
        yield "at", f"{event.at:g} s is after the end, {scenario.duration:g} s"
    if event.every is not None and event.every < 1:
        yield "every", "less than a second apart"
    if event.times < 1:
        yield "times", f"{event.times} times is never"
    yield from _number(scenario, event.number, event.home)
    if event.device and not _fits(event):
        yield "device", f"{event.do} is not something that a {event.device} does"
    if any(expect.within <= 0 for expect in event.expected):
        yield "expect.within", "no time at all"


def _fault(scenario: Scenario, fault: Fault) -> Iterator[tuple[str, str]]:
    yield from _homes(scenario, fault.home)
    yield from _number(scenario, fault.number, fault.home)
    if fault.at > scenario.duration:
        yield "at", f"{fault.at:g} s is after the end, {scenario.duration:g} s"
    if not 0 < fault.share <= 100:
        yield "share", f"{fault.share:g} of a hundred"
    if fault.do in (Trouble.CLOCK_WRONG, Trouble.CLOCK_JUMPS) and not fault.by:
        yield "by", "a clock that is wrong by nothing is right"
    if fault.do is Trouble.SLOW_LINE and not fault.by and fault.rate <= 0:
        yield "do", "slow by nothing: give `by`, how much later, or `rate`, bytes a second"
    if fault.rate and (fault.do is not Trouble.SLOW_LINE or fault.rate < 0):
        yield "rate", "bytes a second of a slow_line"
    if fault.times < 1 or (fault.times > 1 and not fault.do.comes_often):
        yield "times", f"{fault.times} times; {' '.join(each for each in Trouble if each.comes_often)} may come more than once"
    if fault.do is Trouble.BROKER_AWAY and (fault.home != "each" or fault.area):
        yield "do", "a broker that is away is away for every home"


def _resident(scenario: Scenario, resident: Resident, buildings: list[str]) -> Iterator[tuple[str, str]]:
    yield from (("homes", f"home {home} of {scenario.homes}: they are numbered from 1") for home in _beyond(scenario, resident.homes))
    if not resident.homes and not 0 < resident.share <= 100:
        yield "share", "nobody: give `share` of a hundred homes, or the numbers of `homes`"
    if resident.dwelling and resident.dwelling not in buildings:
        yield "dwelling", f"there is no [[dwelling]] named {resident.dwelling!r}{_near(resident.dwelling, buildings)}"
    if not 0 <= resident.toilet_at_night <= 6:
        yield "toilet_at_night", "from 0 to 6 times"


def _homes(scenario: Scenario, which: Which) -> Iterator[tuple[str, str]]:
    numbers = (which,) if isinstance(which, int) else which if isinstance(which, tuple) else ()
    yield from (("home", f"home {home} of {scenario.homes}: they are numbered from 1") for home in _beyond(scenario, numbers))


def _number(scenario: Scenario, number: int, which: Which) -> Iterator[tuple[str, str]]:
    if number < 1 or (number > 1 and which != "any"):
        yield "number", 'how many different homes, with home = "any"'
    elif number > scenario.homes:
        yield "number", f"{number} different homes of {scenario.homes}"


def _beyond(scenario: Scenario, numbers: Iterable[int]) -> list[int]:
    return [number for number in numbers if not 1 <= number <= scenario.homes]


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
