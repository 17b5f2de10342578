/** The month's figures: two promises, the days, who and where, false alarms, the load, near misses and what came of them. */

import { html, render, useEffect, useState } from "../vendor/htm/standalone.module.js";
import { call, COUNTING_MS, Refusal } from "../js/api.js";
import { language, sentence, t as common, word } from "../js/i18n.js";
import { Masthead } from "../js/masthead.js";
import { moment, setZone } from "../js/time.js";

/** Chinese, English. @type {Record<string, [string, string]>} */
const WORDS = {
  title: ["月报", "Month"],
  month: ["月份", "Month"],
  loading: ["正在统计…", "Counting…"],
  login: ["请先在值守台登录。", "Log in at the desk first."],
  lost: ["暂时无法统计，请稍后再试。", "It cannot be counted just now; try again in a moment."],
  none: ["还没有处置档案。", "There is no evidence yet."],
  within: ["秒内应答", "s: answered within"],
  target: ["目标", "target"],
  kept: ["达到", "kept"],
  missed: ["未达到", "missed"],
  nothing: ["本月没有警报", "no alerts this month"],
  days: ["每日警报（整柱），其中 60 秒内应答（蓝色）", "Alerts a day (whole bar), of these answered within 60 s (blue)"],
  answering: ["应答", "Answering"],
  operators: ["值守员", "Operators"],
  course: ["过程：自触发起", "Course, since raised"],
  false: ["误报", "False alarms"],
  load: ["警报负荷（ISA-18.2）", "Alarm load (ISA-18.2)"],
  top: ["前十来源", "Top ten"],
  near: ["险些失误", "Near misses"],
  count: ["数量", "Count"],
  median: ["中位", "Median"],
  p95: ["95%", "95 %"],
  longest: ["最长", "Longest"],
  closed: ["办结", "Closed"],
  share: ["占比", "Share"],
  all: ["全部", "All"],
  per_hour: ["每小时", "Per hour"],
  peak: ["10 分钟峰值", "Peak in 10 min"],
  floods: ["洪峰次数 / 分钟", "Floods / minutes"],
  chattering: ["抖动", "Chattering"],
  standing: ["超 24 小时未办结", "Standing over 24 h"],
  review: ["复盘结论", "Outcome of the review"],
  open: ["待复盘", "open"],
  late: ["应答过迟", "late"],
  forgotten: ["接手后遗忘", "forgotten"],
  undelivered: ["通知无人收到", "nobody reached"],
  no_action: ["无需改进", "no action"],
  person: ["人员辅导", "person"],
  staffing: ["调整人手", "staffing"],
  procedure: ["修订流程", "procedure"],
  equipment: ["维修设备", "equipment"],
  refused: ["未保存：需要主管权限，或服务没有回答", "Not kept: it needs a supervisor, or the service does not answer"],
  available: ["到达值守台", "available"],
  viewed: ["查看", "viewed"],
  acted: ["处置", "acted"],
  arrived: ["到场", "arrived"],
  anchor: ["日锚（请另行保存）", "Anchor (keep it elsewhere)"],
};
const OUTCOMES = ["no_action", "person", "staffing", "procedure", "equipment"];
/** @param {string} key */
const t = (key) => WORDS[key]?.[language() === "zh" ? 0 : 1] ?? key;
/** @param {number|null} share */
const percent = (share) => (share === null ? "–" : `${(100 * share).toFixed(2)} %`);
/** @param {number|null} s */
const seconds = (s) => (s === null ? "–" : s < 120 ? `${s.toFixed(1)} s` : `${(s / 60).toFixed(1)} min`);

/** @param {{heads: string[], rows: (string|number|null)[][]}} props */
function Table({ heads, rows }) {
  return html`<div class="wide" tabindex="0"><table>
    <thead><tr>${heads.map((h, n) => html`<th scope="col" class=${n ? "number" : ""}>${h}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell, n) => html`<td class=${n ? "number" : ""}>${cell ?? "–"}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

/** What areas and dispositions are called; their codes until that is known, and where nothing is. */
function useNames() {
  const [known, setKnown] = useState({ areas: new Map(), dispositions: new Map() });
  useEffect(() => {
    const all = (/** @type {string} */ path) => call("GET", path).then((page) => new Map(page.items.map((/** @type {any} */ one) => [one.id ?? one.code, one])), () => new Map());
    Promise.all([all("/areas?limit=200"), all("/dispositions")]).then(([areas, dispositions]) => setKnown({ areas, dispositions }));
  }, []);
  return {
    area: (/** @type {string} */ code) => known.areas.get(code)?.name ?? code,
    disposition: (/** @type {string} */ code) => {
      const one = known.dispositions.get(code);
      return one ? sentence(one.title) : code;
    },
  };
}

/** @param {{s: number, share: number|null, target: number}} props */
function Promise_({ s, share, target }) {
  const kept = share !== null && share >= target;
  return html`<li><strong class=${share === null ? "" : kept ? "good" : "bad"}>${percent(share)}</strong>
    ${language() === "zh" ? `${s} ${t("within")}` : `${t("within").split(": ")[1]} ${s} s`} · ${t("target")} ${percent(target)} ·
    ${share === null ? t("nothing") : t(kept ? "kept" : "missed")}</li>`;
}

/** @param {{days: {day: string, count: number, within_60_s: number}[]}} props */
function Days({ days }) {
  const most = Math.max(1, ...days.map((d) => d.count));
  return html`<div class="wide" tabindex="0"><svg class="chart" viewBox="0 0 960 200" role="img" aria-label=${t("days")}>
    ${days.map((d, n) => {
      const x = 10 + n * 30.5;
      const bar = (/** @type {number} */ count, /** @type {string} */ kind) =>
        html`<rect class=${kind} x=${x} y=${170 - (140 * count) / most} width="24" height=${(140 * count) / most} />`;
      return html`<g><title>${d.day}: ${d.count} / ${d.within_60_s}</title>${bar(d.count, "all")}${bar(d.within_60_s, "soon")}
        <text x=${x + 12} y="188">${d.day.slice(-2)}</text><text x=${x + 12} y=${164 - (140 * d.count) / most}>${d.count}</text></g>`;
    })}
  </svg></div>`;
}

/** @param {{miss: any, again: () => void}} props */
function Review({ miss, again }) {
  const [bad, setBad] = useState(false);
  const choose = (/** @type {any} */ event) => {
    const outcome = event.target.value;
    if (!outcome) return;
    setBad(false);
    call("POST", `/alerts/${encodeURIComponent(miss.alert)}/review`, { outcome }).then(again, () => setBad(true));
  };
  return html`<select aria-label=${t("review")} onChange=${choose}>
      <option value="" selected=${!miss.review}>${t("open")}</option>
      ${OUTCOMES.map((one) => html`<option value=${one} selected=${miss.review?.outcome === one}>${t(one)}</option>`)}
    </select>${bad && html` <span class="bad" role="alert">${t("refused")}</span>`}`;
}

/** @param {{report: any, again: () => void}} props */
function Month({ report, again }) {
  const names = useNames();
  const row = (/** @type {string} */ name, /** @type {any} */ f) =>
    [name, f.count, percent(f.within_60_s), percent(f.within_180_s), seconds(f.p50_s), seconds(f.p95_s), seconds(f.max_s)];
  const each = (/** @type {any} */ group, /** @type {(code: string) => string} */ named) => Object.entries(group).map(([code, f]) => row(named(code), f));
  const load = report.load;
  return html`
    <ul class="promises">
      <${Promise_} s=${60} share=${report.answering.within_60_s} target=${report.target_60_s} />
      <${Promise_} s=${180} share=${report.answering.within_180_s} target=${report.target_180_s} />
    </ul>
    <h2>${t("days")}</h2><${Days} days=${report.days} />
    <h2>${t("answering")}</h2>
    <${Table} heads=${["", t("count"), "≤ 60 s", "≤ 180 s", t("median"), t("p95"), t("longest")]}
      rows=${[row(t("all"), report.answering), ...each(report.by_priority, (p) => common(`priority.${p}`)), ...each(report.by_category, (c) => word("category", c)), ...each(report.by_area, names.area)]} />
    <h2>${t("operators")}</h2>
    <${Table} heads=${["", t("count"), "≤ 60 s", "≤ 180 s", t("median"), t("closed")]}
      rows=${Object.entries(report.by_operator).map(([who, p]) => [who, p.answered, p.within_60_s, p.within_180_s, seconds(p.p50_s), p.closed])} />
    <h2>${t("course")}</h2>
    <${Table} heads=${["", t("count"), t("median"), t("p95"), t("longest")]}
      rows=${Object.entries(report.phases).map(([name, p]) => [t(name), p.count, seconds(p.p50_s), seconds(p.p95_s), seconds(p.max_s)])} />
    <h2>${t("false")}</h2>
    <${Table} heads=${["", t("closed"), t("false"), t("share")]}
      rows=${[
        [t("all"), report.closed, report.false, percent(report.false_share)],
        ...Object.entries(report.by_model).map(([name, m]) => [name || "–", m.closed, m.false, percent(m.share)]),
        ...Object.entries(report.by_disposition).map(([code, count]) => [names.disposition(code), count, null, null]),
      ]} />
    <h2>${t("load")}</h2>
    <${Table} heads=${["", t("count")]}
      rows=${[
        [t("all"), load.count], [t("per_hour"), load.per_hour],
        [t("peak"), load.peak_at ? `${load.peak_10_min} (${moment(load.peak_at)})` : load.peak_10_min],
        [t("floods"), `${load.floods.length} / ${load.flood_minutes}`], [t("chattering"), load.chattering], [t("standing"), load.standing],
      ]} />
    <h2>${t("top")}</h2>
    <${Table} heads=${["", t("count"), t("share")]}
      rows=${load.top.map((/** @type {any} */ s) => [`${s.rule} · ${s.home} ${s.device}`, s.count, percent(s.share)])} />
    <h2>${t("near")} (${report.near_misses.length})</h2>
    <${Table} heads=${["", "", "", t("review")]}
      rows=${report.near_misses.slice(0, 200).map((/** @type {any} */ m) => [
        `${moment(m.raised_at)} · ${m.home || names.area(m.area)} · ${word("category", m.category)}`,
        m.misses.map(t).join(", "),
        seconds(m.answered_s),
        html`<${Review} miss=${m} again=${again} />`,
      ])} />
    ${report.anchor && html`<p class="quiet">${t("anchor")}: ${report.anchor.day}=${report.anchor.total}</p>`}`;
}

function Whole() {
  const [month, setMonth] = useState("");
  const [report, setReport] = useState(/** @type {any} */ (null));
  const [problem, setProblem] = useState("");
  const [count, turn] = useState(0);
  useEffect(() => {
    call("GET", "/session").then(
      (me) => {
        setZone(me.timezone);
        const parts = new Intl.DateTimeFormat("en-CA", { timeZone: me.timezone, year: "numeric", month: "2-digit" }).format(new Date());
        setMonth(parts.slice(0, 7));
      },
      (error) => setProblem(error instanceof Refusal && error.status === 401 ? "login" : "lost"),
    );
  }, []);
  useEffect(() => {
    if (!month) return;
    call("GET", `/reports/month?month=${month}`, undefined, {}, COUNTING_MS).then(
      (found) => (setReport(found), setProblem("")),
      (error) => setProblem(error instanceof Refusal && error.status === 404 ? "none" : "lost"),
    );
  }, [month, count]);
  const paper = (/** @type {string} */ form) => html`<a href=${`/api/v1/reports/month.${form}?month=${month}`} download>${form.toUpperCase()}</a>`;
  return html`<${Masthead} title=${t("title")} again=${() => turn((n) => n + 1)}>
      <input type="month" aria-label=${t("month")} value=${month} onChange=${(/** @type {any} */ e) => e.target.value && setMonth(e.target.value)} />
      ${month && paper("pdf")} ${month && paper("xlsx")}
    <//>
  <main>
    ${problem && html`<p class="said bad" role="alert">${t(problem)}</p>`}
    ${!problem && !report && html`<p class="said" role="status">${t("loading")}</p>`}
    ${report && html`<${Month} report=${report} again=${() => turn((n) => n + 1)} />`}
  </main>`;
}

render(html`<${Whole} />`, /** @type {HTMLElement} */ (document.getElementById("page")));
