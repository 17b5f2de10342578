"""A call button that passes what it states (starter.toml). Enter is a press, c cancels; what a person would see is printed."""

import json
import os
import sqlite3
import sys
import threading
import time

import paho.mqtt.client as mqtt

TOPIC = os.environ["TOPIC"]  # anju/v1/AREA/HOME/DEVICE
HEARTBEAT_S, REPEAT_S, STORE = float(os.environ.get("HEARTBEAT_S", "45")), float(os.environ.get("REPEAT_S", "20")), 50
happened, sent_at, under_way = [], {}, {}  # keys and mids from other threads; id: moment; mid of a PUBLISH: id of its report
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
    try:
        match json.loads(message.payload):
            case {"command": "receipt", "stage": str() as stage}:
                print(stage, flush=True)  # the lamp: accepted, seen, helping, closed
            case {"command": "identify" | "ping", "id": str() as number}:
                client.publish(f"{TOPIC}/reply", json.dumps({"id": number, "result": "done"}), qos=1)
            case {"command": str(), "id": str() as number}:
                client.publish(f"{TOPIC}/reply", json.dumps({"id": number, "error": "unknown command"}), qos=1)
    except (ValueError, RecursionError):
        print("unreadable command", flush=True)  # whatever a server says, a call button stays one


def connected(*_):
    client.subscribe(f"{TOPIC}/command", qos=1)
    client.publish(f"{TOPIC}/status", '{"status": "online", "model": "starter", "firmware": "1.0.0"}', qos=1, retain=True)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=os.environ["USERNAME"], clean_session=False)
client.username_pw_set(os.environ["USERNAME"], os.environ["PASSWORD"])
client.will_set(f"{TOPIC}/status", '{"status": "offline"}', qos=1, retain=True)
client.tls_set(os.environ["CA"])
client.reconnect_delay_set(1, 30)
client.on_connect, client.on_message = connected, told
client.on_publish = lambda _client, _data, mid, *_: happened.append(mid)
client.connect_async(os.environ["HOST"], int(os.environ["PORT"]), keepalive=60)
client.loop_start()
threading.Thread(target=lambda: [happened.append(line.strip()) for line in sys.stdin], daemon=True).start()
heartbeat_at = time.monotonic()
while True:
    if time.monotonic() >= heartbeat_at:
        heartbeat_at = time.monotonic() + HEARTBEAT_S
        note("report", battery=87)
    while happened:
        if isinstance(what := happened.pop(0), int):
            sent_at.pop(number := under_way.pop(what, ""), None)
            flash.execute("DELETE FROM outbox WHERE id = ?", (number,))
        else:
            note("alarm", **({"cancel": True} if what == "c" else {"sos": True}))
    send()
    time.sleep(0.1)
