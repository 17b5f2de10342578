/** The live queue, and above it the one that comes next: always in the same place, whatever happens below. */

import { Component, html, useEffect, useRef } from "../vendor/htm/standalone.module.js";
import { Age, NextStep } from "./counting.js";
import { useDesk, usePage } from "./hooks.js";
import { Today } from "./homecard.js";
import { Icon } from "./icon.js";
import { language, said, t, word } from "./i18n.js";
import { PREFIX } from "./priority.js";
import { Hands, Mark, Marks, whoWhere } from "./status.js";

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
      class=${`row p${alert.priority} ${alert.status} ${chosen ? "chosen" : ""} ${alert.claimed_by === user ? "mine" : ""}`}
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

export function Queue() {
  const { desk, go } = usePage();
  useDesk(desk);
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
  const shown = desk.order.slice(0, ROWS_AT_MOST);
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
      ${shown.map((id) => {
        const alert = desk.alerts.get(id);
        return (
          alert &&
          html`<${Row} key=${id} alert=${alert} home=${desk.homeOf(alert)} chosen=${id === desk.chosen} user=${desk.user} spoken=${language()} onChoose=${go.open} />`
        );
      })}
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
