"""What an operator was typing when the session ended: it is there again after the log-in, for this operator alone."""

from playwright.sync_api import Page, expect

from tests import page_room
from tests.page_desk import Desk
from tests.page_room import Room, log_in, operator
from tests.web_desk import until

room = page_room.room

TYPED = "电话里在喘，女儿十分钟后到"


def end_session(page: Page, desk: Desk) -> None:
    """As when it has run out: the stream is cut, and nobody is known any more."""
    page.context.clear_cookies()
    desk.sever()
    desk.mend()
    expect(page.locator(".login form")).to_be_visible()
    assert TYPED not in str(page.evaluate("document.body.innerText"))


def begin_note(page: Page) -> None:
    page.keyboard.press("Space")
    expect(page.locator(".card")).to_contain_text("我在处理")
    page.keyboard.press("n")
    page.locator("dialog textarea").fill(TYPED)


def kept(page: Page) -> object:
    return page.evaluate("sessionStorage.getItem('anju.draft')")


def test_a_note_outlives_the_session_and_is_sent_after_the_log_in(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_alert("fall", "h-0603")
    with operator(room, desk) as page:
        begin_note(page)
        end_session(page, desk)
        log_in(page, desk)
        expect(page.locator("dialog textarea")).to_have_value(TYPED)
        expect(page.locator("dialog .kept")).to_be_visible()
        page.keyboard.press("Control+Enter")
        expect(page.locator("dialog")).to_have_count(0)
        expect(page.locator(".timeline")).to_contain_text(TYPED)
        timeline = desk.alerts[alert]["timeline"]
        assert isinstance(timeline, list)
        assert [line["data"]["text"] for line in timeline if line["kind"] == "noted"] == [TYPED]
        assert kept(page) is None, "sent, and still remembered"
        page.keyboard.press("n")
        expect(page.locator("dialog textarea")).to_have_value("")


def test_a_closing_that_the_service_refused_for_the_session_stands_as_it_was_also_after_a_reload(room: Room) -> None:
    desk = Desk()
    older = desk.raise_alert("fire", "h-0402", ago_s=90)
    desk.raise_alert("call_for_help", "h-0603")
    with operator(room, desk) as page:
        page.locator(f".rows [data-alert='{older}']").click()
        page.keyboard.press("c")
        page.keyboard.press("3")
        page.locator("dialog textarea").fill(TYPED)
        page.locator("dialog select").select_option("60")
        page.context.clear_cookies()
        page.keyboard.press("Control+Enter")
        expect(page.locator(".login form")).to_be_visible()
        page.reload()
        log_in(page, desk)
        expect(page.locator("dialog textarea")).to_have_value(TYPED)
        expect(page.locator("dialog select")).to_have_value("60")
        expect(page.locator("dialog input[type=radio]:checked")).to_have_value("false_cooking")
        assert desk.alerts[older]["status"] != "closed"
        page.keyboard.press("Control+Enter")
        expect(page.locator("dialog")).to_have_count(0)
        until("it is closed", lambda: desk.alerts[older]["status"] == "closed")
        assert desk.alerts[older]["disposition"] == "false_cooking"


def test_nobody_else_who_logs_in_sees_it_and_it_does_not_come_back(room: Room) -> None:
    desk = Desk()
    desk.raise_alert("fall", "h-0603")
    with operator(room, desk) as page:
        begin_note(page)
        end_session(page, desk)
        first, desk.user = desk.user, "chenyu"
        log_in(page, desk)
        expect(page.locator(".card h2")).to_be_visible()
        expect(page.locator("dialog")).to_have_count(0)
        assert kept(page) is None
        page.keyboard.press("n")
        expect(page.locator("dialog textarea")).to_have_value("")
        page.keyboard.press("Escape")
        end_session(page, desk)
        desk.user = first
        log_in(page, desk)
        expect(page.locator(".card h2")).to_be_visible()
        expect(page.locator("dialog")).to_have_count(0)


def test_what_was_given_up_or_emptied_is_forgotten(room: Room) -> None:
    desk = Desk()
    desk.raise_alert("fall", "h-0603")
    with operator(room, desk) as page:
        begin_note(page)
        assert TYPED in str(kept(page))
        page.locator("dialog textarea").fill(" ")
        assert kept(page) is None
        page.locator("dialog textarea").fill(TYPED)
        page.keyboard.press("Escape")
        expect(page.locator("dialog")).to_have_count(0)
        assert kept(page) is None
        end_session(page, desk)
        log_in(page, desk)
        expect(page.locator(".card h2")).to_be_visible()
        expect(page.locator("dialog")).to_have_count(0)
