/** The hour before the alarm: which properties the home's devices report, their readings, and one of them as a chart. */

import { html, useEffect, useMemo, useState } from "../vendor/htm/standalone.module.js";
import { api } from "./api.js";
import { Chart } from "./chart.js";
import { t, word } from "./i18n.js";
import { Lanes } from "./lanes.js";
import { now } from "./time.js";

/** @typedef {import("./types.js").Alert} Alert @typedef {import("./types.js").Home} Home */
/** @typedef {{device: string, room: string, property: string}} Source */

const BEFORE_MS = 60 * 60_000;
const AFTER_MS = 10 * 60_000;

/** Numbers worth a look during an alarm, most telling first, with their unit. */
const NUMBERS = /** @type {Record<string, string>} */ ({
  heart_rate: "/min", spo2: "%", respiration_rate: "/min", body_temperature: "°C", systolic: "mmHg", diastolic: "mmHg",
  smoke_density: "dB/m", co: "ppm", gas: "%LEL", temperature: "°C", humidity: "%", steps: "", illuminance: "lx",
  water_used: "m³", energy_used: "kWh", speed: "m/s", battery: "%",
}); // prettier-ignore
const LANES = ["occupancy", "contact_open", "bed_occupied", "smoke", "water_leak", "vibration"];

/** What an alarm of this kind makes one ask first. @type {Record<string, string[]>} */
const FIRST = { fire: ["smoke_density", "temperature", "co"], gas: ["co", "gas"], technical: ["battery"], water: ["water_used"] };

/** @param {Home} home @param {Alert} alert @returns {Source[]} the numbers, best first */
function numbers(home, alert) {
  const wanted = [...(FIRST[alert.category] ?? []), ...Object.keys(NUMBERS)];
  const sources = home.devices.flatMap((d) => (d.exposes ?? []).filter((p) => p in NUMBERS).map((property) => ({ device: d.id, room: d.room ?? "", property })));
  // The device that raised the alert speaks first; a battery only where nothing else is there to see.
  const rank = (/** @type {Source} */ s) => wanted.indexOf(s.property) - (s.device === alert.device && s.property !== "battery" ? 0.5 : 0);
  return sources.sort((a, b) => rank(a) - rank(b)).filter((s, i) => s.property !== "battery" || i === 0);
}

/** @param {Source} source @param {number} from @param {number} until */
const read = async (source, from, until) =>
  (await api.telemetry(source.device, source.property, from, until)).map((/** @type {any} */ r) => ({ at: Date.parse(r.at), value: Number(r.value) }));

/** @param {{alert: Alert, home: Home}} props */
export function Readings({ alert, home }) {
  const alarm = Date.parse(alert.raised_at);
  const from = alarm - BEFORE_MS;
  const until = Math.min(alarm + AFTER_MS, Math.max(now(), alarm + 60_000));
  const sources = useMemo(() => numbers(home, alert), [home.id, alert.id]);
  const [picked, pick] = useState(0);
  const [points, setPoints] = useState(/** @type {{at: number, value: number}[]|Error|null} */ (null));
  const [lanes, setLanes] = useState(/** @type {import("./lanes.js").Lane[]} */ ([]));
  const source = sources[Math.min(picked, sources.length - 1)];

  useEffect(() => {
    let current = true;
    setPoints(null);
    if (source) read(source, from, until).then((got) => current && setPoints(got), (problem) => current && setPoints(problem));
    return () => void (current = false);
  }, [alert.id, source]);
  useEffect(() => {
    let current = true;
    const wanted = home.devices.flatMap((d) => LANES.filter((p) => d.exposes?.includes(/** @type {string} */ (p))).map((property) => ({ device: d.id, room: d.room ?? "", property })));
    Promise.all(wanted.map((w) => read(w, from, until).then((got) => ({ ...w, points: got }), () => ({ ...w, points: [] })))).then(
      (all) => current && setLanes(all.filter((lane) => lane.points.length).map((lane) => ({ name: lane.property, room: lane.room, points: lane.points }))),
    );
    return () => void (current = false);
  }, [alert.id, home.id]);

  return html`<section class="panel readings">
    <h3>${t("card.readings")}</h3>
    ${sources.length === 0 && html`<p class="none">${t("readings.no_numbers")}</p>`}
    ${sources.length > 1 &&
    html`<div class="picker" role="group" aria-label=${t("readings.pick")}>
      ${sources.map((/** @type {Source} */ s, /** @type {number} */ i) => html`<button aria-pressed=${s === source ? "true" : "false"} onClick=${() => pick(i)}>${word("property", s.property)}</button>`)}
    </div>`}
    ${source && html`<${Figure} source=${source} points=${points} from=${from} until=${until} alarm=${alarm} />`}
    ${lanes.length > 0 && html`<${Lanes} lanes=${lanes.map((/** @type {import("./lanes.js").Lane} */ l) => ({ ...l, name: word("property", l.name), room: word("room", l.room) }))} from=${from} until=${until} alarm=${alarm} />`}
  </section>`;
}

/** @param {{source: Source, points: {at: number, value: number}[]|Error|null, from: number, until: number, alarm: number}} props */
function Figure({ source, points, from, until, alarm }) {
  if (points === null) return html`<div class="chart none">${t("card.loading")}</div>`;
  if (points instanceof Error) return html`<div class="chart none">${t("readings.failed", { why: points.message })}</div>`;
  if (points.length === 0) return html`<div class="chart none">${t("readings.none")}</div>`;
  const values = points.map((p) => p.value);
  const unit = NUMBERS[source.property];
  const last = [...points].reverse().find((p) => p.at <= alarm + 1000) ?? points[0];
  const summary = t("readings.summary", { name: word("property", source.property), min: Math.min(...values), max: Math.max(...values), last: last.value, unit: unit && ` ${unit}` });
  return html`<figure><figcaption>${summary}</figcaption><${Chart} points=${points} from=${from} until=${until} alarm=${alarm} unit=${unit} /></figure>`;
}
