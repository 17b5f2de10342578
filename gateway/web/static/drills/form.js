/** What a drill is held with: where, what, which grade, and what the people who are told do. */

import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { call, freshKey } from "../js/api.js";
import { sentence } from "../js/i18n.js";
import { atClock } from "../js/time.js";
import { t } from "./words.js";

const CATEGORIES = ["fire", "call_for_help", "gas", "fall", "water"];

/** @typedef {{name: string, zh: string, en: string, always: boolean}} Target @typedef {{scale: string, grade: number, title: {zh: string, en: string}, targets: Target[]}} Grade */
/** @typedef {{categories: string[], steps: {targets: Target[]}[], grades: Grade[]}} Policy */

/** @param {{onDone: (id: string) => void, onClose: () => void}} props */
export function Form({ onDone, onClose }) {
  const [areas, setAreas] = useState(/** @type {{id: string, name: string}[]} */ ([]));
  const [policies, setPolicies] = useState(/** @type {Policy[]} */ ([]));
  const [category, setCategory] = useState("fire");
  const [does, setDoes] = useState(/** @type {Record<string, string>} */ ({}));
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const [key, again] = useState(freshKey);
  const form = useRef(/** @type {HTMLFormElement|null} */ (null));
  useLayoutEffect(() => /** @type {HTMLElement|null} */ (form.current?.querySelector("select"))?.focus(), []);
  useEffect(() => {
    const tell = (/** @type {Error} */ problem) => setWrong(problem.message);
    call("GET", "/areas?limit=500").then((page) => setAreas(page.items), tell);
    call("GET", "/policies?limit=100").then((page) => setPolicies(page.items), tell);
  }, []);
  const serving = policies.filter((one) => one.categories.includes(category));
  const grades = [...new Map(serving.flatMap((one) => one.grades).map((one) => [`${one.scale} ${one.grade}`, one])).values()];
  const targets = [...new Map(serving.flatMap((one) => [...one.steps, ...one.grades]).flatMap((one) => one.targets).map((one) => [one.name, one])).values()].filter((one) => !one.always);

  /** @param {SubmitEvent} event */
  async function send(event) {
    event.preventDefault();
    const filled = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const text = (/** @type {string} */ name) => String(filled.get(name) ?? "").trim();
    if (!text("area")) return setWrong(t("missing_area"));
    if (!text("reason")) return setWrong(t("missing_why"));
    const [scale, grade] = text("plan").split(" ");
    const at = atClock(text("at"));
    const answering = targets.filter((one) => ["accepted", "declined"].includes(does[one.name]));
    const body = {
      area: text("area"), category, homes: Number(text("homes")), minutes: Number(text("minutes")), reason: text("reason"),
      ...(grade ? { scale, grade: Number(grade) } : {}), ...(at === null ? {} : { at: new Date(at).toISOString() }),
      ...(text("desk") ? { desk_after_s: Number(text("desk")) } : {}),
      answers: answering.map((one) => ({ target: one.name, stage: does[one.name], after_s: Number(text(`after ${one.name}`)) })),
      unreachable: targets.filter((one) => does[one.name] === "unreachable").map((one) => one.name),
    };
    setBusy(true);
    try {
      return onDone((await call("POST", "/drills", body, { "Idempotency-Key": key })).id);
    } catch (problem) {
      again(freshKey());
      setBusy(false);
      return setWrong(/** @type {Error} */ (problem).message);
    }
  }

  const names = (/** @type {Target[]} */ some) => some.map((one) => sentence(one)).join(" · ");
  return html`<form ref=${form} onSubmit=${send} noValidate onInput=${() => setWrong("")} onKeyDown=${(/** @type {KeyboardEvent} */ e) => e.key === "Escape" && onClose()}>
    <div class="fields">
      <label>${t("area")}<select name="area"><option value=""></option>${areas.map((one) => html`<option value=${one.id}>${one.name}</option>`)}</select></label>
      <label>${t("category")}<select value=${category} onChange=${(/** @type {any} */ e) => setCategory(e.target.value)}>${CATEGORIES.map((one) => html`<option value=${one}>${t(`category.${one}`)}</option>`)}</select></label>
      <label>${t("plan")}<select name="plan"><option value="">${t("steps")}</option>${grades.map((one) => html`<option value=${`${one.scale} ${one.grade}`}>${sentence(one.title)}: ${t("tells", { names: names(one.targets) })}</option>`)}</select></label>
      <label>${t("homes")}<input name="homes" type="number" inputmode="numeric" min="1" max="50" defaultValue="3" /></label>
      <label>${t("minutes")}<input name="minutes" type="number" inputmode="numeric" min="1" max="120" defaultValue="15" /></label>
      <label>${t("at")}<input name="at" type="datetime-local" /></label>
    </div>
    <label>${t("desk")}<input name="desk" type="number" inputmode="numeric" min="0" max="7200" /></label>
    ${targets.length > 0 && html`<fieldset><legend>${t("people")}</legend>
      ${targets.map((one) => html`<div class="answer"><b>${sentence(one)}</b>
        <select aria-label=${sentence(one)} value=${does[one.name] ?? "silent"} onChange=${(/** @type {any} */ e) => setDoes({ ...does, [one.name]: e.target.value })}>
          ${["silent", "accepted", "declined", "unreachable"].map((what) => html`<option value=${what}>${t(what)}</option>`)}</select>
        ${["accepted", "declined"].includes(does[one.name]) ? html`<label class="row"><input name=${`after ${one.name}`} type="number" inputmode="numeric" min="0" max="7200" defaultValue="30" aria-label=${t("seconds")} />${t("seconds")}</label>` : html`<span></span>`}
      </div>`)}</fieldset>`}
    <label>${t("reason")}<input name="reason" maxlength="200" autocomplete="off" /></label>
    ${wrong && html`<p class="bad" role="alert">${wrong}</p>`}
    <div class="buttons"><button class="main" disabled=${busy}>${t(busy ? "holding" : "save")}</button><button type="button" onClick=${onClose}>${t("cancel")}</button></div>
  </form>`;
}
