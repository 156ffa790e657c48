// One key for each thing she does most. Letters are read by their place on the keyboard: a Persian layout types «د» on N.
import { byId, open } from "./page.js";

const typing = (target) => target.closest("textarea, input, select, [contenteditable]");

// Opens a menu and stands on its first choice: a key alone never closes or gives away a case.
function menu(name, first) {
  const found = document.querySelector(`.menu[data-menu="${name}"]`);
  if (!found) return;
  found.open = true;
  found.querySelector(first)?.focus();
}

const ACTS = {
  KeyN: () => byId("take")?.requestSubmit(),
  KeyQ: () => open("/"),
  KeyR: () => byId("text")?.focus(),
  KeyC: () => menu("close", "input[type=radio]"),
  KeyH: () => menu("more", "[data-hand-back]"),
  KeyM: () => byId("note")?.focus(),
  KeyU: () => document.querySelector("form[data-undo]")?.requestSubmit(),
  Slash: () => byId("keys")?.showModal(),
};

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    // Alt+U works from the message box too, where she is a second after taking a case.
    if (event.altKey && event.code === "KeyU" && document.body.dataset.actor) return act(event, ACTS.KeyU);
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
    if (event.key === "Escape") return leave(event);
    if (!document.body.dataset.actor || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && !event.target.closest("a, button, summary")) return act(event, ACTS.KeyN);
    if (event.code in ACTS && (event.code !== "Slash" || event.shiftKey)) act(event, ACTS[event.code]);
  });
}

function act(event, what) {
  event.preventDefault();
  what();
}

function leave(event) {
  for (const menu of document.querySelectorAll(".menu[open]")) menu.open = false;
  if (typing(event.target)) event.target.blur();
}
