// A call button of Node's mqtt. Enter is a press; what a person would see is printed.
// The library's own store is in memory: here a call is a file until its PUBACK, and is said again until then.
import { randomUUID } from "node:crypto";
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import mqtt from "mqtt";

const { HOST, PORT, USERNAME, PASSWORD, TOPIC, CA, HEARTBEAT_S = "45", REPEAT_S = "20", FLASH = "button.calls" } = process.env;
const status = (said) => ({ topic: `${TOPIC}/status`, payload: JSON.stringify(said), qos: 1, retain: true });
const sentAt = new Map();
let pause = 1000;

mkdirSync(FLASH, { recursive: true });
const client = mqtt.connect(`${CA ? "mqtts" : "mqtt"}://${HOST}:${PORT}`, {
    username: USERNAME, password: PASSWORD, clientId: USERNAME, clean: false, keepalive: 60, reconnectPeriod: pause,
    ca: CA ? readFileSync(CA) : undefined, will: status({ status: "offline" }), reconnectOnConnackError: true,
});

function report(values) {
    return { id: randomUUID(), at: new Date().toISOString(), values };
}

function call(values) {
    const file = openSync(`${FLASH}/new`, "w");
    writeSync(file, JSON.stringify(report(values)));
    fsyncSync(file);
    closeSync(file);
    renameSync(`${FLASH}/new`, `${FLASH}/${String(Date.now()).padStart(15, "0")}-${randomUUID()}.call`);
    sendCalls();
}

function sendCalls() {
    if (!client.connected) return;
    for (const name of readdirSync(FLASH).filter((name) => name.endsWith(".call")).sort()) {
        if (Date.now() - (sentAt.get(name) ?? 0) < Number(REPEAT_S) * 1000) continue;
        sentAt.set(name, Date.now());
        client.publish(`${TOPIC}/alarm`, readFileSync(`${FLASH}/${name}`), { qos: 1 }, (problem) => {
            if (problem) return;
            if (existsSync(`${FLASH}/${name}`)) rmSync(`${FLASH}/${name}`);
            sentAt.delete(name);
        });
    }
}

function told(_topic, payload) {
    let asked;
    try {
        asked = JSON.parse(payload);
    } catch {
        return; // whatever a server says, a call button stays one
    }
    if (typeof asked?.command !== "string" || typeof asked.id !== "string") return;
    if (asked.command === "receipt") {
        console.log(asked.stage); // the lamp: accepted, seen, helping, closed
        return;
    }
    const known = ["identify", "ping"].includes(asked.command);
    const reply = known ? { id: asked.id, result: "done" } : { id: asked.id, error: "unknown command" };
    client.publish(`${TOPIC}/reply`, JSON.stringify(reply), { qos: 1 });
}

client.on("connect", () => {
    pause = 1000;
    client.options.reconnectPeriod = pause;
    client.subscribe(`${TOPIC}/command`, { qos: 1 });
    const { topic, payload, ...how } = status({ status: "online", model: "button.mjs", firmware: "1.0.0" });
    client.publish(topic, payload, how);
    sendCalls();
});
client.on("close", () => {
    client.options.reconnectPeriod = pause = Math.min(pause * 2, 30_000); // refused, it waits longer each time
});
client.on("error", (problem) => console.error(problem.message));
client.on("message", told);

function beat() {
    if (client.connected) client.publish(`${TOPIC}/report`, JSON.stringify(report({ battery: 87 })), { qos: 1 });
}
setInterval(sendCalls, 1000);
setInterval(beat, Number(HEARTBEAT_S) * 1000);
createInterface({ input: process.stdin }).on("line", () => {
    call({ sos: true });
    console.log("calling");
});
