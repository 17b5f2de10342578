"""R: robustness against a hostile server. Whatever a server says, the device comes back, and its alarm with it.

Each begins with the control that the device does come back after a plain cut, so that what is told here is the harm of the packet.
"""

from collections.abc import Generator, Iterable
from datetime import timedelta
from functools import partial

import msgspec

from devices.mqtt.packets import FIVE, Disconnect, Puback, Pubcomp, Publish, Pubrec, Reason, Refusal, Suback, Subscribe, Unsuback
from devices.mqtt.properties import Properties
from simulator.certification.behaviour import Deal
from simulator.certification.bench import Bench, Outcome, Procedure, Step
from simulator.certification.procedures.parts import MINUTE, SHORT, patience_of, returns
from simulator.certification.trace import Entry, Message, Raw, Way
from simulator.wire import Channel, Command

STRANGE = 4242
"""A packet identifier that no device of the bench has come to."""
LONG = 60_000
FLOOD = 300
TRIES = 20
"""Connections in five minutes: one each fifteen seconds."""
REFUSED_FOR = MINUTE
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
    return (yield from _as_before(bench, "畸形报文", "malformed packets", _raws(bench)))


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
    return (yield from _as_before(bench, "超大保留命令", "a huge retained command", shown[:1]))


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
    return (yield from _as_before(bench, "无对应请求的应答", "answers to what was not asked", ()))


# --- subscriptions and commands ---


def refused_subscription_stops_no_alarm(bench: Bench) -> Procedure:
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08", bench.trace.closed(bench.mark))
    bench.turn("every subscription is refused").grant = 0x80
    bench.endpoint.sessions.clear()
    since = bench.trace.mark
    bench.cut()
    yield from bench.settled()
    said = yield from _event(bench)
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
    said = yield from _event(bench)
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
    if not (yield from _event(bench)):
        return bench.no_alarm()
    since = bench.trace.mark
    bench.turn(f"{FLOOD} commands come at once")
    for number in range(FLOOD):
        bench.endpoint.command(_encoder.encode(Command(id=f"flood-{number}", command=bench.features.commands[0])), bench.now)
    yield from bench.sleep(SHORT)
    return (yield from _as_before(bench, "大量命令", "a flood of commands", bench.trace.passed(Publish, Way.DOWN, since)[:1]))


# --- a server that does not want it ---


def comes_back_after_each_refusal(bench: Bench) -> Procedure:
    """Each code that says no. The alarm is called while the last of them stands."""
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08", bench.trace.closed(bench.mark))
    for code in _REFUSALS_5 if bench.endpoint.identity.level == FIVE else _REFUSALS:
        since = bench.trace.mark
        bench.turn(f"every CONNECT is refused: {code.name.lower().replace('_', ' ')}").refuse = code
        bench.cut()
        yield from bench.until(partial(_hammers, bench, since), REFUSED_FOR)
        tries = [entry for entry, _ in bench.trace.connects(since)]
        bench.turn("CONNECTs are accepted again").refuse = 0
        back = yield from bench.until(lambda: bench.endpoint.current, bench.features.connection.reconnects_within + MINUTE)
        if not tries:
            return bench.named_elsewhere("C-08", bench.trace.closed(since))
        if len(tries) > TRIES:
            return bench.named_elsewhere("C-09", tries[:5])
        if back is None:
            return bench.failed(
                f"被拒绝（代码 {code:#04x}）后不再连接", f"refused by the code {code:#04x}, it did not come back", tries[:3],
            )  # fmt: skip
        yield from bench.settled()
    return (yield from _as_before(bench, "连接被拒绝", "refusals", ()))


def does_not_hammer_a_server_that_hangs_up(bench: Bench) -> Procedure:
    """It says welcome, and ends the connection."""
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08", bench.trace.closed(bench.mark))
    bench.on(lambda entry: isinstance(entry.packet, Subscribe | Publish), Deal.CUT, "each connection is cut at the first thing said", 1000)
    since = bench.trace.mark
    bench.cut()
    yield from bench.sleep(timedelta(minutes=5))
    tries = [entry for entry, _ in bench.trace.connects(since)]
    bench.endpoint.behaviour.rules.clear()
    if len(tries) > TRIES:
        return bench.failed(
            f"每次连接都被立即断开，5 min 内重连 {len(tries)} 次",
            f"each connection was ended at once, and it made {len(tries)} in 5 minutes", tries[:5],
        )  # fmt: skip
    yield from bench.settled()
    return (yield from _as_before(bench, "连接被反复断开", "connections that were ended at once", tries[:3]))


def session_that_is_not_there(bench: Bench) -> Procedure:
    """The server says that it has kept the session, and has not. One that says so is the control."""
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    listens = yield from _listens_again(bench, lies=True)
    if not listens:
        if not (yield from _listens_again(bench, lies=False)):
            return bench.named_elsewhere("C-12", bench.trace.opened(bench.mark)[-1:])
        return bench.failed(
            "服务器谎称保留了会话，设备不再收到命令", "the server said that it had its session, and the device heard no command any more",
            bench.trace.opened(bench.mark)[:1],
        )  # fmt: skip
    return bench.passed(bench.trace.connects(bench.mark)[0][0], bench.trace.passed(Subscribe, since=bench.mark)[:1])


# --- MQTT 5.0 ---


def keeps_the_maximum_packet_size(bench: Bench) -> Procedure:
    """The server takes nothing as long as the alarm; later it does."""
    first = yield from bench.raised()
    yield from bench.calmed()
    yield from bench.sleep(SHORT)
    if first is None:
        return bench.no_alarm()
    most = len(first.entry.raw) - 8
    since = bench.trace.mark
    bench.turn(f"CONNACK takes packets of {most} bytes").welcome = Properties(maximum_packet_size=most)
    bench.cut()
    again = yield from bench.reconnected(since)
    if again is None:
        return bench.named_elsewhere("C-08", bench.trace.closed(since))
    yield from bench.sleep(SHORT)
    here = yield from bench.do(bench.alarm.deed)
    yield from bench.sleep(MINUTE)
    long = [e for e in bench.trace.passed(since=again.number + 1) if e.connection == again.connection and len(e.raw) > most]
    bench.turn("CONNACK takes any packet").welcome = Properties()
    bench.cut()
    came = yield from bench.until(lambda: bench.trace.alarms(here, prop=bench.alarm.prop), patience_of(bench))
    yield from bench.calmed()
    if long:
        return bench.failed(
            f"超过了服务器的最大报文长度 {most}", f"it sent a packet of more than the {most} bytes that the server takes", long[:2],
        )  # fmt: skip
    if not came:
        return bench.failed("服务器一度只收短报文，报警因此丢失", "the server took short packets for a time, and the alarm was gone", again)
    return bench.passed(again, came[:1])


def refused_alarm_is_tried_again(bench: Bench) -> Procedure:
    code = Reason.QUOTA_EXCEEDED
    bench.turn("PUBACKs say: quota exceeded").acknowledge_code = code
    first = yield from bench.raised()
    yield from bench.sleep(SHORT)
    bench.turn("PUBACKs say yes").acknowledge_code = 0
    again = None
    if first is not None:
        again = yield from bench.until(lambda: bench.trace.with_id(first.report.id, first.number + 1), patience_of(bench))
    yield from bench.calmed()
    if first is None:
        return bench.no_alarm()
    if first.publish.qos == 0:
        return bench.named_elsewhere("A-03", first)
    if not again:
        return bench.failed("平台拒收报警后，设备没有再送", "the server refused an alarm, and it did not come again", first)
    return bench.passed(first, again[:1])


def comes_back_after_a_goodbye(bench: Bench) -> Procedure:
    """The server says DISCONNECT, and why."""
    if not (yield from returns(bench)):
        return bench.named_elsewhere("C-08", bench.trace.closed(bench.mark))
    for code in _GOODBYES:
        since = bench.trace.mark
        bench.endpoint.say(Disconnect(code), bench.now)
        yield from bench.sleep(timedelta(seconds=1))
        bench.cut()
        if (yield from bench.reconnected(since)) is None or not (yield from bench.settled()):
            return bench.failed(
                f"服务器以代码 {code:#04x} 断开后不再连接", f"the server said goodbye ({code.name}), and it did not come back",
                bench.trace.passed(Disconnect, Way.DOWN, since),
            )  # fmt: skip
    return (yield from _as_before(bench, "服务器断开", "goodbyes of the server", ()))


# --- parts ---

_REFUSALS = (Refusal.PROTOCOL_LEVEL, Refusal.CLIENT_ID, Refusal.BAD_CREDENTIALS, Refusal.NOT_AUTHORIZED)
_REFUSALS_5 = (
    Reason.UNSUPPORTED_PROTOCOL_VERSION, Reason.CLIENT_ID_NOT_VALID, Reason.BAD_CREDENTIALS, Reason.NOT_AUTHORIZED, Reason.SERVER_BUSY,
    Reason.BANNED, Reason.QUOTA_EXCEEDED, Reason.USE_ANOTHER_SERVER,
)  # fmt: skip
_GOODBYES = (Reason.SERVER_SHUTTING_DOWN, Reason.SERVER_BUSY, Reason.NOT_AUTHORIZED, Reason.ADMINISTRATIVE_ACTION, Reason.QUOTA_EXCEEDED)


def _hammers(bench: Bench, since: int) -> bool:
    return len(bench.trace.connects(since)) > TRIES


def _event(bench: Bench) -> Generator[Step, object, list[Message] | None]:
    """What it is for, done and undone; its reports of it."""
    prop = bench.event.prop
    since = yield from bench.do(bench.event.deed)
    said = yield from bench.until(lambda: bench.trace.messages(since, where=lambda r: r.values.get(prop) is True), MINUTE)
    if bench.event.undoing is not None:
        yield from bench.do(bench.event.undoing)
        yield from bench.sleep(SHORT)
    return said


def _as_before(bench: Bench, zh: str, en: str, shown: Iterable[Entry]) -> Generator[Step, object, Outcome]:
    """Whether it still reports what it is for."""
    said = yield from _event(bench)
    if not said:
        return bench.failed(f"{zh}之后不再上报", f"after {en} it reported nothing more", shown)
    return bench.passed(shown, said[:1])


def _taken_in_the_end(bench: Bench, zh: str, en: str, shown: list[Raw]) -> Generator[Step, object, Outcome]:
    """Whether what it says arrives, and it hears the acknowledgement of it on another line at last."""
    since = shown[0].number
    said = yield from _event(bench)
    if not said:
        return bench.failed(f"{zh}之后不再上报", f"after {en} it reported nothing more", shown)
    yield from bench.sleep(patience_of(bench) + MINUTE)
    here = bench.trace.mark
    yield from bench.sleep(2 * MINUTE)
    still = [message for message in bench.trace.messages(here) if message.report.id in {one.report.id for one in said}]
    if still or not bench.trace.opened(since):
        return bench.failed(f"{zh}之后再也听不到确认", f"after {en} it heard no acknowledgement any more", shown, said[:1], still[:3])
    return bench.passed(shown, said[:1], bench.trace.opened(since)[:1])


def _listens_again(bench: Bench, *, lies: bool) -> Generator[Step, object, bool]:
    since = bench.trace.mark
    how = bench.turn("the server has lost its sessions" + (", and says that it has not" if lies else ""))
    how.session_present = True if lies else None
    bench.endpoint.sessions.clear()
    bench.cut()
    yield from bench.reconnected(since)
    listens = yield from bench.until(bench.endpoint.listens, MINUTE)
    bench.endpoint.behaviour.session_present = None
    return bool(listens)


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
    return [entry for entry in bench.trace.span(bench.mark) if isinstance(entry, Raw)]
