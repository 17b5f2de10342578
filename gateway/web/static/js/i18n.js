/**
 * How the page speaks: Chinese first, English complete; the words stand in `words*.js`. Data (names, addresses, notes) is shown as the
 * registry has it; sentences of the service come in both languages and are chosen here.
 */

import { recall, remember } from "./prefs.js";
import { WORDS as DESK } from "./wordsdesk.js";
import { WORDS as HOME } from "./wordshome.js";
import { WORDS as PAGES } from "./wordspages.js";
import { WORDS as RULES } from "./wordsrules.js";

/** @typedef {"zh"|"en"} Language */

/** By key, of every page that has no table of its own. */
const WORDS = { ...DESK, ...HOME, ...PAGES, ...RULES };

/** @type {Language} */
let current = recall("language", "zh") === "en" ? "en" : "zh";

export const language = () => current;

/** Chinese until somebody chose otherwise, whatever the browser speaks. @param {Language} to */
export function speak(to) {
  current = to;
  remember("language", to);
  markLanguage();
}

/** Tells readers aloud and spelling which language stands here. */
export function markLanguage() {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
}

/**
 * @param {string} key @param {Record<string, string|number>} [values] put in where the text says `{name}`
 * @returns {string} the key itself where a word is missing, so that it is seen
 */
export function t(key, values) {
  const words = WORDS[key];
  if (!words) return key;
  const text = words[current === "zh" ? 0 : 1];
  return values ? text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "")) : text;
}

/** @param {string} prefix @param {string|null|undefined} code a code of the service; unknown ones are shown as they are */
export function word(prefix, code) {
  if (!code) return "";
  const key = `${prefix}.${code}`;
  return key in WORDS ? t(key) : code;
}

/**
 * What the service says in a pair of fields: `title` in Chinese and `title_en`.
 * @template {string} N @param {Record<N, string> & Record<string, any>} record @param {N} name
 */
export const said = (record, name) => (current === "en" && record[`${name}_en`]) || record[name] || "";

/** @param {unknown} said a sentence in both languages, or plain text */
export function sentence(said) {
  if (typeof said === "string") return said;
  if (said && typeof said === "object") {
    const both = /** @type {Record<string, string>} */ (said);
    return both[current] || both.zh || both.en || "";
  }
  return "";
}
