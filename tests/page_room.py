"""One browser for the page's tests, and a fresh page in it for each of them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.page_desk import Desk
from tests.page_server import PASSWORD as NIGHT_WATCH
from tests.page_server import PageServer
from tests.patience import PATIENCE_S

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
def room(browser: Browser) -> Iterator[Room]:
    with PageServer(Desk()) as server:
        yield Room(browser, server)


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
    page.set_default_timeout(PATIENCE_S * 1000)
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
