"""Nobody answers: every step comes at its second, once, also when the service is killed in between."""

from collections import Counter
from datetime import datetime
from itertools import count
from pathlib import Path

from alerting.facts import NotificationRequested, StepReached
from tests.judging import judging, names
from tests.patience import within
from tests.receiver import Receiver
from tests.service import Anju, until

STEPS = [0, 1, 2, 3, 6]


def start(folder: Path, receiver: Receiver) -> Anju:
    words = (
        "--no-simulator", "--judging", str(judging(folder, [float(s) for s in STEPS])),
        "--notify", str(receiver.notify_file(folder, names(len(STEPS)))),
    )  # fmt: skip
    return Anju(folder / "data", homes=2, words=words).start()


def raised_at(anju: Anju, home: str) -> datetime:
    with anju.api() as client:
        [alert] = until("the alert", lambda: client.get("/alerts", params={"home": home}).json()["items"])
    return datetime.fromisoformat(alert["raised_at"])


def test_every_step_reaches_its_receiver_within_a_quarter_second(tmp_path: Path) -> None:
    receiver = Receiver()
    anju = start(tmp_path, receiver)
    try:
        area, numbers = anju.home(0)["area"], count()
        kit = anju.kit()

        def latest() -> float:
            """Of the steps of one call, each against its own moment."""
            receiver.calls.clear()
            home = {"area": area, "id": f"unanswered-{next(numbers)}"}
            kit.say(home, "cord", {"pull_cord": True})
            began = raised_at(anju, home["id"])
            until("every step", lambda: len(receiver.calls) >= 4)
            late = [(at - began).total_seconds() - due for (at, _, _), due in zip(receiver.calls, STEPS[1:], strict=True)]
            assert min(late) >= 0, late
            return max(late)

        within(0.25, latest)
        assert receiver.bad == []
        kit.close()
    finally:
        anju.stop()
        receiver.close()


def test_steps_due_while_the_service_was_dead_come_at_once_and_once(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.status = 503  # what is sent before the kill is not taken, so it must be sent again after it
    anju = start(tmp_path, receiver)
    try:
        home = anju.home(0)
        kit = anju.kit()
        kit.say(home, "cord", {"pull_cord": True})
        kit.close()
        began = raised_at(anju, home["id"])
        until("the first step", lambda: receiver.calls)
        anju.kill_everything()
        before = {id_ for _, id_, _ in receiver.calls}
        until("two more steps fell due", lambda: (datetime.now(began.tzinfo) - began).total_seconds() > 3.2)  # noqa: TID251
        receiver.status = 204
        receiver.calls.clear()
        anju.start()
        until("the steps that were due", lambda: len({i for _, i, _ in receiver.calls}) >= 3)
        until("what was not taken again under the same id", lambda: before <= {id_ for _, id_, _ in receiver.calls})
        until("the last step", lambda: len({i for _, i, _ in receiver.calls}) >= 4)
        last = receiver.calls[-1][0]
        assert (last - began).total_seconds() >= STEPS[-1], "what is still to come is not brought forward"
        again = Counter(id_ for _, id_, _ in receiver.calls)
        assert set(again.values()) == {1}, again
    finally:
        anju.stop()
        receiver.close()
    steps = [entry for _, entry in anju.entries() if isinstance(entry, StepReached)]
    assert [(s.step, (s.at - began).total_seconds()) for s in steps] == [(n, float(due)) for n, due in enumerate(STEPS)]
    requested = Counter(e.notification for _, e in anju.entries() if isinstance(e, NotificationRequested))
    assert set(requested.values()) == {1}
