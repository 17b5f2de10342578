"""What every dialect asks of a single value: is it true, is it possible, when was it."""

import hashlib
import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from devices.observation import BOOLEANS, URGENT, Manner, Observation, Property, ReportId

AHEAD = timedelta(minutes=10)
"""A device's clock may run this far ahead of the receipt before it is not believed."""
BEHIND = timedelta(days=31)
"""A report may have waited this long in a kit that was cut off: a month, and every call is remembered for 30 days."""
_EARLY = -AHEAD

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 253_402_300_799_000  # the end of year 9999, past which there is no datetime

PROBLEMS_KEPT = 32
"""Of one message: enough to mend the device by, and no message makes a journal entry longer than itself."""

P = Property
BOUNDS: dict[Property, tuple[float, float]] = {
    P.HEART_RATE: (1, 350),  # 0 is a watch that lies on the table, not a heart that stands still
    P.SPO2: (1, 100),
    P.RESPIRATION_RATE: (0, 120),  # 0 is possible: apnoea is what a bed mat is there for
    P.BODY_TEMPERATURE: (10, 50),  # also keeps 98.6 °F out
    P.SYSTOLIC: (20, 350),
    P.DIASTOLIC: (5, 300),
    P.STEPS: (0, 1e9),
    P.LATITUDE: (-90, 90),
    P.LONGITUDE: (-180, 180),
    P.TEMPERATURE: (-100, 500),
    P.HUMIDITY: (0, 105),  # a wet sensor drifts past 100
    P.CO: (0, 1e6),
    P.GAS: (0, 2000),  # pure methane is 2,000 % of its lower explosive limit
    P.SMOKE_DENSITY: (0, 1000),
    P.WATER_USED: (0, 1e9),
    P.ENERGY_USED: (-1e9, 1e9),  # a meter behind a solar roof counts backwards
    P.ILLUMINANCE: (0, 250_000),
    P.BATTERY: (0, 100),
    P.LINK_QUALITY: (0, 255),
    P.RSSI: (-200, 50),
    P.SPEED: (0, 350),
}
"""What is physically possible, both ends included. What is unusual is for the rules to judge; what cannot be is a fault of the device."""

YES = frozenset({"true", "on", "yes", "1", "alarm", "alarming", "alarmed", "active", "activated", "triggered", "detected", "danger"})
NO = frozenset({
    "false", "off", "no", "0", "none", "normal", "clear", "cleared", "inactive", "idle", "ok", "safe", "undetected", "not_detected",
})  # fmt: skip

_SAID = {
    (prop, value, manner): Observation(prop, value, manner)
    for prop in BOOLEANS for value in (True, False) for manner in Manner
}  # fmt: skip


def said(prop: Property, value: bool, manner: Manner) -> Observation:
    """The one observation there is of these three; a boolean needs no new object for every report."""
    return _SAID[prop, value, manner]


def truth(value: object) -> bool | None:
    """What a value plainly says as a boolean: JSON's own, 1 and 0, and a closed table of words; None when it does not."""
    if value is True or value is False:
        return value
    if isinstance(value, int | float):
        return True if value == 1 else False if value == 0 else None
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in YES else False if word in NO else None
    return None


def boolean(prop: Property, value: object) -> tuple[bool | None, str]:
    """(what is taken, what is wrong with it). A call or hazard that is neither plainly false nor plainly absent is taken as raised."""
    if value is True or value is False:
        return value, ""
    shown = brief(value)
    if value is None or value in ("", []):
        return None, f"{shown} where true or false is expected"
    plain = truth(value)
    if plain is not None:
        return plain, f"{shown} where true or false is expected, taken as {str(plain).lower()}"
    if prop in URGENT:
        return True, f"{shown} where true or false is expected, taken as true: a call in doubt is a call"
    return None, f"{shown} where true or false is expected"


def number(prop: Property, value: object) -> tuple[int | float | None, str]:
    """(what is taken, what is wrong with it), in the property's unit. A number in quotes is taken; an impossible one is not."""
    wrong = ""
    if isinstance(value, str):
        wrong = f"{brief(value)} where a number is expected"
        value = numeral(value)
        if value is None:
            return None, wrong
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, f"{brief(value)} where a number is expected"
    if not math.isfinite(value):
        return None, "not a finite number"
    low, high = BOUNDS[prop]
    if not low <= value <= high:
        return None, f"{brief(value)} is not between {low:g} and {high:g}"
    return value, wrong and f"{wrong}, taken as {value:g}"


_COMMA = re.compile(r"\s*[-+]?\d+,\d{1,2}\s*")


def numeral(text: str) -> float | None:
    """The number that a text is: also 21,5 as half the world writes it, but not 1,234, which is a thousand elsewhere."""
    try:
        return float(text.replace(",", ".") if _COMMA.fullmatch(text) else text)
    except ValueError:
        return None


def instant(at: datetime | int | str | None, received_at: datetime) -> tuple[datetime, bool]:
    """(when it was observed in UTC, clock suspect). `at` in ms since 1970 or with an offset; else, and when absurd, the receipt stands.

    msgspec.ValidationError for a text that is not RFC 3339.
    """
    if type(at) is str:
        told = moment(at)
    elif at is None:
        return received_at, True
    elif isinstance(at, int):
        told = EPOCH + timedelta(milliseconds=at) if 0 <= at <= _LAST_MS else None
    else:
        assert isinstance(at, datetime)
        told = _utc(at)
    if told is None or not _EARLY <= received_at - told <= BEHIND:
        return received_at, True
    return told, False


@lru_cache(maxsize=512)
def moment(text: str) -> datetime | None:
    """An instant as RFC 3339 writes it, in UTC; None where it names none. msgspec.ValidationError.

    A county's kits say the same second over and over, and at the maximum the same millisecond: each is read once, and held once.
    """
    return _utc(msgspec.convert(text, datetime))


def _utc(at: datetime) -> datetime | None:
    if at.tzinfo is None:
        return None
    try:
        return at.astimezone(UTC)  # before it is compared: between two zones that costs twice as much
    except OverflowError:  # the first or the last hours that there are
        return None


class Numbers(dict[float, Observation]):
    """The observations of a property that were made of late, by value: most readings are those of a moment ago, and one is all.

    KeyError for a value that is out of bounds. One for whole numbers and one for the others: a dict takes 20 and 20.0 for the same.
    """

    MOST = 256

    def __init__(self, prop: Property) -> None:
        super().__init__()
        self._property = prop
        self._low, self._high = BOUNDS[prop]

    def __missing__(self, value: float) -> Observation:
        if not self._low <= value <= self._high:
            raise KeyError(value)
        observation = Observation(self._property, value)
        if value:  # a dict takes 0.0 and -0.0 for the same as well
            if len(self) >= self.MOST:
                self.clear()
            self[value] = observation
        return observation


def derived_id(topic: str, observed_at: datetime, payload: bytes) -> ReportId:
    """An id for a report that brought none or a useless one: of topic, time and payload.

    The same bytes delivered again are the same report when they tell their time. When they do not, the receipt is their time, so
    that the cord pulled tomorrow is not taken for the cord pulled today; a redelivery then counts as a repeat, which harms nobody.
    """
    digest = hashlib.blake2b(digest_size=15)
    digest.update(topic.encode("utf-8", "backslashreplace"))
    digest.update(b"\0" + observed_at.isoformat().encode() + b"\0")
    digest.update(payload)
    return ReportId("~" + digest.hexdigest())


def brief(value: object) -> str:
    """A foreign value as it may stand in a sentence: short, printable."""
    if isinstance(value, list):
        return "an object" if type(value) is not list else "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
