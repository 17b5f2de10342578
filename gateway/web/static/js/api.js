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

/**
 * @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers]
 * @returns {Promise<any>} the answer's JSON, or null where there is none
 */
export async function call(method, path, body, headers = {}) {
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(), 12_000);
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
  /** @returns {Promise<import("./types.js").Disposition[]>} */
  dispositions: () => all("/dispositions"),
  /** @param {string} home @returns {Promise<import("./types.js").Home>} */
  home: (home) => call("GET", `/homes/${id(home)}`),
  /** Homes whose name, address, phone or resident holds these words. @param {string} words @returns {Promise<{items: import("./types.js").HomeLine[], next: string|null}>} */
  findHomes: (words) => call("GET", `/homes?limit=${FOUND_AT_MOST}&q=${id(words)}`),
  /** Who else works here: an alert is handed to one of them. @returns {Promise<{username: string, role: string}[]>} */
  userNames: () => all("/users/names"),
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
