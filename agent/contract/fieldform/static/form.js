// The form of a stop, livelier: drafts on every key, barrels at once, amber questions, the next
// field by itself, and saving that never waits for signal. Without this script the form works too.
"use strict";

const entry = document.getElementById("entry");
const $ = (id) => document.getElementById(id);
const value = (input) => (input.value.trim().replace(/,(?=\d{3}\b)/g, "") || "");
const tidy = (figure) => Number(figure.toFixed(2)).toLocaleString("en-US");

// getRandomValues works where randomUUID does not: on a site's plain http.
function fresh() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let at = Date.now();
  for (let place = 5; place >= 0; place -= 1) { bytes[place] = at % 256; at = Math.floor(at / 256); }
  bytes[6] = (bytes[6] & 15) | 112;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// ------------------------------------------------------------------------------- a tank's tape

function tape(name) {
  const parts = ["ft", "in", "q"].map((part) => $(`${name}_${part}`));
  if (parts.some((part) => !part) || !parts.some((part) => value(part))) return null;
  const [feet, inch, quarters] = parts.map((part) => Number(value(part).replace("¼", ".25").replace("½", ".5").replace("¾", ".75") || 0));
  return inch >= 12 || quarters > 3 || feet < 0 || inch < 0 ? NaN : feet * 12 + inch + quarters / 4;
}

function shown(level) {
  const quarters = Math.round(level * 4);
  const rest = quarters % 48;
  return `${Math.floor(quarters / 48)}' ${Math.floor(rest / 4)}${["", " 1/4", " 1/2", " 3/4"][rest % 4]}"`;
}

function volume(strap, level) {
  if (strap.length < 2 || level < strap[0][0] || level > strap[strap.length - 1][0]) return null;
  const above = strap.findIndex(([inches]) => inches >= level);
  const [high, most] = strap[above];
  if (high === level) return most;
  const [low, least] = strap[above - 1];
  return least + ((most - least) * (level - low)) / (high - low);
}

const tanks = [...document.querySelectorAll(".tank")].map((box, number) => ({
  box,
  name: `g${number}_top`,
  id: box.dataset.tank,
  strap: JSON.parse(box.dataset.strap || "[]"),
  last: box.dataset.last === undefined ? null : Number(box.dataset.last),
  gauge: box.dataset.gauge === undefined ? null : Number(box.dataset.gauge),
  height: box.dataset.height === undefined ? null : Number(box.dataset.height),
}));

// Barrels that tickets and hauls of this page took out of a tank.
function taken(tank) {
  let out = 0;
  for (const number of [0, 1]) {
    if ($(`t${number}_tank`)?.value !== tank.id) continue;
    const opening = tape(`t${number}_opening`);
    const closing = tape(`t${number}_closing`);
    if (opening !== null && closing !== null) out += (volume(tank.strap, opening) ?? 0) - (volume(tank.strap, closing) ?? 0);
  }
  if ($("h0_tank")?.value === tank.id) out += Number(value($("h0_bbl"))) || 0;
  return out;
}

function judgeTank(tank, says) {
  const level = tape(tank.name);
  const made = tank.box.querySelector(".made");
  made.textContent = "";
  if (level === null) return;
  if (Number.isNaN(level)) return says(`${tank.name}_ft`, "fault", say("fault_level", { value: value($(`${tank.name}_in`)) }));
  if (tank.height !== null && level > tank.height) {
    return says(`${tank.name}_ft`, "fault", say("fault_above_tank", { level: shown(level), height: shown(tank.height) }));
  }
  const now = volume(tank.strap, level);
  const before = tank.last === null ? null : volume(tank.strap, tank.last);
  const out = taken(tank);
  if (now !== null && before !== null) made.textContent = say("made", { bbl: (now - before + out).toFixed(1) });
  else if (now !== null) made.textContent = say("holds", { bbl: now.toFixed(1) });
  if (tank.gauge !== null && Math.abs(tank.gauge - level) > 2) {
    says(`${tank.name}_ft`, "ask", say("ask_gauge", { gauge: shown(tank.gauge), value: shown(level) }));
  } else if (now !== null && before !== null && tank.last - level > 0.25 && !out) {
    says(`${tank.name}_ft`, "ask", say("ask_fell", { bbl: (before - now).toFixed(1) }));
  }
}

// ------------------------------------------------------------------------------------ figures

function judgeFigure(input, says) {
  const typed = value(input);
  if (!typed || input.type === "time" || input.classList.contains("tape")) return;
  const figure = Number(typed);
  const { low, high, last, gauge, most, signed } = input.dataset;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(typed)) return says(input.id, "fault", say("fault_number", { value: typed }));
  if (figure < 0 && signed === undefined) return says(input.id, "fault", say("fault_negative"));
  if (most !== undefined && figure > Number(most)) return says(input.id, "fault", say("fault_range", { value: typed, low: "0", high: most }));
  const reads = gauge === undefined ? null : Number(gauge);
  if (low !== undefined && (figure < Number(low) || figure > Number(high))) {
    const key = figure > Number(last) ? "ask_above" : "ask_below";
    const agrees = reads !== null && Math.abs(figure - reads) <= Math.max(Math.abs(reads) * 0.05, 5);
    const told = { value: tidy(Math.abs(figure - Number(last))), gauge: reads === null ? "" : tidy(reads) };
    says(input.id, "ask", say(agrees ? `${key}_too` : key, told));
  } else if (reads !== null && Math.abs(figure - reads) > Math.max(Math.abs(reads) * 0.3, 50)) {
    says(input.id, "ask", say("ask_gauge", { gauge: tidy(reads), value: tidy(figure) }));
  } else if (input.id.startsWith("m") && last !== undefined && figure < Number(last)) {
    says(input.id, "ask", say("ask_meter", { value: tidy(Number(last)) }));
  }
}

function judgePairs(says) {
  for (const number of [0, 1]) {
    const opening = tape(`t${number}_opening`);
    const closing = tape(`t${number}_closing`);
    if (opening !== null && closing > opening) says(`t${number}_closing_ft`, "fault", say("fault_closing_above_opening"));
  }
  for (const hours of entry.querySelectorAll("[name$='_hours_down']")) {
    const why = $(hours.id.replace("hours_down", "down_code"));
    if (Number(value(hours)) > 0 && why && !why.value) says(why.id, "fault", say("fault_code_missing"));
  }
}

// Looks at everything; marks faults only when asked to save, so that nobody is shouted at half-way.
function judge(strict) {
  const found = { fault: [], ask: [] };
  for (const place of entry.querySelectorAll(".row > .ask, .row > .fault")) {
    place.className = "ask";
    place.textContent = "";
  }
  for (const input of entry.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  const says = (id, kind, text) => {
    const input = $(id);
    found[kind].push(`${id} ${text}`);
    if (kind === "fault" && !strict) return;
    const place = input.closest(".row").querySelector(".ask, .fault");
    place.className = kind;
    place.textContent = text;
    if (kind === "fault") input.setAttribute("aria-invalid", "true");
  };
  for (const tank of tanks) judgeTank(tank, says);
  for (const input of entry.querySelectorAll("input[inputmode]")) judgeFigure(input, says);
  judgePairs(says);
  return found;
}

// ----------------------------------------------------------------------------- moving through

const order = () => [...entry.querySelectorAll("input:not([type=hidden]), select, textarea")].filter((one) => one.offsetParent);

function onward(input) {
  const all = order();
  const next = all[all.indexOf(input) + 1];
  if (next) { next.focus(); next.select?.(); } else document.querySelector("footer .go")?.focus();
}

// A tape's field is left by itself once no further digit could follow.
function full(input) {
  const typed = input.value;
  if (!/^\d+$/.test(typed)) return false;
  if (input.classList.contains("q")) return true;
  if (input.classList.contains("in")) return typed.length > 1 || Number(typed) > 1;
  const height = Number(input.closest("[data-height]")?.dataset.height) || 480;
  return typed.length > 1 || Number(typed) * 10 > height / 12;
}

// ------------------------------------------------------------------------------------- saving

const notice = (text, kind) => {
  const place = $("notice");
  place.textContent = text;
  place.className = `notice ${kind}`;
  place.hidden = !text;
};

const fields = (form) => new URLSearchParams(new FormData(form)).toString();
const filled = () => photos.of(entry).length > 0 || order().some((one) => one.name !== "day" && one.tagName !== "SELECT" && value(one));

let asked = ""; // the questions that were on the page when saving was last pressed

async function save(form, id, draft) {
  const data = new URLSearchParams(new FormData(form));
  const day = data.get("day");
  const before = draft ? store.last(about.stop, day) : null;
  if (draft && before && before !== id && !data.get("replaces")) data.set("replaces", before);
  data.set("id", id);
  data.set("saved", String(Date.now()));
  data.set("asked", "1");
  data.delete("do");
  for (const one of photos.of(form)) data.append("photo", photos.told(one));
  const name = document.querySelector("h1").textContent;
  const item = { id, stop: about.stop, name, day, body: data.toString(), saved: Date.now(), tries: 0 };
  if (store.state === "none") return direct(item, form);
  try {
    await store.move(item, draft, photos.of(form));
    photos.saved(form);
  } catch (fault) {
    const full = fault?.name === "QuotaExceededError";
    return (await direct(item, form)) || (notice(say(full ? "store_full" : "store_dead"), "fault"), false);
  }
  if (draft) store.last(about.stop, day, id);
  return true;
}

// Nothing can be kept on this phone: straight to the other side, or not saved and said so.
async function direct(item, form) {
  try {
    const answer = await post(item.stop, item.body);
    const said = await answer.json();
    if (answer.ok && said.id === item.id) return photos.direct(item.id, form);
    if (answer.status === 422) mark(said.faults);
    else notice(say("not_saved"), "fault");
  } catch {
    notice(say("not_saved"), "fault");
  }
  return false;
}

function mark(faults) {
  notice(`${say("marked")} ${faults[""] || ""}`, "fault");
  for (const [name, text] of Object.entries(faults)) {
    const place = $(name)?.closest(".row")?.querySelector(".ask, .fault");
    if (!place) continue;
    place.className = "fault";
    place.textContent = text;
    $(name).setAttribute("aria-invalid", "true");
  }
}

async function submit(event) {
  if (event.submitter?.value === "compute") return;
  event.preventDefault();
  const found = judge(true);
  if (!filled()) found.fault.push(say("fault_empty"));
  if (found.fault.length) {
    notice(filled() ? say("marked") : say("fault_empty"), "fault");
    (entry.querySelector("[aria-invalid]") || $("notice")).scrollIntoView({ block: "center" });
    return;
  }
  const questions = found.ask.join("\n");
  if (questions && questions !== asked) {
    asked = questions;
    notice(say("asked"), "ask");
    document.querySelector("footer .go").textContent = say("keep_save");
    entry.querySelector(".ask:not(:empty)").scrollIntoView({ block: "center" });
    return;
  }
  const button = event.submitter || document.querySelector("footer .go");
  button.disabled = true;
  if (await save(entry, entry.elements.id.value, true)) {
    // Twice: a look for entries that was under way before this one was saved does not know of it.
    const sent = sender.flush().then(sender.flush);
    await Promise.race([sent, new Promise((next) => setTimeout(next, 1500))]);
    if (back) await store.gone(back).catch(() => {});
    if (about.kind === "hub" || !sender.lost) location.assign(about.next);
    else { entry.reset(); begin(); notice(say("saved_here"), "ask"); }
  }
  button.disabled = false;
}

async function report(event) {
  event.preventDefault();
  const form = event.target;
  const kind = document.createElement("input");
  Object.assign(kind, { type: "hidden", name: "r0_kind", value: event.submitter.value });
  form.append(kind);
  if (await save(form, form.elements.id.value, false)) {
    notice(`${event.submitter.textContent}: ${say("saved_here")}`, "ask");
    form.reset();
    form.querySelector("details").open = false;
    sender.flush();
  }
  kind.remove();
  form.elements.id.value = fresh();
}

// ------------------------------------------------------------------------------------ beginning

let back = 0; // the entry that came back and is open here, by its place in the outbox

function begin() {
  entry.elements.id.value = fresh();
  if (entry.elements.replaces) entry.elements.replaces.value = "";
  asked = "";
}

function fill(text) {
  for (const [name, typed] of new URLSearchParams(text)) {
    const field = entry.elements[name];
    if (!field || name === "lang" || name === "kept") continue;
    if (field.type !== "hidden" || name === "id" || name === "replaces") field.value = typed;
    const fold = field.closest?.("details");
    if (fold && typed && field.tagName !== "SELECT") fold.open = true;
  }
}

async function restore() {
  if (about.again !== undefined) return; // the other side's answer to what was sent
  const number = Number(new URLSearchParams(location.search).get("back"));
  const came = number && (await store.all().catch(() => [])).find((one) => one.order === number && one.refused);
  if (came) {
    back = number;
    fill(came.body);
    entry.elements.replaces.value = came.id; // what came back is mended by what is sent next
    entry.elements.id.value = fresh();
    mark(came.refused);
    await photos.restore(came.id);
    return;
  }
  const draft = await store.draft(about.stop);
  if (draft) { fill(draft.fields); $("kept").hidden = false; } else entry.elements.id.value = fresh();
  await photos.restore();
}

if (entry) {
  $("rest").hidden = false;
  $("rest").addEventListener("click", () => {
    for (const input of entry.querySelectorAll("input[data-last]:not([id^=m])")) {
      if (!value(input)) input.value = input.dataset.last;
    }
    tanks.forEach(({ box }, number) => {
      const last = box.dataset.bottom;
      if (last === undefined || tape(`g${number}_bot`) !== null) return;
      const quarters = Math.round(Number(last) * 4);
      $(`g${number}_bot_ft`).value = Math.floor(quarters / 48);
      $(`g${number}_bot_in`).value = Math.floor((quarters % 48) / 4);
      $(`g${number}_bot_q`).value = quarters % 4;
    });
    entry.dispatchEvent(new Event("input"));
  });
  entry.addEventListener("input", (event) => {
    judge(false);
    if (event.target.classList?.contains("tape") && event.inputType !== "deleteContentBackward" && full(event.target)) onward(event.target);
    store.keep(about.stop, fields(entry)).then(() => { $("kept").hidden = false; }, () => {
      $("kept").hidden = true;
      if (store.state !== "none") notice(say("store_dead"), "fault");
    });
  });
  entry.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input")) return;
    event.preventDefault();
    onward(event.target);
  });
  entry.addEventListener("submit", submit);
  $("report").addEventListener("submit", report);
  store.begin().then(restore).then(() => {
    judge(false);
    document.body.dataset.ready = "1";
    if (matchMedia("(hover: none)").matches === false || !location.hash) order().find((one) => one.name !== "day")?.focus({ preventScroll: true });
  });
}
