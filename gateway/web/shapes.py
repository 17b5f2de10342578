"""What the API answers, as the outer contract names it. `/openapi.json` is made from these."""

from datetime import datetime
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from alerting.facts import Category, Matter, Origin, Stage, Status
from devices.certificate import Standing
from devices.credential import Scope
from devices.home import Lifecycle
from devices.home import Role as PersonRole
from devices.observation import Property
from gateway.web.problems import Words
from gateway.web.users import Role

T = TypeVar("T")

Datum = str | int | float | bool | None | list[str]


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class Page(Shape, Generic[T]):
    """`next` is the cursor of what follows, null at the end."""

    items: list[T]
    next: str | None = None


class EvidenceShape(Shape):
    """One observation an alert rests on. `raw` is the message as it came, on the alert's own page only."""

    device: str
    report: str
    at: datetime
    received_at: datetime
    property: Property
    value: bool | int | float
    clock_suspect: bool
    raw: str | None = None
    raw_encoding: Literal["utf-8", "base64"] | None = None


class TimelineEntry(Shape):
    """One thing that happened to an alert. `text` is Chinese. `seq` is its number in the journal; null while it is not on disk."""

    seq: int | None
    at: datetime
    kind: str
    by: str | None
    text: str
    text_en: str
    data: dict[str, Datum] = {}


class ResponderShape(Shape):
    name: str
    stage: Stage
    at: datetime


class AlertShape(Shape):
    """`title` and `reason` are Chinese. Lists and the stream hold the newest entries of the timeline, `GET /alerts/{id}` all."""

    id: str
    home: str | None
    home_name: str
    residents: list[str]
    """Their names, so that the queue need not open a home's record."""
    area: str
    area_name: str
    device: str | None
    room: str
    category: Category
    priority: int
    status: Status
    origin: Origin
    title: str
    title_en: str
    reason: str
    reason_en: str
    rule: str
    rule_version: str
    policy: str
    raised_at: datetime
    last_at: datetime | None
    repeats: int
    cleared_at: datetime | None
    cancelled_at: datetime | None
    """The caller took the call back; somebody still has to make sure."""
    claimed_by: str | None
    claimed_at: datetime | None
    first_claimed_at: datetime | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    held_until: datetime | None
    held_reason: str
    transferred_to: str
    step: int
    round: int
    next_step_at: datetime | None
    responders: list[ResponderShape]
    closed_at: datetime | None
    closed_by: str | None
    disposition: str | None
    silenced_by: str | None
    folded_into: str | None
    stored: bool
    """False: shown at once though the disk refused it; nothing was acknowledged to the device."""
    evidence: list[EvidenceShape]
    timeline: list[TimelineEntry]
    timeline_count: int
    allowed_actions: list[str]


class Beat(Shape):
    """Every five seconds, and at once when something changes. `seq` is how far this process has read the journal."""

    now: datetime
    seq: int
    alarm_process: Literal["up", "down"]
    ready: bool
    problems: list[Words]


class AreaShape(Shape):
    id: str
    name: str
    parent: str | None


class PersonShape(Shape):
    id: str
    home: str
    role: PersonRole
    name: str
    phone: str
    order: int
    birth_year: int | None
    medical: str
    speech: str
    note: str


class CredentialShape(Shape):
    """`issued_at` is null where it was lost together with views.db."""

    username: str
    scope: Scope
    issued_at: datetime | None


class DeviceShape(Shape):
    """`online` is null until the device has said or shown anything. `signal`: the latest link quality or RSSI it reported."""

    id: str
    home: str
    area: str
    model: str
    vendor: str
    dialect: str
    room: str
    name: str
    exposes: list[Property]
    lifecycle: Lifecycle
    registered_at: datetime | None
    online: bool | None
    last_heard_at: datetime | None
    battery: float | None
    signal: float | None
    firmware: str
    certified: Standing
    """Whether its model is certified with the firmware that it reports; while it has reported none, whether its model is."""
    credentials: list[CredentialShape]


class HomeShape(Shape):
    id: str
    area: str
    area_name: str
    name: str
    address: str
    phone: str
    access: str
    note: str


class HomeCard(HomeShape):
    """A home with its people (contacts in the order they are rung) and devices. Whoever reads it is recorded."""

    residents: list[PersonShape]
    contacts: list[PersonShape]
    devices: list[DeviceShape]
    open_alerts: list[str]


class IssuedCredential(Shape):
    """Shown once: the platform keeps a digest only."""

    username: str
    password: str
    scope: Scope


class ModelShape(Shape):
    id: str
    vendor: str
    name: str
    name_en: str
    kind: str
    dialect: str
    exposes: list[Property]
    heartbeat_s: float | None


class SilenceShape(Shape):
    id: str
    home: str
    device: str | None
    categories: list[Category]
    until: datetime
    reason: str
    by: str
    at: datetime


class QuarantineShape(Shape):
    """What could not be read. `raw` is its first KiB, `size` all of it in bytes."""

    seq: int
    at: datetime
    topic: str
    place: str
    reason: str
    username: str
    size: int
    raw: str
    raw_encoding: Literal["utf-8", "base64"]


class QuarantinePage(Page[QuarantineShape]):
    """`total` counts all since the counting began, `by_place` where in the messages the faults were."""

    total: int
    by_place: dict[str, int]


class DispositionShape(Shape):
    code: str
    title: Words
    false_alarm: bool


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


class UserShape(Shape):
    username: str
    role: Role
    created_at: datetime
    disabled: bool


class NameShape(Shape):
    username: str
    role: Role


class Me(Shape):
    """`timezone` is the service's, by its IANA name: what pages show times in, wherever the browser stands."""

    username: str
    role: Role
    rights: list[str]
    expires_at: datetime | None
    timezone: str


class Token(Shape):
    token: str
    username: str
    role: Role
    expires_at: datetime | None


class LookShape(Shape):
    at: datetime
    user: str
    home: str
    through: str


class AnswerFigures(Shape):
    """Shares are of `count`. Seconds from raised to first claimed or acknowledged; null where nothing was answered."""

    count: int
    answered: int
    waiting: int
    never_answered: int
    within_60_s: float | None
    within_180_s: float | None
    p50_s: float | None
    p95_s: float | None
    max_s: float | None


class AnsweringReport(Shape):
    """`reflects` is the last number of the journal that the figures hold."""

    month: str
    start: datetime
    end: datetime
    reflects: int
    target_60_s: float
    target_180_s: float
    all: AnswerFigures
    by_priority: dict[str, AnswerFigures]
    by_category: dict[str, AnswerFigures]


class FindingShape(Shape):
    """What somebody should see to before it matters. `sentence` is Chinese."""

    area: str
    home: str
    home_name: str
    matter: Matter
    sentence: str
    sentence_en: str
    device: str | None


class HomesReport(Page[FindingShape]):
    """`day` is the local day of the check, YYYY-MM-DD; null before the first."""

    day: str | None


class LoginPage(Shape):
    """`timezone` as in `Me`; the account is a demonstration's, null in a production service."""

    timezone: str
    demo_username: str | None
    demo_password: str | None


class Healthy(Shape):
    status: Literal["alive"]


class Readiness(Shape):
    ready: bool
    alarm_process: Literal["up", "down"]
    seq: int
    problems: list[Words]
