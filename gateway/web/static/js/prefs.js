/** What this browser remembers of its operator: language, theme, sound. A browser that forbids storage forgets at the next load. */

/** @type {Map<string, string>} */
const memory = new Map();

/** @param {string} key @param {string} fallback */
export function recall(key, fallback) {
  try {
    return localStorage.getItem(`anju.${key}`) ?? fallback;
  } catch {
    return memory.get(key) ?? fallback;
  }
}

/** @param {string} key @param {string} value */
export function remember(key, value) {
  memory.set(key, value);
  try {
    localStorage.setItem(`anju.${key}`, value);
  } catch {
    // Kept in memory above.
  }
}
