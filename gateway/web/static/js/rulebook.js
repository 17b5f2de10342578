/**
 * The page of the rules. What holds, in words, for everybody; and for whoever answers for it every version, what it has otherwise than the
 * live one, what was found in it, who put it live and why (`#versions`).
 */

import { html, render, useEffect, useState } from "../vendor/htm/standalone.module.js";
import { api, freshKey, Refusal } from "./api.js";
import { language, sentence, t } from "./i18n.js";
import { here, Live, tabs } from "./liverules.js";
import { Masthead } from "./masthead.js";
import { moment, setZone } from "./time.js";

/** @typedef {import("./types.js").RulesVersion} Version */

function Whole() {
  const [me, setMe] = useState(/** @type {{username: string, role: string}|null} */ (null));
  const [versions, setVersions] = useState(/** @type {Version[]|null} */ (null));
  const [chosen, setChosen] = useState("");
  const [problem, setProblem] = useState("");
  const [turn, again] = useState(0);
  const [at, go] = useState(here);
  useEffect(() => {
    const moved = () => go(here());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  const read = async (/** @type {string} */ show) => {
    try {
      const all = await api.rulesVersions();
      setVersions(all);
      setChosen(show || all[0]?.version || "");
      again((n) => n + 1);
    } catch (refusal) {
      tell(refusal);
    }
  };
  const tell = (/** @type {unknown} */ refusal) => {
    if (refusal instanceof Refusal && refusal.status === 401) location.replace("/");
    else setProblem(refusal instanceof Error ? refusal.message : String(refusal));
  };
  useEffect(() => {
    api.me().then((found) => {
      setZone(found.timezone);
      setMe(found);
      return read("");
    }, tell);
  }, []);
  return html`<${Masthead} title=${t("rules.title")} again=${() => again((n) => n + 1)}>${tabs(at)}<//>
    ${problem && html`<p class="panel bad" role="alert">${problem}</p>`}
    ${at !== "versions" && me && html`<${Live} key=${at} wanted=${at.startsWith("rule/") ? at.slice(5) : ""} />`}
    ${at === "versions" && html`<main>
      <section class="panel" aria-labelledby="versions"><h2 id="versions">${t("rules.versions")}</h2>
        ${!versions && html`<p class="quiet">${t("card.loading")}</p>`}
        <ul class="versions">${(versions ?? []).map((one) => html`<${Line} key=${one.version} one=${one} current=${one.version === chosen} onOpen=${() => setChosen(one.version)} />`)}</ul>
        ${me?.role === "admin" && html`<${Bring} onDone=${read} />`}
      </section>
      ${chosen && html`<${One} key=${`${chosen} ${turn}`} version=${chosen} may=${me?.role === "admin"} onDone=${read} />`}
    </main>`}`;
}

/** @param {{one: Version, current: boolean, onOpen: () => void}} props */
function Line({ one, current, onOpen }) {
  const last = one.activations[0];
  return html`<li><button aria-current=${current} onClick=${onOpen}>
    <code>${one.version}</code> ${one.live && html`<span class="tag live">${t("rules.live")}</span>`} <span class="tag">${t(`rules.origin.${one.origin}`)}</span>
    <br /><small>${one.note || (last ? t("rules.since", { at: moment(last.at), by: last.by || t("rules.files") }) : one.at ? moment(one.at) : "")}</small>
  </button></li>`;
}

/** @param {{version: string, may: boolean, onDone: (version: string) => void}} props */
function One({ version, may, onDone }) {
  const [one, setOne] = useState(/** @type {Version|null} */ (null));
  const [problem, setProblem] = useState("");
  useEffect(() => {
    api.rulesVersion(version).then(setOne, (refusal) => setProblem(refusal.message));
  }, [version]);
  if (problem) return html`<section class="panel bad" role="alert">${problem}</section>`;
  if (!one) return html`<section class="panel quiet">${t("card.loading")}</section>`;
  return html`<section class="panel" aria-labelledby="version">
    <h2 id="version"><code>${one.version}</code> ${one.live && html`<span class="tag live">${t("rules.live")}</span>`}</h2>
    <p class="quiet">${t("rules.count", { n: one.rules })}${one.by && html` · ${t("rules.brought", { by: one.by, at: moment(one.at ?? "") })}`}</p>
    ${one.note && html`<p>${one.note}</p>`}
    <h3>${t("rules.changes")}</h3>
    ${one.live ? html`<p>${t("rules.is_live")}</p>` : one.changes.length === 0 ? html`<p>${t("rules.no_change")}</p>` : html`<${Changes} changes=${one.changes} />`}
    ${one.findings.length > 0 && html`<h3>${t("rules.findings")}</h3><ul>${one.findings.map((f) => html`<li><span class="tag">${f.kind}</span> ${f.message}</li>`)}</ul>`}
    ${may && !one.live && html`<${Activate} one=${one} onDone=${onDone} />`}
    <h3>${t("rules.history")}</h3>
    ${one.activations.length === 0 && html`<p class="quiet">${t("rules.never")}</p>`}
    <ul>${one.activations.map((a) => html`<li>${moment(a.at)} · ${a.by || t("rules.files")} · ${a.reason}${a.backtest && html`<br /><small>${a.backtest}</small>`} <code class="quiet">${a.ruleset}</code></li>`)}</ul>
    ${one.text && html`<details><summary>${t("rules.text")}</summary><pre>${one.text}</pre></details>`}
    ${one.tests && html`<details><summary>${t("rules.tests")}</summary><pre>${one.tests}</pre></details>`}
  </section>`;
}

/** @param {{changes: import("./types.js").RulesChange[]}} props */
function Changes({ changes }) {
  return html`<table><tbody>${changes.map(
    (change) => html`<tr><th scope="row"><code>${change.rule}</code><br /><span class="tag">${t(`rules.change.${change.change}`)}</span></th>
      <td>${change.fields.map((field) => html`<div><code>${field.name}</code> ${field.before && html`<del>− ${field.before}</del>`} ${field.after && html`<ins>+ ${field.after}</ins>`}</div>`)}</td></tr>`,
  )}</tbody></table>`;
}

/** An earlier version is put live like any other: that is the way back. @param {{one: Version, onDone: (version: string) => void}} props */
function Activate({ one, onDone }) {
  const [reason, setReason] = useState("");
  const [backtest, setBacktest] = useState("");
  const [state, setState] = useState({ busy: false, problem: "" });
  const [key] = useState(freshKey);
  const before = one.activations.length > 0;
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setState({ busy: true, problem: "" });
    try {
      await api.activateRules(one.version, { reason, backtest }, key);
      onDone(one.version);
    } catch (refusal) {
      setState({ busy: false, problem: refusal instanceof Error ? refusal.message : String(refusal) });
    }
  };
  return html`<form onSubmit=${send}><h3>${t(before ? "rules.roll_back" : "rules.activate")}</h3>
    <label>${t("rules.reason")}<input name="reason" required maxlength="4000" value=${reason} onInput=${(/** @type {any} */ e) => setReason(e.target.value)} /></label>
    <label>${t("rules.backtest")}<input name="backtest" maxlength="200" value=${backtest} onInput=${(/** @type {any} */ e) => setBacktest(e.target.value)} /></label>
    ${state.problem && html`<p class="bad" role="alert">${state.problem}</p>`}
    <button class="main" disabled=${state.busy || !reason.trim()}>${t(before ? "rules.roll_back" : "rules.activate")}</button>
  </form>`;
}

/** @param {{onDone: (version: string) => void}} props */
function Bring({ onDone }) {
  const [text, setText] = useState("");
  const [tests, setTests] = useState("");
  const [note, setNote] = useState("");
  const [state, setState] = useState({ busy: false, problem: "" });
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setState({ busy: true, problem: "" });
    try {
      const made = await api.bringRules({ rules: text, tests, note });
      setState({ busy: false, problem: "" });
      onDone(made.version);
    } catch (refusal) {
      setState({ busy: false, problem: refusal instanceof Error ? refusal.message : String(refusal) });
    }
  };
  return html`<form onSubmit=${send}><h3>${t("rules.bring")}</h3>
    <label>${t("rules.draft")}<textarea name="rules" rows="10" required value=${text} onInput=${(/** @type {any} */ e) => setText(e.target.value)}></textarea></label>
    <label>${t("rules.tests")}<textarea name="tests" rows="4" value=${tests} onInput=${(/** @type {any} */ e) => setTests(e.target.value)}></textarea></label>
    <label>${t("rules.note")}<input name="note" maxlength="200" value=${note} onInput=${(/** @type {any} */ e) => setNote(e.target.value)} /></label>
    ${state.problem && html`<pre class="bad" role="alert">${state.problem.replaceAll("; ", "\n")}</pre>`}
    <button class="main" disabled=${state.busy || !text.trim()}>${t(state.busy ? "rules.checking" : "rules.check")}</button>
  </form>`;
}

render(html`<${Whole} />`, /** @type {HTMLElement} */ (document.getElementById("page")));
