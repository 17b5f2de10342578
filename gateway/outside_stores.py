"""The `[telemetry]` section of the settings: which time-series stores outside are fed, and where charts are read from.

Here, not in `gateway.telemetry`, since the web process reads its settings too and the edges of the gateway do not know each other.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

HISTORY = "history"
EVIDENCE = "evidence"
"""Both are in the data folder, and always there."""
"""The embedded history's name among the stores."""

NAME = re.compile(r"[A-Za-z0-9_-]{1,32}\Z")

Given = Annotated[str, msgspec.Meta(min_length=1)]


class Begin(StrEnum):
    """Where a store that was never fed begins."""

    JOURNAL = "journal"
    """With everything that the journal still holds."""
    NOW = "now"


class OutsideStore(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every kind has. `ca` is a PEM file of own roots; secrets are `env:NAME` or `file:PATH`."""

    name: str
    url: str
    begin: Begin = Begin.JOURNAL
    ca: str = ""

    @property
    def target(self) -> str:
        """What makes it another database than before, which has nothing yet."""
        return self.url

    @property
    def secrets(self) -> dict[str, str]:
        return {}

    @property
    def largest(self) -> float:
        """What is offered to it at most, plus or minus."""
        return inf

    @property
    def forgets_s(self) -> float:
        """What it said yes to within so many seconds may be gone when it is killed."""
        return 0.0

    def faults(self) -> Iterator[tuple[str, str]]:
        """What types cannot say, each with its key."""
        if not NAME.match(self.name) or self.name in (HISTORY, EVIDENCE):
            yield "name", f"{self.name!r} is not 1 to 32 of A-Z a-z 0-9 _ -, and other than {HISTORY!r} and {EVIDENCE!r}"
        if not _address(self.url):
            shown = "what stands there" if "@" in self.url else repr(self.url)  # a password may stand there too
            yield "url", f"{shown} is not an address like http://127.0.0.1:8086, without a user name or a query"
        for key, value in self.secrets.items():
            if not value.startswith(("env:", "file:")):
                yield key, "env:NAME or file:PATH says where it is; it is not written here"


class Influx2(OutsideStore, frozen=True, kw_only=True, tag="influxdb2"):
    """InfluxDB 2 and up, through influxdb-client."""

    token: Given
    org: Given
    bucket: Given

    @property
    def target(self) -> str:
        return f"{self.url} {self.org} {self.bucket}"

    @property
    def secrets(self) -> dict[str, str]:
        return {"token": self.token}


class Influx1(OutsideStore, frozen=True, kw_only=True, tag="influxdb1"):
    """InfluxDB 1.x, by line protocol and InfluxQL. Without a retention policy the database's default one."""

    database: Given
    retention_policy: str = ""
    username: str = ""
    password: str = ""

    @property
    def target(self) -> str:
        return f"{self.url} {self.database} {self.retention_policy}"

    @property
    def secrets(self) -> dict[str, str]:
        return {"password": self.password} if self.password else {}

    def faults(self) -> Iterator[tuple[str, str]]:
        yield from super().faults()
        if bool(self.username) != bool(self.password):
            yield "password", "username and password: both or none"


class VictoriaMetrics(OutsideStore, frozen=True, kw_only=True, tag="victoriametrics"):
    """VictoriaMetrics, by line protocol and its export. A password or a token where a proxy before it asks for one."""

    username: str = ""
    password: str = ""
    token: str = ""

    @property
    def largest(self) -> float:
        """It keeps thousands of samples as whole numbers with one common exponent: one that is absurd makes 0 of all beside it."""
        return 1e12

    @property
    def forgets_s(self) -> float:
        """It answers first and writes a few seconds later."""
        return 10.0

    @property
    def secrets(self) -> dict[str, str]:
        return {name: value for name, value in (("password", self.password), ("token", self.token)) if value}

    def faults(self) -> Iterator[tuple[str, str]]:
        yield from super().faults()
        if bool(self.username) != bool(self.password):
            yield "password", "username and password: both or none"
        if self.token and self.username:
            yield "token", "is there beside a user name; only one of them can be sent"


Store = Influx2 | Influx1 | VictoriaMetrics


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """`read`: where charts come from, the embedded history or a store by its name."""

    read: str = HISTORY
    stores: tuple[Store, ...] = msgspec.field(name="store", default=())

    @property
    def read_from(self) -> Store | None:
        """The outside store that charts are read from; None: the embedded history."""
        return next((store for store in self.stores if store.name == self.read), None)

    def absolute(self, folder: Path) -> "Telemetry":
        """With the files that it names relative to `folder` made absolute."""
        return msgspec.structs.replace(self, stores=tuple(_absolute(store, folder) for store in self.stores))

    def faults(self) -> Iterator[tuple[str, str]]:
        """What types cannot say, each with its key. A secret that is not there stops no service: it is said of its store later."""
        names: list[str] = []
        for index, store in enumerate(self.stores):
            yield from ((f"store[{index}].{key}", reason) for key, reason in store.faults())
            if store.name in names:
                yield f"store[{index}].name", f"another store is named {store.name!r} too"
            names.append(store.name)
        if self.read != HISTORY and self.read_from is None:
            yield "read", f"no store is named {self.read!r}, there are: {', '.join([HISTORY, *names])}"


def _absolute(store: Store, folder: Path) -> Store:
    changes = {key: f"file:{folder / value[5:]}" for key, value in store.secrets.items() if value.startswith("file:")}
    if store.ca:
        changes["ca"] = str(folder / store.ca)
    return msgspec.structs.replace(store, **changes)


def _address(text: str) -> bool:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return False
    whole = url.scheme in ("http", "https") and bool(url.hostname) and port != 0 and text.isprintable()
    return whole and "@" not in url.netloc and not url.query and not url.fragment
