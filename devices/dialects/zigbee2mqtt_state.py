"""One published state of one device, read: many foreign properties in, each of ours at most once out."""

import re

import msgspec

from devices.dialects.values import boolean, brief, number, numeral, said
from devices.dialects.zigbee2mqtt_words import (
    QUIET,
    TELLERS,
    UNITS,
    Meaning,
    Quantity,
    Source,
    alarm_of,
    is_call,
    meaning,
    of_a_zone,
    parts,
    quantity,
    told,
)
from devices.message import Listed
from devices.observation import CALLS, URGENT, Manner, Observation, Problem, Property

_NUMERAL = re.compile(r"\s*[-+]?\d")
_ASSERTED = frozenset({"true", "on", "yes", "1", "false", "off", "no", "0"})
"""Words said of the foreign property itself: an opposite turns them round, while `contact: "open"` says what it says."""
OF_PEOPLE = CALLS | {Property.FALL}
"""Nothing of these is measured: a number other than 0 is a code for some sort of call or fall."""


class State:
    """Fed value by value. Several properties may speak of one of ours (`presence`, `occupancy_2`), some only when no other does."""

    def __init__(self, listed: Listed | None, problems: list[Problem]) -> None:
        self._words = {name: (on, off) for name, on, off in listed.values} if listed else {}
        self._units = dict(listed.units) if listed else {}
        self._alarms = dict(listed.alarms) if listed else {}
        self._problems = problems
        self.radioed = True
        """So far it holds nothing but what a zone's own message carries: see `Report.radioed`."""
        self._stated: dict[Property, bool] = {}
        self._hinted: dict[Property, bool] = {}
        self._doubted: dict[Property, bool] = {}
        self._at_rest: dict[Property, bool] = {}
        self._measured: dict[Property, tuple[int | float | None, bool]] = {}
        self._events: dict[Property, Observation] = {}

    def take(self, name: str, value: object) -> None:
        if self.radioed and not of_a_zone(name) and name not in self._alarms:
            self.radioed = False
        # By exact type, not isinstance: this runs for every value of every message, and True is an int.
        kind = type(value)
        if kind is int or kind is float:
            assert isinstance(value, int | float)
            amount = quantity(name)
            if amount is not None:
                self._measure(name, amount, value)
                return
            if name in self._units:
                return
        elif kind is str:
            assert isinstance(value, str)
            if name in TELLERS:
                self._tell(name, value)
                return
            if self._in_digits(name, value):
                return
        elif kind is not bool:
            self._nested(name, value)
            return
        found = meaning(name)
        if found is None and name in self._alarms:
            found = alarm_of(self._alarms[name])
        if found is None:
            return
        if found.source is Source.ACTION:
            self._act(value)
            return
        flag = self._as_listed(name, value) if name in self._words else None
        if flag is None:
            flag = self._as_said(name, found, value)
        if flag is not None:
            if kind is not bool and kind is not str and found.property in URGENT:
                into = self._doubted  # an alarm as 1, or 1 %LEL of gas
            else:
                into = self._hinted if found.source in (Source.HINT, Source.STATE) else self._stated
            into[found.property] = into.get(found.property, False) or flag
            also = self._alarms.get(name)
            if also is not None and also is not found.property:
                self._stated[also] = self._stated.get(also, False) or flag

    def observations(self) -> tuple[Observation, ...]:
        flags = self._at_rest | self._doubted | self._hinted | self._stated
        if self._hinted.get(Property.FAULT):
            flags[Property.FAULT] = True  # each word on faults is about another one
        if Property.BATTERY in self._measured and Property.BATTERY_LOW not in self._stated:
            flags.pop(Property.BATTERY_LOW, None)  # a percentage says better what "low", "middle", "high" say
        held = [said(prop, flag, Manner.CACHED) for prop, flag in flags.items()]
        numbers = [Observation(prop, value, Manner.CACHED) for prop, (value, _) in self._measured.items() if value is not None]
        return (*self._events.values(), *held, *numbers)

    def _act(self, value: object) -> None:
        if isinstance(value, str) and is_call(value):
            self._events[Property.SOS] = said(Property.SOS, True, Manner.EVENT)
        elif value == "vibration":
            self._events[Property.VIBRATION] = said(Property.VIBRATION, True, Manner.EVENT)

    def _nested(self, name: str, value: object) -> None:
        """An object or a list where a boolean belongs: a call or hazard in doubt, as it is in a report of our own."""
        found = meaning(name)
        if value and found is not None and found.source is Source.STATEMENT and found.property in URGENT:
            flag, wrong = boolean(found.property, value)
            self._problems.append(Problem(name[:64], wrong))
            if flag is not None:
                self._doubted[found.property] = True

    def _tell(self, name: str, word: str) -> None:
        there, not_there = told(name, word)
        if there is not None:
            self._stated[there] = True
        self._at_rest.update(dict.fromkeys(not_there, False))

    def _in_digits(self, name: str, text: str) -> bool:
        """Whether it is a measure written as a text: then it has been taken, or told."""
        amount = quantity(name)
        if amount is None or not _NUMERAL.match(text):
            return False
        value = numeral(text)
        if value is None:
            self._problems.append(Problem(name[:64], f"{brief(text)} where a number is expected"))
            return True
        if "," in text and (amount.certain or name in self._units):  # "100.00" was a hub's own way once, and needs no mending
            self._problems.append(Problem(name[:64], f"{brief(text)} where a number is expected, taken as {value:g}"))
        self._measure(name, amount, value)
        return True

    def _as_listed(self, name: str, value: object) -> bool | None:
        """By the hub's own value_on and value_off."""
        on, off = self._words[name]
        text = msgspec.json.encode(value).decode()
        return True if text == on else False if text == off else None

    def _as_said(self, name: str, found: Meaning, value: object) -> bool | None:
        """By what it says itself. Doubt about a call or hazard raises it, and is told as a problem."""
        opposite = found.source is Source.OPPOSITE
        if isinstance(value, bool):
            return None if found.source is Source.HINT else value is not opposite
        if isinstance(value, str):
            word = value.strip().lower().replace(" ", "_").replace("-", "_")
            if word in found.yes or word in found.no:
                return (word in found.yes) is not (opposite and word in _ASSERTED)
            several = parts(word)
            if not opposite and not found.yes.isdisjoint(several):
                return True
            if not opposite and several and found.no.issuperset(several):
                return False
            grave = found.property in URGENT or found.property is Property.FAULT
            doubtful = found.source is Source.STATEMENT or (found.source is Source.STATE and grave)
            if not word or word in QUIET or not doubtful or found.property is Property.TEST:
                return None
            if found.property is Property.FAULT:
                return True  # a fault by its own name: sensor_fault, probe_fault, "open_circuit_fault | pollution_fault"
        elif found.source is Source.HINT or opposite:
            return None
        elif found.property not in OF_PEOPLE and (found.source is Source.STATE or value not in (0, 1)):
            return None  # a number by a detector's name is a concentration in a unit that nobody told
        flag, wrong = boolean(found.property, value)
        self._problems.append(Problem(name[:64], wrong))
        return flag

    def _measure(self, name: str, amount: Quantity, value: float) -> None:
        prop, unit = amount.property, self._units.get(name, "").strip().lower()
        if prop is Property.LINK_QUALITY:
            value = max(0, min(255, value))
        elif prop is Property.TEMPERATURE and unit == "°f":
            value = round((value - 32) / 1.8, 2)
        elif prop in UNITS and (unit or not amount.certain):
            factor = UNITS[prop].get(unit)
            if factor is None:
                return
            value = value if factor == 1 else value * factor
        taken, wrong = number(prop, value)
        if wrong:
            self._problems.append(Problem(name[:64], wrong))
        if taken is None:
            return
        before = self._measured.get(prop)
        if before is None or (amount.exact and not before[1]):
            self._measured[prop] = (taken, amount.exact)
        elif not before[1] and not amount.exact:
            self._measured[prop] = (None, False)  # two meters or two probes, and no telling which is the home's
