/** The rules that hold, each in words: what it waits for and says, when it counts, who is told, what ends it. Searched as one types. */

import { html, useEffect, useMemo, useRef, useState } from "../vendor/htm/standalone.module.js";
import { api } from "./api.js";
import { sentence, t, word } from "./i18n.js";
import { moment } from "./time.js";

/** @typedef {import("./types.js").RuleTold} Rule */

/** Which part of the page the address asks for: `versions`, `rule/<id>`, or nothing for all that hold. */
export function here() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

/** @param {string} at */
export const tabs = (at) =>
  html`<nav class="tabs">
    <a href="#" aria-current=${at === "versions" ? null : "page"}>${t("liverules.live")}</a>
    <a href="#versions" aria-current=${at === "versions" ? "page" : null}>${t("liverules.versions")}</a>
  </nav>`;

/** Everything of a rule that somebody may look for, in both languages. @param {Rule} rule */
const text = (rule) =>
  [rule.title, rule.words, rule.sentence, rule.clears, rule.told]
    .flatMap((one) => [one.zh, one.en])
    .concat(rule.id, rule.category, word("category", rule.category), rule.policy)
    .join("\n")
    .toLowerCase();

/** @param {{wanted: string}} props `wanted`: the id of the rule that a link leads to */
export function Live({ wanted }) {
  const [found, setFound] = useState(/** @type {{items: Rule[], version: string}|null} */ (null));
  const [problem, setProblem] = useState("");
  const [asked, ask] = useState("");
  useEffect(() => {
    api.rules().then(setFound, (refusal) => setProblem(refusal instanceof Error ? refusal.message : String(refusal)));
  }, []);
  const searched = useMemo(
    () => [...(found?.items ?? [])].sort((a, b) => a.priority - b.priority).map((rule) => ({ rule, text: text(rule) })), // life first
    [found],
  );
  if (problem) return html`<p class="panel bad" role="alert">${problem}</p>`;
  if (!found) return null;
  const words = asked.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = searched.filter((one) => words.every((word_) => one.text.includes(word_))).map((one) => one.rule);
  return html`<main class="one">
    <p class="finding"><input type="search" aria-label=${t("liverules.search")} placeholder=${t("liverules.search")} value=${asked} onInput=${(/** @type {any} */ e) => ask(e.target.value)} />
      <span class="quiet" role="status">${t("liverules.count", { n: shown.length, all: found.items.length })} · ${t("liverules.version")} <code>${found.version}</code></span></p>
    ${wanted && !found.items.some((rule) => rule.id === wanted) && html`<p class="panel bad" role="status">${t("liverules.gone", { id: wanted })}</p>`}
    ${shown.length === 0 && html`<p class="quiet">${t("liverules.none")}</p>`}
    <ul class="rules">${shown.map((rule) => html`<${One} key=${rule.id} rule=${rule} wanted=${rule.id === wanted} />`)}</ul>
  </main>`;
}

/** @param {{rule: Rule, wanted: boolean}} props */
function One({ rule, wanted }) {
  const place = useRef(/** @type {HTMLElement|null} */ (null));
  useEffect(() => {
    if (wanted) place.current?.scrollIntoView({ block: "start" });
  }, [wanted]);
  /** @type {[string, any][]} */
  const lines = [
    ["waits", sentence(rule.words)], ["says", sentence(rule.sentence)], ["ends", sentence(rule.clears)], ["counts", sentence(rule.counts)],
    ["told", html`${sentence(rule.told)}${rule.alerts && html` <code class="quiet">${rule.policy}</code>`}`], ["silence", sentence(rule.silenced)],
    ["version", html`<code>${rule.version}</code>${rule.since && ` · ${t("liverules.since", { at: moment(rule.since) })}`}`],
  ];
  if (rule.source) lines.push(["source", rule.source]);
  return html`<li ref=${place} class="panel" id=${`rule-${rule.id}`} aria-current=${wanted ? "true" : "false"}>
    <h2>${sentence(rule.title)} <code class="quiet">${rule.id}</code></h2>
    <p><span class="tag">${word("category", rule.category)}</span> <span class=${`tag p${rule.priority}`}>${word("priority", String(rule.priority))}</span>
      ${!rule.alerts && html` <span class="tag">${t("liverules.quiet")}</span>`} ${!rule.may_be_silenced && html` <span class="tag live">${t("liverules.floor")}</span>`}</p>
    <dl>${lines.map(([name, said]) => html`<dt>${t(`liverules.${name}`)}</dt><dd>${said}</dd>`)}</dl>
  </li>`;
}
