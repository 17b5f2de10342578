"""The six helps (助餐 助行 助急 助浴 助洁 助医), who gives them, and one request for one: records and closed lists, as in `records`."""

from datetime import datetime
from enum import StrEnum
from typing import NewType

import msgspec

from alerting.terms import Actor, AlertId, Sentence
from devices.home import AreaId, HomeId

ResponderId = NewType("ResponderId", str)
HelpId = NewType("HelpId", str)


class Help(StrEnum):
    MEAL = "meal"
    WALKING = "walking"
    URGENT = "urgent"
    BATH = "bath"
    CLEANING = "cleaning"
    MEDICAL = "medical"


HELPS = {
    Help.MEAL: Sentence("助餐", "help with meals"),
    Help.WALKING: Sentence("助行", "help with walking"),
    Help.URGENT: Sentence("助急", "urgent help"),
    Help.BATH: Sentence("助浴", "help with bathing"),
    Help.CLEANING: Sentence("助洁", "help with cleaning"),
    Help.MEDICAL: Sentence("助医", "medical help"),
}


class ResponderKind(StrEnum):
    """Who goes when somebody is needed."""

    SERVICE = "service"
    """A registered service of the area, for some of the six helps."""
    NEIGHBOUR = "neighbour"
    GRID_WORKER = "grid_worker"
    STATION = "station"
    AMBULANCE = "ambulance"


class Responder(msgspec.Struct, frozen=True, array_like=True):
    """Of an area and all that lies in it. `hours`: local, `08:00-20:00`; none: at any hour. `channel`: of the notification settings."""

    id: ResponderId
    area: AreaId
    kind: ResponderKind
    name: str
    phone: str = ""
    helps: tuple[Help, ...] = ()
    hours: tuple[str, ...] = ()
    latitude: float | None = None
    longitude: float | None = None
    channel: str = ""
    """Through which requests are sent; empty: somebody rings."""
    note: str = ""


class Event(StrEnum):
    """What a message is about, as programs are told."""

    HELP_REQUESTED = "help.requested"
    HELP_CANCELLED = "help.cancelled"
    PROMPT = "safety.prompt"


class HelpStage(StrEnum):
    """How far a request has come."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    ON_THE_WAY = "on_the_way"
    DONE = "done"
    DECLINED = "declined"
    CANCELLED = "cancelled"


STEPS: dict[HelpStage, frozenset[HelpStage]] = {
    HelpStage.ASKED: frozenset({HelpStage.ACCEPTED, HelpStage.ON_THE_WAY, HelpStage.DONE, HelpStage.DECLINED, HelpStage.CANCELLED}),
    HelpStage.ACCEPTED: frozenset({HelpStage.ON_THE_WAY, HelpStage.DONE, HelpStage.DECLINED, HelpStage.CANCELLED}),
    HelpStage.ON_THE_WAY: frozenset({HelpStage.DONE, HelpStage.DECLINED, HelpStage.CANCELLED}),
    HelpStage.DONE: frozenset(),
    HelpStage.DECLINED: frozenset(),
    HelpStage.CANCELLED: frozenset(),
}
"""What may follow what; an end is an end."""

STAGES = {
    HelpStage.ASKED: Sentence("已提出", "asked"),
    HelpStage.ACCEPTED: Sentence("已接单", "accepted"),
    HelpStage.ON_THE_WAY: Sentence("已出发", "on the way"),
    HelpStage.DONE: Sentence("已完成", "done"),
    HelpStage.DECLINED: Sentence("已拒绝", "declined"),
    HelpStage.CANCELLED: Sentence("已取消", "cancelled"),
}


class Reached(msgspec.Struct, frozen=True, array_like=True):
    """A stage of a request, when, and by whose word."""

    stage: HelpStage
    at: datetime
    by: Actor
    word: str = ""


class HelpRequest(msgspec.Struct, frozen=True, array_like=True):
    """`word`: what is needed. `stars` (1 to 5) and `opinion`: the resident's word on it; 0 where none was asked for yet."""

    id: HelpId
    home: HomeId
    help: Help
    responder: ResponderId
    due_at: datetime
    word: str = ""
    alert: AlertId | None = None
    """The call that it was made of."""
    steps: tuple[Reached, ...] = ()
    """From asked on, oldest first."""
    reminded: bool = False
    """Nobody had answered it in good time."""
    overdue: bool = False
    stars: int = 0
    opinion: str = ""

    @property
    def stage(self) -> HelpStage:
        return self.steps[-1].stage

    @property
    def open(self) -> bool:
        return bool(STEPS[self.stage])
