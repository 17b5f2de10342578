"""What a store's answer means: taken, this line is at fault, or not now."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from gateway.clock import MACHINE
from gateway.telemetry.verdict import LONGEST_WAIT_S, NotNow, Refusal, judge, reason_of


@pytest.mark.parametrize("status", [200, 204])
def test_it_was_taken(status: int) -> None:
    judge(status, {}, b"")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_something_in_it_is_at_fault(status: int) -> None:
    with pytest.raises(Refusal, match=f"{status}: field type conflict"):
        judge(status, {}, b'{"error": "field type conflict"}')


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "token or password"), (403, "token or password"), (404, "no such database"), (429, "asks for a pause"), (500, "cannot write"),
        (502, "cannot write"), (503, "cannot write"), (301, "cannot write"), (405, "cannot write"), (100, "cannot write"),
    ],
)  # fmt: skip
def test_nothing_is_wrong_with_what_was_offered(status: int, said: str) -> None:
    with pytest.raises(NotNow, match=f"{said}.*{status}") as caught:
        judge(status, {}, b"")
    assert caught.value.after is None
    assert str(status) in caught.value.sentence.zh


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("0", 0.0), ("86400", LONGEST_WAIT_S), ("soon", None), ("", None), ("-5", None), ("1.5", None)],
)
def test_a_server_may_say_when_to_come_again(value: str, seconds: float | None) -> None:
    with pytest.raises(NotNow) as caught:
        judge(429, {"retry-after": value}, b"")
    assert caught.value.after == seconds


def test_it_may_also_give_a_date() -> None:
    with pytest.raises(NotNow) as caught:
        judge(503, {"retry-after": format_datetime(MACHINE.wall() + timedelta(seconds=20), usegmt=True)}, b"")
    assert caught.value.after is not None
    assert 10 < caught.value.after <= 20
    with pytest.raises(NotNow) as caught:
        judge(503, {"retry-after": "Fri, 21 Nov 2025 07:28:00 GMT"}, b"")
    assert caught.value.after == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error": "database not found: \\"x\\""}\n', 'database not found: "x"'),
        (b'{"code": "invalid", "message": "unable to\\n parse", "line": 2}', "unable to parse"),
        (b"plain words", "plain words"),
        (b"[1]", "[1]"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"x" * 1000, "x" * 300),
        (b"", ""),
    ],
)
def test_the_reason_is_the_servers_own(body: bytes, reason: str) -> None:
    assert reason_of(body) == reason


def test_points_that_are_older_than_the_store_keeps_are_counted() -> None:
    with pytest.raises(Refusal) as caught:
        judge(400, {}, b'{"error":"partial write: points beyond retention policy dropped=5"}')
    assert caught.value.outdated == 5
    with pytest.raises(Refusal) as caught:
        judge(400, {}, b'{"error":"partial write: field type conflict dropped=5"}')
    assert caught.value.outdated == 0
