"""What a client publishes: 3.3, 3.4 to 3.7 and the receiver's half of 4.3 of both versions."""

from tests.mqtt_statements import wire
from tests.mqtt_statements.story import COMMAND, MALFORMED, REPORT, STATUS, Place, place, shows
from tests.mqtt_statements.wire import P, Properties

REFUSED: dict[int, set[int]] = {4: {0}, 5: {0x87, 0x90}}
LASTING: dict[int, Properties] = {4: (), 5: [(P.SESSION_EXPIRY, 3600)]}


@shows(v311="3.3.4-1 4.3.1-1 4.3.2-2 4.3.3-2 2.3.1-6", v5="3.3.4-1 2.2.1-5 4.3.2-4 4.3.3-8 4.3.3-11 3.4.2-1 3.5.2-1 3.7.2-1")
async def test_each_qos_is_answered_as_the_table_says(at: Place) -> None:
    line = await at.greeted()
    line.publish(REPORT, b"0")
    await line.nothing_but_a_pong()
    line.publish(REPORT, b"1", 1, 11)
    heard = await line.hear(wire.PUBACK)
    assert (heard.packet_id, heard.code) == (11, 0)
    line.publish(REPORT, b"2", 2, 12)
    heard = await line.hear(wire.PUBREC)
    assert (heard.packet_id, heard.code) == (12, 0)
    line.answer(wire.PUBREL, 12)
    heard = await line.hear(wire.PUBCOMP)
    assert (heard.packet_id, heard.code) == (12, 0)
    assert at.taken() == [(REPORT, b"0"), (REPORT, b"1"), (REPORT, b"2")]


@shows(v311="4.3.2-2", v5="4.3.2-4")
async def test_nothing_is_acknowledged_before_it_is_on_disk(at: Place) -> None:
    line = await at.greeted()
    at.ledger.held = True
    line.publish(REPORT, b"1", 1, 11)
    line.publish(REPORT, b"2", 2, 12)
    await line.nothing_but_a_pong()
    assert len(at.taken()) == 2
    at.ledger.commit()
    assert {(await line.hear()).kind for _ in range(2)} == {wire.PUBACK, wire.PUBREC}


@shows(v311="4.3.2-2", v5="4.3.2-5")
async def test_an_identifier_that_was_acknowledged_is_a_new_message(at: Place) -> None:
    line = await at.greeted()
    for dup in (False, True, True):
        line.publish(REPORT, b"x", 1, 7, dup=dup)
        assert (await line.hear(wire.PUBACK)).packet_id == 7
    assert len(at.taken()) == 3


@shows(v311="4.3.3-2", v5="4.3.3-10 4.3.3-12")
async def test_a_qos_2_message_is_taken_once_until_its_pubrel(at: Place) -> None:
    line = await at.greeted()
    for _ in range(3):
        line.publish(REPORT, b"once", 2, 7, dup=True)
        assert (await line.hear(wire.PUBREC)).packet_id == 7
    assert len(at.taken()) == 1
    line.answer(wire.PUBREL, 7)
    await line.hear(wire.PUBCOMP)
    line.publish(REPORT, b"another", 2, 7)
    await line.hear(wire.PUBREC)
    assert at.taken() == [(REPORT, b"once"), (REPORT, b"another")]


@shows(v311="4.3.3-2", v5="4.3.3-10")
async def test_also_when_it_comes_again_on_another_connection_or_to_a_restarted_endpoint(at: Place) -> None:
    line = await at.greeted(clean=False, some=LASTING[at.version])
    line.publish(REPORT, b"once", 2, 7)
    await line.hear(wire.PUBREC)
    line.cut()
    await at.alone()
    line = await at.greeted(clean=False, some=LASTING[at.version])
    line.publish(REPORT, b"once", 2, 7, dup=True)
    await line.hear(wire.PUBREC)
    assert len(at.taken()) == 1
    async with place(at.version, at.ledger.journal) as restarted:
        line = await restarted.greeted(clean=False, some=LASTING[at.version])
        line.publish(REPORT, b"once", 2, 7, dup=True)
        await line.hear(wire.PUBREC)
        assert restarted.taken() == []
        line.answer(wire.PUBREL, 7)
        await line.hear(wire.PUBCOMP)


@shows(v311="4.3.3-2", v5="4.3.3-11 3.7.2-1")
async def test_a_pubrel_for_what_is_not_held_is_completed_all_the_same(at: Place) -> None:
    line = await at.greeted()
    line.answer(wire.PUBREL, 99)
    heard = await line.hear(wire.PUBCOMP)
    assert (heard.packet_id, heard.code) == (99, {4: 0, 5: 0x92}[at.version])


@shows(v311="3.3.1-4 4.8.0-1", v5="3.3.1-4 4.13.1-1")
async def test_qos_3_ends_the_connection(at: Place) -> None:
    line = await at.greeted()
    line.publish(REPORT, b"x", 3)
    await line.ends(*MALFORMED)


@shows(v311="3.3.1-2", v5="3.3.1-2")
async def test_a_qos_0_message_that_says_it_is_sent_again_ends_the_connection(at: Place) -> None:
    line = await at.greeted()
    line.publish(REPORT, b"x", 0, dup=True)
    await line.ends(*MALFORMED)
    assert at.taken() == []


@shows(v311="2.3.1-5", v5="2.2.1-2")
async def test_a_qos_0_message_has_no_identifier(at: Place) -> None:
    """What would be one is its payload; and none comes with what we send at QoS 0."""
    line = await at.greeted()
    line.say(wire.frame(wire.PUBLISH, wire.text(REPORT), wire.properties() if at.version == 5 else b"", b"\0\7", b"{}"))
    await line.nothing_but_a_pong()
    assert at.taken() == [(REPORT, b"\0\7{}")]
    await line.subscribe((COMMAND, 0))
    at.ledger.issue(COMMAND, b"payload", "c1")
    heard = await line.hear(wire.PUBLISH)
    assert (heard.qos, heard.payload) == (0, b"payload")


@shows(v311="2.3.1-1", v5="2.2.1-3")
async def test_an_identifier_of_zero_ends_the_connection(at: Place) -> None:
    for spoilt in (
        wire.publish(at.version, REPORT, b"x", 1, 0), wire.publish(at.version, REPORT, b"x", 2, 0),
        wire.subscribe(at.version, 0, [(COMMAND, 1)]), wire.unsubscribe(at.version, 0, [COMMAND]),
    ):  # fmt: skip
        line = await at.greeted()
        line.say(spoilt)
        await line.ends(*MALFORMED)
    assert at.taken() == []


@shows(v311="3.3.2-1 1.5.3-1 1.5.3-2 4.7.3-2", v5="3.3.2-1 1.5.4-1 1.5.4-2 4.7.3-2")
async def test_a_topic_is_utf_8_without_a_null(at: Place) -> None:
    for bad in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"anju/v1/a\0b"):
        line = await at.greeted()
        line.publish(bad, b"x", 1)
        await line.ends(0x81, 0x82, 0x90)
    cut_short = await at.greeted()
    cut_short.say(wire.frame(wire.PUBLISH, b"\0"))
    await cut_short.ends(*MALFORMED)
    assert at.taken() == []


@shows(v311="3.3.2-2 4.7.1-1", v5="3.3.2-2 4.7.0-1")
async def test_a_wildcard_in_a_topic_name_ends_the_connection(at: Place) -> None:
    for bad in ("anju/#", "anju/+/x", "#", "+", REPORT + "#"):
        line = await at.greeted()
        line.publish(bad, b"x", 1)
        await line.ends(0x81, 0x82, 0x90)
    assert at.taken() == []


@shows(v311="3.3.5-2", v5="4.3.3-9 3.4.2-1 3.5.2-1")
async def test_what_may_not_be_published_is_answered_by_its_qos_and_not_taken(at: Place) -> None:
    """3.1.1 has no word for it; 5.0 says so in the acknowledgement, and the identifier is free again."""
    line = await at.greeted()
    for topic in ("TopicA/B", COMMAND, "anju/v1/330106/home-2/cord-1/report", "$SYS/broker/load"):
        line.publish(topic, b"x")
        line.publish(topic, b"x", 1, 1)
        heard = await line.hear(wire.PUBACK)
        assert heard.packet_id == 1
        assert heard.code in REFUSED[at.version], topic
        line.publish(topic, b"x", 2, 2)
        heard = await line.hear(wire.PUBREC)
        assert heard.packet_id == 2
        assert heard.code in REFUSED[at.version], topic
        if at.version == 4:
            line.answer(wire.PUBREL, 2)
            await line.hear(wire.PUBCOMP)
    line.publish(REPORT, b"a message like any other", 2, 2)
    assert (await line.hear(wire.PUBREC)).code == 0
    assert at.taken() == [(REPORT, b"a message like any other")]
    assert len(at.ledger.refused) == 12


# --- retained ------------------------------------------------------------------------------------------------------------------------


async def statuses(at: Place) -> list[bytes]:
    """What somebody who subscribes now is given at once; flags and all."""
    await at.settled()
    late = await at.greeted("late", username="city")
    late.say(wire.subscribe(at.version, 1, [(STATUS, 1)]), wire.frame(wire.PINGREQ))
    await late.hear(wire.SUBACK)
    given = []
    while (heard := await late.hear()).kind == wire.PUBLISH:
        assert heard.retain
        given.append(heard.payload)
    await late.leave()
    return given


@shows(v311="3.3.1-5 3.3.1-6 3.3.1-8", v5="3.3.1-5 3.3.1-9")
async def test_the_last_retained_status_is_given_to_who_subscribes_later(at: Place) -> None:
    line = await at.greeted()
    for number in (1, 2):
        line.publish(STATUS, b"%d" % number, 1, retain=True)
        await line.hear(wire.PUBACK)
    assert await statuses(at) == [b"2"]


@shows(v311="3.3.1-7")
async def test_a_retained_message_of_qos_0_takes_the_place_of_what_was_there(at: Place) -> None:
    line = await at.greeted()
    line.publish(STATUS, b"1", 1, retain=True)
    line.publish(STATUS, b"0", 0, retain=True)
    await line.hear(wire.PUBACK)
    await line.nothing_but_a_pong()
    assert await statuses(at) == [b"0"]


@shows(v311="3.3.1-9 4.5.0-1", v5="3.3.1-12 4.5.0-1")
async def test_what_is_told_to_who_listens_already_is_not_marked_as_retained(at: Place) -> None:
    reader = await at.reader()
    line = await at.greeted()
    line.publish(STATUS, b"1", 1, retain=True)
    heard = await reader.hear(wire.PUBLISH)
    assert (heard.payload, heard.retain) == (b"1", False)


@shows(v311="3.3.1-10 3.3.1-11", v5="3.3.1-6 3.3.1-7")
async def test_a_retained_message_without_a_payload_clears_and_is_told_like_any_other(at: Place) -> None:
    reader = await at.reader()
    line = await at.greeted()
    line.publish(STATUS, b"1", 1, retain=True)
    line.publish(STATUS, b"", 1, 2, retain=True)
    assert [(await reader.hear(wire.PUBLISH)).payload for _ in range(2)] == [b"1", b""]
    assert await statuses(at) == []


@shows(v311="3.3.1-12", v5="3.3.1-8")
async def test_a_message_that_is_not_to_be_retained_changes_nothing_that_is(at: Place) -> None:
    line = await at.greeted()
    line.publish(STATUS, b"kept", 1, retain=True)
    await line.hear(wire.PUBACK)
    for payload in (b"passing", b""):
        line.publish(STATUS, payload, 1)
        await line.hear(wire.PUBACK)
    assert await statuses(at) == [b"kept"]
