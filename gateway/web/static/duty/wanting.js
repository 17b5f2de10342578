/** What is wanting before it matters, by kind, and in each by roster or area; the list of a part is opened, and read whole when asked. */

import { html, useState } from "../vendor/htm/standalone.module.js";
import { call } from "../js/api.js";
import { sentence } from "../js/i18n.js";
import { moment } from "../js/time.js";
import { named, t } from "./words.js";

const ALL = 1_000;

/** @typedef {{zh: string, en: string}} Words @typedef {{id: string, kind: string, sentence: Words, home: string|null, since: string|null, until: string|null}} Want */
/** @typedef {{part: string, name: Words, count: number, hours: number|null, items: Want[]}} Part @typedef {{kind: string, count: number, parts: Part[]}} Group */

/** @param {{groups: Group[]}} props */
export function Wanting({ groups }) {
  return html`<section class="wanting"><h2>${t("wanting")}</h2>
    ${groups.length === 0 && html`<p class="quiet">${t("nothing_wanting")}</p>`}
    ${groups.map((group) => html`<div data-kind=${group.kind}>
      <h3 class=${group.kind === "gap" ? "bad" : ""}>${t(`wanting.${group.kind}`)} <span class="count">${group.count}</span></h3>
      ${group.parts.map((part) => html`<${OnePart} key=${`${group.kind} ${part.part}`} kind=${group.kind} part=${part} />`)}
    </div>`)}
  </section>`;
}

/** @param {{kind: string, part: Part}} props */
function OnePart({ kind, part }) {
  const [whole, setWhole] = useState(/** @type {Want[]|null} */ (null));
  const [problem, setProblem] = useState("");
  const items = whole ?? part.items;
  const all = () =>
    call("GET", `/rosters/gaps/groups?most=${ALL}`).then(
      (page) => setWhole(page.items.find((/** @type {Group} */ one) => one.kind === kind)?.parts.find((/** @type {Part} */ one) => one.part === part.part)?.items ?? []),
      (refusal) => setProblem(refusal.message),
    );
  return html`<details>
    <summary><b>${named(part.name)}</b> <span class="count">${part.count}</span>${part.hours !== null && html` <span class="quiet">${t("hours", { n: Math.round(part.hours * 10) / 10 })}</span>`}</summary>
    <ul class="plain">${items.map((each) => html`<li>${sentence(each.sentence)}${each.since && html` ${moment(each.since)} – ${moment(each.until ?? "")}`}</li>`)}</ul>
    ${!whole && part.count > items.length && html`<button onClick=${all}>${t("show_all", { n: part.count })}</button>`}
    ${problem && html`<p class="bad" role="alert">${problem}</p>`}
  </details>`;
}
