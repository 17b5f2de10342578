/** Yes-or-no properties over time (movement, doors, bed): a lane each, filled while it was so. */

import { html } from "../vendor/htm/standalone.module.js";
import { clock } from "./time.js";

/** @typedef {{name: string, room: string, points: {at: number, value: number}[]}} Lane */

/** The spans in which the value stood at true. @param {{at: number, value: number}[]} points @param {number} until */
export function spans(points, until) {
  const found = [];
  let since = 0;
  for (const { at, value } of points) {
    if (value && !since) since = at;
    if (!value && since) {
      found.push([since, at]);
      since = 0;
    }
  }
  if (since) found.push([since, until]);
  return found;
}

/** @param {{lanes: Lane[], from: number, until: number, alarm: number}} props */
export function Lanes({ lanes, from, until, alarm }) {
  const x = (/** @type {number} */ at) => (100 * (Math.min(until, Math.max(from, at)) - from)) / (until - from);
  return html`<div class="lanes">
    ${lanes.map(
      (lane) => html`<div class="lane">
        <span class="name">${lane.name}<small>${lane.room}</small></span>
        <svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label=${spoken(lane, until)}>
          <rect class="bed" width="100" height="10" />
          ${spans(lane.points, until).map(([a, b]) => html`<rect class="on" x=${x(a)} width=${Math.max(0.5, x(b) - x(a))} height="10" />`)}
          <line class="alarm" x1=${x(alarm)} x2=${x(alarm)} y1="0" y2="10" vector-effect="non-scaling-stroke" />
        </svg>
      </div>`,
    )}
  </div>`;
}

/** @param {Lane} lane @param {number} until */
const spoken = (lane, until) => `${lane.name} ${lane.room}: ${spans(lane.points, until).map(([a, b]) => `${clock(a)}–${clock(b)}`).join(", ") || "–"}`;
