// A panel: the photo with its layers, and the steps of one grouping.

class Panel {
  constructor(index) {
    this.index = index;
    this.grouping = data.groupings[index];
    const copy = $("panel").content.cloneNode(true);
    this.root = copy.querySelector(".panel");
    const of = (selector) => this.root.querySelector(selector);
    this.view = of(".view");
    this.stage = of(".stage");
    this.photo = of(".photo");
    this.heat = of(".heat");
    this.over = of(".over");
    this.sentence = of(".sentence");
    this.card = of(".card");
    this.chips = of(".people");
    this.table = of(".rows");
    this.photo.src = data.photo.uri;
    this.view.setAttribute("aria-label", `Photo, ${this.grouping.name}`);
    this.table.setAttribute("aria-label", `Steps of ${this.grouping.name}`);
    of(".name").textContent = this.grouping.name;
    of(".source").textContent = this.grouping.source;
    of(".more").textContent = [SOURCES[this.grouping.source], ...this.grouping.problems.map(capital)].join(" ");
    this.groups = {};
    for (const name of ["paf", "candidates", "people", "peaks", "tags", "current", "marks", "samples", "hits"]) {
      this.groups[name] = shape(this.over, "g", { "data-layer": name });
    }
    this.fillTable(of(".rows tbody"));
    if (this.grouping.breach) this.fillBreach(of);
    this.listen();
    $("panels").append(copy);
  }

  fillTable(body) {
    this.rows = this.grouping.frames.map((frame, k) => {
      const row = node(body, "tr", { class: frame.kind.replace(" ", "-") });
      const number = node(row, "td");
      const answer = k === this.grouping.frames.length - 1;
      node(
        number,
        "button",
        { type: "button", tabindex: "-1", "aria-label": `Go to step ${k + 1}` },
        answer ? "■" : k + 1,
      );
      const names =
        frame.peaks.length > 4 ? count(frame.peaks.length, "peak", "peaks") : frame.peaks.map(peakName).join(" – ");
      node(row, "td", {}, answer ? "the answer" : names);
      const key = frame.peaks.length === 2 ? pairKey(...frame.peaks) : "";
      const score = rowScore.get(key) ?? found.score[candidateOf.get(key)];
      node(row, "td", {}, score === undefined ? "" : score.toFixed(2));
      const decides = node(
        row,
        "td",
        {},
        `${answer && frame.kind !== "breaks" ? count(films[this.index][k + 1].size, "person", "people") : frame.kind} `,
      );
      const owner = owners(films[this.index][k + 1]);
      const untold = frame.kind === "breaks" || frame.kind === "not tried";
      const here = untold ? frame.broken : new Set(frame.peaks.map((peak) => owner.get(peak)).filter((who) => who !== undefined));
      for (const who of here) {
        const pair = node(decides, "span", { class: "who" });
        swatch(pair, who);
        pair.append(` ${who} `);
      }
      row.addEventListener("click", () => go(answer ? lastStep : k + 1));
      return row;
    });
  }

  /** Show why the grouping has no valid answer, and the rows that it returned. */
  fillBreach(of) {
    const { sentence, step, rows, left_out } = this.grouping.breach;
    const last = step === this.grouping.frames.length;
    const at = last ? lastStep : step;
    of(".answer h3").textContent = `Answer to ${last ? "all rows" : step === 1 ? "the best row" : `the best ${step} rows`}`;
    const box = of(".breach");
    box.hidden = false;
    box.textContent = `${sentence} `;
    const button = node(box, "button", { type: "button" }, "Show the step");
    button.addEventListener("click", () => go(at));
    of(".answer").hidden = !rows.length;
    of(".beyond").textContent = left_out ? `The answer has ${count(left_out, "more row", "more rows")}.` : "";
    const body = of(".answer tbody");
    rows.forEach(({ number, ids, score, parts, broken }, k) => {
      const row = node(body, "tr", { class: broken ? "breaks" : "" });
      const cell = node(row, "td", {}, `${broken ? "✗ " : ""}${k} `);
      swatch(node(cell, "span", { class: "who", title: `person ${number}` }), number);
      node(row, "td", {}, ids.map(([part, id]) => `${spaced(part)} ${id}`).join(", ") || "none");
      node(row, "td", {}, score);
      node(row, "td", {}, parts);
      row.addEventListener("click", () => go(at));
      row.addEventListener("pointerenter", () => this.single(state.step === at ? number : null));
      row.addEventListener("pointerleave", () => this.single(null));
    });
    requestAnimationFrame(() => {
      const first = body.querySelector(".breaks");
      if (first) body.closest(".answer-rows").scrollTop = first.offsetTop - body.offsetTop;
    });
  }

  /** The numbers of the people who break the contract after `over` frames. */
  brokenAt(over) {
    return new Set(over ? this.grouping.frames[over - 1].broken : []);
  }

  listen() {
    this.over.addEventListener(
      "pointerover",
      (event) => event.pointerType === "mouse" && tip.point(this, event, false),
    );
    this.over.addEventListener("pointermove", (event) => event.pointerType === "mouse" && tip.move(event));
    this.over.addEventListener("pointerout", (event) => event.pointerType === "mouse" && tip.leave());
    this.over.addEventListener("click", (event) => tip.point(this, event, true));
    this.view.addEventListener("scroll", () => {
      for (const panel of panels) {
        if (panel === this) continue;
        panel.view.scrollLeft = this.view.scrollLeft;
        panel.view.scrollTop = this.view.scrollTop;
      }
    });
  }

  /** Size the stage: the photo fits the view, times the zoom. */
  layout() {
    const [width, height] = [data.photo.width, data.photo.height];
    const most = parseFloat(getComputedStyle(this.view).maxHeight) || innerHeight;
    const fits = Math.max(Math.min(Math.floor(this.view.getBoundingClientRect().width), (most * width) / height), 50);
    this.scale = (fits * ZOOMS[state.zoom]) / width;
    this.size = Math.min(Math.max((fits * ZOOMS[state.zoom]) / 650, 0.6), 1.25); // of dots and lines
    this.stage.style.width = `${width * this.scale}px`;
    this.stage.style.height = `${Math.floor(height * this.scale)}px`;
    placeMap(this.heat, data.maps, this.scale);
  }

  x(peak) {
    return (data.peaks.x[peak] + 0.5) * this.scale;
  }
  y(peak) {
    return (data.peaks.y[peak] + 0.5) * this.scale;
  }
  line(parent, a, b, attributes) {
    const ends = {
      x1: this.x(a).toFixed(1),
      y1: this.y(a).toFixed(1),
      x2: this.x(b).toFixed(1),
      y2: this.y(b).toFixed(1),
    };
    return shape(parent, "line", { ...ends, ...attributes });
  }

  /** Draw the layers that do not change with the step. */
  drawMaps() {
    const { photo, heat, paf, candidates } = state.layers;
    this.photo.classList.toggle("off", !photo);
    this.photo.classList.toggle("dim", heat || paf || candidates);
    this.heat.hidden = !heat;
    if (heat) paintHeat(this.heat, finalHeat);
    this.groups.paf.replaceChildren();
    if (paf) this.drawPaf();
    this.groups.candidates.replaceChildren();
    if (candidates) this.drawCandidates();
  }

  drawPaf() {
    arrowsOf(finalPafs, this.scale, 9).forEach((arrows, k) => {
      if (!arrows.length) return;
      shape(this.groups.paf, "path", { d: arrows.join(""), ...casing((k + 0.5) / 5), "stroke-width": 3, fill: "none" });
      shape(this.groups.paf, "path", {
        d: arrows.join(""),
        stroke: rgb(SCORE_RAMP, (k + 0.5) / 5),
        "stroke-width": 1.6,
        fill: "none",
      });
    });
  }

  drawCandidates() {
    for (let c = found.limb.length - 1; c >= 0; c--) {
      if (!shownCandidate(c)) continue;
      const accepted = found.accepted[c];
      const attributes = { "stroke-linecap": "round", "stroke-dasharray": accepted ? "none" : "5 4" };
      const width = (accepted ? 3.5 : 1.6) * this.size;
      const edge = { ...attributes, ...casing(found.score[c]), "stroke-width": width + (accepted ? 1.8 : 1) };
      this.line(this.groups.candidates, found.from[c], found.to[c], edge);
      this.line(this.groups.candidates, found.from[c], found.to[c], {
        ...attributes,
        stroke: rgb(SCORE_RAMP, found.score[c]),
        "stroke-width": width,
      });
    }
  }

  /** Draw everything that changes with the step. */
  drawStep(differ) {
    const people = peopleAt(this.index, state.step);
    const over = framesAt(this.index, state.step);
    const owner = owners(people);
    for (const name of ["people", "peaks", "tags", "current", "marks", "samples", "hits"])
      this.groups[name].replaceChildren();
    const only = differ ? differ.only[this.index] : new Set();
    if (state.layers.people) for (const [number, peaks] of people) this.drawPerson(number, peaks);
    this.drawCurrent(over);
    const places = new Labels(data.photo.width * this.scale, data.photo.height * this.scale);
    const ringed = new Set([...only, ...this.brokenAt(over)]);
    if (state.layers.people) this.drawTags(people, ringed, places);
    if (state.layers.peaks) this.drawPeaks(owner, places, differ ? differ.peaks : new Set());
    if (differ && (state.layers.people || state.layers.peaks)) this.drawMarks(differ.peaks);
    this.drawHits(people);
    this.over.setAttribute(
      "aria-label",
      `${data.photo.name}: ${count(people.size, "person", "people")} after this step`,
    );
    this.tell(people, over, only);
  }

  drawPerson(number, peaks) {
    const group = shape(this.groups.people, "g", { class: "person", "data-person": number });
    const stroke = {
      stroke: colour(number),
      "stroke-dasharray": DASHES[round(number)] || "none",
      "stroke-linecap": "round",
    };
    for (const [a, b, limb] of limbsOf(peaks)) {
      const width = (limb.redundant ? 1.5 : 4) * this.size;
      this.line(group, a, b, { class: "edge", "stroke-width": width + 2.5 });
      this.line(group, a, b, { ...stroke, "stroke-width": width });
    }
    for (const peak of peaks) {
      shape(group, "circle", {
        cx: this.x(peak),
        cy: this.y(peak),
        r: 3.6 * this.size,
        fill: colour(number),
        stroke: "#000",
        "stroke-opacity": 0.7,
      });
    }
  }

  /** Mark the peaks of the row that the step looks at. */
  drawCurrent(over) {
    const frame = over ? this.grouping.frames[over - 1] : null;
    if (!frame || !frame.peaks.length) return;
    if (state.step !== lastStep && state.step > over) return;
    if (frame.peaks.length === 2) {
      this.line(this.groups.current, ...frame.peaks, { stroke: "#000", "stroke-width": 4, "stroke-opacity": 0.7 });
      this.line(this.groups.current, ...frame.peaks, { stroke: "#fff", "stroke-width": 2, "stroke-dasharray": "3 3" });
    }
    for (const peak of frame.peaks) {
      const at = { cx: this.x(peak), cy: this.y(peak), r: 9, fill: "none" };
      shape(this.groups.current, "circle", { ...at, stroke: "#000", "stroke-width": 4, "stroke-opacity": 0.7 });
      shape(this.groups.current, "circle", {
        ...at,
        stroke: frame.kind === "conflict" ? "#ff9a5c" : "#fff",
        "stroke-width": 2.2,
      });
    }
  }

  drawPeaks(owner, places, marked) {
    const shown = data.peaks.score.map((_, peak) => peak).filter(shownPeak);
    for (const peak of shown) {
      const r = (marked.has(peak) ? 9 : 4) * this.size;
      places.block(this.x(peak) - r, this.y(peak) - r, 2 * r, 2 * r);
    }
    for (const peak of shown) {
      const owned = owner.has(peak);
      shape(this.groups.peaks, "circle", {
        cx: this.x(peak),
        cy: this.y(peak),
        r: 4 * this.size,
        fill: owned ? colour(owner.get(peak)) : "#fff",
        stroke: "#000",
        "stroke-width": 1.3,
        "data-peak": peak,
      });
    }
    const best = [...shown].sort((a, b) => data.peaks.score[b] - data.peaks.score[a]);
    const room = (places.width * places.height) / Math.max(shown.length, 1); // per peak, in square pixels
    for (const peak of best) {
      const texts = [`${peak} · ${short(data.peaks.score[peak])}`, `${peak}`];
      for (const text of texts.slice(room > 4500 ? 0 : room > 900 ? 1 : 2)) {
        const place = places.find(this.x(peak), this.y(peak), 6.1 * text.length + 2, 12);
        if (!place) continue;
        shape(this.groups.peaks, "text", { x: place[0], y: place[1] + 10 }, text);
        break;
      }
    }
  }

  /** Draw each person's number above them, on a disc in their colour. */
  drawTags(people, ringed, places) {
    for (const [number, peaks] of people) {
      const top = peaks.reduce((a, b) => (data.peaks.y[b] < data.peaks.y[a] ? b : a));
      const r = this.size < 0.8 ? 8 : 10;
      const place = places.above(this.x(top), this.y(top) - 8, 2 * r + 2, 2 * r + 2);
      const group = shape(this.groups.tags, "g", { "data-tag": number });
      const [cx, cy] = [place[0] + r + 1, place[1] + r + 1];
      shape(group, "circle", { cx, cy, r, fill: colour(number), stroke: "#000", "stroke-width": 1.8 });
      const ring = ["none", "#fff", "#000"][round(number)];
      shape(group, "circle", { cx, cy, r: r - 2.2, fill: "none", stroke: ring, "stroke-width": 1.8 });
      if (ringed.has(number)) {
        shape(group, "circle", { cx, cy, r: r + 3.5, fill: "none", stroke: "#fff", "stroke-width": 3 });
        shape(group, "circle", {
          cx,
          cy,
          r: r + 3.5,
          fill: "none",
          stroke: "#c2185b",
          "stroke-width": 3,
          "stroke-dasharray": "4 3",
        });
      }
      shape(
        group,
        "text",
        { x: cx, y: cy + r / 2, class: "tag", "text-anchor": "middle", "font-size": 1.35 * r },
        number,
      );
    }
  }

  drawMarks(peaks) {
    for (const peak of peaks) {
      const r = 8 * this.size;
      const at = { x: this.x(peak) - r, y: this.y(peak) - r, width: 2 * r, height: 2 * r, fill: "none" };
      shape(this.groups.marks, "rect", { ...at, stroke: "#fff", "stroke-width": 4 * this.size });
      shape(this.groups.marks, "rect", {
        ...at,
        stroke: "#c2185b",
        "stroke-width": 2.2 * this.size,
        "data-differs": peak,
      });
    }
  }

  /** Draw wide invisible lines and discs, which the mouse can hit. */
  drawHits(people) {
    const pairs = new Set();
    if (state.layers.candidates) {
      for (let c = found.limb.length - 1; c >= 0; c--) if (shownCandidate(c)) pairs.add(c);
    }
    if (state.layers.people) {
      for (const peaks of people.values()) {
        for (const [a, b] of limbsOf(peaks)) {
          const c = candidateOf.get(pairKey(a, b));
          if (c !== undefined) pairs.add(c);
        }
      }
    }
    for (const c of pairs)
      this.line(this.groups.hits, found.from[c], found.to[c], { class: "hit", "data-candidate": c });
    if (!state.layers.peaks && !state.layers.people) return;
    for (let peak = 0; peak < data.peaks.score.length; peak++) {
      if (!state.layers.peaks && ![...people.values()].some((peaks) => peaks.includes(peak))) continue;
      if (state.layers.peaks && !shownPeak(peak)) continue;
      shape(this.groups.hits, "circle", { class: "spot", cx: this.x(peak), cy: this.y(peak), r: 8, "data-peak": peak });
    }
  }

  /** Draw the points at which a candidate samples the PAF. */
  drawSamples(c) {
    this.groups.samples.replaceChildren();
    if (c === null) return;
    const [a, b] = [found.from[c], found.to[c]];
    this.line(this.groups.samples, a, b, { stroke: "#fff", "stroke-width": 1.5 });
    samplesOf(c).forEach(([u, along]) => {
      const [cx, cy] = [this.x(a) + u * (this.x(b) - this.x(a)), this.y(a) + u * (this.y(b) - this.y(a))];
      const agrees = along > data.thresholds.sample;
      shape(this.groups.samples, "circle", {
        cx,
        cy,
        r: 3.4,
        fill: agrees ? rgb(SCORE_RAMP, along) : "#fff",
        stroke: agrees ? "#fff" : "#c2185b",
        "stroke-width": 1.6,
      });
    });
  }

  /** Show the sentence, the limb of the step, the people and the rows. */
  tell(people, over, only) {
    const frames = this.grouping.frames;
    const waits = state.step !== lastStep && state.step > over;
    const frame = over ? frames[over - 1] : null;
    let sentence = frame ? frame.note : "Before the first step: peaks and limbs, but no people yet.";
    if (waits && frames.length === 1) sentence = "No people yet: this grouping has no steps, only an answer.";
    else if (waits) sentence = "All steps are done. The answer appears together with the other grouping's.";
    this.sentence.textContent = sentence;
    for (const kind of ["conflict", "breaks"])
      this.sentence.classList.toggle(kind, Boolean(frame && !waits && frame.kind === kind));
    const c = frame && frame.peaks.length === 2 && !waits ? candidateOf.get(pairKey(...frame.peaks)) : undefined;
    const hint = "This box shows the limb of a step, with the points at which it samples the PAF.";
    this.card.replaceChildren(c === undefined ? node(null, "p", { class: "hint" }, hint) : limbCard(c));

    const broken = this.brokenAt(over);
    const sure = new Map(this.grouping.people.map((person) => [person.number, person]));
    this.chips.replaceChildren();
    for (const [number, peaks] of [...people].sort(([one], [other]) => one - other)) {
      const button = node(node(this.chips, "li"), "button", { type: "button", class: broken.has(number) ? "broken" : only.has(number) ? "only" : "" });
      swatch(button, number);
      const score = over === frames.length && sure.has(number) ? ` · ${sure.get(number).score.toFixed(1)}` : "";
      if (score) button.title = `person ${number}, ${count(peaks.length, "part", "parts")}, score${score}`;
      node(
        button,
        "span",
        {},
        `${broken.has(number) ? "✗ " : ""}${number}: ${count(peaks.length, "part", "parts")}${score}${only.has(number) ? ", only here" : ""}`,
      );
      for (const [event, on] of [
        ["pointerenter", 1],
        ["focus", 1],
        ["pointerleave", 0],
        ["blur", 0],
      ]) {
        button.addEventListener(event, () => this.single(on ? number : null));
      }
    }

    const before = this.shown ?? this.rows.length;
    for (let k = Math.min(before, over); k < Math.max(before, over); k++)
      this.rows[k].classList.toggle("later", k >= over);
    if (before) this.rows[before - 1].removeAttribute("aria-current");
    if (over) this.rows[over - 1].setAttribute("aria-current", "step");
    this.shown = over;
    requestAnimationFrame(() => this.showRow());
  }

  showRow() {
    const row = this.rows[Math.max(this.shown - 1, 0)];
    this.table.scrollTop = row.offsetTop - this.table.clientHeight / 2 + row.offsetHeight / 2;
  }

  /** Fade all people except one; null shows all. */
  single(number) {
    for (const person of this.over.querySelectorAll("[data-person], [data-tag]")) {
      const who = Number(person.dataset.person ?? person.dataset.tag);
      person.style.opacity = number === null || who === number ? "" : 0.15;
    }
  }
}

/** Places for labels. Labels overlap neither each other nor blocked boxes. */
class Labels {
  constructor(width, height) {
    Object.assign(this, { width, height, boxes: new Map() });
  }
  cells(x, y, width, height) {
    const cells = [];
    for (let i = Math.floor(x / 40); i <= Math.floor((x + width) / 40); i++) {
      for (let j = Math.floor(y / 40); j <= Math.floor((y + height) / 40); j++) cells.push(`${i} ${j}`);
    }
    return cells;
  }
  block(x, y, width, height) {
    for (const cell of this.cells(x, y, width, height)) {
      if (!this.boxes.has(cell)) this.boxes.set(cell, []);
      this.boxes.get(cell).push([x, y, width, height]);
    }
  }
  free(x, y, width, height) {
    if (x < 0 || y < 0 || x + width > this.width || y + height > this.height) return false;
    const near = this.cells(x, y, width, height).flatMap((cell) => this.boxes.get(cell) || []);
    return !near.some(([a, b, w, h]) => x < a + w && a < x + width && y < b + h && b < y + height);
  }
  /** A place above a point, or beside that place if it is taken; never outside the photo. */
  above(x, y, width, height) {
    const [left, top] = [x - width / 2, y - height];
    const shifts = [0, -0.7, 0.7, -1.4, 1.4].flatMap((by) => [
      [left + by * width, top],
      [left + by * width, top - height],
    ]);
    const place = shifts.find((corner) => this.free(...corner, width, height)) || [
      Math.min(Math.max(left, 0), this.width - width),
      Math.min(Math.max(top, 0), this.height - height),
    ];
    this.block(...place, width, height);
    return place;
  }
  find(x, y, width, height) {
    const gap = 6;
    const places = [
      [x + gap, y - height / 2],
      [x - gap - width, y - height / 2],
      [x - width / 2, y - gap - height],
      [x - width / 2, y + gap],
    ];
    const place = places.find((corner) => this.free(...corner, width, height));
    if (place) this.block(...place, width, height);
    return place;
  }
}

/** The outline that separates a colour of the score ramp from the photo: dark colours need a light outline. */
const casing = (score) => ({ stroke: score < 0.4 ? "#fff" : "#000", "stroke-opacity": 0.5 });
const short = (score) => score.toFixed(2).replace(/^0/, "");
const shownPeak = (peak) => state.part === "all" || data.peaks.part[peak] === Number(state.part);
function shownCandidate(c) {
  if (state.limb !== "all" && found.limb[c] !== Number(state.limb)) return false;
  return state.which === "all" || found.accepted[c] === (state.which === "accepted");
}

/** The limbs between the peaks of one person, each as two peaks and the limb. */
function limbsOf(peaks) {
  const peakOf = new Map(peaks.map((peak) => [data.peaks.part[peak], peak]));
  return data.limbs
    .filter((limb) => peakOf.has(limb.from) && peakOf.has(limb.to))
    .map((limb) => [peakOf.get(limb.from), peakOf.get(limb.to), limb]);
}

function swatch(parent, number) {
  const made = node(parent, "span", { class: "swatch", "aria-hidden": "true" });
  const centre = [colour(number), "#fff", "#000"][round(number)];
  made.style.background = `radial-gradient(circle, ${centre} 28%, ${colour(number)} 34%)`;
  return made;
}
