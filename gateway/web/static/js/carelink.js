/** From a home, or from its call, to what is planned for it and to a request for help. */

import { html } from "../vendor/htm/standalone.module.js";
import { t } from "./i18n.js";

/** @param {{home: string, alert?: string}} props */
export const CareLink = ({ home, alert }) => html`<section class="panel"><a class="care" href=${`/care?home=${encodeURIComponent(home)}${alert ? `&alert=${encodeURIComponent(alert)}` : ""}`}
  target="_blank" rel="noopener">${t(alert ? "care.ask" : "care.title")}</a></section>`;
