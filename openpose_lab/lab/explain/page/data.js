// The data of the page, as openpose_lab/lab/explain/data.py describes it, and helpers for the other files. __init__.py
// puts the files of this folder into one function, in its order. All positions are in pixels of the photo, with whole
// numbers at pixel centres, so x lies at (x + 0.5) * scale on the screen.

const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const COLOURS = ["#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"]; // Okabe and Ito
const DASHES = ["", "7 4", "2 4"]; // people after the seventh and after the fourteenth repeat the colours, with dashes
const SCORE_RAMP = ["#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725"]; // viridis
const HEAT_RAMP = ["#1b0c41", "#781c6d", "#cf4446", "#fb9b06", "#fcffa4"]; // inferno
const DIRECTION_RAMP = ["#ff4d4d", "#ffd21f", "#4cd964", "#22d3ee", "#5b7cff", "#f062e0", "#ff4d4d"]; // clockwise
const ZOOMS = [1, 1.5, 2, 3, 4, 6];
const LAYERS = [
  { name: "photo", title: "Photo" },
  { name: "heat", title: "Heatmap" },
  { name: "paf", title: "PAF" },
  { name: "candidates", title: "Candidates" },
  { name: "peaks", title: "Peaks" },
  { name: "people", title: "People" },
];
const SOURCES = {
  recorded: "The grouping recorded these steps itself.",
  replayed:
    "This merge records no steps, so it was called on the best row, on the best two rows, and so on, without pruning. " +
    "Its decisions follow from the differences between the answers.",
  "before and after":
    "This grouping records no steps, so the film shows only the limbs before it and its answer. docs/explain.md says " +
    "how to record steps.",
};
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

const state = {
  step: 0,
  layers: { photo: true, heat: false, paf: false, candidates: false, peaks: true, people: true },
  part: "all",
  limb: "all",
  which: "all",
  stages: false,
  zoom: 0,
  timer: null,
};
const $ = (id) => document.getElementById(id);

function node(parent, tag, attributes = {}, text = null) {
  const made = document.createElement(tag);
  return finish(parent, made, attributes, text);
}
function shape(parent, tag, attributes = {}, text = null) {
  const made = document.createElementNS(SVG, tag);
  return finish(parent, made, attributes, text);
}
function finish(parent, made, attributes, text) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== null) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}
/** Unpack the values that `packed` of data.py wrote: a byte after each 0 gives the number of zeros. */
function bytes(base64, count) {
  const text = atob(base64);
  const array = new Uint8Array(count);
  for (let i = 0, place = 0; i < text.length; i++) {
    const value = text.charCodeAt(i);
    if (value) array[place++] = value;
    else place += text.charCodeAt(++i);
  }
  return array;
}
function mix(ramp, value) {
  const place = Math.min(Math.max(value, 0), 1) * (ramp.length - 1);
  const k = Math.min(Math.floor(place), ramp.length - 2);
  const [a, b] = [ramp[k], ramp[k + 1]].map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  return a.map((channel, i) => Math.round(channel + (b[i] - channel) * (place - k)));
}
const rgb = (ramp, value) => `rgb(${mix(ramp, value).join(" ")})`;
const spaced = (name) => name.replaceAll("_", " ");
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const partName = (peak) => spaced(data.parts[data.peaks.part[peak]]);
const peakName = (peak) => `${partName(peak)} ${peak}`;
const count = (number, one, several) => `${number} ${number === 1 ? one : several}`;
const colour = (number) => COLOURS[(number - 1) % COLOURS.length];
const round = (number) => Math.floor((number - 1) / COLOURS.length) % DASHES.length;

const found = data.candidates;
const pairKey = (a, b) => (a < b ? `${a} ${b}` : `${b} ${a}`);
const candidateOf = new Map(found.limb.map((_, c) => [pairKey(found.from[c], found.to[c]), c]));
const rowScore = new Map(data.rows.map((row) => [pairKey(...row.peaks), row.score]));
const BACKGROUND = String(data.parts.length); // the background's value in the list of parts
const partTitle = () =>
  state.part === "all" ? "all parts" : state.part === BACKGROUND ? "the background" : spaced(data.parts[state.part]);
const limbTitle = () => (state.limb === "all" ? "all limbs" : limbName(data.limbs[state.limb]));
const limbName = (limb) => `${spaced(data.parts[limb.from])} – ${spaced(data.parts[limb.to])}`;

/** For each grouping, the people before the first frame and after each frame: Maps from a number to ids of peaks. */
const films = data.groupings.map((grouping) => {
  const states = [new Map()];
  for (const frame of grouping.frames) {
    const people = new Map(states[states.length - 1]);
    for (const number of frame.gone) people.delete(number);
    for (const [number, peaks] of Object.entries(frame.people)) people.set(Number(number), peaks);
    states.push(people);
  }
  return states;
});
const lastStep = Math.max(...data.groupings.map((grouping) => grouping.frames.length));

/** The number of frames of a grouping that are over at a step. Both groupings show their answers at the last step. */
function framesAt(index, step) {
  const frames = data.groupings[index].frames.length;
  return step === lastStep ? frames : Math.min(step, frames - 1);
}
const peopleAt = (index, step) => films[index][framesAt(index, step)];
function owners(people) {
  const owner = new Map();
  for (const [number, peaks] of people) for (const peak of peaks) owner.set(peak, number);
  return owner;
}

/** Find the people who are in only one of two groupings, and the peaks with another owner. Shared peaks pair people. */
function differences(first, second) {
  const [one, other] = [owners(first), owners(second)];
  const shared = new Map();
  for (const [peak, number] of one) {
    if (!other.has(peak)) continue;
    const key = `${number} ${other.get(peak)}`;
    shared.set(key, (shared.get(key) || 0) + 1);
  }
  const partner = new Map();
  const taken = new Set();
  const pairs = [...shared].map(([key, size]) => [...key.split(" ").map(Number), size]);
  pairs.sort((a, b) => b[2] - a[2] || a[0] - b[0] || a[1] - b[1]);
  for (const [a, b] of pairs) {
    if (partner.has(a) || taken.has(b)) continue;
    partner.set(a, b);
    taken.add(b);
  }
  const peaks = new Set();
  for (const peak of new Set([...one.keys(), ...other.keys()])) {
    const expected = one.has(peak) ? partner.get(one.get(peak)) : undefined;
    if (!one.has(peak) || !other.has(peak) || expected !== other.get(peak)) peaks.add(peak);
  }
  return {
    only: [
      new Set([...first.keys()].filter((number) => !partner.has(number))),
      new Set([...second.keys()].filter((number) => !taken.has(number))),
    ],
    peaks,
  };
}
