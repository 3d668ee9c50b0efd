// Charts of a page: one per gauge under a shared cursor, limits as lines, alerts as shaded
// stretches, gaps left open. Dragging zooms; a range that moves with time is asked for again.

/* global uPlot */

const AGAIN = 10000;
const HEIGHT = 108;
const ALONE = 200; // height of a chart that is the only one
const AXIS = 38;
const WASHED = "20"; // opacity of what is shaded, as two hex digits

let tokens = {};

function readTokens() {
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement("canvas").getContext("2d");
  const own = (name) => {
    // A custom property holds "light-dark(…)" as written; a real property holds what it means now.
    const sample = document.createElement("i");
    sample.className = `token-${name}`;
    document.body.append(sample);
    const color = getComputedStyle(sample).color;
    sample.remove();
    probe.fillStyle = color;
    return probe.fillStyle;
  };
  tokens = { family: style.fontFamily };
  for (const name of ["line", "muted", "grid", "critical", "warning", "caution", "advice"]) {
    tokens[name] = own(name);
  }
}

function number(value) {
  if (value == null) return "–";
  const size = Math.abs(value);
  const digits = size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function shade(plot, chart, end) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const spell of chart.spells) {
    const from = plot.valToPos(spell.from, "x", true);
    const to = plot.valToPos(spell.to ?? end, "x", true);
    ctx.fillStyle = tokens[spell.tone] + WASHED;
    ctx.fillRect(from, bbox.top, Math.max(to - from, 2), bbox.height);
  }
  ctx.restore();
}

function limits(plot, chart) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const limit of chart.limits) mark(plot, limit);
  ctx.restore();
}

/** A limit: a dashed line with its name, on the side where the alarm lies. */
function mark(plot, limit) {
  const { ctx, bbox } = plot;
  const sharp = devicePixelRatio;
  const y = plot.valToPos(limit.at, "y", true);
  ctx.strokeStyle = ctx.fillStyle = tokens[limit.tone];
  ctx.lineWidth = sharp;
  ctx.setLineDash([4 * sharp, 4 * sharp]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = `${10 * sharp}px ${tokens.family}`;
  ctx.textAlign = "left";
  ctx.textBaseline = limit.side > 0 ? "bottom" : "top";
  ctx.fillText(limit.text, bbox.left + 5 * sharp, y - limit.side * 2 * sharp);
}

/** The scale covers the values; a limit widens it only when it is near enough to matter. */
function scale(chart) {
  return (_plot, low, high) => {
    if (low == null || high == null) return [0, 1];
    const reach = Math.max(high - low, Math.abs(high) * 0.02, 1e-6);
    let [bottom, top] = [low, high];
    for (const limit of chart.limits) {
      if (limit.at > low - reach && limit.at < high + reach) {
        bottom = Math.min(bottom, limit.at);
        top = Math.max(top, limit.at);
      }
    }
    const air = Math.max((top - bottom) * 0.08, Math.abs(top) * 0.002, 1e-6);
    return [bottom - air, top + air];
  };
}

function options(chart, width, height, zone, range, last) {
  const edge = { scale: "y", width: 0, points: { show: false } };
  const grid = { stroke: tokens.grid, width: 1 };
  const font = `12px ${tokens.family}`;
  const axis = { stroke: tokens.muted, font, grid, ticks: { show: false } };
  const below = last ? { values: clock() } : { values: (_plot, ticks) => ticks.map(() => "") };
  return {
    width,
    height: height + (last ? AXIS : 6),
    padding: [8, 16, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    legend: { show: false },
    cursor: {
      sync: { key: "wellflow", scales: ["x", null] },
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
    },
    scales: { x: { time: true, range: () => range }, y: { range: scale(chart) } },
    series: [
      {},
      { scale: "y", stroke: tokens.line, width: 1.4, points: { show: false } },
      { ...edge },
      { ...edge },
    ],
    bands: [{ series: [3, 2], fill: tokens.line + WASHED }],
    axes: [
      { ...axis, size: last ? AXIS : 6, ...below },
      { ...axis, size: 58, space: 24, values: (_plot, ticks) => ticks.map(number) },
    ],
  };
}

/** Times of day in 24 hours, and the day where it changes. */
function clock() {
  const minute = "{HH}:{mm}";
  const day = "\n{D} {MMM}";
  return [
    [86400 * 28, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [86400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
    [60, minute, day, null, day, null, null, null, 1],
    [1, `${minute}:{ss}`, day, null, day, null, null, null, 1],
  ];
}

/** One line above each chart: the gauge, its newest value or that under the cursor, and when. */
function legend(holder, chart) {
  const made = (tag, text) => {
    const element = document.createElement(tag);
    element.textContent = text;
    holder.append(element, " ");
    return element;
  };
  made("span", chart.name);
  const value = made("b", "");
  made("span", chart.unit);
  return { value, when: made("time", "") };
}

class Stack {
  constructor(holder) {
    this.holder = holder;
    this.zone = document.body.dataset.zone || "UTC";
    this.plots = [];
    this.mark = "";
  }

  async load() {
    const headers = this.mark ? { "HX-PTag": this.mark } : {};
    const url = `${this.holder.dataset.charts}?${this.holder.dataset.query}`;
    const answer = await fetch(url, { headers, credentials: "same-origin" });
    if (answer.status === 304) return;
    if (answer.status === 401 || answer.redirected) {
      location.reload();
      return;
    }
    if (!answer.ok) throw new Error(`the hub answered ${answer.status}`);
    this.mark = answer.headers.get("HX-PTag") ?? "";
    this.found = await answer.json();
    this.paint();
  }

  paint() {
    this.plots.forEach((plot) => plot.destroy());
    this.plots = [];
    this.holder.replaceChildren();
    const drawn = this.found.charts.filter((chart) => chart.t.length);
    if (!drawn.length) this.say("No readings in this stretch of time.");
    const height = drawn.length === 1 ? ALONE : HEIGHT;
    drawn.forEach((chart, place) => this.add(chart, height, place === drawn.length - 1));
    this.holder.dataset.drawn = String(drawn.length);
  }

  add(chart, height, last) {
    const figure = document.createElement("div");
    figure.className = "chart";
    const words = document.createElement("p");
    words.className = "legend";
    figure.append(words);
    this.holder.append(figure);
    const shown = legend(words, chart);
    const range = [this.found.from, this.found.to];
    const given = options(chart, figure.clientWidth, height, this.zone, range, last);
    given.hooks = {
      drawClear: [(plot) => shade(plot, chart, this.found.to)],
      drawAxes: [(plot) => limits(plot, chart)],
      setCursor: [(plot) => this.tell(plot, shown)],
      setSelect: [(plot) => this.zoom(plot)],
    };
    const plot = new uPlot(given, [chart.t, chart.avg, chart.min, chart.max], figure);
    this.plots.push(plot);
    this.tell(plot, shown);
  }

  tell(plot, shown) {
    const index = plot.cursor.idx;
    shown.value.textContent = number(plot.data[1][index ?? plot.data[1].length - 1]);
    const when = index == null ? null : plot.data[0][index];
    const written = {
      timeZone: this.zone,
      day: "numeric",
      month: "short",
      hour: "2-digit",
      minute: "2-digit",
      hour12: false,
    };
    shown.when.textContent =
      when == null ? "" : new Date(when * 1000).toLocaleString("en-GB", written);
  }

  zoom(plot) {
    const { left, width } = plot.select;
    if (width < 6) return;
    const from = new Date(plot.posToVal(left, "x") * 1000).toISOString();
    const to = new Date(plot.posToVal(left + width, "x") * 1000).toISOString();
    const query = new URLSearchParams({ from, to });
    location.assign(`${location.pathname}?${query}`);
  }

  say(sentence) {
    const words = document.createElement("p");
    words.className = "plain";
    words.textContent = sentence;
    this.holder.replaceChildren(words);
  }

  resize() {
    this.plots.forEach((plot) => {
      const width = plot.root.parentElement.clientWidth;
      if (width && width !== plot.width) plot.setSize({ width, height: plot.height });
    });
  }
}

export function draw() {
  const holder = document.querySelector("[data-charts]");
  if (!holder || typeof uPlot === "undefined") return;
  const stack = new Stack(holder);
  const again = () => {
    if (document.hidden) return;
    stack.load().catch((fault) => {
      if (!stack.plots.length) stack.say(`The chart cannot be drawn: ${fault.message}.`);
    });
  };
  readTokens();
  again();
  if (holder.dataset.live === "yes") setInterval(again, AGAIN);
  new ResizeObserver(() => stack.resize()).observe(holder);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readTokens();
    if (stack.found) stack.paint();
  });
}
