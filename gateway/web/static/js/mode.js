/** How a home is lived in just now: shown on its card, set and ended there, and what was arranged before. */

import { api, freshKey } from "./api.js";
import { html, useEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { Window } from "./dialog.js";
import { usePage } from "./hooks.js";
import { said, t, word } from "./i18n.js";
import { atClock, clockOf, moment, now } from "./time.js";

/** @typedef {import("./types.js").Home} Home @typedef {import("./types.js").Entry} Entry */

const MODES = ["away", "hospital", "holiday"];
const DAY_MS = 86_400_000;

/** @param {{home: Home}} props */
export function Mode({ home }) {
  const { desk } = usePage();
  const [open, setOpen] = useState(false);
  const [wrong, setWrong] = useState("");
  const mode = home.mode;
  if (!mode) return null;
  const elsewhere = mode.mode !== "home";
  const changed = () => Promise.all([desk.wantHome(home.id), desk.readToday()]);
  const end = () => api.endMode(home.id).then(() => (setWrong(""), changed()), (problem) => setWrong(problem.message));
  return html`<section class=${`panel mode ${elsewhere ? "elsewhere" : ""}`} aria-labelledby="mode-title">
    <h3 id="mode-title">${t("mode.title")}</h3>
    <div class="now">
      <b>${word("mode", mode.mode)}</b>
      ${elsewhere && mode.until && html`<span>${t("mode.until", { at: moment(mode.until) })}</span>`}
      ${mode.ending && html`<span class="tag quiet">${t("mode.ending")}</span>`}
      <span class="buttons">
        ${elsewhere && html`<button onClick=${end}>${t("mode.end")}</button>`}
        <button onClick=${() => setOpen(true)}>${t(elsewhere ? "mode.change" : "mode.set")}</button>
      </span>
    </div>
    ${elsewhere && html`<p class="reason">${[mode.reason, mode.by].filter(Boolean).join(" · ")}</p>`}
    <p class="wrong" role="alert">${wrong}</p>
    <${History} key=${`${home.id}${mode.mode}${mode.until}`} home=${home.id} />
    ${open && html`<${Form} home=${home} onClose=${() => setOpen(false)} onDone=${changed} />`}
  </section>`;
}

/** Read when it is opened, not before. @param {{home: string}} props */
function History({ home }) {
  const [entries, setEntries] = useState(/** @type {Entry[]|null} */ (null));
  const [wrong, setWrong] = useState("");
  const read = (/** @type {any} */ event) =>
    event.target.open && !entries && api.homeTimeline(home).then((page) => setEntries(page.items), (problem) => setWrong(problem.message));
  return html`<details onToggle=${read}>
    <summary>${t("mode.history")}</summary>
    <ul class="arranged">
      ${(entries ?? []).map((entry) => html`<li><time>${moment(entry.at)}</time><p>${said(entry, "text")}</p></li>`)}
    </ul>
    ${entries?.length === 0 && html`<p class="none">${t("mode.no_history")}</p>`}
    ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}
  </details>`;
}

/** @param {{home: Home, onClose: () => void, onDone: () => unknown}} props */
function Form({ home, onClose, onDone }) {
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const form = useRef(/** @type {HTMLFormElement|null} */ (null));
  const [key] = useState(freshKey);
  useEffect(() => (/** @type {HTMLElement|null} */ (form.current?.querySelector("input"))?.focus()), []);

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const filled = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const [mode, until, reason] = ["mode", "until", "reason"].map((name) => String(filled.get(name) ?? "").trim());
    if (!mode) return setWrong(t("form.missing", { field: t("mode.which") }));
    const at = atClock(until);
    if (at === null) return setWrong(t("form.missing", { field: t("mode.end_at") }));
    if (!reason) return setWrong(t("form.missing", { field: t("form.reason") }));
    setBusy(true);
    try {
      await api.setMode(home.id, { mode, until: new Date(at).toISOString(), reason }, key);
      onDone();
      return onClose();
    } catch (problem) {
      setBusy(false);
      return setWrong(/** @type {Error} */ (problem).message);
    }
  }

  return html`<${Window} title=${t("mode.set")} onClose=${onClose} class="form">
    <form ref=${form} onSubmit=${submit} noValidate>
      <p class="about">${home.name} · ${t("mode.still")}</p>
      <fieldset class="radios">
        <legend>${t("mode.which")}</legend>
        ${MODES.map((mode) => html`<label><input type="radio" name="mode" value=${mode} /><span>${word("mode", mode)}</span></label>`)}
      </fieldset>
      <label class="field">${t("mode.end_at")}<input type="datetime-local" name="until" defaultValue=${clockOf(now() + DAY_MS)} /></label>
      <label class="field">${t("form.reason")}<input name="reason" maxlength="200" autocomplete="off" /></label>
      <p class="wrong" role="alert">${wrong}</p>
      <div class="buttons">
        <span class="hint">${t("mode.hint")}</span>
        <button type="button" onClick=${onClose}>${t("form.cancel")}</button>
        <button class="primary" disabled=${busy}>${t("form.send")}</button>
      </div>
    </form>
  <//>`;
}
