/** The card of an area's alert: the homes it is about, in the order in which somebody should look to them, and the alerts it swallowed. */

import { html, useRef } from "../vendor/htm/standalone.module.js";
import { announce } from "./announce.js";
import { api, freshKey } from "./api.js";
import { refused } from "./actions.js";
import { usePage } from "./hooks.js";
import { Icon } from "./icon.js";
import { t, word } from "./i18n.js";
import { Phone } from "./household.js";
import { clock, moment } from "./time.js";

/** @typedef {import("./types.js").Alert} Alert @typedef {import("./types.js").Listed} Listed */

/** How a home can be found, by the digit that says so. */
const RESULTS = ["safe", "no_answer", "visit", "needs_help"];

/** Puts the keyboard on the first home that nobody has looked to. @returns {boolean} whether there is a list */
export function beginWithFirst() {
  const list = document.querySelector(".welfare ol");
  const first = /** @type {HTMLElement|null} */ (list?.querySelector("li.unchecked") ?? list?.querySelector("li"));
  first?.focus();
  return Boolean(first);
}

/** @param {{alert: Alert}} props */
export function Welfare({ alert }) {
  const { desk, go } = usePage();
  const list = useRef(/** @type {HTMLElement|null} */ (null));
  const counts = alert.welfare_counts;
  const homes = alert.welfare;
  /** @param {Listed} home @param {string} result */
  const mark = async (home, result) => {
    if (desk.lost) return void refused(desk, t("refusal.stale"));
    const rows = [...(list.current?.children ?? [])];
    const next = /** @type {HTMLElement|undefined} */ (rows[rows.findIndex((row) => row.getAttribute("data-home") === home.home) + 1])?.dataset.home;
    try {
      await api.markWelfare(alert.id, home.home, result, freshKey());
      announce(t("welfare.marked", { name: nameOf(home), result: t(`welfare.${result}`) }), "polite");
      await desk.refresh(alert.id);
      // The list is in a new order: the hand goes on where it was going, not where the row went.
      queueMicrotask(() => requestAnimationFrame(() => (next ? focusOn(list.current, next) : beginWithFirst())));
    } catch (problem) {
      refused(desk, /** @type {Error} */ (problem).message);
    }
  };
  /** @param {KeyboardEvent} event @param {Listed} home */
  const pressed = (event, home) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = /** @type {HTMLElement} */ (event.currentTarget);
    const result = RESULTS[Number(event.key) - 1];
    if (event.key === "ArrowDown") /** @type {HTMLElement|null} */ (row.nextElementSibling)?.focus();
    else if (event.key === "ArrowUp") /** @type {HTMLElement|null} */ (row.previousElementSibling)?.focus();
    else if (result && !event.repeat) mark(home, result);
    else if (event.key === "Enter" && event.target === row) go.lookAt(home.home);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<section class="panel welfare" aria-labelledby="welfare-title">
    <h3 id="welfare-title">${t("welfare.title")}${counts && html`<span class="sum">${t("welfare.counts", { ...counts })}</span>`}<kbd>W</kbd></h3>
    <p class="how-to">${t("welfare.keys")}</p>
    ${!homes && html`<p class="none">${t("card.loading")}</p>`}
    ${homes && html`<ol ref=${list}>${homes.map((home) => html`<${Row} key=${home.home} home=${home} onKeyDown=${pressed} onMark=${mark} />`)}</ol>`}
    ${alert.welfare_next && html`<button class="more" onClick=${() => desk.moreWelfare(alert.id)}>${t("welfare.more", { n: (counts?.homes ?? 0) - (homes?.length ?? 0) })}</button>`}
  </section>`;
}

/** @param {{home: Listed, onKeyDown: (event: KeyboardEvent, home: Listed) => void, onMark: (home: Listed, result: string) => void}} props */
function Row({ home, onKeyDown, onMark }) {
  const { go } = usePage();
  const unchecked = !home.back_at && (!home.result || home.result === "no_answer");
  return html`<li
    tabindex="0"
    data-home=${home.home}
    class=${`${unchecked ? "unchecked" : ""} ${home.back_at ? "back" : ""} ${home.result ?? ""}`}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => onKeyDown(event, home)}
  >
    <div class="who"><b>${nameOf(home)}</b>${home.age !== null && html`<span class="aged">${t("card.age", { n: home.age })}</span>`}
      <span class="risks">${home.risk.map((why) => html`<span class=${`tag risk ${why}`}>${t(`risk.${why}`)}</span>`)}</span></div>
    <div class="where"><button class="look" onClick=${() => go.lookAt(home.home)}>${[home.area_name, home.home_name || home.home].filter(Boolean).join(" · ")}</button>
      ${home.phone && html`<${Phone} number=${home.phone} />`}</div>
    <div class="how">
      ${home.back_at
        ? html`<span class="tag cleared">${t("welfare.back", { at: moment(home.back_at) })}</span>`
        : html`<span class="tag waiting">${t(`dark.${home.dark}`, { at: moment(home.dark_since) })}</span>`}
      ${home.last_sign_at && html`<small>${t("welfare.last_sign", { at: moment(home.last_sign_at) })}</small>`}
      ${home.result && html`<span class=${`tag found ${home.result}`}>${t(`welfare.${home.result}`)}<small>${home.checked_by} ${home.checked_at && clock(home.checked_at)}</small></span>`}
    </div>
    <div class="marks">
      ${RESULTS.map((result, i) => html`<button aria-pressed=${home.result === result ? "true" : "false"} onClick=${() => onMark(home, result)}><kbd>${i + 1}</kbd>${t(`welfare.${result}`)}</button>`)}
    </div>
  </li>`;
}

/** The alerts of single homes that are part of it, and wait for nobody by themselves. @param {{alert: Alert}} props */
export function Folded({ alert }) {
  const { desk, go } = usePage();
  const parts = [...desk.alerts.values()].filter((other) => other.folded_into === alert.id && other.status !== "closed");
  if (parts.length === 0) return null;
  return html`<section class="panel related folded">
    <h3>${t("welfare.folded", { n: parts.length })}</h3>
    ${parts.slice(0, SHOWN).map(
      (part) => html`<button class=${`p${part.priority}`} onClick=${() => go.open(part.id)}>
        <${Icon} name=${`shape-${part.priority}`} /><b>${(part.residents ?? []).join("、") || part.home_name || part.area_name}</b>
        <span>${word("room", part.room)}</span>${part.cleared_at && html`<span class="tag cleared">${t("state.cleared")}</span>`}<time>${moment(part.raised_at)}</time>
      </button>`,
    )}
    ${parts.length > SHOWN && html`<p class="none">${t("queue.more", { n: parts.length - SHOWN })}</p>`}
  </section>`;
}

const SHOWN = 30;

/** @param {Listed} home */
const nameOf = (home) => home.residents.join("、") || home.home_name || home.home;

/** @param {HTMLElement|null} list @param {string} home */
function focusOn(list, home) {
  /** @type {HTMLElement|null|undefined} */ (list?.querySelector(`[data-home="${CSS.escape(home)}"]`))?.focus();
}
