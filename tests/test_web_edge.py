"""What comes at the web process from outside: pages, documents, watchers, and everything malformed."""

import hashlib
import json
import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from gateway.web.pages import STATIC
from tests.patience import PATIENCE_S
from tests.web_desk import ADMIN, Service, service


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("edge") / "data") as running:
        running.register()
        yield running


@pytest.fixture
def outside(desk: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=desk.web.url, trust_env=False, timeout=PATIENCE_S) as client:
        yield client


def raw(desk: Service, request: bytes) -> bytes:
    """The answer to bytes as they stand, until the connection is closed or quiet."""
    answer = b""
    with socket.create_connection(("127.0.0.1", desk.web.port), timeout=PATIENCE_S) as line:
        line.sendall(request)
        try:
            while piece := line.recv(65536):
                answer += piece
                if b"\r\n\r\n" in answer and b"Connection: keep-alive" not in request:
                    line.settimeout(0.3)
        except TimeoutError:
            pass
    return answer


# --- pages -----------------------------------------------------------------------------------------------------------------------


def test_the_console_is_served_with_a_policy_that_lets_nothing_else_in(outside: httpx.Client) -> None:
    page = outside.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "<script>" not in page.text


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/static/js/main.js", "text/javascript"),
        ("/static/vendor/htm/standalone.module.js", "text/javascript"),
        ("/static/vendor/uplot/uPlot.min.css", "text/css"),
        ("/static/icons.svg", "image/svg+xml"),
        ("/favicon.ico", "image/svg+xml"),
    ],
)
def test_files_are_typed_and_asked_for_again_only_when_they_changed(outside: httpx.Client, path: str, kind: str) -> None:
    first = outside.get(path)
    assert first.status_code == 200
    assert first.headers["content-type"].startswith(kind)
    assert first.headers["cache-control"] == "no-cache"
    again = outside.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code in (200, 304)
    if path.startswith("/static/"):
        assert again.status_code == 304
        assert again.content == b""


BESIDE = ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2f..%2f..%2fetc/passwd", "/static/", "/static/nothing.js"]


@pytest.mark.parametrize("path", BESIDE)
def test_nothing_beside_the_pages_is_served(desk: Service, path: str) -> None:
    answer = raw(desk, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"import" not in answer


def test_the_documentation_needs_no_other_server(outside: httpx.Client) -> None:
    page = outside.get("/docs")
    assert "http" not in page.text.replace("<!doctype html>", "")
    for path in ("/static/vendor/swagger-ui/swagger-ui-bundle.js", "/static/vendor/swagger-ui/swagger-ui.css", "/docs/start.js"):
        assert path in page.text
        assert outside.get(path).status_code == 200


def test_the_documentations_files_are_those_of_the_package() -> None:
    record = tomllib.loads((STATIC / "vendor" / "VENDOR.toml").read_text())
    (package,) = [p for p in record["package"] if p["name"] == "swagger-ui-dist"]
    for name, digest in package["files"].items():
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest


def test_openapi_describes_every_call_with_types(outside: httpx.Client) -> None:
    document = outside.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    calls = {
        "/api/v1/session": "post get delete", "/api/v1/alerts": "get", "/api/v1/alerts/{alert_id}": "get", "/api/v1/stream": "get",
        "/api/v1/areas": "get post", "/api/v1/areas/{area_id}": "get patch delete", "/api/v1/homes": "get post",
        "/api/v1/homes/{home_id}": "get patch delete", "/api/v1/people": "get post", "/api/v1/people/{person_id}": "get patch delete",
        "/api/v1/devices": "get post", "/api/v1/devices/{device_id}": "get patch delete",
        "/api/v1/devices/{device_id}/credentials": "post delete", "/api/v1/telemetry": "get", "/api/v1/silences": "get post",
        "/api/v1/silences/{silence_id}": "delete", "/api/v1/quarantine": "get", "/api/v1/dispositions": "get",
        "/api/v1/reports/answering": "get", "/api/v1/users": "get post", "/api/v1/users/{username}": "patch",
    }  # fmt: skip
    for action in ("claim", "acknowledge", "note", "hold", "escalate", "transfer", "respond", "close"):
        calls[f"/api/v1/alerts/{{alert_id}}/{action}"] = "post"
    for path, methods in calls.items():
        assert set(methods.split()) <= set(document["paths"][path]), path
    for path, methods in document["paths"].items():
        for method, call in methods.items():
            good = [answer for status, answer in call["responses"].items() if status.startswith("2") and status != "204"]
            for answer in good:
                content = answer.get("content", {})
                if "application/json" in content and path != "/metrics":
                    assert content["application/json"]["schema"], (method, path)
    alert = document["components"]["schemas"]["AlertShape"]["properties"]
    assert alert["raised_at"] == {"type": "string", "format": "date-time", "title": "Raised At"}


# --- those who watch --------------------------------------------------------------------------------------------------------------


def test_health_and_readiness_need_no_log_in(outside: httpx.Client) -> None:
    assert outside.get("/healthz").json() == {"status": "alive"}
    ready = outside.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["ready"] is True
    assert ready.json()["problems"] == []


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_monitor_that_asks_for_the_head_alone_gets_the_same_answer_without_a_body(outside: httpx.Client, path: str) -> None:
    whole, head = outside.get(path), outside.head(path)
    assert (head.status_code, head.content) == (whole.status_code, b"")


def test_metrics_tell_of_both_processes_here_and_need_a_token_from_elsewhere(desk: Service, outside: httpx.Client) -> None:
    desk.pull_cord()
    text = outside.get("/metrics").text
    for name in (
        "anju_ready 1.0", "anju_alarm_up 1.0", "anju_mqtt_connections 3.0", "anju_commits_total 1.0", "anju_homes 1.0",
        'anju_alerts_open{priority="1",status="triggered"} 1.0', "anju_http_requests_total{",
    ):  # fmt: skip
        assert name in text, name
    proxied = outside.get("/metrics", headers={"X-Forwarded-For": "10.0.0.9"})
    assert proxied.status_code == 401
    told = outside.get("/metrics", headers={"X-Forwarded-For": "10.0.0.9", "Authorization": f"Bearer {desk.web.tokens[ADMIN]}"})
    assert told.status_code == 200


# --- everything malformed -----------------------------------------------------------------------------------------------------------

BAD_BODIES = [
    (b"", 422), (b"{", 400), (b"nonsense", 400), (b'{"id": "x", "name": "x"', 400), (b"\xff\xfe", 400), (b"[]", 422), (b"7", 422),
    (b"null", 422), (b'"text"', 422), (b'{"id": {"$ne": 1}, "name": "x"}', 422), (b'{"id": "x", "name": "\\ud800"}', 422),
    (b'{"id": "x", "name": NaN}', 422), (b"[" * 100_000, 400), (b'{"id": "x", "name": "' + b"y" * 5000 + b'"}', 422),
    (b'{"id": ' + b"9" * 5000 + b', "name": "x"}', 422),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status"), BAD_BODIES)
def test_a_body_that_is_no_good_is_refused_in_words(desk: Service, body: bytes, status: int) -> None:
    answer = desk.admin.post("/areas", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (status, 400), answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["sentence"]["zh"]
    assert "Traceback" not in answer.text


def test_a_body_over_a_mebibyte_is_refused_before_it_is_read(desk: Service) -> None:
    head = f"POST /api/v1/areas HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {desk.web.tokens[ADMIN]}\r\nContent-Type: application/json\r\n"
    answer = raw(desk, f"{head}Content-Length: 2000000\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in answer
    for nonsense in ("-5", "many", "1" * 40):
        assert raw(desk, f"{head}Content-Length: {nonsense}\r\n\r\n".encode()).startswith((b"HTTP/1.1 4", b"")), nonsense


def test_a_body_that_is_wrong_a_thousand_times_is_refused_in_an_answer_that_can_be_read(desk: Service) -> None:
    wrong = {"id": "many", "home": "home-1", "model": "cord", "exposes": ["x"] * 5000, "y" * 100_000: 1}
    answer = desk.admin.post("/devices", json=wrong)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "exposes.0")
    assert "4991" in answer.json()["sentence"]["zh"], "how many are left out"
    assert len(answer.content) < 32_768


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"days": [99]}, "days.0（不得大于 31）"),
        ({"at": "9am"}, "at（格式不对）"),
        ({"errand": "tea"}, "errand（须为 'greeting', 'check_in', 'visit', 'device_test' 或 'prompt'）"),
        ({"within_minutes": "soon"}, "within_minutes（须为整数）"),
        ({"day": "soon"}, "day（须为日期）"),
        ({"who": "x" * 201}, "who（最多 200 个字符）"),
        ({"evry": "day", "home": None}, "home（须为文字）、evry（没有此项）"),
    ],
)
def test_what_is_wrong_with_each_field_is_said_in_chinese_too(desk: Service, wrong: dict[str, object], said: str) -> None:
    body = {"home": "home-1", "errand": "visit", "every": "day", "at": "09:00"} | wrong
    answer = desk.operator.post("/care-plans", json=body)
    assert (answer.status_code, answer.json()["sentence"]["zh"]) == (422, f"以下内容有误：{said}")


def test_a_body_that_hides_its_length_is_counted(desk: Service) -> None:
    def pieces(count: int) -> Iterator[bytes]:
        yield b'{"id": "chunked", "name": "'
        for _ in range(count):
            yield b"y" * 1024
        yield b'"}'

    headers = {"Content-Type": "application/json"}
    assert desk.admin.post("/areas", content=pieces(1100), headers=headers).status_code == 413
    assert desk.admin.post("/areas", content=pieces(1), headers=headers).status_code == 422
    assert desk.admin.post("/areas", content=iter([b'{"id": "chunked", ', b'"name": "x"}']), headers=headers).status_code == 201


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/nothing", "/api/v2/alerts", "/api/v1/", "/api/v1/alerts/a/b/c"])
def test_an_address_that_is_not_there_is_told_as_a_problem(desk: Service, path: str) -> None:
    answer = desk.admin.get(desk.web.url + path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_a_method_that_is_not_there_is_told_as_a_problem(desk: Service) -> None:
    answer = desk.admin.put("/alerts", json={})
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["allow"]


@pytest.mark.parametrize("path", ["/session", "/dispositions", "/models", "/users", "/alerts/x", "/homes/x", "/silences/x", "/areas/x"])
def test_a_parameter_that_nobody_knows_is_named(desk: Service, path: str) -> None:
    method = "DELETE" if path == "/silences/x" else "GET"
    answer = desk.admin.request(method, path, params={"colour": "red"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "colour"


LISTS = ["/alerts", "/homes", "/areas", "/people", "/devices", "/silences", "/quarantine"]
CURSORS = ["!", "%00", "bnVsbA", "e30", "W10", "WzEsMSwxLDFd", "MTIz", "Ing", "InhcdWQ4MDAi", "x" * 900, "x" * 2000, "-1", "ICA"]


@pytest.mark.parametrize("path", LISTS)
def test_any_cursor_is_a_page_or_a_refusal_and_never_a_fault_of_ours(desk: Service, path: str) -> None:
    for cursor in CURSORS:
        assert desk.admin.get(path, params={"cursor": cursor}).status_code in (200, 422), cursor
    for limit in ("0", "-1", "1e3", "many", "", "1001", "9" * 400):
        assert desk.admin.get(path, params={"limit": limit}).status_code == 422, limit


ODD = ["", " ", "\0", "%", "'; DROP TABLE alert; --", "../..", "陈", "🏠", "x" * 2000, "null", "[]", "{}", "-1", "1e400"]


def test_odd_values_anywhere_are_answered_without_a_fault_of_ours(desk: Service) -> None:
    document = httpx.get(f"{desk.web.url}/openapi.json", trust_env=False, timeout=PATIENCE_S).json()
    for path, methods in document["paths"].items():
        if not path.startswith("/api/v1/") or path.endswith(("/stream", "/session")):
            continue
        for method, call in methods.items():
            for odd in ODD:
                address = path
                for parameter in call.get("parameters", ()):
                    if parameter["in"] == "path":
                        address = address.replace("{" + parameter["name"] + "}", quote(odd or "-", safe=""))
                query = {p["name"]: odd for p in call.get("parameters", ()) if p["in"] == "query"}
                body = None if "requestBody" not in call else json.dumps({"id": odd, "name": odd, "reason": odd, "minutes": odd})
                answer = desk.admin.request(
                    method, desk.web.url + address, params=query, content=body, headers={"Content-Type": "application/json"},
                )  # fmt: skip
                assert answer.status_code < 500, (method, address, odd, answer.text)


def test_garbage_on_the_line_harms_nobody(desk: Service) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00", b"\0" * 1000, b"GET / HTTP/9.9\r\n\r\n", b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n"):
        raw(desk, garbage)
    assert desk.admin.get("/alerts").status_code == 200


def test_a_data_folder_of_an_earlier_life_is_no_hindrance(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running:
        running.register()
        assert (tmp_path / "data" / "users.db").stat().st_mode & 0o077 == 0
