/** The tab: title and favicon say how many wait and how bad the worst of them is, also from behind another window. */

import { said, t, word } from "./i18n.js";
import { byUrgency, PREFIX, waiting } from "./priority.js";

/** @param {import("./types.js").Alert[]} alerts @param {boolean} lost */
export function showInTab(alerts, lost) {
  const inNeed = alerts.filter(waiting).sort(byUrgency);
  const worst = inNeed[0];
  const text = worst
    ? `(${inNeed.length}) ${PREFIX[worst.priority]} ${word("category", worst.category)} · ${said(worst, "title")}`
    : t("desk");
  document.title = lost ? `${t("bar.lost")} · ${text}` : text;
  const icon = document.getElementById("favicon");
  // Without a connection a new icon could not be fetched; the title says it.
  if (lost) return;
  const href = `/static/favicon/${worst ? `p${worst.priority}` : "calm"}.svg`;
  if (icon?.getAttribute("href") !== href) icon?.setAttribute("href", href);
}
