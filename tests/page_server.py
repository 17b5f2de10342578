"""A stand-in for the service, for the operator's page alone: it speaks the outer contract and does as a test tells it.

It is a fixture, not an implementation: one user, an invented community, no rules, no disk. What it offers beyond the contract are the
misfortunes: `sever()` the connections, fall `silent`, forget positions (`forget()`), claim behind the page's back.

`python -m tests.page_server [PORT]` serves it by hand, with alerts of every kind.
"""

import json
import re
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from gateway.web.edge import SECURITY
from tests.page_community import AREA, AREA_NAME, KINDS, Json, at_home, home_name, homes, resident, samples, stamp
from tests.patience import PATIENCE_S

STATIC = Path(__file__).parents[1] / "gateway" / "web" / "static"
PASSWORD = "night watch"
NIGHT = datetime(2026, 11, 21, 19, 12, 5, tzinfo=UTC)
"""03:12:05 in the county: the service's clock is not the browser's, and the page must follow the service's."""
CSP = SECURITY["Content-Security-Policy"]
OPEN_ACTIONS = ["claim", "acknowledge", "note", "hold", "escalate", "transfer", "respond", "close"]
DISPOSITIONS: list[Json] = [
    {"code": code, "title": {"zh": zh, "en": code.replace("_", " ").capitalize()}}
    for code, zh in {
        "real_emergency": "真实险情", "assistance_given": "已提供帮助", "false_cooking": "误报：做饭", "false_device": "误报：设备",
        "false_person": "误报：误碰", "test": "测试",
    }.items()
]  # fmt: skip
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Desk:
    """The state behind the page, and the switches of the test."""

    def __init__(self, *, user: str = "zhangmin", beat_s: float = 1.0) -> None:
        self.user, self.beat_s = user, beat_s
        self.homes = homes()
        self.alerts: dict[str, Json] = {}
        self.events: list[tuple[int, Json]] = []
        self.oldest = 0
        self.seq = 100
        self.changed = threading.Condition()
        self.generation = 0
        self.answering = True
        self.silent = False
        self.unanswering = False
        """The alarm process does not answer commands: 503, and nobody knows whether they will be done."""
        self.beat: Json = {"alarm_process": "up", "ready": True, "problems": []}
        self.login: Json = {"demo_username": None, "demo_password": None, "timezone": "Asia/Shanghai"}
        self.colleagues: list[Json] | None = [{"username": user, "role": "operator"}]
        """Who works here; None: a service that does not tell."""
        self.today: Json | None = None
        self.arranged: dict[str, list[Json]] = {}
        """What was arranged for a home, the latest first."""
        self.sampled = samples
        """What the homes' devices measured: a test may put its own here."""
        self.sampled_from = NIGHT - timedelta(days=30)
        """Nothing is recorded before."""
        self.answered_late: dict[str, threading.Event] = {}
        """By method and path: an answer is made up at once, and sent when the event is set."""
        self.homes_read: list[str] = []
        self.resumed_from: list[str] = []
        self.keys_seen: dict[str, tuple[int, Json]] = {}
        self._start = monotonic()

    def now(self) -> datetime:
        return NIGHT + timedelta(seconds=monotonic() - self._start)

    def set_mode(self, home: str, body: Json | None) -> tuple[int, Json]:
        """As the service does; None ends it."""
        if body is None:
            mode = self.homes[home]["mode"] = at_home(home)
            said = ("结束外出模式", "ended it")
        elif datetime.fromisoformat(str(body["until"])) <= self.now():
            return _problem(409, "模式须在将来结束", "a mode ends in the future")
        else:
            mode = self.homes[home]["mode"] = at_home(home) | body | {"since": stamp(self.now()), "by": self.user}
            said = ("设为外出", "set the home to away")
        entry: Json = {"seq": 1, "at": stamp(self.now()), "kind": "mode_set", "by": self.user, "text": f"{self.user} {said[0]}"}
        self.arranged.setdefault(home, []).insert(0, entry | {"text_en": f"{self.user} {said[1]}", "data": {}})
        return 200, mode

    def raise_alert(self, category: str, home: str | None, *, ago_s: float = 0, room: str = "", **changes: object) -> str:
        priority, title, title_en, reason, reason_en, property_, device = KINDS[category]
        at = self.now() - timedelta(seconds=ago_s)
        alert = f"a-{len(self.alerts) + 1:03d}"
        record: Json = {
            "id": alert, "home": home, "home_name": home_name(home) if home else "",
            "residents": [resident(home)] if home else [],
            "area": AREA, "area_name": AREA_NAME, "device": f"{home}-{device}" if home else None, "room": room, "category": category,
            "priority": priority, "status": "triggered", "origin": "real", "title": title, "title_en": title_en, "reason": reason,
            "reason_en": reason_en, "rule": category, "rule_version": "1", "policy": "default",
            "raised_at": stamp(at), "last_at": stamp(at),
            "repeats": 0, "cleared_at": None, "cancelled_at": None, "claimed_by": None, "claimed_at": None, "first_claimed_at": None,
            "acknowledged_by": None,
            "acknowledged_at": None, "held_until": None, "held_reason": "", "transferred_to": "", "step": 0, "round": 0,
            "next_step_at": stamp(at + timedelta(seconds=max(60, ago_s + 37))), "responders": [], "closed_at": None, "closed_by": None,
            "disposition": None, "silenced_by": None, "folded_into": None, "stored": True, "timeline": [], "timeline_count": 0,
            "evidence": [{
                "device": f"{home}-{device}", "report": "01J", "at": stamp(at), "received_at": stamp(at), "property": property_,
                "value": 38 if property_ == "heart_rate" else True, "clock_suspect": False, "raw": None, "raw_encoding": None,
            }],
            "allowed_actions": OPEN_ACTIONS,
        }  # fmt: skip
        with self.changed:
            self._tell(record, "raised", None, reason, reason_en, at=at)
            targets: Json = {"step": 0, "targets": ["desk", "family-1"]}
            self._tell(record, "step_reached", None, "升级到第 1 步", "step 1 was due", at=at, data=targets)
            record |= changes
            self._publish(record)
        return alert

    def raise_outage(self, homes: tuple[str, ...]) -> str:
        """An area's alert with a list of homes, a technical alert of each folded into it."""
        rows = [self._listed(home, number) for number, home in enumerate(homes)]
        said = {"title": f"安和社区：{len(homes)} 户断电", "title_en": f"安和社区: {len(homes)} homes without mains"}
        title, title_en = said["title"], said["title_en"]
        alert = self.raise_alert("technical", None, ago_s=700, priority=2, next_step_at=None, evidence=[], title=title, title_en=title_en)
        self.change(alert, welfare=rows, welfare_counts=_counts(rows), welfare_next=None)
        for home in homes:
            self.raise_alert("technical", home, ago_s=690, folded_into=alert, next_step_at=None)
        return alert

    def _listed(self, home: str, number: int) -> Json:
        record = self.homes[home]
        residents = record["residents"]
        assert isinstance(residents, list)
        year, medical = residents[0]["birth_year"], str(residents[0]["medical"])
        risk = ["life_support"] * ("氧" in medical) + ["medical"] * bool(medical) + ["old"] * (2026 - year >= 80) + ["alone"]
        return {
            "home": home, "home_name": record["name"], "area_name": AREA_NAME, "residents": [resident(home)], "phone": record["phone"],
            "age": 2026 - year, "risk": risk, "dark": "mains", "dark_since": stamp(self.now() - timedelta(seconds=700 - number)),
            "back_at": None, "last_sign_at": stamp(self.now() - timedelta(minutes=number)), "result": None, "checked_at": None,
            "checked_by": None, "note": "", "open_alerts": [],
        }  # fmt: skip

    def mark(self, alert: str, home: str, body: Json) -> tuple[int, Json]:
        """As the service does: who was found safe stands last."""
        with self.changed:
            record = dict(self.alerts[alert])
            rows = record["welfare"]
            assert isinstance(rows, list)
            found = {"result": body["result"], "checked_at": stamp(self.now()), "checked_by": self.user}
            rows = [row | found if row["home"] == home else row for row in rows]
            rows.sort(key=lambda row: {"needs_help": 0, None: 1, "no_answer": 1, "visit": 2, "safe": 3}[row["result"]])
            record |= {"welfare": rows, "welfare_counts": _counts(rows)}
            self._tell(record, "welfare_noted", self.user, home, home, data={"home": home, "result": body["result"], "note": ""})
            self._publish(record)
            return 200, next(row for row in rows if row["home"] == home)

    def change(self, alert: str, **changes: object) -> None:
        """What others do to it: another operator, the world, the clock."""
        with self.changed:
            self._publish(self.alerts[alert] | changes)

    def act(self, alert: str, action: str, body: Json) -> tuple[int, Json]:
        with self.changed:
            known = self.alerts.get(alert)
            if known is None:
                return _problem(404, "没有这条求助", "there is no such alert")
            record = dict(known)
            if record["status"] == "closed":
                return _problem(409, "这条求助已经关闭。", "This alert is already closed.")
            if action == "claim" and record["claimed_by"] == self.user:
                return _problem(409, "这条求助已在你手中。", "You already have this alert.")
            self._carry_out(record, action, body)
            self._publish(record)
            return 200, record

    def _carry_out(self, record: Json, action: str, body: Json) -> None:
        at = stamp(self.now())
        kind = {"claim": "claimed", "acknowledge": "acknowledged", "note": "noted", "hold": "held", "escalate": "escalated"}
        kind |= {"transfer": "transferred", "respond": "help_reported", "close": "closed"}
        data = dict(body)
        match action:
            case "claim":
                data = {"taken_over_from": record["claimed_by"]}
                record |= {"claimed_by": self.user, "claimed_at": at}
            case "acknowledge":
                record |= {"claimed_by": self.user, "acknowledged_by": self.user, "acknowledged_at": at, "status": "acknowledged"}
                record["next_step_at"] = None
            case "hold":
                until = stamp(self.now() + timedelta(minutes=float(str(body["minutes"]))))
                data["until"] = record["held_until"] = until
            case "transfer":
                record |= {"transferred_to": body["to"], "claimed_by": None}
            case "respond":
                responders = record["responders"]
                assert isinstance(responders, list)
                record["responders"] = [*responders, {"name": body["responder"], "stage": body["stage"], "at": at}]
            case "close":
                record |= {"status": "closed", "closed_at": at, "closed_by": self.user, "disposition": body["disposition"]}
                record |= {"allowed_actions": ["note"], "next_step_at": None}
            case _:
                pass
        self._tell(record, kind[action], self.user, action, action, data=data)

    def _tell(
        self, record: Json, kind: str, by: str | None, text: str, text_en: str, *, at: datetime | None = None, data: Json | None = None
    ) -> None:
        timeline = record["timeline"]
        assert isinstance(timeline, list)
        self.seq += 1
        said = {"kind": kind, "by": by, "text": text, "text_en": text_en, "data": data or {}}
        line = {"seq": self.seq, "at": stamp(at or self.now())} | said
        record["timeline"] = [*timeline, line]
        record["timeline_count"] = len(timeline) + 1

    def _publish(self, record: Json) -> None:
        self.seq += 1
        self.alerts[str(record["id"])] = record
        self.events.append((self.seq, record))
        self.changed.notify_all()

    def sever(self) -> None:
        """Every connection ends, and nobody answers until `mend()`."""
        with self.changed:
            self.answering = False
            self.generation += 1
            self.changed.notify_all()

    def mend(self) -> None:
        self.answering = True

    def forget(self) -> None:
        """No position before now is known any more: a page that resumes is told to load anew."""
        self.oldest = self.seq + 1
        self.events.clear()


def _counts(rows: list[Json]) -> Json:
    dark = [row for row in rows if row["back_at"] is None]
    return {"homes": len(rows), "dark": len(dark), "unchecked": sum(row["result"] in (None, "no_answer") for row in dark)}


def _problem(status: int, zh: str, en: str) -> tuple[int, Json]:
    sentence = {"zh": zh, "en": en}
    return status, {"type": "about:blank", "title": "Refused", "status": status, "detail": en, "sentence": sentence, "errors": []}


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
            self._json(*_problem(401, "请先登录", "log in first"))
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
            self._json(*_problem(401, "用户名或密码不对", "wrong user name or password"))

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
                return _problem(503, "告警进程没有应答", "the alarm process does not answer")
            key = self.headers.get("Idempotency-Key", "")
            if key not in desk.keys_seen:
                desk.keys_seen[key] = desk.act(match[1], match[2], body)
            return desk.keys_seen[key]
        return _problem(404, "没有这个地址", "there is nothing at this address")

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
            self._json(*_problem(404, "没有这个地址", "there is nothing at this address"))
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


def a_busy_night(desk: Desk) -> None:
    """An alert of every kind and in every state."""
    soon = stamp(desk.now() + timedelta(minutes=9))
    now = stamp(desk.now())
    desk.raise_alert("fire", "h-0101", ago_s=131, room="kitchen", claimed_by="liwei", repeats=3)
    mine = {"claimed_by": desk.user, "acknowledged_by": desk.user, "status": "acknowledged", "acknowledged_at": now, "next_step_at": None}
    desk.raise_alert("fall", "h-0603", ago_s=96, room="living_room", **mine)
    desk.raise_alert("call_for_help", "h-0402", ago_s=42, room="bathroom", repeats=2)
    desk.raise_alert("gas", "h-0202", ago_s=12, room="kitchen", stored=False)
    desk.raise_alert("inactivity", "h-0304", ago_s=1290, held_until=soon, next_step_at=None, claimed_by=desk.user)
    desk.raise_alert("health", "h-0501", ago_s=75, room="bedroom")
    desk.raise_alert("wandering", "h-0102", ago_s=64, room="hall", transferred_to="lead")
    desk.raise_alert("water", "h-0701", ago_s=340, room="bathroom", cleared_at=now)
    desk.raise_alert("intrusion", "h-0203", ago_s=510, room="hall", cancelled_at=now)
    desk.raise_alert("technical", "h-0601", ago_s=30_400, room="bathroom", silenced_by="s-1", next_step_at=None)
    desk.raise_alert("technical", None, ago_s=700, title="片区 37 户断电", title_en="37 homes without mains", next_step_at=None)
    desk.raise_alert("technical", "h-0402", ago_s=93_000, room="bathroom", next_step_at=None)


if __name__ == "__main__":
    shown = Desk(beat_s=5)
    a_busy_night(shown)
    with PageServer(shown, int(sys.argv[1]) if len(sys.argv) > 1 else 0) as server:
        print(f"{server.url}  {shown.user} / {PASSWORD}")
        threading.Event().wait()
