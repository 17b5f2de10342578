/** One field to find a home by, on every page that asks for one: a name, a building, a telephone number. Nobody knows an id by heart. */

import { html, useEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { api, call } from "./api.js";
import { t } from "./i18n.js";

/** @typedef {{id: string, name: string, area_name: string, address?: string}} Home */

/** @typedef {{homes: import("./types.js").HomeLine[], more: boolean, words: string}} Found what was found, and for which words */

/** So long the typing rests before the service is asked. */
const REST_MS = 180;

/** The homes that hold these words, and what went wrong. @param {string} words as they are typed @returns {[Found|null, string]} */
export function useFound(words) {
  const [found, setFound] = useState(/** @type {Found|null} */ (null));
  const [problem, setProblem] = useState("");
  const asked = words.trim();
  useEffect(() => {
    setProblem("");
    if (!asked) return void setFound(null);
    let current = true;
    const timer = setTimeout(() => {
      api.findHomes(asked).then(
        ({ items, next }) => current && (setFound({ homes: items, more: Boolean(next), words: asked }), setProblem("")),
        (refusal) => current && setProblem(refusal.message),
      );
    }, REST_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [asked]);
  return [found, problem];
}

/** What is said below the homes. @param {Found|null} found */
export const toldOf = (found) => (found && !found.homes.length ? t("find.none", { words: found.words }) : found?.more ? t("find.more") : "");

/**
 * @param {{onFound: (home: Home) => void, focus?: boolean}} props
 * Enter takes the first that was found. It sends no form around it: that waits for a home.
 */
export function HomeFinder({ onFound, focus = false }) {
  const [words, setWords] = useState("");
  const [found, problem] = useFound(words);
  const field = useRef(/** @type {HTMLInputElement|null} */ (null));
  useEffect(() => {
    field.current?.setCustomValidity(t("find.choose"));
    if (focus) field.current?.focus();
  }, []);
  /** @param {KeyboardEvent} event */
  function key(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    if (found?.words === words.trim() && found.homes[0]) onFound(found.homes[0]);
  }
  return html`<label>${t("find.home")}<input ref=${field} type="search" value=${words} maxlength="100" autocomplete="off" onInput=${(/** @type {any} */ e) => setWords(e.target.value)} onKeyDown=${key} /></label>
    <ul class="found">${(found?.homes ?? []).map((one) => html`<li key=${one.id}><button type="button" onClick=${() => onFound(one)}>${one.name} <span class="quiet">${one.area_name}</span></button></li>`)}</ul>
    ${toldOf(found) && html`<p class="quiet" role="status">${toldOf(found)}</p>`}
    ${problem && html`<p class="bad" role="alert">${problem}</p>`}`;
}

/**
 * @param {{home: Home|null, onHome: (home: Home|null) => void}} props
 * the home that a form is about, or how to find it; a field `home` of the form has its id
 */
export function HomeChoice({ home, onHome }) {
  const place = useRef(/** @type {HTMLElement|null} */ (null));
  const [touched, setTouched] = useState(false);
  /** @param {Home|null} one */
  const take = (one) => (setTouched(true), onHome(one));
  // What was under the fingers is gone: on with the next thing to fill in.
  useEffect(() => {
    if (!touched || !home) return;
    const fields = /** @type {NodeListOf<HTMLElement>} */ (place.current?.closest("form")?.querySelectorAll("input:not([type=hidden]), select"));
    [...fields].find((one) => place.current && place.current.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING)?.focus();
  }, [home?.id]);
  if (!home) return html`<div class="finder"><${HomeFinder} onFound=${take} focus=${touched} /></div>`;
  return html`<p class="row" ref=${place}><input type="hidden" name="home" value=${home.id} /><b>${home.name || home.id}</b> <span class="quiet">${home.area_name}</span>
    <button type="button" onClick=${() => take(null)}>${t("find.another")}</button></p>`;
}

/** The home of an id that came with the page's address, once its name is known. @param {string} id @returns {[Home|null, (home: Home|null) => void]} */
export function useHome(id) {
  const [home, setHome] = useState(/** @type {Home|null} */ (id ? { id, name: "", area_name: "" } : null));
  useEffect(() => {
    if (id) call("GET", `/homes/${encodeURIComponent(id)}`).then((known) => setHome((now) => (now?.id === id ? known : now)), () => setHome((now) => (now?.id === id ? null : now)));
  }, [id]);
  return [home, setHome];
}
