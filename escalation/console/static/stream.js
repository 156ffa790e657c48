// One stream for the whole browser: the tab that holds the lock listens to the server and tells the others.
// Hidden tabs may be slowed down, so nothing here depends on a timer: the server's beat drives the lease.
import { csrf } from "./page.js";

const LOST_AFTER_MS = 8_000; // the server speaks at least every three seconds
let lastEvent = 0;
let heardAt = 0;
const startedAt = Date.now();
let channel = null;

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
  const source = new EventSource(lastEvent ? `/stream?after=${lastEvent}` : "/stream");
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
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    source.close();
    if ((await answer()) === 401) tell({ kind: "bye" });
    else setTimeout(listen, 3000);
  };
}

// Says that a living browser heard the beat: only this renews the lease of the cases she holds.
async function answer() {
  try {
    const response = await fetch("/stream/alive", { method: "POST", headers: { "X-CSRF-Token": csrf() } });
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
  if (message.id) lastEvent = Math.max(lastEvent, Number(message.id));
  if (message.kind === "bye") {
    location.href = "/login";
    return;
  }
  document.dispatchEvent(new CustomEvent("panah:heard", { detail: message }));
}

function watch() {
  const silent = Date.now() - (heardAt || startedAt);
  const state = silent > LOST_AFTER_MS ? "lost" : heardAt ? "on" : "wait";
  document.dispatchEvent(new CustomEvent("panah:link", { detail: { state, silent } }));
}
