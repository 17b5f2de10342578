"""`./anju home`, `device` and `person`: the registry from a shell, through the API of the service that runs, like any other program.

The right to it comes from a token (`--url`, `--token`), or from being able to write the data folder: then a session of ten minutes is
begun there in the name of an administrator, and ended behind the last call.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import httpx
import msgspec

from gateway.address import origin
from gateway.operations.accounts import users_of
from gateway.operations.commands import settings_for
from gateway.operations.pace import Bar
from gateway.operations.spreadsheet import Row, read, typed
from gateway.problem import CommandFailed
from gateway.settings import reveal
from gateway.web.users import Role

LASTS = timedelta(minutes=10)
TAKEN_IN_S = 5.0
"""Within which the service has seen a session that was begun in its file."""


class Kind(msgspec.Struct, frozen=True):
    """What the registry keeps of one kind, as a shell lists it and takes it in."""

    path: str
    shown: tuple[str, ...]
    needed: tuple[str, ...]
    columns: tuple[str, ...]


HOMES = Kind(
    "homes", shown=("id", "area", "name", "address"), needed=("id", "area", "name"),
    columns=("id", "area", "name", "address", "phone", "access", "note", "building", "carrier"),
)  # fmt: skip
DEVICES = Kind(
    "devices", shown=("id", "home", "model", "room", "online"), needed=("id", "home", "model"),
    columns=("id", "home", "model", "room", "name"),
)  # fmt: skip
PEOPLE = Kind(
    "people", shown=("id", "home", "role", "name", "phone"), needed=("id", "home", "role", "name"),
    columns=("id", "home", "role", "name", "phone", "order", "hours", "birth_year", "medical", "speech", "note", "vulnerable"),
)  # fmt: skip


class Refused(Exception):  # noqa: N818 - the service's answer
    """The service said no; `status` is its HTTP status."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        super().__init__(sentence)


class _Problem(msgspec.Struct):
    title: str = ""
    detail: str = ""
    sentence: dict[str, str] = {}


class _Page(msgspec.Struct):
    items: list[Row]
    next: str | None = None


class Service:
    """The API, as far as the registry needs it."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def call(self, method: str, path: str, *, body: Row | None = None, query: dict[str, str] | None = None) -> Row:
        """Refused for what the service says no to; CommandFailed when it does not answer."""
        try:
            answer = self._client.request(method, path, json=body, params=query)
        except httpx.HTTPError as problem:
            raise CommandFailed(f"{self._client.base_url} does not answer: {problem}; the registry needs the service to run") from problem
        if answer.status_code >= 400:
            raise Refused(answer.status_code, _sentence(answer))
        return msgspec.json.decode(answer.content, type=Row) if answer.content else {}

    def all(self, path: str, query: dict[str, str]) -> Iterator[Row]:
        asked = {**query, "limit": "200"}
        while True:
            page = msgspec.convert(self.call("GET", path, query=asked), _Page)
            yield from page.items
            if page.next is None:
                return
            asked["cursor"] = page.next


def home(asked: argparse.Namespace) -> int:
    asks = {name: value for name, value in (("area", asked.area), ("q", asked.search)) if value} if asked.what == "list" else {}
    with service(asked) as api:
        return _kept(api, HOMES, asked, asks)


def device(asked: argparse.Namespace) -> int:
    with service(asked) as api:
        of_home = _of_home(asked)
        match asked.what:
            case "credentials":
                _credentials(api, asked.id, of_home, as_json=asked.json)
            case "shut-out":
                api.call("DELETE", f"/devices/{asked.id}/credentials", query=of_home)
            case "swap":
                _swap(api, asked, of_home)
            case _:
                return _kept(api, DEVICES, asked, of_home)
    return 0


def person(asked: argparse.Namespace) -> int:
    with service(asked) as api:
        return _kept(api, PEOPLE, asked, _of_home(asked))


def _of_home(asked: argparse.Namespace) -> dict[str, str]:
    return {"home": asked.home} if asked.home else {}


def _kept(api: Service, kind: Kind, asked: argparse.Namespace, query: dict[str, str]) -> int:
    """List, add, import or retire."""
    match asked.what:
        case "list":
            return show(api.all(f"/{kind.path}", query), kind.shown, as_json=asked.json)
        case "add":
            _warn(api.call("POST", f"/{kind.path}", body=_given(asked, kind.columns)))
        case "import":
            return _import(api, kind, asked.file, as_json=asked.json)
        case _:
            api.call("DELETE", f"/{kind.path}/{asked.id}", query=query)
    return 0


def _warn(made: Row) -> None:
    """On stderr, what the platform wants told of a device that it took."""
    for warning in msgspec.convert(made.get("warnings", []), list[dict[str, str]]):
        print(f"anju: {warning['zh']} / {warning['en']}", file=sys.stderr)  # noqa: T201


def _swap(api: Service, asked: argparse.Namespace, of_home: dict[str, str]) -> None:
    """The new one takes the old one's place and is heard before the old one is shut out: a home is never without either."""
    old = api.call("GET", f"/devices/{asked.id}", query=of_home)
    fresh: Row = {name: old[name] for name in ("home", "model", "room", "name") if old.get(name)}
    fresh |= {"id": asked.new, **({"model": asked.model} if asked.model else {})}
    _warn(api.call("POST", "/devices", body=fresh))
    _credentials(api, asked.new, {"home": str(old["home"])}, as_json=asked.json)
    at = {"home": str(old["home"])}
    api.call("DELETE", f"/devices/{asked.id}/credentials", query=at)
    api.call("DELETE", f"/devices/{asked.id}", query=at)


def _credentials(api: Service, device_id: str, of_home: dict[str, str], *, as_json: bool) -> None:
    issued = api.call("POST", f"/devices/{device_id}/credentials", body={}, query=of_home)
    if as_json:
        _say(msgspec.json.encode(issued).decode())
    else:
        _say(f"{issued['username']} / {issued['password']} (shown this once)")


def _import(api: Service, kind: Kind, file: Path, *, as_json: bool) -> int:
    """Each line for itself: what is wrong with one keeps no other out. Exit 1 when one was not taken."""
    rows = read(file, kind.columns, kind.needed)
    bar, done, warned, known = Bar(kind.path, len(rows)), Imported(), 0, Known(api, kind)
    for number, row in rows:
        try:
            warned += bool(api.call("POST", f"/{kind.path}", body=row).get("warnings"))
            done.taken += 1
        except Refused as no:
            if no.status == 409 and known.there(row):
                done.there += 1
            else:
                done.refused += 1
                sys.stderr.write(f"anju: {file}:{number}: {no}\n")
        bar.add(1)
    bar.close()
    if as_json:
        _say(msgspec.json.encode(done).decode())
    else:
        _say(f"{done.taken:,} {kind.path} taken, {done.there:,} were there already, {done.refused:,} refused")
    if warned:
        sys.stderr.write(f"anju: {warned:,} of them are not certified; `./anju device list --json` says how each stands\n")
    return int(done.refused > 0)


class Imported(msgspec.Struct):
    taken: int = 0
    there: int = 0
    refused: int = 0


class Known:
    """What is registered: an id that is spent, or taken by another home, is refused in the same way as one that is there."""

    def __init__(self, api: Service, kind: Kind) -> None:
        self._api, self._kind = api, kind
        self._places: set[tuple[object, object]] = set()

    def there(self, row: Row) -> bool:
        """Whether the row's id stands in the row's home. Asks the service again for one that it did not have before."""
        place = row["id"], row.get("home")
        if place not in self._places:
            self._places = {(one["id"], one.get("home")) for one in self._api.all(f"/{self._kind.path}", {})}
        return place in self._places


@contextmanager
def service(asked: argparse.Namespace) -> Iterator[Service]:
    """The API with the right to register. What it refuses is one sentence to whoever asked."""
    if asked.url:
        url, token, own = asked.url.rstrip("/"), _token(asked.token), False
    else:
        url, token, own = *_begun(asked), True
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=15, trust_env=False) as client:
        api = Service(client)
        try:
            if own:
                _taken_in(api)
            yield api
        except Refused as no:
            raise CommandFailed(str(no)) from no
        finally:
            if own:
                with suppress(httpx.HTTPError):  # it ends by itself in ten minutes
                    client.delete("/session")


def _begun(asked: argparse.Namespace) -> tuple[str, str]:
    http = settings_for(asked.config, asked.data).http
    with users_of(asked) as users:
        admins = [one for one in users.all() if one.role is Role.ADMIN and not one.disabled and asked.by in ("", one.name)]
        if not admins:
            nobody = f"{asked.by} is no administrator" if asked.by else "there is no administrator: make one with ./anju user add"
            raise CommandFailed(nobody)
        token, _ = users.begin(admins[0], lasts=LASTS)
    return origin(http.host, http.port), token


def _taken_in(api: Service) -> None:
    end = monotonic() + TAKEN_IN_S
    while True:
        try:
            api.call("GET", "/session")
        except Refused as no:
            if no.status != 401 or monotonic() > end:
                raise
            sleep(0.1)
        else:
            return


def _token(given: str) -> str:
    if not given.startswith(("env:", "file:")):
        raise CommandFailed("--token: env:NAME or file:PATH says where it is")
    try:
        return reveal(given, Path(), os.environ)
    except ValueError as problem:
        raise CommandFailed(f"--token: {problem}") from problem


def _given(asked: argparse.Namespace, columns: tuple[str, ...]) -> Row:
    return typed({name: value for name in columns if (value := getattr(asked, name, ""))})


def _sentence(answer: httpx.Response) -> str:
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return f"the service answered {answer.status_code}"
    return problem.sentence.get("en") or problem.detail or problem.title or f"the service answered {answer.status_code}"


def show(rows: Iterator[Row], columns: tuple[str, ...], *, as_json: bool) -> int:
    found = list(rows)
    if as_json:
        _say(msgspec.json.encode(found).decode())
        return 0
    for row in found:
        _say("\t".join("" if row.get(name) is None else str(row[name]) for name in columns))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
