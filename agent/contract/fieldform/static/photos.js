// Photos of an entry: made small on this phone, kept beside the entry, sent after every entry has
// gone. Named by their SHA-256, so that what is sent twice counts once.
"use strict";

const photos = (() => {
  const LONGEST = 1600; // pixels of the long side
  const LARGEST = 300 * 1024;
  const MOST = 10; // of one entry
  const taken = {}; // what was added to a form and not saved yet, by the form's id
  let upload = null; // what stops the one under way
  let held = ""; // why the other side takes none for now

  const counted = (what, count) => say(+count === 1 ? `${what}_one` : `${what}_many`, { count });
  const waiting = (entries, count) => say(entries ? "wait_both" : "wait_photos", { entries: counted("entry", entries), photos: counted("photo", count) });

  // ------------------------------------------------------------------------------ making it small

  function drawn(picture, side) {
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  // What a canvas writes has no EXIF: neither position nor whose phone it was.
  async function small(file) {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    let made = null;
    for (let side = LONGEST; side > 400; side = Math.round(side * 0.75)) {
      const canvas = drawn(picture, side);
      for (const quality of [0.82, 0.7, 0.55]) {
        made = await new Promise((next) => canvas.toBlob(next, "image/jpeg", quality));
        if (!made) throw new Error("no picture");
        if (made.size <= LARGEST) return { content: await made.arrayBuffer(), thumb: drawn(picture, 176).toDataURL("image/jpeg", 0.6) };
      }
    }
    throw new Error("no picture");
  }

  // SHA-256 (FIPS 180-4) where the page has no crypto.subtle: on a site's plain http.
  function plainDigest(content) {
    const primes = [];
    for (let number = 2; primes.length < 64; number += 1) if (primes.every((one) => number % one)) primes.push(number);
    const part = (root) => (root - Math.floor(root)) * 2 ** 32 | 0;
    const mixed = primes.map((one) => part(Math.cbrt(one)));
    const hash = primes.slice(0, 8).map((one) => part(Math.sqrt(one)));
    const bytes = new Uint8Array((content.byteLength + 72) >> 6 << 6);
    bytes.set(new Uint8Array(content));
    bytes[content.byteLength] = 128;
    const view = new DataView(bytes.buffer);
    view.setUint32(bytes.length - 8, Math.floor(content.byteLength / 2 ** 29));
    view.setUint32(bytes.length - 4, content.byteLength << 3);
    const turned = (word, by) => word >>> by | word << (32 - by);
    const word = new Int32Array(64);
    for (let at = 0; at < bytes.length; at += 64) {
      for (let i = 0; i < 64; i += 1) {
        const [x, y] = [word[i - 15], word[i - 2]];
        word[i] = i < 16 ? view.getInt32(at + 4 * i) : word[i - 16] + word[i - 7] + (turned(x, 7) ^ turned(x, 18) ^ x >>> 3) + (turned(y, 17) ^ turned(y, 19) ^ y >>> 10);
      }
      let [a, b, c, d, e, f, g, h] = hash;
      for (let i = 0; i < 64; i += 1) {
        const one = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + (e & f ^ ~e & g) + mixed[i] + word[i] | 0;
        const two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + (a & b ^ a & c ^ b & c) | 0;
        [h, g, f, e, d, c, b, a] = [g, f, e, d + one | 0, c, b, a, one + two | 0];
      }
      [a, b, c, d, e, f, g, h].forEach((value, i) => { hash[i] = hash[i] + value | 0; });
    }
    return hash.map((value) => (value >>> 0).toString(16).padStart(8, "0")).join("");
  }

  async function digest(content) {
    if (!globalThis.crypto?.subtle) return plainDigest(content);
    const made = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
    return Array.from(made, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // ------------------------------------------------------------------------------- in the form

  const key = (form) => form.getAttribute("id"); // form.id is a field of that name
  const kept = (id) => taken[id] || [];
  const of = (form) => kept(key(form));
  const box = (id) => document.querySelector(`[data-form="${id}"]`).closest(".photos");

  function says(id, text) {
    const place = box(id).querySelector(".ask, .fault");
    place.className = "fault";
    place.textContent = text;
  }

  async function add(id, file) {
    const list = taken[id] ??= [];
    if (list.length >= MOST) return says(id, say("photo_most", { count: MOST }));
    let made;
    try { made = await small(file); } catch { return says(id, say("photo_unreadable")); }
    const { content, thumb } = made;
    const sha256 = await digest(content);
    if (list.some((one) => one.sha256 === sha256)) return;
    const at = file.lastModified;
    const one = { form: id, stop: about.stop, entry: "", sha256, bytes: content.byteLength, taken: at > 1e12 && at < Date.now() + 60000 ? at : Date.now(), caption: "", thumb, saved: Date.now() };
    if (store.state === "none") one.content = content;
    else {
      try { one.order = await store.add(one, content); } catch (fault) {
        return says(id, say(fault?.name === "QuotaExceededError" ? "photo_full" : "photo_dead"));
      }
    }
    list.push(one);
    show(id);
    if (id === "report") place(one);
  }

  // Where it is, of what is reported, if the person lets the phone tell; nothing waits for it.
  function place(one) {
    navigator.geolocation?.getCurrentPosition(({ coords }) => {
      Object.assign(one, { lat: coords.latitude.toFixed(6), lon: coords.longitude.toFixed(6) });
      keep(one);
    }, () => {}, { timeout: 8000, maximumAge: 60000 });
  }

  function keep(one) {
    if (one.order && kept(one.form).includes(one)) store.picture(one).catch(() => says(one.form, say("photo_dead")));
  }

  function show(id) {
    box(id).querySelector(".pictures").replaceChildren(...kept(id).map((one) => {
      const item = document.createElement("li");
      const picture = Object.assign(document.createElement("img"), { src: one.thumb, alt: "" });
      const caption = Object.assign(document.createElement("input"), { value: one.caption, placeholder: say("photo_caption"), maxLength: 200, autocomplete: "off" });
      caption.setAttribute("aria-label", say("photo_caption"));
      caption.addEventListener("change", () => { one.caption = caption.value.trim(); keep(one); });
      const out = Object.assign(document.createElement("button"), { type: "button", textContent: say("photo_remove") });
      out.addEventListener("click", () => {
        taken[id] = kept(id).filter((other) => other !== one);
        if (one.order) store.drop(one.order).catch(() => {});
        show(id);
      });
      item.append(picture, caption, out);
      return item;
    }));
  }

  // What was added before the page closed, or went with an entry that came back to be mended.
  async function restore(entry = "") {
    const all = await store.pictures().catch(() => []);
    for (const one of all.filter((other) => other.stop === about.stop && !other.refused)) {
      if (one.entry && one.entry !== entry) continue;
      const id = one.entry ? "entry" : one.form;
      (taken[id] ??= []).push(Object.assign(one, { form: id, entry: "" }));
    }
    for (const id of Object.keys(taken)) show(id);
  }

  const told = ({ sha256, bytes, taken: at, caption, lat, lon }) => JSON.stringify({ sha256, bytes, media: "image/jpeg", taken: at, ...(caption && { caption }), ...(lat && { lat, lon }) });

  function saved(form) {
    upload?.abort(); // an entry goes before any photo
    taken[key(form)] = [];
    show(key(form));
  }

  // ------------------------------------------------------------------------------------- sending

  async function post(one, content) {
    upload = new AbortController();
    const patience = setTimeout(() => upload?.abort(), 90000);
    try {
      return await fetch(`${about.base}photo/${one.entry}/${one.sha256}`, {
        method: "POST",
        body: content,
        headers: { Accept: "application/json", "Content-Type": "image/jpeg", "X-WellFlow-Owner": about.owner },
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error",
        signal: upload.signal,
      });
    } finally { clearTimeout(patience); upload = null; }
  }

  // Sends what waits of entries that have gone; gives how many were taken, null when nobody answers.
  async function send() {
    const here = new Set((await store.all()).map((one) => one.id));
    let gone = 0;
    held = "";
    for (const one of await store.pictures()) {
      if (!one.entry || one.refused || here.has(one.entry)) continue;
      const found = await store.pixels(one.order);
      if (!found) { await store.drop(one.order); continue; }
      let answer;
      try { answer = await post(one, found.content); } catch { return null; }
      const answered = await answer.json().catch(() => null);
      if (answer.ok && answered?.sha256 === one.sha256) { await store.drop(one.order); gone += 1; }
      else if (answer.status === 422 && answered?.why) await store.picture({ ...one, refused: answered.why });
      else if (answer.status === 507) { held = say("photo_no_room"); return gone; }
      else if (answer.status === 401 || answer.status === 403) { held = say("sign_in_again"); return gone; }
      else if (answer.status >= 500) return gone;
    }
    return gone;
  }

  // Nothing can be kept on this phone: right after the entry, or not at all and said so.
  async function direct(entry, form) {
    let whole = true;
    for (const one of of(form)) {
      const content = one.content || (await store.pixels(one.order).catch(() => null))?.content;
      const answer = content && await post({ ...one, entry }, content).catch(() => null);
      if (answer?.ok && one.order) await store.drop(one.order).catch(() => {});
      whole = whole && Boolean(answer?.ok);
    }
    taken[key(form)] = [];
    show(key(form));
    if (!whole) alert(say("photo_not_sent"));
    return true;
  }

  // What was refused is shown on the route until somebody has read it.
  function back(refused) {
    document.getElementById("back")?.append(...refused.map((one) => {
      const item = document.createElement("li");
      const out = Object.assign(document.createElement("button"), { type: "button", textContent: say("photo_forget") });
      out.addEventListener("click", () => store.drop(one.order).then(sender.show));
      item.append(say("photo_refused", { why: one.refused }), " ", out);
      return item;
    }));
  }

  for (const input of document.querySelectorAll("input[type=file]")) {
    const id = input.dataset.form;
    input.removeAttribute("name"); // sent by themselves
    box(id).classList.add("script");
    const [plain, ours] = box(id).querySelectorAll("label small");
    plain.hidden = true;
    ours.hidden = false;
    input.addEventListener("change", async () => {
      const files = [...input.files];
      input.value = "";
      says(id, "");
      for (const file of files) await add(id, file);
      input.dataset.added = Number(input.dataset.added || 0) + files.length;
    });
  }

  return { of, told, saved, restore, send, direct, back, waiting, counted, get held() { return held; } };
})();
