"""What a PUBLISH from the device means: the platform's own reader decides, the literal text is kept beside it."""

from datetime import datetime

import msgspec

from devices.decode import REPORT_LIMIT, decode
from devices.message import Heard, ReplyHeard, StatusHeard
from devices.mqtt.packets import Publish
from devices.observation import DecodeError
from devices.topic import DeviceTopic, parse
from simulator.certification.trace import Reply, Report, Said, Status, Unreadable
from simulator.wire import Channel


class _Literal(msgspec.Struct):
    """The members as they stand."""

    id: msgspec.Raw = msgspec.Raw()
    at: msgspec.Raw = msgspec.Raw()
    values: dict[str, msgspec.Raw] = {}


_literal = msgspec.json.Decoder(_Literal)
_value = msgspec.json.Decoder(bool | int | float)


def read(packet: Publish, received_at: datetime) -> tuple[Channel | None, Said]:
    """The channel of its topic, None where the topic is not one of the grammar, and what it says."""
    try:
        topic = parse(packet.topic)
    except DecodeError as wrong:
        return None, Unreadable(str(wrong))
    if not isinstance(topic, DeviceTopic):
        return None, Unreadable("a bridged message where a device of the contract is examined")
    channel = Channel(topic.channel.value)
    if packet.size > REPORT_LIMIT:
        return channel, Unreadable(f"{packet.size} bytes, {REPORT_LIMIT} at most")
    try:
        heard = decode(topic, packet.payload, received_at, size=packet.size)
    except DecodeError as wrong:
        return channel, Unreadable(str(wrong))
    match heard:
        case Heard(report=report):
            problems = tuple(f"{problem.place}: {problem.reason}" for problem in report.problems)
            said = {str(one.property): one.value for one in report.observations}
            return channel, _report(packet.payload, problems, said)
        case StatusHeard(online=online, model=model, firmware=firmware):
            return channel, Status(online, model, firmware)
        case ReplyHeard(command_id=command_id, result=result, error=error):
            return channel, Reply(command_id, result, error)
        case _:
            return channel, Unreadable("nothing that a device says")


def _report(payload: bytes, problems: tuple[str, ...], taken: dict[str, bool | int | float]) -> Report:
    try:
        literal = _literal.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Report("", "", taken, problems or ("not one JSON object with id, at and values",))
    values = dict(taken)
    for name, raw in literal.values.items():
        if name not in values:  # a property that the contract does not know
            try:
                values[name] = _value.decode(raw)
            except msgspec.MsgspecError:
                problems += (f"values.{name}: neither a boolean nor a number",)
    return Report(_text(literal.id), bytes(literal.at).decode(), values, problems)


def _text(raw: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.MsgspecError:
        return ""
