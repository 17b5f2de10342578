"""What the service could not hear: absence counts only while somebody listened."""

from datetime import datetime, timedelta

import msgspec

from alerting.detection import Index
from alerting.home_state import DeviceState
from alerting.rules import Silence
from devices.home import Lifecycle

SPANS_KEPT = 1024


class Deafness(msgspec.Struct, array_like=True):
    """The spans in which the service was down, oldest first."""

    spans: list[tuple[datetime, datetime]] = []

    def add(self, since: datetime, until: datetime) -> None:
        if since < until:
            self.spans.append((since, until))
            del self.spans[:-SPANS_KEPT]

    def after(self, since: datetime, patience: timedelta) -> datetime:
        """When `patience` of listening since a moment is over."""
        end = since + patience
        missed = [(begun, ended) for begun, ended in self.spans if ended > since]
        for begun, ended in missed:
            if begun >= end:
                break
            end += ended - max(begun, since)
        return end


def silent_at(device: DeviceState, index: Index, deafness: Deafness) -> tuple[datetime, Silence] | None:
    """When a device counts as silent unless it is heard, and by which rule; None for one that is not watched, or silent already.

    Watched are registered devices that were heard at least once: what never spoke is the commissioning's business.
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
        moments.append(deafness.after(heard, model.heartbeat * rule.factor + rule.grace))
    if device.offline_since is not None:
        moments.append(deafness.after(device.offline_since, rule.offline_grace))
    return (min(moments), rule) if moments else None
