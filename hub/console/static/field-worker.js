// Serves the pumper's form without signal. Pages come from the network within three seconds, else
// from what was kept; what is sent is never kept here, that is the page's own outbox.
"use strict";

const KEPT = "wellflow-field-1";
const PATIENCE = 3000;

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("wellflow-field-") && name !== KEPT) await caches.delete(name);
  await self.clients.claim();
})()));

// Kept are only pages of the form itself: no redirect to the sign-in page, no answer of an error.
async function keep(request, answer) {
  if (answer.ok && !answer.redirected && answer.type === "basic") {
    const address = new URL(request.url);
    if (request.mode === "navigate" || /\/field\/(stop\/[^/]+)?$/.test(address.pathname)) address.search = "";
    await (await caches.open(KEPT)).put(address.href, answer.clone());
  }
  return answer;
}

self.addEventListener("message", (event) => {
  const addresses = event.data.keep || [];
  event.waitUntil((async () => {
    let kept = 0;
    for (const address of addresses) {
      const request = new Request(address, { credentials: "same-origin" });
      try {
        await keep(request, await fetch(request));
        kept += 1;
      } catch { break; } // the signal is gone: what is kept already stays
    }
    event.source?.postMessage({ kept });
  })());
});

async function page(request) {
  const kept = async () => (await caches.open(KEPT)).match(request, { ignoreSearch: true });
  const asked = fetch(request).then((answer) => keep(request, answer));
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE)).then(kept).then((found) => found || asked);
  try { return await Promise.race([asked, late]); } catch { return (await kept()) || Response.error(); }
}

async function part(request) {
  const found = await (await caches.open(KEPT)).match(request);
  return found || fetch(request).then((answer) => keep(request, answer));
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin || !pathname.startsWith("/field/")) return;
  event.respondWith(request.mode === "navigate" ? page(request) : part(request));
});
