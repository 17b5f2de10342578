/** A home without an alert, to read: who lives there, whom to ring, the last hour. And the homes that should be seen to today. */

import { html } from "../vendor/htm/standalone.module.js";
import { CareLink } from "./carelink.js";
import { Family } from "./family.js";
import { useDesk, usePage } from "./hooks.js";
import { Contacts, Devices, Related, Unwatched, WhoWhere } from "./household.js";
import { Icon } from "./icon.js";
import { said, t, word } from "./i18n.js";
import { Judgement } from "./judgement.js";
import { Mode } from "./mode.js";
import { Readings } from "./readings.js";
import { TestLink } from "./testlink.js";
import { moment } from "./time.js";

/** @param {{id: string}} props */
export function HomeCard({ id }) {
  const { desk, go } = usePage();
  useDesk(desk);
  const known = desk.homes.get(id);
  const home = known && !(known instanceof Error) ? known : null;
  return html`<section class="card home" aria-labelledby="card-title" data-home=${id}>
    <header class="head">
      <button class="back" onClick=${go.back} aria-label=${t("card.back")}><${Icon} name="back" /></button>
      <div class="title"><h2 id="card-title" tabindex="-1"><${Icon} name="house" />${home?.name ?? id}</h2><div class="tags"><span class="tag quiet">${t("home.reading")}</span></div></div>
      <button class="leave" onClick=${go.back}>${t("home.close")}<kbd>Esc</kbd></button>
    </header>
    <div class="body">
      ${home
        ? html`<div class="column"><${WhoWhere} home=${home} /><${Mode} key=${home.id} home=${home} /><${CareLink} home=${home.id} /><${Contacts} home=${home} /><${Family} key=${`family ${home.id}`} home=${home} /><${TestLink} home=${home.id} /></div>
            <div class="column"><${Related} home=${home.id} /><${Readings} key=${home.id} home=${home} alarm=${null} /><${Unwatched} home=${home} /><${Devices} home=${home} /><${Judgement} key=${`rules ${home.id}`} home=${home.id} /></div>`
        : html`<section class="panel"><p class="none">${known instanceof Error ? t("card.home_failed", { why: known.message }) : t("card.loading")}</p></section>`}
    </div>
  </section>`;
}

/** The morning's list, and the homes whose mode ends soon: quiet, and only where nobody waits. */
export function Today() {
  const { desk, go } = usePage();
  useDesk(desk);
  const { day, items, next } = desk.today ?? { day: null, items: [], next: null };
  if ((!day && !desk.ending.length && !desk.tests.length) || !desk.loaded || desk.next) return null;
  return html`<section class="panel today" aria-labelledby="today-title">
    <h3 id="today-title">${t("today.title")}${day && html`<small>${t("today.made", { day })}</small>`}</h3>
    ${items.length === 0 && desk.ending.length === 0 && desk.tests.length === 0 && html`<p class="none">${t("today.none")}</p>`}
    <ul>
      ${desk.tests.map(
        (one) => html`<li><a class="on-test" href="/tests">
          <span class="tag held">${t("state.test")}</span><b>${one.home_name}</b><span class="says">${one.tester} ${t("mode.until", { at: moment(one.end) })} · ${t("tests.calls", { n: one.calls.length })}</span>
        </a></li>`,
      )}
      ${desk.ending.map(
        (one) => html`<li><button onClick=${() => go.lookAt(one.home)}>
          <span class="tag quiet">${t("mode.ending")}</span><b>${one.home_name}</b><span class="says">${word("mode", one.mode)} ${one.until && t("mode.until", { at: moment(one.until) })} · ${t("mode.ask")}</span>
        </button></li>`,
      )}
      ${items.map(
        (one) => html`<li><button onClick=${() => one.home && go.lookAt(one.home)}>
          <span class="tag quiet">${word("matter", one.matter)}</span><b>${one.home_name}</b><span class="says">${said(one, "sentence")}</span>
        </button></li>`,
      )}
    </ul>
    ${next && html`<p class="none">${t("today.more")}</p>`}
  </section>`;
}
