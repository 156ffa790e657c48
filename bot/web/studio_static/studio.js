// The editor's comforts: line numbers that follow, a click on a problem goes to its line, no loss of what was typed.
(function () {
  "use strict";
  const text = document.getElementById("text");
  if (!text) return;
  const numbers = document.getElementById("numbers"), editor = document.getElementById("editor");
  const dirty = document.getElementById("dirty"), saved = text.value, kept = "draft:" + location.pathname;
  let isLeavingOnPurpose = false;

  function follow() {
    const lines = text.value.split("\n").length + 1;
    text.rows = lines;
    while (numbers.children.length < lines) {
      const item = document.createElement("li");
      item.id = "L" + (numbers.children.length + 1);
      numbers.append(item);
    }
    while (numbers.children.length > lines) numbers.lastChild.remove();
    dirty.hidden = text.value === saved;
  }
  function goTo(line) {
    const lines = text.value.split("\n"), at = Math.min(line, lines.length) - 1;
    const start = lines.slice(0, at).reduce((sum, one) => sum + one.length + 1, 0);
    text.focus({ preventScroll: true });
    text.setSelectionRange(start, start + lines[at].length);
    document.getElementById("L" + (at + 1)).scrollIntoView({ block: "center" });
  }
  document.querySelectorAll('.problem .at[href^="#"]').forEach((link) => {
    const item = document.getElementById("L" + link.dataset.line), kind = link.closest("li");
    if (item && !item.className) item.className = kind.classList.contains("E") ? "E" : kind.classList.contains("W") ? "W" : "";
    link.addEventListener("click", (event) => { event.preventDefault(); goTo(+link.dataset.line); });
  });
  text.addEventListener("input", follow);
  text.addEventListener("keydown", (event) => {
    if (event.key === "s" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); editor.requestSubmit(); }
  });
  // The complete check may take some seconds: a second press would only begin it again.
  const check = editor.querySelector('[href$="check=complete"]'), name = check.textContent;
  check.addEventListener("click", (event) => {
    if (check.textContent !== name) event.preventDefault();
    else if (text.value === saved && !event.ctrlKey && !event.metaKey && !event.shiftKey) check.textContent = "در حال بررسی…";
  });
  addEventListener("pageshow", () => { check.textContent = name; });
  // When signing in again comes between a save and the script, what was typed waits in this tab.
  editor.addEventListener("submit", () => { isLeavingOnPurpose = true; sessionStorage.setItem(kept, text.value); });
  const typed = sessionStorage.getItem(kept);
  sessionStorage.removeItem(kept);
  if (typed !== null && typed !== saved && !text.readOnly) text.value = typed;
  addEventListener("beforeunload", (event) => { if (!isLeavingOnPurpose && text.value !== saved) event.preventDefault(); });
  follow();
  if (/^#L\d+$/.test(location.hash)) goTo(+location.hash.slice(2));
}());
