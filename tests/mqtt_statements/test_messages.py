"""What 5.0 says beside a message, and beside a subscription: properties, expiry, options, identifiers."""

from tests.mqtt_statements import wire
from tests.mqtt_statements.story import AREA_WIDE, COMMAND, MALFORMED, REPORT, STATUS, Line, Place, place, shows
from tests.mqtt_statements.wire import P, Properties, Value, Will

SAID: list[tuple[P, Value]] = [
    (P.PAYLOAD_FORMAT, 1), (P.CONTENT_TYPE, "application/json"), (P.RESPONSE_TOPIC, "any/topic"), (P.CORRELATION, b"\0\xff"),
    (P.USER, ("b", "2")), (P.USER, ("a", "1")), (P.USER, ("b", "2")), (P.USER, ("", "")),
]  # fmt: skip
NO_LOCAL, AS_PUBLISHED, IF_NEW, NONE_RETAINED = 0x04, 0x08, 0x10, 0x20


@shows(v5="3.3.2-4 3.3.2-15 3.3.2-16 3.3.2-17 3.3.2-18 3.3.2-20")
async def test_what_is_said_beside_a_report_is_relayed_unaltered_and_in_its_order(at: Place) -> None:
    reader = await at.reader()
    line = await at.greeted()
    line.publish(REPORT, b"{}", 1, some=SAID)
    heard = await reader.hear(wire.PUBLISH)
    assert sorted(heard.properties[:4]) == SAID[:4] or {p for p in heard.properties if p[0] is not P.USER} == set(SAID[:4])
    assert heard.all(P.USER) == [value for name, value in SAID if name is P.USER]


@shows(v5="3.3.2-17 3.8.4-8")
async def test_of_messages_alike_each_is_relayed_with_what_was_said_of_it(at: Place) -> None:
    reader = await at.reader((REPORT, 2))
    line = await at.greeted()
    at.ledger.held = True
    for qos in (0, 1, 2):
        line.publish(REPORT, b"", qos, qos, some=[(P.USER, ("qos", str(qos)))])
    await line.nothing_but_a_pong()
    at.ledger.commit()
    heard = [await reader.hear(wire.PUBLISH) for _ in range(3)]
    assert [(packet.qos, packet.all(P.USER)) for packet in heard] == [(qos, [("qos", str(qos))]) for qos in (0, 1, 2)]


@shows(v5="3.3.2-4 3.3.2-17 3.3.2-18 3.3.2-20")
async def test_it_is_also_kept_with_a_retained_status_over_a_restart(at: Place) -> None:
    line = await at.greeted()
    line.publish(STATUS, b"{}", 1, retain=True, some=SAID)
    await line.hear(wire.PUBACK)
    await at.settled()
    async with place(at.version, at.ledger.journal) as restarted:
        heard = await (await restarted.reader((STATUS, 1))).hear(wire.PUBLISH)
        assert heard.retain
        assert heard.all(P.USER) == [value for name, value in SAID if name is P.USER]
        assert heard.get(P.CONTENT_TYPE) == "application/json"


@shows(v5="3.1.3-10 3.3.2-18")
async def test_the_user_properties_of_a_will_keep_their_order(at: Place) -> None:
    reader = await at.reader()
    (await at.greeted(will=Will(STATUS, b"{}", 1, properties=SAID))).cut()
    heard = await reader.hear(wire.PUBLISH)
    assert heard.all(P.USER) == [value for name, value in SAID if name is P.USER]


@shows(v5="3.3.2-13 3.3.2-14 3.3.2-19 1.5.7-1")
async def test_what_is_said_beside_a_message_is_well_formed(at: Place) -> None:
    bad: list[tuple[P, Value]] = [
        (P.RESPONSE_TOPIC, b"\xff"), (P.RESPONSE_TOPIC, "any/#"), (P.RESPONSE_TOPIC, "any/+"), (P.CONTENT_TYPE, b"\xc3\x28"),
        (P.CONTENT_TYPE, "a\0b"), (P.PAYLOAD_FORMAT, 2),
    ]  # fmt: skip
    spoilt = [wire.one(name, value) for name, value in bad]
    spoilt += [b"\x26" + wire.text(b"\xff") + wire.text("v"), b"\x26" + wire.text("k") + wire.text(b"\xed\xa0\x80")]
    for one in spoilt:
        line = await at.greeted()
        line.say(wire.frame(wire.PUBLISH | 2, wire.text(REPORT), wire.two(1), wire.number(len(one)), one, b"{}"))
        await line.ends(*MALFORMED)
    assert at.taken() == []


@shows(v5="2.2.2-1 4.13.1-1")
async def test_properties_stand_where_they_may_and_once(at: Place) -> None:
    """And the property length is there also where there are none: without it the packet is not as it should be."""
    twice: Properties = [(P.CONTENT_TYPE, "a"), (P.CONTENT_TYPE, "b")]
    foreign: Properties = [(P.SESSION_EXPIRY, 1)]
    for spoilt in (
        wire.publish(5, REPORT, b"{}", 1, some=twice), wire.publish(5, REPORT, b"{}", 1, some=foreign),
        wire.subscribe(5, 1, [(COMMAND, 1)], foreign), wire.unsubscribe(5, 1, [COMMAND], foreign),
        wire.answer(5, wire.PUBREL, 1, 0, foreign), wire.disconnect(5, 0, [(P.SERVER_KEEP_ALIVE, 1)]),
        wire.frame(wire.PUBLISH, wire.text(REPORT)), wire.frame(wire.PUBLISH, wire.text(REPORT), b"\x02\x7f\x00"),
        wire.frame(wire.SUBSCRIBE, wire.two(1), wire.text(COMMAND), b"\1"),
    ):  # fmt: skip
        line = await at.greeted()
        line.say(spoilt)
        await line.ends(*MALFORMED)
    line = await at.greeted()
    assert (await line.subscribe((COMMAND, 1))).raw[4] == 0, "the property length of a SUBACK without any"


@shows(v5="1.5.5-1")
async def test_a_number_in_more_bytes_than_it_needs_is_malformed(at: Place) -> None:
    line = await at.greeted()
    line.say(wire.frame(wire.PUBLISH, wire.text(REPORT), b"\x80\x00", b"{}"))
    await line.ends(*MALFORMED)
    line = await at.greeted()
    await line.subscribe((COMMAND, 0))
    at.ledger.issue(COMMAND, b"x" * 200, "c1")
    await line.hear(wire.PUBLISH)  # whose numbers `wire.parse` takes only in their shortest form


# --- expiry ----------------------------------------------------------------------------------------------------------------------------


async def lasting(at: Place) -> Line:
    return await at.greeted(clean=False, some=[(P.SESSION_EXPIRY, 86_400)])


@shows(v5="3.3.2-5 3.3.2-6")
async def test_a_command_says_the_time_that_is_left_to_it_and_is_not_delivered_after_it(at: Place) -> None:
    line = await lasting(at)
    await line.subscribe((COMMAND, 1))
    line.cut()
    await at.alone()
    at.ledger.issue(COMMAND, b"short", "c1", expires_at=at.in_seconds(60))
    at.ledger.issue(COMMAND, b"long", "c2", expires_at=at.in_seconds(600))
    await at.settled()
    at.pass_by(100)
    line = await lasting(at)
    heard = await line.hear(wire.PUBLISH)
    assert heard.payload == b"long"
    assert heard.get(P.MESSAGE_EXPIRY) == 500
    await line.nothing_but_a_pong()


@shows(v5="3.3.2-5 3.3.2-6")
async def test_so_does_a_status_that_is_retained(at: Place) -> None:
    line = await at.greeted()
    line.publish(STATUS, b"{}", 1, retain=True, some=[(P.MESSAGE_EXPIRY, 100)])
    await line.hear(wire.PUBACK)
    at.pass_by(40)
    reader = await at.reader((STATUS, 1))
    assert (await reader.hear(wire.PUBLISH)).get(P.MESSAGE_EXPIRY) == 60
    await reader.leave()
    at.pass_by(60)
    reader = await at.reader((STATUS, 1))
    await reader.nothing_but_a_pong()


@shows(v5="4.3.3-7 4.3.3-13")
async def test_what_was_begun_does_not_expire(at: Place) -> None:
    line = await lasting(at)
    await line.subscribe((COMMAND, 2))
    at.ledger.issue(COMMAND, b"x", "c1", expires_at=at.in_seconds(60))
    first = await line.hear(wire.PUBLISH)
    at.pass_by(120)
    line.cut()
    await at.alone()
    line = await lasting(at)
    again = await line.hear(wire.PUBLISH)
    assert (again.packet_id, again.dup) == (first.packet_id, True)
    line.answer(wire.PUBREC, again.packet_id)
    line.answer(wire.PUBCOMP, (await line.hear(wire.PUBREL)).packet_id)
    line.publish(REPORT, b"x", 2, 7, some=[(P.MESSAGE_EXPIRY, 1)])
    await line.hear(wire.PUBREC)
    at.pass_by(60)
    line.answer(wire.PUBREL, 7)
    assert (await line.hear(wire.PUBCOMP)).code == 0


@shows(v5="4.4.0-2 4.3.3-4")
async def test_what_the_client_refuses_is_not_sent_again(at: Place) -> None:
    for qos, answer in ((1, wire.PUBACK), (2, wire.PUBREC)):
        line = await lasting(at)
        await line.subscribe((COMMAND, qos))
        at.ledger.issue(COMMAND, b"x", f"c{qos}")
        line.answer(answer, (await line.hear(wire.PUBLISH)).packet_id, 0x83)
        await line.nothing_but_a_pong()
        await at.settled()
        line.cut()
        await at.alone()
        line = await lasting(at)
        await line.nothing_but_a_pong()
        await line.leave()


# --- options of a subscription ---------------------------------------------------------------------------------------------------------


@shows(v5="3.8.3-3")
async def test_with_no_local_a_client_does_not_hear_itself(at: Place) -> None:
    line, other = await at.greeted("one"), await at.greeted("other")
    await line.subscribe((STATUS, 1 | NO_LOCAL))
    await other.subscribe((STATUS, 1 | NO_LOCAL))
    line.publish(STATUS, b"own", 1)
    await line.hear(wire.PUBACK)
    assert (await other.hear(wire.PUBLISH)).payload == b"own"
    await at.settled()
    await line.nothing_but_a_pong()


@shows(v5="3.3.1-13 3.3.1-12")
async def test_the_retain_flag_comes_as_it_was_published_where_that_is_asked_for(at: Place) -> None:
    reader, other = await at.greeted("r", username="city"), await at.greeted("o", username="city")
    await reader.subscribe((STATUS, 1 | AS_PUBLISHED))
    await other.subscribe((STATUS, 1))
    line = await at.greeted()
    for retain in (False, True):
        line.publish(STATUS, b"{}", 1, retain=retain)
        assert (await reader.hear(wire.PUBLISH)).retain is retain
        assert (await other.hear(wire.PUBLISH)).retain is False


@shows(v5="3.3.1-9 3.3.1-10 3.3.1-11")
async def test_what_is_retained_comes_always_only_to_a_new_subscription_or_never(at: Place) -> None:
    line = await at.greeted()
    line.publish(STATUS, b"{}", 1, retain=True)
    await line.hear(wire.PUBACK)
    for options, times in ((1, (True, True)), (1 | IF_NEW, (True, False)), (1 | NONE_RETAINED, (False, False))):
        reader = await at.greeted(f"r{options}", username="city")
        for comes in times:
            await reader.subscribe((STATUS, options))
            if comes:
                assert (await reader.hear(wire.PUBLISH)).retain
            await reader.nothing_but_a_pong()


@shows(v5="3.3.4-3 3.3.4-4")
async def test_a_message_carries_the_identifiers_of_the_subscriptions_it_comes_by(at: Place) -> None:
    line = await at.greeted()
    await line.subscribe((COMMAND, 0), some=[(P.SUBSCRIPTION_ID, 7)])
    await line.subscribe((f"{AREA_WIDE}/command", 1), some=[(P.SUBSCRIPTION_ID, 268_435_455)])
    await line.subscribe(("#", 0))
    at.ledger.issue(COMMAND, b"x", "c1")
    heard = await line.hear(wire.PUBLISH)
    assert heard.qos == 1
    assert sorted(map(int, map(str, heard.all(P.SUBSCRIPTION_ID)))) == [7, 268_435_455]
    reader = await at.greeted("r", username="city")
    await reader.subscribe((REPORT, 1), some=[(P.SUBSCRIPTION_ID, 9)])
    line.publish(REPORT, b"{}", 1)
    assert (await reader.hear(wire.PUBLISH)).all(P.SUBSCRIPTION_ID) == [9]
    zero = await at.greeted("zero")
    zero.say(wire.subscribe(5, 1, [(COMMAND, 1)], [(P.SUBSCRIPTION_ID, 0)]))
    await zero.ends(0x82)


@shows(v5="3.3.4-6")
async def test_a_clients_message_names_no_subscription(at: Place) -> None:
    line = await at.greeted()
    line.publish(REPORT, b"{}", 1, some=[(P.SUBSCRIPTION_ID, 1)])
    await line.ends(0x82)
    assert at.taken() == []


@shows(v5="4.8.2-1 4.8.2-2 3.9.3-2")
async def test_a_shared_subscription_is_refused_by_name_and_the_others_beside_it_are_granted(at: Place) -> None:
    """The CONNACK said so; the standard would let the connection end for it."""
    line = await at.greeted()
    for shared in (f"$share/group/{COMMAND}", "$share/group/#"):
        assert (await line.subscribe((shared, 1), (COMMAND, 1))).codes == (0x9E, 1)
    at.ledger.issue(COMMAND, b"x", "c1")
    await line.hear(wire.PUBLISH)
    await line.nothing_but_a_pong()


@shows(v5="3.8.3-4")
async def test_no_local_on_a_shared_subscription_ends_the_connection(at: Place) -> None:
    line = await at.greeted()
    line.say(wire.subscribe(5, 1, [(f"$share/group/{COMMAND}", 1 | NO_LOCAL)]))
    await line.ends(0x82)
