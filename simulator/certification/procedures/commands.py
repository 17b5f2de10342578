"""M: commands. What the platform asks is answered, once, and nothing that it says stops the device."""

from collections.abc import Generator
from datetime import timedelta
from functools import partial

import msgspec

from devices.mqtt.packets import Puback, Publish, Subscribe
from simulator.certification.bench import Bench, Procedure, Step
from simulator.certification.procedures.parts import MINUTE, SHORT, seconds
from simulator.certification.trace import Passed, Reply, Way
from simulator.wire import Channel

ANSWERED_WITHIN = timedelta(seconds=10)


def stated_commands_are_done(bench: Bench) -> Procedure:
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    answers = []
    for command in bench.features.commands:
        since = bench.trace.mark
        command_id = bench.ask(command)
        found = yield from bench.until(partial(_answers, bench, since, command_id), ANSWERED_WITHIN)
        if not found:
            return bench.failed(
                f"命令 {command} 在 {seconds(ANSWERED_WITHIN)} 内没有答复", f"{command} was not answered within {seconds(ANSWERED_WITHIN)}",
                bench.trace.passed(Publish, Way.DOWN, since),
            )  # fmt: skip
        entry, reply = found[0]
        if reply.error:
            return bench.failed(f"声明支持的命令 {command} 被拒绝", f"it states {command}, and refused it: {reply.error[:80]}", entry)
        answers.append(entry)
    return bench.passed(answers)


def unknown_command_is_refused(bench: Bench) -> Procedure:
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    if not (yield from _answers_at_all(bench)):
        return bench.named_elsewhere("M-01")
    since = bench.trace.mark
    command_id = bench.ask("open_the_pod_bay_doors")
    found = yield from bench.until(lambda: _answers(bench, since, command_id), ANSWERED_WITHIN)
    if not found:
        return bench.failed("未知命令没有答复", "an unknown command was not answered", bench.trace.passed(Publish, Way.DOWN, since))
    entry, reply = found[0]
    if not reply.error:
        return bench.failed("未知命令被答复为已执行", "it says that it did what it cannot know", entry)
    return bench.passed(entry)


def repeated_command_is_done_once(bench: Bench) -> Procedure:
    """By the one command whose doing can be seen from the platform: the self-test."""
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    since = bench.trace.mark
    command_id = bench.ask("self_test")
    first = yield from bench.until(lambda: _answers(bench, since, command_id), ANSWERED_WITHIN)
    if not first:
        return bench.inconclusive("命令没有答复，无法判定", "the command was not answered, so this could not be measured")
    yield from bench.sleep(SHORT)
    bench.endpoint.command(_SAID.encode({"id": command_id, "command": "self_test"}), bench.now)
    yield from bench.sleep(ANSWERED_WITHIN)
    tests = bench.trace.messages(since, where=lambda report: report.values.get("test") is True)
    different = list(dict.fromkeys(message.report.id for message in tests))
    if not tests:
        return bench.inconclusive("自检没有上报，无法判定", "the self-test was not reported, so this could not be measured", first[0][0])
    if len(different) > 1:
        return bench.failed("同一命令送达两次，执行了两次", "one command that was delivered twice was done twice", tests)
    return bench.passed(first[0][0], tests)


def malformed_command_does_no_harm(bench: Bench) -> Procedure:
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    if not (yield from _answers_at_all(bench)):
        return bench.named_elsewhere("M-01")
    for payload in _MALFORMED:
        bench.endpoint.command(payload, bench.now)
        yield from bench.sleep(SHORT)
    since = bench.trace.mark
    command_id = bench.ask(bench.features.commands[0])
    limit = ANSWERED_WITHIN + bench.features.connection.reconnects_within
    found = yield from bench.until(lambda: _answers(bench, since, command_id), limit)
    if not found:
        return bench.failed(
            "收到格式错误的命令后不再答复", "after malformed commands it answered no more", bench.trace.passed(Publish, Way.DOWN),
        )  # fmt: skip
    return bench.passed(found[0][0])


def command_of_an_outage_is_done(bench: Bench) -> Procedure:
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    assert bench.connect is not None
    entry, said = bench.connect
    if said.clean_session:
        return bench.named_elsewhere("C-05", entry)
    if not (yield from _answers_at_all(bench)):
        return bench.named_elsewhere("M-01", entry)
    since = bench.trace.mark
    bench.vanish()
    yield from bench.sleep(SHORT)
    command_id = bench.ask(bench.features.commands[0])
    yield from bench.sleep(MINUTE)
    bench.come_back()
    if (yield from bench.reconnected(since)) is None:
        return bench.no_line()
    if bench.connect[1].client_id != said.client_id:
        return bench.named_elsewhere("C-03", entry, bench.connect[0])
    found = yield from bench.until(lambda: _answers(bench, since, command_id), ANSWERED_WITHIN + MINUTE)
    if not found:
        return bench.failed("断网期间下发的命令在恢复后没有执行", "a command of an outage was not done after it", bench.trace.opened(since))
    return bench.passed(found[0][0])


def listens_at_qos_1(bench: Bench) -> Procedure:
    """A session that was kept may listen without saying so again."""
    topic = bench.endpoint.identity.topic(Channel.COMMAND)
    yield from bench.until(lambda: bench.endpoint.current, timedelta(minutes=3))
    yield from bench.until(lambda: bench.trace.passed(Subscribe), MINUTE)
    if bench.endpoint.current is None:
        return bench.no_line()
    asked = [entry for entry in bench.trace.passed(Subscribe) if _options(entry.packet, topic)]
    granted = bench.endpoint.granted()
    if granted is None:
        return bench.failed("没有订阅自己的 command", "it did not subscribe to its commands", bench.trace.passed(Subscribe))
    if granted == 0:
        return bench.failed("以 QoS 0 订阅命令，断线时命令会丢失", "it listens with QoS 0: what it is told while away is lost", asked)
    return bench.passed(asked[:1])


def commands_are_acknowledged(bench: Bench) -> Procedure:
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    since = bench.trace.mark
    bench.ask(bench.features.commands[0] if bench.features.commands else "identify")
    yield from bench.until(lambda: bench.trace.passed(Puback, since=since), ANSWERED_WITHIN)
    sent = [entry for entry in bench.trace.passed(Publish, Way.DOWN, since) if getattr(entry.packet, "qos", 0)]
    got = bench.trace.passed(Puback, since=since)
    numbers = {getattr(entry.packet, "packet_id", 0) for entry in got}
    if not sent:
        return bench.inconclusive("命令以 QoS 0 下发，无法判定", "the command went with QoS 0, so this could not be measured")
    missing = [entry for entry in sent if getattr(entry.packet, "packet_id", 0) not in numbers]
    if missing:
        return bench.failed("收到的命令没有以 PUBACK 确认", "a command was not acknowledged by PUBACK", missing, got)
    return bench.passed(sent[:1], got[:1])


def replies_are_not_retained(bench: Bench) -> Procedure:
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    since = bench.trace.mark
    command_id = bench.ask(bench.features.commands[0])
    found = yield from bench.until(lambda: _answers(bench, since, command_id), ANSWERED_WITHIN)
    if not found:
        return bench.inconclusive("命令没有答复，无法判定", "the command was not answered, so this could not be measured")
    entry = found[0][0]
    assert isinstance(entry.packet, Publish)
    if entry.packet.retain or entry.packet.qos == 0:
        return bench.failed("答复没有以 QoS 1、不保留的方式发送", "the reply was retained, or sent with QoS 0", entry)
    return bench.passed(entry)


def reply_names_its_command(bench: Bench) -> Procedure:
    """An id as long as a UUID; the bench's others are short."""
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    since = bench.trace.mark
    bench.endpoint.command(_SAID.encode({"id": _LONG_ID, "command": bench.features.commands[0]}), bench.now)
    found = yield from bench.until(lambda: bench.trace.replies(since), ANSWERED_WITHIN)
    if not found:
        return bench.named_elsewhere("M-01")
    entry, reply = found[0]
    if reply.id != _LONG_ID:
        return bench.failed(f"答复的 id 为 {reply.id[:40]}，不是命令的 id", f"its reply is to {reply.id[:40]!r}, which nobody asked", entry)
    return bench.passed(entry)


def self_test_by_command_is_one(bench: Bench) -> Procedure:
    if not bench.endpoint.listens():
        return bench.named_elsewhere("M-06")
    since = bench.trace.mark
    command_id = bench.ask("self_test")
    found = yield from bench.until(lambda: _answers(bench, since, command_id), ANSWERED_WITHIN)
    if not found or found[0][1].error:
        return bench.named_elsewhere("M-01")
    limit = bench.features.alarm.within
    said = yield from bench.until(lambda: bench.trace.messages(since, where=lambda r: r.values.get("test") is True), limit)
    if not said:
        return bench.failed(
            "命令自检答复已完成，却没有上报 test", "it says that the self-test is done, and reported none", found[0][0],
        )  # fmt: skip
    return bench.passed(found[0][0], said[:1])


_LONG_ID = "3f1c0b52-6a0e-4e7d-9d5b-8c2f7e1a9b40"
_SAID = msgspec.json.Encoder()
_MALFORMED = (
    b"", b"{", b"\xff\xfe", b'{"id":7,"command":["identify"]}', b'{"command":"identify"}', b"[" * 5000, b'{"id":"' + b"x" * 60_000,
)  # fmt: skip


def _answers_at_all(bench: Bench) -> Generator[Step, object, bool]:
    """The control: a stated command, on a sound line."""
    since = bench.trace.mark
    command_id = bench.ask(bench.features.commands[0])
    return bool((yield from bench.until(lambda: _answers(bench, since, command_id), ANSWERED_WITHIN)))


def _answers(bench: Bench, since: int, command_id: str) -> list[tuple[Passed, Reply]]:
    return [(entry, reply) for entry, reply in bench.trace.replies(since) if reply.id == command_id]


def _options(packet: object, topic: str) -> list[int]:
    return [options for text, options in packet.filters if text == topic] if isinstance(packet, Subscribe) else []
