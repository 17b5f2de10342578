/** The head of every page beside the desk: where one is, the ways to the others, theme and language. The desk has the same ways in a list. */

import { html, useEffect, useState } from "../vendor/htm/standalone.module.js";
import { language, markLanguage, speak, t } from "./i18n.js";
import { recall, remember } from "./prefs.js";

const PAGES = ["desk", "duty", "care", "silences", "tests", "drills", "reports", "rules", "channels"];
/** @param {string} page */
const path = (page) => (page === "desk" ? "/" : `/${page}`);

document.documentElement.dataset.theme = recall("theme", "dark");
markLanguage();

/** @param {{but?: string}} props `but`: a page that is left out */
const Ways = ({ but = "" }) => html`<ul>${PAGES.filter((page) => page !== but).map(
  (page) => html`<li><a href=${path(page)} aria-current=${path(page) === location.pathname ? "page" : null}>${t(`pages.${page}`)}</a></li>`,
)}</ul>`;

/** On the desk, where there is no room for all of them. */
export const More = () => html`<details class="more" onKeyDown=${(/** @type {any} */ e) => e.key === "Escape" && (e.currentTarget.open = false)}
  onFocusOut=${(/** @type {any} */ e) => e.currentTarget.contains(e.relatedTarget) || (e.currentTarget.open = false)}>
  <summary class="tool" aria-label=${t("pages.more")}><span class="word">${t("pages.more")}</span></summary><nav aria-label=${t("pages.title")}><${Ways} but="desk" /></nav></details>`;

/** `again`: the page is to be drawn anew, in the other language. @param {{title: string, again: () => void, children?: any}} props */
export function Masthead({ title, again, children }) {
  const [, turn] = useState(0);
  const other = () => (speak(language() === "zh" ? "en" : "zh"), again());
  useEffect(() => {
    const press = (/** @type {KeyboardEvent} */ event) => {
      if (event.key.toLowerCase() !== "l" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (/** @type {HTMLElement} */ (event.target).closest("input, select, textarea")) return;
      event.preventDefault();
      other();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  // On a telephone the line of pages is longer than the screen.
  useEffect(() => document.querySelector(".masthead a[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" }), []);
  document.title = `${t("brand")} · ${title}`;
  const theme = () => {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    remember("theme", next);
    turn((n) => n + 1);
  };
  return html`<header class="masthead">
    <nav aria-label=${t("pages.title")}><${Ways} /></nav>
    <div class="here"><h1>${title}</h1>${children}
      <button onClick=${theme} aria-label=${t("pages.theme")} title=${t("pages.theme")}>◐</button>
      <button onClick=${other}>${t("bar.language")}<kbd>L</kbd></button></div>
  </header>`;
}
