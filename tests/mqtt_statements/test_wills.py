"""The will: 3.1.2.5 to 3.1.2.7 and 3.14.4 of both versions. A status says offline by it; the platform takes it like any report."""

from tests.mqtt_statements import wire
from tests.mqtt_statements.story import REPORT, STATUS, Place, shows, until
from tests.mqtt_statements.wire import Will

OFFLINE = Will(STATUS, b'{"status":"offline"}', 1)


@shows(v311="3.1.2-8", v5="3.1.2-7 3.1.2-8")
async def test_a_will_is_published_when_the_line_breaks_and_not_before(at: Place) -> None:
    reader = await at.reader()
    line = await at.greeted(will=OFFLINE)
    await line.nothing_but_a_pong()
    assert at.taken() == []
    line.cut()
    heard = await reader.hear(wire.PUBLISH)
    assert (heard.topic, heard.payload) == (STATUS, OFFLINE.payload)


@shows(v311="3.1.2-8", v5="3.1.2-8")
async def test_a_client_that_breaks_the_protocol_or_is_taken_over_leaves_its_will(at: Place) -> None:
    reader = await at.reader()
    line = await at.greeted(will=OFFLINE)
    line.say(wire.frame(0x00))
    await line.left()
    assert (await reader.hear(wire.PUBLISH)).payload == OFFLINE.payload
    await at.greeted(will=OFFLINE)
    await at.greeted()
    assert (await reader.hear(wire.PUBLISH)).payload == OFFLINE.payload


@shows(v311="3.1.2-10 3.14.4-3", v5="3.1.2-10 3.14.4-3")
async def test_a_client_that_says_good_bye_takes_its_will_with_it(at: Place) -> None:
    reader = await at.reader()
    line = await at.greeted(will=OFFLINE)
    line.disconnect()
    await line.left()
    await at.settled()
    await reader.nothing_but_a_pong()
    assert at.taken() == []


@shows(v311="3.1.2-10", v5="3.1.2-10")
async def test_a_will_is_published_once(at: Place) -> None:
    reader = await at.reader()
    line = await at.greeted(will=OFFLINE)
    line.cut()
    await reader.hear(wire.PUBLISH)
    (await at.greeted()).cut()
    await until(lambda: at.listener.connections == 1)
    await at.settled()
    await reader.nothing_but_a_pong()


@shows(v311="3.1.2-12")
async def test_a_client_without_a_will_leaves_none(at: Place) -> None:
    reader = await at.reader()
    (await at.greeted()).cut()
    await until(lambda: at.listener.connections == 1)
    await at.settled()
    await reader.nothing_but_a_pong()


@shows(v311="3.1.2-16", v5="3.1.2-14")
async def test_a_will_that_is_not_to_be_retained_is_not(at: Place) -> None:
    (await at.greeted(will=OFFLINE)).cut()
    await until(lambda: at.taken() == [(STATUS, OFFLINE.payload)])
    await at.settled()
    late = await at.reader()
    await late.nothing_but_a_pong()


@shows(v311="3.1.2-17", v5="3.1.2-15")
async def test_a_will_that_is_to_be_retained_waits_for_who_comes_later(at: Place) -> None:
    (await at.greeted(will=Will(STATUS, OFFLINE.payload, 1, retain=True))).cut()
    await until(lambda: at.taken() == [(STATUS, OFFLINE.payload)])
    await at.settled()
    late = await at.reader()
    heard = await late.hear(wire.PUBLISH)
    assert (heard.payload, heard.retain) == (OFFLINE.payload, True)


@shows(v311="3.1.2-14", v5="3.1.2-12")
async def test_a_will_of_every_qos_is_taken(at: Place) -> None:
    for qos in (0, 1, 2):
        (await at.greeted(will=Will(REPORT, b"%d" % qos, qos))).cut()
        await until(lambda qos=qos: at.taken()[-1:] == [(REPORT, b"%d" % qos)])  # type: ignore[misc]
