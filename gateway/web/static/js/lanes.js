/** Movement, doors, bed and steps in one figure: a lane each, filled while it was so, empty where nothing was recorded. */

import { html } from "../vendor/htm/standalone.module.js";
import { word } from "./i18n.js";
import { active } from "./movement.js";
import { clock, hourMinute } from "./time.js";

/** @typedef {import("./movement.js").Track} Track */

const TICKS_MIN = [1, 2, 5, 10, 15, 30];

/** Full minutes for the axis, five or six of them. @param {number} from @param {number} until */
function ticks(from, until) {
  const step = 60_000 * (TICKS_MIN.find((m) => (until - from) / (m * 60_000) <= 6) ?? 60);
  const found = [];
  for (let at = Math.ceil(from / step) * step; at < until; at += step) found.push(at);
  return found;
}

/** @param {{tracks: Track[], from: number, until: number, alarm: number|null}} props */
export function Lanes({ tracks, from, until, alarm }) {
  const x = (/** @type {number} */ at) => (100 * (Math.min(until, Math.max(from, at)) - from)) / (until - from);
  return html`<div class="lanes">
    ${tracks.map((track) => {
      const began = x(track.points[0].at);
      return html`<div class=${`lane ${track.property}`}>
        <span class="name" title=${nameOf(track)}>${track.place}<small>${word("lane", track.property)}</small></span>
        <svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label=${spoken(track, until)}>
          <rect class="bed" x=${began} width=${100 - began} height="10" />
          ${active(track, until).map(([a, b]) => html`<rect class="on" x=${x(a)} width=${Math.max(0.6, x(b) - x(a))} height="10" />`)}
          ${alarm !== null && html`<line class="alarm" x1=${x(alarm)} x2=${x(alarm)} y1="0" y2="10" vector-effect="non-scaling-stroke" />`}
        </svg>
      </div>`;
    })}
    <div class="lane axis" aria-hidden="true"><span></span>
      <svg height="20">${ticks(from, until).map((at) => html`<text x=${`${x(at)}%`} y="15">${hourMinute(at)}</text>`)}</svg>
    </div>
  </div>`;
}

/** @param {Track} track */
const nameOf = (track) => `${track.place} ${word("lane", track.property)}`;

/** @param {Track} track @param {number} until */
const spoken = (track, until) => `${nameOf(track)}: ${active(track, until).map(([a, b]) => `${clock(a)}–${clock(b)}`).join(", ") || "–"}`;
