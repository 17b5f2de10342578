"""SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK: 3.8 to 3.11 of both versions, and the filters of 4.7."""

from tests.mqtt_statements import wire
from tests.mqtt_statements.story import AREA_WIDE, COMMAND, MALFORMED, REPORT, STATUS, Place, shows

NOT_GRANTED = {4: 0x80, 5: 0x87}
DEVICE = COMMAND.rpartition("/")[0]


@shows(v311="3.8.4-1 3.8.4-2 3.8.4-4 3.8.4-5 3.9.3-1 3.9.3-2 2.3.1-7", v5="3.8.4-1 3.8.4-2 3.8.4-5 3.8.4-6 3.8.4-7 3.9.3-1 3.9.3-2 2.2.1-6")
async def test_one_suback_answers_every_filter_in_its_order(at: Place) -> None:
    line = await at.greeted()
    heard = await line.subscribe((COMMAND, 2), ("TopicA/B", 1), (STATUS, 0), ("anju/v1/1/2/+/command", 1), ("#", 1), packet_id=513)
    no = NOT_GRANTED[at.version]
    assert (heard.packet_id, heard.codes) == (513, (2, no, 0, no, 1))


@shows(v311="3.8.3-2", v5="3.8.4-7")
async def test_wildcards_are_taken_wherever_they_may_meet_what_is_allowed(at: Place) -> None:
    line = await at.greeted()
    filters = ("#", "+/#", "anju/#", f"{AREA_WIDE}/command", f"{AREA_WIDE}/#", f"{DEVICE}/+", f"{DEVICE}/command/#", "+/+/+/+/+/+")
    assert (await line.subscribe(*((name, 1) for name in filters))).codes == (1,) * len(filters)
    at.ledger.issue(COMMAND, b"x", "c1")
    assert (await line.hear(wire.PUBLISH)).topic == COMMAND


@shows(v311="3.8.1-1 2.2.2-1 2.2.2-2", v5="3.8.1-1 2.1.3-1")
async def test_a_subscribe_with_other_flags_ends_the_connection(at: Place) -> None:
    whole = wire.subscribe(at.version, 1, [(COMMAND, 1)])
    for flags in (0, 1, 3, 4, 8, 15):
        line = await at.greeted()
        line.say(bytes((0x80 | flags,)) + whole[1:])
        await line.ends(*MALFORMED)


@shows(v311="3.10.1-1 2.2.2-2", v5="3.10.1-1 2.1.3-1")
async def test_an_unsubscribe_with_other_flags_ends_the_connection(at: Place) -> None:
    whole = wire.unsubscribe(at.version, 1, [COMMAND])
    for flags in (0, 1, 3, 4, 8, 15):
        line = await at.greeted()
        line.say(bytes((0xA0 | flags,)) + whole[1:])
        await line.ends(*MALFORMED)


@shows(v311="3.8.3-1 3.10.3-1", v5="3.8.3-1 3.10.3-1")
async def test_filters_are_utf_8(at: Place) -> None:
    for bad in (b"\xff", b"\xed\xa0\x80", b"a\0b"):
        for spoilt in (wire.subscribe(at.version, 1, [(bad, 1)]), wire.unsubscribe(at.version, 1, [bad])):
            line = await at.greeted()
            line.say(spoilt)
            await line.ends(0x81, 0x82, 0x8F)


@shows(v311="3.8.3-3", v5="3.8.3-2")
async def test_a_subscribe_without_a_filter_ends_the_connection(at: Place) -> None:
    line = await at.greeted()
    line.say(wire.subscribe(at.version, 1, []))
    await line.ends(*MALFORMED)


@shows(v311="3.10.3-2", v5="3.10.3-2")
async def test_an_unsubscribe_without_a_filter_ends_the_connection(at: Place) -> None:
    line = await at.greeted()
    line.say(wire.unsubscribe(at.version, 1, []))
    await line.ends(*MALFORMED)


@shows(v311="3.8.3-4", v5="3.8.3-5")
async def test_reserved_bits_beside_a_filter_end_the_connection(at: Place) -> None:
    """In 3.1.1 all but the two of the QoS; in 5.0 the two highest, and the values that an option does not have."""
    for options in {4: (3, 4, 0x80, 0xFF), 5: (3, 0x30, 0x40, 0x80, 0xC1)}[at.version]:
        line = await at.greeted()
        line.say(wire.subscribe(at.version, 1, [(COMMAND, options)]))
        await line.ends(*MALFORMED)


@shows(v311="3.8.4-3", v5="3.8.4-3 3.8.4-4 3.3.1-9")
async def test_the_same_filter_again_takes_the_place_of_the_first(at: Place) -> None:
    line = await at.greeted()
    line.publish(STATUS, b"now", 1, retain=True)
    await line.hear(wire.PUBACK)
    for qos in (0, 1):
        await line.subscribe((f"{DEVICE}/+", qos))
        heard = await line.hear(wire.PUBLISH)
        assert (heard.payload, heard.retain, heard.qos) == (b"now", True, qos)
    at.ledger.issue(COMMAND, b"x", "c1")
    assert (await line.hear(wire.PUBLISH)).qos == 1
    await at.settled()
    await line.nothing_but_a_pong()


@shows(v311="3.8.4-3", v5="3.8.4-4")
async def test_nothing_is_lost_while_a_subscription_is_replaced(at: Place) -> None:
    line = await at.greeted()
    await line.subscribe((COMMAND, 1))
    for number in range(30):
        at.ledger.issue(COMMAND, b"%d" % number, f"c{number}")
        line.say(wire.subscribe(at.version, 100 + number, [(COMMAND, 1)]))
    came: list[int] = []
    while len(came) < 30:
        heard = await line.hear()
        if heard.kind == wire.PUBLISH:
            came.append(int(heard.payload))
            line.answer(wire.PUBACK, heard.packet_id)
    assert came == list(range(30))


@shows(v311="3.10.4-1 3.10.4-2 3.10.4-4 3.10.4-6 2.3.1-7", v5="3.10.4-1 3.10.4-2 3.10.4-4 3.10.4-6 3.11.3-1 3.11.3-2 2.2.1-6")
async def test_an_unsubscribe_ends_exactly_the_subscriptions_it_names(at: Place) -> None:
    line = await at.greeted()
    await line.subscribe((COMMAND, 1), (f"{DEVICE}/+", 1), (STATUS, 1))
    heard = await line.unsubscribe(f"{DEVICE}/#", f"{DEVICE}/+", STATUS, COMMAND.upper(), packet_id=514)
    assert heard.packet_id == 514
    assert heard.codes == ((0x11, 0, 0, 0x11) if at.version == 5 else ())
    line.publish(STATUS, b"x", 1)
    await line.hear(wire.PUBACK)
    at.ledger.issue(COMMAND, b"x", "c1")
    assert (await line.hear(wire.PUBLISH)).topic == COMMAND
    await line.unsubscribe(COMMAND)
    at.ledger.issue(COMMAND, b"y", "c2")
    await at.settled()
    await line.nothing_but_a_pong()


@shows(v311="3.10.4-5", v5="3.10.4-5 3.11.3-2")
async def test_an_unsubscribe_from_nothing_is_answered(at: Place) -> None:
    line = await at.greeted()
    heard = await line.unsubscribe("never/subscribed", COMMAND, packet_id=77)
    assert (heard.packet_id, heard.codes) == (77, (0x11, 0x11) if at.version == 5 else ())


@shows(v311="3.10.4-3", v5="3.10.4-3")
async def test_what_is_on_its_way_is_completed_after_an_unsubscribe(at: Place) -> None:
    line = await at.greeted()
    await line.subscribe((COMMAND, 2))
    at.ledger.issue(COMMAND, b"x", "c1")
    heard = await line.hear(wire.PUBLISH)
    await line.unsubscribe(COMMAND)
    line.answer(wire.PUBREC, heard.packet_id)
    assert (await line.hear(wire.PUBREL)).packet_id == heard.packet_id
    line.answer(wire.PUBCOMP, heard.packet_id)
    await line.nothing_but_a_pong()


# --- filters (4.7) -------------------------------------------------------------------------------------------------------------------

FILTER_INVALID = 0x81, 0x82, 0x8F
"""5.0 may end the connection or answer the one filter with 0x8F; this endpoint does the first."""


@shows(v311="4.7.1-2", v5="4.7.1-1")
async def test_a_hash_is_the_whole_last_level_of_a_filter_or_the_filter_is_none(at: Place) -> None:
    for bad in ("anju/v1#", "anju/#/v1", "#/anju", "##", f"{DEVICE}/com#"):
        line = await at.greeted()
        line.say(wire.subscribe(at.version, 1, [(bad, 1)]))
        await line.ends(*FILTER_INVALID)


@shows(v311="4.7.1-3", v5="4.7.1-2")
async def test_a_plus_is_a_whole_level_of_a_filter_or_the_filter_is_none(at: Place) -> None:
    for bad in ("anju+", "+anju/v1", "anju/v+/x", "++"):
        line = await at.greeted()
        line.say(wire.subscribe(at.version, 1, [(bad, 1)]))
        await line.ends(*FILTER_INVALID)


@shows(v311="4.7.3-1", v5="4.7.3-1")
async def test_a_topic_or_filter_of_no_characters_is_none(at: Place) -> None:
    for spoilt in (
        wire.publish(at.version, "", b"x", 1), wire.subscribe(at.version, 1, [("", 1)]), wire.unsubscribe(at.version, 1, [""]),
    ):  # fmt: skip
        line = await at.greeted()
        line.say(spoilt)
        await line.ends(0x81, 0x82, 0x8F, 0x90)


@shows(v311="4.7.3-3", v5="4.7.3-3")
async def test_the_longest_topics_that_can_be_written_are_read(at: Place) -> None:
    """65,535 bytes; they are none of ours and refused as such, and the connection stands."""
    line = await at.greeted()
    line.publish("x" * 65_535, b"x", 1)
    await line.hear(wire.PUBACK)
    heard = await line.subscribe(("y" * 60_000, 1))
    assert heard.codes == ({4: 0x80, 5: 0x8F}[at.version],)
    await line.nothing_but_a_pong()


@shows(v311="4.7.3-4 3.3.2-3", v5="4.7.3-4 3.3.2-3")
async def test_nothing_is_made_equal_that_is_not_written_equal(at: Place) -> None:
    line = await at.greeted("c")
    for almost in (COMMAND.upper(), f"{COMMAND}/", f"/{COMMAND}", COMMAND.replace("/", "//", 1), COMMAND.replace("a", "\u0430", 1)):
        await line.subscribe((almost, 1))
    at.ledger.issue(COMMAND, b"x", "c1")
    await at.settled()
    await line.nothing_but_a_pong()
    near = REPORT.replace("cord-1", "CORD-1"), REPORT.replace("cord", "co\u00adrd"), f"{REPORT}/#".replace("cord-1", "cord-1 ")
    reader = await at.reader(*((filter_, 1) for filter_ in near))
    for almost in (f"{REPORT}/", f"/{REPORT}", REPORT.upper()):
        line.publish(almost, b"x", 1)
        await line.hear(wire.PUBACK)
    assert at.taken() == []
    line.publish(REPORT, b"x", 1)
    await line.hear(wire.PUBACK)
    await reader.nothing_but_a_pong()


@shows(v311="4.7.2-1", v5="4.7.2-1")
async def test_a_filter_that_begins_with_a_wildcard_gives_no_topic_that_begins_with_a_dollar(at: Place) -> None:
    """The endpoint has none of its own and takes none."""
    reader = await at.reader(("#", 1), ("+/#", 1), ("+/+/+/+/+/+", 1))
    line = await at.greeted()
    line.publish("$SYS/v1/330106/home-1/cord-1/report", b"x", 1)
    await line.hear(wire.PUBACK)
    line.publish(REPORT, b"y", 1)
    assert (await reader.hear(wire.PUBLISH)).payload == b"y"
    assert at.taken() == [(REPORT, b"y")]
