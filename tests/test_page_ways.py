"""From page to page: every page leads to every other, can be read to its end, and is as dark or light as its reader wants."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page_over import blank
from tests.test_page_senses import CONTRAST
from tests.web_desk import ADMIN, Service, service

PAGES = ["/duty", "/care", "/silences", "/tests", "/drills", "/reports", "/rules", "/channels"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("ways") / "data") as running:
        running.register()
        alert = running.pull_cord()["id"]
        for path, body in (("claim", {}), ("close", {"disposition": "false_person"})):
            assert running.operator.post(f"/alerts/{alert}/{path}", json=body).status_code < 300
        yield running


@pytest.fixture
def page(desk: Service, browser: Browser) -> Iterator[Page]:
    with blank(desk, browser, who=ADMIN, width=390, height=500) as page:
        yield page


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_which_it_is_and_leads_to_every_other(desk: Service, page: Page, path: str) -> None:
    page.goto(desk.web.url + path)
    ways = page.locator(".masthead nav").first
    expect(ways.locator("a")).to_have_count(1 + len(PAGES))
    assert [link.get_attribute("href") for link in ways.locator("a").all()] == ["/", *PAGES]
    expect(ways.locator("a[aria-current=page]")).to_have_attribute("href", path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "a telephone is not pushed sideways"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_read_to_its_end_however_low_the_screen(desk: Service, page: Page, path: str) -> None:
    page.goto(desk.web.url + path)
    expect(page.locator("main, .panel").first).to_be_visible()
    page.evaluate("document.body.style.paddingBottom = '2000px'")
    page.mouse.move(200, 400)
    page.mouse.wheel(0, 1200)
    page.wait_for_function("scrollY > 0")


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(("path", "list_"), [("/care", "3"), ("/silences", "1"), ("/drills", "")])
def test_what_a_button_says_is_read_while_the_mouse_is_on_it(desk: Service, page: Page, path: str, list_: str, theme: str) -> None:
    page.add_init_script(f"localStorage.setItem('anju.theme', '{theme}')")
    page.goto(desk.web.url + path)
    if list_:
        page.keyboard.press(list_)
    page.locator("button.main").first.hover()
    page.wait_for_timeout(100)
    poor = page.evaluate(CONTRAST, 0.1)
    assert [said for said in poor if said.startswith("main ")] == []


def test_the_language_and_the_theme_go_along_from_page_to_page_and_to_the_desk(desk: Service, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{desk.web.url}/duty")
    expect(page.locator("h1")).to_have_text("值班")
    page.get_by_role("button", name="深色或浅色").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.keyboard.press("l")
    expect(page.locator("h1")).to_have_text("On duty")
    page.get_by_role("link", name="Month").click()
    expect(page.locator("h1")).to_have_text("Month")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.get_by_role("link", name="Desk").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.locator(".more summary").click()
    expect(page.locator(".more nav a")).to_have_count(len(PAGES))
    page.keyboard.press("Escape")
    expect(page.locator(".more nav")).to_be_hidden()
    page.locator(".more summary").click()
    page.locator(".more").get_by_role("link", name="Care").click()
    expect(page.locator("h1")).to_have_text("Care")


def test_the_month_names_things_by_their_words(desk: Service, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{desk.web.url}/reports")
    answering = page.locator("table").first
    expect(answering.get_by_role("cell", name="危急", exact=True)).to_be_visible()
    expect(answering.get_by_role("cell", name="呼救", exact=True)).to_be_visible()
    expect(page.get_by_role("cell", name="call_for_help")).to_have_count(0)
