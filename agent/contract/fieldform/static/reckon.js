// Barrels, net oil and amber questions, in exact decimals: what tanks.py, oil.py and entrycheck.py say of
// the same figures. Limits and coefficients come from there with the page; one list of cases is run
// through both (tests/contract/entry/judged.json), so that neither can move alone.
"use strict";

const reckon = (() => {
  const rules = document.body.dataset.rules ? JSON.parse(document.body.dataset.rules) : {};
  const PLACES = 8;
  const ONE = 10n ** 8n;
  const QUARTER = ONE / 4n;
  const abs = (number) => (number < 0n ? -number : number);
  const most = (one, other) => (one > other ? one : other);

  // A decimal as a whole number of hundred-millionths; null for what is none.
  function decimal(text) {
    const found = /^([+-]?)(\d*)\.?(\d*)$/.exec(text ?? "");
    if (!found || !(found[2] || found[3])) return null;
    const whole = BigInt(found[2] + found[3].padEnd(PLACES, "0").slice(0, PLACES));
    return found[1] === "-" ? -whole : whole;
  }
  const rule = (name) => decimal(rules[name]);
  const share = (number, name) => (abs(number) * rule(name)) / ONE;

  // A quotient as a whole number: halves away from zero, as tickets are written, or to the even one.
  function quotient(over, under, even = false) {
    const size = abs(over);
    const whole = size / under;
    const rest = (size % under) * 2n;
    const up = rest > under || (rest === under && (!even || whole % 2n === 1n));
    return (over < 0n ? -1n : 1n) * (up ? whole + 1n : whole);
  }

  // A decimal with so many places and commas; without a count, as many as it needs.
  function shown(number, places) {
    const unit = places === undefined ? 1n : 10n ** BigInt(PLACES - places);
    const digits = String(abs(quotient(number, unit))).padStart((places ?? PLACES) + 1, "0");
    const cut = digits.length - (places ?? PLACES);
    const whole = digits.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, ",");
    const part = places === undefined ? digits.slice(cut).replace(/0+$/, "") : digits.slice(cut);
    return `${number < 0n ? "-" : ""}${whole}${part ? "." : ""}${part}`;
  }

  // ------------------------------------------------------------------------------------- tanks

  // Inches of a tape's three fields; null where none is filled in, undefined for what is no level.
  function tape(feet, inch, quarters) {
    if (!feet && !inch && !quarters) return null;
    const mark = inch && !quarters ? "¼½¾".indexOf(inch.slice(-1)) : -1;
    if (mark >= 0) [inch, quarters] = [inch.slice(0, -1).trim(), String(mark + 1)];
    const inches = inch.includes(".") && !quarters ? /^\d{1,2}\.\d+$/ : /^\d{0,2}$/;
    if (!/^\d{0,2}$/.test(feet) || !inches.test(inch) || !/^[0-3]?$/.test(quarters)) return undefined;
    const part = decimal(inch || "0");
    const level = BigInt(feet || 0) * 12n * ONE + part + BigInt(quarters || 0) * QUARTER;
    return part >= 12n * ONE || level > rule("highest_in") ? undefined : level;
  }

  function level(inches) {
    const quarters = Number(quotient(inches, QUARTER));
    const rest = quarters % 48;
    return `${Math.floor(quarters / 48)}' ${Math.floor(rest / 4)}${["", " 1/4", " 1/2", " 3/4"][rest % 4]}"`;
  }

  // A strapping table in order of level; null where it cannot be used.
  function table(lines) {
    const points = lines.map((line) => line.map((figure) => decimal(String(figure))));
    points.sort(([one], [other]) => (one < other ? -1 : 1));
    const rises = points.every(([high, last], place) => !place || (high > points[place - 1][0] && last > points[place - 1][1]));
    return points.length > 1 && points[0][0] >= 0n && points[0][1] >= 0n && rises ? points : null;
  }

  // Barrels up to a level, to the ten-thousandth as they are kept; null where the table cannot tell.
  function volume(points, inches) {
    if (!points || inches === null || inches < points[0][0] || inches > points[points.length - 1][0]) return null;
    const above = points.findIndex(([high]) => high >= inches);
    const [high, last] = points[above];
    if (high === inches) return last;
    const [low, first] = points[above - 1];
    const under = (high - low) * 10_000n;
    return quotient(first * (high - low) + (last - first) * (inches - low), under, true) * 10_000n;
  }

  // What was made since the last gauge, what left the tank included; null where a volume is not known.
  function made(points, last, now, out) {
    const [before, after] = [volume(points, last), volume(points, now)];
    return before === null || after === null ? null : after - before + out;
  }

  function askTank({ points, last, gauge, now, out, hauled }) {
    if (gauge !== null && abs(gauge - now) > rule("gauge_off_in")) return ["ask_gauge", { gauge: level(gauge), value: level(now) }];
    if (last === null || last - now <= rule("fell_in") || hauled) return null;
    const fell = made(points, last, now, out);
    return fell === null ? null : ["ask_fell", { bbl: shown(-fell, 1) }];
  }

  // ----------------------------------------------------------------------------------- figures

  function askPressure({ value, low, high, gauge }) {
    const off = gauge === null ? 0n : abs(value - gauge);
    if (low !== null && (value < low || value > high)) {
      const change = value - (low + high) / 2n;
      const key = change > 0n ? "ask_above" : "ask_below";
      const told = { value: shown(abs(change)) };
      const agrees = gauge !== null && off <= most(share(gauge, "gauge_off"), rule("gauge_off_psi"));
      return agrees ? [`${key}_too`, { ...told, gauge: shown(gauge) }] : [key, told];
    }
    if (gauge === null || off <= most(share(gauge, "share"), rule("least_psi"))) return null;
    return ["ask_gauge", { gauge: shown(gauge), value: shown(value) }];
  }

  const askMeter = ({ value, last }) => (last !== null && value < last ? ["ask_meter", { value: shown(last) }] : null);

  // --------------------------------------------------------------------------------------- oil

  const density = (gravity) => (141.5 / (131.5 + gravity)) * Number(rules.water);

  function factor(dense, fahrenheit) {
    const expansion = Number(rules.crude) / (dense * dense);
    const above = fahrenheit - Number(rules.base_f);
    return Math.exp(-expansion * above * (1 + Number(rules.bend) * expansion * above));
  }

  const possible = (gravity, fahrenheit) => gravity >= 0 && gravity <= 100 && fahrenheit >= -58 && fahrenheit <= 302;

  function gravityAt60(observed, fahrenheit) {
    if (!possible(observed, fahrenheit)) return null;
    const above = fahrenheit - Number(rules.base_f);
    const read = density(observed) * (1 - Number(rules.glass) * above - Number(rules.glass_bend) * above * above);
    let dense = read;
    for (let step = 0; step < 30; step += 1) dense = read / factor(dense, fahrenheit);
    return Math.floor((141.5 / (dense / Number(rules.water)) - 131.5) * 10 + 0.5) / 10;
  }

  // Volume at 60 °F of a barrel, in hundred-thousandths.
  function correction(gravity, fahrenheit) {
    if (!possible(gravity, fahrenheit)) return null;
    return BigInt(Math.floor(factor(density(gravity), fahrenheit) * 100_000 + 0.5));
  }

  // A run's barrels as they ran, at 60 °F and net, as far as its figures tell; null beyond.
  function run(points, { opening, closing, openingF, closingF, gravity, gravityF, water }) {
    const [first, last] = [volume(points, opening), volume(points, closing)];
    const told = { moved: null, gross: null, net: null };
    if (first === null || last === null || closing > opening) return told;
    told.moved = first - last;
    if ([openingF, closingF, gravity, gravityF].includes(null)) return told;
    const degrees = (number) => Number(number) / Number(ONE);
    const at60 = gravityAt60(degrees(gravity), degrees(gravityF));
    const factors = [openingF, closingF].map((read) => (at60 === null ? null : correction(at60, degrees(read))));
    if (factors.includes(null)) return told;
    const gross = most(first * factors[0] - last * factors[1], 0n);
    const cents = 100_000n * 1_000_000n;
    told.gross = quotient(gross, cents) * 1_000_000n;
    if (water === null || water < 0n || water > 100n * ONE) return told;
    told.net = quotient(gross * (100n * ONE - water), cents * 100n * ONE) * 1_000_000n;
    return told;
  }

  // -------------------------------------------------------------------------------------- days

  // The production day of an instant: by the operator's clock, and the day's beginning on it.
  function dayOf(at, { zone, start }) {
    const shape = { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
    const told = Object.fromEntries(new Intl.DateTimeFormat("en-US", shape).formatToParts(at).map((part) => [part.type, part.value]));
    const day = new Date(Date.UTC(told.year, told.month - 1, told.day));
    if (`${told.hour}:${told.minute}` < start) day.setUTCDate(day.getUTCDate() - 1);
    return day.toISOString().slice(0, 10);
  }

  // The days that may be chosen at an instant, newest first, and the one that a visit then is for.
  function days(at, { zone, start, most: many, locked }) {
    const first = Date.parse(dayOf(at, { zone, start }));
    const open = Array.from({ length: many + 1 }, (_, back) => new Date(first - back * 86_400_000).toISOString().slice(0, 10));
    return { open: open.filter((day) => !locked || day.slice(0, 7) > locked), reported: dayOf(at - 12 * 3_600_000, { zone, start }) };
  }

  return { days, askMeter, askPressure, askTank, decimal, level, made, run, shown, table, tape, volume };
})();
