"""What could be heard of one home: absence counts only while somebody listened.

A home is not heard while the service is down, while the line to the outside broker is cut, and while its own hub is away. For the hub
there is one alert, its own; the devices behind it do not fall silent one by one, their clocks stand still until it is back.
"""

from datetime import datetime, timedelta
from heapq import merge

from alerting.detection import Index
from alerting.home_state import DeviceState, HomeState
from alerting.rules import Silence
from alerting.unheard import Cause, Deafness, Span, listened, settled
from devices.catalog import Kind
from devices.home import DeviceId, Lifecycle


class Hearing:
    """One home's. `deafness` is the whole service's."""

    def __init__(self, home: HomeState, deafness: Deafness) -> None:
        self._home = home
        self._deafness = deafness

    def heard_span(self, since: datetime, patience: timedelta, device: DeviceState | None = None) -> datetime:
        """When so much listening since a moment is over, and what waited has been said; UNHEARD while that is not in sight.

        For a `device` that was heard although its hub was away, and for the hub itself, the hub's absence does not count.
        """
        home, deafness = self._home, self._deafness
        lost = deafness.line_lost_since
        returned = deafness.returned_at
        if device is None or not self._by_itself(device):
            service = deafness.behind(since)
            spans = list(merge(service, home.gaps)) if home.gaps else service
            if home.away is not None:
                lost = home.away.since if lost is None else min(lost, home.away.since)
            if home.gaps:
                returned = max(home.gaps[-1].until, returned or home.gaps[-1].until)
        else:
            spans = deafness.behind(since)
        return settled(listened(spans, lost, since, patience), returned, home.backlog)

    def gaps(self, since: datetime, until: datetime) -> tuple[Span, ...]:
        """What of this stretch of time could not be watched, by its beginning; one that goes on ends at `until`."""
        home, deafness = self._home, self._deafness
        found = [*deafness.spans, *home.gaps]
        if deafness.line_lost_since is not None:
            found.append(Span(deafness.line_lost_since, until, Cause.LINE))
        if home.away is not None:
            found.append(Span(home.away.since, until, Cause.HUB))
        cut = (Span(max(s.since, since), min(s.until, until), s.cause) for s in found)
        return tuple(sorted(s for s in cut if s.since < s.until))

    def _by_itself(self, device: DeviceState) -> bool:
        away, heard = self._home.away, device.last_heard_at
        if away is not None:
            return device.record.id == away.device or (heard is not None and heard > away.known_at)
        return False


def is_hub(device: DeviceState, index: Index) -> bool:
    return index.kind(device.record.model) is Kind.HUB


def last_hub(home: HomeState, device: DeviceId, index: Index) -> bool:
    """Whether no other hub of the home is heard."""
    return not any(
        other.record.id != device and is_hub(other, index) and other.record.lifecycle is not Lifecycle.RETIRED
        and other.last_heard_at is not None and not other.silent and other.offline_since is None
        for other in home.devices.values()
    )  # fmt: skip


def silent_at(device: DeviceState, index: Index, hearing: Hearing) -> tuple[datetime, Silence] | None:
    """When a device counts as silent unless it is heard, and by which rule; None for one that is not watched, or silent already.

    The moment is UNHEARD while the device cannot be heard. Watched are registered devices that were heard at least
    once: what never spoke is the commissioning's business.
    """
    heard, record = device.last_heard_at, device.record
    if device.silent or heard is None or record.lifecycle is not Lifecycle.REGISTERED:
        return None
    rule = index.silence(record.model)
    if rule is None:
        return None
    model = index.models.get(record.model)
    moments = []
    if model is not None and model.heartbeat is not None:
        moments.append(hearing.heard_span(heard, model.heartbeat * rule.factor + rule.grace, device))
    if device.offline_since is not None:
        moments.append(hearing.heard_span(device.offline_since, rule.offline_grace, device))
    return (min(moments), rule) if moments else None
