"""Real time: the endpoint core on a listening socket, and procedures played against whatever device comes. Decides nothing by itself.

Each clause begins from a known state: the endpoint is correct again, what the clause before had changed on the device is undone, the
device has drained; then its connection is cut and the trace begins anew, so that every clause sees a connection from its first byte.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

from simulator.certification.authority import Authority
from simulator.certification.bench import Bench, Do, Look, Outcome, Procedural, Procedure, Step, Undone, Verdict, Wait
from simulator.certification.catalogue import Clause
from simulator.certification.endpoint import Endpoint
from simulator.certification.examination import FLOOD, Flooded, digest, flooded, judged, not_applicable, selected, staged
from simulator.certification.features import Features
from simulator.certification.result import SUITE, ClauseVerdict, Result, Run
from simulator.certification.trace import Acted
from simulator.scenario import Bilingual
from simulator.virtual.driver import Driver
from simulator.virtual.pace import Pace
from simulator.virtual.stimulus import Deed, Sign
from simulator.wire import Stage

DRAINED_WITHIN = timedelta(seconds=30)
HANDSHAKE_S = 10.0
PATIENCE_S = 2.0
"""Real seconds that the network and this machine may take on top of what a clause allows."""


class Hands(Protocol):
    """Whoever is at the device: ourselves at a virtual one, a person at a real one."""

    async def do(self, deed: Deed) -> None:
        """Until it is done; Undone when nobody does it."""

    async def look(self, sign: Sign) -> bool:
        """Undone when nobody answers."""


class OurHands:
    """At a virtual device."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def do(self, deed: Deed) -> None:
        self._driver.act(deed)

    async def look(self, sign: Sign) -> bool:
        return sign in self._driver.device.signs


class Stand:
    """`authority`: for TLS. `port` is there once it listens."""

    def __init__(self, endpoint: Endpoint, pace: Pace, authority: Authority | None = None) -> None:
        self.endpoint, self.pace = endpoint, pace
        self.port = 0
        self._authority = authority
        self._sockets: dict[int, asyncio.Transport] = {}
        self._greeted: dict[int, int] = {}
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wake: asyncio.Future[None] | None = None

    async def listen(self, host: str, port: int) -> None:
        """OSError where that is not possible."""
        secured = None
        if self._authority is not None:
            secured = self._authority.contexts[self.endpoint.behaviour.certificate]
            secured.sni_callback = self._hello
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Socket(self), host, port, ssl=secured, ssl_handshake_timeout=HANDSHAKE_S if secured else None,
        )  # fmt: skip
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for transport in list(self._sockets.values()):
            transport.abort()
        if self._server is not None:
            self._server.close()
            await asyncio.sleep(0)

    async def play(self, procedure: Procedure, hands: Hands) -> Outcome:
        """To its end."""
        given: object = None
        try:
            while True:
                step: Step = procedure.send(given)
                match step:
                    case Wait(condition, until):
                        given = await self._wait(condition, until)
                    case Do(deed):
                        given = self.endpoint.trace.mark
                        self.endpoint.trace.add(Acted(self.endpoint.trace.mark, self.pace.now, deed))
                        await hands.do(deed)
                    case Look(sign):
                        given = await hands.look(sign)
        except StopIteration as done:
            outcome: Outcome = done.value
            return outcome
        except Undone as undone:
            return Outcome(Verdict.INCONCLUSIVE, undone.reason)
        except Flooded:
            return flooded()

    async def renew(self, bench: Bench, hands: Hands) -> None:
        """The known state that a clause begins from."""
        self.endpoint.reset(self.pace.now)
        if bench.features.alarm.receipts:
            self.endpoint.tell(Stage.CLOSED, "alert-0", self.pace.now)
        with suppress(Undone):
            for deed in bench.undo.values():
                await hands.do(deed)
        await self.play(_drained(bench), hands)
        self.endpoint.cut(self.pace.now, "the next clause begins")
        self.pump()
        self.endpoint.renew()

    # --- from the sockets ---

    def opened(self, transport: asyncio.Transport) -> int | None:
        secured = transport.get_extra_info("ssl_object")
        known = None if secured is None else self._greeted.pop(id(secured), None)
        connection = self.endpoint.open(self.pace.now) if secured is None else known
        if connection is None or connection not in self.endpoint.lines:
            transport.abort()
            return None
        self._sockets[connection] = transport
        self.pump()
        return connection

    def came(self, connection: int, data: bytes) -> None:
        self.endpoint.receive(connection, data, self.pace.now)
        self.pump()

    def gone(self, connection: int) -> None:
        self._sockets.pop(connection, None)
        self.endpoint.lost(connection, self.pace.now)
        self.pump()

    def pump(self) -> None:
        """After anything that happened: send, close, set the timer, ask the condition."""
        now = self.pace.now
        for connection, transport in list(self._sockets.items()):
            data = self.endpoint.take(connection, now)
            if data:
                transport.write(data)
            if self.endpoint.ended(connection):
                del self._sockets[connection]
                self.endpoint.lost(connection, now)
                # What was written still goes; a peer that does not take it must not keep the socket.
                transport.close()
                asyncio.get_running_loop().call_later(1.0, transport.abort)
        self._set_timer()
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    # --- within ---

    async def _wait(self, condition: Callable[[], object] | None, until: datetime) -> object:
        loop = asyncio.get_running_loop()
        while True:
            self.pump()
            if condition is not None and (found := condition()):
                return found
            if self.pace.now >= until:
                return None
            if self.endpoint.trace.mark > FLOOD:
                raise Flooded
            self._wake = loop.create_future()
            timer = loop.call_later(self.pace.delay_s(until), _set, self._wake)
            try:
                await self._wake
            finally:
                timer.cancel()
                self._wake = None

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self.endpoint.next_deadline
        self._timer = None if due is None else asyncio.get_running_loop().call_later(self.pace.delay_s(due), self._ring, due)

    def _ring(self, due: datetime) -> None:
        self._timer = None
        now = self.pace.now
        if now >= due:
            self.endpoint.advance(now)
            self.pump()
        else:
            self._set_timer()

    def _hello(self, secured: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """A ClientHello: here the certificate is chosen, and here a device that refuses it has been seen."""
        assert self._authority is not None
        shown = self.endpoint.behaviour.certificate
        secured.context = self._authority.contexts[shown]
        connection = self.endpoint.open(self.pace.now, f"TLS, {shown} certificate" + (f", for {name}" if name else ""))
        if connection is not None:
            self._greeted[id(secured)] = connection
            asyncio.get_running_loop().call_later(HANDSHAKE_S, self._broken_off, id(secured), connection)

    def _broken_off(self, secured: int, connection: int) -> None:
        if self._greeted.get(secured) == connection:
            del self._greeted[secured]
            self.endpoint.lost(connection, self.pace.now)


class _Socket(asyncio.Protocol):
    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._connection: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._connection = self._stand.opened(transport)

    def data_received(self, data: bytes) -> None:
        if self._connection is not None:
            self._stand.came(self._connection, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        if self._connection is not None:
            self._stand.gone(self._connection)


async def examine_all(
    stand: Stand, hands: Hands, clauses: tuple[Clause, ...], procedures: dict[str, Procedural], features: Features, *,
    level: int, seed: str = "", only: frozenset[str] = frozenset(),
    begun: Callable[[Clause], None] = lambda _: None, told: Callable[[ClauseVerdict], None] = lambda _: None,
) -> Result:  # fmt: skip
    """Every clause that applies, on the device that comes; `begun` and `told` hear of each."""
    endpoint, pace = stand.endpoint, stand.pace
    patience = timedelta(seconds=PATIENCE_S * pace.speed)
    began_at, verdicts = pace.now, []
    bench = Bench(endpoint, features, lambda: pace.now, Bilingual("", ""), patience=patience)
    for clause, unfit in selected(clauses, features, level=level, virtual=False, only=only):
        if unfit is not None:
            verdict = not_applicable(clause, unfit, pace.now)
        else:
            begun(clause)
            await stand.renew(bench, hands)
            bench = Bench(endpoint, features, lambda: pace.now, clause.criterion, patience=patience)
            since = pace.now
            outcome = await stand.play(staged(clause, procedures[clause.procedure], bench), hands)
            verdict = judged(clause, bench, outcome, since)
        verdicts.append(verdict)
        told(verdict)
    who = endpoint.identity.device
    run = Run(began_at, pace.now, False, level, seed, who, next((one.secured for one in endpoint.trace.opened()), ""))
    return Result(SUITE, digest(), features, run, tuple(verdicts))


def _drained(bench: Bench) -> Procedure:
    yield from bench.settled(DRAINED_WITHIN)
    return bench.passed()


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
