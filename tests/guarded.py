"""`serve` with a watchdog in a hurry, whose own ways end at the tests: what the stories of the watchdog are run against."""

import base64
import json
import os
import re
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from gateway import watchdog_status
from gateway.watchdog_status import Watched
from tests.patience import PATIENCE_S, STORY_S, crowd
from tests.receiver import SECRET, Receiver
from tests.service import ROOT, children_of, command_of, free_port, until

Json = dict[str, Any]

WORD_S = STORY_S / 2
"""Two calls have to be missed, and where the machine is busy every call takes its time."""


class Post:
    """A mail server that takes everything, and says what it took."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        post = self

        class Conversation(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 tests\r\n")
                while line := self.rfile.readline():
                    word = line.strip().upper()
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        lines = []
                        while (said := self.rfile.readline()) not in (b".\r\n", b""):
                            lines.append(said)
                        post.mails.append(b"".join(lines).decode())
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 good\r\n")
                    if word == b"QUIT":
                        return

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Guarded:
    """The service with its watchdog; `hook` and `post` are where that tells what is wrong."""

    def __init__(self, folder: Path, *, data: Path | None = None, every_s: int = 0, patience_s: float = 0, more: str = "") -> None:
        """`every_s` 0: a second, or some more where the machine is crowded."""
        every_s = every_s or max(1, min(8, round(crowd() / 2)))
        self.folder = folder
        self.data = data or folder / "data"
        self.http_port, self.mqtt_port = free_port(), free_port()
        self.hook, self.post = Receiver(), Post()
        self.siren = folder / "siren"
        self.log = folder / "log"
        self.config = folder / "anju.toml"
        self.config.write_text(
            f'{more}\n[http]\nport = {self.http_port}\n[mqtt]\nport = {self.mqtt_port}\n'
            f'[watchdog]\nevery_s = {every_s}\npatience_s = {float(patience_s or every_s)}\nsiren = "{self.siren}"\n'
            f'[watchdog.webhook]\nurl = "{self.hook.url}"\nsecret = "env:WATCHDOG_SECRET"\n'
            f'[watchdog.email]\nhost = "127.0.0.1"\nport = {self.post.port}\nsecurity = "none"\nfrom = "watch@example.net"\n'
            'to = ["it@example.net"]\n',
        )
        self.config.write_text(f'data = "{self.data}"\n{self.config.read_text()}')
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Guarded":
        environment = {**os.environ, "WATCHDOG_SECRET": "whsec_" + base64.b64encode(SECRET).decode()}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "serve", "--config", str(self.config)], cwd=ROOT, env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        until("a call that gets through", self._called, STORY_S)
        return self

    def _called(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        return self.watched.seen > 0

    def stop(self) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(PATIENCE_S) == 0
        finally:
            self.process.kill()
            self.hook.close()
            self.post.close()

    def pid(self, half: str) -> int:
        assert self.process is not None
        top = self.process.pid
        return until(half, lambda: next((p for p in children_of(top) if f"-m gateway {half}" in command_of(p)), None))

    # --- what it knows and says ------------------------------------------------------------------------------------------------

    @property
    def watched(self) -> Watched:
        found = watchdog_status.read(self.data)
        return found or Watched(boot_id="", spoke_boottime=0, spoke_at=datetime.min.replace(tzinfo=UTC), began_boottime=0, every_s=0)

    def words(self, matter: str = "calls") -> list[Json]:
        """What came by the webhook, in order."""
        bodies = [body for _, _, body in self.hook.calls]
        return [{"said": body["type"].partition(".")[2], **body["data"]} for body in bodies if body["data"]["matter"] == matter]

    def says(self, *parts: str, matter: str = "calls", after: int = 0, within: float = WORD_S) -> Json:
        """The next word behind the first `after` ones, in which one of the parts stands and that is no all-clear."""
        def look() -> Json | None:
            words = [word for word in self.words(matter)[after:] if word["said"] != "well"]
            return next((word for word in words if any(part in word["sentence"]["en"] for part in parts)), None)

        return until(f"{parts} in {self.words(matter)}", look, within)

    def is_well(self, matter: str = "calls") -> None:
        """Its latest word is that all is well, and so is the next call."""
        until(f"well again: {matter}", lambda: self.words(matter) and self.words(matter)[-1]["said"] == "well", WORD_S)

    def hear_one_more(self) -> None:
        seen = self.watched.seen
        until("the next call", lambda: self.watched.seen > seen)

    # --- as people and programs see it -----------------------------------------------------------------------------------------

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.http_port}{path}", trust_env=False, timeout=PATIENCE_S)

    def problems(self) -> str:
        return json.dumps(self.get("/readyz").json()["problems"])

    def admin(self) -> httpx.Client:
        found = re.search(r"first log-in: admin / (\S+)", self.log.read_text())
        assert found
        base = f"http://127.0.0.1:{self.http_port}/api/v1"
        answer = httpx.post(f"{base}/session", json={"username": "admin", "password": found[1]}, trust_env=False, timeout=PATIENCE_S)
        bearer = {"Authorization": f"Bearer {answer.json()['token']}"}
        return httpx.Client(base_url=base, headers=bearer, trust_env=False, timeout=PATIENCE_S)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """As if it hung."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def guarded(folder: Path, **options: Any) -> Iterator[Guarded]:
    service = Guarded(folder, **options)
    try:
        yield service.start()
    finally:
        service.stop()
