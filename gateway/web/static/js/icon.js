/** Symbols. The sprite is read once and kept in the page, so that a symbol is there also when the service is not. */

import { html } from "../vendor/htm/standalone.module.js";

export async function loadIcons() {
  const response = await fetch("/static/icons.svg");
  const sprite = new DOMParser().parseFromString(await response.text(), "image/svg+xml").documentElement;
  sprite.setAttribute("class", "sprite");
  sprite.setAttribute("aria-hidden", "true");
  document.body.prepend(document.adoptNode(sprite));
}

/** @param {{name: string, class?: string}} props */
export const Icon = ({ name, class: kind = "" }) => html`<svg class=${`icon ${kind}`} aria-hidden="true" focusable="false"><use href=${`#${name}`} /></svg>`;
