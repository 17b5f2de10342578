"""What is kept between two connections: 3.1.2.4, 3.2.2.2, 4.1, 4.4 and 4.5 of both versions, shown by a kit's commands."""

from tests.mqtt_statements import wire
from tests.mqtt_statements.story import AREA_WIDE, COMMAND, REPORT, STATUS, Line, Place, place, shows
from tests.mqtt_statements.wire import P, Properties

PASSED_BY = 4000
"""Relayed messages that wait for one reader."""
FOREVER: dict[int, Properties] = {4: (), 5: [(P.SESSION_EXPIRY, 0xFFFFFFFF)]}


async def lasting(at: Place, client_id: str = "c", *, clean: bool = False) -> tuple[Line, bool]:
    """A line whose session outlasts it, and whether there was one."""
    line = await at.line()
    line.connect(client_id, clean=clean, some=FOREVER[at.version])
    heard = await line.hear(wire.CONNACK)
    assert heard.code == 0
    return line, heard.session_present


@shows(v311="3.1.2-4 3.2.2-2 3.2.2-3", v5="3.1.2-5 3.1.2-6 3.1.2-23 3.1.4-4 3.2.2-3")
async def test_a_session_is_made_kept_and_resumed(at: Place) -> None:
    line, present = await lasting(at)
    assert not present
    await line.subscribe((COMMAND, 1))
    await line.leave()
    await at.alone()
    line, present = await lasting(at)
    assert present
    at.ledger.issue(COMMAND, b"to a subscription of before", "c1")
    assert (await line.hear(wire.PUBLISH)).payload == b"to a subscription of before"


@shows(v311="3.1.2-5 4.1.0-1 4.5.0-1", v5="3.1.2-23 4.5.0-1")
async def test_what_comes_while_a_client_is_away_waits_for_it(at: Place) -> None:
    line, _ = await lasting(at)
    await line.subscribe((COMMAND, 2))
    line.cut()
    await at.alone()
    for number in range(3):
        at.ledger.issue(COMMAND, b"%d" % number, f"c{number}")
    await at.settled()
    line, present = await lasting(at)
    assert present
    assert [(await line.hear(wire.PUBLISH)).payload for _ in range(3)] == [b"0", b"1", b"2"]


@shows(v311="3.1.2-6 3.1.4-3 3.2.2-1", v5="3.1.2-4 3.1.4-4 3.2.2-2")
async def test_a_clean_start_forgets_what_there_was(at: Place) -> None:
    line, _ = await lasting(at)
    await line.subscribe((COMMAND, 1))
    await line.leave()
    await at.alone()
    line, present = await lasting(at, clean=True)
    assert not present
    at.ledger.issue(COMMAND, b"nobody asked for it", "c1")
    await at.settled()
    await line.nothing_but_a_pong()


@shows(v311="3.1.2-6")
async def test_a_clean_session_ends_with_its_connection(at: Place) -> None:
    line, _ = await lasting(at, clean=True)
    await line.subscribe((COMMAND, 1))
    await line.leave()
    await at.alone()
    line, present = await lasting(at)
    assert not present
    at.ledger.issue(COMMAND, b"nobody asked for it", "c1")
    await at.settled()
    await line.nothing_but_a_pong()


@shows(v311="3.1.2-7")
async def test_a_retained_status_outlives_the_session_it_came_by(at: Place) -> None:
    line = await at.greeted(clean=True)
    line.publish(STATUS, b'{"status":"online"}', 1, retain=True)
    await line.hear(wire.PUBACK)
    await line.leave()
    await at.alone()
    reader = await at.reader((STATUS, 1))
    assert (await reader.hear(wire.PUBLISH)).payload == b'{"status":"online"}'


@shows(v311="4.1.0-2", v5="4.1.0-1")
async def test_a_session_lasts_as_long_as_its_connection_whatever_is_refused_on_it(at: Place) -> None:
    line = await at.greeted(clean=True)
    await line.subscribe((COMMAND, 1), ("not/ours", 1))
    line.publish("not/ours", b"x", 1)
    await line.hear(wire.PUBACK)
    at.pass_by(86_400)
    at.ledger.issue(COMMAND, b"still here", "c1")
    assert (await line.hear(wire.PUBLISH)).payload == b"still here"


@shows(v311="4.4.0-1 2.3.1-4 3.3.1-1 3.3.1-3", v5="4.4.0-1 3.3.1-1 3.3.1-3")
async def test_what_was_not_acknowledged_is_sent_again_with_its_number_and_only_after_a_new_connect(at: Place) -> None:
    line, _ = await lasting(at)
    await line.subscribe((COMMAND, 2))
    for number in range(3):
        at.ledger.issue(COMMAND, b"%d" % number, f"c{number}")
    first = [await line.hear(wire.PUBLISH) for _ in range(3)]
    assert [heard.dup for heard in first] == [False] * 3
    line.answer(wire.PUBREC, first[0].packet_id)
    assert (await line.hear(wire.PUBREL)).packet_id == first[0].packet_id
    at.pass_by(3600)
    await line.nothing_but_a_pong()
    line.cut()
    await at.alone()
    line, present = await lasting(at)
    assert present
    released, *again = [await line.hear() for _ in range(3)]
    assert (released.kind, released.packet_id) == (wire.PUBREL, first[0].packet_id)
    assert [(heard.payload, heard.packet_id, heard.dup) for heard in again] == [
        (heard.payload, heard.packet_id, True) for heard in first[1:]
    ]


@shows(v311="4.4.0-1 4.1.0-1 4.3.3-1", v5="4.4.0-1 3.1.2-23 4.3.3-6")
async def test_all_of_it_holds_over_a_restart_of_the_endpoint(at: Place) -> None:
    line, _ = await lasting(at)
    await line.subscribe((COMMAND, 2))
    for number in range(2):
        at.ledger.issue(COMMAND, b"%d" % number, f"c{number}")
    first = [await line.hear(wire.PUBLISH) for _ in range(2)]
    line.answer(wire.PUBREC, first[0].packet_id)
    await line.hear(wire.PUBREL)
    line.cut()
    await at.alone()
    await at.settled()
    async with place(at.version, at.ledger.journal) as restarted:
        line, present = await lasting(restarted)
        assert present
        released, again = await line.hear(wire.PUBREL), await line.hear(wire.PUBLISH)
        assert released.packet_id == first[0].packet_id
        assert (again.payload, again.packet_id, again.dup) == (b"1", first[1].packet_id, True)
        line.answer(wire.PUBCOMP, released.packet_id)
        line.answer(wire.PUBREC, again.packet_id)
        line.answer(wire.PUBCOMP, (await line.hear(wire.PUBREL)).packet_id)
        await line.nothing_but_a_pong()
        await restarted.settled()
        line.cut()
        await restarted.alone()
        line, present = await lasting(restarted)
        assert present
        await line.nothing_but_a_pong()


@shows(v311="4.6.0-6", v5="4.6.0-5 4.6.0-6")
async def test_commands_come_in_the_order_of_their_issue_also_those_of_before(at: Place) -> None:
    line, _ = await lasting(at)
    await line.subscribe((COMMAND, 1))
    at.ledger.issue(COMMAND, b"0", "c0")
    await line.hear(wire.PUBLISH)
    line.cut()
    await at.alone()
    for number in range(1, 10):
        at.ledger.issue(COMMAND, b"%d" % number, f"c{number}")
    await at.settled()
    line, _ = await lasting(at)
    at.ledger.issue(COMMAND, b"10", "c10")
    assert [(await line.hear(wire.PUBLISH)).payload for _ in range(11)] == [b"%d" % number for number in range(11)]


# --- readers ---------------------------------------------------------------------------------------------------------------------------


async def reading(at: Place) -> tuple[Line, bool]:
    """A platform whose session outlasts its line."""
    line = await at.line()
    line.connect("platform", username="city", clean=False, some=FOREVER[at.version])
    return line, (await line.hear(wire.CONNACK)).session_present


@shows(v311="3.1.2-5 4.5.0-1 3.8.4-6", v5="3.1.2-23 4.5.0-1 3.8.4-8")
async def test_what_is_reported_while_a_reader_is_away_waits_for_it(at: Place) -> None:
    """At the smaller QoS of the two, of which it was granted 1: what is relayed is in memory, and a restart could not tell it again."""
    reader, _ = await reading(at)
    assert (await reader.subscribe((f"{AREA_WIDE}/+", 2))).codes == (1,)
    reader.cut()
    await at.alone()
    line = await at.greeted()
    for qos in (0, 1, 2):
        line.publish(REPORT, b"%d" % qos, qos, qos)
    assert {(await line.hear()).kind for _ in range(2)} == {wire.PUBACK, wire.PUBREC}
    reader, present = await reading(at)
    assert present
    heard = [await reader.hear(wire.PUBLISH) for _ in range(2)]
    assert [(packet.payload, packet.qos, packet.dup) for packet in heard] == [(b"1", 1, False), (b"2", 1, False)]
    await reader.nothing_but_a_pong()


@shows(v311="4.4.0-1 2.3.1-4 3.3.1-1 4.6.0-6", v5="4.4.0-1 2.2.1-4 3.3.1-1 4.6.0-5")
async def test_a_reader_is_sent_again_what_it_did_not_acknowledge_and_in_its_order(at: Place) -> None:
    reader, _ = await reading(at)
    await reader.subscribe((f"{AREA_WIDE}/+", 1))
    line = await at.greeted()
    for number in range(4):
        line.publish(REPORT, b"%d" % number, 1, number + 1)
    first = [await reader.hear(wire.PUBLISH) for _ in range(4)]
    reader.answer(wire.PUBACK, first[1].packet_id)
    await reader.nothing_but_a_pong()
    reader.cut()
    await at.listening(1)
    line.publish(REPORT, b"4", 1, 5)
    for _ in range(5):
        await line.hear(wire.PUBACK)
    reader, _ = await reading(at)
    again = [await reader.hear(wire.PUBLISH) for _ in range(4)]
    assert [packet.payload for packet in again] == [b"0", b"2", b"3", b"4"]
    assert [packet.dup for packet in again] == [True, True, True, False]
    assert [packet.packet_id for packet in again[:3]] == [first[0].packet_id, first[2].packet_id, first[3].packet_id]
    assert again[3].packet_id not in {packet.packet_id for packet in first}


@shows(v311="3.2.2-3 3.1.2-5", v5="3.2.2-3 4.5.0-1")
async def test_a_reader_for_whom_too_much_has_waited_is_told_by_a_session_that_is_new(at: Place) -> None:
    """It looks into the history then; a stream with holes would look whole."""
    reader, _ = await reading(at)
    await reader.subscribe((f"{AREA_WIDE}/+", 1))
    reader.cut()
    await at.alone()
    line = await at.greeted()
    for _ in range(PASSED_BY // 500 + 1):
        line.say(*(wire.publish(at.version, REPORT, b"x", 1, number) for number in range(1, 501)))
        for _ in range(500):
            await line.hear(wire.PUBACK)
    await at.settled()
    reader, present = await reading(at)
    assert not present
    await reader.nothing_but_a_pong()
