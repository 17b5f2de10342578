/**
 * What is to be done for homes besides answering their alerts: today's calls, check-ins, visits and tests, requests for help, and the
 * plans behind them, and what homes were told by safety prompts. Keys: 1 2 3 4 the lists, arrows the row, D done, M missed, N something new.
 */

import { html, render, useEffect, useLayoutEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { call, Refusal } from "../js/api.js";
import { said } from "../js/i18n.js";
import { Masthead } from "../js/masthead.js";
import { moment, setZone } from "../js/time.js";
import { Ask, explained, NewPlan, Word } from "./forms.js";
import { t } from "./words.js";

/** @typedef {Record<string, any>} Row @typedef {"today"|"helps"|"plans"|"prompts"} List */

const REFRESH_MS = 5_000;
const LISTS = /** @type {List[]} */ (["today", "helps", "plans", "prompts"]);
const PATHS = { today: "/visits?state=today&limit=200", helps: "/help-requests?state=all&limit=100", plans: "/care-plans?limit=500", prompts: "/prompts?limit=200" };
const STEPS = /** @type {Record<string, string[]>} */ ({
  asked: ["accepted", "on_the_way", "done", "declined", "cancelled"],
  accepted: ["on_the_way", "done", "declined", "cancelled"],
  on_the_way: ["done", "declined", "cancelled"],
});
const asked = new URLSearchParams(location.search);

/** @param {{row: Row}} props where, who, how to reach */
const Place = ({ row }) => html`<span class="grow">${row.home_name || row.home} <span class="quiet">${[row.area_name, row.address, ...(row.residents ?? []), row.phone].filter(Boolean).join(" · ")}</span></span>`;

/** @param {{row: Row, open: string, onOpen: (what: string) => void, onSend: (path: string, body: object) => Promise<void>}} props */
function Visit({ row, open, onOpen, onSend }) {
  const settle = (/** @type {string} */ word) => onSend(`/visits/${row.id}/${open}`, { word });
  return html`<div class="row"><span class="state">${t(row.state)}</span><b>${said(row, "title")}</b><${Place} row=${row} />
      <span>${moment(row.due_at)} <span class="quiet">${t("until", { at: moment(row.late_at) })}</span></span>
      ${row.state !== "coming" && html`<span class="buttons"><button class="main" onClick=${() => onOpen("done")}>${t("done")}<kbd>D</kbd></button><button onClick=${() => onOpen("missed")}>${t("missed")}<kbd>M</kbd></button></span>`}</div>
    ${(row.who || row.note) && html`<p class="quiet">${[row.who, row.note].filter(Boolean).join(" · ")}</p>`}
    ${open && html`<${Word} hint=${t(`word.${open}`)} onSend=${settle} onClose=${() => onOpen("")} />`}`;
}

/** @param {{row: Row, open: string, onOpen: (what: string) => void, onSend: (path: string, body: object) => Promise<void>}} props */
function Request({ row, open, onOpen, onSend }) {
  const stars = open.startsWith("stars") ? Number(open.slice(5)) : 0;
  const send = (/** @type {string} */ word) =>
    stars ? onSend(`/help-requests/${row.id}/rating`, { stars, word }) : onSend(`/help-requests/${row.id}/stage`, { stage: open, word });
  return html`<div class="row"><span class="state">${said(row, "stage_text")}</span><b>${said(row, "title")}</b><${Place} row=${row} />
      <span>${row.responder_name} <span class="quiet">${row.responder_phone}</span></span><span>${moment(row.due_at)}</span></div>
    ${row.word && html`<p>${row.word}</p>`}
    ${row.stage === "asked" && row.reminded && html`<p class="bad">${t("unanswered")} ${row.responder_phone}</p>`}
    <p class="quiet">${row.steps.filter((/** @type {Row} */ s) => s.word).map((/** @type {Row} */ s) => `${moment(s.at)} ${s.word}`).join(" · ")}</p>
    <div class="buttons">${(STEPS[row.stage] ?? []).map((stage) => html`<button onClick=${() => onOpen(stage)}>${t(stage)}</button>`)}
      ${row.stage === "done" && !row.stars && [1, 2, 3, 4, 5].map((n) => html`<button aria-label=${`${t("rate")} ${n}`} onClick=${() => onOpen(`stars${n}`)}>${"★".repeat(n)}</button>`)}
      ${row.stars && html`<span>${"★".repeat(row.stars)} ${row.opinion}</span>`}</div>
    ${open && html`<${Word} hint=${t(stars ? "word.rating" : "word.stage")} onSend=${send} onClose=${() => onOpen("")} />`}`;
}

/** @param {{row: Row, onEnd: () => void}} props */
const Plan = ({ row, onEnd }) => html`<div class="row"><b>${said(row, "title")}</b><${Place} row=${row} />
    <span>${t(`every.${row.every}`)} ${row.day ?? row.days.join(", ")} ${row.at}</span><span class="quiet">${row.next_at ? t("next", { at: moment(row.next_at) }) : ""}</span>
    <button onClick=${onEnd}>${t("end")}</button></div>
  <p class="quiet">${[row.who, row.note].filter(Boolean).join(" · ")}</p>`;

/** @param {{row: Row}} props what was said, is to be said in the morning, or was left out and why */
const Said = ({ row }) => html`<div class="row"><span class="state">${t(`prompt.${row.state}`)}</span><b>${said(row, "title")}</b><${Place} row=${row} />
    <span>${moment(row.at)} ${row.until && html`<span class="quiet">${t("prompt.until", { at: moment(row.until) })}</span>`}</span></div>
  <p class="quiet">${[said(row, "text"), row.people.join(t("and")), said(row, "why")].filter(Boolean).join(" · ")}</p>`;

/** @param {List} list @param {Row} row */
const kindOf = (list, row) => (list === "today" ? row.state : list === "plans" || list === "prompts" ? "open" : row.overdue && STEPS[row.stage] ? "overdue" : STEPS[row.stage] ? "due" : "over");

/**
 * While a word is being written every row stays where it is, and its own stays even where somebody else has settled it: what was
 * typed is not lost, and goes where it was meant to go. @param {Row[]} before @param {Row[]} now @param {string} writing
 */
function held(before, now, writing) {
  const fresh = new Map(now.map((row) => [row.id, row]));
  const kept = before.filter((row) => fresh.has(row.id) || row.id === writing).map((row) => fresh.get(row.id) ?? row);
  return [...kept, ...now.filter((row) => !before.some((old) => old.id === row.id))];
}

function Whole() {
  const [list, setList] = useState(/** @type {List} */ (asked.has("alert") ? "helps" : "today"));
  const [known, setKnown] = useState(/** @type {{of: string, items: Row[]}} */ ({ of: "", items: [] }));
  /** Those of another list have no place in this one, not for a moment. */
  const rows = known.of === list ? known.items : null;
  /** The row, not its place: the list changes while somebody works in it. Where the row has gone, the one in its place is next. */
  const [chosen, choose] = useState({ id: "", place: 0 });
  const found = (rows ?? []).findIndex((row) => row.id === chosen.id);
  const at = found < 0 ? Math.max(Math.min(chosen.place, (rows ?? []).length - 1), 0) : found;
  const setAt = (/** @type {number} */ place) => choose({ id: rows?.[place]?.id ?? "", place });
  const [open, setOpen] = useState(/** @type {{id: string, what: string}} */ ({ id: "", what: "" }));
  const [making, setMaking] = useState(asked.has("alert"));
  const [problem, setProblem] = useState("");
  const [, turn] = useState(0);
  const shown = useRef(list);
  const writing = useRef("");
  writing.current = open.id;
  const tell = (/** @type {unknown} */ refusal) => (refusal instanceof Refusal && refusal.status === 401 ? location.replace("/") : setProblem(explained(refusal)));
  const read = async (/** @type {List} */ wanted) => {
    try {
      const home = asked.get("home");
      const page = await call("GET", PATHS[wanted] + (home ? `&home=${encodeURIComponent(home)}` : ""));
      if (shown.current === wanted) (setKnown((was) => ({ of: wanted, items: writing.current && was.of === wanted ? held(was.items, page.items, writing.current) : page.items })), setProblem(""));
    } catch (refusal) {
      tell(refusal);
    }
  };
  useEffect(() => void call("GET", "/session").then((me) => (setZone(me.timezone), turn((n) => n + 1)), tell), []);
  useEffect(() => {
    shown.current = list;
    choose({ id: "", place: 0 });
    read(list);
    const timer = setInterval(() => read(list), REFRESH_MS);
    return () => clearInterval(timer);
  }, [list]);
  const show = (/** @type {List} */ wanted) => (setList(wanted), setMaking(false), setOpen({ id: "", what: "" }));
  const send = async (/** @type {string} */ path, /** @type {object} */ body) => {
    await call("POST", path, body);
    setOpen({ id: "", what: "" });
    await read(list);
  };
  useLayoutEffect(() => {
    if (rows?.length && (rows[at].id !== chosen.id || at !== chosen.place)) setAt(at);
  });
  // Before the next key, however fast it comes: it is meant for what is shown now.
  useLayoutEffect(() => {
    /** @param {KeyboardEvent} event */
    const press = (event) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, select, form");
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      const current = (rows ?? [])[at];
      const key = event.key.toLowerCase();
      if (key >= "1" && key <= "4") show(LISTS[Number(key) - 1]);
      else if (key === "arrowdown" || key === "j") setAt(Math.min(at + 1, (rows ?? []).length - 1));
      else if (key === "arrowup" || key === "k") setAt(Math.max(at - 1, 0));
      else if (key === "n" && list !== "prompts") setMaking(true);
      else if (current && list === "today" && current.state !== "coming" && (key === "d" || key === "m")) setOpen({ id: current.id, what: key === "d" ? "done" : "missed" });
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  useEffect(() => document.querySelector("li[aria-current=true]")?.scrollIntoView({ block: "nearest" }), [at]);
  const home = asked.get("home") ?? "";
  const made = () => (setMaking(false), read(list));
  const row = (/** @type {Row} */ one) => {
    const what = open.id === one.id ? open.what : "";
    const onOpen = (/** @type {string} */ wanted) => setOpen({ id: wanted ? one.id : "", what: wanted });
    if (list === "plans") return html`<${Plan} row=${one} onEnd=${() => call("DELETE", `/care-plans/${one.id}`).then(() => read(list), tell)} />`;
    if (list === "prompts") return html`<${Said} row=${one} />`;
    return html`<${list === "today" ? Visit : Request} row=${one} open=${what} onOpen=${onOpen} onSend=${send} />`;
  };
  return html`<${Masthead} title=${t("title")} again=${() => turn((n) => n + 1)} />
    <nav role="tablist">${LISTS.map((one, n) => html`<button role="tab" aria-selected=${one === list} onClick=${() => show(one)}>${t(one)}<kbd>${n + 1}</kbd></button>`)}</nav>
    <main>
      ${problem && html`<p class="panel bad" role="alert">${problem}</p>`}
      ${(list === "helps" || list === "plans") && !making && html`<p class="panel"><button class="main" onClick=${() => setMaking(true)}>${t(list === "helps" ? "ask" : "plan")}<kbd>N</kbd></button></p>`}
      ${making && list === "helps" && html`<${Ask} home=${home} alert=${asked.get("alert") ?? ""} onDone=${made} />`}
      ${making && list === "plans" && html`<${NewPlan} home=${home} onDone=${made} />`}
      ${rows && !rows.length && html`<p class="panel quiet">${t(`${list}.none`)}</p>`}
      <ul class="list">${(rows ?? []).map((one, n) => html`<li key=${one.id} data-id=${one.id} class=${kindOf(list, one)} aria-current=${n === at} onClick=${() => setAt(n)}>${row(one)}</li>`)}</ul>
    </main>`;
}

render(html`<${Whole} />`, /** @type {HTMLElement} */ (document.getElementById("page")));
