"""What one client asks to hear and to hear no more: judged by its rights, on disk before it is answered where its session lasts."""

from collections.abc import Callable
from functools import partial

from devices.mqtt.entries import SessionEntry, Subscribed, Unsubscribed
from devices.mqtt.packets import REFUSED, Option, Reason, Subscribe, Unsubscribe
from devices.mqtt.rights import Rights
from devices.mqtt.server import Connection
from devices.mqtt.session import Session
from gateway.mqtt.departures import Departures

SUBSCRIPTIONS = 1000
"""Of one session."""


class Subscriptions:
    """`change(entry, then)` journals where the session lasts; `route` and `unroute` tell under which filters what is committed reaches
    the client; `changed` is called behind each answer.
    """

    def __init__(
        self, connection: Connection, session: Session, rights: Rights, departures: Departures, *,
        change: Callable[[SessionEntry, Callable[[], None]], None], route: Callable[[str], None], unroute: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:  # fmt: skip
        self._connection = connection
        self._session = session
        self._rights = rights
        self._departures = departures
        self._change = change
        self._route = route
        self._unroute = unroute
        self._changed = changed
        self._asked_for = set(session.subscriptions)

    def ask(self, packet: Subscribe) -> None:
        session = self._session
        codes: list[int] = []
        granted: dict[str, int] = {}
        new: set[str] = set()
        for text, options in packet.filters:
            known = text in self._asked_for
            room = known or len(self._asked_for) < SUBSCRIPTIONS
            code = self._rights.grant(text, options, lasting=session.durable) if room else Reason.QUOTA_EXCEEDED
            codes.append(code)
            if code < REFUSED:
                if not known:
                    new.add(text)
                self._asked_for.add(text)
                granted[text] = options & ~Option.QOS | code
        identifier = packet.properties.subscription_ids[0] if packet.properties.subscription_ids else 0
        subscribed = Subscribed(session.key, tuple(granted.items()), identifier)
        then = partial(self._subscribed, packet.packet_id, tuple(codes), subscribed, new)
        if granted:
            self._change(subscribed, then)
        else:
            then()

    def end(self, packet: Unsubscribe) -> None:
        codes: list[int] = []
        known: list[str] = []
        for text in packet.filters:
            codes.append(Reason.SUCCESS if text in self._asked_for else Reason.NO_SUBSCRIPTION_EXISTED)
            if text in self._asked_for:
                self._asked_for.discard(text)
                known.append(text)
        then = partial(self._unsubscribed, packet.packet_id, tuple(codes), tuple(known))
        if known:
            self._change(Unsubscribed(self._session.key, tuple(known)), then)
        else:
            then()

    def _subscribed(self, number: int, codes: tuple[int, ...], subscribed: Subscribed, new: set[str]) -> None:
        self._connection.grant(number, codes)
        for text, options in subscribed.filters:
            if not self._session.durable:
                self._session.subscribe(text, options, subscribed.identifier)
            self._route(text)
            self._departures.granted(text, options, subscribed.identifier, new=text in new)
        self._changed()

    def _unsubscribed(self, number: int, codes: tuple[int, ...], names: tuple[str, ...]) -> None:
        for text in names:
            if not self._session.durable:
                self._session.unsubscribe(text)
            self._unroute(text)
        self._connection.ungrant(number, codes)
        self._changed()
