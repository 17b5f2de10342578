"""Many alerts of one event closed at the desk: how many, which stay and why, by keys alone and by thumb."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.page_over import english, fits_a_thumb, page_over, photograph
from tests.web_desk import Service, service, until


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Five leaks of a burst pipe: two looked at and dry again, one looked at and wet, two that nobody opened."""
    with service(tmp_path_factory.mktemp("together") / "data") as running:
        for number in range(5):
            home = f"flat-{number}"
            running.register(home)
            leak = {"id": f"{home}-leak", "home": home, "model": "a-leak", "room": "kitchen", "exposes": ["water_leak"]}
            assert running.admin.post("/devices", json=leak).status_code == 201
            running.see(running.alarm.report(f"{home}-leak", home=home, water_leak=True))
        alerts = {one["home"]: one["id"] for one in running.operator.get("/alerts", params={"status": "open"}).json()["items"]}
        for number in range(3):
            path = f"/alerts/{alerts[f'flat-{number}']}"
            running.operator.get(path)
            until("the look is on record", lambda path=path: running.admin.get(path).json()["viewed_at"])  # type: ignore[misc]
        for number in range(2):
            running.see(running.alarm.report(f"flat-{number}-leak", home=f"flat-{number}", water_leak=False))
        yield running


def still_open(desk: Service) -> set[str]:
    return {one["home"] for one in desk.operator.get("/alerts", params={"status": "open"}).json()["items"]}


def test_by_keys_alone_and_it_says_how_many_and_which_stay(desk: Service, browser: Browser) -> None:
    with page_over(desk, browser, "/") as page:
        expect(page.locator(".rows > .row")).to_have_count(5)
        page.keyboard.press("b")
        window = page.locator("dialog.together")
        expect(window.locator("h3").first).to_have_text("将办结 2 条")
        expect(window.locator("ul.chosen li")).to_have_count(2)
        expect(window.locator("h3").nth(1)).to_contain_text("不会办结 3 条")
        expect(window.locator("ul.out li", has_text="还没人看过")).to_have_count(2)
        expect(window.locator("ul.out li", has_text="现场尚未恢复")).to_have_count(1)
        page.keyboard.type("3 号楼水管爆裂")
        page.keyboard.press("Control+Enter")
        expect(window.get_by_role("alert")).to_contain_text("处理结果")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.type("物业已关总阀")
        photograph(page, "together-zh")
        page.keyboard.press("Control+Enter")
        expect(window.get_by_role("status")).to_have_text("已办结 2 条。")
        photograph(page, "together-done-zh")
        page.keyboard.press("Enter")
        expect(window).to_have_count(0)
        expect(page.locator(".rows > .row")).to_have_count(3)
    assert still_open(desk) == {"flat-2", "flat-3", "flat-4"}
    closed = desk.operator.get("/alerts", params={"status": "closed"}).json()["items"]
    assert {(one["event"], one["closed_by"]) for one in closed} == {("3 号楼水管爆裂", "li.na")}


def test_by_thumb_in_english_one_is_unticked_and_another_opened(desk: Service, browser: Browser) -> None:
    with page_over(desk, browser, "/", phone=True) as page:
        page.locator(".tool", has_text="English").tap()
        page.get_by_role("button", name="Close several as one event").tap()
        window = page.locator("dialog.together")
        expect(window.locator("h3").first).to_have_text("To be closed: 2")
        window.locator("ul.chosen label").first.tap()
        expect(window.get_by_role("button", name="Close 1", exact=True)).to_be_visible()
        fits_a_thumb(page, "dialog.together")
        photograph(page, "together-phone-en")
        english(window.inner_text(), "陈桂英", "12 栋 3 单元 402", "翠苑一区", "真实险情")
        window.locator("ul.out button").first.tap()
        expect(window).to_have_count(0)
        expect(page.locator(".card")).to_be_visible()
    assert len(still_open(desk)) == 5
