"""The web process, started by `up` and `serve`."""

import logging
from pathlib import Path

from gateway.children import end_with_parent
from gateway.settings import Settings, handed_down
from gateway.store.history import Charts


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
    run_web(settings, demo_login=DemoLogin(OPERATOR, secrets.operator) if secrets else None, charts=_charts(settings))
    return 0


def _charts(settings: Settings) -> Charts | None:
    """Handed in here, since the edges of the gateway do not know each other."""
    store = settings.telemetry.read_from
    if store is None:
        return None
    from gateway.telemetry.reading import open_charts  # noqa: PLC0415 - only those pay for it who read charts from elsewhere

    return open_charts(store)
