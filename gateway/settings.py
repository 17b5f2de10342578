"""The settings of `serve` and `up`: one tree of plain values with a default each, as in `config/serve.example.toml`.

The strict reader is `config.load`: a key that nobody knows is refused, with the file and its place. Secrets are never written here;
where one is needed, `env:NAME` or `file:PATH` says where it is.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import time
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec

from alerting.rules import Uncertified
from config import ConfigError, Survey, load, survey
from gateway.outside_stores import Telemetry
from gateway.problem import CommandFailed
from gateway.watchdog_settings import Watchdog

T = TypeVar("T")

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Days = Annotated[int, msgspec.Meta(ge=1)]
Mebibytes = Annotated[int, msgspec.Meta(ge=1)]

WEBSOCKET_PATH = "/mqtt"
"""Where MQTT is within WebSocket, at the endpoint and at the web process."""

EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound
"""Hosts that take a port on every address of the machine."""



class Http(msgspec.Struct, frozen=True, kw_only=True):
    """The web process. `public_url`: how people reach it from elsewhere, for the links in messages; none where empty."""

    host: str = "127.0.0.1"
    port: Port = 8080
    public_url: str = ""


class ClientCertificates(StrEnum):
    """Whether a kit shows a certificate of its own: it then needs no password."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """MQTT and WebSocket within TLS 1.2 or 1.3. On the plain address both are served there, told apart by their first byte."""

    host: str = "127.0.0.1"
    port: Port = 8883
    certificate: str
    """PEM, with the chain up to the CA."""
    key: str
    """PEM, without a passphrase."""
    client_certificates: ClientCertificates = ClientCertificates.NONE
    client_ca: str = ""
    """Who signs the kits' certificates, PEM."""
    crl: str = ""
    """Which of them are revoked, PEM."""


class Address(msgspec.Struct, frozen=True):
    """One place where the endpoint listens, and what is served there."""

    host: str
    port: int
    plain: bool
    tls: bool


class Mqtt(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoint that kits connect to: MQTT, and WebSocket at `/mqtt`, on each address. `plain` is the one without TLS."""

    plain: bool = True
    host: str = "127.0.0.1"
    port: Port = 1883
    tls: Tls | None = None

    @property
    def addresses(self) -> list[Address]:
        """Where it listens: one address where both are the same."""
        plain = [Address(self.host, self.port, plain=True, tls=False)] if self.plain else []
        if self.tls is None:
            return plain
        if plain and (self.host, self.port) == (self.tls.host, self.tls.port):
            return [Address(self.host, self.port, plain=True, tls=True)]
        return [*plain, Address(self.tls.host, self.tls.port, plain=False, tls=True)]


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """An outside broker that brings in what kits publish there (`gateway.mqtt.broker`); none where `url` is empty."""

    url: str = ""
    """`mqtt://host:1883`, or `mqtts://host:8883` for TLS."""
    client_id: str = "anju"
    """Beginning of the client ids of our sessions at the broker. They must stay the same, and be nobody else's."""
    username: str = ""
    password: str = ""
    ca: str = ""
    """The certificates that the broker's is checked by; empty: those of the system."""
    certificate: str = ""
    key: str = ""
    """Our own, where the broker asks for one."""
    version: Literal["auto", "5.0", "3.1.1"] = "auto"
    session_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 7
    """How long the broker is to keep what comes while we are away. 5.0 alone; elsewhere the broker's own configuration says so."""
    receive_maximum: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 65_535
    """Messages on their way to us that are not on disk yet. 5.0 alone, likewise."""


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long what is kept. The journal is never shorter than the 30 days in which a repeated call is still recognised."""

    journal_days: Annotated[int, msgspec.Meta(ge=30)] = 35
    """Raw messages and everything decided on them; what an alert rests on goes to the archive before."""
    history_days: Days = 400
    """Readings for charts: a year, and the month of the year before to compare with."""
    alerts_years: Annotated[int, msgspec.Meta(ge=3)] = 5
    """Alerts with their timelines and evidence; under three years no record of processing would be left (PIPL, art. 56)."""


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """What happens as the disk fills, in MiB."""

    reserve_mib: Annotated[int, msgspec.Meta(ge=16)] = 64
    """Taken at the start and given up piece by piece, so that calls are still stored when nothing else is."""
    readings_stop_mib: Mebibytes = 32
    """With less than this free (the reserve apart) readings are left with the kits."""
    warn_mib: Mebibytes = 1024
    """With less than this free every page says so."""


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """Work that follows the wall clock, local time."""

    retention_at: time = time(3, 30)
    daily_check_at: time = time(9, 0)


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """Copies of everything, once a day, and a mark beside them of how far the service has come since; none where `folder` is empty."""

    folder: str = ""
    """Best on another disk, or another machine's."""
    at: time = time(2, 30)
    keep: Annotated[int, msgspec.Meta(ge=1)] = 7
    """Older ones are removed when a new one is whole."""
    history: bool = True
    """Whether readings for charts are in it: they are the most of it, and the journal has the last weeks of them anyway."""


class Certification(msgspec.Struct, frozen=True, kw_only=True):
    """Devices that are registered, and the certificates of their models."""

    uncertified: Uncertified = Uncertified.WARN
    """One that is not certified is allowed, told about, or refused. What a device that is there says is heard in any case."""
    trust: str = ""
    """The file of public keys whose certificates count, `[[key]]` with `name` and `public`; none where empty."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Paths are relative to the file they stand in; once loaded they are absolute."""

    data: str = "data"
    timezone: str = "Asia/Shanghai"
    notify: str = ""
    """The file of channels and targets (`config/notify.example.toml`); empty: the desk alone rings."""
    judging: str = ""
    """A folder with `rules/`, `escalation.toml`, `dispositions.toml` and `models.toml`; empty: those that ship in `config/`."""
    http: Http = Http()
    mqtt: Mqtt = Mqtt()
    broker: Broker = Broker()
    retention: Retention = Retention()
    disk: Disk = Disk()
    calendar: Calendar = Calendar()
    telemetry: Telemetry = Telemetry()
    backup: Backup = Backup()
    certification: Certification = Certification()
    watchdog: Watchdog = Watchdog()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def listening(self) -> Iterator[tuple[str, str, int]]:
        """Every address that the service opens: the key of its port, host and port."""
        yield "http.port", self.http.host, self.http.port
        for address in self.mqtt.addresses:
            yield "mqtt.port" if address.plain else "mqtt.tls.port", address.host, address.port


def read(path: Path, type_: type[T]) -> T:
    """`config.load` for a command: whatever is wrong with the file is one sentence to the person who named it."""
    try:
        return load(path, type_)
    except ConfigError as problem:
        raise CommandFailed(" ".join(str(problem).split())) from problem


def load_settings(path: Path) -> Settings:
    """The file, checked, its paths made absolute. CommandFailed with a line for each thing that is wrong with it."""
    found = survey_settings(path)
    if found.mistakes or found.value is None:
        raise CommandFailed("\n".join(str(mistake) for mistake in found.mistakes))
    return found.value


def survey_settings(path: Path) -> Survey[Settings]:
    """The file with its paths made absolute, as far as it can be read, and everything that is wrong in it."""
    found = survey(path, Settings)
    if found.value is None:
        return found
    for key, reason in faults(found.value):
        found.mistake(key, reason)
    found.value = _at_home(found.value, beside(path))
    return found


def beside(path: Path) -> Path:
    """Where what its settings name lies: beside the file; of what is no file (`/dev/null`, a pipe) in the working directory."""
    return path.resolve().parent if path.is_file() else Path.cwd()


def says_nothing(settings: Settings, path: Path) -> bool:
    """Whether every setting of the file is as it would be without it."""
    return settings == _at_home(Settings(), beside(path))


def _at_home(settings: Settings, folder: Path) -> Settings:
    """With its paths from the root: the processes do not know where the settings stood."""
    return msgspec.structs.replace(
        settings,
        data=str(folder / settings.data),
        notify=str(folder / settings.notify) if settings.notify else "",
        judging=str(folder / settings.judging) if settings.judging else "",
        backup=msgspec.structs.replace(settings.backup, folder=str(folder / settings.backup.folder) if settings.backup.folder else ""),
        mqtt=msgspec.structs.replace(settings.mqtt, tls=_absolute(settings.mqtt.tls, folder)),
        broker=_placed(settings.broker, folder),
        telemetry=settings.telemetry.absolute(folder),
        watchdog=settings.watchdog.placed(folder),
        certification=msgspec.structs.replace(
            settings.certification, trust=str(folder / settings.certification.trust) if settings.certification.trust else "",
        ),
    )


def _absolute(tls: Tls | None, folder: Path) -> Tls | None:
    if tls is None:
        return None
    files = {name: str(folder / getattr(tls, name)) for name in ("certificate", "key", "client_ca", "crl") if getattr(tls, name)}
    return msgspec.structs.replace(tls, **files)


def handed_down(path: Path) -> Settings:
    """What the process that watches the halves wrote for them, already checked."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except (OSError, ValueError) as problem:
        raise CommandFailed(f"{path}: {problem}; `up` and `serve` write it anew when they start") from problem


def faults(settings: Settings) -> Iterator[tuple[str, str]]:
    """What types cannot say, each with its key."""
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(settings.timezone, available_timezones(), 1)
        known = f"did you mean {near[0]!r}?" if near else "China's is 'Asia/Shanghai'"
        yield "timezone", f"no time zone is named {settings.timezone!r}; {known}"
    taken: list[tuple[str, str, int]] = []
    for key, host, port in settings.listening:
        for other, there, number in taken:
            if port == number and (host == there or {host, there} & EVERYWHERE):
                yield key, f"{port} is the port of {other} already; each needs one of its own"
        taken.append((key, host, port))
    url = settings.http.public_url
    if url and not _web_address(url):
        yield "http.public_url", f"{url!r} is not an address like https://anju.example.org"
    mqtt, tls = settings.mqtt, settings.mqtt.tls
    if not mqtt.plain and tls is None and not settings.broker.url:
        yield "mqtt", "plain = false, no [mqtt.tls] and no [broker]: no kit could connect"
    if tls is not None and tls.client_certificates is not ClientCertificates.NONE and not tls.client_ca:
        yield "mqtt.tls.client_certificates", f"{tls.client_certificates.value!r} needs client_ca: who signs them"
    if tls is not None and tls.crl and not tls.client_ca:
        yield "mqtt.tls.crl", "revokes certificates of a client_ca, and none is named"
    yield from _broker_faults(settings.broker)
    yield from ((f"telemetry.{key}", reason) for key, reason in settings.telemetry.faults())
    yield from ((f"watchdog.{key}", reason) for key, reason in settings.watchdog.faults())
    calendar = settings.calendar
    for key, at in (
        ("calendar.retention_at", calendar.retention_at),
        ("calendar.daily_check_at", calendar.daily_check_at),
        ("backup.at", settings.backup.at),
    ):
        if at.tzinfo:
            yield key, "times are local ones, like 03:30:00, without an offset"


def _placed(broker: Broker, folder: Path) -> Broker:
    """Its files named from the root: the halves do not know where the settings stood."""

    def file(path: str) -> str:
        return str(folder / path) if path else ""

    password = broker.password
    if password.startswith("file:"):
        password = f"file:{folder / password.removeprefix('file:')}"
    return msgspec.structs.replace(
        broker, password=password, ca=file(broker.ca), certificate=file(broker.certificate), key=file(broker.key),
    )  # fmt: skip


def _broker_faults(broker: Broker) -> Iterator[tuple[str, str]]:
    if not broker.url:
        return
    if "@" in broker.url:
        yield "broker.url", "user and password do not stand in it: username, and password as env:NAME or file:PATH"
    elif not broker_address(broker.url):
        yield "broker.url", f"{broker.url!r} is not an address like mqtts://broker.example.org:8883"
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,56}", broker.client_id):
        yield "broker.client_id", f"{broker.client_id!r} is not 1 to 56 of A-Z a-z 0-9 _ . -"
    if broker.password and not broker.password.startswith(("env:", "file:")):
        yield "broker.password", "env:NAME or file:PATH says where it is; it is not written here"
    if broker.password and not broker.username:
        yield "broker.password", "MQTT 3.1.1 allows none without a broker.username"
    if bool(broker.certificate) != bool(broker.key):
        yield "broker.key", "certificate and key: both or none"


def broker_address(url: str) -> tuple[str, int, bool] | None:
    """Host, port and whether TLS is spoken; None for what is no address of a broker."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("mqtt", "mqtts") or not host or "@" in parts.netloc or parts.path not in ("", "/") or parts.query:
        return None
    tls = parts.scheme == "mqtts"
    return host, port or (8883 if tls else 1883), tls


def _web_address(text: str) -> bool:
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.hostname) and text.isprintable()


def reveal(value: str, folder: Path, environment: Mapping[str, str]) -> str:
    """The secret that `env:NAME` or `file:PATH` (relative to `folder`) names, or the value itself.

    Surrounding white space of a file is no part of it. ValueError, with a sentence that repeats no secret, when it is not there.
    """
    kind, _, name = value.partition(":")
    if kind == "env":
        if not environment.get(name):
            raise ValueError(f"the environment has no {name}")
        return environment[name]
    if kind == "file":
        path = folder / name
        try:
            secret = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise ValueError(f"cannot read {path}: {getattr(problem, 'strerror', None) or 'not UTF-8'}") from problem
        if not secret:
            raise ValueError(f"{path} is empty")
        return secret
    return value
