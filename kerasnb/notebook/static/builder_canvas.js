// The canvas: boxes, the lines between them, and the window through which they are seen.
//
// Boxes are HTML, so that long words end in "…"; lines are one SVG, between open parts and all
// other boxes. It is all in `scene`, which is moved and scaled as a whole.
import { counted, points, short } from "./builder_graph.js";
import { icon } from "./builder_parts.js";
import { element, make, set, setText, svgElement } from "./page.js";

const LEAST = 0.1; // the smallest and largest scale
const MOST = 2.5;
const EDGE = 24; // pixels between a drawing that fits and the canvas's own edge
const WORDS = 110; // pixels that are left below a box for its problem
const READABLE = 0.75; // no smaller scale is chosen without being asked for

/** Puts an element somewhere. */
export function move(node, x, y) {
  node.style.transform = `translate(${x}px,${y}px)`;
}

/** One box. */
class Box {
  constructor(id) {
    for (const name of ["name", "type", "note", "size", "pill", "badge", "mark", "dots"]) {
      this[name] = make("span", name);
    }
    this.pill.textContent = "new weights";
    this.fold = element("button", { type: "button", class: "fold", tabindex: "-1" });
    this.lock = icon("lock");
    const line = (...parts) => element("div", { class: "line" }, ...parts);
    const words = element(
      "div", { class: "words" }, line(this.name, this.lock, this.pill, this.size),
      line(this.type, this.note, this.badge),
    );
    this.root = element(
      "div", { class: "box", "data-id": id }, words, this.fold, this.mark, this.dots,
    );
  }

  /** `color`: of the family; "" for none. */
  draw(node, color, isPart, isOpen) {
    const key = JSON.stringify([node, color]);
    if (key === this.key) return;
    this.key = key;
    const { root } = this;
    root.dataset.kind = isOpen ? "open" : node.kind;
    root.dataset.level = node.problem?.level ?? "";
    const style = root.style;
    move(root, node.x, node.y);
    [style.width, style.height] = [`${node.width}px`, `${node.height}px`];
    style.setProperty("--color", color);
    root.classList.toggle("coloured", Boolean(color));
    setText(this.name, node.name || node.type);
    setText(this.type, node.name === node.type ? "" : node.type);
    setText(this.note, node.note);
    root.title = `${node.name} ${node.type} ${node.note}`;
    this.lock.toggleAttribute("hidden", !node.locked);
    this.pill.hidden = !node.fresh;
    this.drawSize(node);
    setText(this.mark, { error: "!", advice: "i" }[node.problem?.level] ?? "");
    this.fold.hidden = !isPart || Boolean(node.shares);
    setText(this.fold, node.folded ? "+" : "−");
    this.fold.title = node.folded ? "Unfold" : "Fold";
    this.drawBadge(node.badge);
    this.drawDots(node);
  }

  drawSize(node) {
    const { kind, shapes, shares, parameters, count } = node;
    const size = parameters >= 1e5 ? `${short(parameters)} params` : counted(parameters, "param");
    const words = [
      kind === "repeat" && `× ${count}`, kind === "input" && shapes[0], shares && "shared",
      parameters && !shares && size,
    ];
    setText(this.size, words.filter(Boolean).join(", "));
  }

  drawBadge(badge) {
    this.badge.hidden = !badge;
    if (!badge) return;
    const most = Math.max(...badge.bars, 1e-12);
    const bars = badge.bars.map((value) => {
      const bar = make("i");
      bar.style.height = `${Math.round((100 * Math.max(value, 0)) / most)}%`;
      return bar;
    });
    this.badge.replaceChildren(badge.text, ...bars);
    this.badge.title = badge.title;
  }

  /** Where tensors come in, above, and go out, below. */
  drawDots(node) {
    const row = (kind, count) => Array.from({ length: count }, (_, i) => {
      const dot = element("i", { class: `dot ${kind}`, "data-place": i });
      dot.style.left = `${(100 * (i + 1)) / (count + 1)}%`;
      const port = kind === "in" && node.ports[i];
      if (port && port !== node.ports[i - 1]) dot.dataset.port = port;
      return dot;
    });
    const outputs = node.kind === "output" ? 0 : Math.max(node.shapes.length, 1);
    const inputs = node.kind === "input" ? 0 : node.reads.length;
    this.dots.replaceChildren(...row("in", inputs), ...row("out", outputs));
  }
}

/** A connection: a line, a wide one that can be hit, and the shape of what passes. */
class Line {
  constructor() {
    this.path = svgElement("path", { class: "line" });
    this.hit = svgElement("path", { class: "hit" });
    this.root = svgElement("g", {}, this.hit, this.path);
    this.chip = make("span", "chip");
  }

  draw(edge) {
    this.edge = edge;
    set(this.path, "d", edge.path);
    set(this.hit, "d", edge.path);
    this.root.classList.toggle("bad", edge.bad);
    this.chip.hidden = !edge.shape;
    setText(this.chip, edge.shape);
    this.chip.style.transform = `translate(${edge.x}px,${edge.y}px) translate(-50%,-50%)`;
  }
}

export const lineKey = ({ target, position }) => `${target} ${position}`;

export class Canvas {
  /** `app`: see builder.js. */
  constructor(app) {
    this.app = app;
    this.boxes = new Map();
    this.lines = new Map();
    this.view = { x: 0, y: 0, scale: 1 };
    this.size = { width: 0, height: 0 };
    this.fitted = true; // until a person looks elsewhere
    this.tall = 0; // pixels of the words about a problem
    this.back = make("div", "back");
    this.front = make("div", "front");
    this.links = svgElement("svg", { class: "links" });
    this.drawn = svgElement("path", { class: "drawn" });
    this.links.append(this.drawn);
    this.scene = element(
      "div", { class: "scene", "aria-hidden": "true" }, this.back, this.links, this.front,
    );
    this.band = make("div", "band");
    this.ghost = make("div", "ghost"); // of what is dragged from the palette
    this.band.hidden = this.ghost.hidden = true;
    this.empty = make("div", "empty", "Choose a layer to begin with, or drag it here.");
    this.popover = make("div", "popover");
    this.popover.hidden = true;
    this.stage = element(
      "div", {
        class: "stage", tabindex: "0", role: "application", "aria-label": "Canvas",
        "aria-description": "Arrows go along the graph, ? tells the keys, Tab leaves",
      },
      this.scene, this.band, this.empty,
    );
    this.root = element("div", { class: "canvas" }, this.stage, this.popover, this.ghost);
    this.watch = new ResizeObserver(([{ contentRect }]) => {
      this.size = { width: contentRect.width, height: contentRect.height };
      if (this.fitted) this.fit();
      else this.place();
      if (this.graph) this.reveal([...this.app.chosen].at(-1)); // it was seen before
    });
    this.watch.observe(this.stage);
  }

  /** Draws what has changed; whether the drawing has another size now. */
  draw() {
    const { graph } = this.app;
    this.graph = graph;
    this.empty.hidden = graph.nodes.size > 0;
    this.keep(this.boxes, graph.nodes.keys(), (id) => new Box(id), (box) => box.root.remove());
    for (const [id, box] of this.boxes) {
      const node = graph.nodes.get(id);
      const isOpen = graph.isOpen(node);
      box.draw(node, this.app.colorOf(node), graph.isPart(node), isOpen);
      const home = isOpen ? this.back : this.front;
      if (isOpen) box.root.style.zIndex = this.depth(node);
      if (box.root.parentNode !== home) home.append(box.root);
    }
    const edges = new Map(graph.edges.map((edge) => [lineKey(edge), edge]));
    this.keep(this.lines, edges.keys(), () => new Line(), (line) => {
      line.root.remove();
      line.chip.remove();
    });
    for (const [key, line] of this.lines) {
      line.draw(edges.get(key));
      line.points = null;
      if (line.root.parentNode) continue;
      this.links.insertBefore(line.root, this.drawn);
      this.front.append(line.chip);
    }
    const { width, height } = this.app.state;
    const resized = width !== this.width || height !== this.height;
    Object.assign(this, { width, height });
    if (resized && this.fitted) this.fit();
    return resized;
  }

  /** Keeps what `keys` names, makes what is new, and takes away the rest. */
  keep(map, keys, create, remove) {
    const wanted = new Set(keys);
    for (const [key, item] of map) {
      if (wanted.has(key)) continue;
      remove(item);
      map.delete(key);
    }
    for (const key of wanted) if (!map.has(key)) map.set(key, create(key));
  }

  depth(node) {
    let depth = 0;
    while ((node = this.graph.nodes.get(node.parent))) depth += 1;
    return depth;
  }

  /** Shows what is chosen: boxes, a connection, and where the keyboard is. */
  mark({ chosen, edge, current }) {
    const chosenLine = edge && lineKey(edge);
    for (const [id, box] of this.boxes) {
      box.root.classList.toggle("chosen", chosen.has(id));
      box.root.classList.toggle("current", id === current);
    }
    for (const [key, line] of this.lines) line.root.classList.toggle("chosen", key === chosenLine);
  }

  /** Shows for one box, or connection, that something would happen to it. */
  aim(node, edge) {
    const [box, line] = [this.boxes.get(node?.id)?.root, edge && this.lines.get(lineKey(edge))];
    const aimed = box ?? line?.root;
    if (aimed === this.aimed) return;
    this.aimed?.classList.remove("aimed");
    aimed?.classList.add("aimed");
    this.aimed = aimed;
  }

  /** The points of all lines; reckoned once for each drawing. */
  *traced() {
    for (const line of this.lines.values()) {
      line.points ??= points(line.edge.path);
      yield line;
    }
  }

  /** Shows a problem and what would mend it beside its box, or nothing. */
  tell(node, parts) {
    const same = element("div", {}, ...parts).textContent === this.popover.textContent
      && node?.id === this.told?.id;
    this.told = node;
    if (!same) this.popover.replaceChildren(...parts); // else they keep the focus
    this.popover.hidden = !node;
    this.place();
    if (same) return;
    this.tall = this.popover.offsetHeight; // known only now that it is as wide as it will be
    this.place();
  }

  /** `glide`: whether the eye should be able to follow. */
  place(glide = false) {
    const { x, y, scale } = this.view;
    this.scene.classList.toggle("glide", glide);
    this.scene.style.transform = `translate(${x}px,${y}px) scale(${scale})`;
    if (!this.told) return;
    const { width, height } = this.size;
    const wide = Math.min(280, width - 16);
    const left = Math.min(Math.max(x + scale * this.told.x, 8), width - wide - 8);
    const below = y + scale * (this.told.y + this.told.height) + 6;
    this.popover.style.width = `${wide}px`;
    move(this.popover, left, Math.min(Math.max(below, 8), height - this.tall - 8));
  }

  /** Moves the window by pixels. */
  pan(dx, dy) {
    this.fitted = false;
    this.view.x += dx;
    this.view.y += dy;
    this.place();
  }

  /** Enlarges by a factor, so that a place on the canvas stays where it is. */
  zoom(factor, x = this.size.width / 2, y = this.size.height / 2) {
    const { view } = this;
    const scale = Math.min(Math.max(view.scale * factor, LEAST), MOST);
    view.x = x - ((x - view.x) * scale) / view.scale;
    view.y = y - ((y - view.y) * scale) / view.scale;
    view.scale = scale;
    this.fitted = false;
    this.place();
    this.app.tellZoom(scale);
  }

  /** Shows everything; `all` also if it can then not be read. */
  fit(all = false) {
    const { width, height } = this.size;
    if (!width) return;
    const share = (space, size) => (space - 2 * EDGE) / Math.max(size, 1);
    const wanted = Math.min(share(width, this.width), share(height, this.height), 1);
    const scale = Math.max(wanted, all ? LEAST : READABLE);
    const centre = (space, size) => Math.max((space - scale * size) / 2, EDGE);
    this.view = { x: centre(width, this.width), y: centre(height, this.height), scale };
    this.fitted = true;
    this.place(true);
    this.app.tellZoom(scale);
  }

  /** Moves the window so that a box is in it. */
  reveal(id) {
    const node = this.graph.nodes.get(id);
    if (!node || !this.size.width) return;
    const { view, size } = this;
    const shift = (start, length, space) => {
      if (start < EDGE || length > space) return EDGE - start;
      return Math.min(space - EDGE - start - length, 0);
    };
    const at = (offset, place) => offset + view.scale * place;
    const dx = shift(at(view.x, node.x), view.scale * node.width, size.width);
    const words = node.problem ? WORDS : 0;
    const dy = shift(at(view.y, node.y), view.scale * node.height + words, size.height);
    if (!dx && !dy) return;
    view.x += dx;
    view.y += dy;
    this.place(true);
  }

  /** The place on the canvas's drawing of a point in its window. */
  inScene(x, y) {
    const { view } = this;
    return [(x - view.x) / view.scale, (y - view.y) / view.scale];
  }
}
