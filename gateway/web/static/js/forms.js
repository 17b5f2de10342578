/** What an action needs to know before it is done. Keyboard first: digits choose, Ctrl + Enter confirms, Esc leaves. */

import { html, useEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { perform } from "./actions.js";
import { Window } from "./dialog.js";
import * as drafts from "./drafts.js";
import { useDesk, usePage } from "./hooks.js";
import { said, sentence, t, word } from "./i18n.js";

/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {{name: string, label: string, options: [value: string, text: string][]}} Choice */
/** @typedef {{name: string, label: string, required?: boolean, long?: boolean, suggestions?: string[], options?: [value: string, text: string][], chosen?: string}} Field */

const MINUTES = ["5", "10", "15", "30"];
const REARM_MINUTES = [10, 30, 60];
const REARM_LONGER = [240, 1440, 4320];
const FLOOR = ["call_for_help", "fire", "gas", "fall"];
/** Over as soon as they happened; everything else may go on while it is closed. */
const MOMENTS = ["call_for_help", "fall"];
const STAGES = ["accepted", "on_the_way", "arrived", "done", "declined"];
const DISPOSITIONS = ["real_emergency", "assistance_given", "false_cooking", "false_device", "false_person", "test"];

/** More names than digits are typed, with suggestions. */
const DIGITS = 9;

/**
 * @param {string} action @param {import("./desk.js").Desk} desk @param {Alert} alert
 * @returns {{choice?: Choice, fields: Field[]}}
 */
function asked(action, desk, alert) {
  const home = desk.homeOf(alert);
  const others = desk.colleagues.filter(({ username }) => username !== desk.user);
  const reason = { name: "reason", label: t("form.reason") };
  switch (action) {
    case "note":
      return { fields: [{ name: "text", label: t("form.note_text"), required: true, long: true }] };
    case "hold":
      return {
        choice: { name: "minutes", label: t("form.minutes"), options: MINUTES.map((m) => [m, `${m} ${t("form.minutes")}`]) },
        fields: [{ ...reason, required: true }, returning(alert)],
      };
    case "claim":
      return { fields: [] };
    case "transfer":
      if (others.length && others.length <= DIGITS)
        return { choice: { name: "to", label: t("form.transfer_pick"), options: others.map((o) => [o.username, `${o.username} · ${word("account", o.role)}`]) }, fields: [reason] };
      return { fields: [{ name: "to", label: t("form.transfer_to"), required: true, suggestions: others.map(({ username }) => username) }, reason] };
    case "respond":
      return {
        choice: { name: "stage", label: t("form.stage"), options: STAGES.map((s) => [s, t(`stage.${s}`)]) },
        fields: [{ name: "responder", label: t("form.responder"), required: true, suggestions: contacts(home) }],
      };
    default:
      return { fields: [reason] };
  }
}

/** What it comes back as from a hold; what stands under the safety floor no lower than it is. @param {Alert} alert @returns {Field} */
function returning(alert) {
  const most = FLOOR.includes(alert.category) ? alert.priority : 4;
  const levels = [1, 2, 3, 4].filter((p) => p <= most && p !== alert.priority);
  return { name: "return_priority", label: t("form.return_priority"), options: [["", t("form.return_same")], ...levels.map((p) => /** @type {[string, string]} */ ([`${p}`, t(`priority.${p}`)]))] };
}

/** Whether it may still be so. @param {Alert} alert */
export const goesOn = (alert) => Boolean(alert.home) && !alert.cleared_at && !MOMENTS.includes(alert.category);

/** What closing asks for: where it may still be so, why, and when to look again. @param {Alert} alert @returns {Field[]} */
function ending(alert) {
  if (!goesOn(alert)) return [{ name: "reason", label: t("form.close_reason"), long: true }];
  const spans = FLOOR.includes(alert.category) ? REARM_MINUTES : [...REARM_MINUTES, ...REARM_LONGER];
  const says = (/** @type {number} */ m) => (m < 120 ? `${m} ${t("form.minutes")}` : `${m / 60} ${t("form.hours")}`);
  return [
    { name: "reason", label: t("form.rearm_reason"), long: true },
    { name: "rearm_minutes", label: t("form.rearm"), options: spans.map((m) => /** @type {[string, string]} */ ([`${m}`, says(m)])), chosen: "30" },
  ];
}

/** @param {import("./types.js").Home|null} home @returns {string[]} */
const contacts = (home) => (home?.contacts ?? []).map((person) => person.name);

/** The county's dispositions; the six that are always among them where they could not be read. @param {import("./desk.js").Desk} desk @returns {Choice} */
export function dispositions(desk) {
  const codes = desk.dispositions.size ? [...desk.dispositions.keys()] : DISPOSITIONS;
  return {
    name: "disposition",
    label: t("form.disposition"),
    options: codes.map((code) => [code, sentence(desk.dispositions.get(code)) || word("disposition", code)]),
  };
}

/** @param {{action: import("./actions.js").Action, alert: Alert, onClose: () => void}} props */
export function Form({ action, alert, onClose }) {
  const { desk } = usePage();
  useDesk(desk);
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const form = useRef(/** @type {HTMLFormElement|null} */ (null));
  const [before] = useState(() => drafts.typed(desk.user, alert.id, action));
  const closing = action === "close";
  const { choice, fields } = closing
    ? { choice: dispositions(desk), fields: ending(alert) }
    : asked(action, desk, alert);

  // A choice stands first where there is one, so the digits work at once.
  useEffect(() => void (action === "transfer" && desk.readColleagues()), []);
  useEffect(() => (/** @type {HTMLElement|null} */ (form.current?.querySelector("input, textarea, select, button.primary"))?.focus()), []);

  /** A session may end while somebody writes. */
  function keep() {
    if (!form.current) return;
    const values = /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(form.current)));
    const said = [...fields.filter((field) => !(/** @type {Field} */ (field).options)).map(({ name }) => name), choice?.name ?? ""];
    if (said.some((name) => values[name]?.trim())) drafts.keep({ user: desk.user, alert: alert.id, action, values });
    else drafts.drop();
  }

  function leave() {
    drafts.drop();
    onClose();
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.current?.requestSubmit();
      return;
    }
    const typing = /** @type {HTMLElement} */ (event.target).matches("textarea, input:not([type=radio])");
    const nth = Number(event.key);
    if (choice && !typing && nth >= 1 && nth <= choice.options.length) {
      event.preventDefault();
      const radio = /** @type {HTMLInputElement} */ (form.current?.querySelectorAll("input[type=radio]")[nth - 1]);
      radio.checked = true;
      radio.focus();
      keep();
      setWrong("");
    }
  }

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const filled = new FormData(/** @type {HTMLFormElement} */ (event.target));
    /** @type {Record<string, string|number>} */
    const body = {};
    for (const field of fields) {
      const value = String(filled.get(field.name) ?? "").trim();
      if (!field.options) body[field.name] = value;
      else if (value) body[field.name] = Number(value);
    }
    // As it was when this was asked: whoever takes it meanwhile keeps it.
    if (action === "claim") body.take_over_from = alert.claimed_by ?? "";
    if (choice) {
      const chosen = filled.get(choice.name);
      if (!chosen) return setWrong(closing ? t("form.pick_disposition") : t("form.missing", { field: choice.label }));
      body[choice.name] = choice.name === "minutes" ? Number(chosen) : String(chosen);
    }
    const missing = fields.find((field) => /** @type {Field} */ (field).required && !body[field.name]);
    if (missing) {
      /** @type {HTMLElement|null} */ (form.current?.querySelector(`[name=${missing.name}]`))?.focus();
      return setWrong(t("form.missing", { field: missing.label }));
    }
    setBusy(true);
    if (await perform(desk, alert.id, action, body)) return leave();
    setBusy(false);
    return setWrong(desk.notice?.text ?? "");
  }

  const title = `form.${action}`;
  return html`<${Window} title=${t(title)} onClose=${leave} class="form">
    <form ref=${form} onSubmit=${submit} onKeyDown=${key} onInput=${keep} noValidate>
      <p class="about"><b>${word("category", alert.category)}</b> ${said(alert, "title")}</p>
      ${action === "claim" && html`<p>${t("form.claim_from", { name: alert.claimed_by ?? "" })}</p>`}
      ${Object.keys(before).length > 0 && html`<p class="kept" role="status">${t("form.kept")}</p>`}
      ${choice && html`<${Radios} ...${choice} chosen=${before[choice.name]} onPick=${() => setWrong("")} />`}
      ${fields.map(
        (/** @type {Field} */ field) => html`<label class="field">${field.label}
          ${field.options
            ? html`<select name=${field.name}>${field.options.map(([value, text]) => html`<option value=${value} selected=${value === (before[field.name] ?? field.chosen)}>${text}</option>`)}</select>`
            : field.long
            ? html`<textarea name=${field.name} rows="3" maxlength="2000" defaultValue=${before[field.name]}></textarea>`
            : html`<input name=${field.name} maxlength="200" autocomplete="off" defaultValue=${before[field.name]} list=${field.suggestions ? "suggestions" : undefined} />`}
          ${field.suggestions && html`<datalist id="suggestions">${field.suggestions.map((s) => html`<option value=${s} />`)}</datalist>`}
        </label>`,
      )}
      <p class="wrong" role="alert">${wrong}</p>
      <div class="buttons">
        <span class="hint">${t("form.hint")}</span>
        <button type="button" onClick=${leave}>${t("form.cancel")}</button>
        <button class="primary" disabled=${busy}>${t("form.send")}</button>
      </div>
    </form>
  <//>`;
}

/** @param {Choice & {chosen?: string, onPick: () => void}} props */
const Radios = ({ name, label, options, chosen, onPick }) => html`<fieldset class="radios">
  <legend>${label}</legend>
  ${options.map(
    ([value, text], i) => html`<label>
      <input type="radio" name=${name} value=${value} defaultChecked=${value === chosen} onChange=${onPick} /><kbd>${i + 1}</kbd><span>${text}</span>
    </label>`,
  )}
</fieldset>`;
