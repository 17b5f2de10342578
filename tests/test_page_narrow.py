"""Names without end on the narrowest telephone: nothing is pushed over the edge, and no word of the page is missing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page_over import blank
from tests.patience import STORY_S
from tests.test_page_ways import PAGES
from tests.web_alarm import AREA
from tests.web_desk import ADMIN, Service, service

WEB = Path(__file__).parents[1] / "gateway" / "web"
UNBROKEN, LONG = "W" * 60, "欧阳司徒" * 15
WIDTH = 360


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("narrow") / "data") as running:
        running.register()
        assert running.admin.patch(f"/areas/{AREA}", json={"name": LONG}).status_code == 200
        for home, name in (("home-w", UNBROKEN), ("home-long", LONG)):
            running.register(home)
            for path in (f"/homes/{home}", f"/people/{home}-anna", f"/people/{home}-son"):
                assert running.admin.patch(path, json={"name": name, "note": name * 2}).status_code == 200
            assert running.admin.patch(f"/devices/{home}-cord", json={"room": name, "name": name}).status_code == 200
            running.pull_cord(home)
        for number in range(12):
            door = {"id": f"home-long-door-{number}", "home": "home-long", "model": "door", "exposes": ["contact_open"]}
            assert running.admin.post("/devices", json=door).status_code == 201
        running.admin.put("/staff/li", json={"name": UNBROKEN, "user": ADMIN, "phone": "13800000011"})
        layer = {"name": UNBROKEN, "members": ["li"], "turn": "daily", "starts": "2026-01-01"}
        assert running.admin.put("/rosters/desk", json={"zh": LONG, "en": UNBROKEN, "layers": [layer], "desk": True}).status_code < 300
        plan = {"home": "home-w", "errand": "greeting", "every": "day", "at": "09:00", "within_minutes": 60, "who": UNBROKEN, "id": "w"}
        assert running.operator.post("/care-plans", json=plan).status_code == 201
        yield running


@pytest.fixture(params=["zh", "en"])
def page(desk: Service, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    with blank(desk, browser, who=ADMIN, width=WIDTH, height=740, phone=True) as page:
        page.add_init_script(f"localStorage.setItem('anju.language', '{request.param}')")
        yield page


def overhanging(page: Page) -> str:
    """What reaches over the edge, unless it scrolls within a frame of its own."""
    return str(
        page.evaluate(
            """(width) => document.documentElement.scrollWidth <= width ? '' : [...document.querySelectorAll('body *')]
            .filter((e) => e.getBoundingClientRect().right > width + 1 && !e.closest('.masthead')).map((e) => e.outerHTML.slice(0, 90))
            .slice(0, 6).join('\\n')""",
            WIDTH,
        )
    )


def test_who_calls_is_read_whole_in_the_queue(desk: Service, page: Page) -> None:
    desk.pull_cord()
    page.goto(desk.web.url)
    who = page.locator(".row .who", has_text="陈桂英").first
    expect(who).to_be_visible()
    assert who.evaluate("(e) => e.scrollWidth <= e.clientWidth")
    assert who.evaluate("(e) => e.getBoundingClientRect().right <= e.parentElement.getBoundingClientRect().right")


@pytest.mark.parametrize("width", [1600, 1366, 1300, 1280, 1130, 1024, 900])
def test_every_button_of_the_desks_bar_is_within_reach_however_wide_the_screen(desk: Service, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 768})
    page.goto(desk.web.url)
    expect(page.locator(".top .sound.locked")).to_be_visible()  # the bar at its longest
    beyond = "(w) => [...document.querySelectorAll('.top :is(button, summary)')].filter((e) => e.getBoundingClientRect().right > w).length"
    assert page.evaluate(beyond, width) == 0


@pytest.mark.parametrize("width", [1600, 1366, 1280, 1024, 900, WIDTH])
def test_the_words_on_the_actions_stay_within_their_buttons(desk: Service, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 768})
    page.goto(desk.web.url)
    page.locator("[data-alert]").first.click()
    expect(page.locator(".actions button").first).to_be_visible()
    cut = "(e) => [...e.querySelectorAll('button')].filter((b) => b.scrollWidth > b.clientWidth).map((b) => b.textContent)"
    assert page.locator(".actions").evaluate(cut) == []
    assert page.locator(".actions").evaluate("(e) => e.scrollWidth <= e.clientWidth"), "and all of them on the card"


def test_what_is_refused_of_a_test_is_read_where_the_thumb_is(desk: Service, page: Page) -> None:
    page.goto(f"{desk.web.url}/tests?home=home-long")
    expect(page.locator("input[name=device]")).to_have_count(13)
    page.locator("button.primary").tap()
    expect(page.locator("[role=alert]")).to_be_in_viewport()


def test_the_name_of_a_policy_stands_in_one_line(desk: Service, page: Page) -> None:
    page.goto(f"{desk.web.url}/duty")
    names = page.locator("tbody th")
    expect(names.first).to_be_visible()
    broken = """(all) => all.map((th) => { const range = document.createRange(); range.selectNodeContents(th.firstChild);
        return [th.firstChild.textContent, range.getClientRects().length] }).filter(([, lines]) => lines > 1)"""
    assert names.evaluate_all(broken) == []


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_a_telephone(desk: Service, page: Page, path: str) -> None:
    page.goto(desk.web.url + path)
    expect(page.locator("main, .panel").first).to_be_visible()
    if path == "/duty":
        expect(page.locator("ul.items")).to_contain_text(UNBROKEN)
    assert overhanging(page) == ""


def test_the_figures_of_an_area_with_a_long_name_are_all_seen(desk: Service, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(desk.web.url + "/reports")
    expect(page.locator("td", has_text=LONG).first).to_be_visible(timeout=STORY_S * 1000)  # counted at the lowest priority
    hidden = "[...document.querySelectorAll('.wide')].filter((e) => e.querySelector('table') && e.scrollWidth > e.clientWidth + 1).length"
    assert page.evaluate(hidden) == 0


@pytest.mark.parametrize("home", ["home-w", "home-long"])
def test_no_card_is_wider_than_a_telephone(desk: Service, page: Page, home: str) -> None:
    [alert] = desk.admin.get("/alerts", params={"status": "open", "home": home}).json()["items"]
    page.goto(desk.web.url)
    page.locator(f"[data-alert='{alert['id']}']").click()
    expect(page.locator(".card .household")).to_contain_text(alert["residents"][0])
    expect(page.locator(".card .timeline li").first).to_be_visible()
    assert overhanging(page) == ""
    heads = page.locator(".card .timeline li b").all_text_contents()
    assert [head for head in heads if re.fullmatch(r"\w+\.\w+", head)] == [], "a key of a word is no word"


def test_every_entry_of_a_timeline_has_its_word_on_the_card() -> None:
    calls = [call for call in ast.walk(ast.parse((WEB / "timeline.py").read_text())) if isinstance(call, ast.Call) and call.args]
    firsts = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Told"]
    kinds = {str(first.value) for first in firsts if isinstance(first, ast.Constant)}
    assert {"raised", "owned", "closed"} <= kinds
    words = (WEB / "static" / "js" / "wordsdesk.js").read_text()
    assert [kind for kind in sorted(kinds) if f'"event.{kind}": [' not in words] == []
