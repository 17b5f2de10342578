"""The watchdog process, started by `up` and `serve`. It lets the others start first: there is nothing to watch before."""

import logging
import threading
from pathlib import Path

from gateway.children import end_with_parent
from gateway.settings import handed_down

OTHERS_FIRST_S = 8.0


def run(settings_file: Path, *, began: float, watch_stdin: bool) -> int:
    """`began`: when the service was started, in seconds of the machine's uptime."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = handed_down(settings_file)
    if watch_stdin:
        end_with_parent()
    threading.Event().wait(min(OTHERS_FIRST_S, settings.watchdog.every_s))
    from gateway.watching import watch  # noqa: PLC0415 - a second of a start that others need more

    watch(settings, began)
    return 0
