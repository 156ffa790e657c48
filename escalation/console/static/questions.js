// What she has ticked in a questionnaire is kept in this tab until the server has it: a look elsewhere or a lost claim
// takes none of it. Signing out forgets it, like a half-written message.
import { byId } from "./page.js";

export function startQuestions() {
  const form = byId("questions");
  if (!form) return;
  const key = `ticked:${new URL(form.action).pathname}`;
  for (const [name, value] of JSON.parse(sessionStorage.getItem(key) ?? "[]")) {
    const choice = form.querySelector(`input[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]`);
    if (choice) choice.checked = true;
  }
  form.addEventListener("change", () => sessionStorage.setItem(key, JSON.stringify(ticked(form))));
  form.addEventListener("reset", () => sessionStorage.removeItem(key)); // what was sent and taken is emptied (app.js)
}

const ticked = (form) => [...form.querySelectorAll("input:checked")].map(({ name, value }) => [name, value]);
