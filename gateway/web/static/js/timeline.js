/** Everything that happened to an alert, newest at the top, with the second and the name. */

import { html } from "../vendor/htm/standalone.module.js";
import { usePage } from "./hooks.js";
import { language, said, sentence, t, word } from "./i18n.js";
import { clock, moment } from "./time.js";

/** What a reader skims past: shown, but quietly. */
const QUIET = new Set(["notification_requested", "notification_skipped", "notification_ended", "step_reached", "repeated"]);

/**
 * What the label and the name do not already say.
 * @param {import("./types.js").Entry} entry @param {import("./desk.js").Desk} desk @returns {string}
 */
function detail(entry, desk) {
  const data = entry.data ?? {};
  const text = (/** @type {string} */ name) => (typeof data[name] === "string" ? String(data[name]) : "");
  switch (entry.kind) {
    case "claimed":
      return text("taken_over_from") && t("event.over_from", { name: text("taken_over_from") });
    case "acknowledged":
    case "claim_lapsed":
    case "acknowledgement_lapsed":
    case "cleared":
    case "cancelled":
    case "repeated":
    case "recurred":
    case "hold_ended":
    case "folded":
    case "unfolded":
      return "";
    case "noted":
      return text("text");
    case "welfare_noted":
      return [text("home"), word("welfare", text("result")), text("note")].filter(Boolean).join(" · ");
    case "held":
      return [t("event.until", { at: moment(text("until")) }), text("reason")].filter(Boolean).join(" · ");
    case "escalated":
      return text("reason");
    case "transferred":
      return [`→ ${text("to")}`, text("reason")].filter(Boolean).join(" · ");
    case "help_reported":
      return `${text("responder")} · ${word("stage", text("stage"))}`;
    case "closed":
      return [sentence(desk.dispositions.get(text("disposition"))) || word("disposition", text("disposition")), text("reason")].filter(Boolean).join(" · ");
    case "step_reached":
      return Array.isArray(data.targets) ? data.targets.map((one) => word("target", one)).join(language() === "zh" ? "、" : ", ") : "";
    case "notification_requested":
      return [word("target", text("target")), text("channel")].filter(Boolean).join(" · ");
    case "notification_ended":
      return [t(data.delivered ? "event.delivered" : "event.undelivered"), text("detail")].filter(Boolean).join(" · ");
    default:
      return said(entry, "text");
  }
}

/** @param {{entries?: import("./types.js").Entry[]}} props */
export function Timeline({ entries }) {
  const { desk } = usePage();
  if (!entries) return html`<section class="panel timeline"><h3>${t("card.timeline")}</h3><p class="none">${t("card.loading")}</p></section>`;
  const latest = [...entries].reverse();
  return html`<section class="panel timeline">
    <h3>${t("card.timeline")}</h3>
    <ol>
      ${latest.map((entry) => {
        const by = entry.by && entry.by !== "service" ? entry.by : "";
        const says = detail(entry, desk);
        const step = typeof entry.data?.step === "number" ? entry.data.step + 1 : "";
        return html`<li class=${`${entry.kind} ${QUIET.has(entry.kind) ? "quiet" : ""} ${entry.data?.delivered === false ? "failed" : ""}`}>
          <time title=${entry.at}>${clock(entry.at)}</time>
          <div><b>${t(`event.${entry.kind}`, { step })}</b>${by && html` <span class="by">${by}</span>`}${says && html`<p>${says}</p>`}</div>
        </li>`;
      })}
    </ol>
  </section>`;
}
