"""How much each side takes, in 5.0: maximum packet size, receive maximum, topic aliases, whether reasons are wanted."""

from tests.mqtt_statements import wire
from tests.mqtt_statements.story import COMMAND, REPORT, STATUS, Line, Place, shows
from tests.mqtt_statements.wire import P, Will

SMALL = 30
"""Bytes of the longest packet that a small client takes."""


async def small(at: Place, client_id: str = "c", *, username: str = "cord") -> Line:
    return await at.greeted(client_id, username=username, some=[(P.MAXIMUM_PACKET, SMALL)])


@shows(v5="3.1.2-24 3.4.2-2 3.4.2-3 3.5.2-2 3.5.2-3 3.6.2-2 3.6.2-3 3.7.2-2 3.7.2-3 3.9.2-1 3.9.2-2 3.11.2-1 3.11.2-2")
async def test_no_answer_is_longer_than_the_client_takes(at: Place) -> None:
    """What would be too long goes without its reason, and says the same by its code."""
    line = await small(at)
    line.publish("none/of/ours", b"x", 1)
    line.publish("none/of/ours", b"x", 2, 2)
    line.publish(REPORT, b"x", 2, 3)
    codes = {heard.kind: heard.code for heard in [await line.hear() for _ in range(2)]}
    assert codes == {wire.PUBACK: 0x90, wire.PUBREC: 0x90}
    await line.hear(wire.PUBREC)
    line.answer(wire.PUBREL, 3)
    line.answer(wire.PUBREL, 99)
    line.answer(wire.PUBREC, 98)
    line.say(wire.subscribe(5, 4, [(COMMAND, 1), ("none/of/ours", 1)]), wire.unsubscribe(5, 5, [COMMAND, "none"]))
    heard = [await line.hear() for _ in range(5)]
    assert {packet.kind for packet in heard} == {wire.PUBCOMP, wire.PUBREL, wire.SUBACK, wire.UNSUBACK}
    assert all(len(packet.raw) <= SMALL and not packet.properties for packet in heard)


@shows(v5="3.1.2-24 3.1.2-25")
async def test_a_command_longer_than_the_client_takes_counts_as_delivered(at: Place) -> None:
    line = await at.line()
    line.connect(clean=True, some=[(P.MAXIMUM_PACKET, 200), (P.SESSION_EXPIRY, 3600)])
    await line.hear(wire.CONNACK)
    await line.subscribe((COMMAND, 1))
    at.ledger.issue(COMMAND, b"x" * 200, "too-long")
    at.ledger.issue(COMMAND, b"short", "short")
    heard = await line.hear(wire.PUBLISH)
    assert heard.payload == b"short"
    line.answer(wire.PUBACK, heard.packet_id)
    await line.nothing_but_a_pong()
    await at.settled()
    line.cut()
    await at.alone()
    large = await at.line()
    large.connect(clean=False, some=[(P.SESSION_EXPIRY, 3600)])
    assert (await large.hear(wire.CONNACK)).session_present
    await large.nothing_but_a_pong()


@shows(v5="3.2.2-19 3.2.2-20 3.1.2-24")
async def test_a_refusal_fits_the_client_it_is_for(at: Place) -> None:
    for largest in (SMALL, 5):
        line = await at.line()
        line.connect(some=[(P.AUTH_METHOD, "SCRAM-SHA-256"), (P.MAXIMUM_PACKET, largest)])
        await line.refused(None, 0x8C)
    roomy = await at.line()
    roomy.connect(some=[(P.AUTH_METHOD, "SCRAM-SHA-256")])
    assert (await roomy.hear(wire.CONNACK)).get(P.REASON)


@shows(v5="3.14.2-3 3.14.2-4 3.1.2-24")
async def test_a_good_bye_fits_the_client_it_is_for(at: Place) -> None:
    line = await small(at)
    line.say(wire.frame(0x00))
    heard = await line.hear(wire.DISCONNECT)
    assert len(heard.raw) <= SMALL
    assert not heard.properties
    roomy = await at.greeted()
    roomy.say(wire.frame(0x00))
    assert (await roomy.hear(wire.DISCONNECT)).get(P.REASON)


@shows(v5="3.2.2-15")
async def test_a_packet_longer_than_the_endpoint_said_it_takes_ends_the_connection(at: Place) -> None:
    """A report over 64 KiB is below that, and is read past and acknowledged as in 3.1.1."""
    line = await at.line()
    line.connect()
    largest = (await line.hear(wire.CONNACK)).count(P.MAXIMUM_PACKET, 0)
    assert largest
    line.publish(REPORT, b"x" * 70_000, 1)
    assert (await line.hear(wire.PUBACK)).code == 0
    line.say(bytes((wire.PUBLISH,)) + wire.number(largest) + wire.text(REPORT))
    await line.ends(0x95)


@shows(v5="3.3.4-7 4.9.0-2 3.1.2-29")
async def test_more_under_way_than_the_endpoint_takes_ends_the_connection(at: Place) -> None:
    """What came whole before is taken all the same: it may be a call."""
    line = await at.line()
    line.connect()
    most = (await line.hear(wire.CONNACK)).count(P.RECEIVE_MAXIMUM, 65_535)
    assert most < 65_535
    at.ledger.held = True
    line.say(*(wire.publish(5, REPORT, b"x", 1 + number % 2, 1 + number) for number in range(most)))
    await line.nothing_but_a_pong()
    line.publish(REPORT, b"x", 1, most + 1)
    await line.ends(0x93)
    assert len(at.taken()) == most + 1
    at.ledger.held = False
    other = await at.greeted("other")
    other.say(*(wire.publish(5, REPORT, b"x", 2, number) for number in range(1, most + 1)))
    for _ in range(most):
        await other.hear(wire.PUBREC)
    other.say(wire.publish(5, REPORT, b"x", 2, most + 1), wire.answer(5, wire.PUBREL, 1))
    while (heard := await other.hear()).kind != wire.DISCONNECT:
        pass
    assert heard.code == 0x93, "what it released behind that came too late"


@shows(v5="3.3.4-9 4.9.0-1 4.9.0-2")
async def test_no_more_is_under_way_to_a_client_than_it_takes(at: Place) -> None:
    line = await at.greeted(some=[(P.RECEIVE_MAXIMUM, 2)])
    await line.subscribe((COMMAND, 2))
    for number in range(6):
        at.ledger.issue(COMMAND, b"%d" % number, f"c{number}")
    first = [await line.hear(wire.PUBLISH) for _ in range(2)]
    await at.settled()
    await line.nothing_but_a_pong()
    line.answer(wire.PUBREC, first[0].packet_id)
    await line.hear(wire.PUBREL)
    await line.nothing_but_a_pong()
    line.answer(wire.PUBCOMP, first[0].packet_id)
    third = await line.hear(wire.PUBLISH)
    assert third.payload == b"2"
    line.answer(wire.PUBREC, first[1].packet_id, 0x80)
    assert (await line.hear(wire.PUBLISH)).payload == b"3"
    await line.nothing_but_a_pong()


@shows(v5="3.3.4-10 4.9.0-3")
async def test_with_nothing_more_to_be_sent_all_else_goes_on(at: Place) -> None:
    line = await at.greeted(some=[(P.RECEIVE_MAXIMUM, 1)])
    await line.subscribe((COMMAND, 1))
    for number in range(3):
        at.ledger.issue(COMMAND, b"x", f"c{number}")
    await line.hear(wire.PUBLISH)
    await line.subscribe((STATUS, 1))
    line.publish(REPORT, b"{}", 2, 7)
    await line.hear(wire.PUBREC)
    line.answer(wire.PUBREL, 7)
    await line.hear(wire.PUBCOMP)
    await line.unsubscribe(STATUS)
    await line.nothing_but_a_pong()


# --- aliases ---------------------------------------------------------------------------------------------------------------------------


@shows(v5="3.3.2-12 3.2.2-17")
async def test_every_alias_up_to_the_maximum_stands_for_its_topic_and_none_above_it(at: Place) -> None:
    line = await at.line()
    line.connect()
    most = (await line.hear(wire.CONNACK)).count(P.ALIAS_MAXIMUM, 0)
    assert most
    for alias in range(1, most + 1):
        line.publish(REPORT, b"named", 1, alias, some=[(P.ALIAS, alias)])
        line.publish("", b"%d" % alias, 1, alias + 100, some=[(P.ALIAS, alias)])
    for _ in range(2 * most):
        assert (await line.hear(wire.PUBACK)).code == 0
    assert at.taken()[1::2] == [(REPORT, b"%d" % alias) for alias in range(1, most + 1)]
    line.publish(STATUS, b"other", 1, 1, some=[(P.ALIAS, 1)])
    line.publish("", b"it is that now", 1, 2, some=[(P.ALIAS, 1)])
    await line.hear(wire.PUBACK)
    await line.hear(wire.PUBACK)
    assert at.taken()[-1] == (STATUS, b"it is that now")
    line.publish(REPORT, b"x", 1, 3, some=[(P.ALIAS, most + 1)])
    await line.ends(0x94)


@shows(v5="3.3.2-9 3.3.2-8 3.2.2-18")
async def test_an_alias_of_zero_or_of_nothing_ends_the_connection(at: Place) -> None:
    for topic, alias, code in ((REPORT, 0, 0x94), (REPORT, 65_535, 0x94), ("", 1, 0x82)):
        line = await at.greeted()
        line.publish(topic, b"x", 1, some=[(P.ALIAS, alias)])
        await line.ends(code)
    assert at.taken() == []


@shows(v5="3.3.2-7")
async def test_an_alias_does_not_outlive_its_connection(at: Place) -> None:
    line = await at.greeted(clean=False, some=[(P.SESSION_EXPIRY, 3600)])
    line.publish(REPORT, b"x", 1, some=[(P.ALIAS, 1)])
    await line.hear(wire.PUBACK)
    line.cut()
    await at.alone()
    line = await at.greeted(clean=False, some=[(P.SESSION_EXPIRY, 3600)])
    line.publish("", b"x", 1, some=[(P.ALIAS, 1)])
    await line.ends(0x82)
    assert len(at.taken()) == 1


@shows(v5="3.1.2-26 3.1.2-27 3.3.2-11")
async def test_no_client_is_sent_an_alias_it_does_not_take(at: Place) -> None:
    for client_id, some in (("none", []), ("some", [(P.ALIAS_MAXIMUM, 5)])):
        line = await at.greeted(client_id, some=some)
        await line.subscribe((COMMAND, 1))
        for number in range(3):
            at.ledger.issue(COMMAND, b"x", f"{client_id}{number}")
        for _ in range(3):
            heard = await line.hear(wire.PUBLISH)
            assert heard.topic == COMMAND
            assert heard.count(P.ALIAS, 0) <= (5 if some else 0)


# --- reasons ----------------------------------------------------------------------------------------------------------------------------


@shows(v5="3.1.2-29")
async def test_reasons_are_given_to_clients_that_want_them(at: Place) -> None:
    curious, other = await at.greeted("curious"), await at.greeted("other", some=[(P.PROBLEM_INFORMATION, 0)])
    for line in (curious, other):
        line.publish("none/of/ours", b"x", 1)
        line.publish("none/of/ours", b"x", 2, 2)
        heard = [await line.hear() for _ in range(2)]
        line.answer(wire.PUBREL, 3)
        heard += [await line.hear(), await line.subscribe(("none/of/ours", 1)), await line.unsubscribe("none/of/ours")]
        told = [packet for packet in heard if packet.get(P.REASON) or packet.all(P.USER)]
        assert (told == []) == (line is other)


@shows(v5="3.1.2-28")
async def test_response_information_is_not_given_to_who_does_not_ask(at: Place) -> None:
    for some in ([], [(P.WANT_RESPONSE_INFORMATION, 0)]):
        line = await at.line()
        line.connect(some=some)
        assert (await line.hear(wire.CONNACK)).get(P.RESPONSE_INFORMATION) is None


@shows(v5="3.2.2-8 4.13.1-1")
async def test_a_welcome_says_what_is_not_as_the_specification_has_it(at: Place) -> None:
    """Shared subscriptions are not served; every QoS, retained messages, wildcards and subscription identifiers are."""
    line = await at.line()
    line.connect(will=Will(STATUS, b"{}", 2, retain=True))
    heard = await line.hear(wire.CONNACK)
    assert heard.get(P.SHARED) == 0
    for name in (P.MAXIMUM_QOS, P.RETAIN_AVAILABLE, P.WILDCARDS, P.SUBSCRIPTION_IDS, P.SESSION_EXPIRY, P.SERVER_KEEP_ALIVE):
        assert heard.get(name) is None, name
