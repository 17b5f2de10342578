"""Three ways out that behave as at night: a program behind a webhook, a mail server, a cloud that sends SMS; each notes every attempt.

A fifth of what they are asked goes wrong, in the ways in which it does: refused for now or for good, cut off before or after it was
taken, taken and answered late. At times one is away altogether. What becomes of an SMS is told later, by a callback.
"""

import asyncio
import base64
import hmac
import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.utils import parsedate_to_datetime
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import CLOCK_BOOTTIME, clock_gettime, monotonic, sleep
from urllib.parse import parse_qsl, urlsplit

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from alerting.terms import Progress
from tests.fakes.clouds import FakeAliyun
from tests.fakes.thread import served
from tests.night_checker import Answer, Arrival
from tests.notices import Hit
from tests.patience import PATIENCE_S
from tests.receiver import SECRET
from tests.service import free_port

CHANNELS = ("hook", "mail", "sms")
KEY = "key-of-the-night"
LATE_S = 0.8
"""A late answer; shorter than any channel's patience."""
RECEIPT_FAILS = 0.3


def boottime() -> float:
    """The clock that a moved wall leaves alone."""
    return clock_gettime(CLOCK_BOOTTIME)


class Mood(Enum):
    GOOD = "good"
    LATE = "late"
    REFUSES = "refuses"
    HANGS_UP = "hangs up"
    LOSES = "loses"
    """Takes it, and the line breaks before it says so."""
    NEVER = "never"


ANSWERS = {
    Mood.GOOD: Answer.TAKEN, Mood.LATE: Answer.TAKEN, Mood.REFUSES: Answer.LATER, Mood.HANGS_UP: Answer.LATER,
    Mood.LOSES: Answer.LOST, Mood.NEVER: Answer.NEVER,
}  # fmt: skip


class Weather:
    """How each request is met, by one seeded throw of dice after the other; and what was noted of each."""

    def __init__(self, seed: int, failing: float, walls: tuple[timedelta, ...]) -> None:
        self.failing = failing
        self._walls = walls
        self.arrivals: list[Arrival] = []
        self._dice = random.Random(seed)
        self._away: dict[str, float] = {}
        self._lock = threading.Lock()

    def away(self, channel: str, seconds: float) -> None:
        with self._lock:
            self._away[channel] = monotonic() + seconds

    def shown(self, stamped: datetime) -> datetime:
        """What the wall clock that the service was shown for this stamp says now: those that it may be shown are hours apart."""
        now = datetime.now(UTC)  # noqa: TID251 - an observer outside the product
        return min((now + wall for wall in self._walls), key=lambda wall: abs(wall - stamped))

    def met(self, channel: str, notification: str, stamped: datetime) -> Mood:
        with self._lock:
            at, luck, way = boottime(), self._dice.random(), self._dice.random()
            begun = at - (self.shown(stamped) - stamped).total_seconds()
            if self._away.get(channel, 0.0) > monotonic():
                mood = Mood.REFUSES if way < 0.5 else Mood.HANGS_UP
            elif luck >= self.failing:
                mood = Mood.GOOD
            else:
                shares = {Mood.REFUSES: 0.3, Mood.HANGS_UP: 0.2, Mood.LATE: 0.2, Mood.LOSES: 0.15, Mood.NEVER: 0.15}
                mood = self._dice.choices([*shares], [*shares.values()])[0]
            self.arrivals.append(Arrival(at, channel, notification, ANSWERS[mood], begun))
            return mood


class Hook:
    """The webhook's receiver. `forged`: ids whose signature did not fit."""

    def __init__(self, weather: Weather) -> None:
        self.forged: list[str] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:  # who said it was killed in the middle of it: a receiver has heard nothing
                    self.close_connection = True
                    return
                id_, stamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
                signed = base64.b64encode(hmac.digest(SECRET, f"{id_}.{stamp}.".encode() + body, "sha256")).decode()
                if f"v1,{signed}" not in self.headers["webhook-signature"].split(" "):
                    hook.forged.append(id_)
                mood = weather.met("hook", id_, datetime.fromtimestamp(int(stamp), UTC))
                if mood in (Mood.HANGS_UP, Mood.LOSES):
                    self.close_connection = True
                    return
                if mood is Mood.LATE:
                    sleep(LATE_S)
                self.send_response({Mood.REFUSES: 503, Mood.NEVER: 410}.get(mood, 204))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

            def handle(self) -> None:
                with suppress(ConnectionError):  # who asked was killed meanwhile
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, name="hook", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Post:
    """The mail server's mind; a mail is known by its Message-ID."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content)
        id_ = str(mail["Message-ID"]).strip("<>").partition("@")[0]
        mood = self._weather.met("mail", id_, parsedate_to_datetime(str(mail["Date"])))
        if mood in (Mood.HANGS_UP, Mood.LOSES):
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "421 gone"
        if mood is Mood.LATE:
            await asyncio.sleep(LATE_S)
        return {Mood.REFUSES: "451 not now", Mood.NEVER: "554 not like this"}.get(mood, "250 OK")


class Sms(FakeAliyun):
    """The cloud, whose own clock is right: it takes any of the walls that the service was shown, as its wall is moved between requests.

    `sent` is told of each SMS that went out how it may be called back: BizId, OutId.
    """

    def __init__(self, weather: Weather, sent: Callable[[str, str], None]) -> None:
        super().__init__(datetime.now(UTC))  # noqa: TID251 - an observer outside the product
        self.refused: list[str] = []
        """What was wrong with requests that it would not take."""
        self._weather = weather
        self._sent = sent

    async def __call__(self, hit: Hit, writer: asyncio.StreamWriter) -> None:
        signed_at = datetime.strptime(hit.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        self.wall = self._weather.shown(signed_at)
        status, answer = self.judge(hit)
        id_ = dict(parse_qsl(urlsplit(hit.target).query))["OutId"]
        if answer["Code"] != "OK":
            self.refused.append(str(answer["Code"]))
        mood = self._weather.met("sms", id_, signed_at)
        if ANSWERS[mood] in (Answer.TAKEN, Answer.LOST):
            self._sent(str(answer.get("BizId", "")), id_)
        if mood in (Mood.HANGS_UP, Mood.LOSES):
            writer.transport.abort()
            return
        if mood is Mood.LATE:
            await asyncio.sleep(LATE_S)
        if mood in (Mood.REFUSES, Mood.NEVER):
            code = "isp.SYSTEM_ERROR" if mood is Mood.REFUSES else "isv.MOBILE_NUMBER_ILLEGAL"
            status, answer = "200 OK", {"Code": code, "Message": code, "RequestId": "R"}
        body = json.dumps(answer).encode()
        writer.write(f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()


class Receipts:
    """What became of each SMS, called back seconds later; again as long as the service does not answer 200. One in ten comes twice."""

    def __init__(self, seed: int) -> None:
        self.told: list[tuple[str, Progress]] = []
        self.address = ""
        self._dice = random.Random(seed)
        self._due: list[tuple[float, str, str]] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receipts", daemon=True)

    def start(self, http: str) -> None:
        self.address = f"{http}/api/v1/callbacks/sms"
        self._thread.start()

    def sent(self, biz_id: str, out_id: str) -> None:
        with self._lock:
            for _ in range(2 if self._dice.random() < 0.1 else 1):
                self._due.append((monotonic() + self._dice.uniform(0.2, 4.0), biz_id, out_id))

    @property
    def waiting(self) -> int:
        with self._lock:
            return len(self._due)

    def close(self) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(15)

    def _run(self) -> None:
        with httpx.Client(trust_env=False, timeout=30) as client:
            while not self._over.wait(0.05):
                with self._lock:
                    now = [one for one in self._due if one[0] <= monotonic()]
                for one in now:
                    if self._tell(client, one[1], one[2]):
                        with self._lock:
                            self._due.remove(one)

    def _tell(self, client: httpx.Client, biz_id: str, out_id: str) -> bool:
        good = random.Random(out_id).random() >= RECEIPT_FAILS  # the same each time it is told
        body = {"phone_number": "13800000001", "success": good, "err_code": "DELIVERED" if good else "MK:0001", "err_msg": ""}
        try:
            answer = client.post(self.address, params={"key": KEY}, json=[{**body, "biz_id": biz_id, "out_id": out_id}])
        except httpx.TransportError:
            return False
        if answer.status_code == 200:
            self.told.append((out_id, Progress.DELIVERED if good else Progress.FAILED))
        return answer.status_code == 200


class Providers:
    """All three at their addresses. `notify_file` names them, and the targets that use them."""

    def __init__(self, seed: int, walls: tuple[timedelta, ...], stack: ExitStack) -> None:
        self.weather = Weather(seed, 0.2, walls)
        self.receipts = Receipts(seed)
        stack.callback(self.receipts.close)
        self.hook = Hook(self.weather)
        stack.callback(self.hook.close)
        self._mail = stack.enter_context(_mail_server(Post(self.weather)))
        self.sms = Sms(self.weather, self.receipts.sent)
        self._cloud = stack.enter_context(served(self.sms))

    def notify_file(self, folder: Path, targets: dict[str, tuple[str, ...]]) -> Path:
        secret = base64.b64encode(SECRET).decode()
        lines = [
            f'[[webhook]]\nname = "hook"\nurl = "{self.hook.url}"\nsecret = "whsec_{secret}"',
            f'[[email]]\nname = "mail"\nhost = "127.0.0.1"\nport = {self._mail}\nsecurity = "none"\nfrom = "anju@example.org"',
            'to = ["lead@example.org"]',
            f'[[aliyun_sms]]\nname = "sms"\naccess_key_id = "{Sms.key_id}"\naccess_key_secret = "{Sms.key_secret}"\nto = ["13800000001"]',
            f'callback_key = "{KEY}"\nendpoint = "{self._cloud}"\nsign_name = "安居"\ntemplate = "SMS_1"\nvariables = {{ code = "code" }}',
            *(f'[[target]]\nname = "{name}"\nchannels = {json.dumps(channels)}' for name, channels in targets.items()),
        ]
        path = folder / "notify.toml"
        path.write_text("\n".join(lines))
        return path


@contextmanager
def _mail_server(mind: Post) -> Iterator[int]:
    controller = Controller(mind, hostname="127.0.0.1", port=free_port(), ready_timeout=PATIENCE_S)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
