/**
 * Time as the service counts it. A computer at a desk may be minutes wrong; ages, clocks and countdowns here follow the `now` of the
 * service's beats, carried forward by the browser's monotonic clock.
 */

import { t } from "./i18n.js";

const KEPT = 12;
/** @type {number[]} service time minus monotonic time, of the latest beats; the largest was the fastest on its way */
const offsets = [];

/** @param {string} iso the service's `now`, just heard */
export function heard(iso) {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return;
  const offset = at - performance.now();
  // A leap of the service's clock (a restart, a restore) is followed at once.
  if (offsets.length && Math.abs(offset - offsets[offsets.length - 1]) > 10_000) offsets.length = 0;
  offsets.push(offset);
  if (offsets.length > KEPT) offsets.shift();
}

/** @returns {number} now, ms since 1970, by the service's clock */
export function now() {
  return offsets.length ? Math.max(...offsets) + performance.now() : Date.now();
}

/** @param {number} n */
const two = (n) => String(n).padStart(2, "0");

/**
 * The zone in which the service speaks: its sentences name local times, and the page must name the same ones, wherever the browser stands.
 */
let zone = "Asia/Shanghai";
let parts = partsIn(zone);

/** @param {string} timeZone */
function partsIn(timeZone) {
  const numbers = /** @type {const} */ ({ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return new Intl.DateTimeFormat("en-GB", { ...numbers, timeZone, hourCycle: "h23" });
}

/** @param {unknown} name as the service tells it (`Asia/Shanghai`); one that this browser does not know changes nothing */
export function setZone(name) {
  if (typeof name !== "string" || !name || name === zone) return;
  try {
    parts = partsIn(name);
    zone = name;
  } catch {
    // An older browser and a newer zone: the county's own stays.
  }
}

export const zoneName = () => zone;

/** @param {number|string} at @returns {Record<string, string>} year, month, day, hour, minute, second in the service's zone */
const local = (at) => Object.fromEntries(parts.formatToParts(new Date(at)).map(({ type, value }) => [type, value]));

/** @param {number|string|null|undefined} at @returns {string} `03:12:05` */
export function clock(at) {
  if (!at) return "–";
  const { hour, minute, second } = local(at);
  return `${hour}:${minute}:${second}`;
}

/** @param {number} at @returns {string} `03:12` */
export function hourMinute(at) {
  const { hour, minute } = local(at);
  return `${hour}:${minute}`;
}

/** @param {number|string} at @returns {string} `03:12`, or `11-21 03:12` when it was not today */
export function moment(at) {
  const { year, month, day, hour, minute } = local(at);
  const today = local(now());
  const text = `${hour}:${minute}`;
  return day === today.day && month === today.month && year === today.year ? text : `${month}-${day} ${text}`;
}

/** @param {number} at @returns {string} `2026-11-22T03:12`, as a field for date and time holds it */
export function clockOf(at) {
  const { year, month, day, hour, minute } = local(at);
  return `${year}-${month}-${day}T${hour}:${minute}`;
}

/** @param {string} text what such a field holds, in the service's zone @returns {number|null} ms since 1970; null where it is no time */
export function atClock(text) {
  const meant = Date.parse(`${text}Z`);
  if (Number.isNaN(meant)) return null;
  const offset = (/** @type {number} */ at) => Date.parse(`${clockOf(at)}Z`) - at + (at % 60_000);
  const near = meant - offset(meant);
  return meant - offset(near);
}

/** @param {number} at @returns {number} */
export const yearOf = (at) => Number(local(at).year);

/** @param {number} ms a span @returns {string} `0:07`, `12:40`, `3:02:11`, `2d 04h` */
export function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s >= 86_400) {
    return t("span.days", { days: Math.floor(s / 86_400), hours: two(Math.floor((s % 86_400) / 3600)) });
  }
  const rest = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return s >= 3600 ? `${Math.floor(s / 3600)}:${rest}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}
