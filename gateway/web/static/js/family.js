/** What the family may see of a home: each resident's consent, and the links that show it. Read when it is opened, not before. */

import { api } from "./api.js";
import { html, useState } from "../vendor/htm/standalone.module.js";
import { t, word } from "./i18n.js";
import { moment } from "./time.js";

/** @typedef {import("./types.js").Home} Home @typedef {import("./types.js").Person} Person @typedef {import("./types.js").FamilyView} View */

const SHOWS = ["alive", "alerts", "visits", "devices"];
const DAYS = [30, 90, 180, 365];

/** @param {{home: Home}} props */
export function Family({ home }) {
  const [view, setView] = useState(/** @type {View|null} */ (null));
  const [made, setMade] = useState(/** @type {{name: string, url: string}|null} */ (null));
  const [wrong, setWrong] = useState("");
  const read = () => api.family(home.id).then((read) => (setView(read), setWrong("")), (problem) => setWrong(problem.message));
  /** @param {Promise<any>} asked @param {(answer: any) => void} [then] */
  const done = (asked, then) => asked.then((answer) => (then?.(answer), read()), (problem) => setWrong(problem.message));

  /** @param {SubmitEvent} event */
  function make(event) {
    event.preventDefault();
    const filled = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const contact = String(filled.get("contact"));
    const body = { contact, days: Number(filled.get("days")) };
    done(api.makeFamilyLink(home.id, body), (link) => setMade({ name: link.contact_name, url: location.origin + link.path }));
  }

  return html`<section class="panel family">
    <details onToggle=${(/** @type {any} */ event) => event.target.open && !view && read()}>
      <summary>${t("family.title")}</summary>
      <p class="none">${t("family.about")}</p>
      ${view &&
      html`<p class="shown">${view.shows.length ? t("family.shown", { what: view.shows.map((one) => t(`shows.${one}`)).join(t("grade.and")) }) : t("family.nothing")}</p>
        ${home.residents.map((person) => html`<${Consent} key=${`${person.id} ${given(view, person)?.at ?? ""}`} person=${person} view=${view} onSave=${(/** @type {object} */ body) => done(api.setConsent(home.id, body))} />`)}
        <h4>${t("family.links")}</h4>
        ${made && html`<div class="made" role="status"><b>${t("family.made", { name: made.name })}</b><input readonly value=${made.url} aria-label=${t("family.address")} onFocus=${(/** @type {any} */ e) => e.target.select()} /><small>${t("family.once")}</small></div>`}
        ${view.links.length === 0 && html`<p class="none">${t("family.no_links")}</p>`}
        <ul>${view.links.map((link) => html`<li><span><b>${link.contact_name}</b> ${t("mode.until", { at: moment(link.expires_at) })} · ${link.by}</span>
          <button onClick=${() => done(api.revokeFamilyLink(home.id, link.id), () => setMade(null))}>${t("family.revoke")}</button></li>`)}</ul>
        ${home.contacts.length > 0 && html`<form onSubmit=${make}>
          <label>${t("family.for")}<select name="contact">${home.contacts.map((one) => html`<option value=${one.id}>${one.name} ${word("role", one.role)}</option>`)}</select></label>
          <label>${t("family.days")}<select name="days">${DAYS.map((n) => html`<option value=${n} selected=${n === 90}>${n}</option>`)}</select></label>
          <button>${t("family.make")}</button>
        </form>`}`}
      <p class="wrong" role="alert">${wrong}</p>
    </details>
  </section>`;
}

/** @param {View} view @param {Person} person */
const given = (view, person) => view.consents.find((one) => one.resident === person.id);

/** @param {{person: Person, view: View, onSave: (body: object) => void}} props */
function Consent({ person, view, onSave }) {
  const before = given(view, person);
  const [missing, setMissing] = useState("");
  /** @param {SubmitEvent} event */
  function save(event) {
    event.preventDefault();
    const filled = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const shows = filled.getAll("shows");
    const word = String(filled.get("word") ?? "").trim();
    if (shows.length && !word) return setMissing(t("form.missing", { field: t("family.how") }));
    return onSave({ resident: person.id, shows, word });
  }
  return html`<form onSubmit=${save}>
    <fieldset><legend><b>${person.name}</b> ${before ? t(before.shows.length ? "family.given" : "family.taken_back", { by: before.by, at: moment(before.at), word: before.word }) : t("family.never")}</legend>
      ${SHOWS.map((one) => html`<label class="tick"><input type="checkbox" name="shows" value=${one} defaultChecked=${before?.shows.includes(one)} />${t(`shows.${one}`)}</label>`)}</fieldset>
    <label>${t("family.how")}<input name="word" maxlength="200" autocomplete="off" placeholder=${t("family.how_more")} /></label>
    <button>${t("family.save")}</button>
    ${missing && html`<p class="wrong" role="alert">${missing}</p>`}
  </form>`;
}
