"""The supervisor's month in a real browser: what was kept of what was promised, in both languages, and a near miss reviewed."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page_over import page_over
from tests.service import until
from tests.web_desk import ADMIN, Service, service


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One call, answered at once and closed as pressed by mistake."""
    with service(tmp_path_factory.mktemp("reports") / "data") as running:
        running.register()
        alert = running.pull_cord()["id"]
        for path, body in (("claim", {}), ("acknowledge", {}), ("close", {"disposition": "false_person"})):
            assert running.operator.post(f"/alerts/{alert}/{path}", json=body).status_code < 300
        until("the evidence is written", lambda: running.web.desk.historian.followed("evidence").position >= running.alarm.seq)  # type: ignore[union-attr]
        yield running


@pytest.fixture
def page(desk: Service, browser: Browser) -> Iterator[Page]:
    with page_over(desk, browser, "/reports", who=ADMIN, width=1280) as page:
        yield page


def test_the_month_says_what_was_kept_and_can_be_taken_along(page: Page) -> None:
    promises = page.locator(".promises li")
    expect(promises.first).to_contain_text("100.00 %")
    expect(promises.first).to_contain_text("达到")
    expect(page.locator("svg.chart rect.soon")).to_have_count(1)
    expect(page.get_by_role("heading", name="误报")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="False alarms")).to_be_visible()
    expect(promises.nth(1)).to_contain_text("within 180 s")
    with page.expect_download() as coming:
        page.get_by_role("link", name="XLSX").click()
    assert coming.value.suggested_filename.startswith("anju-20")
