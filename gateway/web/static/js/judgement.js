/** How every rule stands for the home just now: what it waits for, what it saw, why it watches nothing. Asked for when it is opened. */

import { html, useEffect, useState } from "../vendor/htm/standalone.module.js";
import { api } from "./api.js";
import { sentence, t } from "./i18n.js";
import { clock, moment } from "./time.js";

/** What is about to happen stands first, what watches nothing last. */
const ORDER = ["firing", "pending", "learning", "idle", "not_watched"];

/** @param {{home: string}} props */
export function Judgement({ home }) {
  const [open, setOpen] = useState(false);
  const [found, setFound] = useState(/** @type {import("./types.js").Judged|Error|null} */ (null));
  useEffect(() => {
    if (!open) return undefined;
    let gone = false;
    api.judgement(home).then((got) => gone || setFound(got), (problem) => gone || setFound(problem));
    return () => {
      gone = true;
    };
  }, [open, home]);
  return html`<section class="panel judgement">
    <h3><button class="link" aria-expanded=${open} onClick=${() => setOpen(!open)}>${open ? "▾" : "▸"} ${t("judgement.title")}</button></h3>
    ${open && !found && html`<p class="none">${t("card.loading")}</p>`}
    ${open && found instanceof Error && html`<p class="none">${found.message}</p>`}
    ${open && found && !(found instanceof Error) && html`<${Standings} judged=${found} />`}
  </section>`;
}

/** @param {{judged: import("./types.js").Judged}} props */
function Standings({ judged }) {
  const items = [...judged.items].sort((a, b) => ORDER.indexOf(a.phase) - ORDER.indexOf(b.phase));
  return html`<p class="none">${t("judgement.at", { at: clock(judged.at), version: judged.version })}</p>
    <ul>
      ${items.map(
        (one) => html`<li class=${one.phase}>
          <span class="tag quiet">${t(`judgement.${one.phase}`)}</span> <b>${sentence(one.title)}</b> <code>${one.rule}</code>
          <p>${sentence(one.sentence)}${one.clears && html` · ${sentence(one.clears)}`}</p>
          ${one.last_fired_at && html`<small>${t("judgement.fired", { at: moment(one.last_fired_at) })}</small>`}
        </li>`,
      )}
    </ul>`;
}
