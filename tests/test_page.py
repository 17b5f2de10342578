"""The operator's page in a real browser, against a stand-in service that speaks the outer contract."""

import hashlib
import json
import re
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.page_server import PASSWORD as NIGHT_WATCH
from tests.page_server import STATIC, Desk, PageServer, a_busy_night
from tests.web_alarm import HOME
from tests.web_desk import OPERATOR, PASSWORD, service

expect.set_options(timeout=10_000)
QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
CHINESE = re.compile(r"[㐀-鿿]")
ASKED_FOR = re.compile(r"status of (401|404|409|503)|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE")
"""What the browser itself notes down of the refusals and broken connections that a test wants."""
SPY = """
addEventListener('securitypolicyviolation', (e) => console.error(`refused by the policy: ${e.violatedDirective} ${e.blockedURI}`));
window.tones = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) { window.tones.push({at, hertz: this.frequency.value}); return start.call(this, at); };
"""
"""Listens in on the browser: what its policy refuses, and every tone that is started."""


class Room:
    """One browser and one stand-in service for the whole module: a test gets a fresh page and a desk of its own in them."""

    def __init__(self, browser: Browser, server: PageServer) -> None:
        self.browser, self.server = browser, server
        self._contexts: dict[tuple[int, int, bool, bool], BrowserContext] = {}

    def context(self, width: int, height: int, *, phone: bool, still: bool) -> BrowserContext:
        """The browser speaks English and stands in London: the page must be Chinese and in the county's time all the same."""
        key = (width, height, phone, still)
        if key not in self._contexts:
            self._contexts[key] = self.browser.new_context(
                locale="en-GB", timezone_id="Europe/London", viewport={"width": width, "height": height}, has_touch=phone,
                is_mobile=phone, reduced_motion="reduce" if still else "no-preference",
            )  # fmt: skip
        return self._contexts[key]


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET.split())
        with PageServer(Desk()) as server:
            yield Room(launched, server)
            launched.close()


@contextmanager
def operator(
    room: Room, desk: Desk, *, width: int = 1600, height: int = 900, phone: bool = False, still: bool = False, inside: bool = True
) -> Iterator[Page]:
    """A page on which somebody works, or is about to log in (`inside` false).

    At the end nothing may have been said on its console but refusals that were asked for.
    """
    context = room.context(width, height, phone=phone, still=still)
    room.server.desk = desk
    if inside:
        context.add_cookies([{"name": "anju_session", "value": "yes", "url": room.server.url}])
    page = context.new_page()
    page.set_default_timeout(5_000)
    page.add_init_script(SPY)
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not ASKED_FOR.search(message.text):
            complaints.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(room.server.url)
    try:
        expect(page.locator(".row, .empty .calm" if inside else ".login form").first).to_be_visible()
        # Any key allows the page to sound; this one asks for nothing.
        page.keyboard.press("Shift")
        yield page
        assert complaints == []
    finally:
        desk.sever()
        page.evaluate("localStorage.clear()")
        page.close()
        context.clear_cookies()


def log_in(page: Page, desk: Desk) -> None:
    page.fill("input[name=username]", desk.user)
    page.fill("input[name=password]", NIGHT_WATCH)
    page.keyboard.press("Enter")


def row(alert: str) -> str:
    return f".rows [data-alert='{alert}']"


def tones(page: Page) -> list[dict[str, float]]:
    found: list[dict[str, float]] = page.evaluate("tones")
    return found


def heard_after(page: Page, count: int) -> list[dict[str, float]]:
    page.wait_for_function("n => tones.length >= n", arg=count)
    return tones(page)


def of_module(page: Page, name: str, expression: str) -> object:
    """What a module of the page exports, as the browser runs it."""
    return page.evaluate(f"import('/static/js/{name}').then((m) => {expression})")


# --- the main path


def test_a_call_appears_within_a_second_and_says_who_and_where(room: Room) -> None:
    desk = Desk()
    with operator(room, desk) as page:
        expect(page.locator(".empty .calm")).to_have_text("没有等待处理的求助")
        alert = desk.raise_alert("call_for_help", "h-0402", room="bathroom")
        page.wait_for_selector(row(alert), timeout=1_000)
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
        page.wait_for_selector(".row", timeout=1_000)
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
                assert desk.changed.wait_for(lambda: not desk.answered_late, timeout=5)
            page.keyboard.press("Enter")
            expect(page.locator(".card .tags")).to_contain_text("我在处理")
            late.set()
        assert answered.value.json()["claimed_by"] is None, "it was read before the claim"
        page.wait_for_timeout(100)
        expect(page.locator(".card .tags")).to_contain_text("我在处理")
        expect(page.locator(".card .tags")).not_to_contain_text("待接")


# --- freshness


def test_a_lost_connection_is_plain_and_mends_itself_with_nothing_missed(room: Room) -> None:
    desk = Desk()
    first = desk.raise_alert("fire", "h-0101")
    with operator(room, desk) as page:
        page.locator(row(first)).click()
        expect(page.locator(".household")).to_be_visible()
        desk.sever()
        page.wait_for_selector(".banner.lost", timeout=15_000)
        expect(page.locator(".banner.lost")).to_have_text(re.compile(r"连接中断，画面停在 03:1\d:\d\d，已 \d+ 秒"))
        expect(page.locator("[data-action=claim]")).to_be_disabled()
        expect(page.locator(".household")).to_contain_text("李国强")
        expect(page).to_have_title(re.compile("^中断"))
        expect(page.locator("#favicon")).to_have_attribute("href", re.compile("^data:image/svg"))
        missed = desk.raise_alert("gas", "h-0202")
        desk.mend()
        page.wait_for_selector(row(missed), timeout=8_000)
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
        page.wait_for_selector(".banner.lost", timeout=4_000)


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
        page.wait_for_selector(row(new), timeout=8_000)
        expect(page.locator(row(gone))).to_have_count(0)


def test_a_dead_alarm_process_and_a_full_disk_are_said_on_the_page(room: Room) -> None:
    desk = Desk(beat_s=0.2)
    with operator(room, desk) as page:
        desk.beat = {"alarm_process": "down", "ready": False, "problems": []}
        expect(page.locator(".banner")).to_contain_text("报警处理程序没有响应")
        expect(page.locator("#favicon")).to_have_attribute("href", re.compile("^data:image/svg"))
        assert tones(page), "nobody would hear a call now: that is heard"
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
        expect(page.locator(".login .wrong")).to_have_text("登录已过期，请重新登录。", timeout=8_000)


# --- sound and flash


def test_bursts_and_flashes_keep_the_figures_of_iec_60601_1_8(room: Room) -> None:
    desk = Desk()
    a_busy_night(desk)
    with operator(room, desk) as page:
        bursts = of_module(page, "sound.js", "m.BURSTS")
        assert isinstance(bursts, dict)
        assert {p: (b["every"], len(b["pulses"])) for p, b in bursts.items()} == {"1": (10, 10), "2": (25, 3), "3": (30, 1)}
        starts = [pulse["start"] for pulse in bursts["1"]["pulses"]]
        gaps = [round(b - a, 3) for a, b in pairwise(starts)]
        assert gaps[:4] == gaps[5:], "3 + 2, twice"
        assert gaps[4] > gaps[2] > gaps[0] == gaps[1] == gaps[3]
        for selector, lowest, highest in ((".mark.p1.flashing", 1.4, 2.8), (".mark.p2.flashing", 0.4, 0.8)):
            hertz = page.locator(selector).first.evaluate("e => 1 / parseFloat(getComputedStyle(e).animationDuration)")
            assert lowest <= hertz <= highest
            assert hertz < 3, "WCAG 2.3.1"
        lit = page.evaluate(
            "[...document.styleSheets].flatMap((s) => [...s.cssRules]).filter((r) => r.name?.startsWith('flash-'))"
            ".map((r) => [...r.cssRules].map((k) => k.keyText))"
        )
        assert lit == [["0%", "50%"], ["0%", "50%"]], "lit for half of the time: 20 to 60 %"
        flashes = "document.getAnimations().filter((a) => a.animationName?.startsWith('flash-'))"
        assert page.evaluate(f"new Set({flashes}.map((a) => a.startTime)).size") == 1, "all in one beat"
        assert page.locator(".mark.p3.flashing").first.evaluate("e => getComputedStyle(e).animationName") == "none"


def test_a_call_sounds_until_somebody_takes_it(room: Room) -> None:
    desk = Desk(beat_s=0.2)
    with operator(room, desk) as page:
        expect(page.locator(".tool.sound.on")).to_contain_text("声音已开")
        assert tones(page) == []
        desk.raise_alert("health", "h-0501")
        assert len(heard_after(page, 3)) == 3
        urgent = desk.raise_alert("fire", "h-0101")
        assert len(heard_after(page, 13)) == 13, "the more urgent one sounds at once"
        desk.change(urgent, claimed_by="liwei")
        assert len(heard_after(page, 16)) == 16, "what is left sounds in its own manner"


def test_a_pause_covers_what_was_known_and_never_a_new_alarm(room: Room) -> None:
    desk = Desk(beat_s=0.2)
    in_hand = desk.raise_alert("fall", "h-0603", claimed_by="liwei")
    with operator(room, desk) as page:
        desk.raise_alert("fire", "h-0101")
        heard_after(page, 10)
        page.keyboard.press("m")
        expect(page.locator(".tool.sound.paused")).to_contain_text("静音")
        new = desk.raise_alert("gas", "h-0202")
        assert len(heard_after(page, 20)) == 20
        desk.change(new, claimed_by=desk.user)
        expect(page.locator(row(new))).to_contain_text("我在处理")
        desk.change(in_hand, claimed_by=None)
        assert len(heard_after(page, 30)) == 30, "dropped by the one who had it"


def test_who_asked_for_no_motion_gets_a_strong_border_instead(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_alert("fire", "h-0101")
    with operator(room, desk, still=True) as page:
        assert page.locator(f"{row(alert)} .mark").evaluate("e => getComputedStyle(e).animationName") == "none"
        expect(page.locator(row(alert))).to_have_css("border-top-width", "4px")


# --- the hour before


def test_the_card_says_when_and_where_somebody_last_moved(room: Room) -> None:
    desk = Desk()
    desk.raise_alert("fall", "h-0402")
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        # The alarm is at 03:12; the steps grew until minute 40 of the hour, the motion sensor fell still in minute 45.
        expect(page.locator(".moved")).to_have_text(re.compile(r"^最后一次活动 02:57，客厅，报警前 1[45] 分钟$"))
        expect(page.locator(".lane.occupancy")).to_contain_text("客厅活动")
        expect(page.locator(".lane.contact_open")).to_contain_text("门厅门")
        labels = page.locator(".picker button").all_inner_texts()
        assert re.match(r"心率 \d+/min", labels[0])
        assert re.match(r"血氧 \d+", labels[1])
        assert labels[-1] == "更多 2"
        page.get_by_text("更多 2").click()
        assert page.locator(".picker button").all_inner_texts()[2:-1] == ["烟雾浓度 · 厨房", "室温 · 厨房"]
        page.get_by_role("button", name="室温 · 厨房").click()
        expect(page.locator("figcaption")).to_contain_text("室温 · 厨房：最低")


def test_a_service_that_began_ten_minutes_ago_shows_ten_minutes_and_says_so(room: Room) -> None:
    desk = Desk()
    desk.sampled_from = desk.now() - timedelta(minutes=10)
    desk.raise_alert("fall", "h-0402")
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        expect(page.locator(".since")).to_have_text("这一小时的读数从 03:02 开始，此前没有记录。")
        expect(page.locator(".chart canvas")).to_be_visible()
        ticks = page.locator(".lane.axis text").all_text_contents()
        assert ticks[0] >= "03:01"
        assert len(ticks) >= 4


def test_one_reading_is_told_and_not_drawn(room: Room) -> None:
    desk = Desk()
    desk.sampled_from = desk.now() - timedelta(seconds=30)
    desk.raise_alert("fall", "h-0402")
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        expect(page.locator(".few")).to_contain_text(re.compile(r"心率03:1\d \d+ /min"))
        expect(page.locator(".chart canvas")).to_have_count(0)


MOVEMENT = """
import('/static/js/movement.js').then((m) => {
  const points = (...pairs) => pairs.map(([at, value]) => ({at, value}));
  const track = (property, place, ...pairs) => ({property, place, points: points(...pairs)});
  const told = (tracks) => {
    const {before, after} = m.lastMoved(tracks, 100);
    const said = (x) => x && [x.at, x.track.place, x.ongoing];
    return [said(before), said(after)];
  };
  return [
    told([track('occupancy', 'living', [10, 1], [20, 0]), track('occupancy', 'bed', [5, 1], [30, 0])]),
    told([track('occupancy', 'living', [10, 1]), track('contact_open', 'hall', [50, 1], [60, 0])]),
    told([track('smoke', 'kitchen', [99, 1], [120, 0]), track('steps', 'wrist', [10, 4], [40, 9], [70, 9])]),
    told([track('contact_open', 'hall', [0, 0], [90, 0])]),
    told([track('occupancy', 'living', [10, 1], [20, 0], [110, 1], [115, 0])]),
  ];
})
"""


def test_what_counts_as_movement(room: Room) -> None:
    with operator(room, Desk()) as page:
        assert page.evaluate(MOVEMENT) == [
            [[30, "bed", False], None],  # the latest end of a span
            [[10, "living", True], None],  # still going on, as far as the sensor said
            [[40, "wrist", False], None],  # smoke is nobody; steps count while they grow
            [None, None],  # a door that only reports that it is shut
            [[20, "living", False], [115, "living", False]],  # and since the alarm
        ]


# --- homes without an alert


def test_a_home_is_found_by_its_number_and_shown_without_an_alert(room: Room) -> None:
    desk = Desk()
    with operator(room, desk) as page:
        page.keyboard.press("/")
        page.keyboard.type("0579-5550060")
        expect(page.locator("#found li")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.locator(".card.home")).to_contain_text("吴月娥")
        expect(page.locator(".card.home .readings")).to_contain_text("最近一小时")
        expect(page.locator(".card.home .actions")).to_have_count(0)
        assert desk.homes_read == ["h-0102"]
        alert = desk.raise_alert("fall", "h-0102")
        expect(page.locator(".card.home .related")).to_contain_text("这户有 1 条未办结的求助")
        page.keyboard.press("Space")
        expect(page.locator(".card")).to_have_attribute("data-alert", alert)
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.keyboard.type("没有这样的人")
        expect(page.locator("dialog .wrong")).to_have_text("没有找到“没有这样的人”。")


def test_the_mornings_list_stands_where_nobody_waits(room: Room) -> None:
    desk = Desk()
    items = [{"area": "330599001", "home": "h-0601", "home_name": "8 栋 2 单元 601", "matter": "battery", "sentence": "拉绳电量 12%",
              "sentence_en": "The cord's battery stands at 12 %", "device": "h-0601-cord"}]  # fmt: skip
    desk.today = {"day": "2026-11-22", "items": items, "next": None}
    with operator(room, desk) as page:
        today = page.locator(".card .today")
        expect(today).to_contain_text("拉绳电量 12%")
        alert = desk.raise_alert("fall", "h-0603")
        expect(page.locator(row(alert))).to_be_visible()
        expect(today).to_have_count(0)
        desk.change(alert, claimed_by="liwei")
        today.get_by_role("button").click()
        expect(page.locator(".card.home")).to_contain_text("冯宝山")


def test_a_colleague_is_chosen_by_name(room: Room) -> None:
    desk = Desk()
    names = {desk.user: "operator", "liwei": "operator", "lead-chen": "admin"}
    desk.colleagues = [{"username": name, "role": role} for name, role in names.items()]
    alert = desk.raise_alert("fall", "h-0603")
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        expect(page.locator(".card")).to_contain_text("我在处理")
        page.keyboard.press("t")
        expect(page.locator(".radios label")).to_have_text(["1liwei · 值守员", "2lead-chen · 管理员"])
        page.keyboard.press("2")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".timeline")).to_contain_text("→ lead-chen")
        assert desk.alerts[alert]["transferred_to"] == "lead-chen"


# --- reading it


def test_nothing_moves_under_the_hand(room: Room) -> None:
    desk = Desk()
    low = desk.raise_alert("intrusion", "h-0203", ago_s=60)
    with operator(room, desk) as page:
        page.locator(row(low)).hover()
        before = page.locator(row(low)).bounding_box()
        new = desk.raise_alert("fire", "h-0101")
        expect(page.locator(".next")).to_contain_text("李国强")
        expect(page.locator(".held-back")).to_contain_text("1 条新的")
        assert page.locator(row(low)).bounding_box() == before
        page.mouse.move(1400, 500)
        expect(page.locator(".rows .row").first).to_have_attribute("data-alert", new)


def test_the_choice_stays_when_new_alerts_arrive(room: Room) -> None:
    desk = Desk()
    chosen = desk.raise_alert("water", "h-0701", ago_s=60)
    with operator(room, desk) as page:
        page.keyboard.press("j")
        expect(page.locator(row(chosen))).to_have_attribute("aria-selected", "true")
        desk.raise_alert("fire", "h-0101")
        expect(page.locator(".row")).to_have_count(2)
        expect(page.locator(row(chosen))).to_have_attribute("aria-selected", "true")
        expect(page.locator(".card")).to_have_attribute("data-alert", chosen)


def test_a_change_of_the_services_zone_moves_every_time_on_the_page(room: Room) -> None:
    desk = Desk()
    desk.login |= {"timezone": "Asia/Urumqi"}
    desk.raise_alert("water", "h-0701", ago_s=600)
    with operator(room, desk) as page:
        expect(page.locator(".top .clock")).to_have_text(re.compile(r"^01:1[23]:\d\d$"))
        page.keyboard.press("Space")
        expect(page.locator(".card .head small")).to_have_text(re.compile(r"^01:02:\d\d$"))
        expect(page.locator(".lane.axis text").first).to_have_text("00:15")


def test_ages_and_clock_follow_the_service_not_the_desks_computer(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_alert("water", "h-0701", ago_s=3_725)
    with operator(room, desk) as page:
        expect(page.locator(".top .clock")).to_have_text(re.compile(r"^03:1[23]:\d\d$"))
        expect(page.locator(f"{row(alert)} .age")).to_have_text(re.compile(r"^1:02:\d\d$"))


KINDS_AND_STATES = """
呼救 火情 燃气 跌倒 体征 久无活动 走失 漏水 闯入 设备 待接 已接手 我已确认 暂缓至 现场已恢复 本人已取消
又报 未写入磁盘 已静默 转给 整个片区 升级
"""


def test_every_kind_and_state_has_its_words(room: Room) -> None:
    desk = Desk()
    a_busy_night(desk)
    with operator(room, desk) as page:
        text = page.locator(".rows").inner_text()
        for word in KINDS_AND_STATES.split():
            assert word in text, word
        order = page.locator(".row").evaluate_all("rows => rows.map((r) => r.className.match(/ p(\\d)/)[1])")
        assert order == sorted(order)


def test_the_english_page_has_no_chinese_but_data(room: Room) -> None:
    desk = Desk()
    a_busy_night(desk)
    data = sorted(set(strings([*desk.homes.values(), *desk.alerts.values()])), key=len, reverse=True)
    with operator(room, desk) as page:
        page.keyboard.press("l")
        page.keyboard.press("Space")
        expect(page.locator(".timeline")).to_contain_text("Taken")
        left = chinese_left(page, data)
        for key in ("?", "c", "h", "r", "t", "n", "e"):
            page.keyboard.press(key)
            page.wait_for_selector("dialog[open]")
            left += chinese_left(page, data)
            page.keyboard.press("Escape")
            expect(page.locator("dialog")).to_have_count(0)
        assert set(left) <= {"中文", "中文 / English"}, "the name of the other language is all that may stay"
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        expect(page.locator(".link")).to_contain_text("Live")


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def chinese_left(page: Page, data: list[str]) -> list[str]:
    seen: list[str] = page.evaluate(
        "[...document.querySelectorAll('#page *, [aria-live]')].flatMap((e) => ["
        "...[...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data),"
        "...['title', 'aria-label', 'placeholder'].map((a) => e.getAttribute(a) ?? '')])"
    )
    left = []
    for text in seen:
        assert not re.fullmatch(r"[a-z]+\.[a-z_]+", text), f"a word is missing: {text}"
        rest = text
        for known in data:
            rest = rest.replace(known, "")
        if CHINESE.search(rest):
            left.append(rest.strip())
    return left


def test_every_word_the_page_asks_for_exists_in_both_languages() -> None:
    source = (STATIC / "js" / "i18n.js").read_text()
    words = dict(re.findall(r'^  "([a-z0-9_.]+)": (\[.*\]),$', source, re.MULTILINE))
    for key, pair in words.items():
        zh, en = json.loads(pair)
        assert zh, key
        assert en, key
        assert set(re.findall(r"\{\w+\}", zh)) == set(re.findall(r"\{\w+\}", en)), key
    used = {key for file in (STATIC / "js").glob("*.js") for key in re.findall(r'\bt\("([a-z0-9_.]+)"', file.read_text())}
    assert used - words.keys() == set()
    assert not CHINESE.search("".join(f.read_text() for f in (STATIC / "js").glob("*.js") if f.name != "i18n.js").replace("：", ""))


CONTRAST = """
(phase) => {
  for (const a of document.getAnimations()) if (a.animationName?.startsWith('flash-')) {
    a.pause(); a.currentTime = phase * a.effect.getTiming().duration;
  }
  const channels = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = channels(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0.9) return c;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const e of document.querySelectorAll('#page *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility() || e.closest(':disabled, .shape, .row.closed, .unseen')) continue;
    const [a, b] = [light(channels(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${e.className || e.tagName} ${e.textContent.trim().slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return poor;
}
"""


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_has_a_contrast_of_4_5_to_1_in_both_phases_of_a_flash(room: Room, theme: str) -> None:
    desk = Desk(beat_s=0.2)
    a_busy_night(desk)
    with operator(room, desk) as page:
        if theme == "light":
            page.locator("[aria-label=切换明暗]").click()
        page.keyboard.press("Space")
        expect(page.locator(".chart canvas")).to_be_visible()
        desk.beat = {"alarm_process": "up", "ready": False, "problems": [{"zh": "磁盘已满。", "en": "The disk is full."}]}
        expect(page.locator(".banner.problem")).to_be_visible()
        assert page.evaluate(CONTRAST, 0.1) == []
        assert page.evaluate(CONTRAST, 0.6) == []
        page.keyboard.press("c")
        expect(page.locator(".radios label")).to_have_count(6)
        page.keyboard.press("1")
        assert page.evaluate(CONTRAST, 0.1) == []


TOO_WIDE = """
[...document.querySelectorAll('.desk *')]
  .filter((e) => e.checkVisibility() && !e.closest('svg, .whom, .line') && e.getBoundingClientRect().right > 391)
  .map((e) => e.outerHTML.slice(0, 120))
"""
TOO_SMALL = """
[...document.querySelectorAll('button, a, .row, .radios label')]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 44)
  .map((e) => e.outerHTML.slice(0, 120))
"""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_phone_needs_a_thumb_and_no_sideways_scroll(room: Room, language: str) -> None:
    desk = Desk()
    a_busy_night(desk)
    with operator(room, desk, width=390, height=844, phone=True) as page:
        if language == "en":
            page.keyboard.press("l")
            expect(page.locator(".link")).to_contain_text("Live")

        def fits() -> None:
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            assert page.evaluate(TOO_WIDE) == []
            assert page.evaluate(TOO_SMALL) == []

        fits()
        page.locator(".next").tap()
        expect(page.locator(".household")).to_be_visible()
        expect(page.locator(".queue")).to_be_hidden()
        expect(page.locator(".chart canvas")).to_be_visible()
        fits()
        page.locator("[data-action=close]").tap()
        expect(page.locator(".radios label")).to_have_count(6)
        fits()
        page.locator("dialog .buttons button").first.tap()
        page.locator(".back").tap()
        expect(page.locator(".queue")).to_be_visible()
        expect(page.locator(".card")).to_be_hidden()


def test_a_storm_of_alerts_stays_quick(room: Room) -> None:
    desk = Desk()
    with operator(room, desk) as page:
        homes = list(desk.homes)
        for i in range(200):
            desk.raise_alert("technical", homes[i % len(homes)], ago_s=i)
        last = desk.raise_alert("call_for_help", "h-0402")
        page.wait_for_selector(row(last), timeout=3_000)
        expect(page.locator(".rows .row").first).to_have_attribute("data-alert", last)
        expect(page.locator(".count.p4 b")).to_have_text("200")


# --- what is served


def test_vendored_files_are_what_their_packages_hold() -> None:
    vendor = STATIC / "vendor"
    listed: dict[str, str] = {}
    for package in tomllib.loads((vendor / "VENDOR.toml").read_text())["package"]:
        assert {"name", "version", "licence", "source", "sha256"} <= package.keys()
        listed |= package["files"]
    found = {str(f.relative_to(vendor)): hashlib.sha256(f.read_bytes()).hexdigest() for f in vendor.rglob("*") if f.is_file()}
    assert found.keys() - listed.keys() == {"VENDOR.toml"}
    assert listed == {name: found[name] for name in listed}


def test_the_page_carries_nothing_inline_and_asks_nobody_else() -> None:
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page)
    own = [f for f in STATIC.rglob("*") if f.suffix in (".js", ".css", ".html", ".svg") and "vendor" not in f.parts]
    elsewhere = [f.name for f in own if re.search(r"https?://(?!www\.w3\.org/2000/svg)", f.read_text())]
    assert elsewhere == []


def test_every_module_is_announced_in_the_page_so_that_none_is_found_late() -> None:
    announced = set(re.findall(r'(?:modulepreload" href|module" src)="/static/js/([a-z0-9]+\.js)"', (STATIC / "index.html").read_text()))
    assert announced == {f.name for f in (STATIC / "js").glob("*.js")} - {"types.js"}


def test_a_stream_event_is_read_whole_however_it_is_cut(room: Room) -> None:
    desk = Desk()
    text = 'event: alert\r\nid: 7\r\ndata: {"a":"王"}\r\n\r\n: comment\nevent: beat\ndata: 1\ndata: 2\nid: 8\n\n'
    with operator(room, desk) as page:
        for size in (1, 2, 3, 7, 1000):
            seen: list[dict[str, str]] = page.evaluate(
                "([text, size]) => import('/static/js/stream.js').then((m) => { const seen = [];"
                "const feed = m.eventParser((type, data, id) => seen.push({type, data, id}));"
                "for (let i = 0; i < text.length; i += size) feed(text.slice(i, i + size)); return seen; })",
                [text, size],
            )
            assert seen == [{"type": "alert", "data": '{"a":"王"}', "id": "7"}, {"type": "beat", "data": "1\n2", "id": "8"}], size
