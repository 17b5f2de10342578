/**
 * Many alerts of one event closed at once: a power cut, a burst pipe. Never one that nobody has looked at, and none that still holds: the
 * window says how many, which, and why the others stay. What is listed was there when the window was filled; what comes later waits.
 */

import { html, useEffect, useMemo, useRef, useState } from "../vendor/htm/standalone.module.js";
import { api, freshKey } from "./api.js";
import { Window } from "./dialog.js";
import { dispositions, goesOn } from "./forms.js";
import { usePage } from "./hooks.js";
import { said, sentence, t, word } from "./i18n.js";
import { byUrgency } from "./priority.js";
import { whoWhere } from "./status.js";

/** @typedef {import("./types.js").Alert} Alert @typedef {{alert: Alert, why: string}} Judged */

/** The service takes no more at once. */
const MOST = 1_000;

/** What may belong to one event. @param {import("./desk.js").Desk} desk @returns {Alert[]} */
export const together = (desk) => [...desk.alerts.values()].filter((alert) => alert.status !== "closed" && alert.origin === "real" && !alert.folded_into);

/** Why it stays out, as far as this page can tell; the service judges again. @param {Alert} alert */
const staysFor = (alert) => (!alert.viewed_at ? t("together.unseen") : goesOn(alert) ? t("together.holds") : "");

/** @param {{alert: Alert}} props */
function Named({ alert }) {
  const { who, where } = whoWhere(alert, null);
  return html`<span class="named"><b>${word("category", alert.category)} ${who}</b><small>${where} · ${said(alert, "title")}</small></span>`;
}

/** @param {{onClose: () => void}} props */
export function Together({ onClose }) {
  const { desk, go } = usePage();
  const begin = desk.card;
  const [sort, setSort] = useState(/** @type {string} */ (begin?.category ?? ""));
  const [area, setArea] = useState(/** @type {string} */ (begin?.area ?? ""));
  const [left, setLeft] = useState(/** @type {Set<string>} */ (new Set()));
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const [ended, setEnded] = useState(/** @type {{closed: number, left: {known: Alert|undefined, id: string, why: string}[]}|null} */ (null));
  const [key] = useState(freshKey);
  const form = useRef(/** @type {HTMLFormElement|null} */ (null));
  const [all] = useState(() => together(desk));
  const shown = useMemo(
    () => all.filter((one) => (!sort || one.category === sort) && (!area || one.area === area)).sort(byUrgency).map((alert) => ({ alert, why: staysFor(alert) })),
    [sort, area],
  );
  useEffect(() => (/** @type {HTMLElement|null} */ (form.current?.querySelector("input[name=event]"))?.focus()), []);
  const over = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => over.current?.focus(), [ended]);
  const may = shown.filter((one) => !one.why);
  const out = shown.filter((one) => one.why);
  const chosen = may.filter(({ alert }) => !left.has(alert.id)).slice(0, MOST);
  const sorts = [...new Set(all.map((one) => one.category))];
  const areas = [...new Map(all.map((one) => [one.area, one.area_name || one.area]))];

  /** @param {string} id */
  const tick = (id) => setLeft(new Set(left.has(id) ? [...left].filter((one) => one !== id) : [...left, id]));
  /** @param {string} id */
  const look = (id) => (onClose(), go.open(id));

  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    if (!form.current || busy) return;
    const filled = new FormData(form.current);
    const [name, disposition, reason] = ["event", "disposition", "reason"].map((field) => String(filled.get(field) ?? "").trim());
    for (const [value, field] of [[name, "event"], [disposition, "disposition"], [reason, "reason"]]) {
      if (value) continue;
      /** @type {HTMLElement|null} */ (form.current.querySelector(`[name=${field}]`))?.focus();
      return setWrong(t("form.missing", { field: t(field === "event" ? "together.event" : field === "reason" ? "form.close_reason" : "form.disposition") }));
    }
    if (!chosen.length) return setWrong(t("together.none_chosen"));
    if (desk.lost) return setWrong(t("refusal.stale"));
    setBusy(true);
    setWrong("");
    try {
      const answer = await api.closeTogether({ alerts: chosen.map(({ alert }) => alert.id), disposition, reason, event: name }, key);
      const of = new Map(all.map((one) => [one.id, one]));
      return setEnded({ closed: answer.closed.length, left: answer.left.map(({ alert, text }) => ({ known: of.get(alert), id: alert, why: sentence(text) })) });
    } catch (problem) {
      setBusy(false);
      return setWrong(/** @type {Error} */ (problem).message);
    }
  }

  if (ended)
    return html`<${Window} title=${t("together.title")} onClose=${onClose} class="form together">
      <p class="done" role="status"><b>${t("together.closed", { n: ended.closed })}</b></p>
      ${ended.left.length > 0 && html`<${Out} title=${t("together.left", { n: ended.left.length })} items=${ended.left.flatMap(({ known, why }) => (known ? { alert: known, why } : []))} onLook=${look} />`}
      <div class="buttons"><button ref=${over} class="primary" onClick=${onClose}>${t("refusal.close")}</button></div>
    <//>`;
  const choices = dispositions(desk);
  return html`<${Window} title=${t("together.title")} onClose=${onClose} class="form together">
    <form ref=${form} onSubmit=${submit} noValidate onInput=${() => setWrong("")} onKeyDown=${(/** @type {KeyboardEvent} */ e) => e.key === "Enter" && e.ctrlKey && submit(e)}>
      <p class="about">${t("together.about")}</p>
      <div class="pair">
        <label class="field">${t("together.sort")}<select value=${sort} onChange=${(/** @type {any} */ e) => setSort(e.target.value)}>
          <option value="">${t("together.any")}</option>${sorts.map((one) => html`<option value=${one}>${word("category", one)}</option>`)}</select></label>
        <label class="field">${t("together.area")}<select value=${area} onChange=${(/** @type {any} */ e) => setArea(e.target.value)}>
          <option value="">${t("together.any")}</option>${areas.map(([one, name]) => html`<option value=${one}>${name}</option>`)}</select></label>
      </div>
      <h3>${t("together.may", { n: chosen.length })}</h3>
      ${may.length === 0 && html`<p class="none">${t("together.none")}</p>`}
      <ul class="chosen">${may.map(({ alert }) => html`<li key=${alert.id}><label><input type="checkbox" checked=${!left.has(alert.id)} onChange=${() => tick(alert.id)} /><${Named} alert=${alert} /></label></li>`)}</ul>
      ${out.length > 0 && html`<${Out} title=${t("together.out", { n: out.length })} items=${out} onLook=${look} />`}
      <label class="field">${t("together.event")}<input name="event" maxlength="200" autocomplete="off" placeholder=${t("together.example")} /></label>
      <div class="pair">
        <label class="field">${choices.label}<select name="disposition"><option value="">${t("together.choose")}</option>${choices.options.map(([code, text]) => html`<option value=${code}>${text}</option>`)}</select></label>
        <label class="field">${t("form.close_reason")}<input name="reason" maxlength="2000" autocomplete="off" /></label>
      </div>
      <p class="wrong" role="alert">${wrong}</p>
      <div class="buttons">
        <span class="hint">${t("together.hint")}</span>
        <button type="button" onClick=${onClose}>${t("form.cancel")}</button>
        <button class="primary" disabled=${busy || !chosen.length}>${t("together.send", { n: chosen.length })}</button>
      </div>
    </form>
  <//>`;
}

/** Those that stay, each with why, and a way to look at it. @param {{title: string, items: Judged[], onLook: (id: string) => void}} props */
const Out = ({ title, items, onLook }) => html`<h3>${title}</h3>
  <ul class="out">
    ${items.map(({ alert, why }) => html`<li key=${alert.id}><button type="button" onClick=${() => onLook(alert.id)}><${Named} alert=${alert} /><span class="tag held">${why}</span></button></li>`)}
  </ul>`;
