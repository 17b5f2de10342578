/** How people are reached: every channel with how it has done, and a test through each. For whoever answers for the service. */

import { html, render, useEffect, useState } from "../vendor/htm/standalone.module.js";
import { call, Refusal } from "../js/api.js";
import { language, sentence } from "../js/i18n.js";
import { Masthead } from "../js/masthead.js";
import { moment, setZone } from "../js/time.js";

/**
 * @typedef {{name: string, kind: string, state: "working"|"failing"|"unused", targets: string[], sent: number, failed: number,
 *   retried: number, pending: number, last_success_at: string|null, last_failure_at: string|null, last_failure: string|null}} Channel
 * @typedef {{good: boolean, text: string}} Said
 */

/** Chinese, English. @type {Record<string, [string, string]>} */
const WORDS = {
  title: ["通知渠道", "Channels"],
  none: ["没有配置通知渠道：警报只在值守台响。", "No channel is configured: an alert rings on the desk alone."],
  login: ["请先在值守台登录。", "Log in at the desk first."],
  lost: ["服务没有回答，显示的可能已过时。", "The service does not answer; what is shown may be old."],
  working: ["最近一次成功", "the last attempt worked"],
  failing: ["最近一次失败", "the last attempt failed"],
  unused: ["启动以来未使用", "not used since the start"],
  targets: ["通知对象", "Targets"],
  success: ["上次成功", "Last success"],
  failure: ["上次失败", "Last failure"],
  counts: ["成功 / 失败 / 重试 / 等待", "Sent / failed / retried / waiting"],
  test: ["发送测试", "Send a test"],
  sure: ["收件人会真的收到一条测试通知。继续吗？", "Whoever it reaches gets a real message that says it is a test. Go on?"],
  trying: ["正在发送…", "Sending…"],
  sent: ["已发出", "Sent"],
  unsent: ["未发出", "Not sent"],
  check: ["系统自检", "The service's call to itself"],
  checkWell: ["最近一次到达值守台", "Last seen at the desk"],
  checkNever: ["尚未到达过值守台", "Not seen at the desk yet"],
  checkNotYet: ["本次启动后尚未运行", "Not yet run since the start"],
  checkSilent: ["自检程序没有动静", "The watchdog does not speak"],
  checkWays: ["自检的告警途径", "The watchdog's own ways"],
  checkNone: ["没有配置：自检失败时只有页面知道", "None is set up: when a call is lost, the pages alone say so"],
};
/** @param {string} key */
const t = (key) => WORDS[key][language() === "zh" ? 0 : 1];

const REFRESH_MS = 3_000;
/** A mail server may take half a minute, behind ordinary notifications. */
const TEST_MS = 95_000;

/** @param {string} name @returns {Promise<Said>} */
async function tryOut(name) {
  const response = await fetch(`/api/v1/channels/${encodeURIComponent(name)}/test`, {
    method: "POST",
    credentials: "same-origin",
    signal: AbortSignal.timeout(TEST_MS),
  });
  const answer = await response.json();
  if (!response.ok) return { good: false, text: sentence(answer.sentence) || `${response.status}` };
  return { good: answer.delivered, text: `${t(answer.delivered ? "sent" : "unsent")} (${answer.took_ms} ms): ${answer.detail}` };
}

/**
 * @typedef {{state: "absent"|"not_yet_run"|"well"|"broken"|"silent", every_s: number, lives: boolean, last_seen_at: string|null, took_ms: number|null, since: string|null,
 *   missing: {zh: string, en: string}|null, ways: Record<string, string>}} SelfCheck
 */

/** @param {{check: SelfCheck}} props */
function OwnCall({ check }) {
  const well = check.last_seen_at ? `${t("checkWell")} ${moment(check.last_seen_at)} (${check.took_ms} ms)` : t("checkNever");
  /** @type {Record<string, string>} */
  const shown = { well: "working", not_yet_run: "unused" };
  const ways = Object.entries(check.ways).map(([name, problem]) => (problem ? `${name}: ${problem}` : name));
  return html`<section class=${`check ${shown[check.state] ?? "failing"}`} data-check>
    <h2>${t("check")} <small>${check.every_s} s</small></h2>
    ${check.state === "not_yet_run" && html`<p class="said">${t("checkNotYet")}</p>`}
    <p>${well}</p>
    ${!check.lives && html`<p class="said bad">${t("checkSilent")}</p>`}
    ${check.lives && check.missing && html`<p class="said bad">${sentence(check.missing)}</p>`}
    <p class="quiet">${t("checkWays")}: ${ways.join(", ") || t("checkNone")}</p>
  </section>`;
}

/** @param {{channel: Channel}} props */
function Card({ channel }) {
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState(/** @type {Said|null} */ (null));
  async function press() {
    if (!confirm(t("sure"))) return;
    setBusy(true);
    setSaid(null);
    setSaid(await tryOut(channel.name).catch(() => ({ good: false, text: t("lost") })));
    setBusy(false);
  }
  const failure = channel.last_failure_at && `${moment(channel.last_failure_at)} ${channel.last_failure ?? ""}`;
  return html`<li class=${channel.state} data-channel=${channel.name}>
    <h2>${channel.name} <small>${channel.kind} · ${t(channel.state)}</small></h2>
    <dl>
      <dt>${t("targets")}</dt><dd>${channel.targets.join(", ") || "–"}</dd>
      <dt>${t("success")}</dt><dd>${channel.last_success_at ? moment(channel.last_success_at) : "–"}</dd>
      <dt>${t("failure")}</dt><dd>${failure || "–"}</dd>
      <dt>${t("counts")}</dt><dd>${channel.sent} / ${channel.failed} / ${channel.retried} / ${channel.pending}</dd>
    </dl>
    <button disabled=${busy} onClick=${press}>${t(busy ? "trying" : "test")}</button>
    ${said && html`<p class=${`said ${said.good ? "good" : "bad"}`} role="status">${said.text}</p>`}
  </li>`;
}

function Whole() {
  const [channels, setChannels] = useState(/** @type {Channel[]|null} */ (null));
  const [check, setCheck] = useState(/** @type {SelfCheck|null} */ (null));
  const [problem, setProblem] = useState("");
  const [, turn] = useState(0);
  useEffect(() => {
    const look = () => {
      call("GET", "/watchdog").then(setCheck, () => setCheck(null));
      return call("GET", "/channels").then(
        (page) => (setChannels(page.items), setProblem("")),
        (error) => setProblem(error instanceof Refusal && error.status === 401 ? "login" : "lost"),
      );
    };
    call("GET", "/session").then((me) => setZone(me.timezone), () => undefined);
    look();
    const timer = setInterval(look, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<${Masthead} title=${t("title")} again=${() => turn((n) => n + 1)} />
  <main>
    ${problem && html`<p class="said bad" role="alert">${t(problem)}</p>`}
    ${check && check.every_s > 0 && html`<${OwnCall} check=${check} />`}
    ${channels && channels.length === 0 && html`<p class="quiet">${t("none")}</p>`}
    ${channels && html`<ul>${channels.map((channel) => html`<${Card} key=${channel.name} channel=${channel} />`)}</ul>`}
  </main>`;
}

render(html`<${Whole} />`, /** @type {HTMLElement} */ (document.getElementById("page")));
