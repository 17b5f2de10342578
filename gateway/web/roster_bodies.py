"""Bodies of rosters: who is on, the shifts that somebody else takes, and handing on what is open."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from alerting.roster import Turn
from alerting.schedule import Weekday
from gateway.web.bodies import Body, Clock, Hours, Id, Name, Phone, Said, Short, Text
from gateway.web.instants import Instant


class StaffBody(Body):
    """`user`: the name they log in by, where they work at the desk. `channels`: what reaches them, in place of a target's."""

    name: Name
    phone: Phone = ""
    user: Short = ""
    role: Short = ""
    channels: Annotated[list[Id], Field(max_length=10)] = []


class LayerBody(Body):
    name: Name
    members: Annotated[list[Id], Field(min_length=1, max_length=60)]
    turn: Turn
    starts: date
    every: Annotated[int, Field(ge=1, le=28)] = 1
    hours: Annotated[list[Hours], Field(max_length=6)] = []
    weekdays: list[Weekday] = []
    at: Clock = "00:00"


class RosterBody(Body):
    zh: Name
    en: Name
    layers: Annotated[list[LayerBody], Field(min_length=1, max_length=10)]
    area: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,64}$")] = ""
    desk: bool = False
    hours: Annotated[list[Hours], Field(max_length=6)] = []
    weekdays: list[Weekday] = []


class OverrideBody(Body):
    """`staff` null: nobody has the place."""

    layer: Name
    since: Instant
    until: Instant
    staff: Id | None
    reason: Said


class SwapBody(Body):
    """A moment within each of the two shifts."""

    layer: Name
    first: Instant
    second: Instant
    reason: Said


class HandOverBody(Body):
    note: Text


class TakeOverBody(Body):
    """`items` by `kind:id`; none: everything that is still an earlier shift's."""

    items: Annotated[list[Annotated[str, StringConstraints(max_length=100)]], Field(max_length=500)] = []
