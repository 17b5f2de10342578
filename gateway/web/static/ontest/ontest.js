/** Testing devices in a home, on the telephone of whoever stands there: put them on test, pull, see the call come in, confirm it. */

import { html, render, useEffect, useState } from "../vendor/htm/standalone.module.js";
import { call, freshKey, Refusal } from "../js/api.js";
import { HomeFinder } from "../js/homefinder.js";
import { language, word } from "../js/i18n.js";
import { Masthead } from "../js/masthead.js";
import { atClock, heard, moment, now, setZone } from "../js/time.js";

/**
 * @typedef {{alert: string, device: string|null, room: string, category: string, raised_at: string, confirm_by: string,
 *   origin: string, status: string, confirmed: boolean}} Call
 * @typedef {{id: string, home: string, home_name: string, devices: {id: string, name: string, room: string, model: string}[], start: string,
 *   end: string, under_way: boolean, tester: string, by: string, reason: string, calls: Call[]}} OnTest
 */

/** Chinese, English. @type {Record<string, [string, string]>} */
const WORDS = {
  title: ["测试设备", "Testing devices"],
  login: ["请先在值守台登录。", "Log in at the desk first."],
  lost: ["服务没有回答，显示的可能已过时。", "The service does not answer; what is shown may be old."],
  none: ["现在没有测试。", "Nothing is on test now."],
  begin: ["开始测试", "Begin a test"],
  devices: ["测试哪些设备", "Which devices"],
  minutes: ["测试多少分钟（最长 30）", "For how many minutes (30 at most)"],
  from: ["从（不填即现在）", "From (left out: now)"],
  reason: ["原因", "Why"],
  here: ["我就在现场", "I stand there"],
  start: ["开始", "Begin"],
  until: ["至", "until"],
  whole: ["整户（求助、火情、燃气、跌倒除外）", "the whole home but calls, fire, gas and falls"],
  by: ["测试人", "Tester"],
  planned: ["尚未开始", "not begun"],
  end: ["结束测试", "End the test"],
  confirm: ["收到，是测试", "It came: a test"],
  left: ["秒内确认，否则按真实求助处理", "s to confirm, or it is a real alert"],
  confirmed: ["已确认为测试", "confirmed as a test"],
  real: ["未确认，已按真实求助处理，值守台正在响", "not confirmed: a real alert, and it rings at the desk"],
  waiting: ["等待设备报警……现在可以拉绳或按键。", "Waiting for a call… pull or press now."],
  missing: ["请填写原因、选择设备并确认您在现场。", "Say why, choose devices, and confirm that you stand there."],
};
/** @param {string} key */
const t = (key) => WORDS[key][language() === "zh" ? 0 : 1];

const REFRESH_MS = 2_000;

/** @param {{call: Call, onDone: () => void, say: (text: string) => void}} props */
function CallCard({ call: one, onDone, say }) {
  const left = Math.min(60, Math.max(0, Math.ceil((Date.parse(one.confirm_by) - now()) / 1000)));
  const waits = one.origin === "test" && !one.confirmed;
  const confirm = () => call("POST", `/tests/calls/${encodeURIComponent(one.alert)}/confirm`, {}, { "Idempotency-Key": freshKey() }).then(onDone, (problem) => say(problem.message));
  return html`<section class=${waits ? "call" : ""} data-call=${one.alert}>
    <h2>${word("category", one.category)} ${word("room", one.room)}</h2>
    <p class="quiet">${one.device ?? ""} · ${moment(one.raised_at)}</p>
    ${waits
      ? html`<p role="timer"><span class="left">${left}</span> ${t("left")}</p><button class="primary" onClick=${confirm}>${t("confirm")}</button>`
      : html`<p class=${`said ${one.confirmed ? "" : "bad"}`}>${t(one.confirmed ? "confirmed" : "real")}</p>`}
  </section>`;
}

/** @param {{test: OnTest, onDone: () => void, say: (text: string) => void}} props */
function TestCard({ test, onDone, say }) {
  const end = () => call("DELETE", `/tests/${encodeURIComponent(test.id)}`).then(onDone, (problem) => say(problem.message));
  const names = test.devices.map((device) => `${device.name || device.id}${device.room ? ` (${word("room", device.room)})` : ""}`);
  return html`<section data-test=${test.id}>
    <h2>${test.home_name || test.home}</h2>
    <p>${names.length ? names.join("、") : t("whole")}</p>
    <p class="quiet">${test.under_way ? "" : `${t("planned")} · `}${moment(test.start)} ${t("until")} ${moment(test.end)} · ${t("by")} ${test.tester} · ${test.reason}</p>
    ${test.calls.map((one) => html`<${CallCard} key=${one.alert} call=${one} onDone=${onDone} say=${say} />`)}
    ${test.under_way && test.calls.length === 0 && html`<p class="said" role="status">${t("waiting")}</p>`}
    <button onClick=${end}>${t("end")}</button>
  </section>`;
}

/** @param {{onDone: () => void, say: (text: string) => void}} props */
function Begin({ onDone, say }) {
  const [home, setHome] = useState(/** @type {any} */ (null));
  const [key, again] = useState(freshKey);
  useEffect(() => {
    const named = new URLSearchParams(location.search).get("home");
    if (named) choose(named);
  }, []);
  const choose = (/** @type {string} */ id) => call("GET", `/homes/${encodeURIComponent(id)}`).then(setHome, (problem) => say(problem.message));

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const filled = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const devices = filled.getAll("device").map(String);
    const reason = String(filled.get("reason") ?? "").trim();
    const on_site = filled.get("on_site") === "yes";
    if (!devices.length || !reason || !on_site) return say(t("missing"));
    const start = atClock(String(filled.get("start") ?? ""));
    const end = new Date((start ?? now()) + Number(filled.get("minutes")) * 60_000).toISOString();
    const body = { home: home.id, devices, end, on_site, reason, ...(start === null ? {} : { start: new Date(start).toISOString() }) };
    // A thumb that taps twice has said it once: the key changes with what is asked, not with the tap.
    return call("POST", "/tests", body, { "Idempotency-Key": key }).then(() => (setHome(null), onDone()), (problem) => say(problem.message)).finally(() => again(freshKey()));
  }

  return html`<section>
    <h2>${t("begin")}</h2>
    ${home
      ? html`<form onSubmit=${submit}>
          <p><b>${home.name}</b></p>
          <fieldset><legend>${t("devices")}</legend>
            ${home.devices.map((/** @type {any} */ device) => html`<label class="tick"><input type="checkbox" name="device" value=${device.id} />${device.name || device.id} <span class="quiet">${word("room", device.room)}</span></label>`)}
          </fieldset>
          <label>${t("from")}<input name="start" type="datetime-local" /></label>
          <label>${t("minutes")}<input name="minutes" type="number" inputmode="numeric" min="1" max="30" value="15" /></label>
          <label>${t("reason")}<input name="reason" maxlength="200" autocomplete="off" /></label>
          <label class="tick"><input type="checkbox" name="on_site" value="yes" />${t("here")}</label>
          <button class="primary">${t("start")}</button>
        </form>`
      : html`<${HomeFinder} onFound=${(/** @type {{id: string}} */ one) => choose(one.id)} />`}
  </section>`;
}

function Whole() {
  const [tests, setTests] = useState(/** @type {OnTest[]|null} */ (null));
  const [problem, setProblem] = useState("");
  const [said, say] = useState("");
  const [, turn] = useState(0);
  const look = () =>
    call("GET", "/tests").then(
      (page) => (setTests(page.items), setProblem("")),
      (error) => setProblem(error instanceof Refusal && error.status === 401 ? "login" : "lost"),
    );
  const done = () => (say(""), look());
  useEffect(() => {
    call("GET", "/session").then((me) => setZone(me.timezone), () => undefined);
    const clock = () => fetch("/healthz", { cache: "no-store" }).then((answer) => heard(new Date(answer.headers.get("Date") ?? Date.now()).toISOString()), () => undefined);
    clock();
    look();
    const timers = [setInterval(look, REFRESH_MS), setInterval(() => turn((n) => n + 1), 1_000)];
    return () => timers.forEach(clearInterval);
  }, []);
  return html`<${Masthead} title=${t("title")} again=${() => turn((n) => n + 1)} />
  <main>
    ${problem && html`<p class="said bad" role="alert">${t(problem)}</p>`}
    ${said && html`<p class="said bad" role="alert">${said}</p>`}
    ${tests && tests.length === 0 && html`<p class="quiet">${t("none")}</p>`}
    ${(tests ?? []).map((test) => html`<${TestCard} key=${test.id} test=${test} onDone=${done} say=${say} />`)}
    ${tests && html`<${Begin} onDone=${done} say=${say} />`}
  </main>`;
}

render(html`<${Whole} />`, /** @type {HTMLElement} */ (document.getElementById("page")));
