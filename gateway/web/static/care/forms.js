/** What is asked for on the page of care: a word on a row, a request for help, a plan. */

import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { call, freshKey, Refusal } from "../js/api.js";
import { HomeChoice, useHome } from "../js/homefinder.js";
import { zoneName } from "../js/time.js";
import { t } from "./words.js";

const HELPS = ["meal", "walking", "urgent", "bath", "cleaning", "medical"];
const ERRANDS = ["greeting", "check_in", "visit", "device_test", "prompt"];
const EVERY = ["day", "week", "month", "once"];

/** @param {unknown} refusal */
export const explained = (refusal) => (refusal instanceof Refusal ? refusal.message : t("lost"));

/** @param {{hint: string, onSend: (word: string) => Promise<void>, onClose: () => void}} props one line, sent by Enter, left by Escape */
export function Word({ hint, onSend, onClose }) {
  const [problem, setProblem] = useState("");
  const field = useRef(/** @type {HTMLInputElement|null} */ (null));
  useLayoutEffect(() => field.current?.focus(), []);
  /** @param {SubmitEvent} event */
  async function send(event) {
    event.preventDefault();
    try {
      await onSend(field.current?.value ?? "");
    } catch (refusal) {
      setProblem(explained(refusal));
    }
  }
  return html`<form onSubmit=${send} onKeyDown=${(/** @type {KeyboardEvent} */ e) => e.key === "Escape" && onClose()}>
    <input name="word" aria-label=${hint} placeholder=${hint} autocomplete="off" maxlength="500" ref=${field} />
    <div class="buttons"><button class="main">${t("save")}</button><button type="button" onClick=${onClose}>${t("cancel")}</button></div>
    ${problem && html`<p class="bad" role="alert">${problem}</p>`}
  </form>`;
}

/** The time that is written in a field of this page is the county's, not the browser's. @param {string} local @returns {string} */
export function instant(local) {
  const asUtc = Date.parse(`${local}:00Z`);
  const shown = new Intl.DateTimeFormat("sv-SE", { timeZone: zoneName(), dateStyle: "short", timeStyle: "medium" }).format(asUtc);
  return new Date(asUtc - (Date.parse(`${shown.replace(" ", "T")}Z`) - asUtc)).toISOString();
}

/** @param {{label: string, children: unknown}} props */
const Field = ({ label, children }) => html`<label>${label}${children}</label>`;

/** @param {HTMLFormElement} form @returns {Record<string, string>} */
const filled = (form) => Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value).trim()]));

/**
 * @param {{path: string, body: (filled: Record<string, string>) => object, children: unknown, onDone: () => void}} props
 * a form that posts once, however often it is sent
 */
function Posting({ path, body, children, onDone }) {
  const [problem, setProblem] = useState("");
  const [key, again] = useState(freshKey);
  const form = useRef(/** @type {HTMLFormElement|null} */ (null));
  useLayoutEffect(() => /** @type {HTMLElement|null} */ (form.current?.querySelector("input:not([type=hidden]), select"))?.focus(), []);
  /** @param {SubmitEvent} event */
  async function send(event) {
    event.preventDefault();
    try {
      await call("POST", path, body(filled(/** @type {HTMLFormElement} */ (event.target))), { "Idempotency-Key": key });
      onDone();
    } catch (refusal) {
      setProblem(explained(refusal));
      again(freshKey());
    }
  }
  return html`<form ref=${form} onSubmit=${send} onKeyDown=${(/** @type {KeyboardEvent} */ e) => e.key === "Escape" && onDone()}>
    <div class="fields">${children}</div>
    ${problem && html`<p class="bad" role="alert">${problem}</p>`}
    <div class="buttons"><button class="main">${t("save")}</button><button type="button" onClick=${onDone}>${t("cancel")}</button></div>
  </form>`;
}

/** @param {{home: string, alert: string, onDone: () => void}} props a request for help; of a call where `alert` names one */
export function Ask({ home, alert, onDone }) {
  const [about, setAbout] = useHome(home);
  const place = about?.id ?? "";
  const [help, setHelp] = useState("meal");
  const [known, setKnown] = useState(/** @type {{id: string, name: string, open: boolean, kilometres: number|null}[]} */ ([]));
  useEffect(() => {
    if (!place) return void setKnown([]);
    call("GET", `/responders?home=${encodeURIComponent(place)}&help=${help}`).then((page) => setKnown(page.items), () => setKnown([]));
  }, [place, help]);
  /** @param {Record<string, string>} said */
  const body = (said) => ({ home: said.home, help: said.help, responder: said.responder, due_at: instant(said.due), word: said.word, ...(alert ? { alert } : {}) });
  const far = (/** @type {number|null} */ km) => (km === null ? "" : ` · ${km.toFixed(1)} km`);
  return html`<${Posting} path="/help-requests" body=${body} onDone=${onDone}>
    <${HomeChoice} home=${about} onHome=${setAbout} />
    <${Field} label=${t("help")}><select name="help" value=${help} onChange=${(/** @type {Event} */ e) => setHelp(/** @type {HTMLSelectElement} */ (e.target).value)}>
      ${HELPS.map((one) => html`<option value=${one}>${t(`help.${one}`)}</option>`)}</select></${Field}>
    <${Field} label=${t("responder")}><select name="responder" required>
      ${known.map((one) => html`<option value=${one.id}>${one.name}${far(one.kilometres)}${one.open ? "" : t("closed")}</option>`)}
      ${!known.length && html`<option value="">${t("responder.none")}</option>`}</select></${Field}>
    <${Field} label=${t("due_at")}><input name="due" type="datetime-local" required /></${Field}>
    <${Field} label=${t("need")}><input name="word" maxlength="500" /></${Field}>
  </${Posting}>`;
}

/** @param {{home: string, onDone: () => void}} props */
export function NewPlan({ home, onDone }) {
  const [about, setAbout] = useHome(home);
  const [every, setEvery] = useState("month");
  /** @param {Record<string, string>} said */
  const body = (said) => ({
    home: said.home, errand: said.errand, every: said.every, at: said.at, who: said.who, note: said.note,
    days: (said.days ?? "").split(/[^0-9]+/).filter(Boolean).map(Number), ...(said.day ? { day: said.day } : {}),
    within_minutes: Number(said.within), remind_minutes: Number(said.remind),
  });
  return html`<${Posting} path="/care-plans" body=${body} onDone=${onDone}>
    <${HomeChoice} home=${about} onHome=${setAbout} />
    <${Field} label=${t("errand")}><select name="errand">${ERRANDS.map((one) => html`<option value=${one} selected=${one === "visit"}>${t(`errand.${one}`)}</option>`)}</select></${Field}>
    <${Field} label=${t("every")}><select name="every" value=${every} onChange=${(/** @type {Event} */ e) => setEvery(/** @type {HTMLSelectElement} */ (e.target).value)}>
      ${EVERY.map((one) => html`<option value=${one}>${t(`every.${one}`)}</option>`)}</select></${Field}>
    ${(every === "week" || every === "month") && html`<${Field} label=${t("days")}><input name="days" required placeholder="1, 15" /></${Field}>`}
    ${every === "once" && html`<${Field} label=${t("day")}><input name="day" type="date" required /></${Field}>`}
    <${Field} label=${t("at")}><input name="at" type="time" required value="09:00" /></${Field}>
    <${Field} label=${t("within")}><input name="within" type="number" min="1" max="44640" value="480" required /></${Field}>
    <${Field} label=${t("remind")}><input name="remind" type="number" min="0" max="44640" value="0" required /></${Field}>
    <${Field} label=${t("who")}><input name="who" maxlength="200" /></${Field}>
    <${Field} label=${t("note")}><input name="note" maxlength="500" /></${Field}>
  </${Posting}>`;
}
