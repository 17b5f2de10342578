"""I: identity and topics. The device speaks as itself, under ids that never come twice."""

from datetime import timedelta

from devices.mqtt.packets import Publish, Subscribe
from simulator.certification.bench import Bench, Outcome, Procedure
from simulator.certification.procedures.parts import SHORT, firsts, noticed
from simulator.certification.trace import Passed
from simulator.virtual.stimulus import Stimulus
from simulator.wire import Channel

ID_LIMIT = 128


def uses_its_own_topics(bench: Bench) -> Procedure:
    yield from noticed(bench)
    yield from bench.sleep(bench.heartbeat)
    said = bench.trace.passed(Publish)
    foreign = [entry for entry in said if not _own(bench, entry)]
    if foreign:
        packet = foreign[0].packet
        assert isinstance(packet, Publish)
        return bench.failed(
            f"向不属于自己的主题发布：{packet.topic[:80]}", f"it published to a topic that is not its own: {packet.topic[:80]}", foreign,
        )  # fmt: skip
    return bench.passed(said[:6])


def subscribes_to_its_own_commands(bench: Bench) -> Outcome:
    asked = bench.trace.passed(Subscribe)
    mine = {bench.endpoint.identity.topic(channel) for channel in (Channel.COMMAND, Channel.STATUS)}
    for entry in asked:
        assert isinstance(entry.packet, Subscribe)
        foreign = [text for text, _ in entry.packet.filters if text not in mine]
        if foreign:
            return bench.failed(
                f"订阅了不属于自己的主题：{foreign[0][:80]}", f"it subscribed to what is not its own: {foreign[0][:80]}", entry,
            )  # fmt: skip
    return bench.passed(asked)


def every_report_has_an_id(bench: Bench) -> Procedure:
    yield from noticed(bench)
    yield from bench.sleep(bench.heartbeat)
    said = bench.trace.messages()
    if not said:
        return bench.inconclusive("没有收到报告，无法判定", "no report came, so this could not be measured")
    bad = [message for message in said if not (0 < len(message.report.id) <= ID_LIMIT and message.report.id.isprintable())]
    if bad:
        return bench.failed("报告没有可用的 id", f"a report has no id of 1 to {ID_LIMIT} printable characters", bad)
    return bench.passed(said[:6])


def ids_are_never_given_twice(bench: Bench) -> Procedure:
    """Over events, a heartbeat and a reconnection."""
    yield from noticed(bench)
    bench.cut()
    yield from bench.settled()
    yield from noticed(bench)
    yield from bench.sleep(bench.heartbeat)
    return _unique(bench, "id 被用于不同的报告")


def ids_are_never_given_twice_over_a_restart(bench: Bench) -> Procedure:
    yield from noticed(bench)
    yield from bench.stimulate(Stimulus.POWER, 0)
    yield from bench.sleep(timedelta(seconds=20))
    yield from bench.stimulate(Stimulus.POWER, 1)
    if not (yield from bench.settled()):
        return bench.no_line()
    yield from noticed(bench)
    yield from bench.sleep(SHORT)
    return _unique(bench, "重启后 id 重复")


def says_its_model_and_firmware(bench: Bench) -> Outcome:
    said = [(entry, status) for entry, status in bench.trace.statuses() if status.online]
    if not said:
        return bench.inconclusive("没有收到 online 状态，无法判定", "no status came, so this could not be measured")
    entry, status = said[-1]
    stated = bench.features.model, bench.features.firmware
    if (status.model, status.firmware) != stated:
        return bench.failed(
            f"状态中的型号固件为 {status.model} {status.firmware}，声明为 {stated[0]} {stated[1]}",
            f"it says that it is {status.model} {status.firmware}, and states {stated[0]} {stated[1]}", entry,
        )  # fmt: skip
    return bench.passed(entry)


def client_id_is_its_own(bench: Bench) -> Outcome:
    """Two units with the same throw each other out. One unit is on the bench, so it is the text that is looked at."""
    who = bench.endpoint.identity
    own = [name for name in (who.device, who.username, bench.features.unit) if name]
    tries = bench.trace.connects()
    bad = [entry for entry, said in tries if said.client_id and not any(name.lower() in said.client_id.lower() for name in own)]
    if bad:
        said = tries[0][1].client_id[:60]
        return bench.failed(
            f"客户端标识 {said} 中没有设备标识、用户名或声明的机身编号，可能每台都相同",
            f"nothing in its client id {said} is its own: neither device id, nor user name, nor the stated number of the unit", bad,
        )  # fmt: skip
    return bench.passed([entry for entry, _ in tries])


def _unique(bench: Bench, zh: str) -> Outcome:
    said = [message for message in bench.trace.messages() if message.report.id]
    if not said:
        return bench.inconclusive("没有收到报告，无法判定", "no report came, so this could not be measured")
    first = {message.report.id: message for message in reversed(said)}
    for message in said:
        before = first[message.report.id]
        if (before.report.values, before.report.at) != (message.report.values, message.report.at):
            return bench.failed(f"{zh}：{message.report.id}", f"two reports have the id {message.report.id}", before, message)
    return bench.passed(firsts(said)[:8])


def _own(bench: Bench, entry: Passed) -> bool:
    packet = entry.packet
    assert isinstance(packet, Publish)
    return packet.topic in {bench.endpoint.identity.topic(channel) for channel in Channel if channel is not Channel.COMMAND}
