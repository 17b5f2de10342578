// Node's mqtt with its defaults, its store in memory among them: a battery level each 45 s, Enter is a press.
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import mqtt from "mqtt";

const { HOST, PORT, USERNAME, PASSWORD, TOPIC, HEARTBEAT_S = "45" } = process.env;
const client = mqtt.connect(`mqtt://${HOST}:${PORT}`, { username: USERNAME, password: PASSWORD });

function say(values) {
    const report = { id: randomUUID(), at: new Date().toISOString(), values };
    client.publish(`${TOPIC}/report`, JSON.stringify(report), { qos: 1 });
}

client.on("error", (problem) => console.error(problem.message));
setInterval(() => say({ battery: 87 }), Number(HEARTBEAT_S) * 1000);
createInterface({ input: process.stdin }).on("line", () => say({ sos: true }));
say({ battery: 87 });
