// The inspector: what is chosen, as a form; the totals of the model if nothing is.
import { counted, short, whole } from "./builder_graph.js";
import { button, Field, region } from "./builder_parts.js";
import { element, make, setText } from "./page.js";

const RARE = /_(initializer|regularizer|constraint)$|^(dtype|trainable|seed)$/;

/** Words for a problem, and buttons that mend it. */
export function problemParts({ id, problem }, fix) {
  const buttons = problem.fixes.map((words, i) => button(words, () => fix(id, i), { name: "fix" }));
  return [
    make("div", `problem ${problem.level}`, problem.text),
    element("div", { class: "actions" }, ...buttons),
  ];
}

/** What is known of a box or of the model in numbers: pairs of a name and a text. */
export function facts({ shapes = [], parameters, trainable, cost, memory }) {
  const found = [];
  const isKnown = (value) => typeof value === "number";
  if (shapes.length) found.push([shapes.length > 1 ? "Outputs" : "Output", shapes.join(", ")]);
  if (isKnown(parameters)) {
    const some = isKnown(trainable) && trainable !== parameters;
    found.push(["Parameters", whole(parameters) + (some ? `, ${whole(trainable)} trainable` : "")]);
  }
  if (isKnown(cost)) found.push(["Operations a sample", short(cost)]);
  if (isKnown(memory)) found.push(["Memory a sample", short(memory, "B")]);
  return found;
}

function factList(node) {
  const items = facts(node).flatMap(([name, text]) => [make("dt", "", name), make("dd", "", text)]);
  return element("dl", { class: "facts" }, ...items);
}

const pngOf = ({ png }) => `data:image/png;base64,${png}`;

/** Weights as numbers; `change({number, place, value})` tells whether a new one was taken. */
export function weightTable({ name, shape, values }, number, change) {
  const columns = shape.at(-1) ?? 1;
  const cells = values.map((known, place) => {
    const where = columns < values.length ? ` ${Math.floor(place / columns)}` : "";
    const cell = element("input", {
      type: "number", step: "any", "aria-label": `${name}${where} ${place % columns}`,
    });
    cell.value = known;
    cell.addEventListener("change", async () => {
      const value = cell.value === "" ? NaN : Number(cell.value);
      const taken = Number.isFinite(value) && await change({ number, place, value });
      if (taken) known = value;
      else cell.value = known;
    });
    return cell;
  });
  const table = element("div", { class: "numbers" }, ...cells);
  table.style.gridTemplateColumns = `repeat(${columns}, minmax(64px, 1fr))`;
  return element("div", {}, make("b", "", name), table);
}

/** An argument's value as a person would type it. */
const typed = (value) => ({ true: "True", false: "False" })[value] ?? String(value);

export class Inspector {
  /** `app`: see builder.js. */
  constructor(app) {
    this.app = app;
    const parts = ["title", "doc", "trouble", "form", "rest", "look"].map((name) => {
      this[name] = make("div", name);
      return this[name];
    });
    this.root = region("inspector", "Inspector", ...parts);
    this.root.tabIndex = 0; // it may scroll
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") app.canvas.stage.focus();
    });
  }

  /** Puts the keyboard into the form. */
  focus() {
    const first = this.root.querySelector(".form :is(input, select):enabled");
    (first ?? this.root.querySelector("button") ?? this.root).focus();
  }

  draw() {
    const { app } = this;
    const nodes = app.nodes();
    if (app.edge) this.drawEdge(app.edge);
    else if (nodes.length > 1) this.drawMany(nodes);
    else if (nodes.length) this.drawOne(nodes[0]);
    else this.drawModel();
  }

  /** Shows something; `key` names it. What has not changed keeps the focus. */
  show(key, title, { doc = "", fields = [], trouble = [], rest = [] }) {
    setText(this.title, title);
    setText(this.doc, doc.replaceAll("`", ""));
    if (key !== this.key) {
      this.key = key;
      this.look.replaceChildren();
      this.build(fields);
    }
    fields.forEach(({ value }, i) => this.fields[i].set(value));
    this.put("trouble", key, trouble);
    this.put("rest", key, rest);
  }

  build(fields) {
    const rare = element("details", {}, make("summary", "", "More arguments"));
    this.form.replaceChildren();
    this.fields = fields.map(({ seldom, send, ...argument }) => {
      const field = new Field(argument, send);
      (seldom ? rare : this.form).append(field.root);
      return field;
    });
    if (rare.children.length > 1) this.form.append(rare);
  }

  put(name, key, parts) {
    const fresh = element("div", { class: name, "data-key": key }, ...parts);
    if (this[name].isEqualNode(fresh)) return;
    this[name].replaceWith(fresh);
    this[name] = fresh;
  }

  drawOne(node) {
    const { app } = this;
    const entry = app.entryOf(node);
    const key = [node.id, node.type, node.shares, Object.keys(node.call)].join();
    this.show(key, node.type, {
      doc: entry?.doc,
      fields: this.fieldsOf(node, entry?.arguments ?? []),
      trouble: node.problem ? problemParts(node, app.fix) : [],
      rest: [...this.notes(node), factList(node), ...this.inputs(node), this.actions(node)],
    });
    for (const { input } of this.fields) input.disabled = Boolean(node.locked);
    if (node.kind !== "output") this.fields[0].input.placeholder = node.name;
  }

  fieldsOf({ id, kind, parent, key, name, named, count, settings, call }, given) {
    const { app } = this;
    const own = { name: "name", kind: "text", value: named ? name : "" };
    const times = { name: "repeat", kind: "int", value: String(count), doc: "How often it goes" };
    const fields = given.map((argument) => ({
      ...argument,
      value: typed(settings[argument.name] ?? ""),
      seldom: !argument.required && !(argument.name in settings) && RARE.test(argument.name),
      send: (text) => app.change("set", { node: id, name: argument.name, text }),
    }));
    if (kind === "repeat") {
      const send = (text) => app.change("count", { node: id, count: Number(text) });
      fields.unshift({ ...times, send });
    }
    if (kind !== "output") {
      fields.unshift({ ...own, send: (text) => app.change("rename", { node: id, name: text }) });
    }
    if (!parent && ["input", "output"].includes(kind)) {
      const send = (text) => app.change("key", { node: id, name: text });
      const doc = "If the model takes, or gives, a dictionary";
      fields.push({ name: "key", kind: "text", value: key, doc, send });
    }
    for (const [argument, value] of Object.entries(call)) {
      const send = (text) => app.change("call", { node: id, name: argument, text });
      fields.push({ name: argument, kind: "bool", value: typed(value), doc: "Of this call", send });
    }
    return fields;
  }

  notes({ locked, shares, fresh }) {
    const owner = this.app.graph.nodes.get(shares);
    return [
      locked && "This box belongs to the exercise and stays as it is.",
      shares && `Shares the weights of ${owner?.name ?? "another box"}.`,
      fresh && "Its weights are new: they have not been trained.",
    ].filter(Boolean).map((text) => make("div", "note", text));
  }

  /** The inputs of a box that has several: names, order, and a way to take one off. */
  inputs(node) {
    const { id, reads, ports } = node;
    const { app } = this;
    if (reads.length < 2) return [];
    const names = app.entryOf(node)?.keywords ?? [];
    const rows = reads.map((read, i) => {
      const name = app.graph.nodes.get(read?.[0])?.name ?? "not connected";
      const row = element("li", {}, make("span", "", name));
      if (names.length && i) row.append(this.port(id, i, name, ports[i], names));
      else if (ports[i]) row.append(make("code", "", ports[i]));
      const offer = (text, shows, op, fields) => row.append(button(
        text, () => app.change(op, { target: id, ...fields }), { shows },
      ));
      if (i) offer(`Move ${name} up`, "up", "swap", { first: i - 1, second: i });
      if (read) offer(`Disconnect ${name}`, "close", "disconnect", { position: i });
      return row;
    });
    return [make("b", "", "Inputs"), element("ol", {}, ...rows)];
  }

  /** A choice of what an input is for the layer. */
  port(id, position, source, own, names) {
    const chosen = names.includes(own) ? own : "";
    const options = ["", ...names].map((name) => element(
      "option", { value: name, ...(name === chosen && { selected: "" }) }, name || "input",
    ));
    const choice = element("select", { "aria-label": `${source} is read as` }, ...options);
    choice.addEventListener("change", async () => {
      const fields = { target: id, position, name: choice.value };
      if (await this.app.change("port", fields)) choice.value = chosen;
    });
    return choice;
  }

  actions(node) {
    const { id, kind, parameters, shares, ports } = node;
    const { app } = this;
    const free = app.entryOf(node)?.keywords.filter((name) => !ports.includes(name)) ?? [];
    return this.buttons([
      ...free.map((name) => [`Give ${name}…`, () => app.give(id, name)]),
      parameters && ["See weights", () => this.see(id)],
      ["layer", "model"].includes(kind) && ["Call again…", () => app.callAgain(id)],
      shares && ["Own weights", () => app.change("apart", { node: id })],
      kind !== "output" && ["Make an output", () => app.act("output")],
      kind !== "output" && ["Connect…", () => app.act("connect")],
    ]);
  }

  buttons(pairs) {
    const made = pairs.filter(Boolean).map(([text, act]) => button(text, act));
    return element("div", { class: "actions" }, ...made);
  }

  /** Shows a picture of weights, and the weights themselves if they are few. */
  async see(id) {
    setText(this.look, "Looking …");
    const { refused, data } = await this.app.ask("look", { node: id });
    setText(this.look, refused ?? data.text);
    if (refused) return;
    const image = element("img", { src: pngOf(data), alt: data.text });
    const fault = element("div", { class: "fault", role: "status" });
    const change = async (fields) => {
      const { refused: reason } = await this.app.ask("weight", { node: id, ...fields });
      setText(fault, reason ?? "");
      if (reason) return false;
      const after = await this.app.ask("look", { node: id });
      if (after.data) image.src = pngOf(after.data);
      return true;
    };
    this.look.append(image, ...data.weights.map((weight, i) => weightTable(weight, i, change)));
    this.look.append(fault);
  }

  drawMany(nodes) {
    const parameters = nodes.reduce((sum, node) => sum + (node.parameters ?? 0), 0);
    this.show("many", `${nodes.length} boxes`, {
      rest: [
        factList({ parameters }), this.buttons([["Make a model", () => this.app.act("model")]]),
      ],
    });
  }

  drawEdge({ source, target }) {
    const name = (id) => this.app.graph.nodes.get(id).name;
    this.show("edge", "Connection", {
      doc: `From ${name(source)} to ${name(target)}. A layer that you choose now is added here.`,
      rest: [this.buttons([["Disconnect", () => this.app.act("delete")]])],
    });
  }

  drawModel() {
    const { app } = this;
    const { model, nodes } = app.state;
    this.show("model", `${model.type} model`, {
      fields: [{
        name: "name", kind: "text", default: "chosen by Keras", value: model.name,
        send: (name) => app.change("rename", { node: "", name }),
      }],
      trouble: nodes.filter(({ problem }) => problem).map(({ id, name, problem }) => button(
        `${name}: ${problem.text}`, () => app.select([id]), { name: `problem ${problem.level}` },
      )),
      rest: [
        make("div", "note", counted(model.layers, "layer")), factList(model),
        make("div", "note", model.complete ? "" : "Not complete yet: see the marks on the canvas."),
      ],
    });
  }
}
