// A pad to draw a digit on, with the model's opinion of it beside, live.
//
// From Python: `settings` {side, fill, pen, centre}. To Python: {op: "draw", id, pixels} with
// side × side numbers from 0 (paper) to 1 (ink). Back: {op: "prediction", id, bars: [[name, p]]}.
import { make, makeRoot, newId, percent, show, widgetOf } from "./page.js";

export const SIZE = 112; // of the drawing in pixels: a multiple of 28 and of 8
const STEP = 4; // of the keyboard's cursor
const PAUSE = 100; // ms between two questions to the kernel
const PATIENCE = 4000; // ms without an answer until the reader is told
const FAINT = 0.1; // ink below this does not count

/** Draw a line with a round pen onto `ink`, `size` × `size` numbers from 0 to 1. */
export function paintLine(ink, size, from, to, radius) {
  const [ax, ay] = from;
  const [dx, dy] = [to[0] - ax, to[1] - ay];
  const length = dx * dx + dy * dy;
  const low = (a, b) => Math.max(Math.floor(Math.min(a, b) - radius - 1), 0);
  const high = (a, b) => Math.min(Math.ceil(Math.max(a, b) + radius + 1), size);
  for (let y = low(ay, to[1]); y < high(ay, to[1]); y += 1) {
    for (let x = low(ax, to[0]); x < high(ax, to[0]); x += 1) {
      const along = length ? ((x + 0.5 - ax) * dx + (y + 0.5 - ay) * dy) / length : 0;
      const t = Math.min(Math.max(along, 0), 1);
      const away = Math.hypot(x + 0.5 - ax - t * dx, y + 0.5 - ay - t * dy);
      const dark = Math.min(Math.max(radius + 0.5 - away, 0), 1); // a soft edge, one pixel wide
      if (dark > ink[y * size + x]) ink[y * size + x] = dark;
    }
  }
}

/** Where the ink is: its centre of mass, and the longer side of the box around it; null if none. */
export function measure(ink, size) {
  let [mass, sumX, sumY] = [0, 0, 0];
  let [left, right, top, bottom] = [size, -1, size, -1];
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const dark = ink[y * size + x];
      if (dark < FAINT) continue;
      mass += dark;
      sumX += dark * (x + 0.5);
      sumY += dark * (y + 0.5);
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1);
    }
  }
  if (!mass) return null;
  return { x: sumX / mass, y: sumY / mass, extent: Math.max(right - left, bottom - top) };
}

/** The drawing as the model takes it: `side` × `side` means of ink.
 *
 * With `centre` it is made so large that its longer side takes up `fill` of the picture, and its
 * centre of mass goes to the middle, which is how MNIST was made (LeCun et al. 1998). */
export function toGrid(ink, size, side, fill, centre) {
  const found = measure(ink, size);
  const grid = new Array(side * side).fill(0);
  if (!found) return grid;
  const scale = centre ? found.extent / (fill * side) : size / side; // drawn pixels to one of grid
  const middle = centre ? [found.x, found.y] : [size / 2, size / 2];
  const fine = Math.max(Math.ceil(scale), 2); // as many samples as pixels lie below
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      let sum = 0;
      for (let i = 0; i < fine * fine; i += 1) {
        const x = middle[0] + (column + ((i % fine) + 0.5) / fine - side / 2) * scale;
        const y = middle[1] + (row + (Math.floor(i / fine) + 0.5) / fine - side / 2) * scale;
        if (x >= 0 && y >= 0 && x < size && y < size) {
          sum += ink[Math.floor(y) * size + Math.floor(x)];
        }
      }
      grid[row * side + column] = Math.round((1000 * sum) / (fine * fine)) / 1000;
    }
  }
  return grid;
}

/** Grey pixels for a canvas: white ink on black, as in most data. */
export function toPixels(values) {
  const pixels = new Uint8ClampedArray(4 * values.length);
  values.forEach((value, i) => pixels.fill(255 * value, 4 * i, 4 * i + 3));
  for (let i = 3; i < pixels.length; i += 4) pixels[i] = 255;
  return pixels;
}

/** The best guess in words. */
export function guess(bars) {
  const [name, chance] = bars.reduce((best, bar) => (bar[1] > best[1] ? bar : best));
  return `Looks like ${name} (${percent(chance)})`;
}

class View {
  constructor(model) {
    this.model = model;
    this.settings = model.get("settings");
    this.ink = new Float32Array(SIZE * SIZE);
    this.last = null; // where the pen is while it is down
    this.cursor = [SIZE / 2, SIZE / 2];
    this.asked = null; // the question that is on its way
    this.waiting = false; // whether the drawing has changed since
    this.timers = {};
    this.receive = this.receive.bind(this);
    this.build();
    model.on("msg:custom", this.receive);
    this.paint();
  }

  build() {
    this.root = makeRoot("kerasnb-pad");
    this.canvas = make("canvas", "paper");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", "Paper to draw a digit on");
    this.mark = make("div", "mark");
    this.mark.style.width = this.mark.style.height = `${200 * this.settings.pen}%`;
    const paper = make("div", "frame");
    paper.append(this.canvas, this.mark);
    const hint = make(
      "div",
      "hint",
      "Draw with mouse, finger or pen. Or keys: arrows move, Space makes a dot, " +
        "Shift and arrows draw, Delete clears.",
    );
    hint.id = `kerasnb-pad-${newId()}`;
    this.canvas.setAttribute("aria-describedby", hint.id);

    this.seen = make("canvas", "seen");
    this.seen.setAttribute("role", "img");
    const { side } = this.settings;
    this.seen.setAttribute("aria-label", `What the model gets: ${side} by ${side} pixels`);
    this.status = make("div", "status", "Draw something.");
    this.status.setAttribute("role", "status");
    this.bars = make("div", "bars");
    this.listen();

    const left = make("div", "left");
    left.append(paper, this.buttons(), hint);
    const middle = make("div", "middle");
    middle.append(make("div", "", `The model gets ${side}×${side}:`), this.seen);
    const right = make("div", "answer");
    right.append(this.status, this.bars);
    this.root.append(left, middle, right);
  }

  buttons() {
    const bar = make("div", "buttons");
    const clear = make("button", "", "Clear");
    clear.type = "button";
    clear.addEventListener("click", () => this.clear());
    this.centre = make("input");
    this.centre.type = "checkbox";
    this.centre.checked = this.settings.centre;
    this.centre.addEventListener("change", () => this.changed());
    const label = make("label");
    label.append(this.centre, make("span", "", "centre and scale"));
    bar.append(clear, label);
    return bar;
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.last = this.place(event);
      this.line(this.last, this.last);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.last) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) {
        const to = this.place(each);
        this.line(this.last, to);
        this.last = to;
      }
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(end, () => {
        this.last = null;
      });
    }
    canvas.addEventListener("keydown", (event) => this.press(event));
  }

  /** Where an event lies on the paper. */
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const along = (value, start, length) => ((value - start) / length) * SIZE;
    return [along(event.clientX, box.left, box.width), along(event.clientY, box.top, box.height)];
  }

  press(event) {
    const ways = {
      ArrowUp: [0, -STEP],
      ArrowDown: [0, STEP],
      ArrowLeft: [-STEP, 0],
      ArrowRight: [STEP, 0],
    };
    const way = ways[event.key];
    if (way) {
      const to = this.cursor.map((at, i) => Math.min(Math.max(at + way[i], 0), SIZE));
      if (event.shiftKey) this.line(this.cursor, to);
      this.cursor = to;
      this.placeMark();
    } else if (event.key === " ") {
      this.line(this.cursor, this.cursor);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
    } else {
      return;
    }
    event.preventDefault();
  }

  placeMark() {
    this.mark.style.left = `${(100 * this.cursor[0]) / SIZE}%`;
    this.mark.style.top = `${(100 * this.cursor[1]) / SIZE}%`;
  }

  line(from, to) {
    paintLine(this.ink, SIZE, from, to, this.settings.pen * SIZE);
    this.changed();
  }

  clear() {
    this.ink.fill(0);
    this.changed();
  }

  changed() {
    this.waiting = true;
    if (this.timers.paint) return;
    this.timers.paint = requestAnimationFrame(() => {
      this.timers.paint = 0;
      this.paint();
      this.ask();
    });
  }

  paint() {
    const { side, fill } = this.settings;
    this.grid = toGrid(this.ink, SIZE, side, fill, this.centre.checked);
    show(this.canvas, toPixels(Array.from(this.ink)), SIZE, SIZE);
    show(this.seen, toPixels(this.grid), side, side);
    this.placeMark();
  }

  /** One question at a time, and no more than ten a second; the newest drawing always comes. */
  ask() {
    if (this.timers.patience || this.timers.pause || !this.waiting) return;
    this.waiting = false;
    if (!this.grid.some((value) => value > 0)) {
      this.status.textContent = "Draw something.";
      this.bars.replaceChildren();
      return;
    }
    this.asked = newId();
    this.model.send({ op: "draw", id: this.asked, pixels: this.grid });
    this.timers.pause = setTimeout(() => {
      this.timers.pause = 0;
      this.ask();
    }, PAUSE);
    this.timers.patience = setTimeout(() => {
      this.timers.patience = 0; // an answer that is late is welcome
      this.status.textContent = "No answer. The kernel is busy, or gone: then run the cell again.";
    }, PATIENCE);
  }

  receive(answer) {
    if (answer.id !== this.asked) return;
    clearTimeout(this.timers.patience);
    this.timers.patience = 0;
    if (answer.op === "prediction" && this.grid.some((value) => value > 0)) this.answer(answer);
    if (answer.op === "problem") this.status.textContent = answer.text;
    this.ask();
  }

  answer({ bars }) {
    const best = Math.max(...bars.map((bar) => bar[1]));
    const lines = bars.map(([name, chance]) => {
      const line = make("div", chance === best ? "bar best" : "bar");
      const track = make("div", "track");
      const length = make("div", "length");
      length.style.width = `${(100 * chance).toFixed(1)}%`;
      track.append(length);
      line.append(make("span", "name", name), track, make("span", "part", percent(chance)));
      return line;
    });
    this.bars.replaceChildren(...lines);
    this.status.textContent = guess(bars);
  }

  remove() {
    cancelAnimationFrame(this.timers.paint);
    clearTimeout(this.timers.pause);
    clearTimeout(this.timers.patience);
    this.model.off("msg:custom", this.receive);
  }
}

export default widgetOf(View);
