/** One keystroke each: which key asks for what. `help.js` and the footer show the same table. */

/** @typedef {"take_next"|"take_this"|"down"|"up"|"acknowledge"|"note"|"hold"|"escalate"|"transfer"|"respond"|"close"|"language"|"mute"|"help"|"find"|"welfare"|"together"|"grade"|"escape"} Wish */

/** @type {Record<string, Wish>} */
const WISHES = {
  " ": "take_next",
  Enter: "take_this",
  j: "down",
  ArrowDown: "down",
  k: "up",
  ArrowUp: "up",
  a: "acknowledge",
  n: "note",
  h: "hold",
  e: "escalate",
  t: "transfer",
  r: "respond",
  c: "close",
  l: "language",
  m: "mute",
  w: "welfare",
  b: "together",
  g: "grade",
  "/": "find",
  "、": "find",
  "?": "help",
  "？": "help",
  Escape: "escape",
};

/** For people: the key's name in words or as printed on it, and what it does. @type {[keys: string[], says: string][]} */
export const TABLE = [
  [["keys.space"], "keys.take_next"],
  [["keys.enter"], "keys.take_this"],
  [["J", "K", "↓", "↑"], "keys.move"],
  [["A"], "keys.acknowledge"],
  [["C"], "keys.close"],
  [["N"], "keys.note"],
  [["R"], "keys.respond"],
  [["H"], "keys.hold"],
  [["E"], "keys.escalate"],
  [["T"], "keys.transfer"],
  [["/"], "keys.find"],
  [["W"], "keys.welfare"],
  [["G"], "keys.grade"],
  [["B"], "keys.together"],
  [["M"], "keys.mute"],
  [["L"], "keys.language"],
  [["?"], "keys.help"],
  [["Esc"], "keys.escape"],
];

/**
 * What a key press asks of the desk; null when it belongs to a field, a button in keyboard use, an open window or the browser.
 * @param {KeyboardEvent} event @returns {Wish|null}
 */
export function wish(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest("input, textarea, select, dialog")) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // Space and Enter press the button or link on which the keyboard stands; everywhere else they are the desk's.
  if ((key === " " || key === "Enter") && target.closest("button, a, summary")) return null;
  // A key held down must not take ten alerts.
  if (event.repeat && !["down", "up"].includes(WISHES[key])) return null;
  return WISHES[key] ?? null;
}
