"""What every way out shares: what is to be said, that it was taken, and whose fault it is when it was not."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from alerting.alert import Alert
from alerting.caring.help_records import Event, Help
from alerting.facts import NotificationRequested
from alerting.roster import Staff, StaffId
from alerting.suppression import under_floor
from alerting.terms import AlertId, Category, NotificationId, Origin, Priority, Sentence
from devices.home import AreaId, Home, HomeId, Person, Role


class Resident(msgspec.Struct, frozen=True):
    """Whom to ask for, and how to speak with them. Nothing medical and no age: a message travels through other people's machines."""

    name: str
    phone: str
    speech: str


class Recipient(msgspec.Struct, frozen=True):
    """The one person who is told. `phone` as the registry has it, and maybe empty."""

    name: str
    phone: str


class Message(msgspec.Struct, frozen=True):
    """What is told and is no alert: the notice's title and reason are its words. A request for help has the rest."""

    event: Event
    help: Help | None = None
    request: str = ""
    due_at: datetime | None = None
    responder: str = ""
    answer_token: str = ""
    """By which its receiver answers; nobody else has it."""
    answer_url: str = ""


class Notice(msgspec.Struct, frozen=True):
    """One notification, with what its reader needs in order to act. Instants are UTC.

    It holds only what was settled when it was asked for, so that one sent again, also after a crash, says the same.
    """

    notification: NotificationId
    channel: str
    target: str
    requested_at: datetime
    alert: AlertId
    category: Category
    priority: Priority
    origin: Origin
    life_safety: bool
    """Under the safety floor: goes first, and is tried for longest."""
    title: Sentence
    reason: Sentence
    why: Sentence
    """Why this target is told now."""
    step: int
    raised_at: datetime
    area: AreaId
    home: HomeId
    home_name: str
    address: str
    phone: str
    room: str
    residents: tuple[Resident, ...]
    link: str
    """Of the alert's page; empty where the service has no public address."""
    recipient: Recipient | None = None
    """Whom a step named; None: whoever the channel's own settings name."""
    code: str = ""
    """Of the page on which its reader accepts or declines; empty where there is none."""
    answer: str = ""
    """The whole address of that page; empty where the service has no public address."""
    stand_down: bool = False
    """Its reader was told before, and need not come: somebody else does, or it is over."""
    message: Message | None = None
    """There is no alert: `alert` is empty, `step` means nothing."""


class Moot(msgspec.Struct, frozen=True):
    """Nobody needs this notification any more; `why` is one English sentence for the timeline."""

    why: str


def notice_of(
    request: NotificationRequested, alert: Alert, home: Home | None, people: Iterable[Person], public_url: str, *, code: str = "",
    staff: Mapping[StaffId, Staff] = {},
) -> Notice | Moot:  # fmt: skip
    """The notification that was asked for, or Moot when its alert was closed after that.

    `home` is None for an area's alert and for a home that was retired since; `people` are those of the home, `staff` those on duty;
    `code` opens the page on which it is answered.
    """
    if alert.closed_at is not None and alert.closed_at > request.at and not request.stand_down:
        return Moot("the alert was closed before it could be delivered")
    if alert.acknowledged_at is not None and alert.acknowledged_at > request.at and not request.stand_down:
        return Moot(f"{alert.acknowledged_by} had it in hand before it could be delivered")
    people = tuple(people)
    recipient = _recipient(request, people, staff)
    if recipient is None and (request.person is not None or request.staff is not None):
        return Moot("the person who was to be told is no longer registered")
    url = public_url.rstrip("/")
    residents = tuple(Resident(p.name, p.phone, p.speech) for p in people if p.role is Role.RESIDENT)
    return Notice(
        notification=request.notification,
        channel=request.channel,
        target=request.target,
        requested_at=request.at,
        alert=alert.id,
        category=alert.category,
        priority=alert.priority,
        origin=alert.origin,
        life_safety=under_floor(alert.category),
        title=Sentence(f"不用去了：{alert.title.zh}", f"Stand down: {alert.title.en}") if request.stand_down else alert.title,
        reason=alert.reason,
        why=request.why,
        step=request.step,
        raised_at=alert.raised_at,
        area=alert.area,
        home=alert.home,
        home_name=home.name if home else "",
        address=home.address if home else "",
        phone=home.phone if home else "",
        room=alert.room,
        residents=residents,
        link=f"{url}/alerts/{alert.id}" if url else "",
        recipient=recipient,
        code="" if request.stand_down else code,
        answer=f"{url}/r/{code}" if url and code and not request.stand_down else "",
        stand_down=request.stand_down,
    )


def _recipient(request: NotificationRequested, people: Iterable[Person], staff: Mapping[StaffId, Staff]) -> Recipient | None:
    """The one person who is to be told, as far as they are still known."""
    if request.person is not None:
        return next((Recipient(p.name, p.phone) for p in people if p.id == request.person), None)
    known = staff.get(request.staff) if request.staff is not None else None
    return Recipient(known.name, known.phone) if known is not None else None


class Sent(msgspec.Struct, frozen=True):
    """The receiver took it; `detail` is its answer in one line.

    `references` are what its later reports may call it by.
    """

    detail: str
    references: tuple[str, ...] = ()


class NotifyError(Exception):
    """The receiver's fault: not taken. `transient`: the same may work later, not before `retry_after` if it said so."""

    def __init__(self, detail: str, *, transient: bool, retry_after: timedelta | None = None) -> None:
        self.detail = detail
        self.transient = transient
        self.retry_after = retry_after
        super().__init__(detail)


class Channel(Protocol):
    """One way out. `name` is what policies call it, unique; `kind` is `webhook`, `email`, …"""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    async def send(self, notice: Notice) -> Sent:
        """One attempt, bounded in time by itself. Raises NotifyError; may be cancelled at any await."""

    async def reach(self) -> str:
        """Go as far as can be gone without sending anything; what was found, in one line. Raises NotifyError."""

    async def close(self) -> None:
        """Give back connections and threads; `send` is not called again."""


def reference(channel: str, kind: str, value: str) -> str:
    """What a provider, or a telephone, will be known by in later reports: 14 characters, and no number in the clear."""
    return hashlib.blake2b(f"{channel}\0{kind}\0{value}".encode("utf-8", "surrogatepass"), digest_size=7).hexdigest()


_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def token(id_: str) -> str:
    """The id as it may stand in any header: itself where it is plain, else a digest of it; the same each time."""
    return id_ if _TOKEN.fullmatch(id_) else hashlib.sha256(id_.encode()).hexdigest()[:32]


DETAIL_KEPT = 200


def one_line(text: str) -> str:
    """What a stranger answered, made fit for a timeline: one line, printable, at most `DETAIL_KEPT` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= DETAIL_KEPT else line[: DETAIL_KEPT - 1] + "…"
