/** The tab: title and favicon say how many wait and how bad the worst of them is, also from behind another window. */

import { said, t, word } from "./i18n.js";
import { byUrgency, PREFIX, waiting } from "./priority.js";

/** Carried in the page: without a connection no file can be fetched. Amber, and crossed out. */
const LOST = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="5" fill="#ffc61a"/>' +
    '<path d="M16 6 5 15v11h22V15z" fill="#16130a"/><path d="M4 28 28 4" stroke="#ffc61a" stroke-width="7"/><path d="M4 28 28 4" stroke="#b3122a" stroke-width="4"/></svg>',
)}`;

/** @param {import("./types.js").Alert[]} alerts @param {boolean} lost */
export function showInTab(alerts, lost) {
  const inNeed = alerts.filter(waiting).sort(byUrgency);
  const worst = inNeed[0];
  const text = worst
    ? `(${inNeed.length}) ${PREFIX[worst.priority]} ${word("category", worst.category)} · ${said(worst, "title")}`
    : t("desk");
  document.title = lost ? `${t("bar.lost")} · ${text}` : text;
  const icon = document.getElementById("favicon");
  const href = lost ? LOST : `/static/favicon/${worst ? `p${worst.priority}` : "calm"}.svg`;
  if (icon?.getAttribute("href") !== href) icon?.setAttribute("href", href);
}
