/** One symbol of the sprite. */

import { html } from "../vendor/htm/standalone.module.js";

/** @param {{name: string, class?: string}} props */
export const Icon = ({ name, class: kind = "" }) =>
  html`<svg class=${`icon ${kind}`} aria-hidden="true" focusable="false"><use href=${`/static/icons.svg#${name}`} /></svg>`;
