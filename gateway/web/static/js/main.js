/** The desk's page: joins what it knows (desk), hears (stream), shows (components), sounds (bell) and is told (keys). */

import { html, render, useEffect, useState } from "../vendor/htm/standalone.module.js";
import { allowed, perform, PLAIN, refused } from "./actions.js";
import { announce } from "./announce.js";
import { api, Refusal } from "./api.js";
import { Banners, Floats, KeyLine, TopBar } from "./bars.js";
import { Card } from "./card.js";
import { Desk } from "./desk.js";
import * as drafts from "./drafts.js";
import { Find } from "./find.js";
import { Form } from "./forms.js";
import { GradeForm } from "./grade.js";
import { Help } from "./help.js";
import { everySecond, Page, useDesk } from "./hooks.js";
import { language, markLanguage, speak, t } from "./i18n.js";
import { loadIcons } from "./icon.js";
import { wish } from "./keys.js";
import { Login } from "./login.js";
import { recall, remember } from "./prefs.js";
import { waiting } from "./priority.js";
import { Queue, spoken } from "./queue.js";
import { Bell } from "./sound.js";
import { follow } from "./stream.js";
import { setZone } from "./time.js";
import { Together } from "./together.js";
import { showInTab } from "./title.js";
import { beginWithFirst } from "./welfare.js";

/** @typedef {import("./actions.js").Action} Action @typedef {import("./types.js").Alert} Alert */

const desk = new Desk();
const bell = new Bell();
bell.on = recall("sound", "on") === "on";
markLanguage();
document.documentElement.dataset.theme = recall("theme", "dark");

/** @type {() => void} */
let stop = () => {};
/** @typedef {Action|"help"|"find"|"together"|"grade"} Opened */
/** Those that belong to no single alert. @type {Opened[]} */
const WINDOWS = ["help", "find", "together", "grade"];
/** @type {(open: Opened|null) => void} set by the page once it stands */
let showWindow = () => {};

const alerts = () => [...desk.alerts.values()];

function attend() {
  bell.attend(alerts(), desk.deaf);
  showInTab(alerts(), desk.deaf);
}

/** A key that came before the list: carried out when the list is there, unless that took too long to still be meant. */
const STILL_MEANT_MS = 5_000;
let askedAt = -Infinity;

function carryOut() {
  const asked = askedAt;
  askedAt = -Infinity;
  if (performance.now() - asked > STILL_MEANT_MS) return;
  if (desk.next) go.takeNext();
  else refused(desk, t("refusal.nothing_waiting"));
}

/** Everything that a button or a key can ask for. */
const go = {
  /** @param {string} username @param {string} password */
  async logIn(username, password) {
    await api.logIn(username, password);
    await enter();
  },
  async logOut() {
    stop();
    drafts.drop();
    await api.logOut().catch(() => undefined);
    location.replace("/");
  },
  async takeNext() {
    const next = desk.next;
    if (!desk.loaded) return void (askedAt = performance.now());
    if (!next) return void refused(desk, t("refusal.nothing_waiting"));
    go.open(next.id);
    // Nobody has it, as far as this page knows: whoever was quicker keeps it.
    if (await perform(desk, next.id, "claim", { take_over_from: null })) focusCard();
  },
  /** @param {Action} action */
  act(action) {
    const alert = desk.card;
    if (!alert) return;
    if (desk.lost) return void refused(desk, t("refusal.stale"));
    if (!allowed(alert, action)) return void refused(desk, t("refusal.not_now", { action: t(`action.${action}`) }));
    const theirs = action === "claim" && alert.claimed_by && alert.claimed_by !== desk.user;
    if (PLAIN.includes(action) && !theirs)
      perform(desk, alert.id, action, action === "claim" ? { take_over_from: alert.claimed_by ?? null } : {}).then(focusCard);
    else showWindow(action);
  },
  /** @param {string} id */
  open(id) {
    desk.choose(id);
    const hash = `#${encodeURIComponent(id)}`;
    // On a phone the card covers the queue: its back button and the phone's own lead back.
    if (location.hash !== hash) history[location.hash ? "replaceState" : "pushState"](null, "", hash);
    document.body.classList.add("card-open");
  },
  /** A home without an alert: read-only. @param {string} home */
  lookAt(home) {
    showWindow(null);
    if (location.hash) history.replaceState(null, "", location.pathname);
    desk.lookAt(home);
    document.body.classList.add("card-open");
  },
  back() {
    if (location.hash) history.back();
    else closeCard();
  },
  language() {
    speak(language() === "zh" ? "en" : "zh");
    desk.changed();
    attend();
  },
  theme() {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    remember("theme", theme);
    desk.changed();
  },
  sound() {
    if (bell.locked) return void go.unlock();
    if (bell.pausedUntil > Date.now()) bell.unpause();
    else {
      bell.on = !bell.on;
      remember("sound", bell.on ? "on" : "off");
    }
    attend();
    desk.changed();
  },
  mute() {
    if (bell.pausedUntil > Date.now()) bell.unpause();
    else bell.pause(alerts());
    attend();
    desk.changed();
  },
  async unlock() {
    await bell.unlock();
    attend();
    desk.changed();
  },
  help: () => showWindow("help"),
  find: () => showWindow("find"),
  grade() {
    if (desk.lost) return void refused(desk, t("refusal.stale"));
    if (desk.card && desk.card.status !== "closed") showWindow("grade");
  },
  together() {
    if (desk.lost) return void refused(desk, t("refusal.stale"));
    showWindow("together");
  },
};
/** @typedef {typeof go} Go */

function focusCard() {
  document.getElementById("card-title")?.focus();
}

function closeCard() {
  document.body.classList.remove("card-open");
  desk.choose(null);
  desk.lookAt(null);
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (bell.locked) go.unlock();
  const asked = wish(event);
  if (!asked) return;
  if (desk.phase !== "ready") {
    // Enter, Space: the hand is quicker than the log-in. Fields and buttons of the form keep their keys.
    if (asked === "take_next") askedAt = performance.now();
    return;
  }
  event.preventDefault();
  switch (asked) {
    case "take_next":
      return void go.takeNext();
    case "take_this":
      return desk.card ? go.act("claim") : void go.takeNext();
    case "down":
    case "up":
      desk.move(asked === "down" ? 1 : -1);
      if (desk.chosen) go.open(desk.chosen);
      return undefined;
    case "language":
      return go.language();
    case "mute":
      return go.mute();
    case "help":
      return go.help();
    case "find":
      return go.find();
    case "grade":
      return go.grade();
    case "together":
      return go.together();
    case "welfare":
      return beginWithFirst() ? undefined : refused(desk, t("refusal.no_list"));
    case "escape":
      if (desk.notice) return desk.set({ notice: null });
      return desk.chosen || desk.looking ? go.back() : undefined;
    default:
      return go.act(asked);
  }
}

/** Log-in done, or a session that still stands: read the queue and follow the stream. */
async function enter() {
  const me = await api.me();
  setZone(me.timezone);
  stop();
  if (desk.user && desk.user !== me.username) showWindow(null);
  let draft = drafts.enteredBy(me.username);
  desk.readDispositions();
  desk.readColleagues();
  desk.readToday();
  desk.readModels();
  desk.set({ user: me.username, phase: "ready", loginHint: "", loaded: false, heardAt: performance.now() });
  stop = follow({
    async opened() {
      desk.replace(await api.openAlerts());
      const named = decodeURIComponent(location.hash.slice(1));
      if (draft) {
        go.open(draft.alert);
        showWindow(/** @type {Action} */ (draft.action));
        draft = null;
      } else if (named && !desk.chosen && desk.alerts.has(named)) go.open(named);
      carryOut();
    },
    event(type, data) {
      if (type === "alert") desk.apply(data);
      else if (type === "beat") desk.beat(data);
      else if (type === "reset") api.openAlerts().then((all) => desk.replace(all), () => undefined);
      attend();
    },
    heard: () => desk.heardSomething(),
    broken: () => desk.broke(),
    refused: () => desk.set({ phase: "login", loginHint: "login.ended" }),
  });
}

/** A new alert is spoken; so is one that needs somebody again. */
desk.onArrival = (/** @type {Alert} */ alert, /** @type {Alert|undefined} */ before) => {
  if (!desk.loaded || !waiting(alert) || (before && waiting(before) && before.cleared_at === alert.cleared_at)) return;
  // The home's name may still be on its way; an alarm does not wait for it.
  announce(spoken(alert, desk.homeOf(alert)), alert.priority <= 2 ? "urgent" : "polite");
};

function Whole() {
  useDesk(desk);
  const [open, setOpen] = useState(/** @type {Opened|null} */ (null));
  useEffect(() => {
    showWindow = setOpen;
  }, []);
  const close = () => setOpen(null);
  const card = desk.card;
  return html`<${Page.Provider} value=${{ desk, bell, go }}>
    ${desk.phase === "starting" && html`<p class="starting">${t("login.starting")}</p>`}
    ${desk.phase === "login" && html`<${Login} />`}
    ${desk.phase === "ready" &&
    html`<div class=${`desk ${desk.lost ? "stale" : ""}`}>
      <${TopBar} />
      <${Banners} />
      <main class="panes"><${Queue} /><${Card} /></main>
      <${KeyLine} />
      <${Floats} />
      ${open === "help" && html`<${Help} onClose=${close} />`}
      ${open === "find" && html`<${Find} onClose=${close} />`}
      ${open === "grade" && card && html`<${GradeForm} key=${card.id} alert=${card} onClose=${close} />`}
      ${open === "together" && html`<${Together} onClose=${close} />`}
      ${open && !WINDOWS.includes(open) && card && html`<${Form} key=${`${open}${card.id}`} action=${open} alert=${card} onClose=${close} />`}
    </div>`}
  <//>`;
}

addEventListener("keydown", pressed);
// A button pressed with the mouse must not keep the keyboard: the next Space is the desk's.
addEventListener("click", (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest("button");
  if (event.detail > 0 && button && !button.closest("dialog")) button.blur();
});
// Not when the finger comes down: the bar grows narrower then, and the rest of the same press would fall on what moved under it.
addEventListener("click", () => bell.locked && go.unlock());
addEventListener("popstate", () => (location.hash ? undefined : closeCard()));
desk.listen(attend);
// The list of the day is made anew each morning, and grows shorter as homes are seen to.
setInterval(() => desk.phase === "ready" && !desk.lost && desk.readToday(), 5 * 60_000);
everySecond(() => {
  const lost = desk.lost;
  if (lost !== wasLost) desk.changed();
  wasLost = lost;
  attend();
});
let wasLost = false;

loadIcons().catch(() => undefined);
render(html`<${Whole} />`, /** @type {HTMLElement} */ (document.getElementById("page")));
enter().catch((problem) => {
  const ended = problem instanceof Refusal && problem.status === 401;
  desk.set({ phase: "login", loginHint: ended ? "" : "refusal.unreachable" });
});
