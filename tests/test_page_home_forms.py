"""On a home's card: what the family may see and the links that show it, devices put on test; on an alert's: its class and grade."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page_over import english, fits_a_thumb, page_over, photograph
from tests.web_alarm import HOME
from tests.web_desk import ADMIN, OPERATOR, Service, service, tomorrow

PEOPLE = ("陈桂英", "陈志强", "周敏", "12 栋 3 单元 402", "翠苑一区", "12-3-402", "当面同意，已签字", "English")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("forms") / "data") as running:
        running.register()
        yield running


def look_at_the_home(page: Page, *, phone: bool = False) -> None:
    expect(page.locator(".empty .calm, .row").first).to_be_visible()
    page.get_by_role("button", name="查找住户").click() if phone else page.keyboard.press("/")
    page.locator("dialog.find input").fill("402")
    page.locator("#found li").first.click()
    expect(page.locator(".card.home .household")).to_be_visible()


def test_a_resident_consents_and_a_daughter_gets_a_link_that_is_withdrawn(desk: Service, browser: Browser) -> None:
    with page_over(desk, browser, "/") as page:
        look_at_the_home(page)
        family = page.locator(".panel.family")
        family.locator("summary").click()
        expect(family.locator(".shown")).to_have_text("现在链接什么也不显示。")
        family.get_by_label("最近一次活动").check()
        family.get_by_label("设备是否在线").check()
        family.get_by_role("button", name="记录").click()
        expect(family.get_by_role("alert").first).to_contain_text("如何同意的")
        family.locator("input[name=word]").fill("当面同意，已签字")
        family.get_by_role("button", name="记录").click()
        expect(family.locator(".shown")).to_have_text("现在链接显示：最近一次活动、设备是否在线")
        expect(family.locator("legend")).to_contain_text(f"同意（当面同意，已签字），{OPERATOR} 记录")
        family.get_by_role("button", name="生成链接").click()
        address = family.locator(".made input").input_value()
        assert address.startswith(f"{desk.web.url}/f/")
        photograph(page, "family-zh")
        assert page.request.get(f"{address}/data").json().keys() == {"alive", "devices"}
        family.get_by_role("button", name="收回").click()
        expect(family.locator("li")).to_have_count(0)
        assert page.request.get(f"{address}/data").status == 404
        page.keyboard.press("l")
        english(family.inner_text(), *PEOPLE)


def test_by_thumb_consent_is_taken_back_and_devices_are_put_on_test_for_later(desk: Service, browser: Browser) -> None:
    desk.operator.put(f"/homes/{HOME}/consent", json={"resident": f"{HOME}-anna", "shows": ["alerts"], "word": "电话里同意"})
    with page_over(desk, browser, "/", phone=True) as page:
        look_at_the_home(page, phone=True)
        family = page.locator(".panel.family")
        family.locator("summary").tap()
        family.get_by_label("是否有警报").uncheck()
        fits_a_thumb(page, ".panel.family")
        photograph(page, "family-phone-zh")
        family.get_by_role("button", name="记录").tap()
        expect(family.locator("legend")).to_contain_text("收回")
        with page.context.expect_page() as opened:
            page.get_by_role("link", name="测试这户的设备").tap()
        tests = opened.value
        tests.locator("input[name=device]").first.check()
        day = tomorrow()[:10]
        tests.locator("input[name=start]").fill(f"{day}T09:30")
        tests.locator("input[name=reason]").fill("每月试拉")
        tests.locator("input[name=on_site]").check()
        tests.get_by_role("button", name="开始", exact=True).tap()
        expect(tests.locator("[data-test]")).to_contain_text("尚未开始")
    (planned,) = desk.operator.get("/tests").json()["items"]
    assert (planned["start"], planned["end"]) == (f"{day}T01:30:00Z", f"{day}T01:45:00Z"), "as clocks in the county show it"
    assert desk.operator.get(f"/homes/{HOME}/family").json()["shows"] == []


def test_a_call_that_is_larger_than_it_seemed_is_raised_by_keys_to_a_grade_of_its_plan(desk: Service, browser: Browser) -> None:
    alert = desk.pull_cord()
    with page_over(desk, browser, "/", who=ADMIN) as page:
        page.locator(f".rows [data-alert='{alert['id']}']").click()
        expect(page.locator(".panel.grade")).to_contain_text("未提高")
        page.keyboard.press("g")
        window = page.locator("dialog.form")
        expect(window.locator("[type=radio]").first).to_be_focused()
        expect(window.locator("label", has_text="楼栋 II 级")).to_contain_text("通知 值班长、主管")
        page.keyboard.press("Control+Enter")
        expect(window.get_by_role("alert")).to_contain_text("提高到")
        page.keyboard.press("3")
        page.keyboard.press("Tab")
        page.keyboard.type("楼道里都是烟")
        photograph(page, "grade-zh")
        page.keyboard.press("Control+Enter")
        expect(window).to_have_count(0)
        expect(page.locator(".panel.grade")).to_contain_text("楼栋 II 级")
        photograph(page, "graded-zh")
        page.keyboard.press("g")
        expect(window.locator("[type=radio]").first).to_be_focused()
        page.keyboard.press("1")
        page.locator("dialog.form input[name=reason]").fill("看错了")
        page.keyboard.press("Control+Enter")
        expect(window.get_by_role("alert")).to_contain_text("只能再提高")
    card = desk.operator.get(f"/alerts/{alert['id']}").json()
    assert [(one["by"], one["data"]["reason"]) for one in card["timeline"] if one["kind"] == "graded"] == [(ADMIN, "楼道里都是烟")]
