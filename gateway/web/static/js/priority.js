/** How urgent an alert is, and in which order people should see to it. */

/** @typedef {import("./types.js").Alert} Alert */

/** Message prefixes of IEC 60601-1-8: they carry the priority where colour cannot. @type {Record<number, string>} */
export const PREFIX = { 1: "***", 2: "**", 3: "*", 4: "" };

/** @param {Alert} alert nobody has it in hand: it waits for a person */
export const waiting = (alert) => alert.status === "triggered" && !alert.claimed_by && !held(alert) && !alert.folded_into;

/** @param {Alert} alert */
export const held = (alert) => Boolean(alert.held_until) && alert.status !== "closed";

/** @param {Alert} alert whether it may ring and flash */
export const ringing = (alert) => waiting(alert) && !alert.silenced_by;

/** How high it stands: a call that was taken back behind those that were not; it rings as what it is. @param {Alert} alert */
export const shown = (alert) => alert.shown_priority ?? alert.priority;

/** Priority, then age: the oldest of the most urgent first. @param {Alert} a @param {Alert} b */
export function byUrgency(a, b) {
  return shown(a) - shown(b) || Date.parse(a.raised_at) - Date.parse(b.raised_at) || (a.id < b.id ? -1 : 1);
}
