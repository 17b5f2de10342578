"""A stand-in for the service, for the operator's page alone: it speaks the outer contract and does as a test tells it.

It is a fixture, not an implementation: one user, an invented community, no rules, no disk. What stands behind it is in `page_desk`.

`python -m tests.page_server [PORT]` serves it by hand, with alerts of every kind.
"""

import json
import re
import sys
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from gateway.web.edge import SECURITY
from tests.page_community import Json, stamp
from tests.page_desk import Desk, a_busy_night, problem
from tests.patience import PATIENCE_S

STATIC = Path(__file__).parents[1] / "gateway" / "web" / "static"
PASSWORD = "night watch"
CSP = SECURITY["Content-Security-Policy"]
DISPOSITIONS: list[Json] = [
    {"code": code, "title": {"zh": zh, "en": code.replace("_", " ").capitalize()}}
    for code, zh in {
        "real_emergency": "真实险情", "assistance_given": "已提供帮助", "false_cooking": "误报：做饭", "false_device": "误报：设备",
        "false_person": "误报：误碰", "test": "测试",
    }.items()
]  # fmt: skip
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class _Handler(BaseHTTPRequestHandler):
    server: "PageServer"
    protocol_version = "HTTP/1.1"

    @property
    def desk(self) -> Desk:
        return self.server.desk

    def log_message(self, *_: object) -> None:
        """Quiet: the test says what matters."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.desk.answering:
            self.close_connection = True
            return
        if not url.path.startswith("/api/v1/"):
            self._static(url.path)
            return
        path = unquote(url.path.removeprefix("/api/v1"))
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if path == "/login":
            self._json(200, self.desk.login)
        elif path == "/session" and method != "GET":
            self._session(method, json.loads(body or b"{}"))
        elif "anju_session=yes" not in self.headers.get("Cookie", ""):
            self._json(*problem(401, "请先登录", "log in first"))
        elif path == "/stream":
            self._stream()
        else:
            answer = self._api(method, path, query, json.loads(body or b"{}"))
            with self.desk.changed:
                late = self.desk.answered_late.pop(f"{method} {path}", None)
                self.desk.changed.notify_all()
            if late is not None:
                late.wait(timeout=PATIENCE_S)
            self._json(*answer)

    def _session(self, method: str, body: Json) -> None:
        if method == "DELETE":
            self._json(204, None, {"Set-Cookie": "anju_session=; Max-Age=0; Path=/"})
        elif body == {"username": self.desk.user, "password": PASSWORD}:
            self._json(200, {"token": "t"}, {"Set-Cookie": "anju_session=yes; HttpOnly; SameSite=Strict; Path=/"})
        else:
            self._json(*problem(401, "用户名或密码不对", "wrong user name or password"))

    def _api(self, method: str, path: str, query: dict[str, str], body: Json) -> tuple[int, Json]:
        desk = self.desk
        if path == "/session":
            me: Json = {"username": desk.user, "role": "operator", "rights": ["read", "act"], "expires_at": None}
            return 200, me | {"timezone": desk.login["timezone"]}
        if path == "/alerts":
            found = [a | {"welfare": None} for a in desk.alerts.values() if a["status"] != "closed"]
            return 200, {"items": found, "next": None}
        if path == "/dispositions":
            return 200, {"items": DISPOSITIONS, "next": None}
        if path == "/telemetry":
            start, end = (datetime.fromisoformat(query[name]) for name in ("start", "end"))
            found = desk.sampled(query["property"], max(start, desk.sampled_from), min(end, desk.now()))
            return 200, {"items": found, "next": None}
        if path == "/models":
            return 200, {"items": [{"id": "SR-PC01", "name": "拉绳报警器", "name_en": "Pull cord"}], "next": None}
        if path == "/users/names" and desk.colleagues is not None:
            return 200, {"items": desk.colleagues, "next": None}
        if path == "/reports/homes" and desk.today is not None:
            return 200, desk.today
        if path == "/homes":
            found = [h for h in desk.homes.values() if query["q"] in json.dumps(h, ensure_ascii=False)]
            lines = [{name: h[name] for name in ("id", "name", "address", "area", "area_name", "phone", "access", "note")} for h in found]
            return 200, {"items": lines, "next": None}
        if path == "/modes":
            modes = [h["mode"] for h in desk.homes.values()]
            return 200, {"items": [m for m in modes if isinstance(m, dict) and m["ending"]], "next": None}
        if match := re.fullmatch(r"/homes/([^/]+)/mode", path):
            return desk.set_mode(match[1], body if method == "POST" else None)
        if match := re.fullmatch(r"/homes/([^/]+)/timeline", path):
            return 200, {"items": desk.arranged.get(match[1], []), "next": None}
        if match := re.fullmatch(r"/homes/([^/]+)", path):
            desk.homes_read.append(match[1])
            return 200, desk.homes[match[1]]
        if match := re.fullmatch(r"/alerts/([^/]+)", path):
            return 200, desk.alerts[match[1]]
        if method == "POST" and (match := re.fullmatch(r"/alerts/([^/]+)/welfare/([^/]+)", path)):
            return desk.mark(match[1], match[2], body)
        if method == "POST" and (match := re.fullmatch(r"/alerts/([^/]+)/(\w+)", path)):
            if desk.unanswering:
                return problem(503, "告警进程没有应答", "the alarm process does not answer")
            key = self.headers.get("Idempotency-Key", "")
            if key not in desk.keys_seen:
                desk.keys_seen[key] = desk.act(match[1], match[2], body)
            return desk.keys_seen[key]
        return problem(404, "没有这个地址", "there is nothing at this address")

    def _json(self, status: int, answer: Json | None, headers: dict[str, str] | None = None) -> None:
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _static(self, path: str) -> None:
        file = (STATIC / ("index.html" if path == "/" else path.removeprefix("/static/"))).resolve()
        if not file.is_file() or not file.is_relative_to(STATIC):
            self._json(*problem(404, "没有这个地址", "there is nothing at this address"))
            return
        body = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", TYPES.get(file.suffix, "application/octet-stream"))
        self.send_header("Content-Security-Policy", CSP)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        desk = self.desk
        generation = desk.generation
        last = self.headers.get("Last-Event-ID", "")
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        position = int(last or desk.seq)
        if last:
            desk.resumed_from.append(last)
        try:
            if position < desk.oldest:
                position = desk.seq
                self._event("reset", position, {})
            beat_at = monotonic()
            while desk.generation == generation:
                for seq, record in [e for e in desk.events if e[0] > position]:
                    self._event("alert", seq, record | {"welfare": None})
                    position = seq
                if monotonic() >= beat_at and not desk.silent:
                    self._event("beat", position, {"now": stamp(desk.now()), "seq": desk.seq} | desk.beat)
                    beat_at = monotonic() + desk.beat_s
                with desk.changed:
                    if desk.generation == generation and desk.seq == position:
                        desk.changed.wait(timeout=0.1)
        except OSError:
            return

    def _event(self, name: str, position: int, data: Json) -> None:
        self.wfile.write(f"event: {name}\nid: {position}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode())
        self.wfile.flush()


class PageServer(ThreadingHTTPServer):
    """Serves a desk on a free loopback port until the `with` block ends; the next test may put another desk in its place."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, desk: Desk, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.desk = desk
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.desk.sever()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that closes a connection in the middle is no error here; anything else is one of this fixture's own."""
        problem = sys.exc_info()[1]
        if not isinstance(problem, OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


if __name__ == "__main__":
    shown = Desk(beat_s=5)
    a_busy_night(shown)
    with PageServer(shown, int(sys.argv[1]) if len(sys.argv) > 1 else 0) as server:
        print(f"{server.url}  {shown.user} / {PASSWORD}")
        threading.Event().wait()
