"""Clocks that lie: a device that is hours slow is told apart from a hub that hands over what it had kept.

What was kept comes at once and was made over hours, so it gets less and less late. A clock that is slow makes every report late by the
same. After three more reports, each some time behind the one before and late by as much, the receipt counts as the moment.
"""

from datetime import datetime, timedelta

from alerting.home_rules import LATENESS
from alerting.home_state import DeviceState, Skew
from devices.observation import Report

STEADY = timedelta(seconds=30)
"""Two reports are late by the same when they differ by less."""
APART = timedelta(seconds=10)
"""Reports that come closer together say nothing of a clock."""
ENOUGH = 3


def made_at(device: DeviceState, report: Report) -> datetime:
    """When a report was made, never behind its receipt; the receipt where the device's clock is known to be slow."""
    at, received_at = report.observed_at, report.received_at
    if at > received_at:  # noqa: PLR1730 - `min` costs three times as much, and this is asked with every report
        at = received_at
    skew, lag = device.skew, received_at - at
    if skew is None:
        if lag > LATENESS:
            device.skew = Skew(lag, received_at)
        return at
    if abs(lag - skew.lag) > STEADY:
        device.skew = Skew(lag, received_at) if lag > LATENESS else None
        return at
    if received_at - skew.received_at >= APART:
        skew.times += 1
        skew.lag, skew.received_at = lag, received_at
    return received_at if skew.times >= ENOUGH else at
