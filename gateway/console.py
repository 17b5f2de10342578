"""The web process, started by `up` and `serve`."""

import logging
from pathlib import Path

from gateway.children import end_with_parent
from gateway.settings import handed_down


def run(settings_file: Path, *, watch_stdin: bool, demo: bool) -> int:
    """`demo`: the log-in page shows the demonstration's account, which `up` alone has."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    for chatty in ("apscheduler", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    settings = handed_down(settings_file)
    if watch_stdin:
        end_with_parent()
    from gateway.demo import OPERATOR, kept_log_ins  # noqa: PLC0415 - FastAPI takes a second to import, after the parent is watched
    from gateway.web.app import run as run_web  # noqa: PLC0415
    from gateway.web.desk import DemoLogin  # noqa: PLC0415

    secrets = kept_log_ins(Path(settings.data)) if demo else None
    run_web(settings, demo_login=DemoLogin(OPERATOR, secrets.operator) if secrets else None)
    return 0
