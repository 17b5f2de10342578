/** What a screen reader is told (WCAG 2.2, 4.1.3). The two regions stand in index.html from the start, or they would not be heard. */

/** @param {string} text @param {"polite"|"urgent"} manner */
export function announce(text, manner = "polite") {
  const region = document.getElementById(manner);
  if (!region) return;
  // The same text again is only spoken when the region was empty in between.
  region.textContent = "";
  setTimeout(() => (region.textContent = text), 50);
}
