// Sliders beside number fields, and a trial that is made anew shortly after the last change.
// A slider has no name: what is sent is the field's number, so the page works without any of this.

const QUIET_MS = 250;
const SPANS = { deadband: [0, 0.2], on_delay_s: [0, 600], off_delay_s: [0, 1800] };

function span(field, part) {
  const value = Number(field.value.replace(/,/g, ""));
  if (part === "on_delay_s" || part === "off_delay_s") return [SPANS[part][0], Math.max(SPANS[part][1], value), 5];
  const row = field.closest("tr");
  const at = Number(row.querySelector("input[name$=-setpoint]").value.replace(/,/g, ""));
  const reach = Math.abs(at) || 100;
  if (part === "deadband") return [0, Math.max(reach * SPANS.deadband[1], value), reach / 500];
  return [at - reach * 0.5, at + reach * 0.5, reach / 500];
}

function place(slider) {
  const field = document.getElementById(slider.dataset.slides);
  const part = field.name.split("-")[1];
  const known = field.value.trim() !== "" && Number.isFinite(Number(field.value.replace(/,/g, "")));
  const row = field.closest("tr").querySelector("input[name$=-setpoint]");
  slider.hidden = !known || (row !== null && row.value.trim() === "");
  if (slider.hidden) return;
  const [low, high, step] = span(field, part);
  Object.assign(slider, { min: low, max: high, step: step || 1 });
  slider.value = field.value.replace(/,/g, "");
}

function placeAll() {
  document.querySelectorAll("[data-slides]").forEach(place);
}

function showChosen() {
  document.querySelectorAll("select[data-shows]").forEach((select) => {
    document.querySelectorAll("[data-shown]").forEach((part) => {
      part.hidden = !part.dataset.shown.split(" ").includes(`${select.dataset.shows}=${select.value}`);
    });
  });
}

function take(button) {
  const given = Object.entries(button.dataset).filter(([name]) => /^take-?\d/.test(name));
  for (const [, words] of given) {
    const [name, value] = words.split("=");
    const field = document.getElementById(`f-${name}`);
    if (field) field.value = value;
  }
  placeAll();
  retry();
}

let waiting = 0;
function retry() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    document.querySelector("[data-trial]")?.dispatchEvent(new Event("retry"));
  }, QUIET_MS);
}

export function sliding() {
  document.addEventListener("input", (event) => {
    if (!event.target.closest("#rule-form")) return;
    if (event.target.matches("[data-slides]")) {
      const field = document.getElementById(event.target.dataset.slides);
      field.value = String(Number(Number(event.target.value).toPrecision(5)));
    } else {
      placeAll();
    }
    showChosen();
    retry();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-takes]");
    if (button) take(button);
  });
  placeAll();
  showChosen();
}
