/** The way in. */

import { html, useEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { api, Refusal } from "./api.js";
import { useDesk, usePage } from "./hooks.js";
import { Icon } from "./icon.js";
import { t } from "./i18n.js";
import { setZone } from "./time.js";

export function Login() {
  const { desk, go } = usePage();
  useDesk(desk);
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const first = useRef(/** @type {HTMLInputElement|null} */ (null));
  const [demo, setDemo] = useState(/** @type {{username: string, password: string}|null} */ (null));
  const form = useRef(/** @type {HTMLFormElement|null} */ (null));
  useEffect(() => {
    first.current?.focus();
    api.loginPage().then(
      ({ demo_username: username, demo_password: password, timezone }) => {
        setZone(timezone);
        if (username && password) setDemo({ username, password });
      },
      () => undefined,
    );
  }, []);

  function enterDemo() {
    for (const [name, value] of Object.entries(demo ?? {})) {
      const field = form.current?.elements.namedItem(name);
      if (field instanceof HTMLInputElement) field.value = value;
    }
    form.current?.requestSubmit();
  }

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const filled = new FormData(/** @type {HTMLFormElement} */ (event.target));
    // What is typed from here on is meant for the desk, not for the password.
    /** @type {HTMLElement|null} */ (document.activeElement)?.blur();
    setBusy(true);
    setWrong("");
    go.unlock();
    try {
      await go.logIn(String(filled.get("username")), String(filled.get("password")));
    } catch (problem) {
      setBusy(false);
      first.current?.focus();
      setWrong(problem instanceof Refusal && problem.status === 401 ? t("login.wrong") : String(/** @type {Error} */ (problem).message));
    }
  }

  return html`<main class="login">
    <form ref=${form} onSubmit=${submit}>
      <div class="brand"><${Icon} name="house" /><div><h1>${t("login.title")}</h1><p>${t("login.lead")}</p></div></div>
      <label>${t("login.username")}<input ref=${first} name="username" autocomplete="username" autocapitalize="none" required /></label>
      <label>${t("login.password")}<input name="password" type="password" autocomplete="current-password" required /></label>
      <p class="wrong" role="alert">${wrong || (desk.loginHint && t(desk.loginHint))}</p>
      <button class="primary" disabled=${busy}>${t("login.do")}</button>
      ${demo &&
      html`<div class="demo"><p><b>${t("login.demo")}</b> ${t("login.demo_more")}</p>
        <button type="button" disabled=${busy} onClick=${enterDemo}>${t("login.demo_do")}</button></div>`}
      <button type="button" class="tool" onClick=${go.language}>${t("bar.language")}</button>
    </form>
  </main>`;
}
