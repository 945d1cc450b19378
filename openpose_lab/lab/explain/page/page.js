// The actions of the page: buttons, keys and the film. The page starts at the end of this file.

function showStep() {
  const silent = data.groupings.find(({ frames }) => frames.length === 1); // a grouping without steps to compare
  const comparable = panels.length === 2 && (!silent || state.step === lastStep);
  const differ = comparable ? differences(peopleAt(0, state.step), peopleAt(1, state.step)) : null;
  for (const panel of panels) panel.drawStep(differ);
  if (panels.length === 2) {
    const sentence = differ ? differenceSentence(differ) : `${silent.name} has no steps, so only its answer can be compared.`;
    $("difference").textContent = sentence;
    $("difference").classList.toggle("same", !differ || !differ.peaks.size);
  }
  $("slider").value = state.step;
  $("slider").setAttribute("aria-valuetext", stepName());
  $("counter").textContent = stepName();
  document.body.dataset.step = state.step;
}
const stepName = () =>
  state.step === 0 ? "before" : state.step === lastStep ? "answer" : `step ${state.step} of ${lastStep - 1}`;

function differenceSentence({ only, peaks }) {
  const when = state.step === lastStep ? "In the answers" : "After this step";
  if (!peaks.size) return `${when}, both have the same people.`;
  const parts = only
    .map((numbers, k) => [
      numbers.size,
      `${count(numbers.size, "person is", "people are")} only in ${data.groupings[k].name}`,
    ])
    .filter(([size]) => size)
    .map(([, text]) => text);
  parts.push(`${count(peaks.size, "peak has", "peaks have")} another owner (marked with a square)`);
  return `${when}, ${parts.join(", ").replace(/, ([^,]*)$/, parts.length > 1 ? " and $1" : ", $1")}.`;
}

function go(step) {
  state.step = Math.min(Math.max(step, 0), lastStep);
  tip.hide();
  showStep();
  if (state.step === lastStep) play(false);
}
function play(on) {
  clearInterval(state.timer);
  state.timer = null;
  if (on) {
    if (state.step === lastStep) go(0);
    state.timer = setInterval(() => go(state.step + 1), calm ? 1500 : 800);
  }
  $("play").setAttribute("aria-pressed", String(Boolean(on)));
  $("play").textContent = on ? "Pause" : "Play";
  for (const panel of panels) panel.sentence.setAttribute("aria-live", on ? "off" : "polite");
}
const playing = () => state.timer !== null;

function toggleLayer(name) {
  state.layers[name] = !state.layers[name];
  showLayers();
}
function showLayers() {
  tip.hide();
  for (const { name } of LAYERS) {
    document.querySelector(`button[data-toggle="${name}"]`).setAttribute("aria-pressed", String(state.layers[name]));
  }
  for (const panel of panels) panel.drawMaps();
  stages.draw();
  showLegend();
  showStep();
}
function showLegend() {
  const legend = $("legend");
  legend.replaceChildren();
  const { heat, paf, candidates, peaks } = state.layers;
  const ramp = (colours) => {
    const made = node(legend, "span", { class: "ramp", "aria-hidden": "true" });
    made.style.background = `linear-gradient(90deg, ${colours.join(", ")})`;
  };
  if (heat) {
    legend.append(`Heatmap of ${partTitle()}: 0`);
    ramp(HEAT_RAMP);
    legend.append(`1${data.maps.factor > 1 ? `, ${data.maps.factor} x ${data.maps.factor} cells in one` : ""}. `);
  }
  if (paf || candidates) {
    legend.append(`${paf && candidates ? "PAF and candidates" : paf ? "PAF" : "Candidates"} of ${limbTitle()}: 0`);
    ramp(SCORE_RAMP);
    legend.append("1");
    if (candidates) legend.append(", solid if accepted, dashed if not accepted");
    if (candidates && found.left_out) legend.append(`; the weakest ${found.left_out} are not shown`);
    legend.append(". ");
  }
  if (peaks)
    legend.append("Peaks: id · score; white peaks are in no person. Zoom in for more labels. ");
  legend.append("Point at a limb or a peak, or tap it, for more.");
}
function zoom(change) {
  const before = ZOOMS[state.zoom];
  state.zoom = change === 0 ? 0 : Math.min(Math.max(state.zoom + change, 0), ZOOMS.length - 1);
  const centres = panels.map(({ view }) => [
    view.scrollLeft + view.clientWidth / 2,
    view.scrollTop + view.clientHeight / 2,
  ]);
  layout();
  const factor = ZOOMS[state.zoom] / before;
  panels.forEach(({ view }, k) => {
    view.scrollLeft = centres[k][0] * factor - view.clientWidth / 2;
    view.scrollTop = centres[k][1] * factor - view.clientHeight / 2;
  });
  $("zoomed").textContent = `${100 * ZOOMS[state.zoom]} %`;
}
function layout() {
  for (const panel of panels) panel.layout();
  stages.layout();
  showLayers();
}
function turn(select, by) {
  select.selectedIndex = (select.selectedIndex + by + select.length) % select.length;
  select.dispatchEvent(new Event("change"));
}
function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").setAttribute("aria-pressed", String(dark));
}
const toggleTheme = () => setTheme(document.documentElement.dataset.theme !== "dark");

const KEYS = new Map([
  ["ArrowLeft", ["one step back", () => go(state.step - 1), "←"]],
  ["ArrowRight", ["one step forward", () => go(state.step + 1), "→"]],
  ["Home", ["before the first step", () => go(0)]],
  ["End", ["the answer", () => go(lastStep)]],
  [" ", ["play or pause the film", () => play(!playing()), "space"]],
  ...LAYERS.map(({ name, title }, k) => [`${k + 1}`, [`layer: ${title}`, () => toggleLayer(name)]]),
  ["p", ["next part (heatmap and peaks)", () => turn($("part"), 1)]],
  ["P", ["previous part", () => turn($("part"), -1)]],
  ["l", ["next limb (PAF and candidates)", () => turn($("limb"), 1)]],
  ["L", ["previous limb", () => turn($("limb"), -1)]],
  ["c", ["candidates: all, accepted, not accepted", () => turn($("which"), 1)]],
  ["s", ["the maps after every stage of the network", () => stages.toggle()]],
  ["+", ["larger", () => zoom(1)]],
  ["-", ["smaller", () => zoom(-1)]],
  ["0", ["the whole photo", () => zoom(0)]],
  ["t", ["dark or light", toggleTheme]],
  ["Escape", ["close the details of a limb or peak", () => tip.hide(), "Esc"]],
  ["?", ["these keys", () => $("keys").showModal()]],
]);

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  const { target, key } = event;
  if (target.tagName === "SELECT") return;
  if (target.tagName === "BUTTON" && (key === " " || key === "Enter")) return;
  if (target === $("slider") && ["ArrowLeft", "ArrowRight", "Home", "End"].includes(key)) return;
  if (!KEYS.has(key)) return;
  event.preventDefault();
  KEYS.get(key)[1]();
}

function build() {
  LAYERS.forEach(({ name, title }, k) => {
    const button = node(
      $("layers"),
      "button",
      { type: "button", "data-toggle": name, "aria-keyshortcuts": k + 1 },
      `${title} `,
    );
    node(button, "kbd", {}, k + 1);
    button.addEventListener("click", () => toggleLayer(name));
  });
  node($("part"), "option", { value: "all" }, "all parts");
  data.parts.forEach((part, k) => node($("part"), "option", { value: k }, spaced(part)));
  node($("part"), "option", { value: BACKGROUND }, "background");
  node($("limb"), "option", { value: "all" }, "all limbs");
  data.limbs.forEach((limb, k) => node($("limb"), "option", { value: k }, limbName(limb)));
  for (const name of ["part", "limb", "which"]) {
    $(name).addEventListener("change", () => {
      state[name] = $(name).value;
      showLayers();
    });
  }
  for (const [key, [text, , shown]] of KEYS) {
    node(node($("key-list"), "dt"), "kbd", {}, shown ?? key);
    node($("key-list"), "dd", {}, text);
  }
  const accepted = found.accepted.filter(Boolean).length;
  const times = Object.entries(data.milliseconds).concat(
    data.groupings.filter(({ breach }) => !breach).map(({ name, milliseconds }) => [name, milliseconds]),
  );
  $("facts").textContent = [
    `${data.photo.width} × ${data.photo.height} pixels`,
    count(data.peaks.score.length, "peak", "peaks"),
    `${count(found.limb.length + found.left_out, "candidate", "candidates")}, ${accepted} accepted`,
    times.map(([stage, time]) => `${stage} ${time < 10 ? time.toFixed(1) : Math.round(time)} ms`).join(", "),
  ].join(" · ");

  const actions = {
    first: () => go(0),
    back: () => go(state.step - 1),
    next: () => go(state.step + 1),
    last: () => go(lastStep),
  };
  for (const button of document.querySelectorAll("[data-go]"))
    button.addEventListener("click", actions[button.dataset.go]);
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => zoom(Number(button.dataset.zoom)));
  }
  $("play").addEventListener("click", () => play(!playing()));
  $("slider").max = lastStep;
  $("slider").addEventListener("input", () => go(Number($("slider").value)));
  $("stage-button").addEventListener("click", () => stages.toggle());
  $("theme").addEventListener("click", toggleTheme);
  $("help").addEventListener("click", () => $("keys").showModal());
  document.addEventListener("keydown", pressed);
  document.addEventListener("scroll", () => tip.hide(), true);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  setTheme(dark.matches);
  dark.addEventListener("change", () => setTheme(dark.matches));
}

const panels = [];
build();
stages.build();
data.groupings.forEach((_, index) => panels.push(new Panel(index)));
$("panels").className = panels.length > 1 ? "two" : "one";
$("difference").hidden = panels.length < 2;
const first = data.groupings[0];
const fails = first.breach && first.breach.step < first.frames.length;
state.step = fails ? first.breach.step : lastStep;
const kept = watch.kept();
if (kept) watch.restore(kept, fails);
layout();
if (location.hash === "#stages" || kept?.stages) stages.toggle(true);
if (kept) scrollTo(...kept.places);
watch.begin();
let [width, height] = [innerWidth, innerHeight];
addEventListener("resize", () => {
  // A phone's browser shows and hides its bars, which changes the height a little. A frame may start with height 0.
  if (Math.abs(innerWidth - width) <= 1 && Math.abs(innerHeight - height) <= height / 3) return;
  [width, height] = [innerWidth, innerHeight];
  layout();
});
document.body.dataset.ready = "yes";
