// Serves the pumper's form without signal. What is sent is never kept here, that is the page's own outbox.
//
// Pages are one person's: every page names its owner, and pages of one owner are kept at a time. Whose
// page came from the hub last may read what is kept; another's is gone with that.
"use strict";

const PARTS = "wellflow-field-parts";
const PAGES = "wellflow-field-pages-";
const YOUNG = 6 * 3600000; // a page of this working day is shown at once on a slow link
const SOON = 300;
const PATIENCE = 3000;
const NONE = "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>WellFlow</title>"
  + "<p>This page is not on this phone yet: open it once with signal, signed in."
  + "<p lang=es>Esta página aún no está en este teléfono: ábrala una vez con señal y con su sesión.";

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (/^wellflow-field-\d/.test(name)) await caches.delete(name);
  await self.clients.claim();
})()));

const kept = async (request) => {
  for (const name of await caches.keys()) {
    const found = name.startsWith(PAGES) && await (await caches.open(name)).match(request, { ignoreSearch: true });
    if (found) return found;
  }
  return null;
};

// Kept are only pages of the form itself: no redirect to the sign-in page, no answer of an error.
async function keep(request, answer) {
  if (!answer.ok || answer.redirected || answer.type !== "basic") return answer;
  const address = new URL(request.url);
  if (!answer.headers.get("Content-Type")?.startsWith("text/html")) {
    await (await caches.open(PARTS)).put(address.href, answer.clone());
    return answer;
  }
  const owner = /data-owner="([^"]+)"/.exec(await answer.clone().text())?.[1];
  if (!owner) return answer;
  for (const name of await caches.keys()) if (name.startsWith(PAGES) && name !== PAGES + owner) await caches.delete(name);
  address.search = "";
  await (await caches.open(PAGES + owner)).put(address.href, answer.clone());
  return answer;
}

self.addEventListener("message", (event) => {
  const addresses = event.data.keep || [];
  event.waitUntil((async () => {
    let count = 0;
    for (const address of addresses) {
      const request = new Request(address, { credentials: "same-origin" });
      try {
        await keep(request, await fetch(request));
        count += 1;
      } catch { break; } // the signal is gone: what is kept already stays
    }
    event.source?.postMessage({ kept: count });
  })());
});

async function page(request) {
  const asked = fetch(request);
  const stored = asked.then((answer) => keep(request, answer));
  stored.catch(() => {});
  const old = await kept(request);
  const age = old ? Date.now() - Date.parse(old.headers.get("Date") || 0) : Infinity;
  const late = new Promise((next) => setTimeout(next, age < YOUNG ? SOON : PATIENCE)).then(() => old || stored);
  try {
    return await Promise.race([stored, late]);
  } catch {
    return old || new Response(NONE, { headers: { "Content-Type": "text/html; charset=utf-8" } });
  }
}

async function part(request) {
  const found = await (await caches.open(PARTS)).match(request);
  return found || fetch(request).then((answer) => keep(request, answer));
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin || !pathname.startsWith("/field/")) return;
  event.respondWith(request.mode === "navigate" ? page(request) : part(request));
});
