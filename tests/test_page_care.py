"""The page of care with the real service behind it: the day's list by one key and a word, a request for help, a plan; phone and English."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from alerting.caring.commands import SeeToCare
from alerting.commands import Asked
from alerting.items import WallClockStepped
from alerting.terms import SERVICE
from devices.home import HomeId
from tests.page_over import page_over, photograph
from tests.web_alarm import AREA, HOME
from tests.web_desk import OPERATOR, Service, service

LATER_S = 2 * 86_400.0


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("page") / "data") as running:
        running.register()
        kitchen = {"id": "kitchen", "area": AREA, "kind": "service", "name": "安和助餐点", "helps": ["meal"], "phone": "0579-5550001"}
        assert running.admin.post("/responders", json=kitchen).status_code == 201
        for errand, at, within in (("greeting", "00:00", 1), ("visit", "00:01", 40_000), ("device_test", "00:02", 40_000)):
            body = {"home": HOME, "errand": errand, "every": "day", "at": at, "within_minutes": within, "who": "周敏", "id": errand}
            assert running.operator.post("/care-plans", json=body).status_code == 201
        running.alarm.take(WallClockStepped(LATER_S))
        running.see(running.alarm.take(Asked(SeeToCare((HomeId(HOME),)), SERVICE)))
        yield running


def test_the_days_list_is_worked_through_by_one_key_and_a_word(desk: Service, browser: Browser) -> None:
    with page_over(desk, browser, "/care") as page:
        rows = page.locator("ul.list > li[data-id]")
        first = rows.first
        expect(first).to_have_attribute("aria-current", "true")
        expect(rows.filter(has_text="问候电话").first).to_contain_text("陈桂英")
        photograph(page, "care-today-zh")
        visit = rows.filter(has_text="上门探访").and_(page.locator(".due, .overdue"))
        expect(visit).to_have_count(1)
        place = [row.get_attribute("data-id") for row in rows.all()].index(visit.get_attribute("data-id"))
        for _ in range(place):
            page.keyboard.press("ArrowDown")  # as fast as it goes: every one counts
        page.keyboard.press("m")
        expect(visit.locator("form")).to_be_visible()
        expect(visit).to_have_attribute("aria-current", "true")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("请填写未完成的原因")
        page.keyboard.press("Escape")
        page.keyboard.press("d")
        page.keyboard.type("一切都好，dm12 换了灯泡")
        page.keyboard.press("Enter")
        expect(visit).to_have_count(0)
    done = desk.operator.get("/visits", params={"state": "settled", "errand": "visit"}).json()["items"]
    assert (done[0]["state"], done[0]["word"], done[0]["by"]) == ("done", "一切都好，dm12 换了灯泡", OPERATOR)


def test_a_list_that_changes_takes_neither_the_chosen_row_nor_the_word_that_is_being_written(desk: Service, browser: Browser) -> None:
    colleague = desk.admin
    with page_over(desk, browser, "/care") as page:
        rows = page.locator("ul.list > li[data-id]")
        mine = rows.filter(has_text="设备测试").and_(page.locator(".due, .overdue"))
        expect(mine).to_have_count(1)
        before = [row.get_attribute("data-id") for row in rows.all()]
        mine.click()
        page.keyboard.press("d")
        page.keyboard.type("已经")
        (other,) = colleague.get("/visits", params={"state": "open", "errand": "greeting"}).json()["items"]
        assert before.index(other["id"]) < before.index(mine.get_attribute("data-id")), "what goes stood above"
        assert colleague.post(f"/visits/{other['id']}/done", json={"word": "接了"}).status_code == 200
        expect(rows).to_have_count(len(before) - 1)
        page.keyboard.type("测试过")
        expect(mine.locator("input[name=word]")).to_have_value("已经测试过")
        page.keyboard.press("Escape")
        expect(mine).to_have_attribute("aria-current", "true")


def test_a_call_becomes_a_request_that_is_done_and_rated(desk: Service, browser: Browser) -> None:
    alert = desk.pull_cord()
    with page_over(desk, browser, f"/care?home={HOME}&alert={alert['id']}") as page:
        form = page.locator("main > form")
        expect(form.locator("select[name=responder]")).to_contain_text("安和助餐点")
        form.locator("input[name=due]").fill("2031-03-01T12:30")
        form.locator("input[name=word]").fill("少盐")
        photograph(page, "care-ask-zh")
        form.get_by_role("button", name="确认").click()
        row = page.locator("ul.list > li[data-id]")
        expect(row).to_contain_text("安和助餐点")
        expect(row).to_contain_text("12:30")
        row.get_by_role("button", name="已接单").click()
        page.keyboard.type("四十分钟到")
        page.keyboard.press("Enter")
        expect(row).to_contain_text("四十分钟到")
        row.get_by_role("button", name="完成").click()
        page.keyboard.press("Enter")
        row.get_by_role("button", name="评价 4").click()
        page.keyboard.type("很好吃")
        page.keyboard.press("Enter")
        expect(row).to_contain_text("★★★★ 很好吃")
        photograph(page, "care-helps-zh")
    (request,) = desk.operator.get("/help-requests", params={"state": "ended"}).json()["items"]
    assert (request["due_at"], request["alert"]) == ("2031-03-01T04:30:00Z", alert["id"]), "as clocks in the county show it"


def test_a_plan_is_made_and_ended_on_a_phone_in_english(desk: Service, browser: Browser) -> None:
    with page_over(desk, browser, f"/care?home={HOME}", phone=True) as page:
        page.get_by_role("button", name="English").tap()
        page.get_by_role("tab", name="Plans").tap()
        expect(page.locator("li[data-id]")).to_have_count(3)
        page.get_by_role("button", name="New plan").tap()
        form = page.locator("main > form")
        form.locator("select[name=errand]").select_option("visit")
        form.locator("input[name=days]").fill("1, 31")
        form.locator("input[name=who]").fill("Li")
        photograph(page, "care-plan-phone-en")
        form.get_by_role("button", name="Save").tap()
        made = page.locator("li[data-id]").filter(has_text="Li")
        expect(made).to_contain_text("1, 31 09:00")
        heights = page.evaluate("[...document.querySelectorAll('button, input, select')].map((e) => e.getBoundingClientRect().height)")
        assert min(heights) >= 44, "a thumb needs 44 pixels"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the edge"
        made.get_by_role("button", name="End the plan").tap()
        expect(page.locator("li[data-id]")).to_have_count(3)
        assert not re.search(r"[㐀-鿿]", page.locator("[role=tablist]").inner_text())
        page.get_by_role("tab", name="Today").tap()
        expect(page.locator("li[data-id]").first).to_be_visible()
        photograph(page, "care-today-phone-en")


def test_a_home_is_found_by_its_building_without_a_mouse_and_nobody_types_an_id(desk: Service, browser: Browser) -> None:
    with page_over(desk, browser, "/care") as page:
        page.keyboard.press("3")
        expect(page.get_by_role("tab", name="计划")).to_have_attribute("aria-selected", "true")
        page.keyboard.press("n")
        form = page.locator("main > form")
        field = form.get_by_label("查找住户")
        expect(field).to_be_focused()
        page.keyboard.type("9 栋")
        expect(form.get_by_role("status")).to_have_text("没有找到“9 栋”。")
        page.keyboard.press("Enter")
        assert field.evaluate("(field) => field.validationMessage") == "请先查找并选择住户。"
        field.fill("12栋")
        expect(form.locator(".found button")).to_have_count(1)
        photograph(page, "care-plan-home-zh")
        page.keyboard.press("Enter")
        expect(form).to_contain_text("12 栋 3 单元 402")
        expect(form.locator("select[name=errand]")).to_be_focused()
        form.get_by_role("button", name="换一户").click()
        expect(field).to_be_focused()
        page.keyboard.type("402")
        form.locator(".found button").click()
        form.locator("input[name=days]").fill("7")
        form.locator("input[name=who]").fill("老周")
        form.get_by_role("button", name="确认").click()
        expect(page.locator("li[data-id]").filter(has_text="老周")).to_contain_text("12 栋 3 单元 402")
    (plan,) = [one for one in desk.operator.get("/care-plans").json()["items"] if one["who"] == "老周"]
    assert plan["home"] == HOME
    assert desk.operator.delete(f"/care-plans/{plan['id']}").status_code == 204


def test_whoever_has_not_logged_in_is_sent_to_the_desk(desk: Service, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{desk.web.url}/care")
    expect(page).to_have_url(f"{desk.web.url}/")
    context.close()
