/**
 * What the page knows: the alerts, the order in which they stand, the chosen one, and how fresh all of it is.
 *
 * One object, changed only by its methods; after every change its listeners are told once. It draws nothing and rings nothing.
 *
 * The queue never moves under the hand: while the pointer is at work in it (`rest()` not reached), rows are changed in place but keep
 * their positions, and new alerts wait in `heldBack`. They ring, are announced and stand in the "next" bar at once all the same.
 */

import { api } from "./api.js";
import { byUrgency, waiting } from "./priority.js";
import { SILENT_MS } from "./stream.js";
import { heard, now } from "./time.js";

/** @typedef {import("./types.js").Alert} Alert @typedef {import("./types.js").Home} Home */

const HANDS_OFF_MS = 2_500;
/** A connection that could not be made anew for this long is shown as lost, without waiting for the second missed beat. */
const BROKEN_MS = 4_000;

export class Desk {
  constructor() {
    /** @type {Map<string, Alert>} open ones, and the chosen one also when it is closed */
    this.alerts = new Map();
    /** @type {Map<string, Home|Error|null>} null while it is read */
    this.homes = new Map();
    /** @type {string[]} ids as they stand on screen */
    this.order = [];
    /** @type {string[]} */
    this.heldBack = [];
    /** @type {string|null} */
    this.chosen = null;
    /** @type {string|null} a home that is looked at without an alert */
    this.looking = null;
    /** @type {import("./types.js").Today|null} what should be seen to today; null where the service keeps no such list */
    this.today = null;
    /** @type {import("./types.js").OnTest[]} what is on test just now, or planned */
    this.tests = [];
    /** @type {import("./types.js").HomeMode[]} homes whose mode ends soon */
    this.ending = [];
    /** @type {Map<string, import("./types.js").Model>} what the devices are called, by model */
    this.models = new Map();
    /** @type {{username: string, role: string}[]} to whom an alert can be handed; empty where the service does not tell */
    this.colleagues = [];
    this.loaded = false;
    this.user = "";
    /** @type {"starting"|"login"|"ready"} */
    this.phase = "starting";
    this.loginHint = "";
    this.heardAt = performance.now();
    this.serverHeardAt = 0;
    /** How far the service has read its journal. */
    this.seq = 0;
    /** @type {number|null} monotonic ms since when the connection is broken */
    this.brokenSince = null;
    this.alarmUp = true;
    this.ready = true;
    /** @type {import("./types.js").Sentence[]} */
    this.problems = [];
    /** @type {{since: string, count: number}|null} more alerts are raised than can be looked at one by one */
    this.flood = null;
    /** @type {Map<string, import("./types.js").Sentence>} by code: how an alert may end, in the county's own words */
    this.dispositions = new Map();
    /** @type {{title: string, text: string, until: string|null}|null} the last refusal, until it is dismissed, or this alert changes */
    this.notice = null;
    /** @type {Map<string, {action: string, done: Promise<unknown>}>} by alert: the last action on its way */
    this.busy = new Map();
    /** @type {(alert: Alert, before: Alert|undefined) => void} */
    this.onArrival = () => {};

    this.#handsUntil = 0;
    this.#handTimer = 0;
    this.#toldSoon = false;
  }

  #handsUntil;
  #handTimer;
  #toldSoon;
  #listTimer = 0;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** @param {() => void} listener @returns {() => void} unsubscribes */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed() {
    if (this.#toldSoon) return;
    this.#toldSoon = true;
    // Not an animation frame: those stand still in a tab behind another one, and the alarm must sound there too.
    queueMicrotask(() => {
      this.#toldSoon = false;
      for (const listener of this.#listeners) listener();
    });
  }

  /** @param {Partial<Desk>} change */
  set(change) {
    Object.assign(this, change);
    this.changed();
  }

  // --- alerts

  /** The whole queue anew. @param {Alert[]} alerts */
  replace(alerts) {
    const before = this.alerts;
    const chosen = this.chosen && before.get(this.chosen);
    this.alerts = new Map(alerts.map((alert) => [alert.id, merged(before.get(alert.id), alert)]));
    if (chosen && !this.alerts.has(chosen.id)) {
      this.alerts.set(chosen.id, chosen);
      // No longer among the open ones: how it ended is on its own page.
      this.refresh(chosen.id);
    }
    for (const alert of this.alerts.values()) this.#arrived(alert, before.get(alert.id));
    this.loaded = true;
    this.#arrange();
  }

  /** One alert as it is from here on. @param {Alert} alert */
  apply(alert) {
    const before = this.alerts.get(alert.id);
    const after = merged(before, alert);
    // What was left open is answered by what happened.
    if (this.notice?.until === alert.id && before && newest(after) > newest(before)) this.notice = null;
    if (after.status === "closed" && alert.id !== this.chosen) this.alerts.delete(alert.id);
    else this.alerts.set(alert.id, after);
    this.#arrived(after, before);
    this.#arrange();
    if (after.id === this.chosen && !after.home && !alert.welfare) this.#listSoon(after.id);
  }

  /** The list of an area's alert moved: read it anew, at most once a second however many homes come and go. @param {string} id */
  #listSoon(id) {
    this.#listTimer ||= setTimeout(() => {
      this.#listTimer = 0;
      if (this.chosen === id) this.refresh(id);
    }, 1_000);
  }

  /** The rest of a long list. @param {string} id */
  async moreWelfare(id) {
    const alert = this.alerts.get(id);
    if (!alert?.welfare || !alert.welfare_next) return;
    const page = await api.welfare(id, alert.welfare_next).catch(() => null);
    const now = this.alerts.get(id);
    if (page && now?.welfare) this.alerts.set(id, { ...now, welfare: [...now.welfare, ...page.items], welfare_next: page.next });
    this.changed();
  }

  /** @param {Alert} alert @param {Alert|undefined} before */
  #arrived(alert, before) {
    this.onArrival(alert, before);
  }

  #arrange() {
    // What is part of an area's alert stands under that one, not in the queue.
    const stands = (/** @type {Alert} */ a) => a.status !== "closed" && !a.folded_into;
    const open = [...this.alerts.values()].filter((a) => stands(a) || a.id === this.chosen).sort(byUrgency);
    const ids = open.map((alert) => alert.id);
    if (performance.now() < this.#handsUntil) {
      const there = new Set(ids);
      const standing = new Set(this.order);
      this.order = this.order.filter((id) => there.has(id));
      this.heldBack = ids.filter((id) => !standing.has(id));
    } else {
      this.order = ids;
      this.heldBack = [];
    }
    this.changed();
  }

  /** The hand is at work in the queue: let nothing move under it for a moment. */
  handAtWork() {
    this.#handsUntil = performance.now() + HANDS_OFF_MS;
    clearTimeout(this.#handTimer);
    this.#handTimer = setTimeout(() => this.rest(), HANDS_OFF_MS);
  }

  rest() {
    clearTimeout(this.#handTimer);
    this.#handsUntil = 0;
    this.#arrange();
  }

  /** @param {string|null} id */
  choose(id) {
    if (id === this.chosen) return;
    const left = this.chosen && this.alerts.get(this.chosen);
    this.chosen = id;
    if (id) this.looking = null;
    if (left && left.status === "closed") this.alerts.delete(left.id);
    this.#arrange();
    const alert = this.card;
    if (alert?.home) this.wantHome(alert.home);
    if (id) this.refresh(id);
  }

  /** @param {1|-1} by */
  move(by) {
    const at = this.chosen ? this.order.indexOf(this.chosen) : -1;
    const next = this.order[at < 0 ? 0 : Math.min(this.order.length - 1, Math.max(0, at + by))];
    if (next) this.choose(next);
  }

  /** The most urgent alert that nobody has taken. @returns {Alert|undefined} */
  get next() {
    let best;
    for (const alert of this.alerts.values()) if (waiting(alert) && (!best || byUrgency(alert, best) < 0)) best = alert;
    return best;
  }

  /** @returns {Alert|undefined} */
  get card() {
    return this.chosen ? this.alerts.get(this.chosen) : undefined;
  }

  /** Read one alert with its evidence and timeline. @param {string} id */
  async refresh(id) {
    try {
      const alert = await api.alert(id);
      if (alert.status !== "closed" || id === this.chosen) this.apply(alert);
    } catch {
      // What the queue said of it stays on show; the connection's own state says the rest.
    }
  }

  async readDispositions() {
    const all = await api.dispositions().catch(() => []);
    if (all.length) this.set({ dispositions: new Map(all.map(({ code, title }) => [code, title])) });
  }

  async readColleagues() {
    this.set({ colleagues: await api.userNames().catch(() => []) });
  }

  async readModels() {
    const all = await api.models().catch(() => []);
    this.set({ models: new Map(all.map((model) => [model.id, model])) });
  }

  async readToday() {
    const none = () => [];
    const [today, ending, tests] = await Promise.all([api.today().catch(() => null), api.endingModes().catch(none), api.tests().catch(none)]);
    this.set({ today, ending, tests });
  }

  // --- homes

  /** Opens a home's card without an alert. @param {string|null} id */
  lookAt(id) {
    if (id) this.choose(null);
    this.looking = id;
    if (id) this.wantHome(id);
    this.changed();
  }

  /** Reads a home's record: when its card is opened, not before, since every look at it is noted down. @param {string} id */
  async wantHome(id) {
    const known = this.homes.get(id);
    if (known === null) return;
    // What is known stays on show while it is read anew: a contact may have changed since.
    if (known === undefined || known instanceof Error) this.homes.set(id, null);
    const read = await api.home(id).catch((problem) => problem);
    if (!(read instanceof Error) || this.homes.get(id) === null) this.homes.set(id, read);
    this.changed();
  }

  /** @param {Alert} alert @returns {Home|null} */
  homeOf(alert) {
    const home = alert.home ? this.homes.get(alert.home) : null;
    return home && !(home instanceof Error) ? home : null;
  }

  // --- freshness

  heardSomething() {
    this.heardAt = performance.now();
    this.serverHeardAt = now();
    this.brokenSince = null;
  }

  /** @param {import("./types.js").Beat} beat */
  beat(beat) {
    heard(beat.now);
    this.heardSomething();
    this.seq = beat.seq ?? this.seq;
    this.alarmUp = beat.alarm_process !== "down";
    this.ready = beat.ready !== false;
    this.problems = beat.problems ?? [];
    this.flood = beat.flood ?? null;
    this.changed();
  }

  broke() {
    this.brokenSince ??= performance.now();
    this.changed();
  }

  /** Nothing on this page may be trusted as the present. */
  get lost() {
    const at = performance.now();
    return this.loaded && (at - this.heardAt > SILENT_MS || (this.brokenSince !== null && at - this.brokenSince > BROKEN_MS));
  }

  /** A call made now would not be heard here: the connection or the alarm process is gone. */
  get deaf() {
    return this.lost || !this.alarmUp;
  }

  /** How long nothing was heard, ms. */
  get silence() {
    return performance.now() - this.heardAt;
  }
}

/** How much of an alert's life this record has seen. @param {Alert} alert */
const newest = (alert) => Math.max(0, ...(alert.timeline ?? []).map((entry) => entry.seq ?? 0));

/**
 * Answers and events overtake each other: an answer that was read before a claim may arrive after it, and must not take the claim back.
 * What is newer by its timeline stands; entries that only one of the two holds are kept (lists and the stream hold the newest only).
 * @param {Alert|undefined} before @param {Alert} heard @returns {Alert}
 */
function merged(before, heard) {
  if (!before) return heard;
  const late = newest(heard) < newest(before);
  const [older, newer] = late ? [heard, before] : [before, heard];
  const entries = newer.timeline ?? [];
  const first = entries.find((entry) => entry.seq !== null)?.seq ?? Infinity;
  const whole = entries.length >= (newer.timeline_count ?? entries.length);
  const kept = whole && newer.timeline ? [] : (older.timeline ?? []).filter((entry) => entry.seq !== null && entry.seq < first);
  const [welfare, welfare_next] = newer.welfare ? [newer.welfare, newer.welfare_next] : [older.welfare, older.welfare_next];
  return { ...newer, welfare, welfare_next, timeline: newer.timeline || older.timeline ? [...kept, ...entries] : undefined };
}
