"""The same client of few words in MQTT 5.0."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from devices.mqtt.encode import encode
from devices.mqtt.packets import FIVE, Connack, Connect, Disconnect, Option, Packet, Pingreq, Pingresp, Suback, Subscribe, Will
from devices.mqtt.properties import NONE, Properties
from devices.mqtt.reader import Reader
from gateway.store.entry import Entry
from tests.endpoint import PASSWORD, Endpoint, until
from tests.kits import STATUS, Kit

MINUTE = Properties(session_expiry=60)
GONE = Will(STATUS, b"gone", 1, retain=True)


class Kit5(Kit):
    """The same in 5.0. What the CONNACK said is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self._reader = Reader(lambda _: 10**7, level=FIVE)
        self.welcome = Connack()

    async def say(self, *packets: Packet) -> None:
        self.writer.write(b"".join(encode(packet, FIVE) for packet in packets))
        await self.writer.drain()

    async def told(self) -> int:
        """The reason code of the last words of the endpoint."""
        last = (await self.ended())[-1]
        assert isinstance(last, Connack | Disconnect)
        return last.code


def hello(
    user: str = "cord", client: str = "c", properties: Properties = NONE, *,
    clean: bool = False, keep_alive: int = 0, will: Will | None = None,
) -> Connect:  # fmt: skip
    return Connect(client, clean, keep_alive, user, PASSWORD.encode(), will, FIVE, properties)


def waits(will: Will = GONE, delay_s: int = 20) -> Will:
    return Will(will.topic, will.payload, will.qos, will.retain, Properties(will_delay=delay_s))


@asynccontextmanager
async def kit(at: Endpoint, connect: Connect | None = None, *, present: bool = False) -> AsyncIterator[Kit5]:
    reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
    one = Kit5(reader, writer)
    try:
        if connect is not None:
            await one.say(connect)
            (welcome,) = await one.hear()
            assert isinstance(welcome, Connack)
            assert (welcome.session_present, welcome.code) == (present, 0)
            one.welcome = welcome
        yield one
    finally:
        writer.close()


async def subscribed(one: Kit5, topic_filter: str, options: int = 1, identifier: int = 0) -> list[Packet]:
    """What came with the SUBACK, which must grant it."""
    said = Properties(subscription_ids=(identifier,)) if identifier else NONE
    await one.say(Subscribe(1, ((topic_filter, options),), said), Pingreq())
    heard: list[Packet] = []
    while Pingresp() not in heard or not any(isinstance(p, Suback) for p in heard):
        heard += await one.hear()
    (suback,) = (p for p in heard if isinstance(p, Suback))
    assert suback.codes == (options & Option.QOS,)
    return [p for p in heard if not isinstance(p, Suback | Pingresp)]


async def passes(at: Endpoint, seconds: float) -> None:
    """Time, as the endpoint reckons it."""
    at.ledger.now += timedelta(seconds=seconds)
    await until(lambda: at.listener.now >= at.ledger.now)


def journaled(at: Endpoint, kind: type[Entry]) -> int:
    return sum(isinstance(entry, kind) for entry in at.ledger.journal)
