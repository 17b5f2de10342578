"""A home as the API answers it: its record, its card, how it is lived in, its own numbers."""

from datetime import datetime

from alerting.terms import Category, Mode
from alerting.unheard import Cause
from gateway.web.shapes import DeviceShape, PersonShape, Shape


class HomeShape(Shape):
    id: str
    area: str
    area_name: str
    name: str
    address: str
    phone: str
    access: str
    note: str
    latitude: float | None
    longitude: float | None
    ground: list[tuple[float, float]]
    """Corners of where the resident may walk about, as latitude and longitude."""
    building: str
    carrier: str


class UnwatchedShape(Shape):
    """The home could not be heard from `since` until `until`; null: it still cannot. `text` is Chinese."""

    since: datetime
    until: datetime | None
    cause: Cause
    text: str
    text_en: str


class ModeShape(Shape):
    """How a home is lived in. `ending`: it ends soon, and somebody may want to ask whether the resident is back by then."""

    home: str
    home_name: str
    mode: Mode
    since: datetime | None
    until: datetime | None
    by: str | None
    reason: str
    ending: bool


class NumberShape(Shape):
    """`usual` holds where `own` is null. Spans are in minutes; times of day are lists such as `["08:00"]`, their bounds two of them."""

    name: str
    least: float | str
    most: float | str
    usual: float | list[str] | None
    own: float | list[str] | None


class OwnRuleShape(Shape):
    """A rule of which homes may set numbers for themselves. `by`, `at`, `reason`: of this home's latest change, if it has any."""

    rule: str
    category: Category
    title: str
    title_en: str
    numbers: list[NumberShape]
    by: str | None
    at: datetime | None
    reason: str


class HomeCard(HomeShape):
    """A home with its people (contacts in the order they are rung) and devices. Whoever reads it is recorded."""

    residents: list[PersonShape]
    contacts: list[PersonShape]
    devices: list[DeviceShape]
    open_alerts: list[str]
    mode: ModeShape
    unwatched: list[UnwatchedShape]
    """Within the last 31 days, a minute at least, the latest first: absence was judged by nothing of what happened there."""
