"""Zigbee2MQTT: what its hub publishes under its base topic, for any device that its library knows.

A hub publishes a device's whole cached state with every message, so a state means something only when it changes (Manner.CACHED),
and only `action` is momentary. It also lists its devices on `bridge/devices`: names become addresses, worded binaries ("Leak",
"Dry") become truths and units become certain from there on; before that, and for hubs that never do, the words speak for themselves.

Topics below the base: `<name>`, `<name>/availability`, `<name>/<property>` (output=attribute), `<name>/set|get…` (commands on
their way back), `bridge/…`. A name may hold slashes, spaces and any script.
"""

import hashlib
import re
from datetime import datetime

import msgspec

from devices.dialects import lenient
from devices.dialects.values import PROBLEMS_KEPT, brief, derived_id, instant
from devices.dialects.zigbee2mqtt_list import devices
from devices.dialects.zigbee2mqtt_state import State
from devices.dialects.zigbee2mqtt_words import TELLERS, meaning, quantity
from devices.home import DeviceId
from devices.message import Carrier, Directory, DirectoryHeard, Heard, Ignored, Listed, Message, StatusHeard
from devices.observation import URGENT, DecodeError, Problem, Report
from devices.topic import BRIDGE, BridgeTopic

DIALECT = "zigbee2mqtt"
HUB = DeviceId("zigbee2mqtt")
"""The hub itself, as a device of the home."""

STATE_LIMIT = 64 * 1024
"""Bytes of one device's state, which has a few hundred; only the hub's list of devices may be long."""

_ADDRESS = re.compile(r"0x[0-9a-f]{16}")
_HUBS_OWN = frozenset({
    "state", "devices", "groups", "info", "event", "logging", "log", "health", "extensions", "converters", "definitions", "definition",
    "config", "request", "response", "networkmap", "options",
})  # fmt: skip
"""What stands behind `bridge/`; any other level there belongs to a device's name."""
_COMMANDS = frozenset({"set", "get"})
_STRUCTURED = (b"{", b"[", b'"')
_TEXT_LIMIT = 128
_any = msgspec.json.Decoder(dict[str, object])


class _Source(msgspec.Struct, frozen=True):
    """The device a message is about, as far as it is known."""

    id: DeviceId
    name: str
    listed: Listed | None


class _Published(msgspec.Struct, frozen=True):
    """One message as it came, with what is known of the home's devices."""

    topic: BridgeTopic
    levels: list[str]
    payload: bytes
    received_at: datetime
    directory: Directory


def decode(topic: BridgeTopic, payload: bytes, received_at: datetime, directory: Directory) -> Message:
    levels = topic.original.split("/")
    came = _Published(topic, levels, payload, received_at, directory)
    if BRIDGE in levels[1:-1] and levels[levels.index(BRIDGE, 1) + 1] in _HUBS_OWN:
        return _of_the_hub(came)
    if len(levels) < 2 or not levels[-1]:
        raise DecodeError("topic.original", f"{topic.original[:80]!r} names no device below the base topic")
    source = _source(levels, directory)
    if len(payload) > STATE_LIMIT:
        wrong = Problem("payload", f"{len(payload)} bytes, {STATE_LIMIT} at most for the state of a device")
        return _salvaged(msgspec.structs.replace(came, payload=payload[:STATE_LIMIT]), source, wrong)
    if source.listed is None and len(levels) > 2:
        if _COMMANDS & set(levels[2:][-2:]):
            return Ignored(topic.area, topic.home, "a command on its way back")
        if levels[-1] == "availability":
            source = _source(levels[:-1], directory)
            return _status(came, source.id, source.name)
    if not payload:
        return Ignored(topic.area, topic.home, f"{source.name} was removed or renamed")
    try:
        members: dict[str, object] = _any.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _carefully(came, source)
    return _heard(came, source, list(members.items()), [])


def _of_the_hub(came: _Published) -> Message:
    match came.levels[came.levels.index(BRIDGE, 1) + 1 :]:
        case ["state"]:
            return _status(came, HUB, "Zigbee2MQTT")
        case ["devices"] if came.payload:
            base = "/".join(came.levels[: came.levels.index(BRIDGE, 1)])
            return DirectoryHeard(came.topic.area, came.topic.home, DIALECT, came.received_at, devices(came.payload), base)
        case rest:
            return Ignored(came.topic.area, came.topic.home, f"bridge/{'/'.join(rest)}"[:80])


def _source(levels: list[str], directory: Directory) -> _Source:
    """The device that these levels name: a listed one below a base of any depth, else whatever stands below the first level."""
    for depth in range(1, len(levels) if directory.names else 1):
        name = "/".join(levels[depth:])
        listed = directory.names.get(name)
        if listed is not None:
            return _Source(listed.device, name, listed)
    if _ADDRESS.fullmatch(levels[-1]):
        known = [one for one in directory.names.values() if one.device == levels[-1]]
        return _Source(DeviceId(levels[-1]), known[0].name if known else levels[-1], known[0] if known else None)
    whole = "/".join(levels).encode("utf-8", "backslashreplace")
    return _Source(DeviceId("z2m-" + hashlib.blake2b(whole, digest_size=8).hexdigest()), "/".join(levels[1:]), None)


def _status(came: _Published, device: DeviceId, name: str) -> Message:
    topic, payload = came.topic, came.payload.strip()
    if not payload:
        return Ignored(topic.area, topic.home, f"the retained status of {name} was cleared")
    body, _ = lenient.read(payload if payload[:1] in (b"{", b'"') else b'"' + payload + b'"')
    state = dict(body).get("state") if isinstance(body, lenient.Members) else body
    if state not in ("online", "offline"):
        raise DecodeError("payload.state", f"{brief(state)} is neither online nor offline")
    return StatusHeard(topic.area, topic.home, device, state == "online", came.received_at, name=name, dialect=DIALECT)


def _carefully(came: _Published, source: _Source) -> Message:
    """Not a plain JSON object: the value of one property, an object with faults, or a text that may still carry a call."""
    levels, body, problems = came.levels, None, list[Problem]()
    try:
        body, problems = lenient.read(came.payload)
    except DecodeError as unreadable:
        problems = [unreadable.problem]
    if problems and len(levels) > 2 and source.listed is None and (text := _plain(came.payload)) is not None:
        body, problems = text, []
    if isinstance(body, lenient.Members):
        return _heard(came, source, body, problems)
    attribute = levels[-1]
    if not problems and len(levels) > 2 and source.listed is None:
        owner = _source(levels[:-1], came.directory)
        alarms = dict(owner.listed.alarms) if owner.listed else {}
        if not (meaning(attribute) or quantity(attribute) or attribute in TELLERS or attribute in alarms):
            return Ignored(came.topic.area, came.topic.home, f"{attribute[:60]} is nothing to us")
        return _heard(came, owner, [(attribute, body)], [])
    return _salvaged(came, source, problems[0] if problems else Problem("payload", f"{brief(body)} where an object is expected"))


def _salvaged(came: _Published, source: _Source, wrong: Problem) -> Heard:
    """The calls and hazards that an unreadable state still plainly carries; without any, `wrong` stands."""
    salvaged = _heard(came, source, [*lenient.scan(came.payload)], [])
    calls = tuple(o for o in salvaged.report.observations if o.value is True and o.property in URGENT)
    if not calls:
        raise DecodeError(wrong.place, wrong.reason)
    report = msgspec.structs.replace(salvaged.report, observations=calls, clock_suspect=True, problems=(wrong,))
    return msgspec.structs.replace(salvaged, report=report)


def _plain(payload: bytes) -> str | None:
    """The value of one property as a hub publishes it that has a topic for each: bare, without JSON's quotes (`1_panic`, a moment)."""
    if len(payload) > _TEXT_LIMIT or payload.lstrip().startswith(_STRUCTURED):
        return None
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        return None
    return text if text and text.isprintable() else None


def _by_its_word(source: _Source, members: list[tuple[str, object]], directory: Directory) -> _Source:
    """The device by the address that its own message bears (`include_device_information`), where its name says nothing of it."""
    if source.listed is not None:
        return source
    for name, value in members:
        if name == "device" and isinstance(value, (dict, lenient.Members)):
            address = dict(value).get("ieeeAddr")
            if isinstance(address, str) and _ADDRESS.fullmatch(address):
                listed = next((one for one in directory.names.values() if one.device == address), None)
                return _Source(DeviceId(address), listed.name if listed else source.name, listed)
    return source


def _heard(came: _Published, source: _Source, members: list[tuple[str, object]], problems: list[Problem]) -> Heard:
    source = _by_its_word(source, members, came.directory)
    state = State(source.listed, problems)
    last_seen: object = None
    for name, value in members:
        if name == "last_seen":
            last_seen = value
        elif value is not None:
            state.take(name, value)
    observed_at, suspect = _when(last_seen, came.received_at)
    report_id = derived_id(str(came.topic), observed_at, came.payload)
    told = tuple(problems[:PROBLEMS_KEPT])
    report = Report(report_id, observed_at, came.received_at, state.observations(), suspect, told, state.radioed)
    return Heard(came.topic.area, came.topic.home, source.id, report, Carrier.BRIDGE, source.name, DIALECT)


def _when(last_seen: object, received_at: datetime) -> tuple[datetime, bool]:
    """By the hub's `last_seen` (ISO 8601 or ms since 1970). Most hubs tell no time, and then there is no clock to suspect."""
    if isinstance(last_seen, str):
        try:
            return instant(msgspec.convert(last_seen, datetime), received_at)
        except msgspec.ValidationError:
            return received_at, True
    if isinstance(last_seen, int) and not isinstance(last_seen, bool):
        return instant(last_seen, received_at)
    return received_at, False
