// The details of a limb or a peak: beside the rows, and next to the mouse.

/** The samples of a candidate's line integral: position from 0 to 1, PAF along the limb, weight. */
function samplesOf(c) {
  const along = found.along[c];
  const points = found.quadratures[along.length];
  return along.map((value, i) => [points.u[i], value / 10000, points.weight[i]]);
}

function limbCard(c) {
  const card = node(null, "div", { class: "limb-card" });
  node(card, "strong", {}, `${capital(peakName(found.from[c]))} → ${peakName(found.to[c])}`);
  const samples = samplesOf(c);
  const mean = samples.reduce((sum, [, along, weight]) => sum + along * weight, 0);
  const score = found.score[c];
  let text = `PAF score ${score.toFixed(3)}, ${Math.round(100 * found.agreement[c])} % of the limb agree`;
  if (score - mean > 0.006) text += "; its ends are less than a cell apart, so a weak PAF does not lower the score";
  if (mean - score > 0.006)
    text += `; the mean is ${mean.toFixed(3)}, and the limb loses ${(mean - score).toFixed(3)} for its length`;
  node(card, "div", {}, `${text}. ${fateOf(c)}`);
  card.append(chart(samples, c));
  return card;
}

function fateOf(c) {
  if (found.accepted[c]) return "Accepted.";
  const winner = found.limb.findIndex(
    (limb, k) =>
      found.accepted[k] && limb === found.limb[c] && (found.from[k] === found.from[c] || found.to[k] === found.to[c]),
  );
  if (winner < 0) return "Not accepted.";
  return `Not accepted: ${peakName(found.from[winner])} → ${peakName(found.to[winner])} has a higher score (${found.score[winner].toFixed(3)}).`;
}

/** A chart of the samples from one end to the other, with the threshold above which they agree. */
function chart(samples, c) {
  const [width, height, left, bottom] = [300, 84, 26, 14];
  const values = samples.map(([, along]) => along);
  const [low, high] = [Math.min(-0.05, ...values), Math.max(1, ...values)];
  const x = (u) => left + u * (width - left - 8);
  const y = (value) => 6 + ((high - value) / (high - low)) * (height - bottom - 8);
  const label = `PAF along the limb at ${samples.length} points, from ${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
  const made = shape(null, "svg", {
    class: "chart",
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": label,
  });
  const across = (value, name) =>
    shape(made, "line", { class: name, x1: left, x2: width - 8, y1: y(value), y2: y(value) });
  across(0, "axis");
  across(1, "axis");
  across(data.thresholds.sample, "threshold");
  shape(made, "text", { x: 18, y: y(1) + 4, "text-anchor": "end" }, "1");
  shape(made, "text", { x: 18, y: y(0) + 4, "text-anchor": "end" }, "0");
  shape(made, "text", { x: left, y: height - 2 }, partName(found.from[c]));
  shape(made, "text", { x: width - 8, y: height - 2, "text-anchor": "end" }, partName(found.to[c]));
  for (const [u, along] of samples) {
    const low = along > data.thresholds.sample ? "" : " low";
    shape(made, "line", { class: `stem${low}`, x1: x(u), x2: x(u), y1: y(0), y2: y(along) });
    shape(made, "circle", { class: `dot${low}`, cx: x(u), cy: y(along), r: 2.6 });
  }
  return made;
}

const tip = {
  pinned: false,
  point(panel, event, pin) {
    const { candidate, peak } = event.target.dataset;
    if (candidate === undefined && peak === undefined) {
      if (pin) this.hide();
      return;
    }
    if (this.pinned && !pin) return;
    this.hide();
    this.pinned = pin;
    if (candidate !== undefined) panel.drawSamples(Number(candidate));
    $("tip").replaceChildren(candidate !== undefined ? limbCard(Number(candidate)) : peakCard(panel, Number(peak)));
    $("tip").hidden = false;
    this.place(event);
  },
  move(event) {
    if (!this.pinned && !$("tip").hidden) this.place(event);
  },
  place(event) {
    const box = $("tip").getBoundingClientRect();
    const right = event.clientX + 18 + box.width < innerWidth;
    const x = right ? event.clientX + 18 : Math.max(event.clientX - 18 - box.width, 6);
    const below = event.clientY + 18 + box.height < innerHeight;
    const y = below ? event.clientY + 18 : Math.max(event.clientY - 18 - box.height, 6);
    Object.assign($("tip").style, { left: `${Math.min(x, Math.max(innerWidth - box.width - 6, 6))}px`, top: `${y}px` });
  },
  leave() {
    if (!this.pinned) this.hide();
  },
  hide() {
    this.pinned = false;
    $("tip").hidden = true;
    for (const panel of panels) panel.drawSamples(null);
  },
};

function peakCard(panel, peak) {
  const card = node(null, "div");
  const owner = owners(peopleAt(panel.index, state.step)).get(peak);
  node(card, "strong", {}, `${capital(partName(peak))}, id ${peak}`);
  const [x, y] = [data.peaks.x[peak].toFixed(1), data.peaks.y[peak].toFixed(1)];
  node(card, "div", {}, `score ${data.peaks.score[peak].toFixed(3)}, at ${x}, ${y}`);
  node(card, "div", {}, owner === undefined ? "in no person" : `in person ${owner}`);
  return card;
}
