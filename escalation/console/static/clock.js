// Waits that count by themselves, in the same words as the server's `wait_words`.
import { persian } from "./page.js";

export function waitWords(ms) {
  const total = Math.max(0, Math.floor(ms / 1000));
  const [days, hours, minutes] = [Math.floor(total / 86400), Math.floor((total % 86400) / 3600), Math.floor((total % 3600) / 60)];
  if (total < 60) return persian(`${total} ثانیه`);
  if (total < 3600) return persian(`${minutes} دقیقه`);
  if (total < 86400) return persian(`${hours} ساعت${minutes ? ` و ${minutes} دقیقه` : ""}`);
  return persian(`${days} روز${hours ? ` و ${hours} ساعت` : ""}`);
}

function tick() {
  for (const time of document.querySelectorAll("time[data-since]")) {
    const words = waitWords(Date.now() - Number(time.dataset.since));
    if (time.textContent !== words) time.textContent = words;
  }
  for (const bar of document.querySelectorAll("[data-until]")) if (Date.now() > Number(bar.dataset.until)) bar.remove();
}

export function startClock() {
  tick();
  setInterval(tick, 1000);
}
