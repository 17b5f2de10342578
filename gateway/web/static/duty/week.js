/** The calendar of a week: a lane for each layer, gaps in red with words, and what can be done with a shift. */

import { html, useState } from "../vendor/htm/standalone.module.js";
import { call } from "../js/api.js";
import { language } from "../js/i18n.js";
import { moment } from "../js/time.js";
import { t } from "./words.js";

/** @typedef {{roster: string, layer: string, staff: string, name: string, phone: string, since: string, until: string, override: string}} Shift */

const DAY = 86_400_000;

/** @param {{from: number, shifts: Shift[], gaps: {since: string, until: string}[], layers: {name: string}[], staff: {id: string, name: string}[], roster: string, supervises: boolean, done: () => void, say: (text: string, good?: boolean) => void, now: number}} props */
export function Week({ from, shifts, gaps, layers, staff, roster, supervises, done, say, now }) {
  const [chosen, choose] = useState(/** @type {Shift|null} */ (null));
  const to = from + 7 * DAY;
  /** @param {string} since @param {string} until */
  const place = (since, until) => {
    const left = Math.max(0, (Date.parse(since) - from) / (to - from));
    const right = Math.min(1, (Date.parse(until) - from) / (to - from));
    return { left: `${left * 100}%`, width: `${Math.max(0, right - left) * 100}%` };
  };
  /** @param {{since: string, until: string}} span */
  const within = (span) => Date.parse(span.since) < to && Date.parse(span.until) > from;
  const numbers = new Map(staff.map((person, index) => [person.id, index]));
  const days = Array.from({ length: 7 }, (_, n) => from + n * DAY + DAY / 2);
  const names = new Intl.DateTimeFormat(language() === "zh" ? "zh-CN" : "en-GB", { weekday: "short", month: "numeric", day: "numeric" });
  return html`<div class="week">
    <div>
      <div class="days" aria-hidden="true"><span></span>${days.map((day) => html`<span class=${Math.abs(day - now) < DAY / 2 ? "today" : ""}>${names.format(day)}</span>`)}</div>
      ${layers.map((layer) => {
        const here = shifts.filter((shift) => shift.layer === layer.name && within(shift));
        return html`<div class="lane">
          <span>${layer.name}</span>
          <div class="bar">
            ${here.map((shift) => {
              const said = `${shift.name || t("nobody")} ${moment(shift.since)} – ${moment(shift.until)}`;
              return html`<button
                class=${`${(numbers.get(shift.staff) ?? 0) % 2 ? "other" : ""} ${shift.override ? "over" : ""}`} style=${place(shift.since, shift.until)}
                title=${said} aria-label=${said} aria-pressed=${chosen?.since === shift.since && chosen?.layer === shift.layer ? "true" : "false"}
                disabled=${!supervises} onClick=${() => choose(shift)}>${shift.name || t("nobody")}</button>`;
            })}
            ${now > from && now < to && html`<i style=${{ left: `${((now - from) / (to - from)) * 100}%` }}></i>`}
          </div>
        </div>`;
      })}
      ${gaps.some(within) &&
      html`<div class="lane">
        <span class="bad">${t("gaps")}</span>
        <div class="bar">${gaps.filter(within).map((gap) => html`<span class="gap" style=${place(gap.since, gap.until)} title=${`${moment(gap.since)} – ${moment(gap.until)}`}>${t("gap")}</span>`)}</div>
      </div>`}
      ${chosen && html`<${Change} key=${chosen.since + chosen.layer} shift=${chosen} shifts=${shifts} staff=${staff} roster=${roster} say=${say}
        done=${() => (choose(null), done())} />`}
    </div>
  </div>`;
}

/** Somebody else for a shift, or two shifts exchanged. @param {{shift: Shift, shifts: Shift[], staff: {id: string, name: string}[], roster: string, done: () => void, say: (text: string, good?: boolean) => void}} props */
function Change({ shift, shifts, staff, roster, done, say }) {
  const [who, setWho] = useState("");
  const [other, setOther] = useState("");
  const [reason, setReason] = useState("");
  /** @param {Promise<unknown>} asked */
  const send = (asked) => asked.then(() => (say(t("done"), true), done()), (problem) => say(problem.message));
  const path = `/rosters/${encodeURIComponent(roster)}`;
  const instead = () =>
    send(call("POST", `${path}/overrides`, { layer: shift.layer, since: shift.since, until: shift.until, staff: who === "-" ? null : who, reason }));
  const swap = () => send(call("POST", `${path}/swaps`, { layer: shift.layer, first: shift.since, second: other, reason }));
  const others = shifts.filter((s) => s.layer === shift.layer && s.since > shift.since && s.staff !== shift.staff);
  return html`<form onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <p><b>${t("shift")}</b> ${shift.name} · ${moment(shift.since)} – ${moment(shift.until)}</p>
    <label>${t("reason")}<input value=${reason} onInput=${(/** @type {any} */ e) => setReason(e.target.value)} /></label>
    <label>${t("instead")}<select value=${who} onChange=${(/** @type {any} */ e) => setWho(e.target.value)}>
      <option value="">${t("choose")}</option>
      ${staff.filter((p) => p.id !== shift.staff).map((p) => html`<option value=${p.id}>${p.name}</option>`)}
      <option value="-">${t("leave_empty")}</option>
    </select></label>
    <button class="main" disabled=${!who || !reason.trim()} onClick=${instead}>${t("override")}</button>
    <label>${t("swap_with")}<select value=${other} onChange=${(/** @type {any} */ e) => setOther(e.target.value)}>
      <option value="">${t("choose")}</option>
      ${others.map((s) => html`<option value=${s.since}>${s.name} · ${moment(s.since)}</option>`)}
    </select></label>
    <button disabled=${!other || !reason.trim()} onClick=${swap}>${t("swap")}</button>
    ${shift.override && html`<button onClick=${() => send(call("DELETE", `${path}/overrides/${encodeURIComponent(shift.override)}`))}>${t("undo")}</button>`}
  </form>`;
}
