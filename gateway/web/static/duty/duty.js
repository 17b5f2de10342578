/** Who is on duty now and next, the week, what is wanting before it matters, the change of shifts, and who is told when. */

import { html, render, useEffect, useLayoutEffect, useState } from "../vendor/htm/standalone.module.js";
import { call, Refusal } from "../js/api.js";
import { Masthead } from "../js/masthead.js";
import { moment, setZone } from "../js/time.js";
import { Handing, takeOver } from "./handing.js";
import { Wanting } from "./wanting.js";
import { Week } from "./week.js";
import { named, t } from "./words.js";

const REFRESH_MS = 10_000;
const DAY = 86_400_000;
/** China's: rosters follow the wall clock there, and the service says so of its sentences too. */
const ZONE_MS = 8 * 3_600_000;

/** The local midnight that began the day of a moment. @param {number} at */
const midnight = (at) => Math.floor((at + ZONE_MS) / DAY) * DAY - ZONE_MS;

/** @param {{shifts: any[], word: string, nobody: string}} props */
function People({ shifts, word, nobody }) {
  if (!shifts.length) return html`<div class="nobody"><span class="quiet">${word}</span><b class="bad">${nobody}</b></div>`;
  return html`${shifts.map(
    (shift) => html`<div class=${word === t("now") ? "on" : ""}>
      <span class="quiet">${word} · ${shift.layer}</span><b>${shift.name}</b>
      <span>${word === t("now") || Date.parse(shift.since) <= Date.now() ? `${t("until")} ${moment(shift.until)}` : `${t("from")} ${moment(shift.since)}`}${shift.phone && html` · ${shift.phone}`}</span>
    </div>`,
  )}`;
}

/** @param {{policy: any}} props */
function Policy({ policy }) {
  const where = policy.areas.length ? `${t("areas")} ${policy.areas.join(", ")}` : t("everywhere");
  return html`<tr>
    <th>${policy.id}<br /><small class="quiet">${where}</small></th>
    <td><ul class="plain">${policy.steps.map(
      (/** @type {any} */ step) => html`<li>${step.after_s ? `${step.after_s} s ${t("after")}` : t("at_once")}: ${step.targets.map(named).join(", ")}${step.hours.length ? ` (${step.hours.join(", ")})` : ""}</li>`,
    )}</ul></td>
    <td>${t("rounds")} ${policy.rounds}${policy.accepts ? html`<br />${policy.accepts} ${t("accepts")}` : ""}</td>
  </tr>`;
}

function Whole() {
  const [seen, setSeen] = useState(/** @type {any} */ (null));
  const [week, setWeek] = useState(0);
  const [chosen, choose] = useState(0);
  const [problem, setProblem] = useState("");
  const [said, setSaid] = useState(/** @type {{text: string, good: boolean}|null} */ (null));
  const [, turn] = useState(0);
  const from = midnight(Date.now()) + week * 7 * DAY;

  const look = async () => {
    const [start, end] = [new Date(from).toISOString(), new Date(from + 7 * DAY).toISOString()];
    try {
      const [me, rosters, shifts, wanting, staff, policies] = await Promise.all([
        call("GET", "/session"), call("GET", "/rosters?limit=100"), call("GET", `/shifts?limit=500&start=${start}&end=${end}`),
        call("GET", "/rosters/gaps/groups"), call("GET", "/staff?limit=500"), call("GET", "/policies?limit=100"),
      ]);
      setZone(me.timezone);
      const desks = rosters.items.filter((/** @type {any} */ roster) => roster.desk);
      const open = await Promise.all(desks.map((/** @type {any} */ roster) => call("GET", `/rosters/${encodeURIComponent(roster.id)}/handover?limit=200`)));
      const items = new Map(desks.map((/** @type {any} */ roster, /** @type {number} */ n) => [roster.id, open[n].items]));
      setSeen({ me, rosters: rosters.items, shifts: shifts.items, wanting, staff: staff.items, policies: policies.items, items });
      setProblem("");
    } catch (error) {
      setProblem(error instanceof Refusal && error.status === 401 ? "login" : "lost");
    }
  };
  useEffect(() => {
    look();
    const timer = setInterval(look, REFRESH_MS);
    return () => clearInterval(timer);
  }, [week]);

  const mine = (/** @type {any} */ roster) => {
    const names = new Map(seen.staff.map((/** @type {any} */ person) => [person.id, person.user || person.name]));
    return roster.now.some((/** @type {any} */ shift) => names.get(shift.staff) === seen.me.username);
  };
  /** @type {{roster: any, item: any}[]} */
  const rows = seen ? seen.rosters.flatMap((/** @type {any} */ roster) => (seen.items.get(roster.id) ?? []).map((/** @type {any} */ item) => ({ roster, item }))) : [];
  const say = (/** @type {string} */ text, good = false) => setSaid({ text, good });
  // Before the next key, however fast it comes: it is meant for what is shown now.
  useLayoutEffect(() => {
    const press = (/** @type {KeyboardEvent} */ event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (/** @type {HTMLElement} */ (event.target).closest("input, select, textarea")) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const row = rows[chosen];
      const sent = (/** @type {Promise<unknown>} */ asked) => asked.then(() => (say(t("done"), true), look()), (error) => say(error.message));
      if (key === "ArrowLeft") setWeek((n) => n - 1);
      else if (key === "ArrowRight") setWeek((n) => n + 1);
      else if (key === "j" || key === "ArrowDown") choose((n) => Math.min(rows.length - 1, n + 1));
      else if (key === "k" || key === "ArrowUp") choose((n) => Math.max(0, n - 1));
      else if (key === "t" && row?.item.earlier) sent(takeOver(row.roster.id, [row.item.id]));
      else if (key === "a" && seen) for (const roster of seen.rosters.filter((/** @type {any} */ each) => each.waiting && mine(each))) sent(takeOver(roster.id, []));
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });

  const supervises = Boolean(seen?.me.rights.includes("supervise"));
  return html`<${Masthead} title=${t("title")} again=${() => turn((n) => n + 1)} />
  <main>
    ${problem && html`<p class="said bad" role="alert">${t(problem)}</p>`}
    ${said && html`<p class=${`said ${said.good ? "good" : "bad"}`} role="status">${said.text}</p>`}
    ${seen && seen.rosters.length === 0 && html`<p class="quiet">${t("none")}</p>`}
    ${seen?.rosters.map(
      (/** @type {any} */ roster) => html`<section data-roster=${roster.id}>
        <h2>${named(roster)} <small class="quiet">${roster.area}</small></h2>
        <div class="who">
          <${People} shifts=${roster.now} word=${t("now")} nobody=${t("nobody")} />
          <${People} shifts=${roster.next} word=${t("next")} nobody=${t("nobody")} />
        </div>
        ${roster.gaps.length > 0 &&
        html`<div class="gaps"><b class="bad">${t("gaps")}</b><ul class="plain">${roster.gaps.slice(0, 6).map((/** @type {any} */ gap) => html`<li>${moment(gap.since)} – ${moment(gap.until)}</li>`)}${roster.gaps.length > 6 && html`<li>${t("more")}</li>`}</ul></div>`}
        ${roster.unreachable.length > 0 && html`<p class="bad">${t("unreachable")}: ${roster.unreachable.join(", ")}</p>`}
        <h3>${t("week")} <button onClick=${() => setWeek(week - 1)} aria-label=${t("earlier_week")}>←</button> <button onClick=${() => setWeek(week + 1)} aria-label=${t("later_week")}>→</button></h3>
        <${Week} from=${from} now=${Date.now()} roster=${roster.id} layers=${roster.layers} staff=${seen.staff} supervises=${supervises} say=${say} done=${look}
          shifts=${seen.shifts.filter((/** @type {any} */ shift) => shift.roster === roster.id)} gaps=${roster.gaps} />
        ${roster.desk &&
        html`<${Handing} roster=${roster} items=${seen.items.get(roster.id) ?? []} mine=${mine(roster)} say=${say} done=${look}
          chosen=${rows[chosen]?.roster.id === roster.id ? chosen - rows.findIndex((row) => row.roster.id === roster.id) : -1} />`}
      </section>`,
    )}
    ${seen &&
    html`<${Wanting} groups=${seen.wanting.items} />
    <section><h2>${t("policies")}</h2><table><tbody>${seen.policies.map((/** @type {any} */ policy) => html`<${Policy} policy=${policy} />`)}</tbody></table></section>
    <p class="quiet">${t("keys")}</p>`}
  </main>`;
}

render(html`<${Whole} />`, /** @type {HTMLElement} */ (document.getElementById("page")));
