// What a model makes of its data: a plane with points, or the mistakes in a picture.
//
// A sight comes up to three times a second: the same elements are drawn anew, so nothing flickers.
import { button } from "./builder_parts.js";
import { element, make, set, setText, show, svgElement } from "./page.js";

const SIDE = 300; // pixels of the plane
const LEFT = 44; // pixels of the numbers beside it, and below
const BELOW = 20;
const TOP = 6;
const WIDTH = LEFT + SIDE + TOP;
const STEP = 0.025; // of the plane, that an arrow key moves the cross
// as in figures.py; the marker says the same without colour
const COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
const ROUND = "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z";
const MARKERS = [
  ROUND, "m-3.6-3.6h7.2v7.2h-7.2z", "m0-4.6 4.4 7.8h-8.8z", "m0-5 5 5-5 5-5-5z",
  "m0 4.6-4.4-7.8h8.8z",
  "m-1.6-4.6h3.2v3h3v3.2h-3v3h-3.2v-3h-3v-3.2h3z",
];

/** Round numbers between two others, about `count` of them. */
export function ticks(low, high, count = 4) {
  const rough = (high - low) / count;
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((size) => size * power >= rough * 0.999) * power;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i += 1) {
    found.push(Number((i * step).toPrecision(12)));
  }
  return found;
}

/** Pixels of a plane whose rows of "#rrggbb" go from the bottom to the top. */
export function pixelsOf(plane) {
  const side = Math.round(Math.sqrt(plane.length));
  const pixels = new Uint8ClampedArray(4 * side * side);
  plane.forEach((color, i) => {
    const row = side - 1 - Math.floor(i / side);
    const value = parseInt(color.slice(1), 16);
    pixels.set([value >> 16, (value >> 8) & 255, value & 255, 255], 4 * (row * side + (i % side)));
  });
  return { pixels, side };
}

/** The markers of points as paths, one for each class and whether the model is right. */
export function paths(points, scale, kinds) {
  const found = new Map();
  for (const [x, y, value, right] of points) {
    const kind = kinds(value);
    const key = `${kind} ${right}`;
    if (!found.has(key)) found.set(key, { kind, right, d: "" });
    const [left, top] = scale(x, y);
    found.get(key).d += `M${left.toFixed(1)} ${top.toFixed(1)}${MARKERS[kind % MARKERS.length]}`;
  }
  return [...found.values()].sort((a, b) => b.right - a.right || a.kind - b.kind);
}

/** A colour between blue, grey and orange for a number between the lowest and the highest. */
const shade = (part) => `color-mix(in oklab, #d98310 ${Math.round(100 * part)}%, #3f6fb0)`;
const SHADES = 9;

export class Sight {
  /** `add({x, y, label})`: asks for one more point. */
  constructor(add) {
    Object.assign(this, { add, label: 0, cross: [0.5, 0.5] });
    this.colors = element("canvas", { "aria-hidden": "true" });
    this.axes = svgElement("g");
    this.points = svgElement("g");
    this.mark = svgElement("path", { class: "cross", d: "M-9 0H9M0-9V9" });
    const frame = svgElement("rect", {
      x: LEFT, y: TOP, width: SIDE, height: SIDE, class: "frame",
    });
    const svg = svgElement(
      "svg", { viewBox: `0 0 ${WIDTH} ${TOP + SIDE + BELOW}`, "aria-hidden": "true" },
      this.axes, frame, this.points, this.mark,
    );
    this.plot = element("div", { class: "plot", role: "img" }, this.colors, svg);
    this.plot.addEventListener("click", (event) => this.click(event));
    this.plot.addEventListener("keydown", (event) => this.press(event));
    this.legend = make("div", "legend");
    this.place = element("span", { class: "unseen", "aria-live": "polite" });
    this.picture = make("div", "picture");
    this.words = make("div", "note");
    this.root = element(
      "div", { class: "sight" }, this.plot, this.legend, this.picture, this.words, this.place,
    );
  }

  draw(sight) {
    const { kind, text = "" } = sight;
    this.root.hidden = !kind;
    this.plot.hidden = this.legend.hidden = kind !== "plane";
    this.picture.hidden = kind !== "mistakes";
    setText(this.words, text);
    if (kind === "plane") this.drawPlane(sight);
    if (kind === "mistakes") this.drawPicture(sight);
  }

  drawPlane({ extent, points, plane, names = [], classes, text }) {
    this.extent = extent;
    this.takes = Boolean(classes);
    this.colors.hidden = !plane.length;
    if (plane.length) {
      const { pixels, side } = pixelsOf(plane);
      show(this.colors, pixels, side, side);
    }
    const values = points.map((point) => point[2]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const part = (value) => Math.round(((SHADES - 1) * (value - low)) / (high - low || 1));
    this.drawAxes(extent);
    const drawn = paths(points, (x, y) => this.toPixels(x, y), classes ? Number : part);
    this.points.replaceChildren(...drawn.map(({ kind, right, d }) => svgElement("path", {
      d: classes ? d : d.replaceAll(/m[^M]*/g, ROUND),
      fill: classes ? COLORS[kind % COLORS.length] : shade(kind / (SHADES - 1)),
      class: right ? "" : "wrong",
    })));
    this.drawLegend(classes ? names : [], [low, high], points);
    this.plot.setAttribute("role", this.takes ? "application" : "img");
    if (this.takes) set(this.plot, "tabindex", "0");
    else this.plot.removeAttribute("tabindex");
    const keys = this.takes ? " Arrows move a cross, Enter adds a point." : "";
    set(this.plot, "aria-label", `${points.length} points in a plane. ${text}${keys}`);
    this.moveCross(0, 0);
  }

  toPixels(x, y) {
    const [left, right, bottom, top] = this.extent;
    return [
      LEFT + (SIDE * (x - left)) / (right - left), TOP + (SIDE * (top - y)) / (top - bottom),
    ];
  }

  drawAxes(extent) {
    const key = extent.join();
    if (key === this.drawn) return;
    this.drawn = key;
    const [left, right, bottom, top] = extent;
    const text = (value, x, y, anchor) => svgElement("text", { x, y, "text-anchor": anchor },
      String(value).replace("-", "−"));
    this.axes.replaceChildren(
      ...ticks(left, right).map((value) => text(
        value, this.toPixels(value, 0)[0], TOP + SIDE + 15, "middle",
      )),
      ...ticks(bottom, top).map((value) => text(
        value, LEFT - 6, this.toPixels(0, value)[1] + 4, "end",
      )),
    );
  }

  /** Classes with their markers, of which one is chosen for new points; or the range of numbers. */
  drawLegend(names, range, points) {
    const wrong = points.some(([, , , right]) => !right);
    const key = JSON.stringify([names, names.length ? wrong : range]);
    if (key === this.told) return;
    this.told = key;
    const sample = (d, fill, more = {}) => svgElement(
      "svg", { viewBox: "-7 -7 14 14", width: 14, height: 14, "aria-hidden": "true" },
      svgElement("path", { d: `M0 0${d}`, fill, ...more }),
    );
    const parts = names.map((name, i) => {
      const marker = sample(MARKERS[i % MARKERS.length], COLORS[i % COLORS.length]);
      const choice = button("", () => this.choose(i), { name: "class" });
      choice.append(marker, make("span", "", name));
      choice.title = `Click on the plane to add a point of ${name}`;
      return choice;
    });
    this.choices = parts;
    const rest = !names.length ? range.filter(Number.isFinite).map((value, i) => element(
      "span", {}, sample(ROUND, shade(i)), String(Number(value.toPrecision(3))),
    )) : [];
    if (wrong) rest.push(element("span", {}, sample(ROUND, "none", { class: "wrong" }), "wrong"));
    const words = names.length ? [make("span", "hint", "Click to add a point of")] : [];
    this.legend.replaceChildren(...words, ...parts, ...rest);
    if (names.length) this.choose(Math.min(this.label, names.length - 1));
  }

  choose(label) {
    this.label = label;
    this.choices.forEach((choice, i) => set(choice, "aria-pressed", i === label));
  }

  /** Adds a point at a place given as parts of the plane, from its lower left corner. */
  put(across, up) {
    if (!this.takes || Math.min(across, up) < 0 || Math.max(across, up) > 1) return;
    const [left, right, bottom, top] = this.extent;
    const [x, y] = [left + across * (right - left), bottom + up * (top - bottom)];
    this.add({ x: Number(x.toPrecision(5)), y: Number(y.toPrecision(5)), label: this.label });
  }

  click({ clientX, clientY }) {
    const { left, top, width } = this.plot.getBoundingClientRect();
    const unit = width / WIDTH; // a narrow page makes it smaller
    const [x, y] = [(clientX - left) / unit, (clientY - top) / unit];
    this.put((x - LEFT) / SIDE, 1 - (y - TOP) / SIDE);
  }

  press(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const way = ways[event.key];
    if (!this.takes || !(way || event.key === "Enter")) return;
    event.preventDefault();
    if (way) this.moveCross(...way);
    else this.put(...this.cross);
  }

  moveCross(across, up) {
    const steps = [across, up];
    this.cross = this.cross.map((part, i) => Math.min(Math.max(part + STEP * steps[i], 0), 1));
    const [x, y] = this.cross;
    set(this.mark, "transform", `translate(${LEFT + SIDE * x} ${TOP + SIDE * (1 - y)})`);
    if (!across && !up) return;
    const [left, right, bottom, top] = this.extent;
    const at = [left + x * (right - left), bottom + y * (top - bottom)];
    setText(this.place, at.map((value) => String(Number(value.toPrecision(2)))).join(", "));
  }

  /** Puts a picture into the place of the one before, as soon as it can be shown. */
  async drawPicture({ png, text }) {
    if (png === this.png) return;
    this.png = png;
    const image = element("img", { src: `data:image/png;base64,${png}`, alt: text });
    await image.decode().catch(() => null);
    if (png === this.png) this.picture.replaceChildren(image);
  }
}
