"""What a provider says later: delivered, read, a key pressed, an answer by reply. Each channel verifies and reads its own."""

import hmac
from typing import Protocol, TypeVar, runtime_checkable

import msgspec

from alerting.terms import NotificationId, Progress
from gateway.reaching import Callback, CallbackAnswer

T = TypeVar("T")


class Report(msgspec.Struct, frozen=True):
    """One thing that is told about one notification, which is named by its id, or by what the provider called it when it took it."""

    progress: Progress
    detail: str
    notification: NotificationId = NotificationId("")
    reference: str = ""
    responder: str = ""
    """Who answers, where the teller says so."""


class Heard(msgspec.Struct, frozen=True):
    """What the provider is answered, and what it told. Reports of things that are not ours are left out by whoever takes them."""

    answer: CallbackAnswer
    reports: tuple[Report, ...] = ()


@runtime_checkable
class Hears(Protocol):
    """A channel whose provider calls back."""

    def heard(self, callback: Callback) -> Heard:
        """Verify and read. Raises nothing: what is forged or garbled is answered as such, and reports nothing."""


@runtime_checkable
class Pulls(Protocol):
    """A channel that can ask its provider what became of something, for services that nobody can call from outside."""

    async def pull(self) -> list[Report]:
        """What is known by now of what was not known before."""


def refused(status: int, why: str) -> Heard:
    return Heard(CallbackAnswer(status, msgspec.json.encode({"error": why})))


def opened(expected: str, callback: Callback) -> Heard | None:
    """None where the key of the address is right, else the refusal: providers that sign nothing are known by it."""
    if not expected:
        return refused(404, "this channel takes no callbacks: no callback_key is configured")
    if not hmac.compare_digest(expected.encode(), callback.key.encode("utf-8", "surrogatepass")):
        return refused(403, "the key of the address is wrong")
    return None


def read(body: bytes, type_: type[T]) -> T | None:
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


ACCEPTING, DECLINING = frozenset({"1", "１", "y", "Y"}), frozenset({"2", "２", "n", "N"})
"""Keys and replies: 1 comes, 2 cannot. Everything else is delivered, and no answer."""


def said(text: str) -> Progress | None:
    """What a key or a reply means; None where it is neither yes nor no."""
    plain = text.strip()
    if plain in ACCEPTING:
        return Progress.ACCEPTED
    return Progress.DECLINED if plain in DECLINING else None
