// Says who else has this case's page open. What is known comes with each beat; a fresh page shows it at once again.
import { ask as askServer, csrf } from "./page.js";

let known = { id: "", names: [] };

export function startOthers() {
  document.addEventListener("panah:heard", ({ detail }) => {
    if (detail.kind === "beat" && !document.hidden) ask();
  });
  document.addEventListener("panah:fresh", show);
  document.addEventListener("panah:page", ask);
  ask();
}

function openCase() {
  return document.querySelector("[data-case]")?.dataset.case || "";
}

async function ask() {
  const id = openCase();
  if (!id) return;
  try {
    const response = await askServer(`/cases/${id}/here`, { method: "POST", headers: { "X-CSRF-Token": csrf() } });
    if (response.ok) known = { id, names: (await response.json()).others };
  } catch {
    return; // the next beat asks again
  }
  show();
}

function show() {
  const line = document.querySelector(".case-head .line");
  if (!line) return;
  line.querySelector("[data-others]")?.remove();
  if (known.id !== openCase() || !known.names.length) return;
  const said = document.createElement("span");
  said.dataset.others = "";
  said.textContent = `این پرونده پیش ${known.names.join("، ")} هم باز است`;
  line.append(said);
}
