"""What the page says of a home: the hour before an alarm, and homes without one."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests import page_room
from tests.page_community import Json
from tests.page_desk import Desk
from tests.page_room import Room, operator, row

room = page_room.room


# --- the hour before


def test_the_card_says_when_and_where_somebody_last_moved(room: Room) -> None:
    desk = Desk()
    desk.raise_alert("fall", "h-0402")
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        # The alarm is at 03:12; the steps grew until minute 40 of the hour, the motion sensor fell still in minute 45.
        expect(page.locator(".moved")).to_have_text(re.compile(r"^最后一次活动 02:57，客厅，报警前 1[45] 分钟$"))
        expect(page.locator(".lane.occupancy")).to_contain_text("客厅活动")
        expect(page.locator(".lane.contact_open")).to_contain_text("门厅门")
        labels = page.locator(".picker button").all_inner_texts()
        assert re.match(r"心率 \d+/min", labels[0])
        assert re.match(r"血氧 \d+", labels[1])
        assert labels[-1] == "更多 2"
        page.get_by_text("更多 2").click()
        assert page.locator(".picker button").all_inner_texts()[2:-1] == ["烟雾浓度 · 厨房", "室温 · 厨房"]
        page.get_by_role("button", name="室温 · 厨房").click()
        expect(page.locator("figcaption")).to_contain_text("室温 · 厨房：最低")


def test_a_service_that_began_ten_minutes_ago_shows_ten_minutes_and_says_so(room: Room) -> None:
    desk = Desk()
    desk.sampled_from = desk.now() - timedelta(minutes=10)
    desk.raise_alert("fall", "h-0402")
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        expect(page.locator(".since")).to_have_text("这一小时的读数从 03:02 开始，此前没有记录。")
        expect(page.locator(".chart canvas")).to_be_visible()
        ticks = page.locator(".lane.axis text").all_text_contents()
        assert ticks[0] >= "03:01"
        assert len(ticks) >= 4


def test_one_reading_is_told_and_not_drawn(room: Room) -> None:
    desk = Desk()
    desk.sampled_from = desk.now() - timedelta(seconds=30)
    desk.raise_alert("fall", "h-0402")
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        expect(page.locator(".few")).to_contain_text(re.compile(r"心率03:1\d \d+ /min"))
        expect(page.locator(".chart canvas")).to_have_count(0)


MOVEMENT = """
import('/static/js/movement.js').then((m) => {
  const points = (...pairs) => pairs.map(([at, value]) => ({at, value}));
  const track = (property, place, ...pairs) => ({property, place, points: points(...pairs)});
  const told = (tracks) => {
    const {before, after} = m.lastMoved(tracks, 100);
    const said = (x) => x && [x.at, x.track.place, x.ongoing];
    return [said(before), said(after)];
  };
  return [
    told([track('occupancy', 'living', [10, 1], [20, 0]), track('occupancy', 'bed', [5, 1], [30, 0])]),
    told([track('occupancy', 'living', [10, 1]), track('contact_open', 'hall', [50, 1], [60, 0])]),
    told([track('smoke', 'kitchen', [99, 1], [120, 0]), track('steps', 'wrist', [10, 4], [40, 9], [70, 9])]),
    told([track('contact_open', 'hall', [0, 0], [90, 0])]),
    told([track('occupancy', 'living', [10, 1], [20, 0], [110, 1], [115, 0])]),
  ];
})
"""


def test_what_counts_as_movement(room: Room) -> None:
    with operator(room, Desk()) as page:
        assert page.evaluate(MOVEMENT) == [
            [[30, "bed", False], None],  # the latest end of a span
            [[10, "living", True], None],  # still going on, as far as the sensor said
            [[40, "wrist", False], None],  # smoke is nobody; steps count while they grow
            [None, None],  # a door that only reports that it is shut
            [[20, "living", False], [115, "living", False]],  # and since the alarm
        ]


# --- homes without an alert


def test_a_home_is_found_by_its_number_and_shown_without_an_alert(room: Room) -> None:
    desk = Desk()
    with operator(room, desk) as page:
        page.keyboard.press("/")
        page.keyboard.type("0579-5550060")
        expect(page.locator("#found li")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.locator(".card.home")).to_contain_text("吴月娥")
        expect(page.locator(".card.home .readings")).to_contain_text("最近一小时")
        expect(page.locator(".card.home .actions")).to_have_count(0)
        assert desk.homes_read == ["h-0102"]
        alert = desk.raise_alert("fall", "h-0102")
        expect(page.locator(".card.home .related")).to_contain_text("这户有 1 条未办结的求助")
        page.keyboard.press("Space")
        expect(page.locator(".card")).to_have_attribute("data-alert", alert)
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.keyboard.type("没有这样的人")
        expect(page.locator("dialog .wrong")).to_have_text("没有找到“没有这样的人”。")


def test_the_mornings_list_stands_where_nobody_waits(room: Room) -> None:
    desk = Desk()
    items = [{"area": "330599001", "home": "h-0601", "home_name": "8 栋 2 单元 601", "matter": "battery", "sentence": "拉绳电量 12%",
              "sentence_en": "The cord's battery stands at 12 %", "device": "h-0601-cord"}]  # fmt: skip
    desk.today = {"day": "2026-11-22", "items": items, "next": None}
    with operator(room, desk) as page:
        today = page.locator(".card .today")
        expect(today).to_contain_text("拉绳电量 12%")
        alert = desk.raise_alert("fall", "h-0603")
        expect(page.locator(row(alert))).to_be_visible()
        expect(today).to_have_count(0)
        desk.change(alert, claimed_by="liwei")
        today.get_by_role("button").click()
        expect(page.locator(".card.home")).to_contain_text("冯宝山")


def test_a_colleague_is_chosen_by_name(room: Room) -> None:
    desk = Desk()
    names = {desk.user: "operator", "liwei": "operator", "lead-chen": "admin"}
    desk.colleagues = [{"username": name, "role": role} for name, role in names.items()]
    alert = desk.raise_alert("fall", "h-0603")
    with operator(room, desk) as page:
        page.keyboard.press("Space")
        expect(page.locator(".card")).to_contain_text("我在处理")
        page.keyboard.press("t")
        expect(page.locator(".radios label")).to_have_text(["1liwei · 值守员", "2lead-chen · 管理员"])
        page.keyboard.press("2")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".timeline")).to_contain_text("→ lead-chen")
        assert desk.alerts[alert]["transferred_to"] == "lead-chen"


LONG = "1234567890123456789012345678901234"


@pytest.mark.parametrize(("width", "height", "phone"), [(1600, 900, False), (1280, 720, False), (1024, 768, False), (360, 740, True)])
def test_a_number_of_thirty_four_digits_leaves_room_for_whose_it_is(room: Room, width: int, height: int, phone: bool) -> None:
    desk = Desk()
    home = desk.homes["h-0402"]
    home["phone"] = LONG
    for one in (*_list(home["contacts"]), *_list(home["residents"])):
        one["phone"] = LONG
    alert = desk.raise_alert("call_for_help", "h-0402")
    with operator(room, desk, width=width, height=height, phone=phone) as page:
        page.locator(row(alert)).click()
        expect(page.locator(".contacts .phone").first).to_have_text(LONG)
        measured = page.evaluate(
            """() => [...document.querySelectorAll('.card .phone')].map((number) => {
                 const panel = number.closest('.panel').getBoundingClientRect(), own = number.getBoundingClientRect();
                 const name = number.parentElement.querySelector('.name'), box = name?.getBoundingClientRect();
                 const lines = name && box.height / parseFloat(getComputedStyle(name).lineHeight);
                 return {inside: own.right <= panel.right && number.scrollWidth <= Math.ceil(own.width), lines: lines ?? 1,
                         apart: !name || box.right <= own.left + 1 || box.bottom <= own.top + 1};
               })""",
        )
        assert len(measured) >= 3
        assert all(one["inside"] and one["apart"] and one["lines"] < 2.5 for one in measured), measured


def _list(found: object) -> list[Json]:
    assert isinstance(found, list)
    return found
