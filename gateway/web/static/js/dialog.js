/** A window over the page. The browser's own `<dialog>` keeps the focus inside, closes on Esc and gives the focus back. */

import { html, useLayoutEffect, useRef } from "../vendor/htm/standalone.module.js";

/** @param {{title: string, onClose: () => void, class?: string, light?: boolean, children?: any}} props
 * `light`: a click beside it closes it too; not for windows in which something was typed. */
export function Window({ title, onClose, class: kind = "", light = false, children }) {
  const box = useRef(/** @type {HTMLDialogElement|null} */ (null));
  useLayoutEffect(() => {
    const dialog = box.current;
    if (!dialog || dialog.open) return undefined;
    const before = /** @type {HTMLElement|null} */ (document.activeElement);
    dialog.showModal();
    return () => before?.isConnected && before.focus();
  }, []);
  return html`<dialog
    ref=${box}
    class=${`window ${kind}`}
    aria-labelledby="window-title"
    onCancel=${(/** @type {Event} */ e) => (e.preventDefault(), onClose())}
    onClick=${(/** @type {MouseEvent} */ e) => light && e.target === box.current && onClose()}
  >
    <div class="inside"><h2 id="window-title">${title}</h2>${children}</div>
  </dialog>`;
}
