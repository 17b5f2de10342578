/** The live queue, and above it the one that comes next: always in the same place, whatever happens below. */

import { Component, html, useEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { Age, NextStep } from "./counting.js";
import { useDesk, usePage } from "./hooks.js";
import { Today } from "./homecard.js";
import { Icon } from "./icon.js";
import { language, said, t, word } from "./i18n.js";
import { PREFIX, shown } from "./priority.js";
import { Hands, Mark, Marks, whoWhere } from "./status.js";
import { together } from "./together.js";

/** @typedef {import("./types.js").Alert} Alert @typedef {import("./types.js").Home} Home */

const ROWS_AT_MOST = 150;

/** Drawn again only when its own alert, home or choice changed: a storm of 100 alerts redraws one row, not 100. */
class Row extends Component {
  /** @param {any} next */
  shouldComponentUpdate(next) {
    return ["alert", "home", "chosen", "user", "spoken"].some((name) => next[name] !== this.props[name]);
  }

  /** @param {{alert: Alert, home: Home|null, chosen: boolean, user: string, onChoose: (id: string) => void}} props */
  render({ alert, home, chosen, user, onChoose }) {
    const { who, where } = whoWhere(alert, home);
    return html`<li
      id=${`row-${alert.id}`}
      data-alert=${alert.id}
      role="option"
      aria-selected=${chosen ? "true" : "false"}
      class=${`row p${shown(alert)} ${alert.status} ${chosen ? "chosen" : ""} ${alert.claimed_by === user ? "mine" : ""}`}
      onClick=${() => onChoose(alert.id)}
    >
      <${Mark} alert=${alert} />
      <div class="what">
        <div class="line first">
          <span class="kind"><${Icon} name=${alert.category} />${word("category", alert.category)}</span>
          <span class="who">${who}</span>
        </div>
        <div class="line where">${where}</div>
        <div class="line tags"><${Hands} alert=${alert} user=${user} /><${Marks} alert=${alert} /></div>
      </div>
      <div class="when">
        <${Age} since=${alert.raised_at} until=${alert.closed_at} />
        ${alert.next_step_at && alert.status === "triggered" && html`<${NextStep} at=${alert.next_step_at} />`}
      </div>
    </li>`;
  }
}

function Next() {
  const { desk, go } = usePage();
  const next = desk.next;
  const others = [...desk.alerts.values()].some((alert) => alert.status !== "closed");
  const { who, where } = next ? whoWhere(next, desk.homeOf(next)) : { who: "", where: "" };
  return html`<button class=${`next ${next ? `p${next.priority}` : "calm"}`} disabled=${!next || desk.lost} onClick=${() => go.takeNext()}>
    <kbd>${t("keys.space")}</kbd>
    ${next
      ? html`<span class="do">${t("queue.next")}</span>
          <span class="whom"><b>${PREFIX[next.priority]} ${word("category", next.category)}</b> ${who} <span>${where}</span></span>`
      : html`<span class="whom">${others ? t("queue.next_others") : t("queue.next_none")}</span>`}
    ${desk.heldBack.length > 0 && html`<span class="held-back">${t("queue.held_back", { n: desk.heldBack.length })}</span>`}
  </button>`;
}

/** A screen with several alerts must not add their flashes up: every flash keeps the same beat (WCAG 2.3.1). */
function flashTogether() {
  for (const animation of document.getAnimations()) {
    if (/** @type {CSSAnimation} */ (animation).animationName?.startsWith("flash-")) animation.startTime = 0;
  }
}

/** What a flood never puts under a heading. */
const ALONE = ["call_for_help", "fire", "gas", "fall"];

/**
 * The queue as it is shown in a flood: what stands under the safety floor, is chosen, or is in somebody's hands, by itself; the rest by
 * sort and area, at the place of the first of them.
 * @param {Alert[]} alerts @param {string|null} chosen @returns {(Alert|{name: string, alerts: Alert[]})[]}
 */
export function grouped(alerts, chosen) {
  /** @type {Map<string, {name: string, alerts: Alert[]}>} */
  const groups = new Map();
  /** @type {(Alert|{name: string, alerts: Alert[]})[]} */
  const shownAs = [];
  for (const alert of alerts) {
    if (ALONE.includes(alert.category) || alert.claimed_by || alert.id === chosen) {
      shownAs.push(alert);
      continue;
    }
    const name = `${alert.category} ${alert.area}`;
    const known = groups.get(name);
    if (known) known.alerts.push(alert);
    else {
      const group = { name, alerts: [alert] };
      groups.set(name, group);
      shownAs.push(group);
    }
  }
  return shownAs.map((one) => ("alerts" in one && one.alerts.length === 1 ? one.alerts[0] : one));
}

/** @param {{group: {name: string, alerts: Alert[]}, open: boolean, onToggle: () => void}} props */
function Group({ group, open, onToggle }) {
  const [first] = group.alerts;
  return html`<li class=${`row group p${shown(first)}`} role="presentation">
    <button aria-expanded=${open ? "true" : "false"} onClick=${onToggle}>
      <${Icon} name=${first.category} /><b>${word("category", first.category)}</b><span>${first.area_name || first.area}</span>
      <span class="tag quiet">${t("flood.group", { n: group.alerts.length })}</span><span>${t(open ? "flood.shut" : "flood.open")}</span>
    </button>
  </li>`;
}

export function Queue() {
  const { desk, go } = usePage();
  useDesk(desk);
  const [unfolded, setUnfolded] = useState(/** @type {string[]} */ ([]));
  const list = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(flashTogether);
  useEffect(() => {
    const box = list.current;
    const row = desk.chosen && document.getElementById(`row-${desk.chosen}`);
    if (box && row) {
      // `scrollIntoView` would move the whole page on a phone.
      const above = row.offsetTop - box.scrollTop;
      if (above < 0) box.scrollTop = row.offsetTop;
      else if (above + row.offsetHeight > box.clientHeight) box.scrollTop = row.offsetTop + row.offsetHeight - box.clientHeight;
    }
  }, [desk.chosen]);

  const atWork = () => desk.handAtWork();
  const standing = desk.order.flatMap((id) => desk.alerts.get(id) ?? []);
  const rows = (desk.flood ? grouped(standing, desk.chosen) : standing).slice(0, ROWS_AT_MOST);
  const toggle = (/** @type {string} */ name) => setUnfolded(unfolded.includes(name) ? unfolded.filter((one) => one !== name) : [...unfolded, name]);
  const row = (/** @type {Alert} */ alert) =>
    html`<${Row} key=${alert.id} alert=${alert} home=${desk.homeOf(alert)} chosen=${alert.id === desk.chosen} user=${desk.user} spoken=${language()} onChoose=${go.open} />`;
  return html`<section class="queue" aria-labelledby="queue-title">
    <h2 id="queue-title" class="unseen">${t("queue.title")}</h2>
    <${Next} />
    <ul
      ref=${list}
      class="rows"
      role="listbox"
      tabindex="0"
      aria-labelledby="queue-title"
      aria-activedescendant=${desk.chosen ? `row-${desk.chosen}` : undefined}
      onPointerMove=${atWork}
      onPointerDown=${atWork}
      onWheel=${atWork}
      onTouchMove=${atWork}
      onPointerLeave=${(/** @type {PointerEvent} */ e) => e.pointerType === "mouse" && desk.rest()}
    >
      ${rows.flatMap((one) => {
        if (!("alerts" in one)) return row(one);
        const open = unfolded.includes(one.name);
        return [html`<${Group} key=${one.name} group=${one} open=${open} onToggle=${() => toggle(one.name)} />`, ...(open ? one.alerts.map(row) : [])];
      })}
      ${together(desk).length > 1 &&
      html`<li class="more" role="presentation"><button disabled=${desk.lost} onClick=${go.together}>${t("together.open")}<kbd>B</kbd></button></li>`}
      ${desk.order.length > ROWS_AT_MOST && html`<li class="more" role="presentation">${t("queue.more", { n: desk.order.length - ROWS_AT_MOST })}</li>`}
    </ul>
    ${desk.order.length === 0 && html`<${Empty} loaded=${desk.loaded} />`}
    <div class="under"><${Today} /></div>
  </section>`;
}

/** @param {{loaded: boolean}} props */
const Empty = ({ loaded }) =>
  loaded
    ? html`<div class="empty"><${Icon} name="house" /><p class="calm">${t("queue.empty")}</p><p>${t("queue.empty_more")}</p></div>`
    : html`<div class="empty"><p>${t("queue.loading")}</p></div>`;

/** @param {Alert} alert @param {Home|null} home a new alert in one spoken line */
export function spoken(alert, home) {
  const { who, where } = whoWhere(alert, home);
  return t("announce.new", { priority: t(`priority.${alert.priority}`), category: said(alert, "title") || word("category", alert.category), who, where });
}
