"""People are reached and answer, with the real service: a call and a pressed key, a link, receipts that come late, tests of channels.

The providers are fakes (`tests/fakes`); everything else is what a county runs.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.chromium import chromium
from tests.fakes.clouds import FakeAliyun
from tests.fakes.groups import FakeWeCom
from tests.fakes.thread import served
from tests.judging import judging, names
from tests.patience import PATIENCE_S
from tests.receiver import SECRET, Receiver
from tests.service import Anju, running, until

Json = dict[str, Any]

KEY = "key-of-the-address"
ACCOUNT = (
    f'access_key_id = "{FakeAliyun.key_id}"\naccess_key_secret = "{FakeAliyun.key_secret}"\nto = ["13800000001"]\n'
    f'callback_key = "{KEY}"\n'
)


class Place:
    """A running service whose second step rings by voice, tells by SMS, in a chat and by a webhook."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        wall = datetime.now(UTC)  # noqa: TID251 - an observer outside the product
        self.cloud, self.group, self.hook = FakeAliyun(wall), FakeWeCom(), Receiver()
        stack.callback(self.hook.close)
        cloud, group = stack.enter_context(served(self.cloud)), stack.enter_context(served(self.group))
        (target,) = names(2)
        text = "\n".join([
            f'[[aliyun_voice]]\nname = "voice"\n{ACCOUNT}endpoint = "{cloud}"\ntemplate = "TTS_1"\nvariables = {{ say = "brief" }}',
            f'[[aliyun_sms]]\nname = "sms"\n{ACCOUNT}endpoint = "{cloud}"\nsign_name = "安居"\ntemplate = "SMS_1"',
            'variables = { code = "code" }',
            f'[[wecom]]\nname = "group"\nurl = "{group}/cgi-bin/webhook/send?key={FakeWeCom.key}"',
            f'[[webhook]]\nname = "hook"\nurl = "{self.hook.url}"\nsecret = "whsec_{base64.b64encode(SECRET).decode()}"',
            '[[email]]\nname = "mail"\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\nfrom = "a@example.org"\nto = ["b@example.org"]',
            f'[[target]]\nname = "{target}"\nchannels = ["voice", "sms", "group", "hook"]',
        ])  # fmt: skip
        path = folder / "notify.toml"
        path.write_text(text)
        words = ("--no-simulator", "--judging", str(judging(folder, [0.0, 0.1])), "--notify", str(path))
        self.anju: Anju = stack.enter_context(running(folder / "data", homes=8, words=words))
        self.api = stack.enter_context(self.anju.api())
        self.web = stack.enter_context(httpx.Client(base_url=self.anju.endpoints["http"], trust_env=False, timeout=PATIENCE_S))
        self.kit = self.anju.kit()
        stack.callback(self.kit.close)
        self._home = 0

    def call(self) -> tuple[str, Json]:
        """A cord is pulled in a home where nobody has called yet; the alert, and what the call and the SMS to the contact said."""
        before = len(self.cloud.taken)
        home = self.anju.home(self._home)
        self._home += 1
        self.kit.hear_commands(home)
        self.kit.say(home, self.anju.device(home["id"], "cord")["id"], {"pull_cord": True})
        until("both provider's requests", lambda: len(self.cloud.taken) >= before + 2)
        taken = {one["action"]: one for one in self.cloud.taken[before:]}
        query = {"status": "open", "home": home["id"], "category": "call_for_help"}
        alerts = until("the call at the desk, which is another process", lambda: self.api.get("/alerts", params=query).json()["items"])
        id_ = str(alerts[0]["id"])
        until("the ends are on disk", lambda: len(self.entries(id_, "notification_ended")) >= 4)
        until("that we looked is on record, told behind the answer", lambda: self.entries(id_, "viewed"))
        return id_, taken

    def alert(self, id_: str) -> Json:
        found: Json = self.api.get(f"/alerts/{id_}").json()
        return found

    def entries(self, id_: str, kind: str) -> list[Json]:
        return [entry for entry in self.alert(id_)["timeline"] if entry["kind"] == kind]

    def callback(self, channel: str, body: object, key: str = KEY, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.web.post(f"/api/v1/callbacks/{channel}", params={"key": key}, content=content, headers=headers)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(tmp_path_factory.mktemp("reached"), stack)


def test_a_contact_who_presses_one_has_accepted_once_and_the_caller_is_told(place: Place) -> None:
    alert, taken = place.call()
    call = taken["SingleCallByTts"]["id"]
    pressed = [{"call_id": call, "status_code": "300000", "smart_status_code": "ANSWERED", "dtmf": "1", "status_time": "x"}]
    ended = [{"call_id": call, "status_code": "200000", "end_time": "2026-11-22 10:00:30", "duration": "9"}]
    for _ in range(3):
        answer = place.callback("voice", pressed)
        assert (answer.status_code, answer.json()) == (200, {"code": 0, "msg": "接收成功"})
    assert place.callback("voice", ended).status_code == 200
    (responder,) = place.alert(alert)["responders"]
    assert responder["stage"] == "accepted"
    assert len(place.entries(alert, "help_reported")) == 1
    assert [entry["data"]["progress"] for entry in place.entries(alert, "notification_reported")] == ["accepted"]
    until("the receipt", lambda: "helping" in place.kit.receipts())


def test_a_callback_with_a_wrong_key_or_of_an_unknown_call_changes_nothing(place: Place) -> None:
    alert, taken = place.call()
    pressed = [{"call_id": taken["SingleCallByTts"]["id"], "dtmf": "1"}]
    before = place.alert(alert)["timeline"]
    assert place.callback("voice", pressed, key="guessed").status_code == 403
    assert place.callback("nobody", pressed).status_code == 404
    assert place.callback("group", pressed).status_code == 404
    assert place.callback("voice", [{"call_id": "999^9", "dtmf": "1"}]).status_code == 200
    assert place.callback("voice", b"x" * 300_000).status_code == 413
    assert place.alert(alert)["timeline"] == before


def test_a_late_failure_is_told_on_the_timeline(place: Place) -> None:
    alert, taken = place.call()
    sms = taken["SendSms"]
    report = {"phone_number": "13800000001", "success": False, "err_code": "MK:0001", "err_msg": "空号"}
    report |= {"biz_id": sms["id"], "out_id": sms["OutId"]}
    for _ in range(2):
        assert place.callback("sms", [report]).status_code == 200
    (entry,) = place.entries(alert, "notification_reported")
    assert entry["data"] == {"notification": sms["OutId"], "progress": "failed", "detail": "MK:0001 空号"}


def test_a_webhooks_receiver_answers_in_the_name_of_who_comes(place: Place) -> None:
    alert, _ = place.call()
    (notification,) = [data["notification"] for _, _, body in place.hook.calls if (data := body["data"])["alert"] == alert]
    event = json.dumps({"type": "notification.accepted", "data": {"notification": notification, "responder": "网格员 周敏"}}).encode()
    stamp = str(int(datetime.now(UTC).timestamp()))  # noqa: TID251 - an observer outside the product
    mac = base64.b64encode(hmac.new(SECRET, b"msg-1." + stamp.encode() + b"." + event, hashlib.sha256).digest()).decode()
    signed = {"webhook-id": "msg-1", "webhook-timestamp": stamp, "webhook-signature": f"v1,{mac}"}
    assert place.callback("hook", event, **signed | {"webhook-signature": "v1,AAAA"}).status_code == 401
    assert place.callback("hook", event, **signed | {"webhook-timestamp": "1"}).status_code == 401
    assert place.alert(alert)["responders"] == []
    assert place.callback("hook", event, **signed).status_code == 200
    (responder,) = place.alert(alert)["responders"]
    assert (responder["name"], responder["stage"]) == ("网格员 周敏", "accepted")


def test_a_link_shows_no_more_than_needed_is_looked_at_for_free_and_answered_once(place: Place) -> None:
    alert, taken = place.call()
    code = taken["SendSms"]["values"]["code"]
    with place.anju.api() as client:
        home = client.get(f"/homes/{place.alert(alert)['home']}").json()
        people = client.get("/people", params={"home": home["id"]}).json()["items"]
    for _ in range(3):
        page = place.web.get(f"/r/{code}")
        assert page.status_code == 200
    assert "我去" in page.text
    assert "I cannot come" in page.text
    assert home["name"] in page.text
    for kept_back in (home["address"], home["phone"], *(person["name"] for person in people)):
        assert not kept_back or kept_back not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "script" not in page.text
    assert place.web.post(f"/r/{code}", data={"answer": "maybe"}).status_code == 400
    for _ in range(2):
        answered = place.web.post(f"/r/{code}", data={"answer": "accepted", "name": "  周敏 <b> "})
        assert answered.status_code == 200
        assert "已答复：前往" in answered.text
    assert "已答复：前往" in place.web.post(f"/r/{code}", data={"answer": "declined"}).text
    assert "已答复：前往" in place.web.get(f"/r/{code}").text
    (responder,) = place.alert(alert)["responders"]
    assert (responder["name"], responder["stage"]) == ("周敏 <b>", "accepted")


def test_a_link_of_an_alert_that_is_over_or_of_nothing_asks_nobody_to_come(place: Place) -> None:
    alert, taken = place.call()
    code = taken["SendSms"]["values"]["code"]
    place.api.post(f"/alerts/{alert}/close", json={"disposition": "test", "reason": "已处理"})
    over = place.web.get(f"/r/{code}")
    assert (over.status_code, "已处理完毕" in over.text, "我去" in over.text) == (410, True, False)
    assert place.web.post(f"/r/{code}", data={"answer": "accepted"}).status_code == 410
    assert place.alert(alert)["responders"] == []
    for guessed in ("aaaaaaaaaaaaaaaa", "x" * 500, "%00"):
        assert place.web.get(f"/r/{guessed}").status_code == 404


def test_a_supervisor_sees_every_channel_and_sends_a_test_through_it(place: Place) -> None:
    place.call()
    listed = {one["name"]: one for one in until("the channels", lambda: place.api.get("/channels").json()["items"])}
    assert {name: one["kind"] for name, one in listed.items()} == {
        "voice": "aliyun_voice", "sms": "aliyun_sms", "group": "wecom", "hook": "webhook", "mail": "email",
    }  # fmt: skip
    assert listed["mail"]["state"] == "unused"
    assert listed["hook"]["targets"] == ["target-1"]
    until("it works", lambda: {one["name"]: one for one in place.api.get("/channels").json()["items"]}["group"]["state"] == "working")
    tried = place.api.post("/channels/group/test")
    assert tried.status_code == 200, tried.text
    assert tried.json()["delivered"] is True
    assert "测试通知，无需处理" in place.group.taken[-1]["text"]["content"]
    assert place.api.post("/channels/group/test").status_code == 429
    failed = place.api.post("/channels/mail/test").json()
    assert (failed["delivered"], failed["transient"]) == (False, True)
    until("it fails", lambda: {one["name"]: one for one in place.api.get("/channels").json()["items"]}["mail"]["state"] == "failing")
    assert place.api.post("/channels/nobody/test").status_code == 404
    with place.anju.operator() as operator:
        assert operator.get("/channels").status_code == 200
        assert operator.post("/channels/voice/test").status_code == 403


def test_the_page_of_channels_sends_a_test_where_its_button_is_pressed(place: Place) -> None:
    before = len(place.cloud.taken)
    with chromium() as browser:
        context = browser.new_context(locale="en-GB")
        context.add_cookies([{"name": "anju_session", "value": place.anju.endpoints["token"], "url": place.anju.endpoints["http"]}])
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{place.anju.endpoints['http']}/channels")
        card = page.locator("[data-channel=sms]")
        expect(card).to_contain_text("aliyun_sms")
        card.get_by_role("button", name="发送测试").click()
        expect(card.get_by_role("status")).to_contain_text("已发出")
        page.get_by_role("button", name="English").click()
        expect(card).to_contain_text("the last attempt worked")
        context.clear_cookies()
        page.reload()
        expect(page.get_by_role("alert")).to_contain_text("Log in at the desk first")
    assert place.cloud.taken[before]["action"] == "SendSms"
    assert [text for text in said if "401" not in text] == []
