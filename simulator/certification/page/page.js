"use strict";
// What the bench tells is shown as it is; nothing here decides. The countdown alone is counted here, between two words of the bench.

const at = (id) => document.getElementById(id);
const SETTLE_MS = 700; // a second tap, meant for the question before, must not answer this one
const SILENT_MS = 15000; // three of the bench's beats
const LABELS = {
  done: ["✓ 完成", "Done — Enter"], cannot: ["✗ 做不到", "Cannot be done — N"],
  yes: ["✓ 是", "Yes — Y"], no: ["✗ 否", "No — N"], unsure: ["? 无法判断", "Cannot say — C"],
};
let question = null; // {number, looks, ends, of}
let heard = Date.now();
let over = false;
let title = document.title;

function text(id, value) { if (at(id).textContent !== value) at(id).textContent = value; }

function label(button, [zh, en]) {
  const small = document.createElement("span");
  small.lang = "en";
  small.textContent = en;
  button.replaceChildren(zh, small);
}

function shown(state) {
  heard = Date.now();
  at("away").hidden = true;
  text("device", state.device);
  if (state.question === null) quiet(state);
  else if (question === null || question.number !== state.question.number) ask(state.question);
  else question.ends = performance.now() + state.question.left_s * 1000;
  const clause = state.clause;
  text("running", clause === null ? "" : `${clause.number} ${clause.title.zh} · ${clause.title.en}`);
  at("progress").value = state.of ? state.done / state.of : 1;
  const minutes = Math.ceil(state.left_s / 60);
  text("count", state.passed === null
    ? `${state.done} / ${state.of} 条，约剩 ${minutes} 分钟 · ${state.done} of ${state.of} clauses, about ${minutes} min left` : "");
  verdicts(state.verdicts);
}

function quiet(state) {
  question = null;
  document.title = title;
  at("timer").hidden = at("answers").hidden = true;
  at("now").className = "";
  const end = { true: ["✓ 检验结束：通过", "The examination is over: passed"], false: ["✗ 检验结束：未通过", "The examination is over: not passed"] };
  const [zh, en] = state.passed === null ? ["现在不用操作，请不要碰设备", "Nothing to do now; leave the device alone"] : end[state.passed];
  text("zh", zh);
  text("en", en);
  over = state.passed !== null;
}

function ask(asked) {
  question = { number: asked.number, looks: asked.looks, ends: performance.now() + asked.left_s * 1000, of: asked.of_s };
  text("zh", asked.looks ? `设备是否提示“${asked.words.zh}”？` : `请操作：${asked.words.zh}`);
  text("en", asked.looks ? `Does the device show: ${asked.words.en}?` : `Please ${asked.words.en}.`);
  at("now").className = "call";
  document.title = `● 请操作 · act now`;
  at("timer").hidden = at("answers").hidden = false;
  at("answers").className = asked.looks ? "looks" : "";
  label(at("yes"), asked.looks ? LABELS.yes : LABELS.done);
  label(at("no"), LABELS.no);
  label(at("cannot"), asked.looks ? LABELS.unsure : LABELS.cannot);
  ready(false);
  const number = asked.number;
  setTimeout(() => {
    if (question === null || question.number !== number) return;
    ready(true);
    at("yes").focus({ preventScroll: true });
  }, SETTLE_MS);
  navigator.vibrate?.([120, 80, 120]);
  tick();
}

function ready(yes) { for (const id of ["yes", "no", "cannot"]) at(id).disabled = !yes; }

function tick() {
  if (question === null) return;
  const left = Math.max(0, (question.ends - performance.now()) / 1000);
  text("left", `${Math.ceil(left)} s`);
  at("time").value = left / question.of;
}

function verdicts(rows) {
  const list = at("verdicts");
  if (list.children.length > rows.length) list.replaceChildren();
  for (const row of rows.slice(list.children.length)) list.prepend(line(row));
  const counts = new Map();
  for (const row of rows) counts.set(row.verdict, [row, (counts.get(row.verdict)?.[1] ?? 0) + 1]);
  text("tally", [...counts.values()].map(([row, count]) => `${row.sign} ${row.word.zh} ${row.word.en} ${count}`).join(" · "));
}

function line(row) {
  const item = document.createElement("li");
  item.className = row.verdict;
  item.dataset.clause = row.number;
  const verdict = document.createElement("span");
  verdict.className = "verdict";
  const sign = document.createElement("i");
  sign.textContent = row.sign;
  sign.ariaHidden = "true";
  verdict.append(sign, row.word.zh);
  const name = document.createElement("span");
  name.textContent = `${row.number} ${row.title.zh} · ${row.title.en}`;
  item.append(verdict, name);
  if (row.verdict !== "pass") {
    const why = document.createElement("span");
    why.className = "why";
    why.textContent = `${row.reason.zh} · ${row.reason.en}`;
    item.append(why);
  }
  return item;
}

async function answer(said) {
  if (question === null || at("yes").disabled) return;
  ready(false);
  const number = question.number;
  try {
    await fetch("answer", { method: "POST", body: JSON.stringify({ number, said }) });
  } catch {
    if (question?.number === number) ready(true); // nobody heard it; the bench still waits
  }
}

at("yes").addEventListener("click", () => answer(question?.looks ? "yes" : "done"));
at("no").addEventListener("click", () => answer("no"));
at("cannot").addEventListener("click", () => answer("cannot"));
document.addEventListener("keydown", (event) => {
  if (question === null || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  const keys = question.looks ? { y: "yes", n: "no", c: "cannot" } : { n: "cannot" };
  if (key in keys) answer(keys[key]);
  else if (key === "enter" && event.target.tagName !== "BUTTON" && !question.looks) answer("done");
});

const events = new EventSource("events");
events.addEventListener("message", (event) => {
  shown(JSON.parse(event.data));
  if (over) events.close();
});
setInterval(() => {
  tick();
  if (over || Date.now() - heard < SILENT_MS || !at("away").hidden) return;
  text("since", new Date(heard).toLocaleTimeString());
  at("away").hidden = false;
}, 250);
