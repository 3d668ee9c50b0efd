// Shows what the hub pushes, also while no page is open; tells the hub that it was shown.

self.addEventListener("push", (event) => {
  const told = event.data ? event.data.json() : {};
  const shown = self.registration.showNotification(told.title || "WellFlow", {
    body: told.body || "",
    tag: told.tag,
    data: { url: told.url },
    requireInteraction: Boolean(told.urgent),
  });
  const receipt = told.shown ? fetch(told.shown, { method: "POST" }).catch(() => {}) : null;
  event.waitUntil(Promise.all([shown, receipt]));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { url } = event.notification.data || {};
  if (url) event.waitUntil(self.clients.openWindow(url));
});
