/** How large and how grave a matter is: the classes and grades that the alert's plan has, raised here with a reason, never lowered. */

import { api, freshKey } from "./api.js";
import { html, useEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { Window } from "./dialog.js";
import { usePage } from "./hooks.js";
import { said, t } from "./i18n.js";

/** @typedef {import("./types.js").Alert} Alert @typedef {import("./types.js").Grade} Grade */

/** The last that was raised, in the timeline's words. @param {Alert} alert */
const raised = (alert) => (alert.timeline ?? []).filter((entry) => entry.kind === "graded").at(-1);

/** @param {{alert: Alert}} props */
export function GradeLine({ alert }) {
  const { desk, go } = usePage();
  const last = raised(alert);
  if (alert.status === "closed" && !last) return null;
  return html`<section class="panel grade">
    <h3>${t("grade.title")}</h3>
    <div class="now"><span>${last ? said(last, "text") : t("grade.none")}</span>
      ${alert.status !== "closed" && html`<button disabled=${desk.lost} onClick=${go.grade}>${t("grade.raise")}<kbd>G</kbd></button>`}</div>
  </section>`;
}

/** @param {{alert: Alert, onClose: () => void}} props */
export function GradeForm({ alert, onClose }) {
  const { desk } = usePage();
  const [grades, setGrades] = useState(/** @type {Grade[]|null} */ (null));
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const [key, again] = useState(freshKey);
  const form = useRef(/** @type {HTMLFormElement|null} */ (null));
  useEffect(() => void api.grades(alert.id).then((plan) => setGrades(plan.items), (problem) => setWrong(problem.message)), [alert.id]);
  useEffect(() => (/** @type {HTMLElement|null} */ (form.current?.querySelector("input"))?.focus()), [grades]);

  /** @param {KeyboardEvent} event */
  function press(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return void (event.preventDefault(), form.current?.requestSubmit());
    const radio = /** @type {HTMLElement} */ (event.target).matches("[type=radio]") && form.current?.querySelectorAll("input[type=radio]")[Number(event.key) - 1];
    if (radio) (event.preventDefault(), /** @type {HTMLElement} */ (radio).click(), /** @type {HTMLElement} */ (radio).focus());
    return undefined;
  }

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const filled = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const wanted = grades?.[Number(filled.get("grade") ?? -1)];
    const reason = String(filled.get("reason") ?? "").trim();
    if (!wanted) return setWrong(t("form.missing", { field: t("grade.which") }));
    if (!reason) return setWrong(t("form.missing", { field: t("form.reason") }));
    setBusy(true);
    try {
      desk.apply(await api.raiseGrade(alert.id, { scale: wanted.scale, grade: wanted.grade, reason }, key));
      return onClose();
    } catch (problem) {
      setBusy(false);
      again(freshKey());
      return setWrong(/** @type {Error} */ (problem).message);
    }
  }

  return html`<${Window} title=${t("grade.raise")} onClose=${onClose} class="form">
    <form ref=${form} onSubmit=${submit} onKeyDown=${press} noValidate>
      <p class="about">${t("grade.about")}</p>
      ${grades?.length === 0 && html`<p>${t("grade.no_plan")}</p>`}
      ${Boolean(grades?.length) && html`<fieldset class="radios">
        <legend>${t("grade.which")}</legend>
        ${grades?.map((one, n) => html`<label><input type="radio" name="grade" value=${n} disabled=${one.now} onChange=${() => setWrong("")} /><kbd>${n + 1}</kbd>
          <span>${said(one, "title")}${one.now ? ` · ${t("grade.now")}` : ""}<small class="tells">${t("grade.tells", { names: one.targets.map((name) => t(`target.${name}`) === `target.${name}` ? name : t(`target.${name}`)).join(t("grade.and")) })}</small></span></label>`)}
      </fieldset>
      <label class="field">${t("form.reason")}<input name="reason" maxlength="2000" autocomplete="off" /></label>`}
      <p class="wrong" role="alert">${wrong}</p>
      <div class="buttons">
        <span class="hint">${t("form.hint")}</span>
        <button type="button" onClick=${onClose}>${t("form.cancel")}</button>
        <button class="primary" disabled=${busy || !grades?.length}>${t("grade.raise")}</button>
      </div>
    </form>
  <//>`;
}
