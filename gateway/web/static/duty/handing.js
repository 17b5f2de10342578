/** The change of shifts: what is open, whose it is by name, and taking it over one by one or all. */

import { html, useState } from "../vendor/htm/standalone.module.js";
import { call } from "../js/api.js";
import { moment } from "../js/time.js";
import { named, t } from "./words.js";

/** @typedef {{id: string, kind: string, home_name: string, title: {zh: string, en: string}, owner: string|null, earlier: boolean, since: string, priority: number|null, claimed_by: string|null, held_until: string|null, until: string|null}} Item */

/** @param {string} roster @param {string[]} items none: everything that is still an earlier shift's */
export const takeOver = (roster, items) => call("POST", `/rosters/${encodeURIComponent(roster)}/takeover`, { items });

/** @param {{roster: any, items: Item[], chosen: number, mine: boolean, done: () => void, say: (text: string, good?: boolean) => void}} props */
export function Handing({ roster, items, chosen, mine, done, say }) {
  const [note, setNote] = useState("");
  /** @param {Promise<unknown>} asked */
  const send = (asked) => asked.then(() => (say(t("done"), true), done()), (problem) => say(problem.message));
  const leave = () => send(call("POST", `/rosters/${encodeURIComponent(roster.id)}/handover`, { note })).then(() => setNote(""));
  return html`<h3>${t("handover")}${roster.waiting > 0 && html` · <span class="bad">${roster.waiting} ${t("waiting")}</span>`}</h3>
    ${roster.note && html`<p class="note"><b>${t("note")}</b> · ${roster.note.by} ${moment(roster.note.at)}${"\n"}${roster.note.text}</p>`}
    ${items.every((item) => !item.earlier) && html`<p class="quiet">${t("all_yours")}</p>`}
    <ul class="items">
      ${items.map(
        (item, index) => html`<li class=${`${item.earlier ? "earlier" : ""} ${index === chosen ? "chosen" : ""}`} data-item=${item.id}>
          <span>${item.priority ? `P${item.priority} ` : ""}${named(item.title)} · ${item.home_name || "–"}
            ${item.held_until && html` <small>${t("held")} ${moment(item.held_until)}</small>`}
            ${item.until && html` <small>${t("until")} ${moment(item.until)}</small>`}
            ${item.claimed_by && html` <small>${t("in_hand")} ${item.claimed_by}</small>`}</span>
          <span class=${item.earlier ? "bad" : ""}>${t("owner")} ${item.owner ?? t("nobodys")}</span>
          <button disabled=${!mine || !item.earlier} onClick=${() => send(takeOver(roster.id, [item.id]))}>${t("take")}${index === chosen && html`<kbd>T</kbd>`}</button>
        </li>`,
      )}
    </ul>
    <form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), note.trim() && leave())}>
      <button type="button" class="main" disabled=${!mine || roster.waiting === 0} onClick=${() => send(takeOver(roster.id, []))}>${t("take_all")}<kbd>A</kbd></button>
      <label>${t("leave_note")}<input value=${note} onInput=${(/** @type {any} */ e) => setNote(e.target.value)} /></label>
      <button disabled=${!note.trim()}>${t("leave")}</button>
    </form>`;
}
