"""PINGREQ, DISCONNECT and the end of connections: 3.12, 3.14, 4.8 of 3.1.1 and 4.13 of 5.0."""

from tests.mqtt_statements import wire
from tests.mqtt_statements.story import COMMAND, MALFORMED, REPORT, Place, shows


@shows(v311="3.12.4-1", v5="3.12.4-1")
async def test_every_pingreq_is_answered(at: Place) -> None:
    line = await at.greeted()
    line.say(wire.frame(wire.PINGREQ) * 3)
    assert [(await line.hear()).kind for _ in range(3)] == [wire.PINGRESP] * 3


@shows(v311="3.6.1-1 2.2.2-1 2.2.2-2 3.14.1-1", v5="3.6.1-1 2.1.3-1 3.14.1-1")
async def test_reserved_flags_end_the_connection(at: Place) -> None:
    for first, right in ((wire.PUBREL, 2), (wire.PUBACK, 0), (wire.PUBREC, 0), (wire.PUBCOMP, 0), (wire.PINGREQ, 0), (wire.DISCONNECT, 0)):
        for flags in {0, 1, 2, 4, 8, 15} - {right}:
            line = await at.greeted()
            line.say(wire.frame(first & 0xF0 | flags, b"\0\1" if first < wire.PINGREQ else b""))
            await line.ends(*MALFORMED)


@shows(v311="4.8.0-1", v5="4.13.1-1")
async def test_what_no_client_says_ends_the_connection(at: Place) -> None:
    """Reserved types, packets that only a server sends, a length of five bytes, packets cut short or with something behind them."""
    for spoilt in (
        wire.frame(0x00), wire.frame(wire.CONNACK, b"\0\0"), wire.frame(wire.SUBACK, b"\0\1\0\0"), wire.frame(wire.UNSUBACK, b"\0\1"),
        wire.frame(wire.PINGRESP), b"\xc0\xff\xff\xff\xff\x01", wire.frame(wire.PINGREQ, b"x"), wire.frame(wire.PUBACK, b"\0"),
        wire.frame(wire.PUBLISH, b"\0\7short"), wire.frame(wire.SUBSCRIBE, b"\0\1", b"\0" if at.version == 5 else b"", b"\0\7short"),
    ):  # fmt: skip
        line = await at.greeted()
        line.say(spoilt)
        await line.ends(*MALFORMED)


@shows(v311="4.8.0-1", v5="4.13.1-1")
async def test_what_came_whole_before_a_fault_is_taken(at: Place) -> None:
    line = await at.greeted()
    line.say(wire.publish(at.version, REPORT, b"sound", 1), wire.frame(0x00))
    await line.left()
    assert at.taken() == [(REPORT, b"sound")]


@shows(v311="3.14.4-1 3.14.4-2", v5="3.14.4-1 3.14.4-2")
async def test_after_a_disconnect_nothing_is_heard_and_the_connection_is_closed(at: Place) -> None:
    line = await at.greeted()
    line.say(wire.disconnect(at.version), wire.publish(at.version, REPORT, b"too late", 1), wire.frame(wire.PINGREQ))
    assert await line.left() == b""
    await at.settled()
    assert at.taken() == []


@shows(v311="3.2.2-4 4.8.0-1", v5="4.13.1-1 4.13.2-1 3.14.4-2")
async def test_a_client_that_still_talks_hears_why_it_was_left(at: Place) -> None:
    """A socket closed under it would reset the line, and what it was told would be lost with it."""
    refused = await at.line()
    refused.connect(password=b"wrong")
    told = [refused]
    if at.version == 5:  # 3.1.1 has no word for it
        told.append(await at.greeted("broken"))
        told[1].say(wire.frame(0x00))
    await at.alone()
    for _ in range(20):
        for line in told:
            await line.talk(wire.publish(at.version, REPORT, b"x" * 1000, 1))
    await refused.refused(4, 0x86)
    for line in told[1:]:
        await line.ends(*MALFORMED)
    assert at.taken() == []


@shows(v311="4.8.0-2")
async def test_a_fault_of_ours_closes_the_one_connection_and_acknowledges_nothing(at: Place) -> None:
    """A full disk that has no room for readings: they stay with the client, which is sent away to bring them again."""
    line, other = await at.greeted("one"), await at.greeted("other", username="watch")
    at.ledger.full = True
    line.publish(REPORT, b"x", 1)
    await line.nothing_but_a_pong()
    at.ledger.full = False
    at.pass_by(1)
    assert await line.left() == b""
    await other.nothing_but_a_pong()
    await other.subscribe((COMMAND.replace("cord-1", "watch-1"), 1))
