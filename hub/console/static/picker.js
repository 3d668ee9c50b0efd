// Choosing a row of another table by typing: the list is asked from the hub, arrows and Enter choose.
// Without this module the typed words are looked up when the form is sent.

function parts(element) {
  const picker = element.closest("[data-picker]");
  return picker && {
    key: picker.querySelector("[data-picker-key]"),
    words: picker.querySelector("[data-picker-words]"),
    list: picker.querySelector("[role=listbox]"),
  };
}

function close({ words, list }) {
  list.replaceChildren();
  words.setAttribute("aria-expanded", "false");
  words.removeAttribute("aria-activedescendant");
}

function choose(option) {
  const found = parts(option);
  found.key.value = option.dataset.key;
  found.words.value = option.dataset.title;
  close(found);
}

function move(found, step) {
  const options = [...found.list.querySelectorAll("[role=option]")];
  if (!options.length) return;
  const now = options.findIndex((option) => option.ariaSelected === "true");
  const next = options[(now + step + options.length) % options.length];
  options.forEach((option) => option.setAttribute("aria-selected", String(option === next)));
  found.words.setAttribute("aria-activedescendant", next.id);
  next.scrollIntoView({ block: "nearest" });
}

function press(event) {
  if (!event.target.matches?.("[data-picker-words]")) return;
  const found = parts(event.target);
  const open = found.list.childElementCount > 0;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    move(found, event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
  } else if (event.key === "Enter" && open) {
    const chosen = found.list.querySelector("[aria-selected=true]") ?? found.list.querySelector("[role=option]");
    if (chosen) choose(chosen);
    event.preventDefault();
  } else if (event.key === "Escape" && open) {
    close(found);
    event.stopPropagation();
  }
}

export function picking() {
  document.addEventListener("keydown", press);
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-picker-words]")) parts(event.target).key.value = "";
  });
  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest?.("[data-picker] [role=option]");
    if (option) {
      choose(option);
      event.preventDefault();
    }
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.matches?.("[data-picker-words]")) close(parts(event.target));
  });
  document.addEventListener("htmx:after:swap", () => {
    for (const words of document.querySelectorAll("[data-picker-words]")) {
      const { list } = parts(words);
      words.setAttribute("aria-expanded", String(list.childElementCount > 0));
    }
  });
}
