"""The page of duty in a real browser, over the real service: who is on, the week, gaps in words, and taking over by key."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.clock import MACHINE
from tests.page_over import page_over, photograph
from tests.test_page_senses import CONTRAST
from tests.web_alarm import HOME
from tests.web_desk import ADMIN, OPERATOR, Service, service


def days(number: float) -> str:
    return f"{(MACHINE.wall() + timedelta(days=number)):%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The operator's shift is over, and the administrator is on; a call and a silence are still the operator's."""
    with service(tmp_path_factory.mktemp("duty") / "data") as running:
        running.register()
        for id_, name, user in (("li", "李娜", OPERATOR), ("wang", "王伟", ADMIN)):
            running.admin.put(f"/staff/{id_}", json={"name": name, "user": user, "phone": "13800000011"})
        layer = {"name": "台面", "members": ["li"], "turn": "daily", "starts": days(-3)[:10]}
        running.admin.put("/rosters/desk", json={"zh": "值守台", "en": "the desk", "layers": [layer], "desk": True})
        running.pull_cord()
        running.operator.post("/silences", json={"home": HOME, "categories": ["water"], "until": days(2), "reason": "检修"})
        for since, until, staff in ((-0.01, 0.2, "wang"), (0.3, 0.5, None)):
            body = {"layer": "台面", "since": days(since), "until": days(until), "staff": staff, "reason": "换班"}
            assert running.admin.post("/rosters/desk/overrides", json=body).status_code == 201
        yield running


@pytest.fixture
def page(browser: Browser, desk: Service) -> Iterator[Page]:
    with page_over(desk, browser, "/duty", who=ADMIN, width=1280) as page:
        expect(page.locator("section").first).to_be_visible()
        yield page


def test_who_is_on_is_named_and_a_gap_stands_there_in_words(page: Page) -> None:
    expect(page.locator(".who .on b")).to_have_text("王伟")
    expect(page.locator(".gaps")).to_contain_text("空缺")
    expect(page.locator(".lane .gap").first).to_have_text("无人")
    expect(page.locator("h3", has_text="交接")).to_contain_text("2 项仍属上一班")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_whose_shift_it_is_is_read_by_day_and_by_night_also_under_the_mouse(page: Page, theme: str) -> None:
    page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
    assert page.evaluate(CONTRAST, 0.1) == []
    page.locator(".bar button:enabled").first.hover()
    assert page.evaluate(CONTRAST, 0.1) == []
    page.mouse.move(0, 0)


def test_it_speaks_english_and_fits_a_telephone(page: Page) -> None:
    page.keyboard.press("l")
    expect(page.locator("h1")).to_have_text("On duty")
    expect(page.locator(".lane .gap").first).to_have_text("nobody")
    page.set_viewport_size({"width": 375, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.keyboard.press("l")


def test_what_is_wanting_is_grouped_with_how_many_and_opened(page: Page, desk: Service) -> None:
    gaps, contacts = page.locator(".wanting [data-kind=gap]"), page.locator(".wanting [data-kind=contacts]")
    expect(gaps.locator("h3")).to_contain_text("十四天内无人值班的时段")
    (group,) = [one for one in desk.operator.get("/rosters/gaps/groups").json()["items"] if one["kind"] == "gap"]
    expect(gaps.locator("summary")).to_contain_text(f"值守台 {group['count']}")
    expect(gaps.locator("summary")).to_contain_text("小时")
    expect(contacts.locator("summary")).to_contain_text("翠苑一区 1")
    contacts.locator("summary").click()
    photograph(page, "duty-wanting-zh")
    expect(contacts.locator("li")).to_have_text("12 栋 3 单元 402 只有 2 个可拨打的联系人")


def test_a_shift_gets_somebody_else_by_hand(page: Page, desk: Service) -> None:
    page.locator(".bar button", has_text="李娜").last.click()
    page.locator("form input").first.fill("生病")
    page.locator("form select").first.select_option("wang")
    page.locator("form button", has_text="安排替班").click()
    expect(page.locator(".said.good")).to_have_text("已保存")
    assert {o["staff"] for o in desk.admin.get("/rosters/desk").json()["overrides"]} == {"wang", None}


def test_one_is_taken_over_by_a_key_and_then_all(page: Page, desk: Service) -> None:
    expect(page.locator("ul.items li.earlier")).to_have_count(2)
    page.keyboard.press("t")
    expect(page.locator("ul.items li.earlier")).to_have_count(1)
    expect(page.locator("ul.items li").first).to_contain_text(f"负责人 {ADMIN}")
    page.keyboard.press("a")
    expect(page.locator("ul.items li.earlier")).to_have_count(0)
    assert desk.admin.get("/rosters/desk").json()["waiting"] == 0


def test_the_desk_says_who_is_on(page: Page, desk: Service) -> None:
    page.goto(f"{desk.web.url}/")
    expect(page.locator(".onduty")).to_contain_text("当班：王伟")
