"""The settings of the watchdog: how often it calls, and by which ways of its own it says that a call did not get through."""

from collections.abc import Iterator
from email.headerregistry import Address
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

Number = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class MailSecurity(StrEnum):
    """`starttls` and `tls` never fall back to a conversation in the clear."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class WatchdogHook(msgspec.Struct, frozen=True, kw_only=True):
    """An address that is told by a signed webhook (Standard Webhooks), by nobody's channel but its own."""

    url: str
    secret: str
    """`env:NAME` or `file:PATH` of `whsec_…`."""
    ca: str = ""
    """Who signs its certificate, PEM; empty: the machine's roots."""


class WatchdogMail(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail is handed in, and for whom."""

    host: str
    port: Number = 0
    """0: that of the security (587, 465, 25)."""
    security: MailSecurity = MailSecurity.STARTTLS
    username: str = ""
    password: str = ""
    """`env:NAME` or `file:PATH`."""
    sender: str = msgspec.field(name="from")
    to: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    ca: str = ""


class Watchdog(msgspec.Struct, frozen=True, kw_only=True):
    """A call of the service's own, in by MQTT and out on the operators' stream; missing twice in a row, it alarms."""

    every_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 60
    """0: there is no watchdog."""
    patience_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 20.0
    """How long a call may take before it counts as missing."""
    starting_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 300
    """How long a start may take before the first call gets through."""
    repeat_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 30
    """It says again so often what is still so."""
    siren: str = ""
    """A file that is there while it alarms, for a lamp, a relay or a script; none where empty."""
    webhook: WatchdogHook | None = None
    email: WatchdogMail | None = None

    def placed(self, folder: Path) -> "Watchdog":
        """Its files named from the root: the process does not know where the settings stood."""

        def file(path: str) -> str:
            return str(folder / path) if path else ""

        def secret(said: str) -> str:
            return f"file:{folder / said.removeprefix('file:')}" if said.startswith("file:") else said

        hook, mail = self.webhook, self.email
        return msgspec.structs.replace(
            self,
            siren=file(self.siren),
            webhook=hook and msgspec.structs.replace(hook, secret=secret(hook.secret), ca=file(hook.ca)),
            email=mail and msgspec.structs.replace(mail, password=secret(mail.password), ca=file(mail.ca)),
        )

    def faults(self) -> Iterator[tuple[str, str]]:
        """What types cannot say, each with its key."""
        if self.every_s and self.patience_s > self.every_s:
            yield "patience_s", f"{self.patience_s:g} s is longer than from one call to the next ({self.every_s} s)"
        hook, mail = self.webhook, self.email
        if hook is not None:
            if not _address(hook.url):
                yield "webhook.url", f"{hook.url!r} is not an address like https://dispatch.example.org/watchdog"
            yield from _elsewhere("webhook.secret", hook.secret)
        if mail is not None:
            for key, address in (("email.from", mail.sender), *(("email.to", to) for to in mail.to)):
                if not _mail_address(address):
                    yield key, f"{address!r} is not an address like lead@example.org"
            if mail.password:
                yield from _elsewhere("email.password", mail.password)
            if bool(mail.username) != bool(mail.password):
                yield "email.password", "username and password: both or none"


def _elsewhere(key: str, said: str) -> Iterator[tuple[str, str]]:
    if not said.startswith(("env:", "file:")):
        yield key, "env:NAME or file:PATH says where it is; it is not written here"


def _address(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0 and not url.username and text.isprintable()
    except ValueError:
        return False


def _mail_address(text: str) -> bool:
    try:
        address = Address(addr_spec=text)
    except Exception:  # noqa: BLE001 - the library's parser fails in ways of its own
        return False
    return text.isascii() and bool(address.username and address.domain)
