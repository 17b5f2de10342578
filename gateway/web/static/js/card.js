/** The chosen alert: how bad, who, where, why, whom to ring, what to do next; then what happened and the hour before. */

import { html, useEffect, useRef } from "../vendor/htm/standalone.module.js";
import { Actions } from "./actions.js";
import { CareLink } from "./carelink.js";
import { Age, NextStep } from "./counting.js";
import { GradeLine } from "./grade.js";
import { useDesk, usePage } from "./hooks.js";
import { Contacts, Devices, Related, Unwatched, WhoWhere } from "./household.js";
import { HomeCard, Today } from "./homecard.js";
import { Icon } from "./icon.js";
import { said, sentence, t, word } from "./i18n.js";
import { Mode } from "./mode.js";
import { shown } from "./priority.js";
import { Readings } from "./readings.js";
import { Hands, Mark, Marks } from "./status.js";
import { Timeline } from "./timeline.js";
import { clock } from "./time.js";
import { Folded, Welfare } from "./welfare.js";

/** @typedef {import("./types.js").Alert} Alert */

export function Card() {
  const { desk, go } = usePage();
  useDesk(desk);
  const alert = desk.card;
  const head = useRef(/** @type {HTMLElement|null} */ (null));
  const scroll = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => {
    if (scroll.current) scroll.current.scrollTop = 0;
  }, [alert?.id]);
  if (!alert && desk.looking) return html`<${HomeCard} key=${desk.looking} id=${desk.looking} />`;
  if (!alert)
    return html`<section class="card none">${desk.order.length > 0 && html`<p>${t("card.none")}</p>`}${desk.next && html`<p class="key">${t("card.none_key")}</p>`}<${Today} /></section>`;
  return html`<section class=${`card p${shown(alert)} ${alert.status}`} aria-labelledby="card-title" data-alert=${alert.id}>
    <header class="head">
      <button class="back" onClick=${go.back} aria-label=${t("card.back")}><${Icon} name="back" /></button>
      <${Mark} alert=${alert} />
      <div class="title">
        <h2 id="card-title" tabindex="-1" ref=${head}><${Icon} name=${alert.category} />${said(alert, "title") || word("category", alert.category)}</h2>
        <div class="tags"><${Hands} alert=${alert} user=${desk.user} /><${Marks} alert=${alert} />
          ${alert.next_step_at && alert.status === "triggered" && html`<${NextStep} at=${alert.next_step_at} />`}
        </div>
      </div>
      <div class="when"><${Age} since=${alert.raised_at} until=${alert.closed_at} /><small>${clock(alert.raised_at)}</small></div>
    </header>
    <${Actions} alert=${alert} />
    <div class="body" ref=${scroll}><${Body} alert=${alert} /></div>
  </section>`;
}

/** @param {{alert: Alert}} props */
function Body({ alert }) {
  const { desk } = usePage();
  if (!alert.home)
    return html`
      <div class="column"><${Welfare} alert=${alert} /></div>
      <div class="column"><${Why} alert=${alert} /><${GradeLine} alert=${alert} /><${Folded} alert=${alert} /><${Timeline} entries=${alert.timeline} /></div>
    `;
  const home = desk.homeOf(alert);
  const failed = desk.homes.get(alert.home);
  return html`
    <div class="column">
      ${home
        ? html`<${WhoWhere} home=${home} room=${alert.room} /><${Contacts} home=${home} /><${Mode} key=${home.id} home=${home} /><${CareLink} home=${home.id} alert=${alert.id} />`
        : html`<section class="panel"><p class="none">${failed instanceof Error
              ? html`${t("card.home_failed", { why: failed.message })} <button onClick=${() => desk.wantHome(alert.home ?? "")}>${t("card.retry")}</button>`
              : t("card.loading")}</p></section>`}
      <${Related} home=${alert.home} except=${alert.id} />
      ${home && html`<${Unwatched} home=${home} /><${Devices} home=${home} concerned=${alert.device} />`}
    </div>
    <div class="column">
      <${Why} alert=${alert} />
      <${GradeLine} alert=${alert} />
      ${home && html`<${Readings} key=${alert.id} home=${home} alarm=${Date.parse(alert.raised_at)} category=${alert.category} device=${alert.device} />`}
      <${Timeline} entries=${alert.timeline} />
    </div>
  `;
}

/** The same thing said again and again is one line. @param {import("./types.js").Evidence[]} evidence */
function grouped(evidence) {
  /** @type {Map<string, {first: import("./types.js").Evidence, last: import("./types.js").Evidence, count: number}>} */
  const found = new Map();
  for (const one of evidence) {
    const key = `${one.device} ${one.property}`;
    const known = found.get(key);
    found.set(key, { first: known?.first ?? one, last: one, count: (known?.count ?? 0) + 1 });
  }
  return [...found.values()];
}

/** The reason in a sentence, and what it rests on. @param {{alert: Alert}} props */
function Why({ alert }) {
  const evidence = grouped(alert.evidence ?? []);
  return html`<section class="panel why">
    <h3>${t("card.why")}</h3>
    <p class="reason">${said(alert, "reason") || said(alert, "title")}</p>
    ${evidence.length > 0 &&
    html`<ul class="evidence" aria-label=${t("card.evidence")}>
      ${evidence.map(
        ({ first, last, count }) => html`<li><time>${clock(first.at)}${count > 1 && `–${clock(last.at)}`}</time><span>${word("property", last.property)}</span>${count > 1 && html`<span>${t("card.times", { n: count })}</span>`}
          ${last.value !== true && html`<b>${last.value === false ? t("value.false") : last.value}</b>`}${last.clock_suspect && html`<small>${t("card.clock_suspect")}</small>`}</li>`,
      )}
    </ul>`}
    ${alert.explanation &&
    html`<dl class="explained"><dt>${t("why.rule")}</dt><dd>${sentence(alert.explanation.rule)} <a href=${`/rules#rule/${encodeURIComponent(alert.rule ?? "")}`} target="_blank" rel="noopener"><code>${alert.rule}</code></a></dd>
      <dt>${t("why.clears")}</dt><dd>${sentence(alert.explanation.clears)}</dd></dl>`}
    ${(alert.responders ?? []).length > 0 &&
    html`<ul class="responders" aria-label=${t("card.responders")}>
      ${(alert.responders ?? []).map((r) => html`<li><b>${r.name}</b> ${t(`stage.${r.stage}`)} <time>${clock(r.at)}</time></li>`)}
    </ul>`}
  </section>`;
}
