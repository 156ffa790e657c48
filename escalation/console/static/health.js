// The dot in the header and the page of health. An old «all is well» is the worst they could say: without fresh news
// for thirty seconds the page says so itself, whatever the server said last.
import { ask, byId, refresh } from "./page.js";
import { waitWords } from "./clock.js";

const STALE_MS = 30_000;
const LOOK_MS = 5_000;
const DOT_MS = 15_000;
let newest = "";
let freshAt = performance.now();

export function showDot({ state, words }) {
  for (const dot of document.querySelectorAll(".dot")) {
    dot.dataset.state = state;
    dot.textContent = words;
  }
}

// The server's own time of looking must move on; an answer that repeats an old look is no news.
function hear() {
  const at = byId("health-at")?.dataset.at ?? "";
  if (at !== newest) freshAt = performance.now();
  newest = at;
}

function watch() {
  const page = byId("health");
  if (!page) return;
  const silent = performance.now() - freshAt;
  const stale = silent > STALE_MS;
  page.classList.toggle("stale", stale);
  const verdict = page.querySelector(".verdict");
  if (!stale || !verdict) return;
  verdict.classList.replace("well", "ill");
  verdict.querySelector("h1").textContent = "سامانه پاسخ نمی‌دهد";
  verdict.querySelector("p").textContent = `${waitWords(silent)} است که خبر تازه‌ای نرسیده؛ آنچه این‌جاست کهنه است. برنامه و شبکه را بررسی کنید. تلفن ۱۲۳ راه جایگزین است.`;
  showDot({ state: "ill", words: "سامانه پاسخ نمی‌دهد" });
}

async function askDot() {
  if (!document.querySelector(".dot") || byId("health")) return;
  try {
    const answer = await ask("/health/dot", { headers: { "X-Live": "1" } });
    if (answer.ok) showDot(await answer.json());
    else if (answer.status >= 500) throw new Error();
  } catch {
    showDot({ state: "ill", words: "سامانه پاسخ نمی‌دهد" });
  }
}

export function startHealth() {
  if (!document.body.dataset.actor) return;
  setInterval(watch, 1000);
  setInterval(() => { if (byId("health")) refresh(); }, LOOK_MS);
  if (!byId("link")) setInterval(askDot, DOT_MS); // who has a stream hears of it there
  document.addEventListener("panah:fresh", hear);
  document.addEventListener("panah:page", () => { newest = ""; hear(); });
  document.addEventListener("panah:heard", ({ detail }) => { if (detail.kind === "health") showDot(detail); });
  hear();
}
