"""Who gets in, who may what, and who is kept out."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from alerting.registry_facts import HomeRegistered, PersonRegistered
from gateway.clock import MACHINE
from gateway.store.journal import Reader
from gateway.web.auth import RIGHTS, Right, Throttle, Turnstile
from gateway.web.users import NameTaken, Role, Users
from tests.patience import PATIENCE_S
from tests.web_alarm import HOME
from tests.web_desk import ADMIN, OPERATOR, PASSWORD, Service, service, until


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("auth") / "data") as running:
        running.register()
        yield running


@pytest.fixture
def browser(desk: Service) -> httpx.Client:
    """Keeps cookies, as a browser does."""
    return desk.web.client("")


def log_in(client: httpx.Client, username: str = OPERATOR, password: str = PASSWORD) -> httpx.Response:
    return client.post("/session", json={"username": username, "password": password})


def test_a_log_in_gives_a_cookie_and_the_same_session_as_a_token(desk: Service, browser: httpx.Client) -> None:
    answer = log_in(browser)
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert answer.json()["role"] == "operator"
    assert browser.get("/session").json() == {
        "username": OPERATOR, "role": "operator", "rights": ["act", "arrange", "correct", "read", "silence"],
        "expires_at": answer.json()["expires_at"], "timezone": "Asia/Shanghai",
    }  # fmt: skip
    by_token = desk.web.client("")
    by_token.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    assert by_token.get("/session").json()["username"] == OPERATOR
    assert browser.delete("/session").status_code == 204
    assert by_token.get("/session").status_code == 401
    assert browser.get("/session").status_code == 401


@pytest.mark.parametrize("header", ["Bearer", "Bearer wrong", "bearer  wrong", "Basic bGk6bmE=", "Bearer " + "x" * 5000])
def test_a_wrong_token_is_nobody(desk: Service, header: str) -> None:
    answer = desk.web.client("").get("/alerts", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="anju"'
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_whole_api_but_the_way_in_is_closed_to_strangers(desk: Service) -> None:
    paths = httpx.get(f"{desk.web.url}/openapi.json", trust_env=False, timeout=PATIENCE_S).json()["paths"]
    stranger = desk.web.client("")
    tried = 0
    for path, methods in paths.items():
        if not path.startswith("/api/v1/"):
            continue
        for method in methods:
            if (method, path) in (("post", "/api/v1/session"), ("get", "/api/v1/login")):
                continue
            if (method, path) == ("post", "/api/v1/callbacks/{channel}"):
                continue  # a provider has no session: its channel knows it, or refuses it (tests/proofs/test_reached.py)
            if (method, path) == ("post", "/api/v1/help-requests/{request_id}/answer"):
                continue  # who was asked answers by that request's own token (tests/test_web_helping.py)
            answer = stranger.request(method, desk.web.url + path.replace("{", "").replace("}", ""), content=b"{not json")
            assert answer.status_code == 401, (method, path)
            tried += 1
    assert tried > 30


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://SELF"}, 404),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://SELF"}, 404),
        ({}, 404),
    ],
)
def test_a_page_of_another_site_cannot_act_with_the_operators_cookie(
    desk: Service, browser: httpx.Client, headers: dict[str, str], status: int,
) -> None:
    log_in(browser)
    sent = {name: value.replace("SELF", f"127.0.0.1:{desk.web.port}") for name, value in headers.items()}
    assert browser.post("/alerts/nothing/claim", headers=sent).status_code == status
    assert browser.get("/alerts", headers=sent).status_code == 200


def test_another_site_cannot_log_a_browser_in(browser: httpx.Client) -> None:
    answer = browser.post("/session", json={"username": OPERATOR, "password": PASSWORD}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    form = browser.post("/session", content='{"username":"li.na"}', headers={"Content-Type": "text/plain"})
    assert form.status_code == 422


def test_wrong_passwords_are_slowed_down_for_that_address_and_account(desk: Service, browser: httpx.Client) -> None:
    codes = [log_in(browser, "guessed", f"wrong-{n}").status_code for n in range(7)]
    assert codes == [401] * 5 + [429] * 2
    answer = log_in(browser, "guessed")
    assert int(answer.headers["retry-after"]) > 60
    assert log_in(browser).status_code == 200


def test_guessing_is_counted_by_pair_by_account_and_by_address() -> None:
    now = 0.0
    throttle = Throttle(lambda: now)
    for n in range(Throttle.PAIR):
        assert throttle.wait("li.na", "10.0.0.1") == 0, n
        throttle.failed("li.na", "10.0.0.1")
    assert throttle.wait("li.na", "10.0.0.1") == Throttle.WINDOW_S
    assert throttle.wait("li.na", "10.0.0.2") == 0
    now = Throttle.WINDOW_S
    assert throttle.wait("li.na", "10.0.0.1") == 0
    for n in range(Throttle.ADDRESS):
        throttle.failed(f"user-{n}", "10.0.0.3")
    assert throttle.wait("anybody", "10.0.0.3") > 0
    for n in range(Throttle.ACCOUNT):
        throttle.failed("wang.wei", f"10.0.1.{n}")
    assert throttle.wait("wang.wei", "10.9.9.9") > 0


OPERATORS_MAY_NOT = [
    ("POST", "/areas", {"id": "x", "name": "x"}),
    ("PATCH", f"/homes/{HOME}", {"name": "x"}),
    ("PATCH", f"/homes/{HOME}", {"phone": "1", "area": "x"}),
    ("PATCH", f"/people/{HOME}-son", {"phone": "1", "medical": "none"}),
    ("PATCH", f"/people/{HOME}-son", {"order": 9}),
    ("PATCH", f"/devices/{HOME}-cord", {"room": "x"}),
    ("DELETE", f"/homes/{HOME}", None),
    ("POST", "/people", {"id": "x", "home": HOME, "role": "family", "name": "x"}),
    ("POST", "/devices", {"id": "x", "home": HOME, "model": "x"}),
    ("POST", f"/devices/{HOME}-cord/credentials", None),
    ("DELETE", f"/devices/{HOME}-cord/credentials", None),
    ("GET", "/users", None),
    ("POST", "/users", {"username": "x", "password": "12345678", "role": "admin"}),
    ("PATCH", f"/users/{OPERATOR}", {"role": "admin"}),
    ("GET", f"/homes/{HOME}/looks", None),
    ("POST", "/reports/homes", None),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATORS_MAY_NOT)
def test_an_operator_may_not(desk: Service, method: str, path: str, body: dict[str, str] | None) -> None:
    answer = desk.operator.request(method, path, json=body)
    assert answer.status_code == 403
    assert "operator" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("asked", "body", "said"),
    [
        ("POST /drills", {"area": "330106", "category": "fire", "reason": "x"}, ("演练", "drills")),
        ("PUT /rosters/mine", {"zh": "x", "en": "x", "layers": []}, ("值班", "rosters")),
        ("POST /channels/sms/test", None, ("通知渠道", "channels")),
        ("POST /audit/verify", None, ("证据", "evidence")),
        (f"POST /homes/{HOME}/erase", {"reason": "x"}, ("证据", "evidence")),
        ("GET /users", None, ("用户", "users")),
    ],
)
def test_a_refusal_says_what_was_not_allowed(desk: Service, asked: str, body: dict[str, str] | None, said: tuple[str, str]) -> None:
    answer = desk.operator.request(*asked.split(), json=body)
    assert answer.status_code == 403
    sentence = answer.json()["sentence"]
    assert sentence["zh"].startswith("值守员无权")
    assert (said[0] in sentence["zh"], said[1] in sentence["en"]) == (True, True), sentence


def test_an_operator_puts_a_wrong_number_right_in_the_night(desk: Service) -> None:
    answer = desk.operator.patch(f"/people/{HOME}-son", json={"phone": "13900000009", "note": "白班，夜里接电话"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["phone"], answer.json()["note"], answer.json()["name"]) == ("13900000009", "白班，夜里接电话", "陈志强")
    card = desk.operator.patch(f"/homes/{HOME}", json={"phone": "057188000000", "access": "钥匙在门卫", "note": "有狗"}).json()
    assert (card["phone"], card["access"], card["note"], card["address"]) == ("057188000000", "钥匙在门卫", "有狗", "翠苑一区 12-3-402")
    changes = [
        entry for commit in Reader(desk.data).read() for entry in commit.entries
        if isinstance(entry, PersonRegistered | HomeRegistered) and entry.by == OPERATOR
    ]  # fmt: skip
    assert [type(change) for change in changes] == [PersonRegistered, HomeRegistered]


def test_everybody_at_the_desk_sees_who_there_is_to_hand_an_alert_to(desk: Service) -> None:
    desk.admin.post("/users", json={"username": "gone", "password": "a password", "role": "operator"})
    desk.admin.patch("/users/gone", json={"disabled": True})
    names = desk.operator.get("/users/names").json()["items"]
    assert {"username": ADMIN, "role": "admin"} in names
    assert {"username": OPERATOR, "role": "operator"} in names
    assert "gone" not in {name["username"] for name in names}


def test_the_table_of_rights_has_every_role() -> None:
    assert set(RIGHTS) == set(Role)
    assert RIGHTS[Role.ADMIN] == set(Right)


def test_users_are_made_changed_and_shut_out(desk: Service, browser: httpx.Client) -> None:
    made = desk.admin.post("/users", json={"username": "zhou.min", "password": "first password", "role": "operator"})
    assert made.status_code == 201, made.text
    assert "hash" not in made.text
    assert desk.admin.post("/users", json={"username": "zhou.min", "password": "other password", "role": "admin"}).status_code == 409
    assert log_in(browser, "zhou.min", "first password").status_code == 200
    changed = desk.admin.patch("/users/zhou.min", json={"password": "second password"})
    assert changed.status_code == 200
    assert browser.get("/session").status_code == 401
    assert log_in(browser, "zhou.min", "first password").status_code == 401
    assert log_in(browser, "zhou.min", "second password").status_code == 200
    assert desk.admin.patch("/users/zhou.min", json={"disabled": True}).json()["disabled"] is True
    assert browser.get("/session").status_code == 401
    assert log_in(browser, "zhou.min", "second password").status_code == 401
    assert {user["username"] for user in desk.admin.get("/users").json()["items"]} >= {"zhou.min", OPERATOR, ADMIN}
    assert desk.admin.patch("/users/nobody", json={"disabled": True}).status_code == 404
    assert desk.admin.post("/users", json={"username": "x y", "password": "12345678", "role": "admin"}).status_code == 422
    assert desk.admin.post("/users", json={"username": "xy", "password": "short", "role": "admin"}).status_code == 422
    assert desk.admin.post("/users", json={"username": "service", "password": "12345678", "role": "admin"}).status_code == 409


def test_nobody_takes_their_own_administration_away(desk: Service) -> None:
    assert desk.admin.patch(f"/users/{ADMIN}", json={"disabled": True}).status_code == 409
    assert desk.admin.patch(f"/users/{ADMIN}", json={"role": "operator"}).status_code == 409
    assert desk.admin.get("/users").status_code == 200


def test_every_look_at_a_home_is_recorded(desk: Service) -> None:
    alert = desk.pull_cord()
    desk.operator.get(f"/homes/{HOME}")
    desk.operator.get(f"/alerts/{alert['id']}")
    desk.operator.get("/people", params={"home": HOME})
    desk.operator.get(f"/people/{HOME}-son")
    looks = desk.admin.get(f"/homes/{HOME}/looks").json()["items"]
    through = [look["through"] for look in looks if look["user"] == OPERATOR]
    assert through == [f"person {HOME}-son", "people", f"alert {alert['id']}", "home"]
    assert looks[0]["at"].endswith("Z")


def test_a_session_outlives_a_restart_of_the_web_process(desk: Service, browser: httpx.Client) -> None:
    log_in(browser)
    desk.web.stop()
    desk.web.start()
    desk.web.ready()
    assert browser.get("/session").json()["username"] == OPERATOR
    assert desk.operator.get("/session").status_code == 200


def test_logging_in_works_while_the_disk_refuses(desk: Service, browser: httpx.Client) -> None:
    users = desk.web.desk.users
    users._file.execute("PRAGMA query_only = ON")
    assert log_in(browser).status_code == 200
    assert browser.get("/alerts").status_code == 200
    until("it is said", lambda: "users.db" in httpx.get(f"{desk.web.url}/readyz", trust_env=False, timeout=PATIENCE_S).text)
    assert desk.admin.post("/users", json={"username": "late", "password": "12345678", "role": "operator"}).status_code == 503
    users._file.execute("PRAGMA query_only = OFF")
    desk.web.ready()
    desk.web.stop()
    desk.web.start()
    assert browser.get("/session").status_code == 200


def test_the_demonstrations_log_in_is_shown_only_where_there_is_one(desk: Service) -> None:
    assert desk.web.client("").get("/login").json() == {
        "timezone": "Asia/Shanghai", "demo_username": None, "demo_password": None,
    }  # fmt: skip


def test_users_can_be_seeded_before_the_service_starts(tmp_path: Path) -> None:
    users = Users(tmp_path / "users.db", MACHINE.wall)
    users.create("up", "a password", Role.ADMIN)
    with pytest.raises(NameTaken):
        users.create("up", "another", Role.OPERATOR)
    token = users.token_for("up")
    users.close()
    again = Users(tmp_path / "users.db", MACHINE.wall)
    found = again.session(token)
    assert found is not None
    assert found[0].role is Role.ADMIN
    assert again.session(token + "x") is None
    assert again.check("up", "a password") is not None
    assert again.check("up", "a passwort") is None
    assert again.check("down", "a password") is None
    assert b"a password" not in (tmp_path / "users.db").read_bytes()
    assert token.encode() not in (tmp_path / "users.db").read_bytes()
    again.close()


def test_strangers_are_let_in_at_a_pace_and_again_a_second_later() -> None:
    now = [1000.0]
    turnstile = Turnstile(3, lambda: now[0])
    assert [turnstile.passes() for _ in range(5)] == [True, True, True, False, False]
    now[0] += 0.99
    assert not turnstile.passes()
    now[0] += 0.02
    assert [turnstile.passes() for _ in range(4)] == [True, True, True, False]


def test_a_flood_of_callbacks_and_links_is_sent_away_and_nobody_with_a_session_is(desk: Service) -> None:
    with httpx.Client(base_url=desk.web.url, trust_env=False, timeout=PATIENCE_S) as stranger:
        desk.web.desk.strangers = Turnstile(2, lambda: 7.0)
        assert [stranger.post("/api/v1/callbacks/x").status_code for _ in range(3)] == [404, 404, 429]
        assert stranger.get("/r/x").status_code == 503
        assert desk.admin.get("/alerts").status_code == 200
        desk.web.desk.strangers = Turnstile()
        assert stranger.get("/r/x").status_code == 404
