"""CONNECT and CONNACK: 3.1 and 3.2 of both versions, what wills and sessions are apart."""

from tests.endpoint import PASSWORD
from tests.mqtt_statements import wire
from tests.mqtt_statements.story import COMMAND, MALFORMED, REPORT, STATUS, Place, shows
from tests.mqtt_statements.wire import P, Will

SECRET = PASSWORD.encode()


@shows(v311="3.1.0-1", v5="3.1.0-1")
async def test_a_client_that_begins_with_anything_but_a_connect_is_not_answered(at: Place) -> None:
    for first in (
        wire.frame(wire.PINGREQ), wire.publish(at.version, REPORT, b"{}", 1), wire.subscribe(at.version, 1, [(COMMAND, 1)]),
        wire.disconnect(at.version), wire.frame(wire.CONNACK, b"\0\0"),
    ):  # fmt: skip
        line = await at.line()
        line.say(first)
        assert await line.left() == b""
    assert at.taken() == []


@shows(v311="3.1.0-2 4.8.0-1", v5="3.1.0-2 4.13.1-1")
async def test_a_second_connect_ends_the_connection(at: Place) -> None:
    line = await at.greeted()
    line.connect()
    await line.ends(0x82)


@shows(v311="3.1.2-1", v5="3.1.2-1")
async def test_another_protocols_name_is_not_read_as_mqtt(at: Place) -> None:
    for name in ("MQTX", "mqtt", "MQT", "MQTTX", ""):
        line = await at.line()
        line.say(wire.connect(at.version, username="cord", password=SECRET, name=name))
        assert await line.left() in {b"", b"\x20\x03\x00\x84\x00"}, name


@shows(v311="3.1.2-2", v5="3.1.2-2")
async def test_a_protocol_level_that_is_not_served_is_told_so(at: Place) -> None:
    """By the return code 1 of 3.1.1, or by the reason code 0x84 of 5.0: each is what a client of that level can read."""
    for name, level in (("MQIsdp", 3), ("MQTT", 3), ("MQTT", 0), ("MQTT", 6), ("MQTT", 255)):
        line = await at.line()
        line.say(wire.frame(wire.CONNECT, wire.text(name), bytes((level, 2)), wire.two(0), wire.text("c")))
        assert await line.left() in {b"\x20\x02\x00\x01", b"\x20\x03\x00\x84\x00"}, level


@shows(v311="3.1.2-3", v5="3.1.2-3")
async def test_the_reserved_connect_flag_is_looked_at(at: Place) -> None:
    line = await at.line()
    line.connect(flags=0xC3)
    await line.refused(None, *MALFORMED)


@shows(v311="3.1.2-11 3.1.2-13 3.1.2-14 3.1.2-15 3.1.2-9", v5="3.1.2-9 3.1.2-11 3.1.2-12 3.1.2-13")
async def test_flags_of_a_will_that_do_not_fit_what_is_sent_are_refused(at: Place) -> None:
    will = Will(STATUS, b"{}")
    for flags, sent in (
        (0xC2 | 0x08, None), (0xC2 | 0x10, None), (0xC2 | 0x20, None),  # QoS 1, QoS 2, retain without a will
        (0xC2 | 0x04 | 0x18, will),  # QoS 3
        (0xC2 | 0x04, None),  # a will that is not there
        (0xC2, will),  # a will that was not announced
    ):  # fmt: skip
        line = await at.line()
        line.connect(flags=flags, will=sent)
        await line.refused(None, *MALFORMED)


@shows(v311="3.1.2-18 3.1.2-19 3.1.2-20 3.1.2-21 3.1.3-1", v5="3.1.2-16 3.1.2-17 3.1.2-18 3.1.2-19 3.1.3-1")
async def test_a_name_and_a_password_are_there_when_the_flags_say_so_and_only_then(at: Place) -> None:
    for flags, username, password in (
        (0x02, "cord", None),  # a name that was not announced
        (0x82, "cord", SECRET), (0x82, None, None),  # a password that was not announced; no name
        (0xC2, "cord", None), (0xC2, None, None),  # no password; neither
    ):  # fmt: skip
        line = await at.line()
        line.connect(username=username, password=password, flags=flags)
        await line.refused(None, *MALFORMED)


@shows(v311="3.1.2-22")
async def test_a_password_without_a_user_name_breaks_the_protocol(at: Place) -> None:
    line = await at.line()
    line.connect(username=None)
    assert await line.left() == b""


@shows(v311="3.1.4-1", v5="3.1.4-1")
async def test_a_connect_with_bytes_too_many_or_too_few_is_refused(at: Place) -> None:
    whole = wire.connect(at.version, username="cord", password=SECRET)
    for spoilt in (
        wire.connect(at.version, username="cord", password=SECRET, tail=b"\0"),
        wire.frame(wire.CONNECT, whole[2:-1]),
        wire.frame(wire.CONNECT, whole[2:12]),
    ):
        line = await at.line()
        line.say(spoilt)
        await line.refused(None, *MALFORMED)
    for unreadable in (wire.frame(wire.CONNECT), wire.frame(wire.CONNECT | 1, whole[2:])):
        line = await at.line()
        line.say(unreadable)
        assert await line.left() == b"", "nobody knows which version it is"


@shows(v311="3.1.3-3 3.1.3-4 3.1.3-10 3.1.3-11", v5="3.1.3-3 3.1.3-4 3.1.3-11 3.1.3-12")
async def test_the_texts_of_a_connect_are_utf_8(at: Place) -> None:
    for bad in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"a\0b"):
        for spoilt in (
            wire.connect(at.version, bad, username="cord", password=SECRET),
            wire.connect(at.version, username=bad, password=SECRET),
            wire.connect(at.version, username="cord", password=SECRET, will=Will(bad, b"")),
        ):
            line = await at.line()
            line.say(spoilt)
            await line.refused(None, *MALFORMED)
    missing = await at.line()
    missing.say(wire.frame(wire.CONNECT, wire.text("MQTT"), bytes((at.version, 2)), wire.two(0), b"\0" if at.version == 5 else b""))
    await missing.refused(None, *MALFORMED)


@shows(v311="3.1.3-5 3.1.4-4 3.2.0-1", v5="3.1.3-5 3.1.4-5 3.2.0-1 3.2.0-2 3.2.2-1")
async def test_every_client_id_that_a_server_must_allow_is_welcome_once(at: Place) -> None:
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for client_id in (*(digits[start : start + 23] for start in range(0, len(digits), 23)), "a", "Z9"):
        line = await at.greeted(client_id)
        await line.nothing_but_a_pong()
        await line.leave()


@shows(v311="3.1.3-2", v5="3.1.3-2")
async def test_the_client_id_names_the_session_and_belongs_to_its_user(at: Place) -> None:
    """Another credential with the same client id has a session of its own: nobody takes a kit's commands over by its name."""
    lasting: wire.Properties = [(P.SESSION_EXPIRY, 3600)] if at.version == 5 else ()
    for username, client_id in (("cord", "one"), ("cord", "two"), ("watch", "one")):
        line = await at.greeted(client_id, username=username, clean=False, some=lasting)
        await line.leave()
    await at.settled()
    assert len(at.ledger.sessions.of("cord")) == 2
    assert len(at.ledger.sessions.of("watch")) == 1


@shows(v311="3.1.3-6", v5="3.1.3-6 3.1.3-7 3.2.2-16")
async def test_clients_without_an_id_each_get_one_of_their_own(at: Place) -> None:
    lines = [await at.line() for _ in range(3)]
    given = set()
    for line in lines:
        line.connect("")
        heard = await line.hear(wire.CONNACK)
        assert heard.code == 0
        given.add(heard.get(P.ASSIGNED_ID))
    assert at.listener.connections == 3
    for line in lines:
        await line.nothing_but_a_pong()
    if at.version == 5:
        assert len(given) == 3
        assert all(isinstance(name, str) and name for name in given)


@shows(v311="3.1.3-7 3.1.3-8")
async def test_a_client_without_an_id_cannot_ask_for_a_session_that_lasts(at: Place) -> None:
    line = await at.line()
    line.connect("", clean=False)
    assert await line.left() == b"\x20\x02\x00\x02"


@shows(v311="3.1.3-9 3.2.2-4 3.2.2-5", v5="3.1.3-8 3.2.2-6 3.2.2-7 3.2.2-8 4.13.2-1")
async def test_a_client_id_that_is_not_taken_is_refused_by_name(at: Place) -> None:
    line = await at.line()
    line.connect("x" * 5000)
    await line.refused(2, 0x85)


@shows(v311="3.1.4-5 3.2.2-4 3.2.2-5", v5="3.1.4-2 3.1.4-6 3.2.2-6 3.2.2-7 3.2.2-8 4.13.2-1")
async def test_what_follows_a_connect_that_was_refused_is_not_looked_at(at: Place) -> None:
    behind = wire.publish(at.version, REPORT, b"{}", 1), wire.frame(wire.PINGREQ)
    for username, password, before in (("cord", b"wrong", 4), ("nobody", SECRET, 4), (None, None, 5)):
        line = await at.line()
        line.say(wire.connect(at.version, username=username, password=password), *behind)
        await line.refused(before, 0x86, 0x87)
    assert at.taken() == []


@shows(v311="3.2.2-6")
async def test_what_no_return_code_says_closes_the_connection_without_one(at: Place) -> None:
    """A CONNECT that is no CONNECT: there is no code for it."""
    line = await at.line()
    line.connect("\0")
    assert await line.left() == b""


@shows(v311="3.1.4-2", v5="3.1.4-3")
async def test_whoever_comes_with_a_client_id_in_use_takes_over(at: Place) -> None:
    one = await at.greeted("same")
    other = await at.greeted("same")
    await one.ends(0x8E)
    await other.nothing_but_a_pong()
    assert at.listener.connections == 1


@shows(v311="3.1.2-24", v5="3.1.2-22 3.2.2-22")
async def test_a_client_that_is_quiet_for_one_and_a_half_keep_alives_is_taken_for_gone(at: Place) -> None:
    """As when its line had been cut: its will is published."""
    reader = await at.reader()
    quiet = await at.greeted(keep_alive=60, will=Will(STATUS, b'{"status":"offline"}', 1))
    patient = await at.greeted("patient", keep_alive=0)
    at.pass_by(80)
    await quiet.nothing_but_a_pong()
    at.pass_by(89)
    await quiet.nothing_but_a_pong()
    at.pass_by(91)
    await quiet.ends(0x8D)
    assert (await reader.hear(wire.PUBLISH)).payload == b'{"status":"offline"}'
    await patient.nothing_but_a_pong()


@shows(v311="1.5.3-3", v5="1.5.4-3")
async def test_a_byte_order_mark_is_a_character_like_any_other(at: Place) -> None:
    """Of a client id it makes another client; of a topic, another topic, which is none of ours."""
    one, other = await at.greeted("c"), await at.greeted("\ufeffc")
    await one.nothing_but_a_pong()
    await other.nothing_but_a_pong()
    one.publish(f"\ufeff{REPORT}", qos=1, packet_id=7)
    assert (await one.hear(wire.PUBACK)).packet_id == 7
    assert at.taken() == []
    assert [refusal.topic for refusal in at.ledger.refused] == [f"\ufeff{REPORT}"]


@shows(v311="7.1.1-1", v5="4.2.0-1")
async def test_a_stream_may_come_in_pieces_of_any_size(at: Place) -> None:
    line = await at.line()
    whole = wire.connect(at.version, username="cord", password=SECRET) + wire.publish(at.version, REPORT, b'{"a":1}', 1, 5)
    await line.drip(whole)
    await line.hear(wire.CONNACK)
    assert (await line.hear(wire.PUBACK)).packet_id == 5
    line.say(*(wire.publish(at.version, REPORT, b"%d" % n, 1, n) for n in range(1, 400)))
    assert [(await line.hear(wire.PUBACK)).packet_id for _ in range(1, 400)] == list(range(1, 400))


@shows(v311="7.0.0-2")
async def test_nothing_beyond_the_specification_is_asked_of_a_client(at: Place) -> None:
    """The bytes of a plain client: no extension, no user property, no order of packets of its own."""
    line = await at.greeted()
    line.publish(REPORT, qos=1)
    await line.hear(wire.PUBACK)
    await line.subscribe((COMMAND, 1))
    await line.leave()
