"""What the API answers, as the outer contract names it. `/openapi.json` is made from these."""

from datetime import datetime
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from alerting.area_rules import Dark
from alerting.terms import Category, Origin, Stage, Status, Welfare
from devices.certificate import Standing
from devices.credential import Scope
from devices.home import Lifecycle
from devices.home import Role as PersonRole
from devices.observation import Property
from gateway.web.problems import Words
from gateway.web.users import Role
from gateway.web.welfare import Reason

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


class ExplanationShape(Shape):
    """Why there is an alert, apart from what was seen: the rule in words, and what would clear it. `source`: where its numbers are from."""

    rule: Words
    clears: Words
    source: str


class WelfareCounts(Shape):
    """`dark`: of `homes`, those that are still; `unchecked`: of these, those that nobody has looked to or reached."""

    homes: int
    dark: int
    unchecked: int


class WelfareShape(Shape):
    """A home on the list of an area's alert. `risk`: why it stands where it does; `last_sign_at`: when a device of it was last heard."""

    home: str
    home_name: str
    area_name: str
    residents: list[str]
    phone: str
    age: int | None
    risk: list[Reason]
    dark: Dark
    dark_since: datetime
    back_at: datetime | None
    last_sign_at: datetime | None
    result: Welfare | None
    checked_at: datetime | None
    checked_by: str | None
    note: str
    open_alerts: list[str]


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
    shown_priority: int
    """How high it is shown: one lower than `priority` once the caller took it back. It rings as what it is."""
    owner: str | None
    """Whose it is by name: of the shift that was on, or of whoever took it over from that; not who has it in hand."""
    claimed_by: str | None
    claimed_at: datetime | None
    first_claimed_at: datetime | None
    claim_follows: str | None
    """The alert of the home with whose claim this one came along."""
    viewed_at: datetime | None
    """When a person first opened or took it."""
    viewed_by: str | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    held_until: datetime | None
    held_reason: str
    return_priority: int | None
    """What it comes back as from its hold."""
    transferred_to: str
    step: int
    round: int
    next_step_at: datetime | None
    """When the next step comes if nobody does anything; null once it is acknowledged, closed or silenced."""
    responders: list[ResponderShape]
    closed_at: datetime | None
    closed_by: str | None
    disposition: str | None
    event: str | None
    """What it was closed together with others for."""
    rearm_at: datetime | None
    """Closed while its condition held: when that is looked at again."""
    anew_of: str | None
    """The alert that was closed while its condition held; it still did at its `rearm_at`."""
    chattering_at: datetime | None
    """When it was last seen to come and go too often (ISA-18.2)."""
    standing_at: datetime | None
    """Since when it counts as a standing alarm: active for a day without a break."""
    confirm_by: datetime | None
    """Of a test call: until when its tester may say that it was one."""
    silenced_by: str | None
    folded_into: str | None
    stored: bool
    """False: shown at once though the disk refused it; nothing was acknowledged to the device."""
    evidence: list[EvidenceShape]
    timeline: list[TimelineEntry]
    timeline_count: int
    allowed_actions: list[str]
    explanation: ExplanationShape | None = None
    """On the alert's own page; null where no rule raised it, or its rule is no longer known."""
    welfare_counts: WelfareCounts | None = None
    """Of an area's alert."""
    welfare: list[WelfareShape] | None = None
    """Of an area's alert, on its own page: the homes it is about, in the order in which they should be looked to; its first page."""
    welfare_next: str | None = None
    """The cursor of what follows, for `GET /alerts/{id}/welfare`."""


class Flood(Shape):
    """More alerts are raised than can be looked at one by one (ISA-18.2): `count` of them in the last minutes."""

    since: datetime
    count: int


class Beat(Shape):
    """Every five seconds, and at once when something changes. `seq` is how far this process has read the journal."""

    now: datetime
    seq: int
    alarm_process: Literal["up", "down"]
    ready: bool
    problems: list[Words]
    flood: Flood | None = None


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
    hours: list[str]
    """When a contact may be rung, in local time; empty: at any hour."""
    vulnerable: bool
    """Somebody has to visit every month at least."""


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
