// Several rows at once: a box that ticks all of them, and a button that says how many are ticked.

function update(form) {
  const boxes = [...form.querySelectorAll("input[data-pick]")];
  const ticked = boxes.filter((box) => box.checked).length;
  const all = form.querySelector("input[data-pick-all]");
  if (all) {
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
  const button = form.querySelector("button[data-pick-act]");
  if (button) {
    button.disabled = ticked === 0;
    button.textContent = ticked ? `${button.dataset.pickAct} ${ticked}` : button.dataset.pickAct;
  }
}

function everyForm() {
  document.querySelectorAll("form[data-picking]").forEach(update);
}

export function selecting() {
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("form[data-picking]");
    if (!form) return;
    if (event.target.matches("[data-pick-all]")) {
      for (const box of form.querySelectorAll("input[data-pick]")) box.checked = event.target.checked;
    }
    update(form);
  });
  document.addEventListener("htmx:after:swap", everyForm);
  everyForm();
}
