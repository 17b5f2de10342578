"""R: robustness against a hostile server. Whatever it says (`unwilling.py`: or refuses), the device comes back, and its alarm with it.

Each begins with the control that the device does come back after a plain cut, so that what is told here is the harm of the packet.
"""

from collections.abc import Generator
from datetime import timedelta

import msgspec

from devices.mqtt.packets import FIVE, Puback, Pubcomp, Publish, Pubrec, Suback, Subscribe, Unsuback
from simulator.certification.behaviour import Deal
from simulator.certification.bench import Bench, Outcome, Procedure, Step
from simulator.certification.procedures.parts import MINUTE, SHORT, as_before, noticed_once, patience_of, returns
from simulator.certification.trace import Raw, Way
from simulator.wire import Channel, Command

STRANGE = 4242
"""A packet identifier that no device of the bench has come to."""
LONG = 60_000
FLOOD = 300
TRIES = 20
"""Connections in five minutes: one each fifteen seconds."""
_OPAQUE = (
    (b"\xf7\xff\xff\xff\xff\xff\x00", "a packet of no kind and without an end"),
    (b"\x36\x07\x00\x01a\x00\x01hi", "a PUBLISH with QoS 3"),
    (b"\x30\x05\x00\x03\xff\xfe\xfd", "a PUBLISH whose topic is not UTF-8"),
    (b"\x30\x03\x00\xffa", "a PUBLISH whose topic is longer than the packet"),
    (b"\x82\x06\x00\x01\x00\x01#\x01", "a SUBSCRIBE from a server"),
    (b"\xc0\x00", "a PINGREQ from a server"),
    (b"\x20\x02\x00\x00", "a second CONNACK"),
)
_encoder = msgspec.json.Encoder()


# --- bytes ---


def malformed_packet_does_no_harm(bench: Bench) -> Procedure:
    """Each after the other; a device that stays where it is, is cut: it may wait for the rest of what it cannot know to be wrong."""
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08", bench.trace.closed(bench.mark))
    for data, what in _OPAQUE:
        bench.endpoint.say_raw(data, what, bench.now)
        yield from bench.sleep(SHORT)
        bench.cut()
        if not (yield from bench.settled(bench.features.connection.reconnects_within + MINUTE)):
            return bench.failed(f"收到畸形报文后不再连接（{what}）", f"after {what} it did not come back", _raws(bench)[-1:])
    return (yield from as_before(bench, "畸形报文", "malformed packets", _raws(bench)))


def endless_packet_does_no_harm(bench: Bench) -> Procedure:
    """Nobody helps by a cut: the device swallows its acknowledgements as part of it, and must find that out."""
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08", bench.trace.closed(bench.mark))
    bench.endpoint.say_raw(b"\x30\xff\xff\xff\x7f\x00\x01a", "a PUBLISH of 268,435,455 bytes, of which the first come", bench.now)
    shown = _raws(bench)
    yield from bench.sleep(SHORT)
    return (yield from _taken_in_the_end(bench, "超长报文", "a packet without an end", shown))


def huge_command_does_no_harm(bench: Bench) -> Procedure:
    """It is retained, and comes again with each subscription."""
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08", bench.trace.closed(bench.mark))
    assert bench.connect is not None
    most = bench.connect[1].properties.maximum_packet_size or LONG
    bench.turn("a retained command is as long as a packet may be").retained = b'{"id":"h1","command":"' + b"x" * (min(most, LONG) - 200)
    bench.cut()
    yield from bench.settled()
    shown = [e for e in bench.trace.passed(Publish, Way.DOWN, bench.mark) if isinstance(e.packet, Publish) and e.packet.retain]
    if not shown and bench.endpoint.listens():
        return bench.inconclusive("设备没有重新订阅，无法判定", "it did not subscribe again, so this could not be measured")
    return (yield from as_before(bench, "超大保留命令", "a huge retained command", shown[:1]))


# --- answers to what was not asked ---


def wrong_acknowledgement_is_none(bench: Bench) -> Procedure:
    bench.turn("PUBACKs name a message that is not the alarm").acknowledge_as = lambda _: STRANGE
    first = yield from bench.raised()
    again = None
    if first is not None:
        again = yield from bench.until(lambda: bench.trace.with_id(first.report.id, first.number + 1), patience_of(bench))
    bench.turn("PUBACKs are right again").acknowledge_as = None
    yield from bench.calmed()
    if first is None:
        return bench.no_alarm()
    if first.publish.qos == 0:
        return bench.named_elsewhere("A-03", first)
    if not again:
        yield from bench.settled()
        if not (yield from _repeats(bench)):
            return bench.named_elsewhere("A-05", first)
        wrong = bench.trace.passed(Puback, Way.DOWN, first.number)[:1]
        return bench.failed("把别的编号的 PUBACK 当作报警的确认", "a PUBACK for another message was taken for the alarm's", first, wrong)
    return bench.passed(first, again[:1])


def unasked_answers_do_no_harm(bench: Bench) -> Procedure:
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08", bench.trace.closed(bench.mark))
    five = bench.endpoint.identity.level == FIVE
    answers = (Puback(STRANGE), Suback(STRANGE, (1,)), Unsuback(STRANGE, (0,) if five else ()), Pubrec(STRANGE), Pubcomp(STRANGE))
    for packet in answers:
        bench.endpoint.say(packet, bench.now)
        yield from bench.sleep(SHORT)
        if not (yield from bench.settled(bench.features.connection.reconnects_within + MINUTE)):
            name = type(packet).__name__.upper()
            shown = bench.trace.passed(type(packet), Way.DOWN, bench.mark)
            return bench.failed(f"收到无对应请求的 {name} 后不再连接", f"after a {name} for nothing it did not come back", shown)
    return (yield from as_before(bench, "无对应请求的应答", "answers to what was not asked", ()))


# --- subscriptions and commands ---


def refused_subscription_stops_no_alarm(bench: Bench) -> Procedure:
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08", bench.trace.closed(bench.mark))
    bench.turn("every subscription is refused").grant = 0x80
    bench.endpoint.sessions.clear()
    since = bench.trace.mark
    bench.cut()
    yield from bench.settled()
    said = yield from noticed_once(bench)
    yield from bench.sleep(timedelta(minutes=5))
    tries = bench.trace.connects(since)
    bench.turn("subscriptions are granted again").grant = None
    if not said:
        return bench.failed(
            "订阅被拒绝后不再上报", "its subscription was refused, and it reported nothing", bench.trace.passed(Subscribe, since=since),
        )  # fmt: skip
    if len(tries) > TRIES:
        return bench.failed(
            f"订阅被拒绝，5 min 内重连 {len(tries)} 次", f"its subscription was refused, and it connected {len(tries)} times in 5 minutes",
            [entry for entry, _ in tries[:5]],
        )  # fmt: skip
    return bench.passed(bench.trace.passed(Suback, Way.DOWN, since)[:1], said[:1])


def alarm_waits_for_no_subscription(bench: Bench) -> Procedure:
    """SUBSCRIBE is never answered; everything else is."""
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08", bench.trace.closed(bench.mark))
    bench.on(lambda entry: isinstance(entry.packet, Subscribe), Deal.IGNORE, "SUBSCRIBE is never answered", 1000)
    since = bench.trace.mark
    bench.cut()
    if (yield from bench.reconnected(since)) is None:
        return bench.no_line()
    said = yield from noticed_once(bench)
    bench.endpoint.behaviour.rules.clear()
    if not said:
        return bench.failed(
            "订阅没有应答，设备就不上报", "its SUBSCRIBE was not answered, and it reported nothing",
            bench.trace.passed(Subscribe, since=since)[:1],
        )  # fmt: skip
    return bench.passed(bench.trace.passed(Subscribe, since=since)[:1], said[:1])


def command_of_another_is_not_done(bench: Bench) -> Procedure:
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    who = bench.endpoint.identity
    since = bench.trace.mark
    payload = _encoder.encode(Command(id="other-1", command=bench.features.commands[0]))
    bench.endpoint.say(Publish(who.address.topic(f"{who.device}-2", Channel.COMMAND), payload, 1, packet_id=STRANGE), bench.now)
    yield from bench.sleep(SHORT * 2)
    done = [entry for entry, reply in bench.trace.replies(since) if reply.id == "other-1"]
    if done:
        return bench.failed("执行了发给别的设备的命令", "it did what was asked of another device", done)
    return bench.passed(bench.trace.passed(Publish, Way.DOWN, since))


def flood_of_commands_stops_no_alarm(bench: Bench) -> Procedure:
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    if not (yield from noticed_once(bench)):
        return bench.no_alarm()
    since = bench.trace.mark
    bench.turn(f"{FLOOD} commands come at once")
    for number in range(FLOOD):
        bench.endpoint.command(_encoder.encode(Command(id=f"flood-{number}", command=bench.features.commands[0])), bench.now)
    yield from bench.sleep(SHORT)
    return (yield from as_before(bench, "大量命令", "a flood of commands", bench.trace.passed(Publish, Way.DOWN, since)[:1]))


# --- parts ---

def _taken_in_the_end(bench: Bench, zh: str, en: str, shown: list[Raw]) -> Generator[Step, object, Outcome]:
    """Whether what it says arrives, and it hears the acknowledgement of it on another line at last."""
    since = shown[0].number
    said = yield from noticed_once(bench)
    if not said:
        return bench.failed(f"{zh}之后不再上报", f"after {en} it reported nothing more", shown)
    yield from bench.sleep(patience_of(bench) + MINUTE)
    here = bench.trace.mark
    yield from bench.sleep(2 * MINUTE)
    still = [message for message in bench.trace.messages(here) if message.report.id in {one.report.id for one in said}]
    if still or not bench.trace.opened(since):
        return bench.failed(f"{zh}之后再也听不到确认", f"after {en} it heard no acknowledgement any more", shown, said[:1], still[:3])
    return bench.passed(shown, said[:1], bench.trace.opened(since)[:1])


def _repeats(bench: Bench) -> Generator[Step, object, bool]:
    """Whether an alarm without any PUBACK comes again."""
    bench.turn("PUBACKs are held").acknowledge = False
    first = yield from bench.raised()
    again = None
    if first is not None:
        again = yield from bench.until(lambda: bench.trace.with_id(first.report.id, first.number + 1), patience_of(bench))
    bench.release()
    yield from bench.calmed()
    return bool(again)


def _raws(bench: Bench) -> list[Raw]:
    return bench.trace.raws(bench.mark)
