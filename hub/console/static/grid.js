// The daily grid: Enter and arrows move between cells, Esc takes back what was typed, and cells of a
// spreadsheet are pasted from where one stands. What cannot be taken is told at once; the same is
// told by the hub, which decides. Nothing is saved by this; the form is.

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], Enter: [1, 0] };
// As the hub reads numbers: commas only between groups of three, a minus in parentheses.
const NUMBER = /^[-+]?(\d{1,3}(,\d{3})+|\d*)(\.\d*)?$/;
const MOST_TOLD = 5;

function cells(grid) {
  return [...grid.tBodies[0].rows].map((row) => [...row.querySelectorAll("input:not([type=hidden])")]);
}

function place(all, input) {
  const row = all.findIndex((line) => line.includes(input));
  return row < 0 ? null : [row, all[row].indexOf(input)];
}

function go(all, row, column) {
  const next = all[row]?.[column];
  if (!next) return false;
  next.focus();
  next.select();
  return true;
}

function move(event) {
  const grid = event.target.closest?.("[data-grid]");
  if (!grid || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return void back(event);
  const all = cells(grid);
  const at = place(all, event.target);
  if (!at) return;
  let [down, across] = STEPS[event.key] ?? [0, 0];
  if (event.key === "Enter" && event.shiftKey) down = -1;
  const { selectionStart: start, selectionEnd: end, value } = event.target;
  const whole = start === 0 && end === value.length;
  if (event.key === "ArrowLeft" && !event.shiftKey && (end === 0 || whole)) across = -1;
  if (event.key === "ArrowRight" && !event.shiftKey && (start === value.length || whole)) across = 1;
  if (!down && !across) return;
  if (go(all, at[0] + down, at[1] + across) || event.key === "Enter") event.preventDefault();
}

// Esc takes back what was typed into a cell since the page was made.
function back(event) {
  const input = event.target;
  if (input.readOnly || input.value === input.defaultValue) return;
  event.preventDefault();
  input.value = input.defaultValue;
  judge(input);
  input.select();
  tell();
}

/** Rows of cells, as spreadsheets copy them: a cell with a line break or a tab stands in quotes. */
export function pasted(text) {
  const rows = [[]];
  const cell = /("(?:[^"]|"")*"|[^\t\n]*)(\t|\n|$)/y;
  const words = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  while (cell.lastIndex <= words.length) {
    const [, raw, end] = cell.exec(words) ?? [];
    if (raw === undefined) return words.split("\n").map((line) => line.split("\t"));
    const plain = raw.startsWith('"') && raw.length > 1 ? raw.slice(1, -1).replace(/""/g, '"') : raw;
    rows.at(-1).push(plain.trim());
    if (!end) return rows;
    if (end === "\n") rows.push([]);
  }
  return rows;
}

/** What is wrong with the words of a cell; nothing for a number, or an empty cell. */
export function fault(words, least = -Infinity) {
  let plain = words.replace(/\u2212/g, "-").replace("$", "").trim();
  if (/^\(.*\)$/.test(plain)) plain = `-${plain.slice(1, -1).trim()}`;
  if (plain === "") return "";
  if (!/\d/.test(plain) || !NUMBER.test(plain)) return `“${words.slice(0, 20)}” is not a number.`;
  return Number(plain.replace(/,/g, "")) < least ? `${words} is below zero.` : "";
}

// Marks a cell that cannot be taken, with the reason below it.
function judge(input) {
  const said = fault(input.value, "least" in input.dataset ? Number(input.dataset.least) : -Infinity);
  const note = document.getElementById(input.getAttribute("aria-describedby"));
  note?.querySelector("[data-told]")?.remove();
  if (said) {
    const words = document.createElement("span");
    words.className = "fault";
    words.dataset.told = "";
    words.textContent = said;
    note?.prepend(words);
    input.setAttribute("aria-invalid", "true");
  } else if (!note?.querySelector(".fault")) input.removeAttribute("aria-invalid");
  input.classList.toggle("typed", input.value !== input.defaultValue);
  return said && `${input.getAttribute("aria-label")}: ${said}`;
}

function many(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

function changed() {
  return [...document.querySelectorAll("[data-grid] .typed")].length;
}

function tell(...words) {
  const place = document.querySelector("[data-grid-said]");
  const count = changed();
  if (count) words.unshift(`${many(count, "cell")} changed, not saved yet.`);
  if (place) place.textContent = words.join(" ");
}

function paste(event) {
  const grid = event.target.closest?.("[data-grid]");
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!grid || event.target.readOnly || !/[\t\n]/.test(text.trimEnd())) return;
  const all = cells(grid);
  const at = place(all, event.target);
  if (!at) return;
  event.preventDefault();
  const faults = [];
  let [taken, beyond] = [0, 0];
  pasted(text).forEach((line, down) =>
    line.forEach((value, across) => {
      const input = all[at[0] + down]?.[at[1] + across];
      if (!input) return void (beyond += value !== "");
      input.value = value;
      taken += 1;
      const said = judge(input);
      if (said) faults.push(said);
    }),
  );
  const rest = faults.length - MOST_TOLD;
  tell(
    `Pasted into ${many(taken, "cell")}.`,
    ...(beyond ? [`${many(beyond, "cell")} lay beyond the grid and ${beyond === 1 ? "was" : "were"} left out.`] : []),
    ...faults.slice(0, MOST_TOLD),
    ...(rest > 0 ? [`And ${rest} more.`] : []),
  );
}

// A cell is copied whole where nothing of it is marked.
function copy(event) {
  const input = event.target;
  if (!input.closest?.("[data-grid]") || input.selectionStart !== input.selectionEnd) return;
  event.clipboardData.setData("text/plain", input.value);
  event.preventDefault();
}

export function grid() {
  let sending = false;
  document.addEventListener("keydown", move);
  document.addEventListener("paste", paste);
  document.addEventListener("copy", copy);
  document.addEventListener("input", (event) => {
    if (!event.target.closest?.("[data-grid]")) return;
    judge(event.target);
    tell();
  });
  document.addEventListener("submit", () => { sending = true; });
  window.addEventListener("beforeunload", (event) => {
    if (changed() && !sending) event.preventDefault();
  });
}
