"""Several providers for one channel, a pace that never holds a call back, and the next provider within a second, by every refusal."""

import asyncio
from collections import Counter
from datetime import timedelta
from time import monotonic

import pytest

from alerting.facts import NotificationRequested
from alerting.items import DeliveryEnded
from gateway.notify.callback import Hears
from gateway.notify.channel import Channel, Moot, Notice, NotifyError, Sent, notice_of
from gateway.notify.delivery import Delivery, Request
from gateway.notify.first_of import FirstOf
from gateway.notify.pace import WINDOW_S, HeldBack, Pace, Paced
from gateway.reaching import Callback
from tests.channels import WALL, calm, made, sent, told
from tests.fakes.clouds import FakeAliyun, FakeTencent
from tests.notices import AT, HOME, alert, receiver, request, stalling, until
from tests.outbox import LATER, NEVER, VirtualTime
from tests.outbox import Told as Says
from tests.patience import TRIES
from tests.test_channels_clouds import ALIYUN_CODES, ALIYUN_SMS, TENCENT_CODES, TENCENT_SMS


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def ways(*answers: Sent | Exception | None) -> list[Says]:
    time = VirtualTime()
    return [Says(time, name, answer) for name, answer in zip(("one", "two", "three"), answers, strict=False)]


def asked(channels: list[Says], said: Notice | None = None, *, patience_s: float = 0.05, clock: Clock | None = None) -> Sent | NotifyError:
    return asyncio.run(sent(FirstOf("sms", channels, patience_s=patience_s, now=clock or Clock()), said))


TAKEN = Sent("200 OK", ("ref",))


@pytest.mark.parametrize("first", [LATER, NEVER, RuntimeError("a bug"), None], ids=["later", "never", "bug", "silence"])
def test_whatever_the_first_provider_does_the_second_has_it(first: Sent | Exception | None) -> None:
    one, two = channels = ways(first, TAKEN)
    answer = asked(channels)
    assert isinstance(answer, Sent)
    assert answer.detail.startswith("two: 200 OK; one: ")
    assert answer.references == ("ref",)
    assert (len(one.attempts), len(two.attempts)) == (1, 1)


def test_the_second_is_not_asked_while_the_first_takes_it() -> None:
    one, two = channels = ways(TAKEN, TAKEN)
    assert isinstance(asked(channels), Sent)
    assert (len(one.attempts), len(two.attempts)) == (1, 0)


@pytest.mark.parametrize(
    ("answers", "transient"), [((NEVER, NEVER), False), ((NEVER, LATER), True), ((LATER, LATER), True), ((LATER, NEVER), True)],
)
def test_it_is_over_only_when_all_have_refused_for_good(answers: tuple[Exception, Exception], transient: bool) -> None:
    error = asked(ways(*answers))
    assert isinstance(error, NotifyError)
    assert error.transient is transient
    assert "one: " in error.detail
    assert "two: " in error.detail


def test_the_soonest_of_the_receivers_wishes_is_kept() -> None:
    error = asked(ways(*(NotifyError("429", transient=True, retry_after=timedelta(seconds=wait)) for wait in (60, 5))))
    assert isinstance(error, NotifyError)
    assert error.retry_after == timedelta(seconds=5)


def test_a_provider_that_has_refused_a_notice_for_good_is_not_asked_for_it_again() -> None:
    one, two = channels = ways(NEVER, LATER)
    first_of = FirstOf("sms", channels, now=Clock())
    for _ in range(3):
        assert isinstance(asyncio.run(sent(first_of)), NotifyError)
    assert (len(one.attempts), len(two.attempts)) == (1, 3)
    asyncio.run(sent(first_of, calm()))
    assert len(one.attempts) == 2, "another notice is another matter"


def test_a_provider_that_let_its_time_run_out_is_asked_last_for_a_minute() -> None:
    clock = Clock()
    one, two = channels = ways(None, TAKEN)
    first_of = FirstOf("sms", channels, patience_s=0.05, now=clock)
    for number in range(3):
        assert isinstance(asyncio.run(sent(first_of, told(notification=f"n-{number}"))), Sent)
    assert (len(one.attempts), len(two.attempts)) == (1, 3)
    clock.now += 61
    asyncio.run(sent(first_of))
    assert len(one.attempts) == 2


# --- by every documented refusal -----------------------------------------------------------------------------------------------


def test_after_each_documented_refusal_the_next_provider_has_the_notice_within_a_second() -> None:
    """One after the other through real connections: 34 refusals of the first cloud, 44 of the second, then 34 together with them."""

    async def story() -> None:
        aliyun, tencent = FakeAliyun(WALL), FakeTencent(WALL)
        went_through = Counter[str]()
        async with receiver(aliyun) as here, receiver(tencent) as there:
            one = made(ALIYUN_SMS.replace("{url}", f"http://127.0.0.1:{here.port}"))
            two = made(TENCENT_SMS.replace("{url}", f"http://127.0.0.1:{there.port}").replace('name = "s"', 'name = "t"'))
            for first, second, fake, answers in (
                (one, two, aliyun, [({"Code": code, "Message": "m"}, "200 OK") for code in ALIYUN_CODES]),
                (two, one, tencent, [FakeTencent.failed(code)[::-1] for code in TENCENT_CODES]),
            ):
                first_of = FirstOf("sms", [first, second])
                for number, (answer, status) in enumerate(answers):
                    took: list[float] = []
                    while not took or (min(took) >= 1.0 and len(took) < TRIES):
                        fake.plan(answer, status=status)
                        began = monotonic()
                        went = await sent(first_of, told(notification=f"{first.kind}-{number}-{len(took)}"))
                        took.append(monotonic() - began)
                        assert isinstance(went, Sent), (answer, went)
                        assert went.detail.startswith(f"{second.name}: ")
                    assert min(took) < 1.0, (answer, took)
                    went_through[first.kind] += len(took)
            assert len(tencent.taken) == went_through[one.kind] >= len(ALIYUN_CODES)
            assert len(aliyun.taken) == went_through[two.kind] >= len(TENCENT_CODES)
            await one.close()
            await two.close()

    asyncio.run(story())


def test_a_delivery_through_two_providers_ends_once_and_says_who_had_it() -> None:
    async def story() -> None:
        ends = list[DeliveryEnded]()
        fake = FakeTencent(WALL)
        async with receiver(stalling) as dead, receiver(fake) as good:
            one = made(ALIYUN_SMS.replace("{url}", f"http://127.0.0.1:{dead.port}"))
            two = made(TENCENT_SMS.replace("{url}", f"http://127.0.0.1:{good.port}").replace('name = "s"', 'name = "t"'))
            first_of = FirstOf("sms", [one, two], patience_s=3.0)

            def notice(asked: Request) -> Notice | Moot:
                assert isinstance(asked, NotificationRequested)
                return notice_of(asked, alert(), HOME, (), "")

            outbox = Delivery((one, two, first_of), notice, ends.append, lambda: AT)
            outbox.offer([request(channel="sms")])
            await until(lambda: bool(ends))
            await outbox.close()
        (end,) = ends
        assert (end.delivered, end.attempts) == (True, 1)
        assert end.detail.startswith("t: 200 OK")
        assert "s: no end within 3 s" in end.detail
        assert len(end.references) == 2
        assert outbox.counts["sms"].last_success_at == AT

    asyncio.run(story())


# --- the pace ------------------------------------------------------------------------------------------------------------------


def test_ordinary_notices_leave_a_quarter_of_the_limit_to_calls_and_calls_never_wait() -> None:
    clock = Clock()
    pace = Pace(20, clock)
    assert [pace.take(life_safety=False) for _ in range(15)] == [0.0] * 15
    assert pace.take(life_safety=False) == WINDOW_S
    assert [pace.take(life_safety=True) for _ in range(40)] == [0.0] * 40
    clock.now += 59
    assert 0 < pace.take(life_safety=False) <= WINDOW_S
    clock.now += 61
    assert pace.take(life_safety=False) == 0.0


def test_calls_take_from_what_ordinary_notices_may() -> None:
    clock = Clock()
    pace = Pace(20, clock)
    for _ in range(15):
        pace.take(life_safety=True)
    assert pace.take(life_safety=False) > 0


def test_a_notice_that_is_held_back_comes_when_there_is_room_and_is_no_failure_of_the_channel() -> None:
    clock = Clock()
    (way,) = ways(TAKEN)
    paced = Paced(way, 4, clock)

    async def story() -> None:
        assert [type(await sent(paced, calm())) for _ in range(4)] == [Sent, Sent, Sent, HeldBack]
        held = await sent(paced, calm())
        assert isinstance(held, NotifyError)
        assert held.transient
        assert held.retry_after == timedelta(seconds=WINDOW_S)
        assert [type(await sent(paced)) for _ in range(10)] == [Sent] * 10
        outbox = Delivery((paced,), lambda asked: calm(channel=asked.channel), lambda _: None, lambda: AT)
        await outbox.trial(calm(channel="one"))
        assert outbox.counts["one"].last_failure_at is None
        await outbox.close()

    asyncio.run(story())


def test_a_channel_without_callbacks_says_so() -> None:
    channel: Channel = Paced(ways(TAKEN)[0], 4)
    assert isinstance(channel, Hears)
    assert channel.heard(Callback("one", "", {}, b"")).answer.status == 404
