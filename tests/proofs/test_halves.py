"""Each half may die alone: with the web dead steps and notifications go on; with the alarm process dead the desk is told."""

from pathlib import Path
from time import monotonic

import httpx

from tests.judging import judging, names
from tests.patience import PATIENCE_S, within
from tests.receiver import Receiver
from tests.service import Anju, until
from tests.stream import Stream

STEPS = [0.0, 1.0, 2.0, 3.0]


def test_with_the_web_killed_steps_go_on_and_the_stream_resumes_with_nothing_missed(tmp_path: Path) -> None:
    receiver = Receiver()
    words = (
        "--no-simulator", "--judging", str(judging(tmp_path, STEPS)), "--notify", str(receiver.notify_file(tmp_path, names(len(STEPS)))),
    )  # fmt: skip
    anju = Anju(tmp_path / "data", homes=2, words=words).start()
    try:
        home = anju.home()
        stream = Stream(anju.operator())
        kit = anju.kit()
        kit.say({**home, "id": "before"}, "cord", {"pull_cord": True})
        until("the event", lambda: stream.alerts("before"))
        resume, seen = stream.last_id, len(receiver.calls)
        anju.kill("web")
        stream.close()
        kit.say({**home, "id": "meanwhile"}, "cord", {"pull_cord": True})
        until("notifications without the web", lambda: len(receiver.calls) >= seen + 2)
        anju.wait_ready()

        def again() -> httpx.Response | None:
            try:
                with anju.api() as client:
                    answer = client.get("/alerts", params={"status": "open"})
            except httpx.TransportError:
                return None
            return answer if answer.status_code == 200 else None

        listed = until("the API again", again).json()["items"]
        assert {"before", "meanwhile"} <= {alert["home"] for alert in listed}
        resumed = Stream(anju.operator(), resume)
        until("what was missed", lambda: resumed.alerts("meanwhile"))
        assert all(kind != "reset" for _, kind, _, _ in resumed.events)
        resumed.close()
        kit.close()
    finally:
        anju.stop()
        receiver.close()


def test_with_the_alarm_process_gone_the_desk_is_told_within_fifteen_seconds(tmp_path: Path) -> None:
    import os
    import signal

    anju = Anju(tmp_path / "data", homes=1, words=("--no-simulator",)).start()
    try:
        stream = Stream(anju.operator())
        until("a beat", lambda: [d for _, kind, _, d in stream.events if kind == "beat" and d["alarm_process"] == "up"])
        pid = anju.pid("alarm")

        def beat(state: str, after: int) -> bool:
            return any(kind == "beat" and d["alarm_process"] == state for _, kind, _, d in stream.events[after:])

        def told() -> float:
            count, began = len(stream.events), monotonic()
            os.kill(pid, signal.SIGSTOP)  # hung rather than dead: the supervisor has nothing to restart
            try:
                until("word of it", lambda: beat("down", count))
                took = monotonic() - began
                assert httpx.get(f"http://127.0.0.1:{anju.http_port}/readyz", trust_env=False, timeout=PATIENCE_S).status_code == 503
            finally:
                os.kill(pid, signal.SIGCONT)
            count = len(stream.events)
            until("it is back", lambda: beat("up", count))
            return took

        within(15, told)
        stream.close()
    finally:
        anju.stop()
