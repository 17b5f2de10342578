"""A fake of InfluxDB 2's write and query API, strict where its documentation is: the real server is not to be had for these tests.

From the v2 API reference: `POST /api/v2/write` with `org`, `bucket`, `precision`, `Authorization: Token …`, gzip by Content-Encoding; 204,
or a JSON error with `code` and `message` and, for a line that cannot be read, `line`; a body of which a line cannot be read is not
written at all, one with points that the bucket refuses is written without them (422). `POST /api/v2/query` understands the one form of
Flux that Anju asks, word for word, and nothing else: it shows that the question is put and the answer read, not what Flux makes of it.
"""

import gzip
import json
import re
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.patience import PATIENCE_S
from tests.timeseries import Row, store_text

TOKEN, ORG, BUCKET = "a-secret-token", "county", "anju"

Key = tuple[str, tuple[tuple[str, str], ...]]
"""Measurement and tags."""

Refuses = Callable[[str], bool]

_UNIT = {"ns": 1_000_000, "us": 1000, "ms": 1}
_FLUX = re.compile(
    r'from\(bucket: "(?P<bucket>[^"]*)"\)\n'
    r"  \|> range\(start: (?P<start>[0-9T:.Z-]+), stop: (?P<stop>[0-9T:.Z-]+)\)\n"
    r'  \|> filter\(fn: \(r\) => r\._measurement == "(?P<measurement>\w+)" and r\._field == "value"'
    r' and r\.home == "(?P<home>[\w-]*)" and r\.device == "(?P<device>[\w-]*)"\)\n'
    r'  \|> group\(\)\n  \|> sort\(columns: \["_time"\]\)\n'
    r'(?:  \|> aggregateWindow\(every: (?P<every>\d+)ms, offset: (?P<offset>\d+)ms, fn: (?P<fn>mean|min|max|last|count), '
    r'createEmpty: false, timeSrc: "_start"\)\n)?'
    r'  \|> limit\(n: (?P<limit>\d+)\)\n  \|> keep\(columns: \["_time", "_value"\]\)\Z',
)


class LineError(Exception):
    pass


def read_line(line: str) -> tuple[Key, dict[str, float | str | bool], int]:
    """Measurement, tags, fields and timestamp of one line, by the grammar of the reference. Shares nothing with what writes them."""
    head = _split(line, " ")[0]  # quotes mean something in fields alone
    fields, at = _split(line[len(head) + 1 :], " ", most=2, quoted=True)
    measurement, *pairs = _split(head, ",")
    tags = dict(_pair(pair) for pair in pairs)
    if len(tags) != len(pairs) or not measurement or not at.lstrip("-").isdigit():
        raise LineError(f"unable to parse '{line}'")
    return (_plain(measurement), tuple(sorted(tags.items()))), dict(_field(pair) for pair in _split(fields, ",", quoted=True)), int(at)


def _split(text: str, separator: str, *, most: int = 0, quoted: bool = False) -> list[str]:
    pieces, piece, inside, escaped = [], "", False, False
    for character in text:
        if escaped or (character == "\\"):
            escaped = not escaped
            piece += character
        elif character == '"' and quoted:
            inside = not inside
            piece += character
        elif character == separator and not inside:
            pieces.append(piece)
            piece = ""
        else:
            piece += character
    pieces.append(piece)
    if inside or (most and len(pieces) != most):
        raise LineError(f"unable to parse '{text}'")
    return pieces


def _plain(text: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", text)


def _pair(text: str) -> tuple[str, str]:
    name, value = _split(text, "=")[:2] if len(_split(text, "=")) == 2 else ("", "")
    if not name or not value:
        raise LineError(f"unable to parse '{text}': missing tag value")
    return _plain(name), _plain(value)


def _field(text: str) -> tuple[str, float | str | bool]:
    name, _, value = text.partition("=")
    if not name or not value:
        raise LineError(f"unable to parse '{text}': missing field value")
    if value[0] == '"':
        return name, value[1:-1]
    if value in ("t", "T", "true", "f", "F", "false"):
        return name, value[0] in "tT"
    if not re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", value):
        raise LineError(f"unable to parse '{text}': invalid number")
    return name, float(value)


class Influx2Fake:
    """In a thread. `refuses(measurement)` makes a line that can be read be refused all the same, as a type conflict does."""

    def __init__(self) -> None:
        self.points: dict[Key, dict[int, float | str | bool]] = {}
        self.writes = 0
        """Requests to write, all told."""
        self.answers: deque[tuple[int, dict[str, str], dict[str, Any]]] = deque()
        """Given instead, one a request, before anything is looked at."""
        self.after_the_first: tuple[int, dict[str, str], dict[str, Any]] | None = None
        """Given to the second write of all."""
        self.token = TOKEN
        self.bodies: list[int] = []
        """Bytes of each body, unpacked."""
        self.largest = 50_000_000
        self.oldest = 0
        """Of what the bucket keeps, in milliseconds."""
        self.refuses: Refuses = lambda _: False
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                url = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                with fake._lock:
                    status, headers, answer = fake._answer(url.path, query, self.headers, body)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE_S)

    def settings(self, name: str = "bureau", **more: object) -> str:
        values = {"token": "env:ANJU_TEST_TOKEN", "org": ORG, "bucket": BUCKET, **more}
        return store_text(kind="influxdb2", name=name, url=self.url, **values)

    def rows(self, prop: str) -> dict[str, list[Row]]:
        """Everything of one property, by home and device."""
        found: dict[str, list[Row]] = {}
        for (measurement, tags), values in self.points.items():
            if measurement == prop:
                names = dict(tags)
                found.setdefault(f"{names['home']}/{names['device']}", []).extend((at, float(value)) for at, value in values.items())
        return {key: sorted(rows) for key, rows in found.items()}

    def _answer(self, path: str, query: dict[str, str], headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        self.writes += path == "/api/v2/write"
        if self.writes == 2 and self.after_the_first is not None:
            self.answers.append(self.after_the_first)
            self.after_the_first = None
        if self.answers:
            status, more, said = self.answers.popleft()
            return status, more, json.dumps(said).encode()
        if headers["Authorization"] != f"Token {self.token}":
            return _error(401, "unauthorized", "unauthorized access")
        if query.get("org") != ORG:
            return _error(404, "not found", f'organization name "{query.get("org")}" not found')
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if path == "/api/v2/write":
            return self._write(query, body)
        if path == "/api/v2/query":
            return self._query(json.loads(body))
        return _error(404, "not found", "path not found")

    def _write(self, query: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        self.bodies.append(len(body))
        if len(body) > self.largest:
            return _error(413, "request too large", "unable to read data: points batch is too large")
        if query.get("bucket") != BUCKET:
            return _error(404, "not found", f'bucket "{query.get("bucket")}" not found')
        if query.get("precision") not in _UNIT:
            return _error(400, "invalid", "invalid precision; valid precision units are ns, us, ms, and s")
        read = []
        for number, line in enumerate(body.decode().removesuffix("\n").split("\n"), 1):
            try:
                read.append(read_line(line))
            except (LineError, ValueError) as problem:
                return _error(400, "invalid", str(problem), line=number)
        old = sum(at // _UNIT[query["precision"]] < self.oldest for _, _, at in read)
        conflicts = sum(self.refuses(key[0]) for key, _, _ in read)
        for key, fields, at in read:
            if not self.refuses(key[0]) and at // _UNIT[query["precision"]] >= self.oldest:
                self.points.setdefault(key, {})[at // _UNIT[query["precision"]]] = fields["value"]
        if conflicts:
            return _partial(f'field type conflict: input field "value" is type float, already exists as type string dropped={conflicts}')
        return _partial(f"points beyond retention policy dropped={old}") if old else (204, {}, b"")

    def _query(self, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        found = _FLUX.fullmatch(asked["query"])
        if found is None or asked["dialect"] != {"header": True, "annotations": []}:
            return _error(400, "invalid", f"compilation failed: {asked['query']}")
        if found["bucket"] != BUCKET:
            return _error(404, "not found", f"could not find bucket {found['bucket']!r}")
        low, high = (round(datetime.fromisoformat(found[name]).timestamp() * 1000) for name in ("start", "stop"))
        if low >= high:
            return _error(400, "invalid", "cannot query an empty range")
        rows = [row for row in self.rows(found["measurement"]).get(f"{found['home']}/{found['device']}", []) if low <= row[0] < high]
        if found["every"]:
            rows = _windows(rows, int(found["every"]), int(found["offset"]), found["fn"], low)
        whole = found["fn"] == "count"
        text = ",result,table,_time,_value\r\n" if rows else "\r\n"
        for at, value in rows[: int(found["limit"])]:
            stamp = datetime.fromtimestamp(at / 1000, UTC).isoformat().replace("+00:00", "Z")
            text += f",_result,0,{stamp},{int(value) if whole else value}\r\n"
        return 200, {"Content-Type": "text/csv; charset=utf-8"}, text.encode()


def _windows(rows: list[Row], every: int, offset: int, function: str, low: int) -> list[Row]:
    """The first window begins where the range does."""
    windows: dict[int, list[float]] = {}
    for at, value in rows:
        windows.setdefault(max(at - (at - offset) % every, low), []).append(value)
    reckon: dict[str, Callable[[list[float]], float]] = {
        "mean": lambda values: sum(values) / len(values), "min": min, "max": max, "last": lambda values: values[-1], "count": len,
    }  # fmt: skip
    return [(at, reckon[function](values)) for at, values in windows.items()]


def _error(status: int, code: str, message: str, **more: Any) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json; charset=utf-8"}, json.dumps({"code": code, "message": message, **more}).encode()


def _partial(reason: str) -> tuple[int, dict[str, str], bytes]:
    return _error(422, "unprocessable entity", f"failure writing points to database: partial write: {reason}")
