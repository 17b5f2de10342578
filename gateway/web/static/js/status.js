/** How an alert stands, as a few marked words: the same in the queue and on the card. */

import { html } from "../vendor/htm/standalone.module.js";
import { Icon } from "./icon.js";
import { t, word } from "./i18n.js";
import { held, PREFIX, ringing, shown } from "./priority.js";
import { moment } from "./time.js";

/** @typedef {import("./types.js").Alert} Alert */

/** Priority as shape, stars, word and colour; flashes while nobody has taken the alert. @param {{alert: Alert}} props */
export function Mark({ alert }) {
  const p = shown(alert);
  return html`<span class=${`mark p${p} ${ringing(alert) ? "flashing" : ""}`}>
    <span class="shape"><${Icon} name=${`shape-${p}`} /><b>${PREFIX[p] || "i"}</b></span>
    <span class="level">${t(`priority.${p}`)}</span>
  </span>`;
}

/** In whose hands it is. @param {{alert: Alert, user: string}} props */
export function Hands({ alert, user }) {
  if (alert.status === "closed") return html`<span class="tag done">${t("state.closed")}</span>`;
  if (held(alert)) return html`<span class="tag held">${t("state.held", { at: moment(alert.held_until ?? "") })}</span>`;
  const by = alert.status === "acknowledged" ? (alert.acknowledged_by ?? alert.claimed_by) : alert.claimed_by;
  if (!by && alert.status === "triggered") return html`<span class="tag waiting">${t("state.waiting")}</span>`;
  const mine = by === user;
  if (alert.status === "acknowledged")
    return html`<span class="tag acknowledged">${mine ? t("state.acknowledged_mine") : t("state.acknowledged", { name: by ?? "" })}</span>`;
  return html`<span class="tag claimed">${mine ? t("state.mine") : t("state.claimed", { name: by ?? "" })}</span>`;
}

/** What else one must know of it. @param {{alert: Alert}} props */
export function Marks({ alert }) {
  return html`
    ${alert.stored === false && html`<span class="tag unstored">${t("state.unstored")}</span>`}
    ${alert.origin && alert.origin !== "real" && html`<span class="tag held">${t("state.test")}</span>`}
    ${alert.cancelled_at && html`<span class="tag cleared">${t("state.cancelled")}</span>`}
    ${alert.chattering_at && html`<span class="tag held">${t("state.chattering")}</span>`}
    ${alert.standing_at && html`<span class="tag held">${t("state.standing")}</span>`}
    ${alert.anew_of && html`<span class="tag held">${t("state.anew")}</span>`}
    ${alert.rearm_at && html`<span class="tag held">${t("state.rearm", { at: moment(alert.rearm_at) })}</span>`}
    ${alert.viewed_at === null && alert.claimed_by && html`<span class="tag quiet">${t("state.unseen")}</span>`}
    ${alert.cleared_at && html`<span class="tag cleared">${t("state.cleared")}</span>`}
    ${Boolean(alert.welfare_counts?.homes) && html`<span class="tag quiet">${t("welfare.counts", { ...alert.welfare_counts })}</span>`}
    ${alert.folded_into && html`<span class="tag quiet">${t("state.folded")}</span>`}
    ${Boolean(alert.repeats) && html`<span class="tag quiet">${t("state.repeats", { n: alert.repeats ?? 0 })}</span>`}
    ${alert.silenced_by && html`<span class="tag quiet">${t("state.silenced")}</span>`}
    ${alert.transferred_to && html`<span class="tag quiet">${t("state.transferred", { name: alert.transferred_to })}</span>`}
  `;
}

/** @param {Alert} alert @param {import("./types.js").Home|null} home @returns {{who: string, where: string}} in one line each */
export function whoWhere(alert, home) {
  if (!alert.home) return { who: t("queue.area_wide"), where: alert.area_name || alert.area };
  const names = alert.residents ?? home?.residents.map((person) => person.name) ?? [];
  const place = alert.home_name || alert.home;
  const rest = [names.length ? place : "", word("room", alert.room), alert.area_name].filter(Boolean).join(" · ");
  return { who: names.join("、") || place, where: rest };
}
