// A phone that people share: what the pumper's form keeps of one person's pages is taken off it when
// somebody signs out, and before somebody signs in. Drafts and unsent entries stay, each under its owner.
const forget = async () => {
  for (const name of await window.caches?.keys() ?? []) if (name.startsWith("wellflow-field-pages-")) await caches.delete(name);
};
const form = document.querySelector("form");

// Who only comes back after a long while finds the form as it was, once signed in again.
if (!form.elements.next.value.startsWith("/field/")) forget();
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await Promise.race([forget(), new Promise((next) => setTimeout(next, 1000))]);
  form.submit();
});
