// What a page does by itself. Each module listens on the document, so that parts which are swapped
// in later need no wiring. A page works without any of this; it then stands still.

import { keepAges } from "./ages.js";
import { keys } from "./keys.js";
import { picking } from "./picker.js";
import { poll } from "./poll.js";
import { announce } from "./announce.js";
import { here } from "./here.js";
import { pushing } from "./push.js";
import { selecting } from "./select.js";

keepAges();
poll();
announce();
selecting();
picking();
keys();
here();
pushing();

if (document.getElementById("rule-form")) {
  import("./sliders.js").then((module) => module.sliding());
}

if (document.querySelector("[data-charts]")) {
  import("./chart.js").then((module) => module.draw());
}

if (document.querySelector("[data-grid]")) {
  import("./grid.js").then((module) => module.grid());
}
