"""The card of an area's alert: its homes by need, ticked off from the keyboard, and the alerts of single homes under it."""

from playwright.sync_api import expect

from tests import page_room
from tests.page_desk import Desk
from tests.page_room import Room, operator, row

room = page_room.room
HOMES = ("h-0101", "h-0402", "h-0603", "h-0202", "h-0304")


def test_the_list_is_worked_through_without_a_mouse(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_outage(HOMES)
    call = desk.raise_alert("call_for_help", "h-0402")
    with operator(room, desk) as page:
        expect(page.locator(".rows .row")).to_have_count(2)  # the call, and the area; not five more
        expect(page.locator(row(alert))).to_contain_text("5 户 · 未恢复 5 · 待核实 5")
        page.keyboard.press("Space")
        expect(page.locator(".card")).to_have_attribute("data-alert", call)
        page.keyboard.press("Space")
        expect(page.locator(".card")).to_have_attribute("data-alert", alert)
        rows = page.locator(".welfare li")
        expect(rows).to_have_count(5)
        expect(rows.first).to_contain_text("李国强")
        expect(rows.first).to_contain_text("靠设备维持")
        page.keyboard.press("w")
        expect(rows.first).to_be_focused()
        page.keyboard.press("1")
        expect(rows.last).to_contain_text("平安")
        expect(page.locator(".welfare .sum")).to_have_text("5 户 · 未恢复 5 · 待核实 4")
        expect(page.locator(".welfare li[data-home='h-0402']")).to_be_focused()
        page.keyboard.press("ArrowDown")
        expect(page.locator(".welfare li[data-home='h-0603']")).to_be_focused()
        page.keyboard.press("4")
        expect(rows.first).to_contain_text("陈桂兰")
        expect(rows.first).to_contain_text("需要帮助")
        expect(page.locator(".timeline")).to_contain_text("h-0603 · 需要帮助")
        # The queue's own keys still are the queue's.
        page.keyboard.press("a")
        expect(page.locator(".card .tag.acknowledged")).to_be_visible()


def test_folded_alerts_stand_under_the_area_and_open_from_there(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_outage(HOMES)
    with operator(room, desk) as page:
        expect(page.locator(".count.p4 b")).to_have_text("0")
        page.keyboard.press("Space")
        expect(page.locator(".folded h3")).to_have_text("并入的单户告警（5）")
        page.locator(".folded button").first.click()
        expect(page.locator(".card")).to_contain_text("属于片区告警")
        desk.change("a-002", folded_into=None)
        expect(page.locator(row("a-002"))).to_be_visible()
        page.keyboard.press("w")
        expect(page.locator(".notice, [role=alert]").filter(has_text="没有执行")).to_contain_text("没有核实名单")
        assert alert


def test_the_list_moves_as_homes_come_back_and_speaks_english(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_outage(HOMES)
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        expect(page.locator(".welfare li")).to_have_count(5)
        rows = [one | {"back_at": "2026-11-21T19:11:00Z"} if one["home"] == "h-0101" else one for one in desk.alerts[alert]["welfare"]]  # type: ignore[attr-defined]
        desk.change(alert, welfare=rows, welfare_counts={"homes": 5, "dark": 4, "unchecked": 4})
        expect(page.locator(".welfare li.back")).to_have_count(1)
        page.keyboard.press("l")
        expect(page.locator(".welfare h3")).to_contain_text("5 homes · 4 still dark · 4 to look to")
        expect(page.locator(".welfare li.back")).to_contain_text("Back since 03:11")
        text = page.locator(".welfare").inner_text()
        assert "告警" not in text
        assert "核实" not in text


def test_a_home_that_was_not_heard_says_so_on_its_card(room: Room) -> None:
    desk = Desk()
    desk.homes["h-0402"]["unwatched"] = [
        {"since": "2026-11-21T18:10:00Z", "until": None, "cause": "hub", "text": "11-22 02:10 起未能听到：家庭网关离线",
         "text_en": "not heard since 11-22 02:10 because the home's hub was offline"},
    ]  # fmt: skip
    desk.raise_alert("fall", "h-0402")
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        expect(page.locator(".unwatched li.now")).to_have_text("11-22 02:10 起未能听到：家庭网关离线")
