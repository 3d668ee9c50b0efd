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

/** How long until an instant, to the minute; to the second in the last hour. */
export function left(seconds) {
  const s = Math.floor(Math.abs(seconds));
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor(s / 60) % 60;
  let words = `${minutes} min ${String(s % 60).padStart(2, "0")} s`;
  if (hours >= 48) words = `${Math.floor(hours / 24)} d ${hours % 24} h`;
  else if (hours > 0) words = `${hours} h ${String(minutes).padStart(2, "0")} min`;
  return seconds > 0 ? `${words} left` : `over by ${words}`;
}

function countDown() {
  for (const time of document.querySelectorAll("time[data-until]")) {
    const seconds = (Date.parse(time.dateTime) - hubNow()) / 1000;
    const text = left(seconds);
    if (time.textContent !== text) time.textContent = text;
    time.classList.toggle("over", seconds <= 0);
  }
}

function count() {
  if (document.hidden) return;
  countDown();
  for (const time of document.querySelectorAll("time[data-age]")) {
    const text = age((hubNow() - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}

export function keepAges() {
  ahead = Date.now() - Number(document.body.dataset.now || Date.now());
  count();
  setInterval(count, 1000);
}
