"""Many at the door, and some who mean ill: the others do not notice. Shown by what is delivered, and by counting, never by a stopwatch."""

import asyncio
import contextlib
import random
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import uvloop

from devices.mqtt.encode import encode
from devices.mqtt.packets import Connack, Connect, Packet, Puback, Publish, Subscribe
from devices.mqtt.reader import Reader
from devices.mqtt.server import CONNECT_WITHIN
from gateway.mqtt.door import Caller
from gateway.mqtt.lobby import Lobby
from tests.certificates import Office
from tests.endpoint import AT, OWN, PASSWORD, Endpoint, endpoint, until
from tests.patience import PATIENCE_S

REPORT, COMMAND = f"{OWN}/report", f"{OWN}/command"
CALLS = 20


def run(story: Coroutine[None, None, None]) -> None:
    """On the loop that the service runs on."""
    uvloop.run(story)


def hello(client: str, user: str = "demo") -> bytes:
    return encode(Connect(client, username=user, password=PASSWORD.encode()))


class Line:
    """A client that is admitted when this is made."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._from, self.writer = reader, writer
        self._reader = Reader(lambda _: 10**7)

    async def hear(self, count: int) -> list[Packet]:
        packets: list[Packet] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(packets) < count:
                data = await self._from.read(65_536)
                assert data, packets
                packets.extend(self._reader.feed(data))
        return packets

    async def calls_are_heard(self, at: Endpoint) -> None:
        """Each call is acknowledged, none is missing."""
        before = len(at.ledger.published)
        for number in range(1, CALLS + 1):
            self.writer.write(encode(Publish(REPORT, b'{"values":{"pull_cord":true}}', 1, packet_id=number)))
        assert await self.hear(CALLS) == [Puback(number) for number in range(1, CALLS + 1)]
        assert len(at.ledger.published) - before == CALLS


async def line(at: Endpoint, client: str, user: str = "demo", trust: ssl.SSLContext | None = None) -> Line:
    host = None if trust is None else "127.0.0.1"
    one = Line(*await asyncio.open_connection("127.0.0.1", at.port, ssl=trust, server_hostname=host))
    one.writer.write(hello(client, user))
    assert await one.hear(1) == [Connack(False)]
    return one


async def open_sockets(at: Endpoint, count: int, first: bytes = b"") -> list[socket.socket]:
    lines = []
    for _ in range(count):
        one = socket.socket()
        one.setblocking(False)
        await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", at.port))
        if first:
            one.send(first)
        lines.append(one)
    return lines


@asynccontextmanager
async def crowd(at: Endpoint, count: int, first: bytes = b"") -> AsyncIterator[list[socket.socket]]:
    lines = await open_sockets(at, count, first)
    try:
        yield lines
    finally:
        for one in lines:
            one.close()


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    """Both ends of thousands of lines."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- those who are not admitted ------------------------------------------------------------------------------------------------------

NUISANCES = [
    (b"", "who say nothing"),
    (b"\x10\x7f\x00\x04MQTT", "who begin a CONNECT"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "whose handshake never ends"),
    (b"GET /mqtt HTTP/1.1\r\nUpgrade: ", "whose request never ends"),
]


@pytest.mark.parametrize("first", [n[0] for n in NUISANCES], ids=[n[1] for n in NUISANCES])
def test_a_thousand_who_do_not_come_in_disturb_nobody_and_are_hung_up_on(tmp_path: Path, first: bytes) -> None:
    keys = Office(tmp_path).keys()

    async def story() -> None:
        async with endpoint(keys=keys) as at:
            kit = await line(at, "kit")
            async with crowd(at, 1000, first) as lines:
                await until(lambda: len(at.listener.lobby) == 1000)
                await kit.calls_are_heard(at)
                newcomer = await line(at, "newcomer")
                await newcomer.calls_are_heard(at)
                at.ledger.now += timedelta(seconds=5)
                await asyncio.sleep(0)
                for one in lines:
                    one.send(b"\x00" if first else b"\x10")  # a byte now and then buys no time
                at.ledger.now += CONNECT_WITHIN
                await until(lambda: not len(at.listener.lobby))
                assert at.listener.lobby.turned_out == 1000
                assert at.listener.connections == 2
                await kit.calls_are_heard(at)
            kit.writer.close()
            newcomer.writer.close()

    run(story())


def test_where_too_many_wait_the_one_that_waited_longest_goes() -> None:
    lobby, gone = Lobby(of_one_address=3, in_all=5), list[str]()

    def come(name: str, address: str) -> Caller:
        caller = Caller(address, lambda: gone.append(name))
        lobby.enter(caller, AT)
        return caller

    come("a1", "a")
    admitted = come("a2", "a")
    come("a3", "a")
    lobby.leave(admitted)
    come("a4", "a")
    assert gone == [], "who is admitted counts no more"
    come("a5", "a")
    assert gone == ["a1"], "of one address"
    come("b1", "b")
    come("b2", "b")
    assert gone == ["a1"]
    come("c1", "c")
    assert gone == ["a1", "a3"], "of all"
    assert len(lobby) == 5
    assert lobby.turned_out == 2
    lobby.look(AT + CONNECT_WITHIN)
    assert gone == ["a1", "a3", "a4", "a5", "b1", "b2", "c1"]
    assert not len(lobby)


def test_who_waits_for_us_stays_and_only_progress_buys_time() -> None:
    lobby, gone = Lobby(of_one_address=2), list[str]()

    def come(name: str) -> Caller:
        caller = Caller("a", lambda: gone.append(name))
        lobby.enter(caller, AT)
        return caller

    first, second = come("first"), come("second")
    lobby.in_turn(first)
    come("third")
    assert gone == ["second"], "of those we wait for"
    lobby.in_turn(next(caller for caller in lobby if caller is not first))
    come("fourth")
    assert gone == ["second", "fourth"], "all others wait for us: the newcomer comes again"
    lobby.look(AT + 10 * CONNECT_WITHIN)
    assert gone == ["second", "fourth"], "who waits for us is not slow"
    assert second.turned_out
    later = AT + CONNECT_WITHIN / 2
    lobby.answered(first, later, progress=True)
    lobby.look(AT + CONNECT_WITHIN)
    assert gone == ["second", "fourth"]
    lobby.in_turn(first)
    lobby.answered(first, later + CONNECT_WITHIN, progress=False)
    assert gone == ["second", "fourth", "first"]
    assert len(lobby) == 1


def test_a_flood_of_one_address_pushes_out_its_own_and_the_kits_of_all_others_get_in() -> None:
    async def story() -> None:
        async with endpoint() as at:
            at.listener.lobby._of_one_address = 100
            async with crowd(at, 300):
                await until(lambda: at.listener.lobby.turned_out == 200)
                kit = await line(at, "kit")
                await kit.calls_are_heard(at)
                assert len(at.listener.lobby) == 99
                kit.writer.close()

    run(story())


def test_noise_by_every_way_in_ends_its_own_line_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    office, dice = Office(tmp_path), random.Random(7)

    async def story() -> None:
        async with endpoint(keys=office.keys()) as at:
            kit = await line(at, "kit")
            for number in range(300):
                first = (b"\x16\x03\x01", b"GET /mqtt HTTP/1.1\r\n", b"\x10", b"")[number % 4]
                reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
                writer.write(first + dice.randbytes(dice.randrange(1, 600)))
                writer.write_eof()
                with contextlib.suppress(ConnectionError):
                    async with asyncio.timeout(PATIENCE_S):
                        await reader.read()
                writer.close()
            await kit.calls_are_heard(at)
            assert at.listener.connections == 1
            kit.writer.close()

    run(story())
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


# --- many who are ----------------------------------------------------------------------------------------------------------------------


async def power_returns(at: Endpoint, count: int, trust: ssl.SSLContext | None = None) -> None:
    """So many connect at once, and are all there."""
    lines = await asyncio.gather(*(line(at, f"kit-{n}", trust=trust) for n in range(count)))
    assert at.listener.connections == count
    assert at.listener.lobby.turned_out == 0
    await lines[-1].calls_are_heard(at)
    for one in lines:
        one.writer.close()
    await until(lambda: at.listener.connections == 0)


def test_two_thousand_that_connect_at_once_are_all_let_in() -> None:
    async def story() -> None:
        async with endpoint() as at:
            await power_returns(at, 2000)

    run(story())


def test_three_hundred_that_connect_at_once_within_tls_are_all_let_in(tmp_path: Path) -> None:
    office = Office(tmp_path)

    async def story() -> None:
        async with endpoint(keys=office.keys()) as at:
            await power_returns(at, 300, office.trust())

    run(story())


@pytest.mark.long
def test_two_thousand_that_connect_at_once_within_tls_are_all_let_in(tmp_path: Path) -> None:
    office = Office(tmp_path)

    async def story() -> None:
        async with endpoint(keys=office.keys()) as at:
            await power_returns(at, 2000, office.trust())

    run(story())


def test_a_call_does_not_wait_behind_a_row_of_handshakes(tmp_path: Path) -> None:
    """It is on disk and answered while most of them are still to be taken."""
    office = Office(tmp_path)

    def client_hello() -> bytes:
        said = ssl.MemoryBIO()
        client = office.trust().wrap_bio(ssl.MemoryBIO(), said, server_hostname="127.0.0.1")
        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
        return said.read()

    async def story() -> None:
        async with endpoint(keys=office.keys()) as at:
            kit = await line(at, "kit")
            async with crowd(at, 400) as lines:
                first = client_hello()
                await until(lambda: len(at.listener.lobby) == 400)
                for one in lines:
                    one.send(first)
                kit.writer.write(encode(Publish(REPORT, b"{}", 1, packet_id=1)))
                assert await kit.hear(1) == [Puback(1)]
                assert at.listener.tls is not None
                assert len(at.listener.tls._row) > 100
            kit.writer.close()

    run(story())


# --- those who were let in and behave badly ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_who_does_not_read_is_cut_off_and_the_others_get_what_is_theirs(tmp_path: Path, secure: bool) -> None:
    office = Office(tmp_path)

    async def story() -> None:
        async with endpoint(keys=office.keys()) as at:
            trust = office.trust() if secure else None
            deaf, kit = await line(at, "deaf", "city", trust), await line(at, "kit")
            area = OWN.split("/home-1", maxsplit=1)[0]
            deaf.writer.write(encode(Subscribe(1, ((f"{area}/#", 1),))))
            await deaf.hear(1)
            deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]  # StreamWriter's is a full one
            number = 0
            while at.listener.connections == 2:
                number += 1
                kit.writer.write(encode(Publish(REPORT, bytes(30_000), 1, packet_id=number)))
                assert await kit.hear(1) == [Puback(number)]
                assert number < 1000, "never cut off"
            await kit.calls_are_heard(at)
            kit.writer.close()
            deaf.writer.transport.abort()

    run(story())


def test_who_sends_a_byte_a_minute_keeps_its_line_and_nothing_else() -> None:
    """Within its keep-alive that is its right; the bytes of others pass between its own."""

    async def story() -> None:
        async with endpoint() as at:
            slow = Line(*await asyncio.open_connection("127.0.0.1", at.port))
            slow.writer.write(encode(Connect("slow", True, 60, "cord", PASSWORD.encode())))
            assert await slow.hear(1) == [Connack(False)]
            kit = await line(at, "kit")
            said = encode(Publish(REPORT, b"!", 1, packet_id=9))
            for byte in said[:3]:
                slow.writer.write(bytes([byte]))
                await kit.calls_are_heard(at)
                at.ledger.now += timedelta(minutes=1)
                await until(lambda: at.listener.now == at.ledger.now)
            slow.writer.write(said[3:])
            assert await slow.hear(1) == [Puback(9)]
            for one in (slow, kit):
                one.writer.close()

    run(story())


def test_a_line_that_was_cut_without_a_word_ends_with_its_keep_alive_within_tls_too(tmp_path: Path) -> None:
    office = Office(tmp_path)

    async def story() -> None:
        async with endpoint(keys=office.keys()) as at:
            reader, writer = await asyncio.open_connection("127.0.0.1", at.port, ssl=office.trust(), server_hostname="127.0.0.1")
            half = Line(reader, writer)
            writer.write(encode(Connect("half", True, 60, "cord", PASSWORD.encode())))
            assert await half.hear(1) == [Connack(False)]
            kit = await line(at, "kit")
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # it neither hears nor says anything from here on
            at.ledger.now += timedelta(seconds=91)
            await until(lambda: at.listener.connections == 1)
            await kit.calls_are_heard(at)
            kit.writer.close()
            writer.transport.abort()

    run(story())
