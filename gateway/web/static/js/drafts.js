/**
 * What somebody is typing into a form of an alert, so that the end of a session does not take it away.
 *
 * It stays in this tab, belongs to who typed it, and is gone when it was sent, given up or when somebody else logs in. There is one: a
 * form stands over the whole page.
 */

/** @typedef {{user: string, alert: string, action: string, values: Record<string, string>}} Draft */

const KEY = "anju.draft";

/** @type {string|null} where the browser forbids storage: until the next load */
let memory = null;

/** @returns {Draft|null} */
function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? memory ?? "null");
  } catch {
    return JSON.parse(memory ?? "null");
  }
}

/** @param {Draft} draft */
export function keep(draft) {
  memory = JSON.stringify(draft);
  try {
    sessionStorage.setItem(KEY, memory);
  } catch {
    // Kept in memory above.
  }
}

export function drop() {
  memory = null;
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // There was none.
  }
}

/** What this person had typed when the session ended; somebody else's is gone from here on. @param {string} user @returns {Draft|null} */
export function enteredBy(user) {
  const draft = read();
  if (draft && draft.user !== user) drop();
  return draft?.user === user ? draft : null;
}

/** @param {string} user @param {string} alert @param {string} action @returns {Record<string, string>} by the names of the form's fields */
export function typed(user, alert, action) {
  const draft = read();
  return draft && draft.user === user && draft.alert === alert && draft.action === action ? draft.values : {};
}
