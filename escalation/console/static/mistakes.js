// What is missing in a form, said in Persian beside the field: a browser would say it in its own language.
// Nothing is marked on the field itself, so a form never stays refused after she has mended it.
import { persian } from "./page.js";

let isSaid = false; // the first one of a form is enough

function wordsFor(field) {
  const { validity } = field;
  if (validity.tooShort) return `دست‌کم ${persian(field.minLength)} نویسه بنویسید؛ اکنون ${persian(field.value.length)} نویسه است.`;
  if (validity.patternMismatch) return field.title || "این نوشته به شکل خواسته‌شده نیست.";
  if (field.type === "checkbox") return "برای ادامه، نخست این را علامت بزنید.";
  if (field.type === "radio") return "یکی را انتخاب کنید.";
  return field.matches("select") ? "یکی را از فهرست انتخاب کنید." : "این جا را پر کنید.";
}

const unsay = () => document.querySelector(".mistake")?.remove();

function say(field) {
  unsay();
  const line = document.createElement("p");
  line.className = "mistake";
  line.setAttribute("role", "alert");
  line.textContent = wordsFor(field);
  const place = field.closest("[role=radiogroup], .choices, .choice, .tick, .inline, .row") ?? field;
  place.after(line);
  field.focus();
  line.scrollIntoView({ block: "nearest" });
}

export function startMistakes() {
  document.addEventListener("invalid", (event) => {
    event.preventDefault();
    if (isSaid) return;
    isSaid = true;
    setTimeout(() => { isSaid = false; });
    if (event.target.form?.id === "composer") event.target.focus(); // Enter on an empty box is no mistake
    else say(event.target);
  }, true);
  document.addEventListener("input", unsay);
  document.addEventListener("submit", unsay);
}
