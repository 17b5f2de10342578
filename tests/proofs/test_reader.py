"""Another platform with the right to read an area: it hears what is committed there, nothing of other areas, and says nothing."""

import json
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.service import running, until


def test_a_reader_hears_its_area_until_it_is_shut_out(tmp_path: Path) -> None:
    with running(tmp_path / "data", homes=4, words=("--no-simulator",)) as anju, anju.api() as client:
        homes = client.get("/homes", params={"limit": 100}).json()["items"]
        mine = homes[0]
        other = next(home for home in homes if home["area"] != mine["area"])
        login = client.post(f"/areas/{mine['area']}/credentials").json()
        assert login["scope"] == "read"
        assert client.post("/areas/nowhere/credentials").status_code == 404

        heard: list[tuple[str, bytes]] = []
        granted: list[list[int]] = []
        gone: list[object] = []
        reader = paho.Client(CallbackAPIVersion.VERSION2, client_id="province", protocol=paho.MQTTv311)
        reader.username_pw_set(login["username"], login["password"])
        reader.on_message = lambda _c, _d, message: heard.append((message.topic, bytes(message.payload)))
        reader.on_subscribe = lambda _c, _d, _mid, codes, _p: granted.append([code.value for code in codes])
        reader.on_disconnect = lambda *_: gone.append(True)
        reader.connect("127.0.0.1", anju.mqtt_port)
        reader.loop_start()
        reader.subscribe([(f"anju/v1/{mine['area']}/#", 1), (f"anju/v1/{other['area']}/#", 1)])
        until("SUBACK", lambda: granted)
        assert granted == [[1, 128]]

        kit = anju.kit()
        kit.say(other, "watch", {"heart_rate": 61})
        kit.say(mine, "watch", {"heart_rate": 62})
        until("the reading", lambda: heard)
        assert [(topic, json.loads(body)["values"]) for topic, body in heard] == [
            (f"anju/v1/{mine['area']}/{mine['id']}/watch/report", {"heart_rate": 62}),
        ]
        reader.publish(f"anju/v1/{mine['area']}/{mine['id']}/watch/report", b'{"values": {"sos": true}}', qos=1)
        until("it is listed as refused", lambda: "read." in client.get("/quarantine").text)
        assert client.get("/alerts", params={"home": mine["id"]}).json()["items"] == []

        assert client.delete(f"/areas/{mine['area']}/credentials").status_code == 204
        until("it is shut out", lambda: gone)
        reader.loop_stop()
        kit.close()
