/** Drills of plans: those that were held, what each found, every line of it; and holding one. Keys: J K choose, Enter opens, N a new one, L. */

import { html, render, useEffect, useLayoutEffect, useState } from "../vendor/htm/standalone.module.js";
import { call, Refusal } from "../js/api.js";
import { sentence } from "../js/i18n.js";
import { Masthead } from "../js/masthead.js";
import { moment, setZone, span } from "../js/time.js";
import { Form } from "./form.js";
import { t } from "./words.js";

/** @typedef {{zh: string, en: string}} Words */
/**
 * @typedef {{id: string, title: Words, held_at: string, pretended_at: string, by: string, reason: string, alerts: number, met: boolean, notes: Words[],
 *   first_told_after_s: number|null, graded_after_s: number|null, accepted_after_s: number|null, acknowledged_after_s: number|null, grade: number|null,
 *   told: {target: string, who: Words, channel: string, after_s: number, times: number, by_grade: boolean, delivered: boolean, answer: string|null, answered_after_s: number|null}[],
 *   missed: {target: string, who: Words, after_s: number, by_grade: boolean, why: Words}[], lines: {after_s: number, home: Words, kind: string, text: Words}[]|null}} Drill
 */

/** @param {number|null} seconds */
const after = (seconds) => (seconds === null ? t("never") : `+${span(seconds * 1000)}`);

/** @param {{drill: Drill}} props */
const Figures = ({ drill }) => html`<p class="figures">
  <span>${t("calls", { n: drill.alerts })}</span>
  ${drill.grade !== null && html`<span>${t("graded")} <b>${after(drill.graded_after_s)}</b></span>`}
  <span>${t("first_told")} <b>${after(drill.first_told_after_s)}</b></span>
  <span>${t("accepted_at")} <b>${after(drill.accepted_after_s)}</b></span>
  <span>${t("acknowledged")} <b>${after(drill.acknowledged_after_s)}</b></span>
</p>`;

/** @param {Drill["told"][number]} one */
function outcome(one) {
  const said = one.answer ? t(`says_${one.answer}`, { at: after(one.answered_after_s) }) : t(one.delivered ? "reached" : "undelivered");
  return [said, one.by_grade ? t("by_grade") : "", one.times > 1 ? t("times", { n: one.times }) : ""].filter(Boolean).join(" · ");
}

/** All of one drill. @param {{id: string}} props */
function Whole({ id }) {
  const [drill, setDrill] = useState(/** @type {Drill|null} */ (null));
  const [problem, setProblem] = useState("");
  useEffect(() => void call("GET", `/drills/${encodeURIComponent(id)}`).then(setDrill, (refusal) => setProblem(refusal.message)), [id]);
  if (!drill) return problem && html`<p class="bad" role="alert">${problem}</p>`;
  return html`<div class="whole">
    ${drill.told.length > 0 && html`<h3>${t("told")}</h3>
    <table><thead><tr><th>${t("when")}</th><th>${t("who")}</th><th class="channel">${t("how")}</th><th>${t("outcome")}</th></tr></thead>
      <tbody>${drill.told.map((one) => html`<tr><td class="n">${after(one.after_s)}</td><td>${sentence(one.who)}</td><td class="channel">${one.channel}</td><td>${outcome(one)}</td></tr>`)}</tbody></table>`}
    ${drill.missed.length > 0 && html`<h3>${t("missed")}</h3>
    <table><tbody>${drill.missed.map((one) => html`<tr><td class="n">${after(one.after_s)}</td><td>${sentence(one.who)}</td><td>${sentence(one.why)}${one.by_grade ? ` · ${t("by_grade")}` : ""}</td></tr>`)}</tbody></table>`}
    <details><summary>${t("lines", { n: drill.lines?.length ?? 0 })}</summary>
    <table class="lines"><tbody>${(drill.lines ?? []).map((line) => html`<tr><td class="n">${after(line.after_s)}</td><td>${sentence(line.home)}</td><td>${sentence(line.text)}</td></tr>`)}</tbody></table></details>
    <p><a href=${`/api/v1/drills/${encodeURIComponent(id)}`} target="_blank" rel="noopener">${t("json")}</a></p>
  </div>`;
}

/** @param {{drill: Drill, open: boolean, onToggle: () => void}} props */
const Row = ({ drill, open, onToggle }) => html`<div class="row"><span class="state">${t(drill.met && !drill.notes.length ? "met" : "wanting")}</span><b class="grow">${sentence(drill.title)}</b>
    <span class="quiet">${moment(drill.held_at)} · ${drill.by}</span></div>
  <p>${drill.reason}</p>
  <${Figures} drill=${drill} />
  ${drill.notes.length > 0 && html`<ul class="notes" aria-label=${t("notes")}>${drill.notes.map((note) => html`<li>${sentence(note)}</li>`)}</ul>`}
  <div class="buttons"><button aria-expanded=${open ? "true" : "false"} onClick=${onToggle}>${t(open ? "hide" : "show")}</button></div>
  ${open && html`<${Whole} id=${drill.id} />`}`;

function Drills() {
  const [drills, setDrills] = useState(/** @type {Drill[]|null} */ (null));
  const [making, setMaking] = useState(false);
  const [open, setOpen] = useState("");
  const [chosen, choose] = useState("");
  const [problem, setProblem] = useState("");
  const [may, setMay] = useState(false);
  const [, turn] = useState(0);
  const look = () =>
    call("GET", "/drills?limit=100").then(
      (page) => (setDrills(page.items), setProblem("")),
      (refusal) => (refusal instanceof Refusal && refusal.status === 401 ? location.replace("/") : setProblem(t("lost"))),
    );
  useEffect(() => {
    call("GET", "/session").then((me) => (setZone(me.timezone), setMay(me.rights.includes("supervise"))), () => undefined);
    look();
  }, []);
  const at = Math.max(0, (drills ?? []).findIndex((drill) => drill.id === chosen));
  const toggle = (/** @type {string} */ id) => setOpen(open === id ? "" : id);
  useLayoutEffect(() => {
    /** @param {KeyboardEvent} event */
    const press = (event) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, select, form, button, a");
      if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      const key = event.key.toLowerCase();
      const all = drills ?? [];
      if (key === "j" || key === "arrowdown") choose(all[Math.min(at + 1, all.length - 1)]?.id ?? "");
      else if (key === "k" || key === "arrowup") choose(all[Math.max(at - 1, 0)]?.id ?? "");
      else if (key === "enter" && all[at]) toggle(all[at].id);
      else if (key === "n" && may) setMaking(true);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  const done = (/** @type {string} */ id) => (setMaking(false), choose(id), setOpen(id), look());
  return html`<${Masthead} title=${t("title")} again=${() => turn((n) => n + 1)} />
    <main>
      <p class="band"><b>${t("band")}</b>${t("band_more")}</p>
      ${problem && html`<p class="panel bad" role="alert">${problem}</p>`}
      ${may && !making && html`<p class="panel"><button class="main" onClick=${() => setMaking(true)}>${t("begin")}<kbd>N</kbd></button></p>`}
      ${making && html`<${Form} onDone=${done} onClose=${() => setMaking(false)} />`}
      ${drills?.length === 0 && html`<p class="panel quiet">${t("none")}</p>`}
      <ul class="list">${(drills ?? []).map((drill, n) => html`<li key=${drill.id} data-id=${drill.id} class=${drill.met && !drill.notes.length ? "met" : "wanting"} aria-current=${n === at} onClick=${() => choose(drill.id)}>
        <${Row} drill=${drill} open=${open === drill.id} onToggle=${() => toggle(drill.id)} /></li>`)}</ul>
    </main>`;
}

render(html`<${Drills} />`, /** @type {HTMLElement} */ (document.getElementById("page")));
