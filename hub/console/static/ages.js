// Counts ages on ("8 s ago") between refreshes, by the hub's clock and not the browser's.

let ahead = 0; // milliseconds this browser's clock is ahead of the hub's

/** Milliseconds since 1970 by the hub's clock. */
export function hubNow() {
  return Date.now() - ahead;
}

/** How long, in the one unit that matters; the same words as the hub's own. */
export function age(seconds) {
  const s = Math.max(0, seconds);
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 90 * 60) return `${Math.round(s / 60)} min`;
  if (s < 36 * 3600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} d`;
}

function count() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[data-age]")) {
    const text = age((hubNow() - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}

export function keepAges() {
  ahead = Date.now() - Number(document.body.dataset.now || Date.now());
  setInterval(count, 1000);
}
