"""A webhook receiver of the tests' own: notes what came and when, checks the signature by itself, can refuse."""

import base64
import hashlib
import hmac
import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SECRET = b"a secret of the tests, 24 bytes or more"


class Receiver:
    """`calls`: (moment of arrival, webhook-id, body), in order of arrival."""

    def __init__(self) -> None:
        self.calls: list[tuple[datetime, str, dict[str, Any]]] = []
        self.bad: list[str] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                at = datetime.now(UTC)  # noqa: TID251 - an observer outside the product
                body = self.rfile.read(int(self.headers["Content-Length"]))
                id_, stamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
                signed = hmac.new(SECRET, f"{id_}.{stamp}.".encode() + body, hashlib.sha256).digest()
                if f"v1,{base64.b64encode(signed).decode()}" not in self.headers["webhook-signature"].split(" "):
                    receiver.bad.append(id_)
                receiver.calls.append((at, id_, json.loads(body)))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def notify_file(self, folder: Path, targets: tuple[str, ...]) -> Path:
        """Channels and targets for `--notify`: every target reaches this receiver."""
        secret = "whsec_" + base64.b64encode(SECRET).decode()
        lines = ["[[webhook]]", 'name = "receiver"', f'url = "{self.url}"', f'secret = "{secret}"', ""]
        for target in targets:
            lines += ["[[target]]", f'name = "{target}"', 'channels = ["receiver"]', ""]
        path = folder / "notify.toml"
        path.write_text("\n".join(lines))
        return path
