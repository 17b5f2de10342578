/** Who lives there, how to get in, whom to ring, and what hangs on the walls. */

import { html } from "../vendor/htm/standalone.module.js";
import { usePage } from "./hooks.js";
import { Icon } from "./icon.js";
import { said, t, word } from "./i18n.js";
import { moment, now, yearOf } from "./time.js";

/** @typedef {import("./types.js").Home} Home @typedef {import("./types.js").Person} Person @typedef {import("./types.js").Device} Device */

/** A number one can read from a metre away: 138 1234 5678. @param {string} number */
function grouped(number) {
  const digits = number.replace(/[\s-]/g, "");
  if (/^1\d{10}$/.test(digits)) return `${digits.slice(0, 3)} ${digits.slice(3, 7)} ${digits.slice(7)}`;
  return number;
}

/** @param {{number?: string}} props */
export const Phone = ({ number }) =>
  number
    ? html`<a class="phone" href=${`tel:${number.replace(/[^\d+]/g, "")}`}><${Icon} name="phone" />${grouped(number)}</a>`
    : html`<span class="phone none">${t("card.no_phone")}</span>`;

/** @param {{label: string, text?: string|null, strong?: boolean}} props */
const Fact = ({ label, text, strong }) => text && html`<div class=${`fact ${strong ? "strong" : ""}`}><dt>${label}</dt><dd>${text}</dd></div>`;

/** @param {{home: Home, room?: string}} props */
export function WhoWhere({ home, room }) {
  const year = yearOf(now());
  return html`<section class="panel household">
    ${home.residents.map(
      (one) => html`<div class="resident">
        <h3>${one.name}${one.birth_year && html`<span class="aged">${t("card.age", { n: year - one.birth_year })}</span>`}</h3>
        ${one.phone && html`<${Phone} number=${one.phone} />`}
        <dl>
          <${Fact} label=${t("card.medical")} text=${one.medical} strong />
          <${Fact} label=${t("card.speech")} text=${one.speech} strong />
          <${Fact} label=${t("card.note")} text=${one.note} />
        </dl>
      </div>`,
    )}
    <div class="place">
      <h3>${[home.area_name, home.name].filter(Boolean).join(" · ")}${room && html`<span class="room">${word("room", room)}</span>`}</h3>
      <dl>
        <${Fact} label=${t("card.where")} text=${home.address} />
        <${Fact} label=${t("card.access")} text=${home.access} strong />
        <${Fact} label=${t("card.note")} text=${home.note} />
      </dl>
    </div>
  </section>`;
}

/** In the order in which they are to be rung. @param {{home: Home}} props */
export function Contacts({ home }) {
  return html`<section class="panel contacts">
    <h3>${t("card.call")}</h3>
    <ol>
      ${home.phone && html`<li><span class="n">·</span><span class="name">${t("card.home_phone")}</span><${Phone} number=${home.phone} /></li>`}
      ${home.contacts.map(
        (person, i) => html`<li>
          <span class="n">${i + 1}</span>
          <span class="name">${person.name}<small>${word("role", person.role)}</small></span>
          <${Phone} number=${person.phone} />
          ${person.note && html`<span class="remark">${person.note}</span>`}
        </li>`,
      )}
    </ol>
    ${home.contacts.length === 0 && html`<p class="none">${t("card.no_contacts")}</p>`}
  </section>`;
}

/** @param {{home: Home, concerned?: string|null}} props */
export function Devices({ home, concerned }) {
  const { desk } = usePage();
  const nameOf = (/** @type {Device} */ device) => device.name || said(desk.models.get(device.model) ?? { name: device.model }, "name");
  return html`<section class="panel devices">
  <h3>${t("card.devices")}</h3>
  <ul>
    ${home.devices.map((device) => {
      const online = device.online !== false;
      const low = typeof device.battery === "number" && device.battery <= 15;
      return html`<li class=${device.id === concerned ? "concerned" : ""}>
        <span class=${`dot ${online ? "on" : "off"}`} aria-hidden="true"></span>
        <span class="name">${nameOf(device)}<small>${[word("room", device.room), device.lifecycle === "unregistered" ? t("device.unregistered") : ""].filter(Boolean).join(" · ")}</small></span>
        <span class="state">
          ${online ? t("device.online") : t("device.offline")}
          ${!online && device.last_heard_at && html`<small>${t("device.heard", { at: moment(device.last_heard_at) })}</small>`}
          ${typeof device.battery === "number" && html`<small class=${low ? "low" : ""}>${t("device.battery", { n: device.battery })}</small>`}
        </span>
      </li>`;
    })}
  </ul>
</section>`;
}

/** When the home could not be heard: what was judged by silence there was not judged at all. @param {{home: Home}} props */
export function Unwatched({ home }) {
  const gaps = (home.unwatched ?? []).slice(0, 5);
  if (gaps.length === 0) return null;
  return html`<section class="panel unwatched">
    <h3>${t("card.unwatched")}</h3>
    <ul>${gaps.map((gap) => html`<li class=${gap.until ? "" : "now"}>${said(gap, "text")}</li>`)}</ul>
  </section>`;
}

/** Other alerts of the same home: one visit may answer them all. @param {{home: string|null, except?: string}} props */
export function Related({ home, except }) {
  const { desk, go } = usePage();
  const others = [...desk.alerts.values()].filter((other) => home && other.home === home && other.id !== except && other.status !== "closed");
  if (others.length === 0) return null;
  return html`<section class="panel related">
    <h3>${except ? t("card.related") : t("home.open_alerts", { n: others.length })}</h3>
    ${others.map(
      (other) => html`<button class=${`p${other.priority}`} onClick=${() => go.open(other.id)}>
        <${Icon} name=${`shape-${other.priority}`} /><b>${word("category", other.category)}</b><span>${word("room", other.room)}</span><time>${moment(other.raised_at)}</time>
      </button>`,
    )}
  </section>`;
}
