/** Who is on duty at the desk now: a word in the line at the bottom, in red where nobody is, and the way to the page of duty. */

import { html, useEffect, useState } from "../vendor/htm/standalone.module.js";
import { call } from "./api.js";
import { usePage } from "./hooks.js";
import { t } from "./i18n.js";

const REFRESH_MS = 30_000;

/** @typedef {{name: string}} Shift @typedef {{desk: boolean, now: Shift[], next: Shift[], waiting: number}} Roster */

export function OnDuty() {
  const { desk } = usePage();
  const [rosters, setRosters] = useState(/** @type {Roster[]} */ ([]));
  useEffect(() => {
    const look = () => {
      if (desk.phase !== "ready" || desk.lost) return;
      call("GET", "/rosters").then((page) => setRosters(page.items.filter((/** @type {Roster} */ roster) => roster.desk)), () => undefined);
    };
    look();
    const timer = setInterval(look, REFRESH_MS);
    return () => clearInterval(timer);
  }, [desk.phase]);
  if (!rosters.length) return null;
  // The first layer is whom the desk asks first; the rest is on the page.
  const names = rosters.flatMap((roster) => roster.now.slice(0, 1).map((shift) => shift.name));
  const waiting = rosters.reduce((sum, roster) => sum + roster.waiting, 0);
  return html`<a class="onduty" href="/duty">
    <span class=${names.length ? "" : "nobody"}>${names.length ? t("duty.on", { names: names.join("、") }) : t("duty.nobody")}</span>
    ${waiting > 0 && html`<b>${t("duty.waiting", { n: waiting })}</b>`}
  </a>`;
}
