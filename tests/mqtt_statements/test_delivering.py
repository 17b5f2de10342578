"""What the endpoint sends: the sender's half of 4.3, its order (4.6), its identifiers (2.2.1) and its QoS (3.3.4, 3.8.4)."""

from tests.mqtt_statements import wire
from tests.mqtt_statements.story import AREA_WIDE, COMMAND, REPORT, Place, shows


@shows(v311="4.3.1-1 3.3.1-2 2.3.1-5", v5="4.3.1-1 3.3.1-2 2.2.1-2")
async def test_at_qos_0_a_command_is_sent_and_forgotten(at: Place) -> None:
    line = await at.greeted()
    await line.subscribe((COMMAND, 0))
    at.ledger.issue(COMMAND, b"x", "c1")
    heard = await line.hear(wire.PUBLISH)
    assert (heard.first, heard.payload) == (0x30, b"x")


@shows(v311="4.3.2-1 2.3.1-4", v5="4.3.2-1 4.3.2-2 4.3.2-3 2.2.1-4")
async def test_at_qos_1_each_message_has_an_identifier_of_its_own_until_it_is_acknowledged(at: Place) -> None:
    line = await at.greeted()
    await line.subscribe((COMMAND, 1))
    for number in range(20):
        at.ledger.issue(COMMAND, b"%d" % number, f"c{number}")
    heard = [await line.hear(wire.PUBLISH) for _ in range(20)]
    assert {packet.first for packet in heard} == {0x32}
    numbers = [packet.packet_id for packet in heard]
    assert 0 not in numbers
    assert len(set(numbers)) == 20
    for number in reversed(numbers):
        line.answer(wire.PUBACK, number)
    await line.nothing_but_a_pong()


@shows(v311="2.3.1-4 4.3.2-1", v5="2.2.1-4 4.3.2-1")
async def test_an_identifier_in_use_is_passed_over_when_the_numbers_begin_anew(at: Place) -> None:
    line = await at.greeted()
    await line.subscribe((COMMAND, 1))
    at.ledger.issue(COMMAND, b"0", "c0")
    first = (await line.hear(wire.PUBLISH)).packet_id
    (peer,) = at.listener._live.values()
    assert peer.session is not None
    peer.session.next_passing_id = 0xFFFF  # as after 32,767 messages
    for number in (1, 2):
        at.ledger.issue(COMMAND, b"x", f"c{number}")
    assert [(await line.hear(wire.PUBLISH)).packet_id for _ in range(2)] == [0xFFFF, first + 1]


@shows(v311="4.3.3-1", v5="4.3.3-1 4.3.3-2 4.3.3-3 4.3.3-4 4.3.3-5 2.2.1-4 2.2.1-5 3.6.2-1")
async def test_at_qos_2_the_four_packets_carry_one_identifier(at: Place) -> None:
    line = await at.greeted()
    await line.subscribe((COMMAND, 2))
    at.ledger.issue(COMMAND, b"x", "c1")
    heard = await line.hear(wire.PUBLISH)
    assert (heard.first, heard.payload) == (0x34, b"x")
    for _ in range(2):
        line.answer(wire.PUBREC, heard.packet_id)
        released = await line.hear(wire.PUBREL)
        assert (released.packet_id, released.code) == (heard.packet_id, 0)
    line.answer(wire.PUBCOMP, heard.packet_id)
    await line.nothing_but_a_pong()


@shows(v311="4.6.0-5 4.6.0-6", v5="4.6.0-5 4.6.0-6")
async def test_reports_reach_a_reader_in_the_order_in_which_they_came(at: Place) -> None:
    reader = await at.reader()
    line = await at.greeted()
    for number in range(200):
        line.publish(REPORT, b"%d" % number, 1, number + 1)
    for number in range(200):
        heard = await reader.hear(wire.PUBLISH)
        assert heard.payload == b"%d" % number
        reader.answer(wire.PUBACK, heard.packet_id)


@shows(v311="4.6.0-2 4.6.0-3", v5="4.6.0-2 4.6.0-3")
async def test_acknowledgements_go_in_the_order_of_the_messages(at: Place) -> None:
    """A duty of clients; the endpoint keeps it too, also when the disk has the messages in another order."""
    line = await at.greeted()
    at.ledger.held = True
    for number in range(1, 11):
        line.publish(REPORT, b"x", 1, number)
        line.publish(REPORT, b"x", 2, number + 100)
    await line.nothing_but_a_pong()
    at.ledger.commit(backwards=True)
    heard = [await line.hear() for _ in range(20)]
    assert [packet.packet_id for packet in heard if packet.kind == wire.PUBACK] == list(range(1, 11))
    assert [packet.packet_id for packet in heard if packet.kind == wire.PUBREC] == list(range(101, 111))


@shows(v311="4.6.0-4", v5="4.6.0-4")
async def test_pubrels_go_in_the_order_of_the_pubrecs(at: Place) -> None:
    line = await at.greeted()
    await line.subscribe((COMMAND, 2))
    for number in range(5):
        at.ledger.issue(COMMAND, b"x", f"c{number}")
    numbers = [(await line.hear(wire.PUBLISH)).packet_id for _ in range(5)]
    for number in reversed(numbers):
        line.answer(wire.PUBREC, number)
    assert [(await line.hear(wire.PUBREL)).packet_id for _ in range(5)] == numbers[::-1]


@shows(v311="3.3.5-1 3.3.2-3", v5="3.3.4-2 3.3.2-3")
async def test_where_subscriptions_overlap_one_copy_comes_with_the_highest_qos_of_them(at: Place) -> None:
    line = await at.greeted()
    await line.subscribe((COMMAND, 0), (f"{AREA_WIDE}/command", 2), ("#", 1))
    at.ledger.issue(COMMAND, b"x", "c1")
    heard = await line.hear(wire.PUBLISH)
    assert (heard.topic, heard.qos) == (COMMAND, 2)
    line.answer(wire.PUBREC, heard.packet_id)
    await line.hear(wire.PUBREL)
    line.answer(wire.PUBCOMP, heard.packet_id)
    await line.nothing_but_a_pong()


@shows(v311="3.8.4-6", v5="3.8.4-8")
async def test_a_command_comes_with_the_qos_that_was_granted(at: Place) -> None:
    """Commands are issued at the highest, so that what was granted is the smaller one."""
    for qos in (0, 1, 2):
        line = await at.greeted()
        assert (await line.subscribe((COMMAND, qos))).codes == (qos,)
        at.ledger.issue(COMMAND, b"x", f"c{qos}")
        assert (await line.hear(wire.PUBLISH)).qos == qos
        await line.leave()
