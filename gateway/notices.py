"""What is sent of each request that is in the journal: made anew from what is known at the moment of every attempt."""

from collections.abc import Iterable

from alerting.caring.help_facts import MessageRequested
from alerting.engine import Engine
from gateway.answers import Codes
from gateway.notify.channel import Channel, Moot, Notice, notice_of
from gateway.notify.delivery import Request
from gateway.notify.message import notice_of_message


class Notices:
    """`of` is the delivery's. `public_url`: of the pages on which people answer."""

    def __init__(self, engine: Engine, codes: Codes, channels: Iterable[Channel], public_url: str) -> None:
        self._engine = engine
        self._codes = codes
        self._kinds = {channel.name: channel.kind for channel in channels}
        self._public_url = public_url

    def of(self, request: Request) -> Notice | Moot:
        """Moot where nobody needs it any more."""
        home = self._engine.homes.get(request.home)
        if isinstance(request, MessageRequested):
            if home is None:
                return Moot("the home is not known any more")
            help_ = home.care.helping.request(request.help) if request.help else None
            token = self._codes.for_help(help_) if help_ is not None else ""
            return notice_of_message(request, home, self._kinds.get(request.channel, ""), self._public_url, token)
        alert = self._engine.alerts.get(request.alert)
        if alert is None:
            return Moot("the alert was closed long ago")
        people = home.people.values() if home else ()
        code = self._codes.of(request.notification)
        record, staff = home.record if home else None, self._engine.registry.duties.staff
        return notice_of(request, alert, record, people, self._public_url, code=code, staff=staff)
