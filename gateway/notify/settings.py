"""The file of channels and targets, `config/notify.example.toml`: what may stand in it, and the channels it makes."""

import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import httpx
import msgspec

from alerting.policy import DESK
from config import Survey, survey
from gateway.notify.channel import Channel
from gateway.notify.email import Email, Security, Server
from gateway.notify.webhook import Webhook
from gateway.problem import CommandFailed
from gateway.settings import reveal

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]

PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`secret` is `whsec_…`; `previous_secret` signs beside it while the receiver changes over; `ca` is a PEM file of own roots."""

    name: Name
    url: str
    secret: str
    previous_secret: str = ""
    ca: str = ""


class EmailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`port` 0: that of the security. `hello` is the name in EHLO; empty: the sender's domain. `ca` as above."""

    name: Name
    host: str
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = ""
    sender: str = msgspec.field(name="from")
    to: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    hello: str = ""
    ca: str = ""


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which channels reach a target of the escalation policies, beside those it is given there."""

    name: str
    channels: tuple[str, ...]


class NotifyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    webhooks: tuple[WebhookSettings, ...] = msgspec.field(name="webhook", default=())
    emails: tuple[EmailSettings, ...] = msgspec.field(name="email", default=())
    targets: tuple[TargetSettings, ...] = msgspec.field(name="target", default=())


def load_notify(path: Path) -> NotifyFile:
    """The file, its names checked against each other; CommandFailed with a line for each thing that is wrong."""
    found = survey_notify(path)
    if found.mistakes or found.value is None:
        raise CommandFailed("\n".join(str(mistake) for mistake in found.mistakes))
    return found.value


def survey_notify(path: Path) -> Survey[NotifyFile]:
    """The file as far as it can be read, and everything that is wrong in it and among its names; secrets and addresses apart."""
    found = survey(path, NotifyFile)
    file = found.value
    if file is None:
        return found
    names = [*(webhook.name for webhook in file.webhooks), *(email.name for email in file.emails)]
    for name, count in Counter(names).items():
        if count > 1:
            found.mistake("", f"two channels are named {name!r}")
    for name, count in Counter(target.name for target in file.targets).items():
        if count > 1:
            found.mistake("", f"two targets are named {name!r}")
    for index, target in enumerate(file.targets):
        at = f"target[{index}]"
        if target.name == DESK:
            found.mistake(f"{at}.name", f"{DESK!r} is the operators' screens, no channel leads there")
        for channel in target.channels:
            if channel not in names:
                known = ", ".join(names) or "none"
                found.mistake(f"{at}.channels", f"target {target.name!r}: no channel is named {channel!r}, there are: {known}")
    return found


def survey_channels(
    found: Survey[NotifyFile], *, wall: Callable[[], datetime], zone: ZoneInfo, environment: Mapping[str, str],
) -> None:  # fmt: skip
    """Add what keeps single channels from being made: secrets that are not there, addresses that are none."""
    folder = found.path.resolve().parent
    file = found.value or NotifyFile()
    for index, webhook in enumerate(file.webhooks):
        try:
            _webhook(webhook, folder, wall, environment)
        except ValueError as problem:
            _mistake(found, f"webhook[{index}]", webhook.name, str(problem))
    for index, email in enumerate(file.emails):
        try:
            _email(email, folder, wall, zone, environment)
        except ValueError as problem:
            _mistake(found, f"email[{index}]", email.name, str(problem))


def _mistake(found: Survey[NotifyFile], at: str, channel: str, sentence: str) -> None:
    """The sentences of channels begin with the key."""
    key, _, reason = sentence.partition(": ")
    found.mistake(f"{at}.{key}" if key.isidentifier() else at, f"channel {channel!r}: {reason if key.isidentifier() else sentence}")


def channels(
    file: NotifyFile,
    path: Path,
    *,
    wall: Callable[[], datetime],
    zone: ZoneInfo,
    environment: Mapping[str, str],
) -> tuple[Channel, ...]:
    """The channels, secrets revealed and addresses checked; CommandFailed names the channel and the key. Connects to nobody yet."""
    made: list[Channel] = []
    folder = path.resolve().parent
    each: tuple[WebhookSettings | EmailSettings, ...] = (*file.webhooks, *file.emails)
    for settings in each:
        try:
            if isinstance(settings, WebhookSettings):
                made.append(_webhook(settings, folder, wall, environment))
            else:
                made.append(_email(settings, folder, wall, zone, environment))
        except ValueError as problem:
            raise CommandFailed(f"{path}: channel {settings.name!r}: {problem}") from problem
    return tuple(made)


def _webhook(settings: WebhookSettings, folder: Path, wall: Callable[[], datetime], environment: Mapping[str, str]) -> Webhook:
    _check_url(settings.url)
    secrets = [_secret("secret", settings.secret, folder, environment)]
    if settings.previous_secret:
        secrets.append(_secret("previous_secret", settings.previous_secret, folder, environment))
    return Webhook(settings.name, settings.url, secrets, wall=wall, trust=_trust(settings.ca, folder))


def _check_url(text: str) -> None:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as problem:
        raise ValueError(f"url: {text!r}: {problem}") from problem
    if url.scheme not in ("http", "https") or not url.host or "%" in url.host or not 0 < (url.port or 443) < 65536:
        raise ValueError(f"url: {text!r} is not an address like https://example.org/anju")
    if url.userinfo:
        raise ValueError("url: a user name in the address is not sent; the signature says who is calling")


def _email(
    settings: EmailSettings, folder: Path, wall: Callable[[], datetime], zone: ZoneInfo, environment: Mapping[str, str],
) -> Email:
    if not settings.host or not settings.host.isascii() or not settings.host.isprintable():
        raise ValueError(f"host: {settings.host!r} is not the name of a server")
    sender = _address("from", settings.sender)
    hello = settings.hello or sender.rpartition("@")[2]
    if not hello.isascii() or not hello.isprintable() or " " in hello:
        raise ValueError(f"hello: {hello!r} is not the name of a host")
    if bool(settings.username) != bool(settings.password):
        raise ValueError("username and password: one is there without the other")
    password = _secret("password", settings.password, folder, environment) if settings.password else ""
    port = settings.port or PORTS[settings.security]
    server = Server(settings.host, port, settings.security, hello, settings.username, password)
    to = tuple(dict.fromkeys(_address("to", address) for address in settings.to))
    return Email(settings.name, server, sender, to, wall=wall, zone=zone, trust=_trust(settings.ca, folder))


def _address(key: str, text: str) -> str:
    """A plain address, `name@host`. What is not ASCII needs SMTPUTF8, which most relays here do not have: refused now, not at night."""
    if not text.isascii() or not text.isprintable():
        raise ValueError(f"{key}: {text!r} is not an address in ASCII like lead@example.org")
    try:
        address = Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError) as problem:
        raise ValueError(f"{key}: {text!r} is not an address like lead@example.org") from problem
    if not address.username or not address.domain:
        raise ValueError(f"{key}: {text!r} is not an address like lead@example.org")
    return address.addr_spec


def _secret(key: str, value: str, folder: Path, environment: Mapping[str, str]) -> str:
    try:
        return reveal(value, folder, environment)
    except ValueError as problem:
        raise ValueError(f"{key}: {problem}") from problem


def _trust(ca: str, folder: Path) -> ssl.SSLContext:
    """The machine's roots, or those of `ca` alone: who names an authority of its own wants no other."""
    if not ca:
        return ssl.create_default_context()
    path = folder / ca
    try:
        return ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as problem:
        raise ValueError(f"ca: cannot read certificates from {path}: {problem}") from problem
