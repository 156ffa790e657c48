// Her message box: sent at once into the log, kept until the server has it, tried again under the same command.
import { announce, ask, byId, csrf, newCommand, persian, refresh } from "./page.js";

const SMS_ONE = 70;
const SMS_PART = 67;
const draftKey = () => `draft:${document.querySelector("[data-case]")?.dataset.case}`;

export function startChat() {
  toNewest();
  startBox();
  stayAtEnd();
}

// A banner above or a longer hint below takes height from the log: who read its end goes on reading its end.
function stayAtEnd() {
  const log = byId("log");
  if (!log) return;
  let atEnd = true;
  log.addEventListener("scroll", () => { atEnd = nearEnd(log); });
  new ResizeObserver(() => { if (atEnd) toNewest(); }).observe(log);
}

// Wakes the message box of this page; one that is awake already is left alone.
export function startBox() {
  const form = byId("composer");
  if (!form || form.dataset.ready) return;
  form.dataset.ready = "1";
  const box = form.elements.text;
  box.value = sessionStorage.getItem(draftKey()) ?? "";
  measure(form);
  if (matchMedia("(pointer: fine)").matches && !byId("questions")) box.focus();
  box.addEventListener("input", () => keep(form));
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    keep(form);
    send(form, text, newCommand());
  });
  for (const phrase of form.querySelectorAll("[data-phrase]")) phrase.addEventListener("click", () => put(form, phrase.dataset.phrase));
  byId("below").addEventListener("click", toNewest);
}

function put(form, words) {
  const box = form.elements.text;
  box.value = box.value.trim() ? `${box.value.trimEnd()} ${words}` : words;
  keep(form);
  box.focus();
}

function keep(form) {
  const text = form.elements.text.value;
  if (text) sessionStorage.setItem(draftKey(), text);
  else sessionStorage.removeItem(draftKey());
  measure(form);
}

// An SMS costs by parts and arrives in pieces: she sees how long hers is.
function measure(form) {
  const length = form.elements.text.value.length;
  const parts = length <= SMS_ONE ? 1 : Math.ceil(length / SMS_PART);
  byId("length").textContent = form.dataset.sms && length ? persian(`${length} نویسه، ${parts} پیامک`) : "";
}

function bubble(text, command) {
  const item = document.createElement("li");
  item.className = "said staff pending";
  item.dataset.command = command;
  const words = document.createElement("p");
  words.className = "text";
  words.textContent = text;
  const meta = document.createElement("p");
  meta.className = "meta";
  item.append(words, meta);
  state(item, "در حال فرستادن…");
  return item;
}

function state(item, words) {
  const span = document.createElement("span");
  span.textContent = words;
  item.querySelector(".meta").replaceChildren(span);
}

async function send(form, text, command, old = null) {
  const item = old ?? bubble(text, command);
  if (old) {
    item.classList.replace("failed", "pending");
    state(item, "در حال فرستادن…");
  } else {
    byId("log").querySelector('[data-id="none"]')?.remove();
    byId("log").append(item);
    byId("log").querySelector(".fresh")?.remove();
  }
  toNewest();
  const refused = await post(form, text, command);
  if (refused === "") {
    await refresh();
    item.remove();
    toNewest();
    return;
  }
  fail(form, item, text, command, refused);
}

// Gives an empty string when the server has it, else the reason in Persian.
async function post(form, text, command) {
  const body = new URLSearchParams({ csrf: csrf(), token: form.dataset.token, command, text });
  try {
    const response = await ask(form.action, { method: "POST", body, headers: { "X-Live": "1" } });
    if (response.ok) return "";
    const answer = await response.json().catch(() => ({}));
    return answer.error ?? "فرستاده نشد.";
  } catch {
    return "فرستاده نشد؛ ارتباط قطع است.";
  }
}

function fail(form, item, text, command, why) {
  item.classList.replace("pending", "failed");
  state(item, why);
  const retry = document.createElement("button");
  retry.type = "button";
  retry.textContent = "دوباره بفرست";
  retry.addEventListener("click", () => send(byId("composer") ?? form, text, command, item));
  item.querySelector(".meta").append(retry);
  toNewest(); // why it failed makes the bubble taller
  announce(why);
}

const nearEnd = (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 120;

function toNewest() {
  const log = byId("log");
  if (!log) return;
  log.scrollTop = log.scrollHeight;
  byId("below")?.setAttribute("hidden", "");
}

// A line above the first of her words that came while the counsellor looked elsewhere; gone once she answers.
function markFresh(log, before) {
  if (log.querySelector(".fresh")) return;
  const first = [...log.querySelectorAll(".said.contact")].find((item) => Number(item.dataset.id) > before);
  if (!first) return;
  const line = document.createElement("li");
  line.className = "fresh";
  line.textContent = "تازه";
  first.before(line);
}

// Before the log changes: is she reading the end? Afterwards: follow, or say that there is more below.
export function follow(change) {
  const log = byId("log");
  if (!log) return change();
  const [atEnd, before] = [nearEnd(log), log.dataset.last];
  return change().then(() => {
    const now = byId("log");
    if (!now) return;
    if (before && (document.hidden || !atEnd || byId("questions"))) markFresh(now, Number(before));
    for (const item of now.querySelectorAll(".pending, .failed")) if (item.dataset.command) now.append(item);
    if (atEnd) toNewest();
    else if (now.dataset.last !== before) byId("below")?.removeAttribute("hidden");
  });
}
