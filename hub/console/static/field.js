// Keeps the form on this phone: registers the worker, and hands it the pages of the whole route.
"use strict";

if (navigator.serviceWorker) {
  navigator.serviceWorker.register("/field/worker.js", { scope: "/field/" }).then(() => navigator.serviceWorker.ready).then((ready) => {
    const pages = [...document.querySelectorAll(".route a")].map((link) => link.getAttribute("href"));
    const parts = [...document.querySelectorAll("script[src], link[rel=stylesheet], link[rel=manifest]")].map((one) => one.src || one.href);
    ready.active.postMessage({ keep: [location.pathname, ...pages, ...parts] });
  }).catch(() => {}); // without a worker the form works with signal
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data.kept !== undefined) document.body.dataset.kept = data.kept;
  });
}
