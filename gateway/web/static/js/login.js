/** The way in. */

import { html, useEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { api, Refusal } from "./api.js";
import { useDesk, usePage } from "./hooks.js";
import { Icon } from "./icon.js";
import { t } from "./i18n.js";

export function Login() {
  const { desk, go } = usePage();
  useDesk(desk);
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const first = useRef(/** @type {HTMLInputElement|null} */ (null));
  const [demo, setDemo] = useState("");
  useEffect(() => {
    first.current?.focus();
    api.loginPage().then(
      ({ demo_username: username, demo_password: password }) => username && setDemo(t("login.demo", { username, password: password ?? "" })),
      () => undefined,
    );
  }, []);

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    setBusy(true);
    setWrong("");
    go.unlock();
    try {
      await go.logIn(String(form.get("username")), String(form.get("password")));
    } catch (problem) {
      setBusy(false);
      setWrong(problem instanceof Refusal && problem.status === 401 ? t("login.wrong") : String(/** @type {Error} */ (problem).message));
    }
  }

  return html`<main class="login">
    <form onSubmit=${submit}>
      <div class="brand"><${Icon} name="house" /><div><h1>${t("login.title")}</h1><p>${t("login.lead")}</p></div></div>
      <label>${t("login.username")}<input ref=${first} name="username" autocomplete="username" autocapitalize="none" required /></label>
      <label>${t("login.password")}<input name="password" type="password" autocomplete="current-password" required /></label>
      <p class="wrong" role="alert">${wrong || (desk.loginHint && t(desk.loginHint))}</p>
      <button class="primary" disabled=${busy}>${t("login.do")}</button>
      ${demo && html`<p class="demo">${demo}</p>`}
      <button type="button" class="tool" onClick=${go.language}>${t("bar.language")}</button>
    </form>
  </main>`;
}
