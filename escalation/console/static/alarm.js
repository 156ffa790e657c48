// The alarm: armed and tested by a press, then every urgent case that waits sounds and flashes until someone takes it.
// One tab of a browser sounds (a lock), and the pattern is laid out ahead in audio time, which hidden tabs keep.
import { byId, persian } from "./page.js";

const PATTERN_S = 3;
const AHEAD_S = 15; // longer than a beat of the stream, which wakes even a tab whose timers sleep
let audio = null;
let master = null; // all that is laid out goes through it, so that a taken case is silent at once
let mine = !navigator.locks;
let laidOutUntil = 0;
let asked = false;

export const armed = () => audio !== null && audio.state === "running";

export async function arm() {
  audio ??= new AudioContext();
  await audio.resume();
  if (!asked && navigator.locks) {
    asked = true;
    navigator.locks.request("panah-alarm", () => new Promise(() => { mine = true; }));
  }
  sessionStorage.setItem("armed", "1");
  show();
  return armed();
}

export function test() {
  if (armed()) notes(audio.currentTime + 0.05, 0.25);
}

// Two rising tones, not a siren: she must hear it in her sleep and not be hurt by it.
function notes(at, volume, out = audio.destination) {
  for (const [offset, pitch] of [[0, 660], [0.22, 880], [0.44, 1175]]) {
    const [tone, loudness] = [audio.createOscillator(), audio.createGain()];
    tone.type = "triangle";
    tone.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.0001, at + offset);
    loudness.gain.exponentialRampToValueAtTime(volume, at + offset + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.0001, at + offset + 0.2);
    tone.connect(loudness).connect(out);
    tone.start(at + offset);
    tone.stop(at + offset + 0.22);
  }
}

// Somebody she holds has written while she looks elsewhere.
export function knock() {
  if (armed() && mine) notes(audio.currentTime + 0.05, 0.08);
}

const waiting = new Set();

// Told by the feed and by every fresh queue which urgent cases wait for anybody.
export function setWaiting(ids) {
  if (ids.length !== waiting.size || ids.some((id) => !waiting.has(id))) hush();
  waiting.clear();
  for (const id of ids) waiting.add(id);
  sound();
  show();
}

function hush() {
  master?.disconnect();
  master = null;
  laidOutUntil = 0;
}

const onShift = () => document.body.dataset.shift === "on";
// While she talks with someone the others only knock; the person before her comes first.
const talking = () => Boolean(document.querySelector("#composer"));

export function sound() {
  if (!armed() || !mine || !onShift() || waiting.size === 0) return;
  if (!master) {
    master = audio.createGain();
    master.connect(audio.destination);
  }
  const every = talking() ? 20 : PATTERN_S;
  let at = Math.max(audio.currentTime + 0.05, laidOutUntil);
  for (; at < audio.currentTime + AHEAD_S; at += every) notes(at, talking() ? 0.12 : 0.4, master);
  laidOutUntil = at;
}

const calm = () => document.title.replace(/^⚠ [^·]*· /, "");

function show() {
  const banner = byId("urgent");
  if (!banner) return;
  const here = document.querySelector("[data-case]")?.dataset.case;
  const count = [...waiting].filter((id) => id !== here).length;
  banner.hidden = !(count && here);
  byId("urgent-text").textContent = `${persian(count)} پروندهٔ فوری منتظر است.`;
  byId("silent").hidden = !onShift() || armed();
  if (!waiting.size) document.title = calm();
}

let lit = false;
function flash() {
  if (!waiting.size || !onShift()) {
    document.title = calm();
    return;
  }
  lit = !lit;
  document.title = lit ? `⚠ ${persian(waiting.size)} فوری · ${calm()}` : calm();
}

export function startAlarm() {
  setInterval(() => { sound(); flash(); }, 1000);
  document.addEventListener("panah:page", () => {
    hush(); // talking or not, on shift or not: the pattern is another one now
    sound();
    show();
  });
  byId("arm")?.addEventListener("click", () => arm().then(test));
  const wake = () => { if (onShift() && sessionStorage.getItem("armed") && !armed()) arm(); };
  document.addEventListener("pointerdown", wake);
  document.addEventListener("keydown", wake);
  wake();
  show();
}
