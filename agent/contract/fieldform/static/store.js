// What waits on this phone: drafts, entries and their photos in IndexedDB, sent in order, photos last
// (photos.js), deleted only when the other side names them. No background sync: iOS has none, so every sign of life is a try.
"use strict";

const about = document.body.dataset;
const words = about.words ? JSON.parse(about.words) : {};
const say = (key, values) => (words[key] || "").replace(/\{(\w+)\}/g, (_, name) => values?.[name] ?? "");
const clock = (at) => new Date(at).toTimeString().slice(0, 5);

const store = (() => {
  const name = `wellflow-field-${about.owner || about.kind}`;
  let opened = null;
  let state = ""; // "", "none": nothing can be kept here

  function open() {
    opened ??= new Promise((resolve, reject) => {
      const asked = indexedDB.open(name, 2);
      asked.onupgradeneeded = ({ oldVersion }) => {
        if (oldVersion < 1) {
          asked.result.createObjectStore("drafts", { keyPath: "stop" });
          asked.result.createObjectStore("outbox", { keyPath: "order", autoIncrement: true });
        }
        asked.result.createObjectStore("photos", { keyPath: "order", autoIncrement: true });
        asked.result.createObjectStore("pixels", { keyPath: "order" });
      };
      asked.onsuccess = () => {
        asked.result.onversionchange = () => asked.result.close();
        asked.result.onclose = () => { opened = null; };
        resolve(asked.result);
      };
      asked.onerror = asked.onblocked = () => { opened = null; reject(asked.error || new Error("blocked")); };
    });
    return opened;
  }

  // One transaction, whole or not at all. A connection that died while the page was behind (WebKit)
  // is opened anew, once.
  async function act(stores, mode, work, again = true) {
    let base;
    try {
      base = await open();
      return await new Promise((resolve, reject) => {
        const transaction = base.transaction(stores, mode, { durability: "strict" });
        let result;
        transaction.oncomplete = () => resolve(result?.result);
        transaction.onabort = transaction.onerror = () => reject(transaction.error || new Error("aborted"));
        result = work(...stores.map((one) => transaction.objectStore(one)));
      });
    } catch (fault) {
      if (fault?.name === "QuotaExceededError" || !again) throw fault;
      opened = null;
      try { base?.close(); } catch { /* already gone */ }
      return act(stores, mode, work, false);
    }
  }

  const mirror = (stop) => `${name}-draft-${stop}`;
  const local = (work) => { try { return work(localStorage); } catch { return null; } };

  return {
    get state() { return state; },
    async begin() {
      try {
        if (!window.indexedDB) throw new Error("no IndexedDB");
        await act(["drafts"], "readonly", (drafts) => drafts.count());
        navigator.storage?.persist?.();
      } catch { state = "none"; }
    },
    draft: (stop) => act(["drafts"], "readonly", (drafts) => drafts.get(stop))
      .then((found) => found || local((box) => JSON.parse(box.getItem(mirror(stop)))))
      .catch(() => local((box) => JSON.parse(box.getItem(mirror(stop))))),
    keep(stop, fields) {
      const draft = { stop, fields, at: Date.now() };
      local((box) => box.setItem(mirror(stop), JSON.stringify(draft)));
      return act(["drafts"], "readwrite", (drafts) => drafts.put(draft));
    },
    forget(stop) {
      local((box) => box.removeItem(mirror(stop)));
      return act(["drafts"], "readwrite", (drafts) => drafts.delete(stop)).catch(() => {});
    },
    async move(entry, draft, pictures = []) {
      await act(["drafts", "outbox", "photos"], "readwrite", (drafts, outbox, kept) => {
        outbox.add(entry);
        for (const one of pictures) kept.put({ ...one, entry: entry.id });
        return draft ? drafts.delete(entry.stop) : null;
      });
      if (draft) local((box) => box.removeItem(mirror(entry.stop)));
    },
    all: () => act(["outbox"], "readonly", (outbox) => outbox.getAll()),
    gone: (order) => act(["outbox"], "readwrite", (outbox) => outbox.delete(order)),
    put: (entry) => act(["outbox"], "readwrite", (outbox) => outbox.put(entry)),
    // A photo is told of in one store and lies in the other: what waits is counted without reading it.
    pictures: () => act(["photos"], "readonly", (kept) => kept.getAll()),
    picture: (one) => act(["photos"], "readwrite", (kept) => kept.put(one)),
    pixels: (order) => act(["pixels"], "readonly", (pixels) => pixels.get(order)),
    add: (one, content) => act(["photos", "pixels"], "readwrite", (kept, pixels) => {
      const asked = kept.add(one);
      asked.onsuccess = () => pixels.add({ order: asked.result, content });
      return asked;
    }),
    drop: (order) => act(["photos", "pixels"], "readwrite", (kept, pixels) => {
      pixels.delete(order);
      return kept.delete(order);
    }),
    last(stop, day, id) {
      return local((box) => {
        const key = `${name}-last`;
        const known = JSON.parse(box.getItem(key) || "{}");
        if (!id) return known[`${stop} ${day}`] || null;
        known[`${stop} ${day}`] = id;
        const kept = Object.entries(known).slice(-400);
        box.setItem(key, JSON.stringify(Object.fromEntries(kept)));
        return id;
      });
    },
  };
})();

const post = (stop, body, patience = 20000) => fetch(`${about.base}stop/${stop}`, {
  method: "POST",
  body,
  headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
  credentials: "same-origin",
  cache: "no-store",
  redirect: "error",
  signal: AbortSignal.timeout?.(patience),
});

const sender = (() => {
  let busy = null;
  let lost = 0; // since when nobody answers
  let done = 0; // when the last one was taken
  let signedOut = false;

  async function send(entry) {
    let answer;
    try {
      answer = await post(entry.stop, entry.body);
    } catch {
      lost ||= Date.now();
      return false;
    }
    const said = await answer.json().catch(() => null);
    signedOut = answer.status === 401 || answer.status === 403;
    if (answer.ok && said?.id === entry.id) {
      lost = 0;
      done = Date.now();
      await store.gone(entry.order);
      return true;
    }
    if (answer.status === 422 && said?.id === entry.id) {
      await store.put({ ...entry, refused: said.faults });
      return true;
    }
    const tries = (entry.tries || 0) + 1;
    await store.put({ ...entry, tries });
    lost ||= signedOut ? 0 : Date.now();
    // What is answered so again and again stays and is tried again; the others do not wait for it.
    return tries > 3 && [400, 404, 410, 413].includes(answer.status);
  }

  async function all() {
    for (const entry of (await store.all()).filter((one) => !one.refused)) {
      if (!(await send(entry))) return; // in order: nothing overtakes what could not be sent
    }
    const answers = await photos.send();
    if (answers === null) lost ||= Date.now();
    else if (answers) { lost = 0; done = Date.now(); }
  }

  function flush() {
    if (store.state === "none") return Promise.resolve();
    busy ??= all().catch(() => {}).finally(() => { busy = null; }).then(show);
    return busy;
  }

  async function show() {
    const place = document.getElementById("waits");
    if (!place || !about.words) return;
    if (store.state === "none") return void (place.textContent = say("store_none"));
    let entries;
    let pictures;
    try { [entries, pictures] = [await store.all(), await store.pictures()]; } catch { return void (place.textContent = say("store_dead")); }
    const waiting = entries.filter((one) => !one.refused);
    const refused = entries.filter((one) => one.refused);
    const lines = [];
    const later = pictures.filter((one) => one.entry && !one.refused);
    if (later.length) lines.push(["b", photos.waiting(waiting.length, later.length)]);
    else if (waiting.length) lines.push(["b", say("waiting_send", { count: waiting.length })]);
    if (+about.waiting) lines.push(["b", say("waiting_site", { count: about.waiting })]);
    if (+about.photos) lines.push(["b", say("wait_site", { photos: photos.counted("photo", about.photos) })]);
    if (refused.length) lines.push(["b", say("refused", { count: refused.length })]);
    if (!lines.length) lines.push(["span", done ? say("sent_at", { time: clock(done) }) : say("waiting_none")]);
    if (signedOut) lines.push(["span", say("sign_in_again")]);
    else if (about.since && +about.waiting) lines.push(["span", say("no_signal", { time: about.since })]);
    else if (lost && waiting.length + later.length) lines.push(["span", say("no_signal", { time: clock(lost) })]);
    if (later.length && photos.held) lines.push(["span", photos.held]);
    if ([...waiting, ...later].some((one) => Date.now() - one.saved > 2 * 86400000)) lines.push(["b", say("day_three")]);
    place.replaceChildren(...lines.flatMap(([tag, text], number) => {
      const line = document.createElement(tag);
      line.textContent = text;
      return number ? [document.createElement("br"), line] : [line];
    }));
    back(refused);
    photos.back(pictures.filter((one) => one.refused));
  }

  // What came back is shown on the route; opening it fills the form of its stop again.
  function back(refused) {
    const list = document.getElementById("back");
    list?.replaceChildren(...refused.map((entry) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = `${about.base}stop/${entry.stop}?back=${entry.order}`;
      link.textContent = `${entry.name}: ${Object.values(entry.refused)[0] || ""}`;
      item.append(link);
      return item;
    }));
  }

  return { flush, show, get lost() { return lost; } };
})();

if (about.words) {
  store.begin().then(sender.show).then(sender.flush);
  addEventListener("online", sender.flush);
  addEventListener("pageshow", sender.flush);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) sender.flush(); });
  setInterval(sender.flush, 30000);
}
