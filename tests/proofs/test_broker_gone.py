"""A county behind its own broker: a call is answered through it, its absence is said, and its return needs nobody."""

from pathlib import Path

import httpx

from tests.brokers import Mosquitto
from tests.patience import PATIENCE_S
from tests.proofs.test_broker_kill import AREA, Served
from tests.service import Kit, until


def test_a_call_through_the_broker_is_answered_and_a_broker_that_is_gone_is_said_until_it_is_back(tmp_path: Path) -> None:
    home = {"area": AREA, "id": "home-1"}
    broker = Mosquitto(tmp_path)
    broker.start()
    anju = Served(tmp_path, broker.url)
    ready = f"http://127.0.0.1:{anju.http_port}/readyz"
    try:
        anju.start()
        cord = Kit({"mqtt": broker.url, "device": {"username": "kit", "password": "kit"}}, "cord", clean=False)
        cord.hear_commands(home)
        cord.say(home, "cord-1", {"pull_cord": True}, channel="alarm", id="pull-1")
        until("the receipt", lambda: cord.receipts() == ["accepted"])
        assert httpx.get(ready, trust_env=False, timeout=PATIENCE_S).status_code == 200
        begun = broker.saved_at
        until("mosquitto has saved the sessions", lambda: broker.saved_at > begun, pause=0.1)
        broker.kill()
        web = httpx.Client(trust_env=False, timeout=PATIENCE_S)
        answer = until("not ready", lambda: told if (told := web.get(ready)).status_code == 503 else None)
        web.close()
        assert "the broker 127.0.0.1 brings no calls: " in answer.text
        broker.start()
        until("ready again", lambda: httpx.get(ready, trust_env=False, timeout=PATIENCE_S).status_code == 200, 30, pause=0.1)
        until("the cord is back", cord.client.is_connected)
        cord.say({**home, "id": "home-2"}, "cord-2", {"pull_cord": True}, id="pull-2")
        until("its home is heard", lambda: any(getattr(entry, "home", "") == "home-2" for _, entry in anju.entries()), pause=0.1)
        cord.close()
    finally:
        anju.stop()
        broker.close()
