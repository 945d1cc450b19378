// The maps after every stage of the network, side by side over the photo: for one part, and for one limb.

const KINDS = [
  { name: "heatmaps", field: heatField, final: finalHeat, paint: paintHeat, title: () => `Heatmap of ${partTitle()}` },
  { name: "pafs", field: pafField, final: finalPafs, paint: paintDirections, title: () => `PAF of ${limbTitle()}` },
];

const stages = {
  kinds: [],

  build() {
    $("views").textContent = data.stages.views
      ? `The network saw several views of the photo: ${data.stages.views}. These stages are from the largest view. ` +
        "Peaks and limbs come from the mean of the views."
      : "";
    for (const kind of KINDS) {
      const part = node($("stage-maps"), "div", { class: "kind" });
      const title = node(part, "h2", { "aria-live": "polite" });
      const legend = node(part, "p", { class: "hint" });
      const row = node(part, "div", { class: "figures" });
      const fields = data.stages[kind.name].map((kept) => [kept.title, kind.field(kept)]);
      fields.push([data.stages.final[kind.name], kind.final]);
      const figures = fields.map(([name, field]) => {
        const figure = node(row, "figure");
        const stage = node(figure, "div", { class: "stage" });
        node(stage, "img", { class: "photo dim", alt: "" }).src = data.photo.uri;
        const canvas = node(stage, "canvas", { class: "heat", role: "img" });
        const over = shape(stage, "svg", { class: "over", "aria-hidden": "true" });
        const caption = node(figure, "figcaption");
        node(caption, "strong", {}, name);
        return { name, field, figure, stage, canvas, over, strongest: node(caption, "span") };
      });
      this.kinds.push({ ...kind, heading: title, legend, row, figures });
      if (kind.name === "heatmaps") this.heatLegend(legend);
      else this.directionLegend(legend);
    }
  },

  heatLegend(legend) {
    const scale = node(legend, "span", { class: "who" }, "0");
    node(scale, "span", { class: "ramp", "aria-hidden": "true" }).style.background =
      `linear-gradient(90deg, ${HEAT_RAMP.join(", ")})`;
    scale.append("1.");
    node(legend, "span", {}, "Each square is a cell of the map. The keys p and P change the part.");
  },
  directionLegend(legend) {
    const label = "Colours of directions: right is red, down is yellow to green, left is cyan, up is blue to pink";
    const wheel = node(legend, "span", { class: "wheel", role: "img", "aria-label": label });
    wheel.style.background = `conic-gradient(from 90deg, ${DIRECTION_RAMP.join(", ")})`;
    for (const [side, text] of Object.entries({ right: "→", bottom: "↓", left: "←", top: "↑" }))
      node(wheel, "span", { class: side, "aria-hidden": "true" }, text);
    const text = "The hue shows the direction of the field, and the opacity its strength. Arrows show both, too.";
    node(legend, "span", {}, `${text} The keys l and L change the limb.`);
  },

  toggle(open = !state.stages) {
    state.stages = open;
    $("stage-maps").hidden = !open;
    $("stage-button").setAttribute("aria-expanded", String(open));
    this.layout();
    this.draw();
    if (open && $("tools").getBoundingClientRect().top < 0) $("tools").scrollIntoView();
  },

  /** Lay out the figures in rows of equal length: at least 300 pixels wide, times the zoom, at most half a window high. */
  layout() {
    if (!state.stages) return;
    const [gap, zoom] = [12, ZOOMS[state.zoom]];
    const room = $("stage-maps").clientWidth - parseFloat(getComputedStyle($("stage-maps")).paddingLeft) * 2;
    for (const { figures } of this.kinds) {
      const most = Math.max(1, Math.floor((room + gap) / (300 * zoom + gap)));
      const columns = Math.ceil(figures.length / Math.ceil(figures.length / most));
      const shared = Math.floor((room - gap * (columns - 1)) / columns);
      const high = (0.5 * innerHeight * zoom * data.photo.width) / data.photo.height;
      const width = Math.max(Math.min(shared, Math.floor(high)), Math.min(room, 260));
      for (const figure of figures) {
        figure.scale = width / data.photo.width;
        const height = Math.floor(data.photo.height * figure.scale);
        Object.assign(figure.stage.style, { width: `${width}px`, height: `${height}px` });
        placeMap(figure.canvas, figure.field, figure.scale);
      }
    }
  },

  draw() {
    const { part, limb, zoom } = state;
    const wanted = [part, limb, innerWidth, innerHeight, zoom].join();
    if (!state.stages || wanted === this.drawn) return;
    this.drawn = wanted;
    for (const { name: kind, heading, title, paint, figures } of this.kinds) {
      heading.textContent = title();
      for (const { name, field, canvas, over, strongest, scale } of figures) {
        const [most, cell] = paint(canvas, field);
        strongest.textContent = ` · strongest ${most.toFixed(2)}`;
        const x = Math.round(((cell % field.width) + 0.5 + field.offset[0]) * field.cell[0] - 0.5);
        const y = Math.round((Math.floor(cell / field.width) + 0.5 + field.offset[1]) * field.cell[1] - 0.5);
        canvas.setAttribute("aria-label", `${title()}. ${name}: strongest ${most.toFixed(2)}, at ${x}, ${y}`);
        over.replaceChildren();
        if (kind !== "pafs") continue;
        const d = arrowsOf(field, scale, limb === "all" ? 14 : 9).flat().join("");
        if (!d) continue;
        shape(over, "path", { d, stroke: "#000", "stroke-opacity": 0.55, "stroke-width": 2.6, fill: "none" });
        shape(over, "path", { d, stroke: "#fff", "stroke-width": 1.1, fill: "none" });
      }
    }
  },
};
