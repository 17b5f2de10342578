"""The browser that pages are tried in: Debian's own, by itself, asking nobody outside."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

from tests.patience import PATIENCE_S

expect.set_options(timeout=PATIENCE_S * 1000)

_ALONE = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """While it is open this thread has a running event loop, so a test beside it cannot have one."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_ALONE)
        yield launched
        launched.close()
