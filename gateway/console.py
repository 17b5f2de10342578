"""The web process, started by `up` and `serve`."""

from pathlib import Path

import msgspec

from gateway.children import end_with_parent
from gateway.control import socket_path
from gateway.settings import Settings


def run(settings_file: Path, *, watch_stdin: bool) -> int:
    settings = msgspec.json.decode(settings_file.read_bytes(), type=Settings)
    if watch_stdin:
        end_with_parent()
    from gateway.web.app import run as run_web  # noqa: PLC0415 - FastAPI takes a second to import, after the parent is watched

    data = Path(settings.data)
    run_web(data, socket_path(data), settings.http.host, settings.http.port)
    return 0
