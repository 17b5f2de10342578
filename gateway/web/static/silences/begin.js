/** Beginning a silence or maintenance: of what, which alerts, from when until when, and why. */

import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { call, freshKey } from "../js/api.js";
import { HomeChoice } from "../js/homefinder.js";
import { word } from "../js/i18n.js";
import { atClock, clockOf, now } from "../js/time.js";
import { t } from "./words.js";

/** What may be named: everything but what nothing mutes. */
const CATEGORIES = ["technical", "water", "inactivity", "health", "wandering", "intrusion"];
const TWO_HOURS_MS = 2 * 3_600_000;

/** @typedef {{id: string, name: string, area_name: string, devices?: {id: string, name: string, room: string}[]}} Home */

/** @param {{onDone: () => void, onClose: () => void}} props */
export function Begin({ onDone, onClose }) {
  const [place, setPlace] = useState("home");
  const [home, setHome] = useState(/** @type {Home|null} */ (null));
  const [areas, setAreas] = useState(/** @type {{id: string, name: string}[]} */ ([]));
  const [wrong, setWrong] = useState("");
  const [key, again] = useState(freshKey);
  const [until] = useState(() => clockOf(now() + TWO_HOURS_MS));
  const form = useRef(/** @type {HTMLFormElement|null} */ (null));
  useLayoutEffect(() => /** @type {HTMLElement|null} */ (form.current?.querySelector("select"))?.focus(), []);
  useEffect(() => void call("GET", "/areas?limit=500").then((page) => setAreas(page.items), (problem) => setWrong(problem.message)), []);

  /** With its devices. @param {Home|null} one */
  const choose = (one) => (one ? call("GET", `/homes/${encodeURIComponent(one.id)}`).then(setHome, (problem) => setWrong(problem.message)) : setHome(null));

  /** @param {SubmitEvent} event */
  async function send(event) {
    event.preventDefault();
    const filled = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const text = (/** @type {string} */ name) => String(filled.get(name) ?? "").trim();
    const where = place === "home" ? home && { home: home.id, ...(text("device") ? { device: text("device") } : {}) } : text("area") && { area: text("area") };
    const [start, end] = [atClock(text("start")), atClock(text("until"))];
    if (!where) return setWrong(t("missing_place"));
    if (end === null) return setWrong(t("missing_until"));
    if (!text("reason")) return setWrong(t("missing_why"));
    const body = {
      ...where, categories: filled.getAll("category"), until: new Date(end).toISOString(), reason: text("reason"), maintenance: text("sort") === "maintenance",
      ...(start === null ? {} : { start: new Date(start).toISOString() }),
    };
    try {
      await call("POST", "/silences", body, { "Idempotency-Key": key });
      return onDone();
    } catch (problem) {
      again(freshKey());
      return setWrong(/** @type {Error} */ (problem).message);
    }
  }

  return html`<form ref=${form} onSubmit=${send} noValidate onInput=${() => setWrong("")} onKeyDown=${(/** @type {KeyboardEvent} */ e) => e.key === "Escape" && onClose()}>
    <div class="fields">
      <label>${t("sort")}<select name="sort"><option value="silence">${t("sort.silence")}</option><option value="maintenance">${t("sort.maintenance")}</option></select></label>
      <label>${t("place")}<select value=${place} onChange=${(/** @type {any} */ e) => setPlace(e.target.value)}><option value="home">${t("place.home")}</option><option value="area">${t("place.area")}</option></select></label>
      ${place === "area" && html`<label>${t("area")}<select name="area"><option value=""></option>${areas.map((one) => html`<option value=${one.id}>${one.name}</option>`)}</select></label>`}
      ${place === "home" && home && html`<label>${t("device")}<select name="device"><option value="">${t("any_device")}</option>${(home.devices ?? []).map((one) => html`<option value=${one.id}>${one.name || one.id} ${word("room", one.room)}</option>`)}</select></label>`}
      <label>${t("start")}<input name="start" type="datetime-local" /></label>
      <label>${t("until")}<input name="until" type="datetime-local" defaultValue=${until} /></label>
    </div>
    ${place === "home" && html`<${HomeChoice} home=${home} onHome=${choose} />`}
    <fieldset><legend>${t("categories")}</legend>
      ${CATEGORIES.map((one) => html`<label class="tick"><input type="checkbox" name="category" value=${one} />${word("category", one)}</label>`)}</fieldset>
    <label>${t("why")}<input name="reason" maxlength="200" autocomplete="off" /></label>
    ${wrong && html`<p class="bad" role="alert">${wrong}</p>`}
    <div class="buttons"><button class="main">${t("save")}</button><button type="button" onClick=${onClose}>${t("cancel")}</button></div>
  </form>`;
}
