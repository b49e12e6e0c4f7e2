// One panel: a metric's curves as SVG, with axes, legend and a crosshair.

import { extentOf, nearest, smooth, thin } from "./series.js";
import { dotsText, domainOf, linearTicks, logTicks, pathText, scaleOf } from "./chart_scale.js";
import { formatNumber, formatTick, formatValue } from "./numbers.js";
import { element, set, setText, svgElement } from "./page.js";

const HEIGHT = 220;
const MARGIN = { left: 46, right: 10, top: 8, bottom: 36 };
const MOST_DOTS = 60; // more epochs than that: the dots would touch

/**
 * The curves of one metric, bottom first. Each has `kind` (the data-curve hook), `look` (its
 * style), `label`, `x` and `y`; `value: false` for one that another curve speaks for.
 */
export function curvesOf(state, metric, options) {
  const curves = [];
  const add = (kind, look, label, { x, values }, name, more) => {
    if (values[name]) curves.push({ kind, look, label, x, y: values[name], ...more });
  };
  if (options.compare) {
    for (const run of [...state.earlier].reverse()) {
      const label = run.title.split(", ").pop();
      add("earlier", "earlier", label, run, metric);
      add("earlier", "earlier-validation", `${label} validation`, run, `val_${metric}`);
    }
  }
  const batch = state.batch.values[metric];
  if (batch && options.smoothing > 0) {
    add("batch", "raw", "raw", state.batch, metric, { value: false });
    const values = { [metric]: smooth(batch, options.smoothing) };
    add("batch", "batch smoothed", "batch, smoothed", { x: state.batch.x, values }, metric);
  } else {
    add("batch", "batch", "batch", state.batch, metric);
  }
  add("train", "train", "training", state.epoch, metric, { dots: true });
  add("validation", "validation", "validation", state.epoch, `val_${metric}`, { dots: true });
  return curves;
}

/** The x range that all panels share, so that their crosshairs agree; null without points. */
export function rangeOf(state, options) {
  const lists = [state.batch.x, state.epoch.x];
  if (options.compare) lists.push(...state.earlier.map((run) => run.x));
  const range = extentOf(lists);
  if (!range) return null;
  const [low, high] = range;
  return [low < 0.2 * high ? 0 : low, high > low || low > 0 ? high : low + 1];
}

/** A panel; `onMove(x)` is told where its crosshair goes, null for away. */
export class Chart {
  constructor(metric, onMove) {
    this.metric = metric;
    this.onMove = onMove;
    this.width = 0;
    this.curves = [];
    this.paths = new Map();
    this.entries = new Map();
    this.cursor = null;
    this.legend = element("div", { class: "kerasnb-legend" });
    this.grid = svgElement("g", { class: "kerasnb-grid" });
    this.lines = svgElement("g", { class: "kerasnb-lines" });
    this.cross = svgElement("path", { class: "kerasnb-cross" });
    this.marks = svgElement("g", { class: "kerasnb-marks" });
    this.unit = svgElement("text", { class: "kerasnb-unit", "text-anchor": "end" });
    this.note = svgElement("text", { class: "kerasnb-unit", "text-anchor": "middle" });
    this.svg = svgElement(
      "svg", { height: HEIGHT, "aria-hidden": "true" },
      this.grid, this.lines, this.cross, this.marks, this.unit, this.note,
    );
    // a slider is what the crosshair is to a keyboard and a screen reader: it moves along x, and
    // its value text reads the curves there
    this.plot = element(
      "div",
      { class: "kerasnb-plot", role: "slider", tabindex: "0", "aria-label": `${metric} curves` },
      this.svg,
    );
    set(this.plot, "aria-valuenow", 0); // a slider must have a value, also before there is one
    set(this.plot, "aria-valuetext", "no values yet");
    const caption = element("figcaption", {}, element("b", {}, metric), this.legend);
    this.element = element(
      "figure", { class: "kerasnb-panel", "data-metric": metric }, caption, this.plot,
    );
    this.plot.addEventListener("pointermove", (event) => this.follow(event));
    this.plot.addEventListener("pointerdown", (event) => this.follow(event));
    this.plot.addEventListener("pointerleave", () => onMove(null));
    this.plot.addEventListener("keydown", (event) => this.press(event));
    this.plot.addEventListener("focus", () => this.describe());
    this.plot.addEventListener("blur", () => onMove(null));
  }

  follow(event) {
    if (!this.range) return;
    const left = this.plot.getBoundingClientRect().left;
    const share = (event.clientX - left - MARGIN.left) / this.innerWidth;
    const [low, high] = this.range;
    this.onMove(low + Math.min(1, Math.max(0, share)) * (high - low));
  }

  /** Arrow keys move by one point, Page Up and Page Down by a tenth of the curve. */
  press(event) {
    const xs = this.steps;
    if (!xs?.length) return;
    const at = this.cursor === null ? xs.length - 1 : nearest(xs, this.cursor);
    const tenth = Math.max(1, Math.round(xs.length / 10));
    const moves = {
      ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1,
      PageDown: at - tenth, PageUp: at + tenth, Home: 0, End: xs.length - 1,
    };
    if (event.key === "Escape") this.onMove(null);
    else if (event.key in moves) {
      this.onMove(xs[Math.max(0, Math.min(xs.length - 1, moves[event.key]))]);
    } else return;
    event.preventDefault();
    this.describe();
  }

  get innerWidth() {
    return Math.max(10, this.width - MARGIN.left - MARGIN.right);
  }

  /** Draws all of `state`; nothing while the panel has no width, in a folded output for one. */
  draw(state, options, range) {
    this.width = Math.round(this.plot.clientWidth);
    if (!this.width) return;
    this.range = range;
    this.run = state.run;
    this.curves = curvesOf(state, this.metric, options);
    this.steps = state.batch.x.length > 1 ? state.batch.x : state.epoch.x;
    set(this.svg, "width", this.width);
    set(this.svg, "viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const values = extentOf(this.curves.map((curve) => curve.y), options.log);
    setText(this.note, values || !range ? "" : "no value that this scale can show");
    set(this.note, "x", this.width / 2);
    set(this.note, "y", HEIGHT / 2);
    const domain = values ? domainOf(...values, options.log) : options.log ? [0.1, 1] : [0, 1];
    this.scaleX = scaleOf(range ?? [0, 1], [MARGIN.left, MARGIN.left + this.innerWidth]);
    this.scaleY = scaleOf(domain, [HEIGHT - MARGIN.bottom, MARGIN.top], options.log);
    this.drawAxes(range ?? [0, 1], domain, options.log);
    this.drawCurves();
    this.point(this.cursor);
  }

  drawAxes([low, high], domain, logarithmic) {
    const bottom = HEIGHT - MARGIN.bottom;
    const right = MARGIN.left + this.innerWidth;
    const rows = Math.floor((bottom - MARGIN.top) / 34);
    const vertical = (logarithmic ? logTicks : linearTicks)(...domain, rows);
    const columns = Math.max(2, Math.floor(this.innerWidth / 70));
    const horizontal = linearTicks(low, high, columns, high - low >= 3);
    const marks = [
      ...vertical.ticks.map((tick) => {
        const y = Math.round(this.scaleY(tick)) + 0.5; // on a pixel: a sharp line
        const line = `M${MARGIN.left},${y}H${right}`;
        const label = formatTick(tick, vertical.step);
        return { line, label, x: MARGIN.left - 6, y: y + 3.5, anchor: "end" };
      }),
      ...horizontal.ticks.map((tick) => {
        const x = Math.round(this.scaleX(tick)) + 0.5;
        const label = formatTick(tick, horizontal.step);
        return { line: `M${x},${bottom}v4`, label, x, y: bottom + 15, anchor: "middle" };
      }),
      { line: `M${MARGIN.left},${bottom + 0.5}H${right}`, label: "", x: 0, y: 0, anchor: "end" },
    ];
    while (this.grid.childElementCount > marks.length) this.grid.lastElementChild.remove();
    marks.forEach((mark, i) => {
      const group = this.grid.children[i] ?? this.grid.appendChild(
        svgElement("g", {}, svgElement("path"), svgElement("text")),
      );
      const [path, text] = group.children;
      set(path, "d", mark.line);
      set(text, "x", mark.x);
      set(text, "y", mark.y);
      set(text, "text-anchor", mark.anchor);
      setText(text, mark.label);
    });
    setText(this.unit, this.run.unit);
    set(this.unit, "x", right);
    set(this.unit, "y", bottom + 30);
  }

  drawCurves() {
    const used = new Set();
    this.curves.forEach((curve) => {
      const key = `${curve.kind} ${curve.look} ${curve.label}`;
      used.add(key);
      const { x, y } = thin(curve.x, curve.y, Math.ceil(this.innerWidth));
      const path = this.pathFor(key, `kerasnb-curve ${looks(curve)}`, curve.kind);
      set(path, "d", pathText(x, y, this.scaleX, this.scaleY));
      if (!curve.dots) return;
      for (const part of ["", " kerasnb-hole"]) {
        if (part && curve.kind !== "validation") continue; // hollow dots: shape differs too
        used.add(key + part + " dots");
        const dots = this.pathFor(key + part + " dots", `kerasnb-dots ${looks(curve)}${part}`);
        const few = curve.x.length <= MOST_DOTS;
        set(dots, "d", few ? dotsText(curve.x, curve.y, this.scaleX, this.scaleY) : "");
      }
    });
    for (const [key, path] of this.paths) {
      if (used.has(key)) continue;
      path.remove();
      this.paths.delete(key);
    }
    // what is new was put on top: order as the curves are
    [...used].forEach((key, i) => {
      const path = this.paths.get(key);
      if (this.lines.children[i] !== path) this.lines.insertBefore(path, this.lines.children[i]);
    });
    this.drawLegend();
  }

  pathFor(key, looks, kind) {
    let path = this.paths.get(key);
    if (!path) {
      path = svgElement("path", { class: looks });
      if (kind) path.setAttribute("data-curve", kind);
      this.paths.set(key, path);
      this.lines.append(path);
    }
    return path;
  }

  /** The curves that have a value to tell, in the order of the legend. */
  listed() {
    const order = ["train", "validation", "batch", "earlier"];
    const place = (curve) => order.indexOf(curve.kind);
    return this.curves.filter((curve) => curve.value !== false).sort((a, b) => place(a) - place(b));
  }

  drawLegend() {
    const shown = this.listed();
    const used = new Set(shown.map((curve) => curve.label));
    for (const [label, entry] of this.entries) {
      if (used.has(label)) continue;
      entry.element.remove();
      this.entries.delete(label);
    }
    shown.forEach((curve, i) => {
      let entry = this.entries.get(curve.label);
      if (!entry) {
        const value = element("span", { class: "kerasnb-value" });
        const sample = svgElement(
          "svg", { width: 24, height: 10, "aria-hidden": "true" },
          svgElement("path", { class: `kerasnb-sample ${looks(curve)}`, d: "M1,5H23" }),
        );
        if (curve.dots) {
          const dot = { class: `kerasnb-dots ${looks(curve)}`, d: "M12,5h0" };
          sample.append(svgElement("path", dot));
        }
        if (curve.kind === "validation") {
          const hole = `kerasnb-dots ${looks(curve)} kerasnb-hole`;
          sample.append(svgElement("path", { class: hole, d: "M12,5h0" }));
        }
        const node = element("span", { class: "kerasnb-key" }, sample, `${curve.label} `, value);
        entry = { element: node, value };
        this.entries.set(curve.label, entry);
      }
      if (this.legend.children[i] !== entry.element) {
        this.legend.insertBefore(entry.element, this.legend.children[i] ?? null);
      }
    });
  }

  /** Puts the crosshair at `x` and its values in the legend; null: the latest values. */
  point(x) {
    this.cursor = x;
    const found = x !== null && Boolean(this.scaleX);
    const place = found ? Math.round(this.scaleX(x)) + 0.5 : 0;
    set(this.cross, "d", found ? `M${place},${MARGIN.top}V${HEIGHT - MARGIN.bottom}` : "");
    const marks = [];
    for (const curve of this.curves) {
      if (curve.value === false) continue;
      const index = found ? indexAt(curve, x) : lastIndex(curve.y);
      setText(this.entries.get(curve.label).value, formatValue(curve.y[index]));
      const y = found ? this.scaleY(curve.y[index]) : NaN;
      if (Number.isFinite(y)) marks.push([curve, `M${this.scaleX(curve.x[index])},${y}h0`]);
    }
    while (this.marks.childElementCount > marks.length) this.marks.lastElementChild.remove();
    marks.forEach(([curve, text], i) => {
      const mark = this.marks.children[i] ?? this.marks.appendChild(svgElement("path"));
      set(mark, "class", `kerasnb-mark ${looks(curve)}`);
      set(mark, "d", text);
    });
  }

  /** What a screen reader says of the crosshair; only on request, or it would never be silent. */
  describe() {
    if (!this.range) return;
    const x = this.cursor ?? this.range[1];
    const [low, high] = this.range;
    const values = this.listed().map(
      (curve) => `${curve.label} ${formatValue(curve.y[indexAt(curve, x)])}`,
    );
    set(this.plot, "aria-valuemin", low);
    set(this.plot, "aria-valuemax", high);
    set(this.plot, "aria-valuenow", x);
    set(this.plot, "aria-valuetext", `${this.run.unit} ${formatNumber(x)}: ${values.join(", ")}`);
  }
}

function looks(curve) {
  return curve.look.split(" ").map((look) => `kerasnb-${look}`).join(" ");
}

/** Where a curve is nearest to `x`; -1 for a run that had ended before. */
function indexAt(curve, x) {
  const index = nearest(curve.x, x);
  const ended = curve.kind === "earlier" && x > curve.x[curve.x.length - 1] + 0.5;
  return ended ? -1 : index;
}

function lastIndex(list) {
  for (let i = list.length - 1; i >= 0; i--) if (typeof list[i] === "number") return i;
  return list.length - 1;
}
