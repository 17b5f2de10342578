"""A button behind a hub that never takes its call back: whether the hub says it from its cache, or because it was pressed again."""

from datetime import datetime, timedelta

from alerting.home_state import DeviceState, Last
from devices.observation import Property, Report

ONE_PRESS = timedelta(seconds=10)
"""One press is often several messages."""

_LINK = Property.LINK_QUALITY


def pressed_again(device: DeviceState, report: Report, last: Last | None, order: datetime) -> bool:
    """Whether this call comes of another press than `last`: radioed later by the hub's `last_seen`, or with another link quality.

    Only where nothing else can have made the hub speak. A hub that starts anew says the same once more, and has the same of both.
    """
    link = next((each.value for each in report.observations if each.property is _LINK), None)
    if link is None:
        return False
    before, device.called_with = device.called_with, link
    if last is None or not report.radioed or order - last.at < ONE_PRESS:
        return False
    return report.observed_at != report.received_at or (before is not None and link != before)
