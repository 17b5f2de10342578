/** One box to find a home by: a name, a building, a number that is ringing just now. Keyboard alone suffices. */

import { html, useEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { Window } from "./dialog.js";
import { toldOf, useFound } from "./homefinder.js";
import { usePage } from "./hooks.js";
import { t } from "./i18n.js";

/** @param {{onClose: () => void}} props */
export function Find({ onClose }) {
  const { go } = usePage();
  const [words, setWords] = useState("");
  const [found, wrong] = useFound(words);
  const [at, setAt] = useState(0);
  const field = useRef(/** @type {HTMLInputElement|null} */ (null));
  useEffect(() => void field.current?.focus(), []);
  useEffect(() => setAt(0), [found]);

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
    <p class="wrong" role="alert">${wrong || toldOf(found)}</p>
    <p class="hint">${t("find.hint")}</p>
  <//>`;
}
