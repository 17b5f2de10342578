/** What of a home is on test, or will be, and the way to put its devices on test. */

import { html } from "../vendor/htm/standalone.module.js";
import { usePage } from "./hooks.js";
import { t, word } from "./i18n.js";
import { moment } from "./time.js";

/** @param {{home: string}} props */
export function TestLink({ home }) {
  const { desk } = usePage();
  const here = desk.tests.filter((one) => one.home === home);
  return html`<section class="panel tests">
    ${here.map((one) => html`<p><span class="tag held">${t(one.under_way ? "state.test" : "tests.planned")}</span> ${moment(one.start)} – ${moment(one.end)} · ${one.tester}<br />
      ${one.devices.length ? one.devices.map((device) => `${device.name || device.id} ${word("room", device.room)}`).join(" · ") : t("tests.whole")}</p>`)}
    <a class="care" href=${`/tests?home=${encodeURIComponent(home)}`} target="_blank" rel="noopener">${t("tests.begin")}</a>
    <a class="care" href="/silences" target="_blank" rel="noopener">${t("pages.silences")}</a>
  </section>`;
}
