// Says aloud, to those who listen instead of look, which unacknowledged alerts are new since the
// last refresh, and turns the tab's icon red while any wait.

const spoken = new Set();

function waiting() {
  return [...document.querySelectorAll("[data-waiting]")];
}

function icon() {
  const link = document.querySelector("link[rel=icon]");
  const due = document.querySelector("#nav-live .count.due") !== null;
  const href = due ? link.dataset.due : link.dataset.calm;
  if (link.getAttribute("href") !== href) link.setAttribute("href", href);
}

function speak() {
  const fresh = waiting().filter((row) => !spoken.has(row.id));
  fresh.forEach((row) => spoken.add(row.id));
  const place = document.getElementById("announce");
  if (fresh.length && place) {
    place.textContent = `New alert: ${fresh.map((row) => row.dataset.waiting).join("; ")}`;
  }
}

export function announce() {
  waiting().forEach((row) => spoken.add(row.id));
  icon();
  document.addEventListener("htmx:after:swap", () => {
    icon();
    speak();
  });
}
