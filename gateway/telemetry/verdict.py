"""What a store's answer to a write means: taken, this line is at fault, or not now.

The three must not be confused. A line that is set aside because a token had expired would be lost; a line that is sent again and again
because a server finds it ill-typed would hold up all that follow.
"""

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from alerting.terms import Sentence
from gateway.clock import MACHINE

REASON_KEPT = 300
LONGEST_WAIT_S = 300.0
"""Of what a server asks for by Retry-After: a clock that is wrong there must not stop us for a year."""

_OUTDATED = re.compile(r"points beyond retention policy dropped=(\d+)")


class Refusal(Exception):  # noqa: N818 - an answer, not a mistake
    """Something in what was offered is not taken, and never will be. `outdated` lines of it are older than the store keeps."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        found = _OUTDATED.search(reason)
        self.outdated = int(found[1]) if found else 0
        super().__init__(reason)


class NotNow(Exception):  # noqa: N818 - a state of the world
    """Nothing is wrong with what was offered. `after`: seconds that the server asked to be left alone for."""

    def __init__(self, sentence: Sentence, after: float | None = None) -> None:
        self.sentence = sentence
        self.after = after
        super().__init__(sentence.en)


def judge(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Returns when it was taken; raises Refusal or NotNow."""
    if 200 <= status < 300:
        return
    reason = reason_of(body)
    said = f"{status}: {reason}" if reason else str(status)
    match status:
        case 400 | 413 | 422:
            raise Refusal(said)
        case 401 | 403:
            raise NotNow(Sentence(f"令牌或密码不被接受（{said}）", f"the token or password is not accepted ({said})"))
        case 404:
            raise NotNow(Sentence(f"数据库或存储桶不存在（{said}）", f"there is no such database, bucket or address ({said})"))
        case 429:
            raise NotNow(Sentence(f"对方要求放慢（{said}）", f"it asks for a pause ({said})"), _after(headers))
        case _:
            raise NotNow(Sentence(f"对方无法写入（{said}）", f"it cannot write ({said})"), _after(headers))


def unreachable(problem: Exception) -> NotNow:
    return NotNow(Sentence(f"连接不上（{_plain(problem)}）", f"no connection ({_plain(problem)})"))


def reason_of(body: bytes) -> str:
    """What the server says, from its JSON where that is one: `error` (InfluxDB 1), `message` (InfluxDB 2)."""
    text = body.decode("utf-8", "replace").strip()
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if isinstance(said, dict):
        text = str(said.get("error") or said.get("message") or text)
    return " ".join(text.split())[:REASON_KEPT]


def _after(headers: Mapping[str, str]) -> float | None:
    """Retry-After (RFC 9110, 10.2.3): seconds, or a date."""
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        seconds = float(value)
    else:
        try:
            seconds = (parsedate_to_datetime(value) - MACHINE.wall()).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


def _plain(problem: Exception) -> str:
    return (" ".join(str(problem).split()) or type(problem).__name__)[:REASON_KEPT]
