/** The bar at the top, the banners under it, the line of keys at the bottom. */

import { html } from "../vendor/htm/standalone.module.js";
import { Clock } from "./counting.js";
import { useDesk, usePage, useSeconds } from "./hooks.js";
import { Icon } from "./icon.js";
import { sentence, t } from "./i18n.js";
import { More } from "./masthead.js";
import { OnDuty } from "./onduty.js";
import { PREFIX, waiting } from "./priority.js";
import { clock, span } from "./time.js";

export function TopBar() {
  const { desk, go } = usePage();
  useDesk(desk);
  const open = [...desk.alerts.values()].filter((alert) => alert.status !== "closed" && !alert.folded_into);
  return html`<header class="top">
    <h1><${Icon} name="house" /><span>${t("brand")}</span></h1>
    <ul class="counts" aria-label=${t("bar.counts")}>
      ${[1, 2, 3, 4].map((p) => {
        const these = open.filter((alert) => alert.priority === p);
        const waits = these.some(waiting);
        return html`<li class=${`count p${p} ${these.length ? "" : "none"} ${waits ? "waits" : ""}`}>
          <${Icon} name=${`shape-${p}`} /><span class="word">${PREFIX[p]} ${t(`priority.${p}`)}</span><b>${these.length}</b>
        </li>`;
      })}
    </ul>
    <span class="space"></span>
    <${Link} />
    <${Clock} />
    <${Sound} />
    <button class="tool icon-only" onClick=${go.find} aria-label=${t("find.title")} title=${t("find.title")}><${Icon} name="find" /></button>
    <button class="tool" onClick=${go.language}>${t("bar.language")}<kbd>L</kbd></button>
    <button class="tool icon-only theme" onClick=${go.theme} aria-label=${t("bar.theme")} title=${t("bar.theme")}><${Icon} name="theme" /></button>
    <${More} />
    <span class="user">${desk.user}</span>
    <button class="tool" onClick=${go.logOut}>${t("logout")}</button>
  </header>`;
}

/** How fresh the page is. */
function Link() {
  const { desk } = usePage();
  useSeconds();
  const state = desk.lost ? "lost" : desk.brokenSince === null ? "live" : "reconnecting";
  return html`<span class=${`link ${state}`}><i aria-hidden="true"></i>${t(`bar.${state}`)}<span class="heard">${t("bar.heard", { n: Math.floor(desk.silence / 1000) })}</span></span>`;
}

function Sound() {
  const { bell, go } = usePage();
  useSeconds();
  const left = bell.pausedUntil - Date.now();
  const [name, text] = bell.locked
    ? ["locked", t("bar.sound_locked")]
    : !bell.on
      ? ["off", t("bar.sound_off")]
      : left > 0
        ? ["paused", t("bar.sound_paused", { in: span(left + 999) })]
        : ["on", t("bar.sound_on")];
  return html`<button class=${`tool sound ${name}`} aria-pressed=${name === "on" ? "true" : "false"} onClick=${go.sound}>
    <${Icon} name=${name === "on" ? "sound-on" : "sound-off"} /><span>${text}</span>
  </button>`;
}

export function Banners() {
  const { desk } = usePage();
  useDesk(desk);
  useSeconds();
  const seconds = Math.floor(desk.silence / 1000);
  return html`<div class="banners">
    ${desk.lost &&
    html`<div class="banner lost" role="alert">
      <${Icon} name="broken" /><b>${t("banner.lost", { at: clock(desk.serverHeardAt), s: seconds })}</b><span>${t("banner.lost_more")}</span>
    </div>`}
    ${!desk.alarmUp && html`<div class="banner lost" role="alert"><${Icon} name="broken" /><b>${t("banner.alarm_down")}</b><span>${t("banner.alarm_down_more")}</span></div>`}
    ${desk.flood && html`<div class="banner problem flood" role="status"><b>${t("flood.banner", { n: desk.flood.count })}</b></div>`}
    ${desk.alarmUp &&
    (!desk.ready || desk.problems.length > 0) &&
    html`<div class="banner problem" role="alert"><${Icon} name="technical" /><b>${t("banner.not_ready")}</b><span>${desk.problems.map(sentence).join(" ")}</span></div>`}
  </div>`;
}

/** What floats over the page and moves nothing: a refusal, the way to switch the sound on. */
export function Floats() {
  const { desk, bell, go } = usePage();
  useDesk(desk);
  return html`<div class="floats">
    ${desk.notice &&
    html`<div class="banner refusal" role="alert">
      <b>${desk.notice.title}</b><span>${desk.notice.text}</span>
      <button onClick=${() => desk.set({ notice: null })}>${t("refusal.close")}<kbd>Esc</kbd></button>
    </div>`}
    ${bell.locked && html`<button class="banner sound" onClick=${go.unlock}><${Icon} name="sound-off" /><b>${t("banner.sound")}</b></button>`}
  </div>`;
}

export function KeyLine() {
  const { desk, go } = usePage();
  useDesk(desk);
  const keys = [
    [t("keys.space"), "keys.bar_take"],
    ["J K", "keys.bar_move"],
    ["A", "keys.bar_ack"],
    ["C", "keys.bar_close"],
    ["/", "keys.bar_find"],
  ];
  return html`<footer class="keys">
    ${keys.map(([key, says]) => html`<span><kbd>${key}</kbd>${t(says)}</span>`)}
    <span class="space"></span>
    <${OnDuty} />
    ${desk.seq > 0 && html`<span class="seq">${t("bar.seq", { seq: desk.seq })}</span>`}
    <button onClick=${go.help}><kbd>?</kbd>${t("keys.bar_all")}</button>
  </footer>`;
}
