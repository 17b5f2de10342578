"""The operator's page in a real browser, against a stand-in service that speaks the outer contract."""

import re
import threading
from pathlib import Path
from time import monotonic

from playwright.sync_api import expect

from tests import page_room
from tests.page_desk import Desk
from tests.page_room import ASKED_FOR, SPY, Room, heard_after, log_in, operator, row
from tests.page_server import PASSWORD as NIGHT_WATCH
from tests.patience import PATIENCE_S, within
from tests.web_alarm import HOME
from tests.web_desk import OPERATOR, PASSWORD, service

room = page_room.room


# --- the main path


def test_a_call_appears_and_says_who_and_where(room: Room) -> None:
    desk = Desk()
    with operator(room, desk) as page:
        expect(page.locator(".empty .calm")).to_have_text("没有等待处理的求助")
        alert = desk.raise_alert("call_for_help", "h-0402", room="bathroom")
        page.wait_for_selector(row(alert))
        expect(page.locator(row(alert))).to_contain_text("王秀英")
        expect(page.locator(row(alert))).to_contain_text("12 栋 3 单元 402 · 卫生间")
        expect(page.locator(f"{row(alert)} .mark")).to_contain_text("危急")
        expect(page.locator(f"{row(alert)} .mark")).to_contain_text("***")
        expect(page).to_have_title(re.compile(r"^\(1\) \*\*\* 呼救"))
        expect(page.locator("#favicon")).to_have_attribute("href", "/static/favicon/p1.svg")
        expect(page.locator("#urgent")).to_contain_text("王秀英")
        assert desk.homes_read == [], "a look at a record is noted down: the queue must not cause one"


def test_one_key_takes_the_most_urgent_and_opens_the_card(room: Room) -> None:
    desk = Desk()
    desk.raise_alert("health", "h-0501", ago_s=300)
    desk.raise_alert("fire", "h-0101", ago_s=200, claimed_by="liwei")
    newer = desk.raise_alert("gas", "h-0202", ago_s=5)
    older = desk.raise_alert("call_for_help", "h-0402", ago_s=42, room="bathroom")
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        card = page.locator(".card")
        expect(card.locator("h2")).to_contain_text("卫生间拉绳呼救")
        expect(card).to_contain_text("我在处理")
        expect(card).to_contain_text("重听，请说慢；讲方言")
        expect(card.locator("a.phone").first).to_have_attribute("href", "tel:19900000000")
        expect(card.locator(".contacts li").nth(1)).to_contain_text("王小军")
        expect(card.locator(".timeline")).to_contain_text("接手")
        expect(card.locator(".chart canvas")).to_be_visible()
        expect(card.locator(".lane:not(.axis)")).to_have_count(4)
        assert desk.alerts[older]["claimed_by"] == desk.user
        page.keyboard.press("Space")
        expect(card).to_have_attribute("data-alert", newer)


def test_a_case_is_closed_by_keys_alone_and_never_without_a_disposition(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_alert("call_for_help", "h-0402")
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        expect(page.locator(".card")).to_contain_text("我在处理")
        page.keyboard.press("a")
        expect(page.locator(".card")).to_contain_text("我已确认")
        page.keyboard.press("c")
        expect(page.locator(".radios label")).to_have_count(6)
        page.keyboard.press("Control+Enter")
        expect(page.locator("dialog .wrong")).to_have_text("请选择处理结果。")
        assert desk.alerts[alert]["status"] == "acknowledged"
        page.keyboard.press("2")
        page.locator("dialog textarea").fill("扶起，血压正常，家属在场")
        page.keyboard.press("Control+Enter")
        expect(page.locator("dialog")).to_have_count(0)
        expect(page.locator(".card")).to_contain_text("已办结")
        expect(page.locator(".timeline")).to_contain_text("已提供帮助 · 扶起，血压正常，家属在场")
        assert desk.alerts[alert]["disposition"] == "assistance_given"
        page.keyboard.press("Escape")
        expect(page.locator(row(alert))).to_have_count(0)


ACTIONS: list[tuple[str, dict[str, str], str]] = [
    ("n", {"text": "电话里在喘"}, "电话里在喘"),
    ("r", {"stage": "2", "responder": "林阿姨"}, "林阿姨 · 在路上"),
    ("e", {"reason": "两次无人接听"}, "两次无人接听"),
    ("h", {"minutes": "2", "reason": "等家属回电"}, "等家属回电"),
    ("t", {"to": "lead", "reason": "要开门"}, "→ lead · 要开门"),
]


def test_each_action_has_its_key_and_stands_in_the_timeline(room: Room) -> None:
    desk = Desk()
    desk.raise_alert("fall", "h-0603")
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        expect(page.locator(".card")).to_contain_text("我在处理")
        for key, fill, expected in ACTIONS:
            page.keyboard.press(key)
            page.wait_for_selector("dialog[open]")
            for name, value in fill.items():
                if name in ("minutes", "stage"):
                    page.keyboard.press(value)
                else:
                    page.locator(f"dialog [name={name}]").fill(value)
            page.keyboard.press("Control+Enter")
            expect(page.locator(".timeline")).to_contain_text(expected)
            expect(page.locator("dialog")).to_have_count(0)


def test_a_refusal_is_shown_in_the_services_own_sentence(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_alert("fire", "h-0101")
    with operator(room, desk) as page:
        page.locator(row(alert)).click()
        expect(page.locator(".household")).to_be_visible()
        # Closed by another operator, and the news has not arrived here yet.
        desk.alerts[alert] = desk.alerts[alert] | {"status": "closed"}
        page.keyboard.press("a")
        expect(page.locator(".refusal")).to_contain_text("没有执行")
        expect(page.locator(".refusal")).to_contain_text("这条求助已经关闭。")
        page.keyboard.press("Escape")
        expect(page.locator(".refusal")).to_have_count(0)


def test_no_answer_is_not_told_as_a_refusal_and_is_answered_by_what_happens(room: Room) -> None:
    desk = Desk(beat_s=0.2)
    alert = desk.raise_alert("fire", "h-0101")
    desk.beat = {"alarm_process": "down", "ready": False, "problems": []}
    desk.unanswering = True
    with operator(room, desk) as page:
        expect(page.locator(".banner")).to_contain_text("报警处理程序没有响应")
        page.keyboard.press("Space")
        expect(page.locator(".refusal")).to_contain_text("“接手”可能已经生效，也可能没有。")
        # The alarm process comes back and carries out what stood in its inbox.
        desk.act(alert, "claim", {})
        expect(page.locator(".card .tags")).to_contain_text("我在处理")
        expect(page.locator(".refusal")).to_have_count(0)


def test_what_the_state_forbids_cannot_be_pressed(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_alert("fire", "h-0101", allowed_actions=["note", "respond"])
    with operator(room, desk) as page:
        page.locator(row(alert)).click()
        expect(page.locator("[data-action=note]")).to_be_enabled()
        expect(page.locator("[data-action=close]")).to_be_disabled()
        page.keyboard.press("c")
        expect(page.locator(".refusal")).to_contain_text("现在不能“办结”")


def test_the_services_own_web_process_carries_the_whole_path(room: Room, tmp_path: Path) -> None:
    with service(tmp_path / "data") as running, room.browser.new_context(viewport={"width": 1600, "height": 900}) as context:
        running.register()
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda m: None if m.type != "error" or ASKED_FOR.search(m.text) else complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.add_init_script(SPY)
        page.goto(running.web.url)
        page.fill("input[name=username]", OPERATOR)
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator(".empty .calm")).to_be_visible()
        running.alarm.report(f"{HOME}-cord", pull_cord=True)
        page.wait_for_selector(".row")
        expect(page.locator(".row")).to_contain_text("陈桂英")
        page.keyboard.press("Space")
        expect(page.locator(".card")).to_contain_text("我在处理")
        expect(page.locator(".contacts")).to_contain_text("陈志强")
        page.keyboard.press("a")
        expect(page.locator(".card")).to_contain_text("我已确认")
        page.keyboard.press("c")
        page.locator("dialog").get_by_text("真实险情").click()
        page.keyboard.press("Control+Enter")
        expect(page.locator(".card")).to_contain_text("已办结")
        found = running.operator.get("/alerts", params={"home": HOME}).json()["items"]
        assert [(a["status"], a["disposition"], a["closed_by"]) for a in found] == [("closed", "real_emergency", OPERATOR)]
        assert complaints == []


# --- the way in


def test_the_page_is_chinese_until_somebody_chose_english_which_is_kept(room: Room) -> None:
    desk = Desk()
    with operator(room, desk, inside=False) as page:
        expect(page.locator("h1")).to_have_text("登录值守台")
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        page.get_by_text("English").click()
        expect(page.locator("h1")).to_have_text("Log in to the desk")
        page.reload()
        expect(page.locator("h1")).to_have_text("Log in to the desk")


def test_a_demonstration_is_entered_by_one_button_and_says_what_it_is(room: Room) -> None:
    desk = Desk()
    desk.login = {"demo_username": desk.user, "demo_password": NIGHT_WATCH, "timezone": "Asia/Shanghai"}
    with operator(room, desk, inside=False) as page:
        expect(page.locator(".demo")).to_contain_text("虚构")
        page.get_by_role("button", name="用演示账号登录").click()
        expect(page.locator(".empty .calm")).to_be_visible()


def test_a_production_service_shows_no_demo_account(room: Room) -> None:
    desk = Desk()
    with operator(room, desk, inside=False) as page:
        page.wait_for_load_state("networkidle")
        expect(page.locator(".demo")).to_have_count(0)


def test_a_key_that_came_before_the_list_takes_the_alert_when_the_list_is_there(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_alert("call_for_help", "h-0402")
    held = {path: threading.Event() for path in ("POST /session", "GET /alerts")}
    desk.answered_late = dict(held)
    with operator(room, desk, inside=False) as page:
        log_in(page, desk)
        page.keyboard.press("Space")
        held["POST /session"].set()
        expect(page.locator(".queue")).to_be_visible()
        page.keyboard.press("Space")
        held["GET /alerts"].set()
        expect(page.locator(".card")).to_have_attribute("data-alert", alert)
        expect(page.locator(".card")).to_contain_text("我在处理")
        expect(page.locator(".refusal")).to_have_count(0)


def test_an_answer_that_comes_late_does_not_take_a_claim_back(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_alert("call_for_help", "h-0402")
    with operator(room, desk) as page:
        late = desk.answered_late[f"GET /alerts/{alert}"] = threading.Event()
        with page.expect_response(f"**/alerts/{alert}") as answered:
            page.keyboard.press("j")
            with desk.changed:
                assert desk.changed.wait_for(lambda: not desk.answered_late, timeout=PATIENCE_S)
            page.keyboard.press("Enter")
            expect(page.locator(".card .tags")).to_contain_text("我在处理")
            late.set()
        assert answered.value.json()["claimed_by"] is None, "it was read before the claim"
        page.wait_for_timeout(100)
        expect(page.locator(".card .tags")).to_contain_text("我在处理")
        expect(page.locator(".card .tags")).not_to_contain_text("待接")


def test_a_call_is_on_the_page_within_a_second(room: Room) -> None:
    desk = Desk()
    homes = iter(list(desk.homes))

    def took() -> float:
        began = monotonic()
        page.wait_for_selector(row(desk.raise_alert("call_for_help", next(homes))))
        return monotonic() - began

    with operator(room, desk) as page:
        within(1.0, took)


# --- freshness


def test_a_lost_connection_is_plain_and_mends_itself_with_nothing_missed(room: Room) -> None:
    desk = Desk()
    first = desk.raise_alert("fire", "h-0101")
    with operator(room, desk) as page:
        page.locator(row(first)).click()
        expect(page.locator(".household")).to_be_visible()
        desk.sever()
        page.wait_for_selector(".banner.lost")
        expect(page.locator(".banner.lost")).to_have_text(re.compile(r"连接中断，画面停在 03:1\d:\d\d，已 \d+ 秒"))
        expect(page.locator("[data-action=claim]")).to_be_disabled()
        expect(page.locator(".household")).to_contain_text("李国强")
        expect(page).to_have_title(re.compile("^中断"))
        expect(page.locator("#favicon")).to_have_attribute("href", re.compile("^data:image/svg"))
        missed = desk.raise_alert("gas", "h-0202")
        desk.mend()
        page.wait_for_selector(row(missed))
        expect(page.locator(".banner.lost")).to_have_count(0)
        expect(page.locator("[data-action=claim]")).to_be_enabled()
        assert desk.resumed_from, "the stream was begun anew instead of resumed"


def test_a_connection_that_only_fell_silent_counts_as_lost(room: Room) -> None:
    desk = Desk(beat_s=0.1)
    desk.raise_alert("fire", "h-0101")
    with operator(room, desk) as page:
        page.clock.install()
        page.reload()
        expect(page.locator(".row")).to_have_count(1)
        desk.silent = True
        page.wait_for_timeout(300)
        page.clock.fast_forward(11_500)
        page.wait_for_selector(".banner.lost")


def test_a_position_too_old_loads_the_queue_anew(room: Room) -> None:
    desk = Desk()
    gone = desk.raise_alert("fire", "h-0101")
    with operator(room, desk) as page:
        expect(page.locator(row(gone))).to_be_visible()
        desk.sever()
        desk.alerts[gone] = desk.alerts[gone] | {"status": "closed"}
        new = desk.raise_alert("gas", "h-0202")
        desk.forget()
        desk.mend()
        page.wait_for_selector(row(new))
        expect(page.locator(row(gone))).to_have_count(0)


def test_a_dead_alarm_process_and_a_full_disk_are_said_on_the_page(room: Room) -> None:
    desk = Desk(beat_s=0.2)
    with operator(room, desk) as page:
        desk.beat = {"alarm_process": "down", "ready": False, "problems": []}
        expect(page.locator(".banner")).to_contain_text("报警处理程序没有响应")
        expect(page.locator("#favicon")).to_have_attribute("href", re.compile("^data:image/svg"))
        assert heard_after(page, 1), "nobody would hear a call now: that is heard"
        desk.beat = {"alarm_process": "up", "ready": False, "problems": [{"zh": "磁盘已满。", "en": "The disk is full."}]}
        expect(page.locator(".banner")).to_contain_text("磁盘已满。")
        desk.beat = {"alarm_process": "up", "ready": True, "problems": []}
        expect(page.locator(".banner")).to_have_count(0)


def test_an_ended_session_leads_back_to_the_log_in(room: Room) -> None:
    desk = Desk()
    with operator(room, desk) as page:
        page.context.clear_cookies()
        desk.sever()
        desk.mend()
        expect(page.locator(".login .wrong")).to_have_text("登录已过期，请重新登录。")
