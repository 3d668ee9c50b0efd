// Asks for news every 5 s while someone is looking and every 60 s while nobody is, at once when
// someone comes back, and says so when the hub cannot be reached.

import { hubNow } from "./ages.js";

const LOOKING = 5000;
const AWAY = 60000;
let timer = 0;
let heard = 0;

function refresh() {
  clearTimeout(timer);
  timer = setTimeout(refresh, document.hidden ? AWAY : LOOKING);
  for (const part of document.querySelectorAll("[data-poll]")) {
    part.dispatchEvent(new CustomEvent("refresh"));
  }
}

function clock(milliseconds) {
  const timeZone = document.body.dataset.zone || "UTC";
  return new Date(milliseconds).toLocaleTimeString("en-GB", { timeZone });
}

function reached() {
  heard = hubNow();
  document.body.classList.remove("unreachable");
  for (const beat of document.querySelectorAll("[data-beat]")) beat.textContent = clock(heard);
}

function lost() {
  document.body.classList.add("unreachable");
  for (const word of document.querySelectorAll("[data-lost]")) word.textContent = clock(heard);
}

export function poll() {
  heard = hubNow();
  document.addEventListener("htmx:after:request", (event) => {
    const status = event.detail.ctx?.response?.status ?? 0;
    if (status >= 500) lost();
    else reached();
  });
  document.addEventListener("htmx:after:swap", reached);
  document.addEventListener("htmx:error", lost);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
  timer = setTimeout(refresh, LOOKING);
}
