/** The table of keys and the other pages, over the desk. */

import { html } from "../vendor/htm/standalone.module.js";
import { Window } from "./dialog.js";
import { t } from "./i18n.js";
import { TABLE } from "./keys.js";

/** The other pages, by their address. */
const PAGES = /** @type {const} */ ([
  ["/duty", "pages.duty"],
  ["/care", "care.title"],
  ["/reports", "pages.reports"],
  ["/rules", "rules.title"],
  ["/tests", "pages.tests"],
  ["/silences", "pages.silences"],
  ["/drills", "pages.drills"],
  ["/channels", "pages.channels"],
]);

/** @param {{onClose: () => void}} props */
export const Help = ({ onClose }) => html`<${Window} title=${t("keys.title")} onClose=${onClose} class="help" light>
  <table>
    ${TABLE.map(
      ([keys, says]) =>
        html`<tr><th scope="row">${keys.map((key) => html`<kbd>${key.startsWith("keys.") ? t(key) : key}</kbd>`)}</th><td>${t(says)}</td></tr>`,
    )}
  </table>
  <div class="buttons">
    <nav class="pages">${PAGES.map(([path, says]) => html`<a href=${path} target="_blank" rel="noopener">${t(says)}</a>`)}</nav>
    <button autofocus onClick=${onClose}>${t("refusal.close")}</button>
  </div>
<//>`;
