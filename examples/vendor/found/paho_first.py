"""paho as its documentation begins: connect, loop_start, publish, wait. A battery level each 45 s, Enter is a press."""

import json
import os
import select
import sys
import uuid
from datetime import datetime

import paho.mqtt.client as mqtt

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
client.username_pw_set(os.environ["USERNAME"], os.environ["PASSWORD"])
client.connect(os.environ["HOST"], int(os.environ["PORT"]))
client.loop_start()


def say(**values: bool | int) -> None:
    report = {"id": uuid.uuid4().hex, "at": datetime.now().astimezone().isoformat(timespec="milliseconds"), "values": values}
    client.publish(f"{os.environ['TOPIC']}/report", json.dumps(report), qos=1)


say(battery=87)
while True:
    if select.select([sys.stdin], [], [], float(os.environ.get("HEARTBEAT_S", "45")))[0]:
        sys.stdin.readline()
        say(sos=True)
    else:
        say(battery=87)
