// The form of a stop, livelier: drafts on every key, barrels at once, amber questions, the next
// field by itself, and saving that never waits for signal. Without this script the form works too.
"use strict";

const entry = document.getElementById("entry");
const $ = (id) => document.getElementById(id);
const value = (input) => (input.value.trim().replace(/,(?=\d{3}\b)/g, "") || "");

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

const typed = (id) => ($(id) ? value($(id)) : "");
const figure = (id) => reckon.decimal(typed(id));
const tape = (name) => reckon.tape(...["ft", "in", "q"].map((part) => typed(`${name}_${part}`)));
const known = (text) => (text === undefined ? null : reckon.decimal(text));

const tanks = [...document.querySelectorAll(".tank")].map((box, number) => ({
  box,
  name: `g${number}_top`,
  id: box.dataset.tank,
  points: reckon.table(JSON.parse(box.dataset.strap || "[]")),
  last: known(box.dataset.last),
  gauge: known(box.dataset.gauge),
  height: known(box.dataset.height),
}));

const NEEDED = ["ticket_no", "opened", "closed", "opening_f", "closing_f", "observed_gravity", "observed_gravity_f", "sediment_water_pct"];
const TAPES = ["opening", "closing"];
const WORDS = ["seals_off", "seals_on", "gauger", "hauler", "purchaser", "destination"];
const tickets = () => ["t0", "t1"].filter((place) => [...NEEDED, ...WORDS].some((name) => name !== "closed" && typed(`${place}_${name}`)) || TAPES.some((end) => tape(`${place}_${end}`) !== null));
const hauls = () => (["bbl", "ticket_no", "hauler", "destination"].some((name) => typed(`h0_${name}`)) ? ["h0"] : []);

// What is read at a run, and what follows from it.
function runOf(place) {
  const tank = tanks.find(({ id }) => id === typed(`${place}_tank`));
  const [opening, closing] = TAPES.map((end) => tape(`${place}_${end}`) ?? null);
  const [openingF, closingF, gravity, gravityF, water] = ["opening_f", "closing_f", "observed_gravity", "observed_gravity_f", "sediment_water_pct"].map((name) => figure(`${place}_${name}`));
  const read = { opening, closing, openingF, closingF, gravity, gravityF, water };
  return { tank, ...read, ...reckon.run(tank?.points ?? null, read) };
}

// Barrels that tickets and hauls of this page took out of a tank.
function taken(tank) {
  const runs = tickets().map(runOf).filter((run) => run.tank === tank);
  const loads = hauls().filter(() => typed("h0_tank") === tank.id);
  const out = runs.reduce((sum, run) => sum + (run.moved ?? 0n), 0n);
  return { hauled: runs.length + loads.length > 0, out: out + (loads.length ? figure("h0_bbl") ?? 0n : 0n) };
}

function judgeTank(tank, says) {
  const now = tape(tank.name);
  const place = tank.box.querySelector(".made");
  place.textContent = "";
  if (now === null) return;
  if (!level(tank, now, tank.name, says)) return;
  const { hauled, out } = taken(tank);
  const bbl = reckon.made(tank.points, tank.last, now, out);
  const holds = reckon.volume(tank.points, now);
  if (bbl !== null) place.textContent = say("made", { bbl: reckon.shown(bbl, 1) });
  else if (holds !== null) place.textContent = say("holds", { bbl: reckon.shown(holds, 1) });
  const question = reckon.askTank({ ...tank, now, out, hauled });
  if (question) says(`${tank.name}_ft`, "ask", say(...question));
  const bottom = tape(tank.name.replace("top", "bot"));
  if (bottom && bottom > now) says(`${tank.name.replace("top", "bot")}_ft`, "fault", say("fault_water_above_oil"));
}

// Whether a level can be one of this tank; says why not.
function level(tank, inches, name, says) {
  let fault = "";
  if (inches === undefined) fault = say("fault_level", { value: ["ft", "in", "q"].map((part) => typed(`${name}_${part}`) || "0").join("-") });
  else if (tank?.height && inches > tank.height) fault = say("fault_above_tank", { level: reckon.level(inches), height: reckon.level(tank.height) });
  else if (tank?.points && reckon.volume(tank.points, inches) === null) fault = say("fault_beyond_table", { level: reckon.level(inches) });
  if (fault) says(`${name}_ft`, "fault", fault);
  return !fault;
}

// ------------------------------------------------------------------------------------- tickets

const SOLD = ["oil_sale", "condensate_sale"];

function judgeTicket(place, says) {
  const run = runOf(place);
  const { moved, gross, net } = run;
  const told = Object.fromEntries(Object.entries({ moved, gross, net }).map(([name, bbl]) => [name, bbl === null ? "" : reckon.shown(bbl, 2)]));
  const whole = net !== null && SOLD.includes(typed(`${place}_kind`));
  $(`${place}_net`).textContent = moved === null ? "" : say(whole ? "net" : "moved", told);
  if (!tickets().includes(place)) return;
  const [opening, closing] = TAPES.map((end) => tape(`${place}_${end}`));
  TAPES.forEach((end, number) => {
    const read = [opening, closing][number];
    if (read === null) says(`${place}_${end}_ft`, "fault", say("fault_missing"));
    else level(run.tank, read, `${place}_${end}`, says);
  });
  for (const name of NEEDED) if (!typed(`${place}_${name}`)) says(`${place}_${name}`, "fault", say("fault_missing"));
  if (opening != null && closing > opening) says(`${place}_closing_ft`, "fault", say("fault_closing_above_opening"));
  else if (run.tank && !run.tank.points) says(`${place}_tank`, "fault", say("fault_no_table"));
  else if (moved !== null && gross === null && ![run.openingF, run.closingF, run.gravity, run.gravityF].includes(null)) says(`${place}_observed_gravity`, "fault", say("fault_oil"));
}

// ------------------------------------------------------------------------------------ figures

function judgeFigure(input, says) {
  const written = value(input);
  if (!written || input.type === "time" || input.classList.contains("tape")) return;
  const read = reckon.decimal(written);
  const { low, high, last, gauge, most, signed, asks } = input.dataset;
  if (read === null) return says(input.id, "fault", say("fault_number", { value: written }));
  if (read < 0n && signed === undefined) return says(input.id, "fault", say("fault_negative"));
  if (most !== undefined && read > known(most)) return says(input.id, "fault", say("fault_range", { value: written, low: "0", high: most }));
  let question = null;
  if (asks === "pressure") question = reckon.askPressure({ value: read, low: known(low), high: known(high), gauge: known(gauge) });
  if (asks === "meter") question = reckon.askMeter({ value: read, last: known(last) });
  if (question) says(input.id, "ask", say(...question));
}

function judgePairs(says) {
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
  for (const place of ["t0", "t1"]) judgeTicket(place, says);
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
  const digits = input.value;
  if (!/^\d+$/.test(digits)) return false;
  if (input.classList.contains("q")) return true;
  if (input.classList.contains("in")) return digits.length > 1 || Number(digits) > 1;
  const height = Number(input.closest("[data-height]")?.dataset.height) || 480;
  return digits.length > 1 || Number(digits) * 10 > height / 12;
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

// What was typed may be of an older page: each line goes to where the stop has it now (places.py).
function placed(text) {
  const pairs = [...new URLSearchParams(text)];
  const names = /^[gwm]\d+$/;
  const now = Object.fromEntries([...entry.elements].filter((one) => names.test(one.name)).map((one) => [one.name[0] + one.value, one.name]));
  const moves = Object.fromEntries(pairs.filter(([name]) => names.test(name)).map(([name, key]) => [name, now[name[0] + key]]));
  return pairs.flatMap(([name, written]) => {
    const [place, ...what] = name.split("_");
    if (!(place in moves)) return [[name, written]];
    if (!what.length) return [];
    if (moves[place]) return [[[moves[place], ...what].join("_"), written]];
    return written.trim() ? [["", written]] : []; // a name of nothing: to be told of
  });
}

function fill(text) {
  for (const [name, written] of placed(text)) {
    if (!name) notice(say("fault_line_gone"), "fault");
    const field = name && entry.elements[name];
    if (!field || name === "lang" || name === "kept") continue;
    if (field.type !== "hidden" || name === "id" || name === "replaces") field.value = written;
    const fold = field.closest?.("details");
    if (fold && written && field.tagName !== "SELECT") fold.open = true;
  }
}

// A page that was kept without signal is older than the day it is opened on.
function renewDays() {
  const chosen = entry.elements.day;
  if (about.again !== undefined) return;
  try {
    const { open, reported } = reckon.days(Date.now(), JSON.parse(about.days));
    if (chosen.options[0]?.value === open[0]) return;
    chosen.replaceChildren(...open.map((day) => new Option(day, day, day === reported, day === reported)));
    entry.elements.replaces.value = ""; // of the day that the page was made for
  } catch { /* a zone that this browser does not know: as the page says */ }
}

async function restore() {
  renewDays();
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

// ------------------------------------------------------------------------------ order of the stops

// Moves a stop without loading the page anew, and keeps the finger where it is.
async function move(event) {
  event.preventDefault();
  const { target, submitter } = event;
  const sent = new URLSearchParams(new FormData(target));
  sent.set("to", submitter.value);
  try {
    const answer = await fetch(target.action, { method: "POST", body: sent, credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const list = answer.ok && page.getElementById("order");
    if (!list) throw new Error("no list");
    $("order").replaceChildren(...list.children);
    $("far").textContent = page.getElementById("far").textContent;
    notice("", "ask");
    const moved = $("order").querySelector(`[value="${sent.get("stop")}"]`).form;
    (moved.querySelector(`[value=${submitter.value}]:enabled`) || moved.querySelector("button:enabled")).focus();
  } catch {
    notice(say("not_moved"), "fault");
  }
}

$("order")?.addEventListener("submit", move);
