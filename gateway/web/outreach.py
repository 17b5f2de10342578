"""How people are reached, for whoever answers for it: the channels with how they are, a test through each, and the door for callbacks."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response

from alerting.terms import Sentence
from gateway.control import Deliveries
from gateway.reaching import CALLBACK_LIMIT, HEADERS, Callback, CallbackAnswer, Tried, TryChannel
from gateway.web.auth import READ, SUPERVISE, Identity
from gateway.web.desk import Desk, OnDesk
from gateway.web.paging import NO_QUERY
from gateway.web.problems import Problem, ProblemDetails, Words, away, missing
from gateway.web.self_check import CheckState
from gateway.web.shapes import Page, Shape

router = APIRouter(tags=["channels"])

KEY_LONGEST = 200


class ChannelShape(Shape):
    """`state`: `working` or `failing` by the last attempt, `unused` as long as there was none. Counts since the alarm process started."""

    name: str
    kind: str
    state: Literal["working", "failing", "unused"]
    targets: list[str]
    sent: int
    failed: int
    retried: int
    pending: int
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure: str | None


class SelfCheckShape(Shape):
    """The service's own calls, in by MQTT and out on the stream. `missing`: what is broken while they do not get through, since `since`.

    `ways`: the watchdog's own ways to people, each with why it did not take what it was given last. Counts since the data folder began;
    `state` since the service was started.
    """

    state: CheckState
    every_s: float
    lives: bool
    seen: int
    missed: int
    last_seen_at: datetime | None
    took_ms: float | None
    since: datetime | None
    missing: Words | None
    channels: dict[str, Words]
    ways: dict[str, str]


class ChannelTest(Shape):
    """`transient`: it did not go now, and may later."""

    channel: str
    delivered: bool
    detail: str
    transient: bool
    took_ms: int


@router.get("/channels", dependencies=[READ, NO_QUERY])
async def channels(desk: OnDesk) -> Page[ChannelShape]:
    """Every channel, by name, with how it has done since the alarm process started."""
    return Page(items=[_shape(desk, name, deliveries) for name, deliveries in sorted(_known(desk).items())])


def _known(desk: Desk) -> dict[str, Deliveries]:
    return desk.condition.health.deliveries if desk.condition.health is not None else {}


def _shape(desk: Desk, name: str, told: Deliveries) -> ChannelShape:
    succeeded, failed = told.last_success_at, told.last_failure_at
    state: Literal["working", "failing", "unused"] = "unused"
    if failed is not None and (succeeded is None or failed > succeeded):
        state = "failing"
    elif succeeded is not None:
        state = "working"
    return ChannelShape(
        name=name,
        kind=told.kind,
        state=state,
        targets=[target.name for target in desk.views.places.ruleset.targets if name in target.channels],
        sent=told.sent,
        failed=told.failed,
        retried=told.retried,
        pending=told.pending,
        last_success_at=succeeded,
        last_failure_at=failed,
        last_failure=told.last_failure or None,
    )


@router.post(
    "/channels/{name}/test",
    dependencies=[NO_QUERY],
    responses={404: {"model": ProblemDetails}, 429: {"model": ProblemDetails, "description": "It was tried only just before."}},
)
async def test(desk: OnDesk, name: str, who: Annotated[Identity, SUPERVISE]) -> ChannelTest:
    """Send a message that says it is a test, and tell how it went. Whoever the channel reaches gets it."""
    if name not in _known(desk):
        raise _no_such(name)
    # Slower than any other answer: a mail server may take half a minute, behind ordinary notifications.
    tried = await desk.control.wish(TryChannel(name, who.user), timeout=90)
    if not isinstance(tried, Tried):
        raise away()
    if not tried.known:
        raise _no_such(name)
    if tried.busy_s:
        said = Sentence("刚刚测试过这个渠道，请稍候", "this channel was tried only just before")
        raise Problem(429, said, headers={"Retry-After": f"{max(1, round(tried.busy_s))}"})
    return ChannelTest(
        channel=name, delivered=tried.delivered, detail=tried.detail, transient=tried.transient, took_ms=round(tried.took_s * 1000),
    )


def _no_such(name: str) -> Problem:
    return missing(f"没有通知渠道 {name[:80]}", f"there is no channel {name[:80]}")


@router.post("/callbacks/{channel}", response_class=Response, responses={413: {"model": ProblemDetails}, 429: {"model": ProblemDetails}})
async def callback(desk: OnDesk, request: Request, channel: str, key: str = "") -> Response:
    """For providers and webhook receivers: what became of a notification. Verified by the provider's signature, or the address's key."""
    if not desk.strangers.passes():
        raise Problem(429, Sentence("请求过多，请稍后再试", "too many at once: try again"), headers={"Retry-After": "1"})
    body = await request.body()
    if len(body) > CALLBACK_LIMIT:
        raise Problem(413, Sentence("回执过长", f"a callback has {CALLBACK_LIMIT} bytes at most"))
    headers = {name: request.headers[name] for name in HEADERS if name in request.headers}
    answer = await desk.control.wish(Callback(channel[:64], key[:KEY_LONGEST], headers, body))
    if not isinstance(answer, CallbackAnswer):
        raise away()
    return Response(answer.body, answer.status, media_type=answer.media)


@router.get("/watchdog", dependencies=[READ, NO_QUERY])
async def watchdog(desk: OnDesk) -> SelfCheckShape:
    """How the service's own calls get through. `every_s` 0: there is no watchdog; nothing was seen where it has not begun."""
    check = desk.self_check
    watched = check.watched if check is not None and check.every_s else None
    if check is None or watched is None:
        every_s, lives = (0.0, False) if check is None else (check.every_s, bool(check.every_s) and check.speaks)
        return SelfCheckShape(
            state=CheckState.ABSENT if check is None else check.state, every_s=every_s, lives=lives, seen=0, missed=0, last_seen_at=None,
            took_ms=None, since=None, missing=None, channels={}, ways={},
        )  # fmt: skip
    return SelfCheckShape(
        state=check.state, every_s=watched.every_s, lives=check.speaks, seen=watched.seen, missed=watched.missed,
        last_seen_at=watched.last_seen_at,
        took_ms=None if watched.last_took_s is None else round(1000 * watched.last_took_s, 1), since=watched.missing_since,
        missing=Words.of(watched.missing) if watched.missing else None,
        channels={name: Words.of(sentence) for name, sentence in watched.channels.items()}, ways=watched.ways,
    )  # fmt: skip
