"""How the page is seen, heard and read, and what is served."""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests import page_room
from tests.page_desk import Desk, a_busy_night
from tests.page_room import CHINESE, Room, heard_after, of_module, operator, row, tones
from tests.page_server import STATIC

room = page_room.room


# --- sound and flash


def test_bursts_and_flashes_keep_the_figures_of_iec_60601_1_8(room: Room) -> None:
    desk = Desk()
    a_busy_night(desk)
    with operator(room, desk) as page:
        bursts = of_module(page, "sound.js", "m.BURSTS")
        assert isinstance(bursts, dict)
        assert {p: (b["every"], len(b["pulses"])) for p, b in bursts.items()} == {"1": (10, 10), "2": (25, 3), "3": (30, 1)}
        starts = [pulse["start"] for pulse in bursts["1"]["pulses"]]
        gaps = [round(b - a, 3) for a, b in pairwise(starts)]
        assert gaps[:4] == gaps[5:], "3 + 2, twice"
        assert gaps[4] > gaps[2] > gaps[0] == gaps[1] == gaps[3]
        for selector, lowest, highest in ((".mark.p1.flashing", 1.4, 2.8), (".mark.p2.flashing", 0.4, 0.8)):
            hertz = page.locator(selector).first.evaluate("e => 1 / parseFloat(getComputedStyle(e).animationDuration)")
            assert lowest <= hertz <= highest
            assert hertz < 3, "WCAG 2.3.1"
        lit = page.evaluate(
            "[...document.styleSheets].flatMap((s) => [...s.cssRules]).filter((r) => r.name?.startsWith('flash-'))"
            ".map((r) => [...r.cssRules].map((k) => k.keyText))"
        )
        assert lit == [["0%", "50%"], ["0%", "50%"]], "lit for half of the time: 20 to 60 %"
        flashes = "document.getAnimations().filter((a) => a.animationName?.startsWith('flash-'))"
        assert page.evaluate(f"new Set({flashes}.map((a) => a.startTime)).size") == 1, "all in one beat"
        assert page.locator(".mark.p3.flashing").first.evaluate("e => getComputedStyle(e).animationName") == "none"


def test_a_call_sounds_until_somebody_takes_it(room: Room) -> None:
    desk = Desk(beat_s=0.2)
    with operator(room, desk) as page:
        expect(page.locator(".tool.sound.on")).to_contain_text("声音已开")
        assert tones(page) == []
        desk.raise_alert("health", "h-0501")
        assert len(heard_after(page, 3)) == 3
        urgent = desk.raise_alert("fire", "h-0101")
        assert len(heard_after(page, 13)) == 13, "the more urgent one sounds at once"
        desk.change(urgent, claimed_by="liwei")
        assert len(heard_after(page, 16)) == 16, "what is left sounds in its own manner"


def test_a_pause_covers_what_was_known_and_never_a_new_alarm(room: Room) -> None:
    desk = Desk(beat_s=0.2)
    in_hand = desk.raise_alert("fall", "h-0603", claimed_by="liwei")
    with operator(room, desk) as page:
        desk.raise_alert("fire", "h-0101")
        heard_after(page, 10)
        page.keyboard.press("m")
        expect(page.locator(".tool.sound.paused")).to_contain_text("静音")
        new = desk.raise_alert("gas", "h-0202")
        assert len(heard_after(page, 20)) == 20
        desk.change(new, claimed_by=desk.user)
        expect(page.locator(row(new))).to_contain_text("我在处理")
        desk.change(in_hand, claimed_by=None)
        assert len(heard_after(page, 30)) == 30, "dropped by the one who had it"


def test_who_asked_for_no_motion_gets_a_strong_border_instead(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_alert("fire", "h-0101")
    with operator(room, desk, still=True) as page:
        assert page.locator(f"{row(alert)} .mark").evaluate("e => getComputedStyle(e).animationName") == "none"
        expect(page.locator(row(alert))).to_have_css("border-top-width", "4px")


# --- reading it


def test_nothing_moves_under_the_hand(room: Room) -> None:
    desk = Desk()
    low = desk.raise_alert("intrusion", "h-0203", ago_s=60)
    with operator(room, desk) as page:
        page.locator(row(low)).hover()
        before = page.locator(row(low)).bounding_box()
        new = desk.raise_alert("fire", "h-0101")
        expect(page.locator(".next")).to_contain_text("李国强")
        expect(page.locator(".held-back")).to_contain_text("1 条新的")
        assert page.locator(row(low)).bounding_box() == before
        page.mouse.move(1400, 500)
        expect(page.locator(".rows .row").first).to_have_attribute("data-alert", new)


def test_the_choice_stays_when_new_alerts_arrive(room: Room) -> None:
    desk = Desk()
    chosen = desk.raise_alert("water", "h-0701", ago_s=60)
    with operator(room, desk) as page:
        page.keyboard.press("j")
        expect(page.locator(row(chosen))).to_have_attribute("aria-selected", "true")
        desk.raise_alert("fire", "h-0101")
        expect(page.locator(".row")).to_have_count(2)
        expect(page.locator(row(chosen))).to_have_attribute("aria-selected", "true")
        expect(page.locator(".card")).to_have_attribute("data-alert", chosen)


def test_a_change_of_the_services_zone_moves_every_time_on_the_page(room: Room) -> None:
    desk = Desk()
    desk.login |= {"timezone": "Asia/Urumqi"}
    desk.raise_alert("water", "h-0701", ago_s=600)
    with operator(room, desk) as page:
        expect(page.locator(".top .clock")).to_have_text(re.compile(r"^01:1[23]:\d\d$"))
        page.keyboard.press("Space")
        expect(page.locator(".card .head small")).to_have_text(re.compile(r"^01:02:\d\d$"))
        expect(page.locator(".lane.axis text").first).to_have_text("00:15")


def test_ages_and_clock_follow_the_service_not_the_desks_computer(room: Room) -> None:
    desk = Desk()
    alert = desk.raise_alert("water", "h-0701", ago_s=3_725)
    with operator(room, desk) as page:
        expect(page.locator(".top .clock")).to_have_text(re.compile(r"^03:1[23]:\d\d$"))
        expect(page.locator(f"{row(alert)} .age")).to_have_text(re.compile(r"^1:02:\d\d$"))


KINDS_AND_STATES = """
呼救 火情 燃气 跌倒 体征 久无活动 走失 漏水 闯入 设备 待接 已接手 我已确认 暂缓至 现场已恢复 本人已取消
又报 未写入磁盘 已静默 转给 整个片区 升级
"""


def test_every_kind_and_state_has_its_words(room: Room) -> None:
    desk = Desk()
    a_busy_night(desk)
    with operator(room, desk) as page:
        text = page.locator(".rows").inner_text()
        for word in KINDS_AND_STATES.split():
            assert word in text, word
        order = page.locator(".row").evaluate_all("rows => rows.map((r) => r.className.match(/ p(\\d)/)[1])")
        assert order == sorted(order)


def test_the_english_page_has_no_chinese_but_data(room: Room) -> None:
    desk = Desk()
    a_busy_night(desk)
    data = sorted(set(strings([*desk.homes.values(), *desk.alerts.values()])), key=len, reverse=True)
    with operator(room, desk) as page:
        page.keyboard.press("l")
        page.keyboard.press("Space")
        expect(page.locator(".timeline")).to_contain_text("Taken")
        left = chinese_left(page, data)
        for key in ("?", "c", "h", "r", "t", "n", "e"):
            page.keyboard.press(key)
            page.wait_for_selector("dialog[open]")
            left += chinese_left(page, data)
            page.keyboard.press("Escape")
            expect(page.locator("dialog")).to_have_count(0)
        assert set(left) <= {"中文", "中文 / English"}, "the name of the other language is all that may stay"
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        expect(page.locator(".link")).to_contain_text("Live")


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def chinese_left(page: Page, data: list[str]) -> list[str]:
    seen: list[str] = page.evaluate(
        "[...document.querySelectorAll('#page *, [aria-live]')].flatMap((e) => ["
        "...[...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data),"
        "...['title', 'aria-label', 'placeholder'].map((a) => e.getAttribute(a) ?? '')])"
    )
    left = []
    for text in seen:
        assert not re.fullmatch(r"[a-z]+\.[a-z_]+", text), f"a word is missing: {text}"
        rest = text
        for known in data:
            rest = rest.replace(known, "")
        if CHINESE.search(rest):
            left.append(rest.strip())
    return left


def test_every_word_the_page_asks_for_exists_in_both_languages() -> None:
    source = "".join(file.read_text() for file in (STATIC / "js").glob("words*.js"))
    words = dict(re.findall(r'^  "([a-z0-9_.]+)": (\[.*\]),$', source, re.MULTILINE))
    for key, pair in words.items():
        zh, en = json.loads(pair)
        assert zh, key
        assert en, key
        assert set(re.findall(r"\{\w+\}", zh)) == set(re.findall(r"\{\w+\}", en)), key
    used = {key for file in (STATIC / "js").glob("*.js") for key in re.findall(r'\bt\("([a-z0-9_.]+)"', file.read_text())}
    assert used - words.keys() == set()
    others = "".join(file.read_text() for file in (STATIC / "js").glob("*.js") if not file.name.startswith("words"))
    assert not CHINESE.search(others.replace("：", ""))


CONTRAST = """
(phase) => {
  for (const a of document.getAnimations()) if (a.animationName?.startsWith('flash-')) {
    a.pause(); a.currentTime = phase * a.effect.getTiming().duration;
  }
  const channels = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = channels(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0.9) return c;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const e of document.querySelectorAll('#page *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility() || e.closest(':disabled, .shape, .row.closed, .unseen')) continue;
    const [a, b] = [light(channels(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${e.className || e.tagName} ${e.textContent.trim().slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return poor;
}
"""


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_has_a_contrast_of_4_5_to_1_in_both_phases_of_a_flash(room: Room, theme: str) -> None:
    desk = Desk(beat_s=0.2)
    a_busy_night(desk)
    with operator(room, desk) as page:
        if theme == "light":
            page.locator("[aria-label=切换明暗]").click()
        page.keyboard.press("Space")
        expect(page.locator(".chart canvas")).to_be_visible()
        desk.beat = {"alarm_process": "up", "ready": False, "problems": [{"zh": "磁盘已满。", "en": "The disk is full."}]}
        expect(page.locator(".banner.problem")).to_be_visible()
        assert page.evaluate(CONTRAST, 0.1) == []
        assert page.evaluate(CONTRAST, 0.6) == []
        page.keyboard.press("c")
        expect(page.locator(".radios label")).to_have_count(6)
        page.keyboard.press("1")
        assert page.evaluate(CONTRAST, 0.1) == []


TOO_WIDE = """
[...document.querySelectorAll('.desk *')]
  .filter((e) => e.checkVisibility() && !e.closest('svg, .whom, .line') && e.getBoundingClientRect().right > 391)
  .map((e) => e.outerHTML.slice(0, 120))
"""
TOO_SMALL = """
[...document.querySelectorAll('button, a, .row, .radios label')]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 44)
  .map((e) => e.outerHTML.slice(0, 120))
"""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_phone_needs_a_thumb_and_no_sideways_scroll(room: Room, language: str) -> None:
    desk = Desk()
    a_busy_night(desk)
    with operator(room, desk, width=390, height=844, phone=True) as page:
        if language == "en":
            page.keyboard.press("l")
            expect(page.locator(".link")).to_contain_text("Live")

        def fits() -> None:
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            assert page.evaluate(TOO_WIDE) == []
            assert page.evaluate(TOO_SMALL) == []

        fits()
        page.locator(".next").tap()
        expect(page.locator(".household")).to_be_visible()
        expect(page.locator(".queue")).to_be_hidden()
        expect(page.locator(".chart canvas")).to_be_visible()
        fits()
        page.locator("[data-action=close]").tap()
        expect(page.locator(".radios label")).to_have_count(6)
        fits()
        page.locator("dialog .buttons button").first.tap()
        page.locator(".back").tap()
        expect(page.locator(".queue")).to_be_visible()
        expect(page.locator(".card")).to_be_hidden()


def test_a_storm_of_alerts_stays_quick(room: Room) -> None:
    desk = Desk()
    with operator(room, desk) as page:
        homes = list(desk.homes)
        for i in range(200):
            desk.raise_alert("technical", homes[i % len(homes)], ago_s=i)
        last = desk.raise_alert("call_for_help", "h-0402")
        page.wait_for_selector(row(last))
        expect(page.locator(".rows .row").first).to_have_attribute("data-alert", last)
        expect(page.locator(".count.p4 b")).to_have_text("200")


# --- what is served


def test_vendored_files_are_what_their_packages_hold() -> None:
    vendor = STATIC / "vendor"
    listed: dict[str, str] = {}
    for package in tomllib.loads((vendor / "VENDOR.toml").read_text())["package"]:
        assert {"name", "version", "licence", "sha256"} <= package.keys()
        listed |= package["files"]
    found = {str(f.relative_to(vendor)): hashlib.sha256(f.read_bytes()).hexdigest() for f in vendor.rglob("*") if f.is_file()}
    assert found.keys() - listed.keys() == {"VENDOR.toml"}
    assert listed == {name: found[name] for name in listed}


def test_the_page_carries_nothing_inline_and_asks_nobody_else() -> None:
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page)
    own = [f for f in STATIC.rglob("*") if f.suffix in (".js", ".css", ".html", ".svg") and "vendor" not in f.parts]
    elsewhere = [f.name for f in own if re.search(r"https?://(?!www\.w3\.org/2000/svg)", f.read_text())]
    assert elsewhere == []


def test_every_module_is_announced_in_the_page_so_that_none_is_found_late() -> None:
    announced = set(re.findall(r'(?:modulepreload" href|module" src)="/static/js/([a-z0-9]+\.js)"', (STATIC / "index.html").read_text()))
    needed, asked = set[str](), ["main.js"]
    while asked:
        name = asked.pop()
        if name not in needed:
            needed.add(name)
            asked += re.findall(r'from "\./([a-z0-9]+\.js)"', (STATIC / "js" / name).read_text())
    assert announced == needed


def test_a_stream_event_is_read_whole_however_it_is_cut(room: Room) -> None:
    desk = Desk()
    text = 'event: alert\r\nid: 7\r\ndata: {"a":"王"}\r\n\r\n: comment\nevent: beat\ndata: 1\ndata: 2\nid: 8\n\n'
    with operator(room, desk) as page:
        for size in (1, 2, 3, 7, 1000):
            seen: list[dict[str, str]] = page.evaluate(
                "([text, size]) => import('/static/js/stream.js').then((m) => { const seen = [];"
                "const feed = m.eventParser((type, data, id) => seen.push({type, data, id}));"
                "for (let i = 0; i < text.length; i += size) feed(text.slice(i, i + size)); return seen; })",
                [text, size],
            )
            assert seen == [{"type": "alert", "data": '{"a":"王"}', "id": "7"}, {"type": "beat", "data": "1\n2", "id": "8"}], size
