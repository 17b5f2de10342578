"""The endpoint that kits connect to: accepts, admits, keeps track of who is there, and hands them what was committed.

A PUBACK here means *on disk at the platform*. The loop calls a message's `done` after its commit; then, and not before, the answer
goes into the connection's row. `committed` is called with everything a commit held, before its `done`s: from there come commands,
relayed reports, and the end of those whose credentials were revoked.
"""

import asyncio
import contextlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from alerting.facts import CommandIssued
from alerting.items import Said
from alerting.registry_facts import CredentialIssued, CredentialRevoked
from config.accepting import accept_no_more
from devices.credential import Credential
from devices.mqtt.entries import SessionEntry, Subscribed
from devices.mqtt.filters import Interests
from devices.mqtt.packets import FIVE, Connect, ProtocolViolation, Reason, Refusal
from devices.mqtt.rights import Rights
from devices.mqtt.session import Message, Session, SessionKey, session_key
from devices.mqtt.sessions import LIVE, Sessions
from gateway.inbox import Intake
from gateway.mqtt.absent import Absent
from gateway.mqtt.arrivals import Refuse
from gateway.mqtt.company import Company, bridged, upward
from gateway.mqtt.der import Issued
from gateway.mqtt.door import SESSIONS, Door, Refused, Way
from gateway.mqtt.keys import Keys
from gateway.mqtt.lobby import Lobby
from gateway.mqtt.peer import Peer
from gateway.mqtt.tenure import Tenure
from gateway.mqtt.tls import Handshakes
from gateway.mqtt.ways import Entrance, Offer, Relayed
from gateway.mqtt.wheel import Wheel
from gateway.mqtt.wills import Wills
from gateway.store.entry import Entry

BACKLOG = 4096
"""Connections that the kernel holds while we accept others: a county's power returns all at once."""
SWEEP_S = 1.0
QUIET = timedelta(seconds=30)
"""A connection not heard for so long makes room for a new one of the same credential, where there are too many."""
RECALLED = 500
"""Connections ended in one sweep, so that their clients say again what a full disk had left with them."""
FAREWELL_S = 2.0
"""How long a client that we leave may take to read what it was told."""

_log = logging.getLogger(__name__)


def remember(sessions: Sessions, entry: Entry, seq: int = LIVE) -> list[SessionKey]:
    """Fold one entry of the journal, now or in recovery. The sessions for which a command was queued."""
    if isinstance(entry, SessionEntry):
        sessions.fold(entry, seq)
    elif isinstance(entry, CommandIssued):
        return sessions.command(entry.id, entry.topic, entry.payload, entry.at, entry.expires_at, seq=seq)
    elif isinstance(entry, CredentialRevoked):
        sessions.revoke(entry.username, seq)
    return []


class Admitted(msgspec.Struct, frozen=True):
    """`present`: the session was there before. `assigned`: the client id that the client had none of."""

    session: Session
    rights: Rights
    present: bool
    assigned: str | None = None


class Listener:
    def __init__(
        self,
        intake: Intake,
        credentials: Callable[[str], Credential | None],
        sessions: Sessions,
        clock: Callable[[], datetime],
        refused: Refuse,
        *,
        keys: Keys | None = None,
    ) -> None:
        self.intake = intake
        self.sessions = sessions
        self.refused = refused
        self.now = clock()
        """Service time to the second: what a packet's arrival is stamped with, for keep-alives."""
        self.wheel: Wheel[Callable[[datetime], None]] = Wheel()
        """What is to be looked at when."""
        self._clock = clock
        self.company = Company()
        self.wills = Wills(intake, sessions, self.company, credentials)
        self.lobby = Lobby()
        self.tls = None if keys is None else Handshakes(keys, self.lobby, lambda: self.now)
        self._door = Door(credentials, self._revoked)
        self._servers: list[asyncio.Server] = []
        self._relayed: Path | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._sockets: set[Peer] = set()
        self._live: dict[SessionKey, Peer] = {}
        self._absent = Absent(sessions, credentials, intake.record)
        self._tenure = Tenure(sessions, self.wills, self._live, intake.record, clock)
        self._ways: Counter[Way] = Counter()
        self._users: dict[str, set[Peer]] = {}
        self._routes: Interests[Peer] = Interests()
        self._relays: Interests[Peer] = Interests()
        self._dirty: dict[Peer, None] = {}
        self._anonymous = 0
        self._empty = asyncio.Event()
        self.owing: dict[Peer, None] = {}
        """They have messages that a full disk left with them; they are sent away to come again with those when there is room."""
        self._was_full = False

    @property
    def connections(self) -> int:
        """Clients that are connected and admitted."""
        return len(self._live)

    @property
    def connections_by_way(self) -> dict[str, int]:
        return {way.value: self._ways[way] for way in Way}

    async def start(self, host: str, port: int, *, plain: bool = True, tls: bool = False) -> int:
        """Listen on one more address; the port, which is chosen when 0 was asked for. Raises OSError when it cannot be had."""
        loop = asyncio.get_running_loop()
        offer = Offer(plain, self.tls if tls else None)
        server = await loop.create_server(lambda: Entrance(self, offer), host, port, backlog=BACKLOG, reuse_address=True)
        self._begin(server)
        return int(server.sockets[0].getsockname()[1])

    async def start_relayed(self, path: Path) -> None:
        """Take what the web process relays, on a socket that only this user may connect to."""
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - once, at the start
        before = os.umask(0o177)
        try:
            server = await asyncio.get_running_loop().create_unix_server(lambda: Relayed(self), str(path), backlog=BACKLOG)
        finally:
            os.umask(before)
        self._relayed = path
        self._begin(server)

    @property
    def tls_failures(self) -> dict[str, int]:
        return {} if self.tls is None else {failure.value: count for failure, count in self.tls.failures.items()}

    def shut_out_revoked(self) -> None:
        """The revocation list is another one: who is connected by a certificate that it names has to go."""
        for peer in list(self._live.values()):
            if peer.caller.certificate is not None and self._revoked(peer.caller.certificate):
                self.told(peer, "its certificate is revoked")
                peer.end(Reason.ADMINISTRATIVE_ACTION, "its certificate is revoked", will=True)

    async def close(self) -> None:
        """Say good-bye: what is acknowledged is sent, no will is published, since it is not the clients who leave."""
        for server in self._servers:
            await accept_no_more(server)
            server.close()
        if self._relayed is not None:
            self._relayed.unlink(missing_ok=True)
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._flush()
        for peer in list(self._sockets):
            peer.end(Reason.SERVER_SHUTTING_DOWN, will=False)
            peer.close()
        if self._sockets:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self._empty.wait()
        for peer in list(self._sockets):
            peer.abort()
        for caller in self.lobby:
            caller.hang_up()

    def committed(self, entries: Sequence[Entry]) -> None:
        """A commit returned: remember it, and hand out what it holds for those who are connected."""
        relaying = bool(self._relays) or bool(self._absent)
        for entry in entries:
            if type(entry) is not Said:
                self._learn(entry)
                relaying = bool(self._relays) or bool(self._absent)
            elif relaying:
                self._relay(entry)

    # --- for peers ---

    def opened(self, peer: Peer) -> None:
        self._sockets.add(peer)

    def lost(self, peer: Peer) -> None:
        self.lobby.leave(peer.caller)
        self._sockets.discard(peer)
        self.owing.pop(peer, None)
        self._dirty.pop(peer, None)
        if not self._sockets:
            self._empty.set()

    def admit(self, peer: Peer, connect: Connect) -> Admitted | Refused:
        """Its session and its rights. Whoever had the session is sent away first."""
        credential = self._door.ask(connect, peer.caller, self.now)
        if isinstance(credential, Refused):
            if credential.why and self.tls is not None and self.tls.barred(peer.caller, credential.why):
                self.refused("", peer.caller.name, f"CONNECT: {credential.why}", b"", 0)
            return credential
        username, five = credential.username, peer.connection.terms.level == FIVE
        client_id = connect.client_id or self._client_id(five=five)
        key = session_key(username, client_id)
        if key in self._live:
            self._live[key].end(Reason.SESSION_TAKEN_OVER, will=True)  # [MQTT-3.1.4-2]
        if len(self._users.get(username, ())) >= SESSIONS[credential.scope] and not self._quietest_ends(username):
            return Refused(Refusal.UNAVAILABLE)
        most, expiry_s = SESSIONS[credential.scope], peer.connection.terms.expiry_s
        taken = self._tenure.take_up(key, username, expiry_s, most, clean=connect.clean_session)
        if taken is None:
            return Refused(Refusal.UNAVAILABLE)
        session, present = taken
        self._absent.leave(key)
        self.lobby.leave(peer.caller)
        self._live[key] = peer
        self._ways[peer.caller.way] += 1
        self._users.setdefault(username, set()).add(peer)
        return Admitted(session, Rights(credential), present, client_id if five and not connect.client_id else None)

    def left(self, peer: Peer) -> None:
        session = peer.session
        assert session is not None
        if self._live.get(session.key) is peer:
            del self._live[session.key]
            self._ways[peer.caller.way] -= 1
            self._tenure.leave(session, peer.expiry_s, self.now)
        users = self._users.get(peer.username, set())
        users.discard(peer)
        if not users:
            self._users.pop(peer.username, None)
        for text in list(peer.routed):
            self.unroute(peer, text)
        if peer.departures is not None:
            peer.departures.leave()
        if session.key not in self._live:
            self._away(session)

    def settled(self, peer: Peer) -> None:
        """A message of a connection that is gone is on disk: the one that has its session now may be waiting for that."""
        heir = self.heir(peer)
        if heir is not None:
            heir.connection.acknowledge()
            heir.wake()

    def heir(self, peer: Peer) -> Peer | None:
        """Who has the session of a connection that is gone."""
        return self._live.get(peer.session.key) if peer.session is not None and peer.ended else None

    def route(self, peer: Peer, topic_filter: str) -> None:
        peer.routed.add(topic_filter)
        self._routes.add(topic_filter, peer)
        if upward(topic_filter):
            self._relays.add(topic_filter, peer)
            self.company.heeded = True

    def unroute(self, peer: Peer, topic_filter: str) -> None:
        peer.routed.discard(topic_filter)
        self._routes.discard(topic_filter, peer)
        self._relays.discard(topic_filter, peer)
        self.company.heeded = bool(self._relays) or bool(self._absent)

    def wake(self, peer: Peer) -> None:
        """It has something to say; what several commits and packets of this turn of the loop give goes out in one write."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty[peer] = None

    def violated(self, peer: Peer, violation: ProtocolViolation) -> None:
        _log.info("%s broke the protocol: %s", _name(peer), violation)
        if peer.username:
            self.refused("", peer.username, f"protocol: {violation}", b"", 0)

    def told(self, peer: Peer, why: str) -> None:
        _log.warning("%s cut off: %s", _name(peer), why)

    # --- within ---

    def _begin(self, server: asyncio.Server) -> None:
        if not self._servers:
            self._tenure.begin()
            for session in self.sessions.all():
                self._away(session)
            self._sweep()
        self._servers.append(server)

    def _away(self, session: Session | None) -> None:
        if session is not None:
            self._absent.enter(session)
            self.company.heeded = bool(self._relays) or bool(self._absent)

    def _revoked(self, certificate: Issued) -> bool:
        return self.tls is not None and self.tls.keys.revoked(certificate)

    def _quietest_ends(self, username: str) -> bool:
        """A kit that lost its line and comes back under another client id is not shut out by what it left behind."""
        quietest = min(self._users[username], key=lambda peer: peer.connection.heard_at)
        if self.now - quietest.connection.heard_at < QUIET:
            return False
        quietest.end(Reason.QUOTA_EXCEEDED, "another connection of the same credentials needs its place", will=False)
        return True

    def _client_id(self, *, five: bool) -> str:
        """Of a client that has none: in 5.0 it is told, and may come back under it, also after a restart."""
        self._anonymous += 1
        return f"anju-{int(self._clock().timestamp()):x}-{self._anonymous:x}" if five else f"\0{self._anonymous}"

    def _learn(self, entry: Entry) -> None:
        queued_for = remember(self.sessions, entry)
        match entry:
            case CommandIssued():
                self._hand_out(entry, queued_for)
            case Subscribed(client, filters) if client in self._live:
                for text, _ in filters:
                    self.route(self._live[SessionKey(client)], text)
            case Subscribed(client):
                self._away(self.sessions.get(SessionKey(client)))
            case CredentialRevoked(_, _, username):
                self._shut_out(username, will=False)
            case CredentialIssued(_, _, credential):  # in place of an older one: it connects anew, with the new rights
                self._shut_out(credential.username, will=True)
            case _:
                pass

    def _hand_out(self, issued: CommandIssued, queued_for: list[SessionKey]) -> None:
        for key in queued_for:
            if key in self._live:
                self._live[key].pump()
        message = Message(issued.id, issued.topic, issued.payload, expires_at=issued.expires_at)
        for peer in self._routes.find(issued.topic):
            peer.offer(message)

    def _relay(self, said: Said) -> None:
        if not bridged(said.topic):  # what a hub says on its bridge is for us; back on the same bridge it would run in a circle
            beside = self.company.of(said.topic, said.raw)
            for peer in self._relays.find(said.topic):
                peer.relay(said.topic, said.raw, beside)
            if self._absent:
                self._absent.relay(said.topic, said.raw, beside)

    def _shut_out(self, username: str, *, will: bool) -> None:
        for peer in list(self._users.get(username, ())):
            peer.end(Reason.ADMINISTRATIVE_ACTION, "its credentials were taken back or issued anew", will=will)

    def _sweep(self) -> None:
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)
        self.now = max(self.now, self._clock())
        self.lobby.look(self.now)
        for look in self.wheel.due(self.now):
            try:
                look(self.now)
            except Exception:  # noqa: BLE001 - one connection's fault must not end the watch over all others
                _log.exception("a connection could not be looked after")
        self._tenure.look(self.now)
        full, was_full = self.intake.full, self._was_full
        self._was_full = full
        if full and not was_full:
            for peer in self._sockets:
                peer.listen_again()
        if not full:
            for peer in list(self.owing)[:RECALLED]:
                del self.owing[peer]
                peer.end(Reason.SERVER_BUSY, "the disk was full: what was not acknowledged is taken now", will=False)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, {}
        for peer in dirty:
            peer.flush()


def _name(peer: Peer) -> str:
    client = "" if peer.session is None else peer.session.key
    return f"{client or 'a client'} from {peer.caller.address}"
