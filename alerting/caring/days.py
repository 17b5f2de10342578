"""The days of a plan, and the moments they mean. Calendar alone, no clock: local time goes in and comes out as ISO text.

`shift` is local time minus service time. A wall clock that is put back opens no day twice, since a plan only goes on to later days.
"""

import calendar
from datetime import UTC, date, datetime, timedelta

from alerting.caring.records import CarePlan, Every, Planned
from alerting.schedule import minutes_of

LOOKED_AHEAD = 62
"""Days in which every plan that comes again has a day."""


def local(at: datetime, shift: timedelta) -> datetime:
    """What clocks on walls show, without a zone."""
    return (at + shift).replace(tzinfo=None)


def moment(plan: CarePlan, day: date, shift: timedelta) -> datetime:
    """When an occasion of that day is due, in service time."""
    return (datetime.combine(day, datetime.min.time(), UTC) + timedelta(minutes=minutes_of(plan.at))) - shift


def next_day(planned: Planned, shift: timedelta) -> date | None:
    """The first day behind those that were gone through; None when none is to come."""
    plan, since = planned.plan, datetime.fromisoformat(planned.since)
    begin = since.date()
    if planned.upto:
        begin = max(begin, date.fromisoformat(planned.upto) + timedelta(days=1))
    if plan.every is Every.ONCE:
        day = date.fromisoformat(plan.day)
        return None if planned.upto or day < begin else day
    for ahead in range(LOOKED_AHEAD + 1):
        day = begin + timedelta(days=ahead)
        if falls_on(plan, day) and local(moment(plan, day, shift), shift) > since:
            return day
    return None


def falls_on(plan: CarePlan, day: date) -> bool:
    match plan.every:
        case Every.ONCE:
            return day.isoformat() == plan.day
        case Every.DAY:
            return True
        case Every.WEEK:
            return day.isoweekday() in plan.days
        case Every.MONTH:
            last = calendar.monthrange(day.year, day.month)[1]
            return any(day.day == min(wanted, last) for wanted in plan.days)
