// One stream for the whole browser: the tab that holds the lock listens to the server and tells the others.
// Hidden tabs may be slowed down, so nothing here depends on a timer: the server's beat drives the lease.
import { ask, csrf } from "./page.js";

const LOST_AFTER_MS = 8_000; // the server speaks at least every three seconds
const PATIENCE_MS = 4_000; // so long a new line may take before it speaks; each next one longer, for a slow line
const PATIENCE_MOST_MS = 20_000;
const CONNECTIONS = 6; // so many a browser keeps to one address
let lastEvent = 0;
let heardAt = 0;
const startedAt = Date.now();
let channel = null;
let source = null; // of this tab, when it is the one that listens
let listeningSince = 0;
let patience = PATIENCE_MS;

export function startStream() {
  if (!document.body.dataset.actor || !document.getElementById("link")) return;
  setInterval(watch, 1000);
  if (!navigator.locks || !window.BroadcastChannel) {
    listen(); // a plain-HTTP address other than this machine: a stream a tab still works
    return;
  }
  channel = new BroadcastChannel("panah");
  channel.onmessage = (message) => hear(message.data);
  navigator.locks.request("panah-stream", () => new Promise(() => listen()));
}

function listen() {
  source?.close();
  listeningSince = Date.now();
  const mine = source = new EventSource(lastEvent ? `/stream?after=${lastEvent}` : "/stream");
  source.addEventListener("ready", (event) => tell({ kind: "ready", id: event.lastEventId }));
  source.addEventListener("case", (event) => tell({ kind: "case", id: event.lastEventId, ...JSON.parse(event.data) }));
  source.addEventListener("alarm", (event) => tell({ kind: "alarm", ...JSON.parse(event.data) }));
  source.addEventListener("health", (event) => tell({ kind: "health", ...JSON.parse(event.data) }));
  source.addEventListener("here", () => tell({ kind: "here" }));
  source.addEventListener("stir", () => tell({ kind: "stir" }));
  source.addEventListener("beat", () => {
    tell({ kind: "beat" });
    answer();
  });
  source.addEventListener("bye", () => {
    source.close();
    tell({ kind: "bye" });
  });
  source.onerror = async () => {
    if (mine.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    if ((await answer()) === 401) tell({ kind: "bye" });
    else setTimeout(() => { if (mine === source) listen(); }, 3000);
  };
}

// A line that died without a word is never reported, it would be waited on for ever. The browser's other connections died
// with it, and each would be tried next: a question on every one of them that gets no answer ends it.
async function takeUp() {
  source.close();
  listeningSince = Date.now();
  const asked = Array.from({ length: CONNECTIONS }, () => ask("/health/dot", { cache: "no-store" }, PATIENCE_MS));
  await Promise.allSettled(asked);
  listen();
}

// Says that a living browser heard the beat: only this renews the lease of the cases she holds.
async function answer() {
  try {
    const response = await ask("/stream/alive", { method: "POST", headers: { "X-CSRF-Token": csrf() } });
    return response.status;
  } catch {
    return 0;
  }
}

function tell(message) {
  channel?.postMessage(message);
  hear(message);
}

function hear(message) {
  heardAt = Date.now();
  patience = PATIENCE_MS;
  if (message.id) lastEvent = Math.max(lastEvent, Number(message.id));
  if (message.kind === "bye") {
    location.href = "/login";
    return;
  }
  document.dispatchEvent(new CustomEvent("panah:heard", { detail: message }));
}

function watch() {
  const silent = Date.now() - (heardAt || startedAt);
  const lost = silent > LOST_AFTER_MS;
  if (source && lost && Date.now() - listeningSince > patience) {
    patience = Math.min(1.5 * patience, PATIENCE_MOST_MS);
    takeUp();
  }
  const state = lost ? "lost" : heardAt ? "on" : "wait";
  document.dispatchEvent(new CustomEvent("panah:link", { detail: { state, silent } }));
}
