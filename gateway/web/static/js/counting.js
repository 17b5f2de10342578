/** Small texts that count by themselves, so that nothing around them is drawn again. */

import { html } from "../vendor/htm/standalone.module.js";
import { thisSecond, useSeconds } from "./hooks.js";
import { t } from "./i18n.js";
import { clock, span } from "./time.js";

/** @param {{since: string, until?: string|null}} props an age; it stands still once there is an end */
export function Age({ since, until }) {
  useSeconds();
  const ms = (until ? Date.parse(until) : thisSecond()) - Date.parse(since);
  return html`<span class="age" title=${clock(since)}>${span(ms)}</span>`;
}

/** @param {{at: string}} props the next step of the policy, counted down */
export function NextStep({ at }) {
  useSeconds();
  const ms = Date.parse(at) - thisSecond();
  return html`<span class=${`step ${ms < 10_000 ? "soon" : ""}`}>${ms > 0 ? t("step.next", { in: span(ms + 999) }) : t("step.now")}</span>`;
}

export function Clock() {
  useSeconds();
  return html`<time class="clock">${clock(thisSecond())}</time>`;
}
