"""To another platform as CAP 1.2 (OASIS Common Alerting Protocol, 1 July 2010): a file into a folder, or a POST to an address.

One message a notification; its `identifier` is the notification's, so one that comes twice is the same message, and `incidents` holds
the alert's number. A home is nobody's public affair: the scope is `Private`, or `Restricted` where settings say to whom.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import msgspec

from alerting.terms import Category, Origin, Sentence
from gateway.notify.channel import Notice, NotifyError, Sent, one_line, token
from gateway.notify.http import Http
from gateway.notify.letter import header
from gateway.notify.record import Means, Name, revealed, trusted, web_address

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA = "application/cap+xml"

STATUS = {Origin.REAL: "Actual", Origin.TEST: "Test", Origin.SYNTHETIC: "System", Origin.TRAINING: "Exercise"}
CATEGORIES: Mapping[Category, tuple[str, ...]] = {
    Category.CALL_FOR_HELP: ("Rescue",),
    Category.FIRE: ("Fire",),
    Category.GAS: ("Safety", "CBRNE"),
    Category.FALL: ("Rescue", "Health"),
    Category.HEALTH: ("Health",),
    Category.INACTIVITY: ("Safety",),
    Category.WANDERING: ("Rescue",),
    Category.WATER: ("Infra",),
    Category.INTRUSION: ("Security",),
    Category.TECHNICAL: ("Infra",),
}
URGENCY = {1: "Immediate", 2: "Expected", 3: "Future", 4: "Unknown"}
SEVERITY = {1: "Severe", 2: "Moderate", 3: "Minor", 4: "Minor"}
"""`Extreme` is for many lives; a home's alert has one or two."""


class CapSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either `folder` (relative to this file) or `url`. `sender` names this service to others, as e-mail addresses or domains do."""

    name: Name
    sender: str
    addresses: tuple[str, ...] = ()
    """To whom, in the other platform's own terms; with scope Private there must be one."""
    restriction: str = ""
    """Makes the scope Restricted, and says whom it is restricted to."""
    sender_name: str = "Anju 安居"
    folder: str = ""
    url: str = ""
    token: str = ""
    """Sent as a bearer token."""
    ca: str = ""

    def make(self, means: Means) -> "Cap":
        if not self.sender or any(c in self.sender for c in " ,<&") or not self.sender.isprintable():
            raise ValueError(f"sender: {self.sender!r} is not a name without spaces and commas, like anju.example.org")
        if bool(self.folder) == bool(self.url):
            raise ValueError("folder: either folder or url says where to")
        if not self.addresses and not self.restriction:
            raise ValueError("addresses: a private message says to whom")
        if any('"' in address for address in self.addresses):
            raise ValueError("addresses: no quotation marks in them")
        bearer = revealed("token", self.token, means) if self.token else ""
        if self.url:
            way: Folder | Post = Post(web_address(self.url), bearer, Http(trusted(self.ca, means)), means.wall)
        else:
            way = Folder(means.folder / self.folder)
        return Cap(self, way, means.zone)


class Cap:
    """Writes the message and hands it over; `way` knows where to."""

    kind = "cap"

    def __init__(self, settings: CapSettings, way: "Folder | Post", zone: ZoneInfo) -> None:
        self.name = settings.name
        self._settings = settings
        self._way = way
        self._zone = zone

    async def send(self, notice: Notice) -> Sent:
        return await self._way.hand_over(token(notice.notification), message(notice, self._settings, self._zone))

    async def reach(self) -> str:
        return await self._way.reach()

    async def close(self) -> None:
        await self._way.close()


def message(notice: Notice, settings: CapSettings, zone: ZoneInfo) -> bytes:
    """The XML document. Instants have an offset and whole seconds, never `Z`: so the standard wants them (3.3.2)."""
    alert = ET.Element("alert", xmlns=NAMESPACE)
    _put(alert, "identifier", token(notice.notification))
    _put(alert, "sender", settings.sender)
    _put(alert, "sent", _instant(notice.requested_at, zone))
    _put(alert, "status", STATUS[notice.origin])
    _put(alert, "msgType", "Alert")
    _put(alert, "scope", "Restricted" if settings.restriction else "Private")
    _put(alert, "restriction", settings.restriction)
    _put(alert, "addresses", " ".join(f'"{a}"' if " " in a else a for a in settings.addresses))
    _put(alert, "incidents", token(notice.alert))
    for language, pick in (("zh-CN", _zh), ("en-US", _en)):
        _info(alert, language, pick, notice, settings, zone)
    body: bytes = ET.tostring(alert, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body


Pick = Callable[[Sentence], str]


def _zh(sentence: Sentence) -> str:
    return sentence.zh


def _en(sentence: Sentence) -> str:
    return sentence.en


def _info(alert: ET.Element, language: str, pick: Pick, notice: Notice, settings: CapSettings, zone: ZoneInfo) -> None:  # noqa: PLR0917
    info = ET.SubElement(alert, "info")
    _put(info, "language", language)
    for category in CATEGORIES[notice.category]:
        _put(info, "category", category)
    _put(info, "event", pick(notice.title))
    _put(info, "urgency", URGENCY[notice.priority])
    _put(info, "severity", SEVERITY[notice.priority])
    _put(info, "certainty", "Observed")
    _put(info, "onset", _instant(notice.raised_at, zone))
    _put(info, "senderName", settings.sender_name)
    place = " ".join(filter(None, (notice.home_name, notice.room)))
    _put(info, "headline", f"{place}: {pick(notice.title)}" if place else pick(notice.title))
    _put(info, "description", f"{pick(notice.reason)} {pick(notice.why)}")
    _put(info, "web", notice.link)
    _put(info, "contact", " ".join(filter(None, [notice.phone, *(f"{r.name} {r.phone}" for r in notice.residents)])))
    for name, value in (("category", notice.category.value), ("priority", str(int(notice.priority))), ("step", str(notice.step + 1))):
        parameter = ET.SubElement(info, "parameter")
        _put(parameter, "valueName", name)
        _put(parameter, "value", value)
    area = ET.SubElement(info, "area")
    _put(area, "areaDesc", " ".join(filter(None, (notice.address, notice.home_name))) or notice.area or "-")
    if notice.area:
        geocode = ET.SubElement(area, "geocode")
        _put(geocode, "valueName", "GB/T 2260")
        _put(geocode, "value", notice.area)


def _put(parent: ET.Element, name: str, text: str) -> None:
    """What is empty is left out, and what XML cannot carry is a space."""
    cleaned = header(text)
    if cleaned:
        ET.SubElement(parent, name).text = cleaned


def _instant(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds")


class Folder:
    """A file each, whole or not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def hand_over(self, name: str, body: bytes) -> Sent:
        path = self._folder / f"{name}.xml"
        try:
            await asyncio.to_thread(self._write, path, body)
        except OSError as problem:
            raise NotifyError(one_line(f"{path}: {problem.strerror or problem}"), transient=True) from problem
        return Sent(one_line(f"written to {path.name}"))

    @staticmethod
    def _write(path: Path, body: bytes) -> None:
        part = path.with_suffix(".part")
        try:
            with part.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink()
            raise

    async def reach(self) -> str:
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise NotifyError(f"{self._folder} is no folder that can be written to", transient=False)
        return f"{self._folder} can be written to"

    async def close(self) -> None:
        """Nothing is open."""


class Post:
    """A POST each; the status decides."""

    def __init__(self, url: str, bearer: str, http: Http, wall: Callable[[], datetime]) -> None:
        self._url = url
        self._bearer = bearer
        self._http = http
        self._wall = wall

    async def hand_over(self, name: str, body: bytes) -> Sent:
        headers = {"content-type": MEDIA, "idempotency-key": name}
        if self._bearer:
            headers["authorization"] = f"Bearer {self._bearer}"
        reply = await self._http.ask("POST", self._url, body, headers, self._wall())
        if 200 <= reply.status < 300:
            return Sent(reply.line)
        raise NotifyError(reply.line, transient=reply.refusal("").transient and reply.status >= 400, retry_after=reply.later)

    async def reach(self) -> str:
        return await self._http.reach(self._url)

    async def close(self) -> None:
        await self._http.close()
