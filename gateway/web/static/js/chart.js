/** One property over time: uPlot, in the colours of the page, with a line at the moment of the alarm. */

import { html, useEffect, useRef } from "../vendor/htm/standalone.module.js";
import uPlot from "../vendor/uplot/uPlot.esm.js";
import { hourMinute, zoneName } from "./time.js";

/** The library comes without types of its own in one file. @type {any} */
const Plot = uPlot;

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const HEIGHT = 150;
/** Left of the plot: as much as the names of the lanes below take, so that hour stands under hour. */
const LEFT = 120;

/** @param {{points: {at: number, value: number}[], from: number, until: number, alarm: number|null, unit: string}} props times in ms */
export function Chart({ points, from, until, alarm, unit }) {
  const box = useRef(/** @type {HTMLElement|null} */ (null));
  const theme = document.documentElement.dataset.theme;
  useEffect(() => {
    const host = box.current;
    if (!host) return undefined;
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: `13px ${getComputedStyle(document.body).fontFamily}` };
    const rounded = (/** @type {number} */ v) => String(Math.round(v * 10) / 10);
    const plot = new Plot(
      {
        width: host.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        tzDate: (/** @type {number} */ s) => Plot.tzDate(new Date(s * 1000), zoneName()),
        cursor: { y: false, points: { size: 8 } },
        padding: [12, 12, 0, 0],
        scales: {
          x: { time: true, range: () => [from / 1000, until / 1000] },
          // Headroom of a tenth, and never a flat line blown up to look like a storm.
          y: { range: (/** @type {any} */ _, /** @type {number} */ low, /** @type {number} */ high) => widened(low, high) },
        },
        axes: [
          { ...axis, values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map((s) => hourMinute(s * 1000)), space: 60, size: 32 },
          { ...axis, size: LEFT, values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map(rounded), space: 34 },
        ],
        series: [{}, { label: unit, stroke: colour("--chart"), width: 2.5, points: { show: points.length < 40, size: 5, fill: colour("--chart") }, spanGaps: false }],
        hooks: { draw: [(/** @type {any} */ u) => alarm !== null && alarmLine(u, alarm / 1000)] },
      },
      [points.map((p) => p.at / 1000), points.map((p) => p.value)],
      host,
    );
    const watch = new ResizeObserver(() => host.clientWidth && plot.setSize({ width: host.clientWidth, height: HEIGHT }));
    watch.observe(host);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [points, from, until, alarm, theme]);
  return html`<div class="chart" ref=${box}></div>`;
}

/** @param {number} low @param {number} high @returns {[number, number]} */
function widened(low, high) {
  if (low == null || high == null) return [0, 1];
  const span = Math.max(high - low, Math.abs(high) * 0.15, 1);
  const middle = (low + high) / 2;
  return [middle - span * 0.6, middle + span * 0.6];
}

/** @param {any} u @param {number} at */
function alarmLine(u, at) {
  const x = Math.round(u.valToPos(at, "x", true));
  const ink = u.ctx;
  ink.save();
  ink.strokeStyle = colour("--alarm-line");
  ink.lineWidth = 2 * devicePixelRatio;
  ink.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ink.beginPath();
  ink.moveTo(x, u.bbox.top);
  ink.lineTo(x, u.bbox.top + u.bbox.height);
  ink.stroke();
  ink.restore();
}
