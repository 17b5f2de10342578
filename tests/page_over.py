"""A page of the real service in a real browser: of whom, how wide, and with nothing complained of at the end."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page

from gateway.web.auth import COOKIE
from tests.page_room import ASKED_FOR, CHINESE
from tests.patience import PATIENCE_S
from tests.web_desk import OPERATOR, Service


@contextmanager
def blank(
    desk: Service, browser: Browser, *, who: str = OPERATOR, width: int = 1440, height: int = 900, phone: bool = False,
) -> Iterator[Page]:  # fmt: skip
    """A page that is nowhere yet. Its browser speaks English, in London: ours are Chinese and in the county's time all the same."""
    context = browser.new_context(
        locale="en-GB", timezone_id="Europe/London", viewport={"width": width, "height": height}, has_touch=phone, is_mobile=phone,
    )  # fmt: skip
    context.add_cookies([{"name": COOKIE, "value": desk.web.tokens[who], "url": desk.web.url}])
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not ASKED_FOR.search(message.text):
            complaints.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert not complaints, complaints


@contextmanager
def page_over(desk: Service, browser: Browser, path: str, *, who: str = OPERATOR, width: int = 1440, phone: bool = False) -> Iterator[Page]:
    with blank(desk, browser, who=who, width=390 if phone else width, height=844 if phone else 900, phone=phone) as page:
        page.goto(f"{desk.web.url}{path}")
        yield page


def photograph(page: Page, name: str) -> None:
    """Where somebody wants to look at it: `ANJU_SHOTS=folder`."""
    if folder := os.environ.get("ANJU_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def fits_a_thumb(page: Page, within: str = "body") -> None:
    """Everything to press is 44 pixels high, or lies in a label that is; nothing hangs over the edge."""
    small = page.evaluate(
        """(within) => [...document.querySelector(within).querySelectorAll('button, input, select, textarea, a')]
        .filter((e) => e.checkVisibility() && (e.closest('label.tick, .chosen label') ?? e).getBoundingClientRect().height < 43.5)
        .map((e) => e.outerHTML.slice(0, 120))""",
        within,
    )
    assert not small, small
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the edge"


def english(text: str, *names: str) -> None:
    """No Chinese is left but what people wrote."""
    for name in names:
        text = text.replace(name, "")
    left = [line for line in text.splitlines() if CHINESE.search(re.sub(r"中文", "", line))]
    assert not left, left
