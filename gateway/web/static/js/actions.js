/** What may be done with an alert: the row of buttons, the way from a wish to the service, and what is said when it refuses. */

import { html } from "../vendor/htm/standalone.module.js";
import { announce } from "./announce.js";
import { api, freshKey, Refusal } from "./api.js";
import { useDesk, usePage } from "./hooks.js";
import { t } from "./i18n.js";

/** @typedef {import("./types.js").Alert} Alert @typedef {import("./desk.js").Desk} Desk */
/** @typedef {"claim"|"acknowledge"|"note"|"hold"|"escalate"|"transfer"|"respond"|"close"} Action */

/** In the order of the work. @type {[Action, key: string][]} */
const ACTIONS = [
  ["claim", "↵"],
  ["acknowledge", "A"],
  ["respond", "R"],
  ["note", "N"],
  ["hold", "H"],
  ["escalate", "E"],
  ["transfer", "T"],
  ["close", "C"],
];

/** Those that need nothing to be filled in. @type {Action[]} */
export const PLAIN = ["claim", "acknowledge"];

/** @param {Alert} alert @param {Action} action */
export const allowed = (alert, action) => alert.allowed_actions?.includes(action) ?? alert.status !== "closed";

/** What the operator most likely does now. @param {Alert} alert @param {string} user @returns {Action} */
function likely(alert, user) {
  if (alert.status === "acknowledged") return "close";
  return alert.claimed_by === user ? "acknowledge" : "claim";
}

/**
 * Does it, after what is still on its way for the same alert: a quick hand claims and acknowledges in one breath. Asked again with the
 * same key when no answer came, so that it is done once.
 * @param {Desk} desk @param {string} id @param {Action} action @param {object} [body]
 * @returns {Promise<boolean>} whether it was done; if not, the desk shows why
 */
export async function perform(desk, id, action, body = {}) {
  if (desk.lost) return refused(desk, t("refusal.stale"));
  const before = desk.busy.get(id);
  // Pressed twice is meant once.
  if (before?.action === action) return false;
  const mine = { action, done: (before?.done ?? Promise.resolve()).then(() => ask(desk, id, action, body)) };
  desk.busy.set(id, mine);
  desk.set({ notice: null });
  const done = await mine.done;
  if (desk.busy.get(id) === mine) desk.busy.delete(id);
  desk.changed();
  return done;
}

/** @param {Desk} desk @param {string} id @param {Action} action @param {object} body @returns {Promise<boolean>} */
async function ask(desk, id, action, body) {
  const key = freshKey();
  try {
    const once = () => api.act(id, action, body, key);
    // Asked once more where the alarm process was away for a moment; not where it is known to be down: that would only take longer.
    const answer = await once().catch((problem) => (unsure(problem) && desk.alarmUp ? once() : Promise.reject(problem)));
    if (answer?.id === id) desk.apply(answer);
    else desk.refresh(id);
    announce(t("announce.done", { action: t(`action.${action}`) }));
    return true;
  } catch (problem) {
    if (problem instanceof Refusal && problem.status === 401) desk.set({ phase: "login", loginHint: "login.ended" });
    else if (unsure(problem)) desk.set({ notice: { title: t("refusal.unsure"), text: t("refusal.unsure_more", { action: t(`action.${action}`) }), until: id } });
    else refused(desk, /** @type {Error} */ (problem).message);
    desk.refresh(id);
    return false;
  }
}

/** No answer is not a no: it may have been done all the same. @param {unknown} problem */
const unsure = (problem) => problem instanceof Refusal && [0, 503, 504].includes(problem.status);

/** @param {Desk} desk @param {string} text @returns {false} */
export function refused(desk, text) {
  desk.set({ notice: { title: t("refusal.title"), text, until: null } });
  return false;
}

/** @param {{alert: Alert}} props */
export function Actions({ alert }) {
  const { desk, go } = usePage();
  useDesk(desk);
  const first = likely(alert, desk.user);
  return html`<div class="actions" role="toolbar">
    ${ACTIONS.map(([action, key]) => {
      const over = action === "claim" && alert.claimed_by && alert.claimed_by !== desk.user;
      const underway = desk.busy.get(alert.id)?.action === action;
      return html`<button
        key=${action}
        data-action=${action}
        aria-busy=${underway ? "true" : undefined}
        class=${action === first && allowed(alert, action) ? "primary" : ""}
        disabled=${desk.lost || !allowed(alert, action)}
        onClick=${() => go.act(action)}
      >
        <span>${t(over ? "action.claim_over" : `action.${action}`)}</span>${underway ? html`<small class="underway">${t("action.underway")}</small>` : html`<kbd>${key}</kbd>`}
      </button>`;
    })}
  </div>`;
}
