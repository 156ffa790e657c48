// Starts every part of the console on a page and again after a soft change of page.
import { arm, knock, setWaiting, sound, startAlarm, test } from "./alarm.js";
import { follow, startBox, startChat } from "./chat.js";
import { startClock, waitWords } from "./clock.js";
import { startHealth } from "./health.js";
import { startKeys } from "./keys.js";
import { startMistakes } from "./mistakes.js";
import { startOthers } from "./others.js";
import { announce, byId, open, refresh } from "./page.js";
import { startQuestions } from "./questions.js";
import { startStream } from "./stream.js";

const IDLE_MS = 15 * 60_000;
let touchedAt = Date.now();

function onPage() {
  readAlarm();
  startQuestions();
  startChat();
}

function readAlarm() {
  const queue = byId("queue");
  if (queue) setWaiting(queue.dataset.alarm.split(" ").filter(Boolean));
}

let due = 0;
function soon(inMs) {
  clearTimeout(due);
  due = setTimeout(() => follow(refresh), inMs);
}

let mine = [];
document.addEventListener("panah:heard", ({ detail }) => {
  if (detail.kind === "alarm") {
    mine = detail.mine;
    setWaiting(detail.urgent);
  }
  sound();
  if (["beat", "here", "alarm", "health"].includes(detail.kind)) return;
  const here = document.querySelector("[data-case]")?.dataset.case;
  const elsewhere = document.hidden || here !== detail.case || byId("questions");
  if (detail.yours) {
    knock();
    announce("همکارتان پرونده‌ای را به شما سپرد؛ در صف با نام شماست.");
  }
  if (detail.change === "message" && mine.includes(detail.case) && elsewhere) knock();
  if (detail.kind === "stir") {
    // no number changed: a receipt, a shift; a case page waits only for receipts
    if (!here || document.querySelector("[data-on-way]")) soon(1000);
  } else if (detail.kind === "ready" || !here || detail.case === here) soon(60);
});
document.addEventListener("panah:fresh", () => { readAlarm(); startBox(); });
document.addEventListener("panah:page", onPage);

document.addEventListener("panah:link", ({ detail }) => {
  const link = byId("link");
  const lost = detail.state === "lost";
  link.dataset.link = detail.state;
  link.textContent = { lost: "ارتباط قطع است", on: "زنده", wait: "در حال وصل شدن" }[detail.state];
  byId("lost").hidden = !lost;
  byId("lost-for").textContent = lost ? waitWords(detail.silent) : "";
  if (Date.now() - touchedAt > IDLE_MS && byId("case")) open("/"); // no content on an unwatched screen
});

// Links and forms marked data-soft change the page without dropping the stream or the sound.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-soft], .top nav a, .top .me, #urgent-open");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || [link, location].some((place) => place.pathname.startsWith("/flows"))) return;
  event.preventDefault();
  open(link.href);
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.id === "logout") sessionStorage.clear();
  if (form.id === "shift" && form.elements.to.value === "on") arm().then(test);
  if (event.defaultPrevented || !form.matches("[data-soft]")) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  const sent = { method: "POST", body: new URLSearchParams(new FormData(form, event.submitter)) };
  const menu = form.closest(".menu");
  if (menu) menu.open = false; // only her own: one that she opens meanwhile stays open
  if (form.contains(document.activeElement)) document.activeElement.blur();
  open(form.action, sent).then((done) => {
    if (done) form.reset();
    else if (menu?.isConnected) menu.open = true;
  }).finally(() => delete form.dataset.busy);
});
byId("help")?.addEventListener("click", () => byId("keys").showModal());
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.(".menu") && event.target.open)
    for (const other of document.querySelectorAll(".menu[open]")) if (other !== event.target) other.open = false;
}, true);
document.addEventListener("pointerdown", (event) => {
  touchedAt = Date.now();
  for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", () => { touchedAt = Date.now(); });
window.addEventListener("popstate", () => open(location.href));

startKeys();
startMistakes();
startClock();
startAlarm();
startStream();
startOthers();
startHealth();
onPage();
