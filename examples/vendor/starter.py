"""A call button that passes what it states (starter.toml). Enter is a press, c cancels; what a person would see is printed."""

import contextlib
import json
import os
import sqlite3
import sys
import threading
import time

import paho.mqtt.client as mqtt

TOPIC = os.environ["TOPIC"]  # anju/v1/AREA/HOME/DEVICE
HEARTBEAT_S, REPEAT_S, STORE = float(os.environ.get("HEARTBEAT_S", "45")), float(os.environ.get("REPEAT_S", "20")), 50
keys, sent_at, under_way, state = [], {}, {}, {"pause_s": 1.0, "connect_at": 0.0, "heartbeat_at": 0.0}  # pressed; id: moment; mid: id
flash = sqlite3.connect(os.environ.get("FLASH", "starter.db"), isolation_level=None)  # on disk at the end of every statement
flash.execute("CREATE TABLE IF NOT EXISTS outbox (id TEXT, channel TEXT, text TEXT)")  # until its PUBACK


def note(channel, **values):
    report = {"id": os.urandom(16).hex(), "at": round(time.time() * 1000), "values": values}
    flash.execute("INSERT INTO outbox VALUES (?, ?, ?)", (report["id"], channel, json.dumps(report)))
    oldest = "SELECT rowid FROM outbox WHERE channel = 'report' ORDER BY rowid DESC LIMIT -1 OFFSET ?"  # makes room; a call never does
    flash.execute(f"DELETE FROM outbox WHERE rowid IN ({oldest})", (STORE,))


def send():
    for number, channel, text in flash.execute("SELECT * FROM outbox ORDER BY channel != 'alarm', rowid").fetchall():
        if client.is_connected() and time.monotonic() - sent_at.get(number, -REPEAT_S) >= REPEAT_S:
            sent_at[number] = time.monotonic()
            under_way[client.publish(f"{TOPIC}/{channel}", text, qos=1).mid] = number


def told(_client, _data, message):
    with contextlib.suppress(ValueError, RecursionError):  # whatever a server says, a call button stays one
        match message.topic == f"{TOPIC}/command" and json.loads(message.payload):
            case {"command": "receipt", "stage": str() as stage}:
                print(stage, flush=True)  # the lamp: accepted, seen, helping, closed
            case {"command": str() as command, "id": str() as number}:
                answer = {"result": "done"} if command in ("identify", "ping") else {"error": "unknown command"}
                client.publish(f"{TOPIC}/reply", json.dumps({"id": number, **answer}), qos=1)


def connected(_client, _data, _flags, reason, _properties):
    if not reason.is_failure:
        client.subscribe(f"{TOPIC}/command", qos=1)
        client.publish(f"{TOPIC}/status", '{"status": "online", "model": "starter", "firmware": "1.0.0"}', qos=1, retain=True)


def acknowledged(_client, _data, mid, *_):
    state.update(connect_at=time.monotonic() + 1, pause_s=1.0)  # soon back to a server that takes what is said; a welcome is not enough
    sent_at.pop(number := under_way.pop(mid, ""), None)
    flash.execute("DELETE FROM outbox WHERE id = ?", (number,))


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, os.environ["USERNAME"], clean_session=False, reconnect_on_failure=False)
client.username_pw_set(os.environ["USERNAME"], os.environ["PASSWORD"])
client.will_set(f"{TOPIC}/status", '{"status": "offline"}', qos=1, retain=True)
client.tls_set(os.environ["CA"])
client.on_connect, client.on_message, client.on_publish = connected, told, acknowledged
threading.Thread(target=lambda: [keys.append(key.strip()) for key in sys.stdin], daemon=True).start()
while True:
    if client.loop(0.1) != mqtt.MQTT_ERR_SUCCESS and time.monotonic() >= state["connect_at"]:
        state.update(connect_at=time.monotonic() + state["pause_s"], pause_s=min(state["pause_s"] * 2, 30.0))
        with contextlib.suppress(OSError):  # by ourselves: refused once for its version, paho would go on in an older MQTT
            client.connect(os.environ["HOST"], int(os.environ["PORT"]), keepalive=60)
    if time.monotonic() >= state["heartbeat_at"]:
        state["heartbeat_at"] = time.monotonic() + HEARTBEAT_S
        note("report", battery=87)
    while keys:
        value, shown = ("cancel", "cancelled") if keys.pop(0) == "c" else ("sos", "calling")
        note("alarm", **{value: True})
        print(shown, flush=True)
    send()
    time.sleep(0.02)
