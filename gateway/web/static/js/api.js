/** Calls to the service. Every refusal becomes a `Refusal` that carries the sentence the operator should read. */

import { language, sentence, t } from "./i18n.js";

/** @typedef {import("./types.js").Alert} Alert */

const ROOT = "/api/v1";
/** More homes than this are no answer to a question: ask more precisely. */
const FOUND_AT_MOST = 12;

export class Refusal extends Error {
  /** @param {number} status 0 when the service could not be reached @param {string} text */
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** @returns {string} unguessable; `crypto.randomUUID` is missing on plain http pages inside a county's network */
export function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

const PATIENCE_MS = 12_000;
/** A draft of rules is checked and its tests are played, for which the service takes two minutes at most. */
const EXAMINING_MS = 130_000;
/** A city's month is counted with what calls leave of a processor, and takes the longer the more of them there are. */
export const COUNTING_MS = 300_000;

/**
 * @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers] @param {number} [patience]
 * @returns {Promise<any>} the answer's JSON, or null where there is none
 */
export async function call(method, path, body, headers = {}, patience = PATIENCE_MS) {
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(), patience);
  let response;
  try {
    response = await fetch(ROOT + path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      signal: waiting.signal,
      headers: {
        Accept: "application/json",
        "Accept-Language": language(),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    const answer = text ? JSON.parse(text) : null;
    if (!response.ok) throw new Refusal(response.status, explained(response.status, answer));
    return answer;
  } catch (problem) {
    if (problem instanceof Refusal) throw problem;
    throw new Refusal(response && !response.ok ? response.status : 0, t("refusal.unreachable"));
  } finally {
    clearTimeout(timer);
  }
}

/** @param {number} status @param {any} problem RFC 9457 problem details */
function explained(status, problem) {
  const said = sentence(problem?.sentence) || (typeof problem?.detail === "string" && problem.detail) || problem?.title;
  return said || t("refusal.status", { status });
}

/** Every page of a list. @param {string} path */
async function all(path) {
  const items = [];
  let cursor = "";
  do {
    const page = await call("GET", path + (cursor ? `${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}` : ""));
    items.push(...page.items);
    cursor = page.next ?? "";
  } while (cursor);
  return items;
}

const id = encodeURIComponent;

export const api = {
  /** @param {string} username @param {string} password */
  logIn: (username, password) => call("POST", "/session", { username, password }),
  /** What anybody may know before the log-in. @returns {Promise<{demo_username: string|null, demo_password: string|null, timezone?: string}>} */
  loginPage: () => call("GET", "/login"),
  logOut: () => call("DELETE", "/session"),
  me: () => call("GET", "/session"),
  /** @returns {Promise<Alert[]>} */
  openAlerts: () => all("/alerts?status=open&limit=500"),
  /** @param {string} alert @returns {Promise<Alert>} */
  alert: (alert) => call("GET", `/alerts/${id(alert)}`),
  /** @param {string} alert @param {string} action @param {object} body @param {string} key the same key asks the same thing again */
  act: (alert, action, body, key) => call("POST", `/alerts/${id(alert)}/${action}`, body, { "Idempotency-Key": key }),
  /**
   * @param {{alerts: string[], disposition: string, reason: string, event: string}} body @param {string} key
   * @returns {Promise<{closed: string[], left: {alert: string, why: string, text: import("./types.js").Sentence}[]}>}
   */
  closeTogether: (body, key) => call("POST", "/alerts/close", body, { "Idempotency-Key": key }),
  /** @param {string} alert @param {string} cursor @returns {Promise<{items: import("./types.js").Listed[], next: string|null}>} */
  welfare: (alert, cursor) => call("GET", `/alerts/${id(alert)}/welfare?limit=200&cursor=${id(cursor)}`),
  /** @param {string} alert @param {string} home @param {string} result @param {string} key */
  markWelfare: (alert, home, result, key) => call("POST", `/alerts/${id(alert)}/welfare/${id(home)}`, { result }, { "Idempotency-Key": key }),
  /** What the plan of an alert has. @param {string} alert @returns {Promise<{policy: string, items: import("./types.js").Grade[]}>} */
  grades: (alert) => call("GET", `/alerts/${id(alert)}/grades`),
  /** @param {string} alert @param {{scale: string, grade: number, reason: string}} body @param {string} key @returns {Promise<Alert>} */
  raiseGrade: (alert, body, key) => call("POST", `/alerts/${id(alert)}/grade`, body, { "Idempotency-Key": key }),
  /** @returns {Promise<import("./types.js").Disposition[]>} */
  dispositions: () => all("/dispositions"),
  /** @param {string} home @returns {Promise<import("./types.js").Home>} */
  home: (home) => call("GET", `/homes/${id(home)}`),
  /** @param {string} home @param {{mode: string, until: string, reason: string}} body @param {string} key */
  setMode: (home, body, key) => call("POST", `/homes/${id(home)}/mode`, body, { "Idempotency-Key": key }),
  /** The resident counts as at home again. @param {string} home */
  endMode: (home) => call("DELETE", `/homes/${id(home)}/mode`),
  /** @param {string} home @returns {Promise<import("./types.js").FamilyView>} */
  family: (home) => call("GET", `/homes/${id(home)}/family`),
  /** @param {string} home @param {object} body */
  setConsent: (home, body) => call("PUT", `/homes/${id(home)}/consent`, body),
  /** @param {string} home @param {{contact: string, days: number}} body @returns {Promise<{contact_name: string, path: string}>} */
  makeFamilyLink: (home, body) => call("POST", `/homes/${id(home)}/family-links`, body),
  /** @param {string} home @param {string} link */
  revokeFamilyLink: (home, link) => call("DELETE", `/homes/${id(home)}/family-links/${id(link)}`),
  /** Homes whose mode ends soon. @returns {Promise<import("./types.js").HomeMode[]>} */
  endingModes: () => all("/modes?ending=true"),
  /** What was arranged for a home, the latest first. @param {string} home @returns {Promise<{items: import("./types.js").Entry[]}>} */
  homeTimeline: (home) => call("GET", `/homes/${id(home)}/timeline`),
  /** Homes whose name, address, phone or resident holds these words. @param {string} words @returns {Promise<{items: import("./types.js").HomeLine[], next: string|null}>} */
  findHomes: (words) => call("GET", `/homes?limit=${FOUND_AT_MOST}&q=${id(words)}`),
  /** How every rule stands for a home just now. @param {string} home @returns {Promise<import("./types.js").Judged>} */
  judgement: (home) => call("GET", `/homes/${id(home)}/judgement`),
  /** The rules that hold, in words. @returns {Promise<{items: import("./types.js").RuleTold[], version: string}>} */
  rules: () => call("GET", "/rules"),
  /** @returns {Promise<import("./types.js").RulesVersion[]>} */
  rulesVersions: () => all("/rules/versions"),
  /** @param {string} version @returns {Promise<import("./types.js").RulesVersion>} with its texts */
  rulesVersion: (version) => call("GET", `/rules/versions/${id(version)}`),
  /** @param {{rules: string, tests: string, note: string}} body @returns {Promise<import("./types.js").RulesVersion>} */
  bringRules: (body) => call("POST", "/rules/versions", body, {}, EXAMINING_MS),
  /** @param {string} version @param {{reason: string, backtest: string}} body @param {string} key */
  activateRules: (version, body, key) => call("POST", `/rules/versions/${id(version)}/activate`, body, { "Idempotency-Key": key }),
  /** Who else works here: an alert is handed to one of them. @returns {Promise<{username: string, role: string}[]>} */
  userNames: () => all("/users/names"),
  /** What is on test, with its calls. @returns {Promise<import("./types.js").OnTest[]>} */
  tests: () => all("/tests"),
  /** What should be seen to today. @returns {Promise<import("./types.js").Today>} */
  today: () => call("GET", "/reports/homes?limit=50"),
  /** @returns {Promise<import("./types.js").Model[]>} what the devices are called */
  models: () => all("/models"),
  /**
   * @param {string} home @param {string} device @param {string} property @param {number} start @param {number} end ms since 1970
   * @param {string} [thinned] `every` and `aggregate` as a query
   * @returns {Promise<{at: string, value: number|boolean}[]>}
   */
  telemetry: (home, device, property, start, end, thinned = "") => {
    const iso = (/** @type {number} */ ms) => new Date(ms).toISOString();
    const which = `home=${id(home)}&device=${id(device)}&property=${id(property)}`;
    return all(`/telemetry?${which}&start=${id(iso(start))}&end=${id(iso(end))}&limit=2000${thinned}`);
  },
};
