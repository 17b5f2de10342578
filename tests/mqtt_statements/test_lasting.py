"""How long things last, in 5.0: sessions by their expiry, wills by their delay; and who may say so."""

from tests.mqtt_statements import wire
from tests.mqtt_statements.story import COMMAND, STATUS, Line, Place, place, shows
from tests.mqtt_statements.wire import P, Will

OFFLINE = b'{"status":"offline"}'


async def come(at: Place, expiry_s: int | None, *, clean: bool = False, will: Will | None = None) -> tuple[Line, bool]:
    line = await at.line()
    line.connect(clean=clean, will=will, some=[] if expiry_s is None else [(P.SESSION_EXPIRY, expiry_s)])
    heard = await line.hear(wire.CONNACK)
    assert heard.code == 0
    return line, heard.session_present


@shows(v5="4.1.0-2 3.1.2-23")
async def test_a_session_ends_with_its_expiry_and_not_before(at: Place) -> None:
    line, _ = await come(at, 100)
    await line.leave()
    await at.alone()
    at.pass_by(99)
    line, present = await come(at, 100)
    assert present
    line.cut()
    await at.alone()
    at.pass_by(101)
    line, present = await come(at, 100)
    assert not present


@shows(v5="4.1.0-2")
async def test_without_an_expiry_it_ends_with_the_connection(at: Place) -> None:
    for expiry in (None, 0):
        line, present = await come(at, expiry)
        assert not present
        await line.leave()
        await at.alone()


@shows(v5="4.1.0-2 3.1.2-23")
async def test_with_the_longest_it_lasts_for_ever_also_after_a_clean_start_and_a_restart(at: Place) -> None:
    line, _ = await come(at, 0xFFFF_FFFF, clean=True)
    await line.subscribe((COMMAND, 1))
    await line.leave()
    await at.alone()
    at.pass_by(86_400 * 365)
    await at.settled()
    async with place(5, at.ledger.journal) as restarted:
        line, present = await come(restarted, 0xFFFF_FFFF)
        assert present
        restarted.ledger.issue(COMMAND, b"x", "c1")
        await line.hear(wire.PUBLISH)


@shows(v5="4.1.0-2")
async def test_a_good_bye_may_change_the_expiry_but_not_give_one_to_a_session_without(at: Place) -> None:
    line, _ = await come(at, 3600)
    line.disconnect(0, [(P.SESSION_EXPIRY, 0)])
    assert await line.left() == b""
    await at.alone()
    line, present = await come(at, 0)
    assert not present
    line.disconnect(0, [(P.SESSION_EXPIRY, 10)])
    await line.ends(0x82)


@shows(v5="3.1.2-8 3.1.3-9")
async def test_a_will_waits_for_its_delay_and_not_beyond_its_session(at: Place) -> None:
    reader = await at.reader()
    for delay_s, expiry_s, due_s in ((60, 600, 60), (600, 60, 60)):
        will = Will(STATUS, OFFLINE, 1, properties=[(P.WILL_DELAY, delay_s)])
        line, _ = await come(at, expiry_s, clean=True, will=will)
        line.cut()
        await at.listening(1)
        at.pass_by(due_s - 1)
        await at.settled()
        await reader.nothing_but_a_pong()
        at.pass_by(2)
        heard = await reader.hear(wire.PUBLISH)
        assert heard.payload == OFFLINE
        assert heard.get(P.WILL_DELAY) is None
        reader.answer(wire.PUBACK, heard.packet_id)


@shows(v5="3.1.3-9 3.1.2-8")
async def test_whoever_comes_back_in_time_is_not_said_to_have_gone(at: Place) -> None:
    reader = await at.reader()
    will = Will(STATUS, OFFLINE, 1, properties=[(P.WILL_DELAY, 60)])
    line, _ = await come(at, 600, will=will)
    line.cut()
    await at.listening(1)
    at.pass_by(30)
    line, present = await come(at, 600)
    assert present
    at.pass_by(60)
    await at.settled()
    await reader.nothing_but_a_pong()


@shows(v5="3.1.2-10 3.14.4-3")
async def test_a_good_bye_of_0x04_leaves_the_will_and_one_of_0x00_does_not(at: Place) -> None:
    reader = await at.reader()
    for code, told in ((0x04, True), (0x00, False), (None, False)):
        line, _ = await come(at, None, will=Will(STATUS, OFFLINE, 1))
        line.disconnect(code)
        assert await line.left() == b""
        await at.listening(1)
        await at.settled()
        if told:
            reader.answer(wire.PUBACK, (await reader.hear(wire.PUBLISH)).packet_id)
        await reader.nothing_but_a_pong()


@shows(v5="3.14.0-1")
async def test_no_disconnect_comes_before_a_welcome(at: Place) -> None:
    wrong = wire.connect(5, username="cord", password=b"wrong")
    for first in (b"\x10\xff\xff\xff\xff\x01", wire.frame(0x00), wrong, wire.disconnect(5, 0x80)):
        line = await at.line()
        line.say(first)
        rest = await line.left()
        assert rest == b"" or rest[0] == wire.CONNACK


@shows(v5="3.14.2-1 3.14.2-2 3.14.4-1 3.14.4-2 4.13.2-1")
async def test_what_the_endpoint_says_at_the_end_is_one_disconnect_of_a_known_reason(at: Place) -> None:
    reasons = []
    protocol = await at.greeted("a")
    protocol.say(wire.frame(0x00))
    quiet = await at.greeted("b", keep_alive=10)
    taken = await at.greeted("c")
    await at.greeted("c")
    for line in (protocol, taken, quiet):
        if line is quiet:
            at.pass_by(16)
        heard = wire.parse(5, await line.left())
        assert heard.kind == wire.DISCONNECT
        assert heard.get(P.SESSION_EXPIRY) is None
        reasons.append(heard.code)
    assert reasons == [0x81, 0x8E, 0x8D]
    unknown = await at.greeted("d")
    unknown.disconnect(0x42)
    await unknown.ends(0x81, 0x82)


@shows(v5="4.12.0-1 4.12.0-6 4.12.0-7 3.15.1-1")
async def test_no_authentication_method_is_served_and_nobody_is_asked_for_one(at: Place) -> None:
    line = await at.line()
    line.connect(some=[(P.AUTH_METHOD, "SCRAM-SHA-256"), (P.AUTH_DATA, b"x")])
    await line.refused(None, 0x8C)
    plain = await at.line()
    plain.connect()
    heard = await plain.hear(wire.CONNACK)
    assert heard.get(P.AUTH_METHOD) is None
    plain.say(wire.frame(wire.AUTH, b"\x18", wire.properties([(P.AUTH_METHOD, "SCRAM-SHA-256")])))
    await plain.ends(0x82)
    for flags in (1, 2, 8, 15):
        line = await at.greeted()
        line.say(wire.frame(wire.AUTH | flags, b"\x18", wire.properties([(P.AUTH_METHOD, "x")])))
        await line.ends(0x81)
