// Several rows at once: a box that ticks all of them, and a button that says for how many of those
// there is something to do (those whose box is "due").
// The boxes stand outside the form and belong to it by its id.

function boxesOf(form) {
  return [...form.elements].filter((field) => field.matches("[data-pick]"));
}

function update(form) {
  const boxes = boxesOf(form);
  const ticked = boxes.filter((box) => box.checked).length;
  const all = [...form.elements].find((field) => field.matches("[data-pick-all]"));
  if (all) {
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
  const due = boxes.filter((box) => box.checked && box.dataset.pick === "due").length;
  const button = form.querySelector("button[data-pick-act]");
  if (button) {
    button.disabled = due === 0;
    button.textContent = due ? `${button.dataset.pickAct} ${due}` : button.dataset.pickAct;
  }
  for (const also of form.querySelectorAll("[data-pick-also]")) also.disabled = ticked === 0;
}

function everyForm() {
  document.querySelectorAll("form[data-picking]").forEach(update);
}

export function selecting() {
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (!form?.matches("[data-picking]")) return;
    if (event.target.matches("[data-pick-all]")) {
      for (const box of boxesOf(form)) box.checked = event.target.checked;
    }
    update(form);
  });
  document.addEventListener("htmx:after:swap", everyForm);
  everyForm();
}
