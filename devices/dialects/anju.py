"""The native dialect: `report`, `alarm`, `status` and `reply` of contract.md, in JSON.

A report is read twice at most. The strict reader takes what is sound, at full speed, and hands everything else, for whatever
reason, to the careful one, which names each fault and keeps each sound value. When even that fails and the text still plainly
carries a call, the call is heard: `{"values":{"sos":true` cut off by a dying radio is a person asking for help.

A device's own `test` is delivered beside whatever else the report carries; what a test excuses is for the rules to say.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from devices.dialects import lenient
from devices.dialects.lenient import Members
from devices.dialects.values import PROBLEMS_KEPT, Numbers, boolean, brief, derived_id, instant, number, said, truth
from devices.legible import name as legible
from devices.message import Carrier, Heard, Ignored, Message, ReplyHeard, StatusHeard
from devices.observation import (
    BOOLEANS,
    UNITS,
    URGENT,
    DecodeError,
    Manner,
    Observation,
    Problem,
    Property,
    Report,
    ReportId,
)
from devices.topic import Channel, DeviceTopic

ID_LIMIT = 128

EVENTS = frozenset({
    Property.SOS, Property.PULL_CORD, Property.CANCEL, Property.CHECKED_IN, Property.MEDICATION_TAKEN, Property.TEST,
})  # fmt: skip
"""Momentary in a native report: each one is a new pull, press or answer. The other booleans are states."""


class ReportWire(msgspec.Struct, gc=False):
    """A sound report, as the contract shows it."""

    id: str = ""
    at: datetime | int | None = None
    values: dict[str, bool | int | float] | msgspec.UnsetType = msgspec.UNSET


class _Read(msgspec.Struct, gc=False):
    """The same with its moment as the text that it is: what many reports say alike is read once (`values.moment`)."""

    id: str = ""
    at: str | int | None = None
    values: dict[str, bool | int | float] | msgspec.UnsetType = msgspec.UNSET


_decoder = msgspec.json.Decoder(_Read)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def _manner(prop: Property) -> Manner:
    return Manner.EVENT if prop in EVENTS else Manner.STATE


_TRUE = {p.value: said(p, True, _manner(p)) for p in BOOLEANS}
_BOTH: dict[str, dict[float, Observation]] = {p.value: {True: _TRUE[p.value], False: said(p, False, _manner(p))} for p in BOOLEANS}
_PROPERTIES = {p.value: p for p in Property}
_KNOWN: dict[type, Mapping[str, Mapping[float, Observation]]] = {
    bool: _BOTH,
    int: {p.value: Numbers(p) for p in UNITS},
    float: {p.value: Numbers(p) for p in UNITS},
}
"""What a property may say, by the type of the value in the text: 20 and 20.0 are not the same, and stay what they were."""
_CARRIERS = {Channel.REPORT: Carrier.REPORT, Channel.ALARM: Carrier.ALARM}


def decode(topic: DeviceTopic, payload: bytes, received_at: datetime) -> Message:
    carrier = _CARRIERS.get(topic.channel)
    if carrier is not None:
        return _report(topic, payload, received_at, carrier)
    match topic.channel:
        case Channel.STATUS:
            return _status(topic, payload, received_at)
        case Channel.REPLY:
            return _reply(topic, payload, received_at)
        case _:
            raise DecodeError("topic.channel", "command goes down to a device, none comes up")


def _report(topic: DeviceTopic, payload: bytes, received_at: datetime, carrier: Carrier) -> Heard:
    try:
        wire = _decoder.decode(payload)
        observed_at, suspect = instant(wire.at, received_at)
    except _UNREADABLE:
        return _carefully(topic, payload, received_at)
    values = wire.values
    if values is msgspec.UNSET:
        return _carefully(topic, payload, received_at)
    observations = []
    trues = 0
    for name, value in values.items():
        if value is True:
            trues += 1
        known = _KNOWN[type(value)].get(name)
        if known is not None:
            try:
                observations.append(known[value])
            except KeyError:  # impossible, says `Numbers`
                return _carefully(topic, payload, received_at)
        elif name in _PROPERTIES:
            return _carefully(topic, payload, received_at)
    # A repeated key is lost in a dict, and `{"smoke": true, "smoke": false}` must not be: each key and each `true` of the text must
    # have been seen. (Keys that the contract does not know make the count differ as well; they only cost the careful reading.)
    report_id = wire.id
    keys = len(values) + 1 + (report_id != "") + (wire.at is not None)
    if payload.count(b'":') != keys or payload.count(b"true") != trues:
        return _carefully(topic, payload, received_at)
    if len(report_id) > ID_LIMIT or not report_id.isprintable():
        return _carefully(topic, payload, received_at)
    id_ = ReportId(report_id) if report_id else derived_id(str(topic), observed_at, payload)
    return Heard(topic.area, topic.home, topic.device, Report(id_, observed_at, received_at, tuple(observations), suspect), carrier)


def _heard(topic: DeviceTopic, report: Report) -> Heard:
    return Heard(topic.area, topic.home, topic.device, report, _CARRIERS[topic.channel])


def _carefully(topic: DeviceTopic, payload: bytes, received_at: datetime) -> Heard:
    try:
        body, problems = lenient.read(payload)
        body = _opened(body, "payload", problems)
        members = _members(body, problems)
    except DecodeError as wrong:
        return salvage(topic, payload, received_at, wrong)
    assert isinstance(body, Members)
    names = [key for key, _ in body]
    problems += [Problem(key, "given more than once") for key in ("id", "at", "values") if names.count(key) > 1]
    observations = _values(members, problems)
    observed_at, suspect = instant(_at(body, problems), received_at)
    report_id = _id(body, problems) or derived_id(str(topic), observed_at, payload)
    return _heard(topic, Report(report_id, observed_at, received_at, observations, suspect, tuple(problems[:PROBLEMS_KEPT])))


def _opened(value: object, place: str, problems: list[Problem]) -> object:
    """The object that stands in a text, as devices write it that encode what is encoded already; anything else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return value
    try:
        inner, forgiven = lenient.read(value.encode())
    except DecodeError:
        return value
    problems += [Problem(place, "a text where an object is expected: JSON written twice"), *forgiven]
    return inner


def _members(body: object, problems: list[Problem]) -> list[tuple[str, object]]:
    """All that stands in `values`, or in all of them where there are several."""
    if not isinstance(body, Members):
        raise DecodeError("payload", f"{brief(body)} where an object is expected")
    given = [_opened(value, "values", problems) for key, value in body if key == "values"]
    objects = [value for value in given if isinstance(value, Members)]
    if not objects:
        raise DecodeError("values", f"{brief(given[0])} where an object is expected" if given else "missing")
    return [member for members in objects for member in members]


def _values(members: list[tuple[str, object]], problems: list[Problem]) -> tuple[Observation, ...]:
    """Each property once; of a repeated one the last counts, except that a call or hazard once said is not taken back."""
    taken: dict[Property, Observation] = {}
    seen: set[Property] = set()
    for name, value in members:
        prop = _PROPERTIES.get(name)
        if prop is None:
            continue
        place = f"values.{name}"
        if prop in seen:
            problems.append(Problem(place, "given more than once"))
        seen.add(prop)
        if prop in BOOLEANS:
            flag, wrong = boolean(prop, value)
            before = taken.get(prop)
            if flag is not None and not (prop in URGENT and before is not None and before.value is True):
                taken[prop] = said(prop, flag, _manner(prop))
        else:
            amount, wrong = number(prop, value)
            if amount is not None:
                taken[prop] = Observation(prop, amount)
        if wrong:
            problems.append(Problem(place, wrong))
    return tuple(taken.values())


def _at(body: Members, problems: list[Problem]) -> datetime | int | None:
    at = dict(body).get("at")
    if at is None or (isinstance(at, int) and not isinstance(at, bool)):
        return at
    if isinstance(at, str):
        try:
            return msgspec.convert(at, datetime)
        except msgspec.ValidationError:
            pass
    problems.append(Problem("at", f"{brief(at)} is neither RFC 3339 nor whole milliseconds since 1970"))
    return None


def _id(body: Members, problems: list[Problem]) -> ReportId | None:
    given = dict(body).get("id")
    if given is None or given == "":
        return None
    if isinstance(given, str) and len(given) <= ID_LIMIT and given.isprintable() and "\ufffd" not in given:
        return ReportId(given)
    problems.append(Problem("id", f"{brief(given)} is not a text of 1 to {ID_LIMIT} printable characters"))
    return None


def salvage(topic: DeviceTopic, payload: bytes, received_at: datetime, wrong: DecodeError) -> Heard:
    """The calls and hazards that an unreadable text still plainly carries; without any, the DecodeError stands.

    Also of a text that is too long, whose beginning alone was kept.
    """
    calls = {_PROPERTIES[name] for name, value in lenient.scan(payload) if name in _TRUE and truth(value)} & URGENT
    if not calls:
        raise wrong
    observations = tuple(_TRUE[prop] for prop in sorted(calls))
    report_id = derived_id(str(topic), received_at, payload)
    return _heard(topic, Report(report_id, received_at, received_at, observations, clock_suspect=True, problems=(wrong.problem,)))


class StatusWire(msgspec.Struct):
    """What a device, its hub or its will says of itself."""

    status: Literal["online", "offline"]
    model: str = ""
    firmware: str = ""


class ReplyWire(msgspec.Struct):
    """What became of a command: `error` is empty when it was done."""

    id: str
    result: str = ""
    error: str = ""


_statuses = msgspec.json.Decoder(StatusWire)
_replies = msgspec.json.Decoder(ReplyWire)


def _status(topic: DeviceTopic, payload: bytes, received_at: datetime) -> StatusHeard | Ignored:
    if not payload:  # how MQTT forgets a retained message; it says nothing of the device
        return Ignored(topic.area, topic.home, "the retained status was cleared")
    try:
        wire = _statuses.decode(payload)
    except _UNREADABLE as wrong:
        raise _refused(wrong) from None
    model, firmware = legible(wire.model), legible(wire.firmware)
    return StatusHeard(topic.area, topic.home, topic.device, wire.status == "online", received_at, model, firmware)


def _reply(topic: DeviceTopic, payload: bytes, received_at: datetime) -> ReplyHeard:
    try:
        wire = _replies.decode(payload)
    except _UNREADABLE as wrong:
        raise _refused(wrong) from None
    if not 1 <= len(wire.id) <= ID_LIMIT:
        raise DecodeError("id", f"not a text of 1 to {ID_LIMIT} characters")
    if not (wire.result or wire.error):
        raise DecodeError("result", "neither a result nor an error")
    return ReplyHeard(topic.area, topic.home, topic.device, wire.id, received_at, wire.result, wire.error)


_AT_PATH = re.compile(r"(.*) - at `\$\.(.*)`\Z", re.DOTALL)


def _refused(wrong: Exception) -> DecodeError:
    """The strict reader's refusal as ours: it names the place at the end of its sentence."""
    if isinstance(wrong, UnicodeDecodeError):
        return DecodeError("payload", f"byte {wrong.start} is not UTF-8")
    if isinstance(wrong, RecursionError):
        return DecodeError("payload", "nested too deeply")
    found = _AT_PATH.match(str(wrong))
    return DecodeError(found[2], found[1]) if found else DecodeError("payload", str(wrong)[:200])
