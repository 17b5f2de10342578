"""An alert's life at the desk and on the telephone: asked before it is taken over, closed with a time, floods grouped, devices tested."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from gateway.web.auth import COOKIE
from tests import page_room
from tests.page_desk import Desk
from tests.page_room import CHINESE, Room, operator
from tests.test_page_mode import photograph
from tests.web_desk import OPERATOR, Service, service

room = page_room.room


def open_card(page: Page, alert: str) -> None:
    page.locator(f".rows [data-alert='{alert}']").click()


def test_what_somebody_has_is_taken_over_only_when_that_was_meant(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_alert("call_for_help", "h-0402", claimed_by="liwei", viewed_at=None)
    with operator(room, desk) as page:
        open_card(page, alert)
        expect(page.locator(".card .tags")).to_contain_text("还没人看过")
        page.keyboard.press("Enter")
        window = page.locator("dialog.form")
        expect(window).to_contain_text("liwei 正在处理")
        photograph(page, "take-over-zh")
        assert desk.alerts[alert]["claimed_by"] == "liwei", "asked first"
        page.keyboard.press("Control+Enter")
        expect(window).to_have_count(0)
        expect(page.locator(".card .tags")).to_contain_text("我在处理")
        assert [body for _, body in desk.keys_seen.values()][-1] is not None


def test_what_may_still_be_so_is_closed_with_a_reason_and_a_time_and_a_call_is_not_asked_for_one(room: Room) -> None:
    desk = Desk()
    fire, call = desk.raise_alert("fire", "h-0402"), desk.raise_alert("call_for_help", "h-0601")
    with operator(room, desk) as page:
        open_card(page, fire)
        page.keyboard.press("c")
        form = page.locator("dialog.form")
        expect(form.locator("select[name=rearm_minutes]")).to_have_value("30")
        expect(form.locator("select[name=rearm_minutes] option")).to_have_count(3)
        photograph(page, "close-still-zh")
        page.keyboard.press("Escape")
        open_card(page, call)
        page.keyboard.press("c")
        expect(form).to_be_visible()
        expect(form.locator("select")).to_have_count(0)
        page.keyboard.press("Escape")
        page.keyboard.press("h")
        expect(form.locator("select[name=return_priority] option")).to_have_text(["级别不变"])


def test_a_call_taken_back_stands_lower_and_says_so_and_the_marks_are_words(room: Room) -> None:
    desk = Desk()
    back = desk.raise_alert("call_for_help", "h-0402", ago_s=300, cancelled_at="2026-11-21T19:10:00.000Z", shown_priority=2)
    other = desk.raise_alert("fall", "h-0601", chattering_at="2026-11-21T19:10:00.000Z", standing_at="2026-11-21T19:10:00.000Z")
    with operator(room, desk) as page:
        expect(page.locator(".rows .row").first).to_have_attribute("data-alert", other)
        expect(page.locator(f"[data-alert='{back}'] .tags").first).to_contain_text("本人已取消")
        expect(page.locator(f"[data-alert='{other}'] .tags").first).to_contain_text("反复告警")
        expect(page.locator(f"[data-alert='{other}'] .tags").first).to_contain_text("长时间未恢复")


def test_a_flood_groups_what_is_not_under_the_floor_and_the_group_opens(room: Room) -> None:
    desk = Desk()
    desk.beat["flood"] = {"since": "2026-11-21T19:10:00Z", "count": 14}
    homes = [home for home in list(desk.homes) if home != "h-0402"][:5]
    for home in homes:
        desk.raise_alert("technical", home)
    desk.raise_alert("call_for_help", "h-0402")
    desk.raise_alert("call_for_help", homes[0])
    with operator(room, desk) as page:
        expect(page.locator(".banner.flood")).to_contain_text("告警洪峰：10 分钟内 14 条")
        expect(page.locator(".rows > .row")).to_have_count(3)
        group = page.locator(".rows .group button")
        expect(group).to_contain_text("5 条")
        photograph(page, "flood-zh")
        group.click()
        expect(page.locator(".rows > .row")).to_have_count(8)
        page.keyboard.press("l")
        expect(page.locator(".banner.flood")).to_contain_text("Flood: 14 alerts")


# --- the telephone of whoever stands at the device, against the real service ----------------------------------------------------


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("ontest") / "data") as running:
        running.register()
        yield running


def test_devices_are_tested_by_thumb_and_the_call_is_confirmed(room: Room, homes: Service) -> None:
    context = room.browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.add_cookies([{"name": COOKIE, "value": homes.web.tokens[OPERATOR], "url": homes.web.url}])
    page = context.new_page()
    page.goto(f"{homes.web.url}/tests")
    page.get_by_label("查找住户").fill("9 栋")
    expect(page.get_by_role("status")).to_have_text("没有找到“9 栋”。")
    page.get_by_label("查找住户").fill("402")
    page.locator(".found button").tap()
    page.get_by_role("button", name="开始", exact=True).tap()
    expect(page.locator("[role=alert]")).to_contain_text("确认您在现场")
    page.locator("input[name=device]").first.check()
    page.locator("input[name=reason]").fill("安装后试拉")
    page.locator("input[name=on_site]").check()
    photograph(page, "test-form-phone-zh")
    page.get_by_role("button", name="开始", exact=True).evaluate("(button) => { button.click(); button.click(); }")  # a thumb that trembles
    expect(page.locator("[data-test]")).to_contain_text("等待设备报警")
    assert len(homes.operator.get("/tests").json()["items"]) == 1, "said once"
    homes.see(homes.alarm.report("home-1-cord", home="home-1", pull_cord=True))
    confirm = page.get_by_role("button", name="收到，是测试")
    expect(confirm).to_be_visible()
    photograph(page, "test-call-phone-zh")
    confirm.tap()
    expect(page.locator("[data-call]")).to_contain_text("已确认为测试")
    assert homes.operator.get("/alerts", params={"status": "open"}).json()["items"] == [], "nobody was rung"
    page.get_by_role("button", name="English").tap()
    expect(page.locator("[data-call]")).to_contain_text("confirmed as a test")
    assert not CHINESE.search(page.locator("form, label").first.inner_text())
    page.get_by_role("button", name="End the test").tap()
    expect(page.locator("[data-test]")).to_have_count(0)
    context.close()
