/* What is drawn over the picture: the heat map, its colour bar, the bars of the classes.

   Colours come from core/figures/overlay.py with the page's data: `ramp` is 256 x RGB, flat. A pixel's opacity is
   strength times heat, so that cold parts of the picture stay as they are. */

const MAP_WIDTH = 192; // pixels of the drawn map; the browser enlarges it to the screen

/* Heat in [0, 1] at (across, down) in [0, 1] of the network's square: bilinear between cell centres. */
function heatAt(values, rows, columns, across, down) {
  const x = Math.min(Math.max(across * columns - 0.5, 0), columns - 1);
  const y = Math.min(Math.max(down * rows - 0.5, 0), rows - 1);
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = Math.min(left + 1, columns - 1);
  const bottom = Math.min(top + 1, rows - 1);
  const shareX = x - left;
  const upper = values[top][left] * (1 - shareX) + values[top][right] * shareX;
  const lower = values[bottom][left] * (1 - shareX) + values[bottom][right] * shareX;
  return upper + (lower - upper) * (y - top);
}

/* Where the network's square lies in a picture of this aspect (width / height), in fractions of the picture. */
function squareIn(fitted, aspect) {
  if (fitted === "crop") {
    return aspect >= 1
      ? { x: (1 - 1 / aspect) / 2, y: 0, width: 1 / aspect, height: 1 }
      : { x: 0, y: (1 - aspect) / 2, width: 1, height: aspect };
  }
  if (fitted === "pad") {
    return aspect >= 1
      ? { x: 0, y: (1 - aspect) / 2, width: 1, height: aspect }
      : { x: (1 - 1 / aspect) / 2, y: 0, width: 1 / aspect, height: 1 };
  }
  return { x: 0, y: 0, width: 1, height: 1 };
}

function drawMap(canvas, answer, aspect, settings) {
  const width = MAP_WIDTH;
  const height = Math.max(1, Math.round(MAP_WIDTH / aspect));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const map = answer.map;
  if (!map || map.is_empty || !settings.strength) {
    context.clearRect(0, 0, width, height);
    return;
  }
  const square = squareIn(answer.fitted, aspect);
  const image = context.createImageData(width, height);
  for (let row = 0; row < height; row += 1) {
    const down = ((row + 0.5) / height - square.y) / square.height;
    for (let column = 0; column < width; column += 1) {
      const across = ((column + 0.5) / width - square.x) / square.width;
      if (across < 0 || across > 1 || down < 0 || down > 1) continue; // never seen by the network
      const heat = Math.min(Math.max(heatAt(map.values, map.rows, map.columns, across, down), 0), 1);
      paint(image.data, 4 * (row * width + column), heat, settings);
    }
  }
  context.putImageData(image, 0, 0);
  if (answer.fitted === "crop") outline(context, square, width, height);
}

function paint(data, at, heat, settings) {
  const color = 3 * Math.round(255 * heat);
  data[at] = settings.ramp[color];
  data[at + 1] = settings.ramp[color + 1];
  data[at + 2] = settings.ramp[color + 2];
  data[at + 3] = 255 * settings.strength * heat;
}

/* The part that the network sees, where it does not see all. */
function outline(context, square, width, height) {
  context.strokeStyle = "rgba(255, 255, 255, 0.8)";
  context.lineWidth = 1;
  context.strokeRect(
    square.x * width + 0.5, square.y * height + 0.5, square.width * width - 1, square.height * height - 1,
  );
}

function clearCanvas(canvas) {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}

/* The ramp from no heat to full heat over the middle grey of a radiograph. */
function drawRamp(canvas, settings) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(256, 1);
  for (let step = 0; step < 256; step += 1) {
    const share = (settings.strength * step) / 255;
    for (let channel = 0; channel < 3; channel += 1) {
      image.data[4 * step + channel] = settings.grey * (1 - share) + settings.ramp[3 * step + channel] * share;
    }
    image.data[4 * step + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/* One row per class; rows are made once and only changed afterwards. */
class Bars {
  constructor(list) {
    this.list = list;
    this.rows = new Map();
  }

  reset() {
    this.list.replaceChildren();
    this.rows.clear();
  }

  show(answer, first, cuts) {
    if (answer.classes.some((name) => !this.rows.has(name)) || this.rows.size !== answer.classes.length) {
      this.reset();
      for (const name of answer.classes) this._row(name, cuts[name]);
    }
    answer.classes.forEach((name, position) => {
      const { item, fill, share } = this.rows.get(name);
      item.classList.toggle("first", name === first);
      fill.style.width = `${100 * answer.probabilities[position]}%`;
      share.textContent = percent(answer.probabilities[position]);
    });
  }

  _row(name, cut) {
    const item = document.createElement("li");
    const label = part("span", "name", item);
    label.textContent = named(name);
    const track = part("span", "track", item);
    const fill = part("span", "fill", track);
    if (cut !== undefined) {
      const line = part("span", "cut", track);
      line.style.left = `${100 * cut}%`;
      line.title = say("cut", { value: percent(cut) });
    }
    const share = part("span", "share", item);
    this.list.append(item);
    this.rows.set(name, { item, fill, share });
  }
}

function part(tag, name, parent) {
  const element = document.createElement(tag);
  element.className = name;
  parent.append(element);
  return element;
}
