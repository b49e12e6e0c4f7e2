// Mouse, pen and fingers on the canvas, and from the palette on to it.
//
// While something is dragged only transforms change, and nothing is measured: the canvas's place on
// the page is looked up when the pointer goes down.
import { move } from "./builder_canvas.js";
import { distance } from "./builder_graph.js";
import { set, setText } from "./page.js";

const SLACK = 4; // pixels that a pointer may move in a click
const HOLD = 500; // ms until a finger that rests chooses one more box
const REACH = 22; // pixels from a line at which it is meant

export class Gestures {
  /** `app`: see builder.js. */
  constructor(app) {
    Object.assign(this, { app, canvas: app.canvas, pointers: new Map(), drag: null, frame: 0 });
    const { stage } = this.canvas;
    stage.addEventListener("pointerdown", (event) => this.down(event));
    this.follow(stage);
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("dblclick", ({ target }) => {
      const id = target.closest(".box")?.dataset.id;
      if (id && !target.closest(".fold")) app.fold(id);
    });
  }

  follow(node) {
    node.addEventListener("pointermove", (event) => this.moved(event));
    node.addEventListener("pointerup", (event) => this.up(event));
    node.addEventListener("pointercancel", (event) => this.up(event));
  }

  /** Lets an item of the palette be dragged on to the canvas. */
  offer(item, type) {
    item.addEventListener("pointerdown", (event) => {
      if (event.button || event.pointerType === "touch") return; // a finger scrolls the list
      this.take(event, item, { kind: "new", type, item });
    });
    this.follow(item);
  }

  /** Where an event lies in the canvas's window. */
  place(event) {
    return [event.clientX - this.corner.left, event.clientY - this.corner.top];
  }

  down(event) {
    if (event.button > 1) return;
    if (this.pointers.size === 1) {
      this.cancel();
      this.pointers.set(event.pointerId, this.place(event));
      this.drag = { kind: "pinch" };
      return;
    }
    const fold = event.target.closest(".fold");
    const add = event.shiftKey || event.ctrlKey || event.metaKey;
    this.take(event, fold ? null : this.canvas.stage, { ...this.begin(event), fold, add });
    const { id } = this.drag;
    if (event.pointerType !== "touch" || !id) return;
    this.hold = setTimeout(() => {
      this.app.choose(id, true);
      this.drag = null;
    }, HOLD);
  }

  /** Begins what may become a drag. */
  take(event, node, drag) {
    this.corner = this.canvas.stage.getBoundingClientRect();
    const from = this.place(event);
    this.pointers.set(event.pointerId, from);
    this.drag = { ...drag, from, at: from, moved: false };
    node?.setPointerCapture(event.pointerId);
  }

  /** What begins at a place: a link, the end of one, a box, a line, a band, or a look around. */
  begin({ target, shiftKey, button }) {
    const { graph, lines } = this.canvas;
    const id = target.closest(".box")?.dataset.id;
    const dot = target.closest(".dot");
    if (button === 1) return { kind: "pan" };
    if (dot?.classList.contains("out")) {
      return { kind: "link", source: id, output: Number(dot.dataset.place), id };
    }
    if (dot) {
      const edge = graph.edge(id, Number(dot.dataset.place));
      if (edge) return { kind: "link", ...edge, edge, id };
    }
    if (id) return { kind: "box", id };
    const line = [...lines.values()].find(({ root }) => root.contains(target));
    if (line) return { kind: "link", ...line.edge, edge: line.edge };
    return { kind: shiftKey ? "band" : "pan" };
  }

  moved(event) {
    const { drag } = this;
    const before = this.pointers.get(event.pointerId);
    if (!drag || !before) return;
    const at = this.place(event);
    this.pointers.set(event.pointerId, at);
    if (drag.kind === "pinch") {
      this.pinch(event.pointerId, before, at);
      return;
    }
    if (!drag.moved) {
      if (Math.hypot(at[0] - drag.from[0], at[1] - drag.from[1]) < SLACK || drag.fold) return;
      this.start(drag);
    }
    if (drag.kind === "pan") this.canvas.pan(at[0] - drag.at[0], at[1] - drag.at[1]);
    drag.at = at;
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      if (this.drag?.moved) this.show(this.drag);
    });
  }

  /** The drag of something has really begun. */
  start(drag) {
    const { canvas } = this;
    clearTimeout(this.hold);
    drag.moved = true;
    canvas.stage.classList.add("dragging");
    if (drag.kind !== "box") return;
    drag.box = canvas.boxes.get(drag.id).root;
    drag.node = canvas.graph.nodes.get(drag.id);
    drag.box.classList.add("lifted");
  }

  /** Draws a drag, once a frame, and finds what would come of it. */
  show(drag) {
    const { canvas } = this;
    const { graph } = canvas;
    const [x, y] = canvas.inScene(...drag.at);
    if (drag.kind === "box") {
      const [x0, y0] = canvas.inScene(...drag.from);
      move(drag.box, drag.node.x + x - x0, drag.node.y + y - y0);
      const other = ({ source, target }) => source !== drag.id && target !== drag.id;
      drag.aim = { edge: this.lineAt(x, y, other) };
    } else if (drag.kind === "link") {
      const source = graph.nodes.get(drag.source);
      const part = (drag.output + 1) / (Math.max(source.shapes.length, 1) + 1);
      const [x0, y0] = [source.x + source.width * part, source.y + source.height];
      const bend = Math.max(Math.abs(y - y0) / 2, 20);
      set(canvas.drawn, "d", `M${x0} ${y0}C${x0} ${y0 + bend} ${x} ${y - bend} ${x} ${y}`);
      drag.aim = this.inputAt(x, y, drag.source);
      canvas.drawn.classList.toggle("good", Boolean(drag.aim.node));
    } else if (drag.kind === "band") {
      const [[x1, y1], [x2, y2]] = [drag.from, drag.at];
      const { style } = canvas.band;
      canvas.band.hidden = false;
      move(canvas.band, Math.min(x1, x2), Math.min(y1, y2));
      [style.width, style.height] = [`${Math.abs(x1 - x2)}px`, `${Math.abs(y1 - y2)}px`];
    } else if (drag.kind === "new") {
      const { width, height } = canvas.size;
      const [left, top] = drag.at;
      canvas.ghost.hidden = false;
      setText(canvas.ghost, drag.type);
      move(canvas.ghost, left + 8, top + 8);
      drag.inside = left >= 0 && top >= 0 && left <= width && top <= height;
      const node = drag.inside ? graph.at(x, y) : undefined;
      const edge = drag.inside && (!node || graph.isOpen(node)) && this.lineAt(x, y);
      drag.aim = edge ? { edge } : { node };
    }
    canvas.aim(drag.aim?.node, drag.aim?.edge);
  }

  /** The line at a place. */
  lineAt(x, y, wanted = () => true) {
    let [found, least] = [undefined, REACH / this.canvas.view.scale];
    for (const line of this.canvas.traced()) {
      const far = wanted(line.edge) ? distance(line.points, x, y) : Infinity;
      if (far < least) [found, least] = [line.edge, far];
    }
    return found;
  }

  /** The box at a place, and which of its inputs is meant: null for any. */
  inputAt(x, y, source) {
    const node = this.canvas.graph.at(x, y + 6, new Set([source]));
    if (!node || node.kind === "input") return {};
    const width = node.width / (node.reads.length + 1);
    const place = Math.round((x - node.x) / width) - 1;
    const near = y < node.y + 14 && node.reads.length > 1;
    return { node, position: near && place in node.reads ? place : null };
  }

  pinch(id, before, at) {
    const other = [...this.pointers].find(([key]) => key !== id)?.[1];
    if (!other) return;
    const span = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
    this.canvas.pan((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
    this.canvas.zoom(span(at) / span(before), (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
  }

  up(event) {
    const { drag } = this;
    this.pointers.delete(event.pointerId);
    clearTimeout(this.hold);
    if (!drag || (drag.kind === "pinch" && this.pointers.size)) return;
    const done = event.type === "pointerup" && drag.from;
    if (drag.moved && done) this.show(drag);
    this.cancel();
    if (!done) return;
    if (drag.moved) this.drop(drag);
    else if (drag.kind !== "new") this.click(drag);
  }

  click({ id, edge, fold, add }) {
    if (fold) this.app.fold(id);
    else if (id) this.app.choose(id, add);
    else if (edge) this.app.select([], edge);
    else this.app.act("leave");
  }

  drop({ kind, id, item, type, inside, aim, edge, from, at, source, output }) {
    const { app, canvas } = this;
    if (item) item.dataset.dragged = "true"; // the click that follows is none
    if (kind === "box" && aim.edge) app.move(id, aim.edge);
    if (kind === "new" && inside) app.addAt(type, aim.node, aim.edge);
    if (kind === "link" && aim.node) app.connect({ source, output, edge }, aim.node, aim.position);
    else if (kind === "link" && edge) app.disconnect(edge);
    if (kind !== "band") return;
    const [[x1, y1], [x2, y2]] = [canvas.inScene(...from), canvas.inScene(...at)];
    const within = (a, b, low, size) => Math.min(a, b) <= low && low + size <= Math.max(a, b);
    const caught = [...canvas.graph.nodes.values()].filter((node) =>
      within(x1, x2, node.x, node.width) && within(y1, y2, node.y, node.height));
    app.select([...app.chosen, ...caught.map((node) => node.id)]);
  }

  /** Ends a drag without doing what it meant. */
  cancel() {
    const { canvas, drag } = this;
    clearTimeout(this.hold);
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.drag = null;
    canvas.stage.classList.remove("dragging");
    set(canvas.drawn, "d", "");
    canvas.band.hidden = canvas.ghost.hidden = true;
    canvas.aim();
    if (!drag?.box) return;
    drag.box.classList.remove("lifted");
    move(drag.box, drag.node.x, drag.node.y);
  }

  wheel(event) {
    const { canvas } = this;
    const zooms = event.ctrlKey || event.metaKey;
    // a page that is scrolled past a canvas nobody works on goes on
    if (!zooms && !canvas.root.contains(document.activeElement)) return;
    event.preventDefault();
    const unit = event.deltaMode ? 16 : 1;
    if (!zooms) {
      canvas.pan(-unit * event.deltaX, -unit * event.deltaY);
      return;
    }
    this.corner = canvas.stage.getBoundingClientRect();
    canvas.zoom(Math.exp(-unit * event.deltaY * 0.004), ...this.place(event));
  }
}
