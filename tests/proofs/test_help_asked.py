"""A county's own program takes a request for help and answers it, with the real service, killed in between."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from tests.judging import judging, names
from tests.patience import PATIENCE_S
from tests.receiver import Receiver
from tests.service import Anju, until


def test_a_countys_program_takes_a_request_that_was_sent_across_a_kill_and_answers_it(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.status = 503  # not taken before the kill, so it must come again after it
    words = ("--no-simulator", "--judging", str(judging(tmp_path, [0.0, 60.0])), "--notify", str(receiver.notify_file(tmp_path, names(2))))
    anju = Anju(tmp_path / "data", homes=2, words=words).start()
    try:
        home = anju.home(0)
        kitchen = {"id": "kitchen", "area": home["area"], "kind": "service", "name": "助餐点", "helps": ["meal"], "channel": "receiver"}
        due = (datetime.now(UTC) + timedelta(hours=2)).isoformat()  # noqa: TID251 - an observer outside the product
        with anju.api() as api:
            until("the service is listed", lambda: api.post("/responders", json=kitchen).status_code == 201)
            asked = api.post("/help-requests", json={"home": home["id"], "help": "meal", "responder": "kitchen", "due_at": due})
            assert asked.status_code == 201, asked.text
        until("an attempt", lambda: receiver.calls)
        anju.kill_everything()
        receiver.calls.clear()
        receiver.status = 200
        anju.start()
        (_, id_, event), *_ = until("the request comes again", lambda: receiver.calls)
        assert receiver.bad == []
        assert (event["type"], event["data"]["help"], event["data"]["notification"]) == ("help.requested", "meal", id_)
        answer = event["data"]["answer"]
        url = httpx.URL(anju.endpoints["http"]).join(answer["url"])
        bearer = {"Authorization": f"Bearer {answer['token']}"}
        taken = httpx.post(url, json={"stage": "accepted"}, headers=bearer, trust_env=False, timeout=PATIENCE_S)
        assert (taken.status_code, taken.json()) == (200, {"stage": "accepted"})
        with anju.api() as api:
            request = api.get(f"/help-requests/{event['data']['request']}").json()
            assert [step["stage"] for step in request["steps"]] == ["asked", "accepted"]
    finally:
        anju.stop()
        receiver.close()
