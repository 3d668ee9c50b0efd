// The daily grid: Enter and arrows move between cells, and cells of a spreadsheet are pasted from
// where one stands. Nothing is saved by this; the form is.

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

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], Enter: [1, 0] };

function move(event) {
  const grid = event.target.closest?.("[data-grid]");
  if (!grid || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = cells(grid);
  const at = place(all, event.target);
  if (!at) return;
  let [down, across] = STEPS[event.key] ?? [0, 0];
  if (event.key === "Enter" && event.shiftKey) down = -1;
  const { selectionStart: start, selectionEnd: end, value } = event.target;
  if (event.key === "ArrowLeft" && end === 0) across = -1;
  if (event.key === "ArrowRight" && start === value.length) across = 1;
  if (!down && !across) return;
  if (go(all, at[0] + down, at[1] + across) || event.key === "Enter") event.preventDefault();
}

/** Rows of tab-separated cells, as spreadsheets copy them. */
export function pasted(text) {
  const lines = text.replace(/\r/g, "").replace(/\n$/, "").split("\n");
  return lines.map((line) => line.split("\t").map((cell) => cell.trim()));
}

function paste(event) {
  const grid = event.target.closest?.("[data-grid]");
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!grid || !/[\t\n]/.test(text.trimEnd())) return;
  const all = cells(grid);
  const at = place(all, event.target);
  if (!at) return;
  event.preventDefault();
  pasted(text).forEach((line, down) =>
    line.forEach((value, across) => {
      const input = all[at[0] + down]?.[at[1] + across];
      if (input && !input.readOnly) {
        input.value = value;
        input.classList.add("typed");
      }
    }),
  );
}

export function grid() {
  document.addEventListener("keydown", move);
  document.addEventListener("paste", paste);
}
