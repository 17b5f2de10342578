/** The hour before the alarm: when somebody last moved, in words and as lanes; then the figures, one of them as a chart. */

import { html, useEffect, useMemo, useState } from "../vendor/htm/standalone.module.js";
import { Chart } from "./chart.js";
import { everySecond } from "./hooks.js";
import { movedEarlier, NUMBERS, numbers, read, readTraces } from "./hour.js";
import { language, t, word } from "./i18n.js";
import { Lanes } from "./lanes.js";
import { lastMoved } from "./movement.js";
import { moment, now } from "./time.js";

/** @typedef {import("./types.js").Home} Home @typedef {import("./hour.js").Source} Source */
/** @typedef {import("./movement.js").Sample} Sample @typedef {import("./movement.js").Track} Track @typedef {import("./movement.js").Moved} Moved */

const MINUTE_MS = 60_000;
const BEFORE_MS = 60 * MINUTE_MS;
/** So long the figures go on after the alarm: does anybody move again? */
const AFTER_MS = 20 * MINUTE_MS;
/** Readings that begin later than this are said to begin late, and the empty part is cut off. */
const LATE_MS = 5 * MINUTE_MS;
const SHORTEST_MS = 10 * MINUTE_MS;
/** Fewer readings than this are no curve. */
const CURVE = 3;

/** The service's present minute; redraws when it changes. */
function useMinute() {
  const [minute, set] = useState(Math.floor(now() / MINUTE_MS));
  useEffect(() => everySecond(() => set(Math.floor(now() / MINUTE_MS))), []);
  return minute * MINUTE_MS;
}

/**
 * What is read again while the page stands; what was read stays on show meanwhile.
 * @template T @param {() => Promise<T>} ask @param {unknown[]} on @returns {T|Error|null} null before the first answer
 */
function useRead(ask, on) {
  const [got, set] = useState(/** @type {T|Error|null} */ (null));
  useEffect(() => {
    let current = true;
    ask().then((answer) => current && set(answer), (problem) => current && set((/** @type {any} */ before) => (before === null || before instanceof Error ? problem : before)));
    return () => void (current = false);
  }, on);
  return got;
}

/** @param {{home: Home, alarm: number|null, category?: string, device?: string|null}} props `alarm` in ms; null: the hour up to now */
export function Readings({ home, alarm, category = "", device }) {
  const minute = useMinute();
  const end = alarm ?? minute + MINUTE_MS;
  const from = end - BEFORE_MS;
  const until = alarm === null ? end : Math.min(alarm + AFTER_MS, Math.max(minute, alarm) + MINUTE_MS);
  const { first, more } = useMemo(() => numbers(home, category, device), [home, category, language()]);
  const tracks = useRead(() => readTraces(home, from, until), [home, until]);
  const series = useRead(() => Promise.all(first.map(async (source) => ({ source, points: await read(source, from, until) }))), [first, until]);
  const [unfolded, unfold] = useState(false);
  const [picked, pick] = useState(/** @type {string|null} */ (null));

  if (tracks === null || series === null) return html`<section class="panel readings"><${Title} alarm=${alarm} /><p class="none">${t("card.loading")}</p></section>`;
  const failed = [tracks, series].find((one) => one instanceof Error);
  if (failed instanceof Error) return html`<section class="panel readings"><${Title} alarm=${alarm} /><p class="none">${t("readings.failed", { why: failed.message })}</p></section>`;
  const told = /** @type {{source: Source, points: Sample[]}[]} */ (series);
  const lanes = /** @type {Track[]} */ (tracks);

  const earliest = Math.min(...[...lanes, ...told].flatMap(({ points }) => points.slice(0, 1).map((p) => p.at)));
  const late = Number.isFinite(earliest) && earliest > from + LATE_MS;
  const begin = late ? Math.min(earliest - MINUTE_MS / 2, until - SHORTEST_MS) : from;
  const spoke = told.filter(({ points }) => points.length > 0);
  const mute = told.filter(({ points }) => points.length === 0);
  const key = (/** @type {Source} */ s) => `${s.device} ${s.property}`;
  const chosen = [...first, ...more].find((s) => key(s) === picked) ?? spoke[0]?.source;
  const chip = (/** @type {Source} */ source, /** @type {Sample|undefined} */ last) => html`<button
    key=${key(source)}
    aria-pressed=${source === chosen ? "true" : "false"}
    onClick=${() => pick(key(source))}
  >${source.label}${last && html` <b>${rounded(last.value)}</b><small>${NUMBERS[source.property]}</small>`}</button>`;
  const atAlarm = (/** @type {Sample[]} */ points) => points.findLast((p) => p.at <= end) ?? points[0];

  return html`<section class="panel readings">
    <${Title} alarm=${alarm} />
    <${Movement} home=${home} tracks=${lanes} alarm=${alarm} end=${end} from=${from} />
    ${late && html`<p class="since">${t("readings.since", { at: moment(earliest) })}</p>`}
    ${lanes.length > 0 && html`<${Lanes} tracks=${lanes} from=${begin} until=${until} alarm=${alarm} />`}
    <div class="picker" role="group" aria-label=${t("readings.pick")}>
      ${spoke.map(({ source, points }) => chip(source, atAlarm(points)))}
      ${unfolded && more.map((source) => chip(source, undefined))}
      ${more.length > 0 && html`<button class="fold" aria-expanded=${unfolded ? "true" : "false"} onClick=${() => unfold(!unfolded)}>${t(unfolded ? "readings.less" : "readings.more", { n: more.length })}</button>`}
    </div>
    ${mute.length > 0 && html`<p class="since">${t("readings.mute", { names: mute.map(({ source }) => source.label).join(language() === "zh" ? "、" : ", ") })}</p>`}
    ${chosen && html`<${Figure} key=${key(chosen)} source=${chosen} from=${from} begin=${begin} until=${until} alarm=${alarm} end=${end} />`}
  </section>`;
}

/** @param {{alarm: number|null}} props */
const Title = ({ alarm }) => html`<h3>${t(alarm === null ? "card.readings_now" : "card.readings")}</h3>`;

/** @param {number} value */
const rounded = (value) => String(Math.round(value * 100) / 100);

/** The one sentence an operator asks for: when did somebody last move. @param {{home: Home, tracks: Track[], alarm: number|null, end: number, from: number}} props */
function Movement({ home, tracks, alarm, end, from }) {
  const { before, after } = lastMoved(tracks, end);
  const earlier = useRead(() => (before ? Promise.resolve(null) : movedEarlier(home, from)), [home, end, !before]);
  const senses = home.devices.some((d) => d.exposes?.includes("occupancy") || d.exposes?.includes("contact_open"));
  if (!senses && !before) return html`<p class="moved">${t("moved.blind")}</p>`;
  const where = (/** @type {Moved} */ moved) => (moved.track.property === "occupancy" ? moved.track.place : `${moved.track.place}${t("moved.by", { what: word("lane", moved.track.property) })}`);
  const ago = (/** @type {number} */ at) => {
    const minutes = Math.floor((end - at) / MINUTE_MS);
    const span = minutes < 1 ? t("moved.less") : t("moved.minutes", { n: minutes });
    return t(alarm === null ? "moved.ago" : "moved.before", { span });
  };
  let said = "";
  if (before?.ongoing) said = t("moved.ongoing", { at: moment(before.at), place: where(before) });
  else if (before) said = t("moved.last", { at: moment(before.at), place: where(before), ago: ago(before.at) });
  else if (earlier && !(earlier instanceof Error)) said = t("moved.earlier", { at: moment(earlier.at), place: earlier.place });
  else said = t("moved.none");
  return html`<p class=${`moved ${before ? "" : "still"}`}>${said}${after && html` <span class="after">${t("moved.after", { at: moment(after.at), place: where(after) })}</span>`}</p>`;
}

/** @param {{source: Source, from: number, begin: number, until: number, alarm: number|null, end: number}} props */
function Figure({ source, from, begin, until, alarm, end }) {
  const points = useRead(() => read(source, from, until), [source.device, source.property, until]);
  if (points === null) return html`<div class="chart none">${t("card.loading")}</div>`;
  if (points instanceof Error) return html`<div class="chart none">${t("readings.failed", { why: points.message })}</div>`;
  const name = source.label;
  if (points.length === 0) return html`<p class="few none">${t("readings.none", { name })}</p>`;
  const unit = NUMBERS[source.property];
  if (points.length < CURVE)
    return html`<p class="few">${name}${points.map((p) => html`<span><time>${moment(p.at)}</time> <b>${rounded(p.value)}</b> ${unit}</span>`)}<small>${t("readings.few")}</small></p>`;
  const values = points.map((p) => p.value);
  const last = points.findLast((p) => p.at <= end + 1000) ?? points[0];
  const figures = { name, min: rounded(Math.min(...values)), max: rounded(Math.max(...values)), last: rounded(last.value), unit: unit && ` ${unit}` };
  return html`<figure><figcaption>${t(alarm === null ? "readings.summary_now" : "readings.summary", figures)}</figcaption>
    <${Chart} points=${points} from=${begin} until=${until} alarm=${alarm} unit=${unit} /></figure>`;
}
