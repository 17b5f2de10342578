"""What notifications meet in the tests: sample notices, and an HTTP receiver that answers, stalls or breaks off as it is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from alerting.alert import Alert
from alerting.facts import NotificationRequested
from alerting.terms import AlertId, Category, NotificationId, Priority, Sentence, Status
from config.accepting import accept_no_more
from devices.home import AreaId, Home, HomeId, Person, PersonId, Role
from gateway.notify.channel import Moot, Notice, notice_of
from tests.patience import PATIENCE_S

TLS = Path(__file__).parent / "tls"
OWN_ROOT = ssl.create_default_context(cafile=str(TLS / "authority.pem"))
MACHINE_ROOTS = ssl.create_default_context()
AT = datetime(2026, 11, 22, 2, 0, 0, 250_000, tzinfo=UTC)
WALL = datetime(2026, 11, 22, 2, 0, 1, tzinfo=UTC)

HOME = Home(
    HomeId("h-12"),
    AreaId("330102001"),
    "12 栋 3 单元 402",
    address="清波街道柳浪新苑",
    phone="0571-8700-0012",
    access="电梯到 4 楼",
    note="有狗",
)
RESIDENT = Person(
    PersonId("p-1"),
    HOME.id,
    Role.RESIDENT,
    "沈阿婆",
    phone="138-0000-0012",
    birth_year=1941,
    medical="房颤，服华法林",
    speech="杭州话，听力差",
)
DAUGHTER = Person(PersonId("p-2"), HOME.id, Role.FAMILY, "沈小梅", phone="139-0000-0034")


def alert(category: Category = Category.CALL_FOR_HELP, *, id_: str = "a-1", closed_at: datetime | None = None) -> Alert:
    return Alert(
        id=AlertId(id_),
        home=HOME.id,
        area=HOME.area,
        category=category,
        priority=Priority.TECHNICAL if category is Category.TECHNICAL else Priority.LIFE,
        matter=str(category),
        status=Status.CLOSED if closed_at else Status.TRIGGERED,
        raised_at=AT - timedelta(seconds=60),
        title=Sentence("求助", "Call for help"),
        reason=Sentence("卫生间的拉绳被拉动。", "The pull cord in the bathroom was pulled."),
        rule="pull_cord",
        rule_version="1",
        evidence=(),
        room="卫生间",
        closed_at=closed_at,
    )


def request(id_: str = "n-1", *, channel: str = "desk-hook", alert_id: str = "a-1", at: datetime = AT) -> NotificationRequested:
    why = Sentence("60 秒无人应答，通知值班长。", "Nobody answered within 60 s: the shift lead is told.")
    return NotificationRequested(NotificationId(id_), AlertId(alert_id), at, HOME.id, "lead", channel, 1, why)


def notice(id_: str = "n-1", category: Category = Category.CALL_FOR_HELP) -> Notice:
    made = notice_of(request(id_), alert(category), HOME, (RESIDENT, DAUGHTER), "https://anju.example.org/")
    assert not isinstance(made, Moot)
    return made


class Hit(NamedTuple):
    """`target` is what stands in the request line: path and query."""

    headers: dict[str, str]
    body: bytes
    target: str = ""


Behaviour = Callable[[Hit, asyncio.StreamWriter], Awaitable[None]]


def answering(status: str, body: bytes = b"", *headers: str) -> Behaviour:
    async def answer(_hit: Hit, writer: asyncio.StreamWriter) -> None:
        head = "\r\n".join([f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""])
        writer.write(head.encode() + body)
        await writer.drain()

    return answer


async def stalling(_hit: Hit, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def hanging_up(_hit: Hit, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


class Receiver:
    """`behaviour` may be changed at any time; `hits` are the requests that came in whole, in order."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.hits: list[Hit] = []
        self.connections = 0
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def ids(self) -> list[str]:
        return [hit.headers["webhook-id"] for hit in self.hits]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head.split("\r\n")[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                hit = Hit(headers, body, head.split(" ", 2)[1])
                self.hits.append(hit)
                await self.behaviour(hit, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def receiver(behaviour: Behaviour, *, tls: bool = False) -> AsyncIterator[Receiver]:
    heard = Receiver(behaviour)
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / "server.pem", TLS / "server.key")
    server = await asyncio.start_server(heard.serve, "127.0.0.1", 0, ssl=context)
    heard.port = server.sockets[0].getsockname()[1]
    try:
        yield heard
    finally:
        await accept_no_more(server)
        server.close()
        await heard.stop()
        await server.wait_closed()


async def until(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Polls until the condition holds; the test fails when the seconds are over."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)
