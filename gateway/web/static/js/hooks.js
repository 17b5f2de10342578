/** How components take part: redraw when the desk changes, and once a second where something counts. */

import { createContext, useContext, useEffect, useReducer } from "../vendor/htm/standalone.module.js";
import { now } from "./time.js";

/** @typedef {{desk: import("./desk.js").Desk, bell: import("./sound.js").Bell, go: import("./main.js").Go}} Shared */

export const Page = createContext(/** @type {any} */ (null));

/** @returns {Shared} */
export const usePage = () => useContext(Page);

/** Redraws whenever the desk changes. @param {import("./desk.js").Desk} desk */
export function useDesk(desk) {
  const [, redraw] = useReducer((/** @type {number} */ n) => n + 1, 0);
  useEffect(() => desk.listen(() => redraw(null)), [desk]);
}

/** @type {Set<() => void>} */
const counting = new Set();
let second = Math.floor(now() / 1000);
setInterval(() => {
  const current = Math.floor(now() / 1000);
  if (current === second) return;
  second = current;
  counting.forEach((tick) => tick());
}, 200);

/** The service's present second, ms since 1970: the same for every age and clock on the page. */
export const thisSecond = () => second * 1000;

/** Calls when the service's second changes, all callers in the same moment. @param {() => void} tick @returns {() => void} stops it */
export function everySecond(tick) {
  counting.add(tick);
  return () => counting.delete(tick);
}

/** Redraws this component once a second. */
export function useSeconds() {
  const [, redraw] = useReducer((/** @type {number} */ n) => n + 1, 0);
  useEffect(() => everySecond(() => redraw(null)), []);
}
