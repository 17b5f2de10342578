/**
 * What is quiet just now and why: silences, maintenance, devices on test; who set each, until when, what it kept off the ring. Keys: 1 2 3
 * the lists, J K the row, E end it, N a new one, L the language.
 */

import { html, render, useEffect, useLayoutEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { call, Refusal } from "../js/api.js";
import { language, word } from "../js/i18n.js";
import { Masthead } from "../js/masthead.js";
import { heard, moment, setZone } from "../js/time.js";
import { Begin } from "./begin.js";
import { t } from "./words.js";

/** @typedef {{alert: string, at: string, rang_at: string|null, closed_at: string|null}} Muted */
/**
 * @typedef {{id: string, home: string|null, home_name: string, area: string|null, area_name: string, device: string|null, device_name: string, categories: string[],
 *   start: string, until: string, reason: string, by: string, owner: string|null, maintenance: boolean, under_way: boolean, ended_at: string|null,
 *   ended_by: string|null, muted_count: number}} Silence
 * @typedef {{id: string, home: string, home_name: string, devices: {id: string, name: string, room: string}[], start: string, end: string, under_way: boolean,
 *   tester: string, by: string, reason: string, calls: object[]}} OnTest
 * @typedef {{key: string, kind: "silence"|"maintenance"|"test", silence?: Silence, test?: OnTest, now: boolean, ended: boolean, until: string}} Row
 * @typedef {"now"|"planned"|"ended"} List
 */

const REFRESH_MS = 5_000;
const ENDED_AT_MOST = 100;
const LISTS = /** @type {List[]} */ (["now", "planned", "ended"]);

/** @param {string} path @returns {Promise<any[]>} */
async function all(path) {
  const items = [];
  let cursor = "";
  do {
    const page = await call("GET", `${path}&limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    items.push(...page.items);
    cursor = page.next ?? "";
  } while (cursor);
  return items;
}

/** @param {Silence[]} silences @param {OnTest[]} tests @returns {Row[]} */
const rowsOf = (silences, tests) => [
  ...silences.map((one) => ({ key: `s ${one.id}`, kind: /** @type {"silence"|"maintenance"} */ (one.maintenance ? "maintenance" : "silence"), silence: one, now: one.under_way, ended: Boolean(one.ended_at), until: one.ended_at ?? one.until })),
  ...tests.map((one) => ({ key: `t ${one.id}`, kind: /** @type {"test"} */ ("test"), test: one, now: one.under_way, ended: false, until: one.end })),
];

/** @param {Row[]} rows @param {List} list what ends first stands first; what is over, the latest first */
function inList(rows, list) {
  const these = rows.filter((row) => (list === "ended" ? row.ended : !row.ended && row.now === (list === "now")));
  const by = list === "ended" ? -1 : 1;
  return these.sort((a, b) => by * (Date.parse(a.until) - Date.parse(b.until))).slice(0, list === "ended" ? ENDED_AT_MOST : undefined);
}

/** @param {{row: Row, open: string, onOpen: (what: string) => void, onEnd: () => void, mayEnd: boolean}} props */
function Item({ row, open, onOpen, onEnd, mayEnd }) {
  const { silence, test } = row;
  return html`<div class="row"><span class="kind">${t(row.kind)}</span><b class="grow">${silence ? where(silence) : test?.home_name || test?.home}</b>
      <span>${silence ? `${moment(silence.start)} – ${moment(silence.until)}` : test && `${moment(test.start)} – ${moment(test.end)}`}</span></div>
    ${silence ? html`<${Told} silence=${silence} open=${open === "which"} onOpen=${onOpen} />` : test && html`<${Testing} test=${test} />`}
    ${open === "end"
      ? html`<div class="sure"><${Sure} row=${row} /><div class="buttons"><button class="main" onClick=${onEnd}>${t("yes")}</button><button onClick=${() => onOpen("")}>${t("keep")}</button></div></div>`
      : !row.ended && mayEnd && html`<div class="buttons"><button onClick=${() => onOpen("end")}>${t("end")}<kbd>E</kbd></button></div>`}`;
}

/** @param {Silence} one */
const where = (one) => [one.home ? one.home_name || one.home : one.area_name || one.area, one.device ? one.device_name || one.device : "", one.home ? "" : t("whole_area")].filter(Boolean).join(" · ");

/** @param {{silence: Silence, open: boolean, onOpen: (what: string) => void}} props */
function Told({ silence: one, open, onOpen }) {
  const ran = one.ended_at && (one.ended_by && one.ended_by !== "service" ? t("ended_at", { at: moment(one.ended_at), by: one.ended_by }) : t("ended_itself", { at: moment(one.ended_at) }));
  return html`<dl>
      <dt>${t("what")}</dt><dd>${one.categories.length ? one.categories.map((each) => word("category", each)).join(" · ") : t("all")}</dd>
      <dt>${t("why")}</dt><dd>${one.reason}</dd>
      <dt>${t("by")}</dt><dd>${one.by}${one.owner && one.owner !== one.by ? ` (${t("owner")} ${one.owner})` : ""}</dd>
      ${ran && html`<dt>${t("ended")}</dt><dd>${ran}</dd>`}
      <dt>${t("so_far")}</dt><dd><b>${t("count", { n: one.muted_count })}</b></dd>
    </dl>
    ${one.muted_count > 0 && html`<div class="buttons"><button aria-expanded=${open ? "true" : "false"} onClick=${() => onOpen(open ? "" : "which")}>${t(open ? "hide" : "show")}</button></div>`}
    ${open && html`<${Which} id=${one.id} />`}`;
}

/** The alerts that it kept off the ring, each with what became of it. @param {{id: string}} props */
function Which({ id }) {
  const [muted, setMuted] = useState(/** @type {Muted[]|null} */ (null));
  const [problem, setProblem] = useState("");
  useEffect(() => void call("GET", `/silences/${encodeURIComponent(id)}`).then((one) => setMuted(one.muted), (refusal) => setProblem(refusal.message)), [id]);
  if (problem) return html`<p class="bad" role="alert">${problem}</p>`;
  return html`<ul class="muted">${(muted ?? []).map(
    (one) => html`<li><a href=${`/#${encodeURIComponent(one.alert)}`} target="_blank" rel="noopener">${moment(one.at)}</a>
      ${one.rang_at ? t("rang", { at: moment(one.rang_at) }) : one.closed_at ? t("closed", { at: moment(one.closed_at) }) : t("still")}</li>`,
  )}</ul>`;
}

/** @param {{test: OnTest}} props */
const Testing = ({ test }) => html`<dl>
  <dt>${t("devices")}</dt><dd>${test.devices.length ? test.devices.map((one) => `${one.name || one.id} ${word("room", one.room)}`).join(" · ") : t("whole")}</dd>
  <dt>${t("why")}</dt><dd>${test.reason}</dd>
  <dt>${t("tester")}</dt><dd>${test.tester}${test.by !== test.tester ? ` (${t("by")} ${test.by})` : ""}</dd>
  <dt>${t("heard")}</dt><dd>${t("calls", { n: test.calls.length })}</dd>
</dl>`;

/** @param {{row: Row}} props what ending it brings, before it is done */
function Sure({ row }) {
  const id = row.silence?.id;
  const [still, setStill] = useState(0);
  useEffect(() => {
    if (id) call("GET", `/silences/${encodeURIComponent(id)}`).then((one) => setStill(one.muted.filter((/** @type {Muted} */ each) => !each.rang_at && !each.closed_at).length), () => undefined);
  }, [id]);
  return html`<p role="alert">${!id ? t("sure_test") : still ? t("sure", { n: still }) : t("sure_none")}</p>`;
}

function Whole() {
  const [list, setList] = useState(/** @type {List} */ ("now"));
  const [rows, setRows] = useState(/** @type {Row[]|null} */ (null));
  const [chosen, choose] = useState("");
  const [open, setOpen] = useState({ key: "", what: "" });
  const [making, setMaking] = useState(false);
  const [problem, setProblem] = useState("");
  const [said, say] = useState("");
  const [mayEnd, setMayEnd] = useState(false);
  const [, turn] = useState(0);
  const asked = useRef(0);

  const look = async () => {
    const mine = ++asked.current;
    try {
      const [silences, tests] = await Promise.all([all(`/silences?ended=${list === "ended"}`), all("/tests?")]);
      // A slow answer of another list comes after that list was left.
      if (mine === asked.current) (setRows(rowsOf(silences, tests)), setProblem(""));
    } catch (refusal) {
      if (refusal instanceof Refusal && refusal.status === 401) location.replace("/");
      else setProblem(t("lost"));
    }
  };
  useEffect(() => {
    call("GET", "/session").then((me) => (setZone(me.timezone), setMayEnd(me.rights.includes("silence"))), () => undefined);
    fetch("/healthz", { cache: "no-store" }).then((answer) => heard(new Date(answer.headers.get("Date") ?? Date.now()).toISOString()), () => undefined);
  }, []);
  useEffect(() => {
    look();
    const timer = setInterval(look, REFRESH_MS);
    return () => clearInterval(timer);
  }, [list]);
  const shown = inList(rows ?? [], list);
  const at = Math.max(0, shown.findIndex((row) => row.key === chosen));
  const show = (/** @type {List} */ wanted) => (setList(wanted), setRows(null), choose(""), setOpen({ key: "", what: "" }));
  const end = (/** @type {Row} */ row) =>
    call("DELETE", row.test ? `/tests/${encodeURIComponent(row.test.id)}` : `/silences/${encodeURIComponent(row.silence?.id ?? "")}`).then(
      () => (setOpen({ key: "", what: "" }), say(t("done")), setProblem(""), look()),
      (refusal) => setProblem(refusal.message),
    );
  // Before the next key, however fast it comes: it is meant for what is shown now.
  useLayoutEffect(() => {
    /** @param {KeyboardEvent} event */
    const press = (event) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, select, form");
      if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      const key = event.key.toLowerCase();
      const row = shown[at];
      if (key >= "1" && key <= "3") show(LISTS[Number(key) - 1]);
      else if (key === "j" || key === "arrowdown") choose(shown[Math.min(at + 1, shown.length - 1)]?.key ?? "");
      else if (key === "k" || key === "arrowup") choose(shown[Math.max(at - 1, 0)]?.key ?? "");
      else if (key === "e" && row && !row.ended && mayEnd) setOpen({ key: row.key, what: "end" });
      else if (key === "escape") setOpen({ key: "", what: "" });
      else if (key === "n" && mayEnd) setMaking(true);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  useEffect(() => (/** @type {HTMLElement|null} */ (document.querySelector(".sure .main"))?.focus()), [open.key, open.what]);

  return html`<${Masthead} title=${t("title")} again=${() => (say(""), turn((n) => n + 1))} />
    <nav role="tablist">${LISTS.map((one, n) => html`<button role="tab" aria-selected=${one === list} onClick=${() => show(one)}>${t(one)}<kbd>${n + 1}</kbd></button>`)}</nav>
    <main>
      <p class="panel floor"><b>${t("floor")}</b>${t("floor_more")}</p>
      ${problem && html`<p class="panel bad" role="alert">${problem}</p>`}
      ${said && html`<p class="panel good" role="status">${said}</p>`}
      ${mayEnd && !making && html`<div class="panel row"><button class="main" onClick=${() => setMaking(true)}>${t("begin")}<kbd>N</kbd></button><a href="/tests">${t("begin_test")}</a></div>`}
      ${making && html`<${Begin} onDone=${() => (setMaking(false), say(t("done")), look())} onClose=${() => setMaking(false)} />`}
      ${rows && !shown.length && html`<p class="panel quiet">${t(`${list}.none`)}</p>`}
      <ul class="list">${shown.map((row, n) => html`<li key=${row.key} data-id=${row.silence?.id ?? row.test?.id} class=${row.kind} aria-current=${n === at} onClick=${() => choose(row.key)}>
        <${Item} row=${row} mayEnd=${mayEnd} open=${open.key === row.key ? open.what : ""} onOpen=${(/** @type {string} */ what) => setOpen({ key: row.key, what })} onEnd=${() => end(row)} />
      </li>`)}</ul>
      <p class="quiet keys">${t("keys")}</p>
    </main>`;
}

render(html`<${Whole} />`, /** @type {HTMLElement} */ (document.getElementById("page")));
