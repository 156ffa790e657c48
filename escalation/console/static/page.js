// Fetching pages and parts of pages. The one place that turns the server's escaped HTML into nodes.
const policy = window.trustedTypes
  ? window.trustedTypes.createPolicy("panah", { createHTML: (html) => html })
  : { createHTML: (html) => html };

export const byId = (id) => document.getElementById(id);
export const csrf = () => document.querySelector('meta[name="csrf"]').content;
export const newCommand = () => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
export const persian = (value) => String(value).replace(/[0-9]/g, (digit) => "۰۱۲۳۴۵۶۷۸۹"[digit]);

const GIVE_UP_MS = 15_000;
const LOST = "این پرونده دیگر در دست شما نیست. نوشته‌تان نگه داشته شد.";

// Asks the server; a line that died without a word would hold the answer, and all that waits for it, back for many minutes.
export function ask(url, options = {}, giveUpMs = GIVE_UP_MS) {
  const end = new AbortController();
  setTimeout(() => end.abort(), giveUpMs);
  return fetch(url, { ...options, signal: end.signal });
}

function parse(html) {
  return new DOMParser().parseFromString(policy.createHTML(html), "text/html");
}

// Show a whole page without leaving this one, so that the stream and the armed sound live on.
export async function open(url, options = {}) {
  let response, next;
  try {
    response = await ask(url, { headers: { "X-Soft": "1" }, ...options });
    next = parse(await response.text());
  } catch {
    announce("این کار انجام نشد؛ ارتباط قطع است. دوباره بزنید.");
    return false;
  }
  if (!next.getElementById("main") || Boolean(document.body.dataset.actor) !== Boolean(next.body.dataset.actor)) {
    location.href = options.method && document.body.dataset.actor ? "/login" : response.url; // the sign-in is over
    return false;
  }
  const refusal = options.method && !response.ok && next.querySelector(".help-page p");
  if (refusal) {
    announce(refusal.textContent); // she stays where she is, with what she typed
    refresh();
    return false;
  }
  const [root, fresh] = [document, next].map((place) => place.querySelector("[data-live-page]"));
  if (options.method && response.ok && response.url === location.href && fresh && samePage(root, fresh)) {
    merge(root, fresh);
    return true;
  }
  if ((response.redirected || !options.method) && response.url !== location.href) history.pushState({}, "", response.url);
  show(next);
  return response.ok;
}

// True when only the parts marked data-live can differ: the same case, and she may do the same things to it.
const samePage = (root, fresh) => root?.dataset.livePage === fresh.dataset.livePage && root.dataset.mode === fresh.dataset.mode;

function show(next) {
  document.dispatchEvent(new CustomEvent("panah:leave"));
  document.title = next.title;
  document.body.className = next.body.className;
  document.body.dataset.shift = next.body.dataset.shift;
  document.querySelector('meta[name="csrf"]').content = next.querySelector('meta[name="csrf"]').content;
  for (const part of ["#main", ".top nav", "#shift", "#logout"]) {
    const old = document.querySelector(part);
    const fresh = next.querySelector(part);
    if (old && fresh) old.replaceWith(fresh);
  }
  window.scrollTo(0, 0);
  byId("main").querySelector("[autofocus]")?.focus(); // the field that a refusal is about
  document.dispatchEvent(new CustomEvent("panah:page"));
}

let refreshing = null;
let again = false;

// Bring the parts marked data-live up to date; a part she is using right now is left alone until she leaves it.
export async function refresh() {
  if (refreshing) {
    again = true;
    return refreshing;
  }
  refreshing = bringUpToDate().finally(() => {
    refreshing = null;
    if (again) {
      again = false;
      refresh();
    }
  });
  return refreshing;
}

async function bringUpToDate() {
  const root = document.querySelector("[data-live-page]");
  if (!root) return;
  let next;
  try {
    next = parse(await (await ask(root.dataset.livePage, { headers: { "X-Live": "1" } })).text());
  } catch {
    return;
  }
  const fresh = next.querySelector("[data-live-page]");
  if (!root.isConnected) return;
  if (!fresh) {
    // signed out, or the case is no longer hers to see; of a page upon a case's page only that may be true
    if (!root.dataset.above) location.reload();
    else if (await open(root.dataset.above)) announce(LOST);
    return;
  }
  if (samePage(root, fresh)) {
    merge(root, fresh);
    return;
  }
  const lost = document.querySelector("#composer") && !next.querySelector("#composer");
  show(next);
  if (lost) announce(LOST);
}

function merge(root, fresh) {
  if ("alarm" in fresh.dataset) root.dataset.alarm = fresh.dataset.alarm;
  for (const part of root.querySelectorAll("[data-live]")) replacePart(part, fresh);
  for (const list of root.querySelectorAll("[data-live-list]")) mergeList(list, fresh.querySelector(`[data-live-list="${list.dataset.liveList}"]`));
  document.dispatchEvent(new CustomEvent("panah:fresh"));
}

const inUse = (part) => part.contains(document.activeElement) && document.activeElement.matches("textarea, input, select, summary")
  || [...part.querySelectorAll("details[open]")].length > 0;

function replacePart(part, fresh) {
  const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
  if (!next) {
    if (!inUse(part)) part.replaceChildren();
    return;
  }
  if (inUse(part) || stripped(part) === stripped(next)) return;
  const focused = part.contains(document.activeElement) ? document.activeElement.closest("[data-id]")?.dataset.id : null;
  part.replaceWith(next);
  if (focused) next.querySelector(`[data-id="${CSS.escape(focused)}"] a, [data-id="${CSS.escape(focused)}"] button`)?.focus();
}

// Waits and fresh command ids differ in every answer and mean no change.
function stripped(part) {
  const copy = part.cloneNode(true);
  for (const time of copy.querySelectorAll("time[data-since]")) time.textContent = "";
  for (const input of copy.querySelectorAll('input[name="command"]')) input.remove();
  return copy.outerHTML;
}

function mergeList(list, next) {
  if (!next) return;
  const known = new Map([...list.querySelectorAll(":scope > [data-id]")].map((item) => [item.dataset.id, item]));
  let last = null;
  for (const item of [...next.children]) {
    const old = known.get(item.dataset.id);
    known.delete(item.dataset.id);
    if (old && old.outerHTML === item.outerHTML) {
      last = old;
      continue;
    }
    if (old) old.replaceWith(item);
    else if (last) last.after(item);
    else list.prepend(item);
    last = item;
  }
  for (const gone of known.values()) gone.remove();
  list.dataset.last = next.dataset.last;
}

// A sentence for her, spoken to screen readers too.
export function announce(words) {
  byId("told")?.remove();
  const box = document.createElement("div");
  box.id = "told";
  box.className = "told";
  box.setAttribute("role", "alert");
  box.textContent = words;
  document.body.append(box);
  setTimeout(() => box.remove(), 6000);
}
