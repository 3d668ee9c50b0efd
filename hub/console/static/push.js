// Lets this browser show alerts: asks for permission, subscribes, and hands the subscription in.

function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

/** Waits until the worker runs: a subscription needs one that does. */
function active(registration) {
  const worker = registration.installing || registration.waiting || registration.active;
  if (worker.state === "activated") return Promise.resolve();
  return new Promise((resolve) => {
    worker.addEventListener("statechange", () => worker.state === "activated" && resolve());
  });
}

async function subscribe(form) {
  const permission = await Notification.requestPermission();
  if (permission !== "granted") throw new Error("The browser was not allowed to show alerts.");
  const registration = await navigator.serviceWorker.register(form.dataset.worker);
  await active(registration);
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: bytes(form.dataset.push),
  });
  form.elements.subscription.value = JSON.stringify(subscription);
}

export function pushing() {
  const form = document.querySelector("form[data-push]");
  if (!form || !("serviceWorker" in navigator) || !("PushManager" in window)) return;
  const says = form.querySelector("[data-push-says]");
  const button = form.querySelector("button");
  button.disabled = false;
  says.textContent = "";
  form.addEventListener("submit", async (event) => {
    if (form.elements.subscription.value) return;
    event.preventDefault();
    button.disabled = true;
    try {
      await subscribe(form);
      form.submit();
    } catch (fault) {
      button.disabled = false;
      says.textContent = fault.message || "This browser could not subscribe.";
    }
  });
}
