"""The page of what is quiet: who set it, why, until when, what it muted; begun and ended there; and it says what is never muted."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from gateway.clock import MACHINE
from tests.page_over import english, fits_a_thumb, page_over, photograph
from tests.web_alarm import AREA, HOME
from tests.web_desk import ADMIN, OPERATOR, Service, service

HOUSES = ("陈桂英", "12 栋 3 单元 402", "翠苑一区")


def hours(number: float) -> str:
    return (MACHINE.wall() + timedelta(hours=number)).isoformat()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A silence that muted a leak, maintenance of the area tomorrow, a device on test."""
    with service(tmp_path_factory.mktemp("silences") / "data") as running:
        running.register()
        leak = {"id": "leak", "home": HOME, "model": "a-leak", "room": "kitchen", "exposes": ["water_leak"]}
        assert running.admin.post("/devices", json=leak).status_code == 201
        quiet = {"home": HOME, "categories": ["water"], "until": hours(2), "reason": "水表改造"}
        assert running.operator.post("/silences", json=quiet).status_code == 201
        work = {"area": AREA, "start": hours(20), "until": hours(24), "reason": "电网检修", "maintenance": True}
        assert running.admin.post("/silences", json=work).status_code == 201
        test = {"home": HOME, "devices": [f"{HOME}-cord"], "end": hours(0.4), "on_site": True, "reason": "每月试拉"}
        assert running.operator.post("/tests", json=test).status_code == 201
        running.see(running.alarm.report("leak", water_leak=True))
        yield running


def test_it_says_who_why_until_when_what_was_muted_and_what_never_is(desk: Service, browser: Browser) -> None:
    with page_over(desk, browser, "/silences") as page:
        expect(page.locator(".floor")).to_contain_text("呼救、火情、燃气和跌倒从不静默")
        rows = page.locator("ul.list > li[data-id]")
        expect(rows).to_have_count(2)
        test, silence = rows.nth(0), rows.nth(1)
        expect(test).to_contain_text("每月试拉")
        for said in ("静默", "12 栋 3 单元 402", "水表改造", OPERATOR, "漏水", "1 条"):
            expect(silence).to_contain_text(said)
        silence.get_by_role("button", name="查看是哪些").click()
        expect(silence.locator(".muted li")).to_contain_text("仍被压下")
        photograph(page, "silences-zh")
        page.keyboard.press("2")
        expect(rows).to_have_count(1)
        for said in ("维护", "翠苑一区", "整个片区及其下级", "电网检修", ADMIN, "除呼救、火情、燃气、跌倒外的全部警报"):
            expect(rows).to_contain_text(said)
        page.keyboard.press("l")
        english(page.locator("body").inner_text(), *HOUSES, "电网检修")
        page.keyboard.press("3")
        expect(page.locator("main")).to_contain_text("Nothing has ended yet.")


def test_one_is_begun_and_ended_by_thumb_and_what_it_muted_rings(desk: Service, browser: Browser) -> None:
    with page_over(desk, browser, "/silences", phone=True) as page:
        page.get_by_role("button", name="新的静默或维护").tap()
        form = page.locator("main > form")
        form.locator("select[name=sort]").select_option("maintenance")
        form.get_by_label("查找住户").fill("402")
        form.locator(".found button").tap()
        form.get_by_role("button", name="开始").tap()
        expect(form.get_by_role("alert")).to_have_text("请填写原因。")
        form.locator("input[name=reason]").fill("换路由器")
        form.get_by_text("设备", exact=True).last.tap()
        photograph(page, "silence-form-phone-zh")
        fits_a_thumb(page)
        form.get_by_role("button", name="开始").tap()
        made = page.locator("ul.list > li.maintenance")
        expect(made).to_contain_text("换路由器")
        photograph(page, "silences-phone-zh")
        fits_a_thumb(page)
        (kept,) = [one for one in desk.operator.get("/silences", params={"home": HOME}).json()["items"] if one["reason"] == "换路由器"]
        assert (kept["categories"], kept["maintenance"], kept["home_name"]) == (["technical"], True, "12 栋 3 单元 402")
        made.get_by_role("button", name="结束").tap()
        expect(made.locator(".sure")).to_contain_text("没有被压下的警报")
        made.get_by_role("button", name="确认结束").tap()
        expect(made).to_have_count(0)
        silence = page.locator("ul.list > li.silence")
        silence.get_by_role("button", name="结束").tap()
        expect(silence.locator(".sure")).to_contain_text("1 条会立刻响铃")
        silence.get_by_role("button", name="确认结束").tap()
        expect(silence).to_have_count(0)
        page.get_by_role("tab", name="已结束").tap()
        expect(page.locator("ul.list > li", has_text="水表改造")).to_contain_text(f"由 {OPERATOR} 结束")
    (leak,) = desk.operator.get("/alerts", params={"status": "open", "category": "water"}).json()["items"]
    assert leak["step"] >= 0, "it rang when its silence was over"


def test_the_service_refuses_what_nothing_may_mute_and_a_stranger_is_sent_to_the_desk(desk: Service, browser: Browser) -> None:
    answer = desk.operator.post("/silences", json={"home": HOME, "categories": ["fire"], "until": hours(1), "reason": "误报"})
    assert answer.status_code == 409
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{desk.web.url}/silences")
    expect(page).to_have_url(f"{desk.web.url}/")
    context.close()
