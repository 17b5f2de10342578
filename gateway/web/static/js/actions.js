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
 * Does it. Asked again with the same key when no answer came, so that it is done once.
 * @param {Desk} desk @param {string} id @param {Action} action @param {object} [body]
 * @returns {Promise<boolean>} whether it was done; if not, the desk shows why
 */
export async function perform(desk, id, action, body = {}) {
  if (desk.lost) return refused(desk, t("refusal.stale"));
  if (desk.busy.has(id)) return false;
  desk.set({ busy: new Set([...desk.busy, id]), notice: null });
  const key = freshKey();
  try {
    const ask = () => api.act(id, action, body, key);
    const answer = await ask().catch((problem) => (problem.status === 0 ? ask() : Promise.reject(problem)));
    if (answer?.id === id) desk.apply(answer);
    else desk.refresh(id);
    announce(t("announce.done", { action: t(`action.${action}`) }));
    return true;
  } catch (problem) {
    if (problem instanceof Refusal && problem.status === 401) desk.set({ phase: "login", loginHint: "login.ended" });
    else refused(desk, /** @type {Error} */ (problem).message);
    desk.refresh(id);
    return false;
  } finally {
    desk.busy.delete(id);
    desk.changed();
  }
}

/** @param {Desk} desk @param {string} text @returns {false} */
export function refused(desk, text) {
  desk.set({ notice: { title: t("refusal.title"), text } });
  return false;
}

/** @param {{alert: Alert}} props */
export function Actions({ alert }) {
  const { desk, go } = usePage();
  useDesk(desk);
  const first = likely(alert, desk.user);
  const still = desk.lost || desk.busy.has(alert.id);
  return html`<div class="actions" role="toolbar">
    ${ACTIONS.map(([action, key]) => {
      const over = action === "claim" && alert.claimed_by && alert.claimed_by !== desk.user;
      return html`<button
        key=${action}
        data-action=${action}
        class=${action === first && allowed(alert, action) ? "primary" : ""}
        disabled=${still || !allowed(alert, action)}
        onClick=${() => go.act(action)}
      >
        <span>${t(over ? "action.claim_over" : `action.${action}`)}</span><kbd>${key}</kbd>
      </button>`;
    })}
  </div>`;
}
