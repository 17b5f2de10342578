/** The table of keys, over the page. */

import { html } from "../vendor/htm/standalone.module.js";
import { Window } from "./dialog.js";
import { t } from "./i18n.js";
import { TABLE } from "./keys.js";

/** @param {{onClose: () => void}} props */
export const Help = ({ onClose }) => html`<${Window} title=${t("keys.title")} onClose=${onClose} class="help" light>
  <table>
    ${TABLE.map(
      ([keys, says]) =>
        html`<tr><th scope="row">${keys.map((key) => html`<kbd>${key.startsWith("keys.") ? t(key) : key}</kbd>`)}</th><td>${t(says)}</td></tr>`,
    )}
  </table>
  <div class="buttons"><button autofocus onClick=${onClose}>${t("refusal.close")}</button></div>
<//>`;
