// The model builder: palette, canvas, outline, inspector, code and training of one model.
//
// The kernel holds the model; this draws it, and asks. From Python: the traits `palette` [{type,
// family, color, doc, arguments, takes}], `state` {nodes, edges, width, height, model, undo, redo,
// code, number}, `exercise` and `trainer`, the id of the widget that trains (builder_train.js). To
// Python: {op, id, ...}, and back {op: "answer", id, refused, select, data}. What there is of each,
// and the attributes of nodes and edges: session.py and view.py.
//
// For styles and tests: .kerasnb-builder holds .toolbar, .palette, .stage, .outline, .inspector,
// .pane and .status; a box is .box[data-id], an item of the palette .item, a line .line.
import { Canvas } from "./builder_canvas.js";
import { Gestures } from "./builder_gestures.js";
import { counted, describe, Graph } from "./builder_graph.js";
import { facts, Inspector, problemParts } from "./builder_inspector.js";
import { actionOf, isGlobal, KEYS } from "./builder_keys.js";
import { Outline } from "./builder_outline.js";
import { Palette } from "./builder_palette.js";
import { CodePane, TaskPane } from "./builder_panes.js";
import { button, Child, Questions, region } from "./builder_parts.js";
import { element, make, makeRoot, set, setText, widgetOf } from "./page.js";

const SILENCE = "No answer. The kernel is busy, or gone: then run the cell again.";
const TOLD = 7000; // ms in which a refusal stays to be read
const SHARED = [
  ["code", "Python code"], ["keras", "Code for Keras"], ["json", "JSON"], ["svg", "SVG picture"],
  ["png", "PNG picture"],
];

class Builder {
  constructor(model) {
    Object.assign(this, { model, chosen: new Set(), edge: null, current: null, mode: null });
    this.questions = new Questions(model, (silent) => {
      this.tell(silent ? SILENCE : "", silent);
    });
    this.fix = (node, number) => this.change("fix", { node, number });
    this.makeParts();
    this.makeRoot();
    this.handlers = {
      "change:palette": () => this.drawPalette(),
      "change:state": () => this.take(),
      "change:trainer": () => this.drawTrainer(),
      "change:exercise": () => this.drawPalette(),
      "msg:custom": (message) => this.questions.answered(message),
    };
    for (const [name, handler] of Object.entries(this.handlers)) model.on(name, handler);
    this.drawPalette();
    this.take();
    this.drawTrainer();
  }

  makeParts() {
    this.canvas = new Canvas(this);
    this.gestures = new Gestures(this);
    this.palette = new Palette(this);
    this.outline = new Outline(this);
    this.inspector = new Inspector(this);
    this.task = new TaskPane(this);
    this.code = new CodePane(this);
    this.trainer = new Child(this.model);
    this.train = region("pane training", "Training", this.trainer.root);
  }

  makeRoot() {
    this.root = makeRoot("kerasnb-parts kerasnb-builder");
    this.totals = make("span", "totals");
    this.said = element("span", { class: "said", role: "status" });
    this.quiet = element("span", { class: "unseen", "aria-live": "polite" });
    this.status = element("div", { class: "status" }, this.said, this.totals, this.quiet);
    const keys = KEYS.flatMap(([key, words]) => [make("dt", "", key), make("dd", "", words)]);
    this.help = region("pane help", "Keys", element("dl", {}, ...keys));
    const shares = SHARED.map(([format, text]) => button(text, () => this.download(format)));
    this.share = region("pane actions", "Share", ...shares);
    const panes = [this.help, this.share, this.code.root, this.train];
    for (const pane of panes) pane.hidden = true;
    const side = element("div", { class: "side" }, this.outline.root, this.inspector.root);
    const body = element("div", { class: "body" }, this.palette.root, this.canvas.root, side);
    this.root.append(this.task.root, this.makeToolbar(), body, this.status, ...panes);
    this.root.addEventListener("keydown", (event) => this.press(event));
    this.root.addEventListener("paste", (event) => this.paste(event));
  }

  makeToolbar() {
    this.tools = {};
    const tool = (text) => {
      const op = text.toLowerCase();
      this.tools[op] = button(text, () => this.act(op), { name: op, shows: op });
      return this.tools[op];
    };
    const toggle = (text, part) => {
      const node = button(text, () => this.toggle(node, part));
      set(node, "aria-pressed", "false");
      this.tools[text] = node;
      return node;
    };
    this.zoomed = button("", () => this.canvas.zoom(1 / this.canvas.view.scale), {
      name: "zoomed", title: "Actual size",
    });
    const group = (...parts) => element("span", { class: "tools" }, ...parts);
    return region(
      "toolbar", "Model", group(tool("Undo"), tool("Redo")),
      group(tool("Delete"), tool("Duplicate")),
      group(tool("Group"), tool("Repeat"), tool("Ungroup")),
      group(tool("Smaller"), this.zoomed, tool("Larger"), tool("Fit")),
      group(
        toggle("Outline", this.outline.root), toggle("Code", this.code.root),
        toggle("Train", this.train), toggle("Share", this.share), toggle("Keys", this.help),
      ),
    );
  }

  tellZoom(scale) {
    setText(this.zoomed, `${Math.round(100 * scale)} %`);
  }

  toggle(node, part) {
    const shown = node.getAttribute("aria-pressed") !== "true";
    set(node, "aria-pressed", shown);
    if (part === this.outline.root) part.classList.toggle("open", shown);
    else part.hidden = !shown;
    const panes = [this.train, this.code.root]; // with one of them the canvas takes less room
    this.root.classList.toggle("shared", panes.some(({ hidden }) => !hidden));
    this.drawTrainer();
  }

  // What the kernel says

  drawPalette() {
    const exercise = this.model.get("exercise") ?? {};
    const { allowed } = exercise;
    const entries = this.model.get("palette").filter(({ type, kind }) =>
      !allowed || kind === "input" || allowed.includes(type));
    this.task.draw(exercise);
    this.entries = new Map(entries.map((entry) => [entry.type, entry]));
    this.colors = new Map(entries.map(({ family, color }) => [family, color]));
    const listed = entries.map(({ type, family, doc }) => `${type} ${family} ${doc}`).join("\n");
    if (listed !== this.listed) this.palette.draw(entries); // else what is searched stays
    this.listed = listed;
  }

  colorOf({ family }) {
    return this.colors.get(family) ?? "";
  }

  /** What the palette says of a box's layer. */
  entryOf(node) {
    return node.entry ?? this.entries.get(node.type);
  }

  take() {
    const before = this.state;
    this.state = this.model.get("state");
    this.graph = new Graph(this.state);
    if (this.edge && !this.graph.edge(this.edge.target, this.edge.position)) this.edge = null;
    this.outline.draw(this.graph);
    const resized = this.canvas.draw();
    this.code.draw(this.state.code);
    this.drawTools();
    this.drawTotals();
    this.draw();
    if (resized || this.expected) this.canvas.reveal([...this.chosen].at(-1));
    this.expected = false;
    if (before) this.announceChange(before);
  }

  drawTools() {
    for (const op of ["undo", "redo"]) {
      const text = this.state[op];
      this.tools[op].disabled = !text;
      const name = op === "undo" ? "Undo" : "Redo";
      this.tools[op].title = text ? `${name}: ${text}` : name;
    }
  }

  drawTotals() {
    const { model } = this.state;
    const sizes = facts({ ...model, trainable: null });
    const parts = [["", counted(model.layers, "layer")], ...sizes];
    if (model.problems) parts.push(["", counted(model.problems, "error")]);
    const words = parts.map(([name, text]) => `${text} ${name.toLowerCase()}`.trim());
    setText(this.totals, words.join(" · "));
  }

  announceChange(before) {
    const { undo, redo, model, code } = this.state;
    if (undo === before.undo && redo === before.redo && code === before.code) return;
    const words = { undo: `Undone: ${redo}`, redo: `Redone: ${undo}` }[this.asked] ?? undo ?? "";
    this.asked = "";
    const worse = model.problems > before.model.problems;
    this.say([words, worse ? counted(model.problems, "error") : ""].filter(Boolean).join(", "));
  }

  /** Shows the widget that trains, when a person wants it. */
  drawTrainer() {
    const id = this.model.get("trainer");
    this.tools.Train.hidden = !id;
    if (!this.train.hidden) this.trainer.show(id);
  }

  // What is chosen

  draw() {
    this.canvas.mark(this);
    this.outline.mark(this);
    this.inspector.draw();
    const [only, ...others] = this.nodes();
    const told = only && !others.length && only.problem ? only : null;
    this.canvas.tell(told, told ? problemParts(told, this.fix) : []);
    const none = !only;
    this.tools.delete.disabled = none && !this.edge;
    for (const op of ["duplicate", "group", "repeat"]) this.tools[op].disabled = none;
    this.tools.ungroup.disabled = !only || !this.graph.isPart(only);
  }

  /** The chosen boxes that there are. */
  nodes() {
    return [...this.chosen].map((id) => this.graph.nodes.get(id)).filter(Boolean);
  }

  select(ids, edge = null) {
    this.chosen = new Set(ids);
    this.edge = edge;
    this.current = ids.at(-1) ?? this.current;
    this.draw();
  }

  /** Chooses a box, or takes it to those that are chosen; in a mode it is what was asked for. */
  choose(id, add = false, byKey = false) {
    if (this.mode) {
      this.current = id;
      this.draw();
      if (byKey) this.describe(id);
      else this.finish();
      return;
    }
    const ids = add ? new Set(this.chosen) : new Set();
    if (add && ids.has(id) && !byKey) ids.delete(id);
    else ids.add(id);
    this.select([...ids]);
    this.current = id;
    if (!byKey) this.describe(id);
  }

  describe(id) {
    this.say(describe(this.graph.nodes.get(id)));
  }

  /** Lets a box be chosen for something; `take` is called with its id. */
  begin(text, take) {
    this.mode = { text, take };
    this.current ??= this.graph.next(null);
    this.tell(`${text} Arrows and Enter, or a click; Escape leaves.`, true);
    this.canvas.stage.focus();
    this.root.classList.add("choosing");
  }

  finish() {
    const { take } = this.mode;
    this.leave();
    take(this.current);
  }

  leave() {
    this.mode = null;
    this.root.classList.remove("choosing");
    this.tell("");
  }

  // What is asked of the kernel

  async ask(op, fields) {
    if (op === "undo" || op === "redo") this.asked = op;
    const answer = await this.questions.ask(op, fields);
    if (answer.refused) this.tell(answer.refused, true);
    if (answer.select) {
      this.select(answer.select);
      this.expected = !this.nodes().length; // what is new may come after the answer
      this.canvas.reveal(answer.select.at(-1));
    }
    return answer;
  }

  /** Asks for a change; what is wrong with it, or null. */
  async change(op, fields) {
    return (await this.ask(op, fields)).refused ?? null;
  }

  /** The tensors behind which something new goes, and the container in which it lies. */
  get place() {
    if (this.edge) return { after: [[this.edge.source, this.edge.output]], parent: "" };
    const nodes = this.nodes();
    return { after: nodes.map(({ id }) => [id, 0]), parent: nodes[0]?.parent ?? "" };
  }

  add(type, branch = false) {
    if (this.edge && !branch) this.addAt(type, null, this.edge);
    else this.ask("add", { type, branch, onto: null, ...this.place });
  }

  /** Adds a layer behind a box, into a container, or on a connection. */
  addAt(type, node, edge) {
    if (!edge) {
      const into = node && this.graph.isOpen(node);
      const after = node && !into ? [[node.id, 0]] : [];
      const parent = into ? node.id : (node?.parent ?? "");
      this.ask("add", { type, after, branch: false, parent, onto: null });
      return;
    }
    const { source, output, target, position } = edge;
    const readers = this.graph.from.get(source).filter((other) => other.output === output);
    const branch = readers.length > 1; // else all of them would read the new layer
    const onto = branch ? [target, position] : null;
    this.ask("add", { type, after: [[source, output]], branch, parent: "", onto });
  }

  move(node, { target, position }) {
    this.change("move", { node, target, position });
  }

  disconnect({ target, position }) {
    return this.change("disconnect", { target, position });
  }

  connect({ source, output, edge }, target, position) {
    if (edge && edge.target === target.id) return;
    const takes = this.entryOf(target)?.takes;
    const place = position ?? (takes === "one" || target.kind === "output" ? 0 : null);
    const fields = { source, output, target: target.id, position: place };
    if (edge) this.ask("relink", { ...fields, old: [edge.target, edge.position] });
    else this.ask("connect", fields);
  }

  fold(id) {
    const node = this.graph.nodes.get(id);
    if (!this.graph.isPart(node) || node.shares) return;
    this.change("fold", { node: id, folded: !node.folded });
  }

  callAgain(id) {
    const { name } = this.graph.nodes.get(id);
    this.begin(`Choose the box after which ${name} is called again.`, (target) =>
      this.change("again", { node: id, after: [[target, 0]] }));
  }

  /** Lets a person choose what a layer is given under a name. */
  give(id, name) {
    const { name: layer } = this.graph.nodes.get(id);
    this.begin(`Choose the box that gives ${layer} its ${name}.`, (source) =>
      this.change("give", { source, target: id, name }));
  }

  // Keys and buttons

  press(event) {
    const { target } = event;
    const typing = target.closest("input, textarea, select");
    const graphic = target.closest(".stage, [role='tree']");
    const action = actionOf(event);
    if (typing || event.defaultPrevented) return;
    if (graphic && event.key.startsWith("Arrow") && !event.altKey) {
      event.preventDefault();
      this.walk(event);
    } else if (action && (graphic || isGlobal(event))) {
      if (action === "copy" && !graphic) return; // of text that is marked
      event.preventDefault();
      this.act(action);
    }
  }

  walk({ key, shiftKey }) {
    const id = this.graph.next(this.current, key);
    if (!id) return;
    if (shiftKey || this.mode) this.choose(id, true, true);
    else this.choose(id);
    if (shiftKey) this.describe(id);
    this.canvas.reveal(id);
  }

  /** Does what a key or a button stands for. */
  act(action) {
    const nodes = [...this.nodes()].map(({ id }) => id);
    const [node] = nodes;
    const wrap = (kind) => nodes.length && this.ask("wrap", { nodes, kind });
    const { canvas } = this;
    const zoom = (factor) => canvas.zoom(factor);
    const acts = {
      undo: () => this.ask("undo"),
      redo: () => this.ask("redo"),
      copy: () => this.copy("copy", nodes),
      cut: () => this.copy("cut", nodes),
      duplicate: () => nodes.length && this.ask("duplicate", { nodes }),
      all: () => this.select([...this.graph.nodes.keys()]),
      delete: () => this.takeAway(nodes),
      group: () => wrap("group"),
      repeat: () => wrap("repeat"),
      model: () => wrap("model"),
      ungroup: () => node && this.ask("unwrap", { node }),
      output: () => node && this.ask("output", { source: node, output: 0 }),
      earlier: () => this.shift(node, false),
      later: () => this.shift(node, true),
      connect: () => node && this.beginConnect(node),
      inspect: () => (this.mode ? this.finish() : this.inspector.focus()),
      fold: () => node && this.fold(node),
      search: () => this.palette.focus(),
      fit: () => canvas.fit(true),
      larger: () => zoom(1.25),
      smaller: () => zoom(0.8),
      help: () => this.tools.Keys.click(),
      leave: () => (this.mode ? this.leave() : this.select([])),
    };
    acts[action]?.();
  }

  /** Connect mode for a box; asked for again, the next of its outputs. */
  beginConnect(id) {
    const { name, shapes } = this.graph.nodes.get(id);
    const count = Math.max(shapes.length, 1);
    const output = this.mode?.from === id ? (this.mode.output + 1) % count : 0;
    const which = count > 1 ? ` (output ${output + 1} of ${count})` : "";
    this.begin(`Connect ${name}${which} to a box.`, (target) =>
      target !== id && this.connect({ source: id, output }, this.graph.nodes.get(target), null));
    Object.assign(this.mode, { from: id, output });
  }

  takeAway(nodes) {
    if (this.edge) this.disconnect(this.edge);
    else if (nodes.length) this.ask("remove", { nodes });
  }

  /** Moves a box before the one above it, or behind the one below. */
  shift(node, down) {
    const edge = this.graph.step(node, down);
    if (edge) this.move(node, edge);
  }

  async copy(op, nodes) {
    if (!nodes.length) return;
    const { data } = await this.ask(op, { nodes });
    if (!data) return;
    this.copied = JSON.stringify(data);
    if (op === "copy") this.say("Copied");
    this.written = navigator.clipboard?.writeText(this.copied).then(() => true, () => false);
  }

  /** Takes what the page's clipboard has, or what was copied here if it was closed to us. */
  async paste(event) {
    event.stopPropagation();
    if (event.target.closest("input, textarea")) return;
    event.preventDefault();
    const text = event.clipboardData.getData("text/plain");
    let data = null;
    try {
      data = JSON.parse(this.copied && !(await this.written) ? this.copied : text);
    } catch {
      // as told below
    }
    if (!data?.nodes) this.tell("There are no layers to paste.", true);
    else this.ask("paste", { data, ...this.place });
  }

  async download(format) {
    const { refused, data } = await this.ask("share", { format });
    if (refused || !data) return;
    const bytes = data.base64 && Uint8Array.from(atob(data.base64), (c) => c.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([bytes ?? data.text], { type: data.type }));
    element("a", { href: url, download: data.name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
    this.say(`Saved as ${data.name}`);
  }

  // What is said

  /** Shows some words; for a while, or until there are others. */
  tell(text, urgent = false) {
    clearTimeout(this.telling);
    setText(this.said, text);
    this.status.classList.toggle("urgent", urgent && Boolean(text));
    if (text && !this.mode && !this.questions.silent) {
      this.telling = setTimeout(() => this.tell(""), TOLD);
    }
  }

  /** Says some words to a screen reader; the same ones again, too. */
  say(text) {
    setText(this.quiet, this.quiet.textContent === text ? `${text} ` : text);
  }

  remove() {
    for (const [name, handler] of Object.entries(this.handlers)) this.model.off(name, handler);
    this.questions.close();
    this.canvas.watch.disconnect();
    this.trainer.remove();
    clearTimeout(this.telling);
  }
}

export default widgetOf(Builder);
