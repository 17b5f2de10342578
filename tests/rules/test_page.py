"""The page of the rules in a browser: read and searched by a nurse; brought, looked at, put live, gone back from by who may."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.rules.test_versions import DRAFT
from tests.web_desk import ADMIN, OPERATOR, PASSWORD, Service, service

EXAMINED_MS = 130_000
"""The service gives itself two minutes to check a draft and play its tests."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("page") / "data") as running:
        running.register()
        yield running


def test_a_version_is_brought_put_live_and_gone_back_from_on_the_page(desk: Service, browser: Browser) -> None:
    page = browser.new_context(base_url=desk.web.url).new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    page.request.post("/api/v1/session", data={"username": ADMIN, "password": PASSWORD})
    page.goto("/rules#versions")
    expect(page.locator(".versions li")).to_have_count(1)
    page.locator("textarea[name=rules]").fill(DRAFT.replace("at_least", "at_lest"))
    page.get_by_role("button", name="检查并保存").click()
    expect(page.locator("form pre.bad")).to_contain_text("处问题", timeout=EXAMINED_MS)
    page.locator("textarea[name=rules]").fill(DRAFT)
    page.locator("input[name=note]").fill("更早发现")
    page.get_by_role("button", name="检查并保存").click()
    expect(page.locator(".versions li")).to_have_count(2, timeout=EXAMINED_MS)
    expect(page.locator("main")).to_contain_text("pulse-fast")
    page.locator("input[name=reason]").fill("与诊所商定")
    page.get_by_role("button", name="启用这一版").click()
    expect(page.locator(".versions li").first).to_contain_text("更早发现")
    expect(page.locator(".versions li").first).to_contain_text("使用中")
    expect(page.locator("main")).to_contain_text(re.compile(f"{re.escape(ADMIN)} · 与诊所商定"))
    page.locator(".versions li").nth(1).get_by_role("button").click()
    page.locator("input[name=reason]").fill("误报太多")
    page.get_by_role("button", name="恢复到这一版").click()
    expect(page.locator(".versions li").first).not_to_contain_text("更早发现")
    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("The rules")
    assert [text for text in told if "422" not in text] == []
    page.context.close()


def test_an_operator_may_look_and_the_desk_shows_how_each_rule_stands(desk: Service, browser: Browser) -> None:
    page = browser.new_context(base_url=desk.web.url).new_page()
    page.request.post("/api/v1/session", data={"username": OPERATOR, "password": PASSWORD})
    page.goto("/rules#versions")
    expect(page.locator(".versions li").first).to_be_visible()
    expect(page.locator("form")).to_have_count(0)
    desk.pull_cord()
    page.goto("/")
    page.keyboard.press("Space")
    expect(page.locator(".explained")).to_contain_text("设备报告拉绳被拉，立即报警")
    expect(page.locator(".explained")).to_contain_text("求助不会自行解除")
    expect(page.locator(".explained a")).to_have_attribute("href", "/rules#rule/pull-cord")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("402")
    expect(page.locator("#found li")).to_have_count(1)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="各条规则现在如何").click()
    expect(page.locator(".judgement li").first).to_be_visible()
    expect(page.locator(".judgement .not_watched").first).to_contain_text("未监测")
    page.context.close()


def test_a_nurse_reads_and_searches_the_rules_that_hold_in_both_languages(desk: Service, browser: Browser) -> None:
    page = browser.new_context(base_url=desk.web.url).new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    page.request.post("/api/v1/session", data={"username": OPERATOR, "password": PASSWORD})
    page.goto("/rules")
    held = desk.operator.get("/rules").json()["items"]
    expect(page.locator("ul.rules > li")).to_have_count(len(held))
    page.get_by_role("searchbox").fill("离床 回到")
    expect(page.locator("ul.rules > li")).to_have_count(1)
    bed = page.locator("#rule-bed-left")
    expect(bed).to_contain_text("卧床 1 小时以上后起床，45 分钟内未回到床上即报警")
    expect(bed).to_contain_text("回到床上即恢复")
    page.get_by_role("searchbox").fill("PULL cord")
    expect(page.locator("#rule-pull-cord")).to_contain_text("安全底线")
    expect(page.locator("#rule-bed-left")).to_have_count(0)
    page.get_by_role("searchbox").fill("no such rule at all")
    expect(page.locator("main")).to_contain_text("没有符合的规则")
    page.goto("/")
    page.goto("/rules#rule/spo2-low")
    expect(page.locator("#rule-spo2-low")).to_have_attribute("aria-current", "true")
    expect(page.locator("#rule-spo2-low")).to_be_in_viewport()
    page.get_by_role("button", name="English").click()
    expect(page.locator("#rule-spo2-low")).to_contain_text("raises when spo2 is at or under 91 %, at once")
    page.goto("/")
    page.goto("/rules#rule/gone-long-ago")
    expect(page.get_by_role("status").nth(1)).to_contain_text("gone-long-ago")
    page.get_by_role("link", name="Versions and drafts").click()
    expect(page.locator(".versions li").first).to_be_visible()
    assert told == []
    page.context.close()
