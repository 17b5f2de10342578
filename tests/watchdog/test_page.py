"""The card of the service's own calls on `/channels`: neither good nor bad before the first of them came out."""

import re
from pathlib import Path

import msgspec
from playwright.sync_api import expect

from alerting.terms import Sentence
from gateway import watchdog_status
from gateway.clock import MACHINE
from gateway.watchdog_settings import Watchdog
from gateway.watchdog_status import Watched
from tests.chromium import chromium
from tests.patience import PATIENCE_S
from tests.web_desk import ADMIN, PASSWORD, service


def test_the_card_is_neutral_before_the_first_call_and_good_or_bad_after_it(tmp_path: Path) -> None:
    with service(tmp_path / "data") as running, chromium() as browser:
        running.web.stop()
        running.web.settings = msgspec.structs.replace(running.web.settings, watchdog=Watchdog())
        running.web.start()
        running.web.ready()
        page = browser.new_context(base_url=running.web.url).new_page()
        page.request.post("/api/v1/session", data={"username": ADMIN, "password": PASSWORD})
        said = Watched(boot_id=MACHINE.boot_id(), spoke_boottime=MACHINE.boottime() + 600, spoke_at=MACHINE.wall(),
                       began_boottime=MACHINE.boottime(), every_s=60)  # fmt: skip
        watchdog_status.write(running.data, said)
        page.goto("/channels")
        card, patience = page.locator("[data-check]"), 1000 * PATIENCE_S
        expect(card).to_have_class(re.compile("unused"), timeout=patience)
        expect(card).to_contain_text("本次启动后尚未运行")
        seen = msgspec.structs.replace(said, seen=1, last_seen_at=MACHINE.wall(), last_seen_boottime=MACHINE.boottime(), last_took_s=0.03)
        watchdog_status.write(running.data, seen)
        expect(card).to_have_class(re.compile("working"), timeout=patience)
        expect(card).not_to_contain_text("尚未")
        watchdog_status.write(running.data, msgspec.structs.replace(
            seen, missing=Sentence("呼叫丢失", "calls are lost"), missing_since=MACHINE.wall(),
        ))  # fmt: skip
        expect(card).to_have_class(re.compile("failing"), timeout=patience)
        expect(card).to_contain_text("呼叫丢失")
