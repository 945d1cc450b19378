// The maps: their values in bytes, and their pictures. A field has a size, a place and the value of one byte, `scale`.

const heatField = (maps, kept = maps) => fieldOf(maps, kept, data.parts.length + 1);
const pafField = (maps, kept = maps) => {
  const field = fieldOf(maps, kept, 2 * data.limbs.length);
  return { ...field, values: new Int8Array(field.values.buffer) };
};
const fieldOf = (maps, { scale, bytes: text }, channels) => ({
  ...maps,
  scale,
  values: bytes(text, channels * maps.width * maps.height),
});
const finalHeat = heatField(data.maps, data.maps.heatmaps);
const finalPafs = pafField(data.maps, data.maps.pafs);

/** The heatmap value of the chosen part in cell i, or the largest of all parts. */
function heatAt({ width, height, scale, values }, i) {
  const size = width * height;
  if (state.part !== "all") return scale * values[Number(state.part) * size + i];
  let value = 0;
  for (let part = 0; part < data.parts.length; part++) value = Math.max(value, values[part * size + i]);
  return scale * value;
}

/** The PAF of the chosen limb in cell i, or the strongest of all limbs: x, y and length. */
function vectorAt({ width, height, scale, values }, i) {
  const size = width * height;
  const [first, end] = state.limb === "all" ? [0, data.limbs.length] : [Number(state.limb), Number(state.limb) + 1];
  let best = [0, 0, 0];
  for (let limb = first; limb < end; limb++) {
    const [x, y] = [scale * values[2 * limb * size + i], scale * values[(2 * limb + 1) * size + i]];
    const length = Math.hypot(x, y);
    if (length > best[2]) best = [x, y, length];
  }
  return best;
}

/** The colour of a direction: x to the right, y down. */
const directionColour = (x, y) => mix(DIRECTION_RAMP, (Math.atan2(y, x) / (2 * Math.PI) + 1) % 1);

const opacity = (value) => Math.round(255 * Math.min(1.6 * value, 0.9));

/** Paint one pixel per cell; the browser scales it. Returns the largest value, and its cell. */
function paint(canvas, field, colourAndValue) {
  Object.assign(canvas, { width: field.width, height: field.height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(field.width, field.height);
  let [most, cell] = [0, 0];
  for (let i = 0; i < field.width * field.height; i++) {
    const [colour, value] = colourAndValue(i);
    if (value > most) [most, cell] = [value, i];
    image.data.set([...colour, opacity(value)], 4 * i);
  }
  context.putImageData(image, 0, 0);
  return [most, cell];
}
function paintHeat(canvas, field) {
  return paint(canvas, field, (i) => [mix(HEAT_RAMP, heatAt(field, i)), heatAt(field, i)]);
}
function paintDirections(canvas, field) {
  const pixel = (i) => {
    const [x, y, length] = vectorAt(field, i);
    return [directionColour(x, y), length];
  };
  return paint(canvas, field, pixel);
}

/** Place a canvas of cells over a photo that is drawn at `scale`. */
function placeMap(canvas, { width, height, cell, offset }, scale) {
  Object.assign(canvas.style, {
    left: `${offset[0] * cell[0] * scale}px`,
    top: `${offset[1] * cell[1] * scale}px`,
    width: `${width * cell[0] * scale}px`,
    height: `${height * cell[1] * scale}px`,
  });
}

/**
 * Make arrows as paths, in five classes of strength. An arrow of strength 1 is as long as a cell. If cells are narrower
 * than `apart` pixels, only every n-th cell has an arrow.
 */
function arrowsOf(field, scale, apart) {
  const { width, height, cell, offset } = field;
  const step = Math.max(1, Math.ceil(apart / (cell[0] * scale)));
  const paths = [[], [], [], [], []];
  for (let row = Math.floor(step / 2); row < height; row += step) {
    for (let column = Math.floor(step / 2); column < width; column += step) {
      const [x, y, length] = vectorAt(field, row * width + column);
      if (length <= 0.1) continue;
      const cx = (column + 0.5 + offset[0]) * cell[0] * scale;
      const cy = (row + 0.5 + offset[1]) * cell[1] * scale;
      const reach = (step * cell[0] * scale) / 2;
      paths[Math.min(Math.floor(length * 5), 4)].push(arrow(cx, cy, x * reach, y * reach));
    }
  }
  return paths;
}
function arrow(x, y, vx, vy) {
  const n = (value) => value.toFixed(1);
  const [tx, ty] = [x + vx, y + vy];
  const head = (side) => `${n(tx - 0.7 * vx - side * 0.45 * vy)} ${n(ty - 0.7 * vy + side * 0.45 * vx)}`;
  return `M${n(x - vx)} ${n(y - vy)}L${n(tx)} ${n(ty)}M${head(1)}L${n(tx)} ${n(ty)}L${head(-1)}`;
}
