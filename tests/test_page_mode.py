"""How a home is lived in, at the desk: seen on its card, set and ended there, and a quiet word before it ends."""

import os
from pathlib import Path

from playwright.sync_api import Page, expect

from tests import page_room
from tests.page_community import at_home
from tests.page_desk import Desk
from tests.page_room import Room, of_module, operator

room = page_room.room


def look_at(page: Page, phone: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(phone)
    expect(page.locator("#found li")).to_have_count(1)
    page.keyboard.press("Enter")


def photograph(page: Page, name: str) -> None:
    """Where somebody wants to look at it: `ANJU_SHOTS=folder`."""
    if folder := os.environ.get("ANJU_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_home_is_set_to_away_on_its_card_and_the_resident_comes_back(room: Room) -> None:
    desk = Desk()
    with operator(room, desk) as page:
        look_at(page, "0579-5550060")
        mode = page.locator(".card .mode")
        expect(mode.locator("b")).to_have_text("在家")
        mode.get_by_role("button", name="设置外出、住院或度假").click()
        form = page.locator("dialog.form")
        expect(form).to_contain_text("呼救、火情、燃气和跌倒照常报警")
        expect(form.locator("input[name=until]")).to_have_value("2026-11-23T03:12")  # a day on, as clocks in the county show it
        photograph(page, "mode-form-zh")
        form.get_by_role("button", name="确定").click()
        expect(form.locator(".wrong")).to_have_text("请填写“情况”。")
        form.get_by_text("外出", exact=True).click()
        form.locator("input[name=until]").fill("2026-11-21T10:00")
        form.locator("input[name=reason]").fill("去女儿家")
        form.get_by_role("button", name="确定").click()
        expect(form.locator(".wrong")).to_have_text("模式须在将来结束")
        form.locator("input[name=until]").fill("2026-11-25T18:30")
        form.get_by_role("button", name="确定").click()
        expect(mode.locator("b")).to_have_text("外出")
        assert desk.homes["h-0102"]["mode"]["until"] == "2026-11-25T10:30:00.000Z"  # type: ignore[index]
        expect(mode).to_contain_text("至 11-25 18:30")
        expect(mode).to_contain_text("去女儿家 · zhangmin")
        photograph(page, "mode-card-zh")
        page.keyboard.press("l")
        expect(mode).to_contain_text("Away")
        photograph(page, "mode-card-en")
        mode.locator("summary").click()
        expect(mode.locator(".arranged")).to_contain_text("zhangmin set the home to away")
        mode.get_by_role("button", name="Back home").click()
        expect(mode.locator("b")).to_have_text("At home")


def test_who_answers_an_alert_sees_that_the_home_may_be_empty(room: Room) -> None:
    desk = Desk()
    desk.homes["h-0402"]["mode"] = at_home("h-0402") | {"mode": "hospital", "until": "2026-11-30T02:00:00Z", "reason": "髋部手术"}
    desk.raise_alert("fall", "h-0402")
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        expect(page.locator(".card .mode b")).to_have_text("住院")
        expect(page.locator(".card .mode")).to_contain_text("髋部手术")


def test_a_mode_that_ends_soon_is_said_quietly_where_nobody_waits(room: Room) -> None:
    desk = Desk()
    desk.homes["h-0601"]["mode"] = at_home("h-0601") | {"mode": "holiday", "until": "2026-11-22T10:00:00Z", "ending": True}
    with operator(room, desk) as page:
        today = page.locator(".card .today")
        expect(today).to_contain_text("即将到期8 栋 2 单元 601度假 至 18:00 · 请核实是否按时返家")
        photograph(page, "mode-today-zh")
        assert page.evaluate("tones.length") == 0
        today.get_by_role("button").click()
        expect(page.locator(".card .mode")).to_contain_text("即将到期")


def test_a_field_for_date_and_time_means_the_countys_time(room: Room) -> None:
    with operator(room, Desk()) as page:
        assert of_module(page, "time.js", "new Date(m.atClock('2026-07-01T00:30')).toISOString()") == "2026-06-30T16:30:00.000Z"
        assert of_module(page, "time.js", "m.clockOf(m.atClock('2026-07-01T00:30'))") == "2026-07-01T00:30"
        assert of_module(page, "time.js", "m.atClock('')") is None
        assert of_module(page, "time.js", "(m.setZone('Europe/Berlin'), new Date(m.atClock('2026-03-29T12:00')).toISOString())") == (
            "2026-03-29T10:00:00.000Z"
        )
