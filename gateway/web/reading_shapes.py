"""Readings over time, and the stores outside that they are sent to, as the API answers them."""

from datetime import datetime

from devices.observation import Property
from gateway.web.problems import Words
from gateway.web.shapes import Page, Shape


class Sample(Shape):
    at: datetime
    value: bool | int | float


class SamplePage(Page[Sample]):
    """`source`: `history`, or the store that the values come from; `instead`: why not from the store that the settings name."""

    source: str
    instead: Words | None


class StoreShape(Shape):
    """A store that follows the journal. `position`: up to where it has everything; `waits`: why it does not go on."""

    name: str
    position: int
    behind_entries: int
    behind_s: float
    written: int
    refused: int
    waits: Words | None


class RefusedShape(Shape):
    """One observation as it was offered, in line protocol."""

    at: datetime
    line: str
    reason: str


class Latest(Shape):
    """`unit` is null where the property is boolean."""

    property: Property
    unit: str | None
    at: datetime
    value: bool | int | float
