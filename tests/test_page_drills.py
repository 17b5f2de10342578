"""The page of drills: held by thumb, read by keys, and never to be taken for a real call."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from alerting.items import Configured
from tests.household import default_ruleset
from tests.page_over import english, fits_a_thumb, page_over, photograph
from tests.web_alarm import AREA
from tests.web_desk import ADMIN, Service, service


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("drills") / "data") as running:
        running.register()
        running.see(running.alarm.take(Configured(default_ruleset())))
        yield running


def test_a_drill_is_held_by_thumb_and_says_who_would_have_been_told(desk: Service, browser: Browser) -> None:
    with page_over(desk, browser, "/drills", who=ADMIN, phone=True) as page:
        expect(page.locator(".band")).to_contain_text("不会通知任何真人")
        page.get_by_role("button", name="新的演练").tap()
        form = page.locator("main > form")
        form.get_by_role("button", name="开始演练").tap()
        expect(form.get_by_role("alert")).to_have_text("请选择片区。")
        form.locator("select[name=area]").select_option(AREA)
        form.locator("select[name=plan]").select_option("building 2")
        form.get_by_label("主管", exact=True).select_option("accepted")
        form.locator("input[name='after supervisor']").fill("20")
        form.locator("input[name=reason]").fill("季度演练")
        fits_a_thumb(page)
        photograph(page, "drill-form-phone-zh")
        form.get_by_role("button", name="开始演练").tap()
        row = page.locator("ul.list > li")
        expect(row).to_have_count(1)
        expect(row).to_contain_text("【演练】火情 · 楼栋 II 级 · 翠苑一区")
        expect(row.locator(".state")).to_have_text("符合预案")
        expect(row.locator(".figures")).to_contain_text("有人接受 +1:20")
        expect(row.locator("tr", has_text="主管").first).to_contain_text("+1:20 答应前往")
        row.locator("summary").tap()
        expect(row.locator(".lines")).to_contain_text("演练住户 1")
        photograph(page, "drill-phone-zh")
        fits_a_thumb(page)
    assert desk.operator.get("/alerts", params={"status": "open"}).json()["items"] == []


def test_what_was_wanting_is_read_by_keys_in_english_by_whoever_is_at_the_desk(desk: Service, browser: Browser) -> None:
    wish = {"area": AREA, "category": "fire", "scale": "area", "grade": 1, "homes": 4, "reason": "night drill"}
    assert desk.admin.post("/drills", json=wish | {"unreachable": ["shift_lead"]}).status_code == 201
    with page_over(desk, browser, "/drills") as page:
        row = page.locator("ul.list > li").first
        expect(row).to_contain_text("night drill")
        page.keyboard.press("l")
        expect(page.locator("main > p.panel button")).to_have_count(0)
        expect(row.locator(".state")).to_have_text("something was wanting")
        expect(row.locator(".notes")).to_contain_text("The grade was not raised: nobody of the staff is lead or supervisor")
        page.keyboard.press("Enter")
        photograph(page, "drill-wide-en")
        row.locator("summary").click()
        expect(row.locator(".whole")).to_contain_text("would have been told: supervisor (hook)")
        english(row.inner_text(), "翠苑一区")
        page.keyboard.press("Enter")
        expect(row.locator(".whole")).to_have_count(0)
