/** Which readings of a home tell something in an alarm, where they come from, and how they are read. */

import { api } from "./api.js";
import { word } from "./i18n.js";
import { TRACES } from "./movement.js";

/** @typedef {import("./types.js").Home} Home @typedef {import("./types.js").Device} Device */
/** @typedef {import("./movement.js").Sample} Sample @typedef {import("./movement.js").Track} Track */
/** @typedef {{home: string, device: string, property: string, place: string, label: string}} Source */

/** Numbers worth a look during an alarm, most telling first, with their unit. @type {Record<string, string>} */
export const NUMBERS = {
  heart_rate: "/min", spo2: "%", respiration_rate: "/min", body_temperature: "°C", systolic: "mmHg", diastolic: "mmHg",
  smoke_density: "dB/m", co: "ppm", gas: "%LEL", temperature: "°C", humidity: "%", illuminance: "lx",
  water_used: "m³", energy_used: "kWh", battery: "%",
}; // prettier-ignore
/** How the person is: asked first in every alarm. */
const PERSON = ["heart_rate", "spo2", "respiration_rate", "body_temperature"];
/** What an alarm of this kind makes one ask before that. @type {Record<string, string[]>} */
const FIRST = { fire: ["smoke_density", "temperature", "co"], gas: ["co", "gas"], water: ["water_used"], technical: ["battery"] };
/** Shown as a lane where they were true: hazards beside the movement. */
const HAZARDS = ["smoke", "water_leak", "gas_alarm", "co_alarm"];
const DAY_MS = 24 * 60 * 60_000;

/** @param {Device} device where it hangs, as people say it */
const placeOf = (device) => word("room", device.room) || device.name || device.model;

/** @param {Home} home @param {Device} device @param {string} property @returns {Source} */
const source = (home, device, property) => ({ home: home.id, device: device.id, property, place: placeOf(device), label: word("property", property) });

/**
 * @param {Home} home @param {string} category @param {string|null|undefined} concerned the device that raised the alarm
 * @returns {{first: Source[], more: Source[]}} the numbers of the home: those to look at, and the rest
 */
export function numbers(home, category, concerned) {
  const wanted = [...(FIRST[category] ?? []), ...PERSON];
  const order = [...wanted, ...Object.keys(NUMBERS)];
  const every = home.devices.flatMap((device) => Object.keys(NUMBERS).filter((p) => device.exposes?.includes(p)).map((p) => source(home, device, p)));
  const rank = (/** @type {Source} */ s) => order.indexOf(s.property) - (s.device === concerned ? 0.5 : 0);
  every.sort((a, b) => rank(a) - rank(b));
  for (const one of every) {
    // A pulse has no room; a temperature without one says nothing where three devices measure it.
    if (!PERSON.includes(one.property) && one.place && !["systolic", "diastolic"].includes(one.property)) one.label += ` · ${one.place}`;
  }
  const isFirst = (/** @type {Source} */ s) => wanted.includes(s.property) && (s.property !== "battery" || s.device === concerned);
  return { first: every.filter(isFirst), more: every.filter((s) => !isFirst(s) && s.property !== "battery") };
}

/** @param {Home} home @returns {Source[]} */
export const traces = (home) =>
  [...TRACES, ...HAZARDS].flatMap((property) => home.devices.filter((d) => d.exposes?.includes(property)).map((device) => source(home, device, property)));

/** @param {Source} from @param {number} start @param {number} end @param {string} [thinned] @returns {Promise<Sample[]>} */
export async function read({ home, device, property }, start, end, thinned) {
  const found = await api.telemetry(home, device, property, start, end, thinned);
  return found.map(({ at, value }) => ({ at: Date.parse(at), value: Number(value) }));
}

/**
 * The lanes of an hour: every trace that said something, hazards only where they were true.
 * @param {Home} home @param {number} start @param {number} end @returns {Promise<Track[]>}
 */
export async function readTraces(home, start, end) {
  const tracks = await Promise.all(traces(home).map(async (from) => ({ ...from, points: await read(from, start, end) })));
  return tracks.filter(({ property, points }) => points.length > 0 && (!HAZARDS.includes(property) || points.some((p) => p.value)));
}

/**
 * The last movement of the day before, to ten minutes: asked for only where the hour holds none.
 * @param {Home} home @param {number} end @returns {Promise<{at: number, place: string}|null>}
 */
export async function movedEarlier(home, end) {
  const wanted = traces(home).filter(({ property }) => ["occupancy", "contact_open", "vibration"].includes(property));
  const last = await Promise.all(
    wanted.map(async (from) => {
      const seen = (await read(from, end - DAY_MS, end, "&every=10m&aggregate=max")).filter((p) => p.value);
      return { at: seen.at(-1)?.at ?? 0, place: from.place };
    }),
  );
  const best = last.sort((a, b) => b.at - a.at)[0];
  return best?.at ? best : null;
}
