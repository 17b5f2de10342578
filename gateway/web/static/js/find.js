/** One box to find a home by: a name, a building, a number that is ringing just now. Keyboard alone suffices. */

import { html, useEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { api } from "./api.js";
import { Window } from "./dialog.js";
import { usePage } from "./hooks.js";
import { t } from "./i18n.js";

/** @typedef {import("./types.js").HomeLine} HomeLine */

/** So long the typing rests before the service is asked. */
const REST_MS = 180;

/** @param {{onClose: () => void}} props */
export function Find({ onClose }) {
  const { go } = usePage();
  const [words, setWords] = useState("");
  const [found, setFound] = useState(/** @type {{homes: HomeLine[], more: boolean, words: string}|null} */ (null));
  const [wrong, setWrong] = useState("");
  const [at, setAt] = useState(0);
  const field = useRef(/** @type {HTMLInputElement|null} */ (null));
  useEffect(() => void field.current?.focus(), []);
  useEffect(() => {
    const asked = words.trim();
    if (!asked) return void setFound(null);
    let current = true;
    const timer = setTimeout(() => {
      api.findHomes(asked).then(
        ({ items, next }) => current && (setFound({ homes: items, more: Boolean(next), words: asked }), setAt(0), setWrong("")),
        (problem) => current && setWrong(problem.message),
      );
    }, REST_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [words]);

  const homes = found?.homes ?? [];
  /** @param {KeyboardEvent} event */
  function key(event) {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
    if (step) setAt(Math.max(0, Math.min(homes.length - 1, at + step)));
    else if (event.key === "Enter" && homes[at] && found?.words === words.trim()) go.lookAt(homes[at].id);
    else return;
    event.preventDefault();
  }

  return html`<${Window} title=${t("find.title")} onClose=${onClose} class="find" light>
    <input
      ref=${field} type="search" maxlength="100" autocomplete="off" placeholder=${t("find.field")} aria-label=${t("find.field")}
      role="combobox" aria-controls="found" aria-expanded=${homes.length > 0 ? "true" : "false"} aria-activedescendant=${homes[at] ? `found-${at}` : undefined}
      value=${words} onInput=${(/** @type {any} */ e) => setWords(e.target.value)} onKeyDown=${key}
    />
    <ul id="found" role="listbox" aria-label=${t("find.title")}>
      ${homes.map(
        (home, i) => html`<li id=${`found-${i}`} key=${home.id} role="option" aria-selected=${i === at ? "true" : "false"} onClick=${() => go.lookAt(home.id)}>
          <b>${home.name}</b><span>${home.area_name}</span><small>${home.address}</small>
        </li>`,
      )}
    </ul>
    <p class="wrong" role="alert">${wrong || (found && homes.length === 0 ? t("find.none", { words: found.words }) : found?.more ? t("find.more") : "")}</p>
    <p class="hint">${t("find.hint")}</p>
  <//>`;
}
