// The keyboard in a list: j and k move, x ticks, Enter opens, / searches, e edits; of alerts a
// acknowledges and s shelves what is ticked. Never while somebody types.

const TYPING = "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]";

function rows() {
  return [...document.querySelectorAll("[data-rows] tbody tr")];
}

function step(by) {
  const all = rows();
  if (!all.length) return;
  const now = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(Math.max(now + by, 0), all.length - 1)];
  next.querySelector("a")?.focus();
}

function tick() {
  const row = document.activeElement.closest?.("[data-rows] tbody tr");
  row?.querySelector("[data-pick]")?.click();
}

function press(key) {
  const button = document.querySelector(`[data-act-key="${key}"]`);
  if (button && !button.disabled) button.click();
}

const ACTS = {
  a: () => press("a"),
  s: () => press("s"),
  x: tick,
  j: () => step(1),
  k: () => step(-1),
  "/": () => document.querySelector("[data-seek]")?.focus(),
  e: () => document.querySelector("[data-edit]")?.click(),
};

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}

export function keys() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      closeMenus(null);
      if (event.target.matches("[data-seek]")) event.target.blur();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPING)) return;
    const act = ACTS[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  document.addEventListener("click", (event) => closeMenus(event.target));
}
