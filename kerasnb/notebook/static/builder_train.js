// Training in the builder: what on and how, what the model makes of the data, and how it goes.
//
// From Python: the traits `training` {state, text, choices, values, reasons, problem, mends},
// `sight` (sight.py) and `live`, the id of the view of a training. Messages are as in builder.js.
//
// For styles and tests: .kerasnb-training holds .bar, .settings and .sight.
import { button, Child, Field, Questions } from "./builder_parts.js";
import { Sight } from "./builder_sight.js";
import { element, make, makeRoot, setText, widgetOf } from "./page.js";

const SILENT = "No answer. The kernel is busy, or gone: then run the cell again.";
const WORDS_OF = { data: "data x", y: "targets y", pace: "epochs a second" }; // data_2: data x 2
const HINTS = { pace: "Empty: as fast as it goes." };
const NEXT = { // where the keyboard goes when the button that it was on goes
  train: "pause", stop: "train", pause: "resume", resume: "pause", step: "pause",
};
const BUTTONS = { // whether each is there, by the state of training
  train: (state) => !["running", "paused", "stopping"].includes(state),
  stop: (state) => ["running", "paused"].includes(state),
  pause: (state) => state === "running",
  resume: (state) => state === "paused",
  step: (state) => state === "paused",
};

class TrainingView {
  constructor(model) {
    Object.assign(this, { model, own: {}, fields: new Map() });
    this.questions = new Questions(model, (silent) => this.tell(silent ? SILENT : ""));
    this.live = new Child(model);
    this.sight = new Sight((point) => this.ask("point", point));
    this.build();
    this.handlers = {
      "change:training": () => this.draw(),
      "change:sight": () => this.sight.draw(model.get("sight") ?? {}),
      "change:live": () => this.live.show(model.get("live") ?? ""),
      "msg:custom": (message) => this.questions.answered(message),
    };
    for (const [name, handler] of Object.entries(this.handlers)) {
      model.on(name, handler);
      if (name !== "msg:custom") handler();
    }
    this.settings.open = !model.get("live");
  }

  build() {
    this.root = makeRoot("kerasnb-parts kerasnb-training");
    this.form = make("div", "choices");
    this.status = element("span", { class: "note", role: "status" });
    this.fault = element("div", { class: "fault", role: "status" });
    this.mends = make("div", "mends");
    this.buttons = Object.keys(BUTTONS).map((op) => {
      const text = op[0].toUpperCase() + op.slice(1);
      return [op, button(text, () => this.run(op), { name: op })];
    });
    const bar = element("div", { class: "row bar" }, ...this.buttons.map(([, node]) => node));
    bar.append(this.status);
    this.settings = element(
      "details", { class: "settings" }, make("summary", "", "Data and settings"), this.form,
    );
    const how = element(
      "div", { class: "how" }, bar, this.fault, this.mends, this.settings, this.live.root,
    );
    this.root.append(this.sight.root, how);
  }

  /** Asks the kernel, and says what it refuses. */
  async ask(op, fields = {}) {
    const { refused } = await this.questions.ask(op, fields);
    this.tell(refused ?? this.training.problem ?? "");
    return refused ?? null;
  }

  tell(text) {
    setText(this.fault, text);
  }

  async run(op) {
    const refused = await this.ask(op, op === "train" ? { values: this.own } : {});
    if (op === "train" && !refused) this.settings.open = false; // what is going on is below it
  }

  draw() {
    this.training = this.model.get("training");
    const { choices = {}, values = {}, reasons = {}, mends = [], state } = this.training;
    const key = JSON.stringify([choices, Object.keys(values)]);
    if (key !== this.key) this.makeForm(choices, values);
    this.key = key;
    for (const [name, field] of this.fields) {
      const value = values[name];
      if (field.boxes) for (const [box, text] of field.boxes) box.checked = value.includes(text);
      else field.set(String(value ?? ""));
      setText(field.hint, reasons[name] ?? HINTS[name] ?? "");
    }
    this.drawButtons(state);
    setText(this.status, this.training.text ?? "");
    this.tell(this.training.problem ?? "");
    this.drawMends(mends);
  }

  drawButtons(state) {
    const [held] = this.buttons.find(([, node]) => node === document.activeElement) ?? [];
    for (const [op, node] of this.buttons) {
      node.hidden = !BUTTONS[op](state);
      node.disabled = op === "train" && Boolean(this.training.problem);
    }
    if (!held || BUTTONS[held](state)) return;
    const shown = this.buttons.filter(([op]) => BUTTONS[op](state));
    (shown.find(([op]) => op === NEXT[held]) ?? shown[0])?.[1].focus();
  }

  drawMends(mends) {
    const key = mends.join("\n");
    if (key === this.mended) return;
    this.mended = key;
    this.mends.replaceChildren(...mends.map((text, number) => element(
      "div", { class: "row" }, make("span", "", text),
      button("Mend", () => this.ask("mend", { number }), { name: "fix" }),
    )));
  }

  makeForm(choices, values) {
    this.fields = new Map();
    for (const [name, value] of Object.entries(values)) {
      const [, first, number = ""] = /^(.+?)(?:_(\d+))?$/.exec(name);
      const words = `${WORDS_OF[first] ?? first.replaceAll("_", " ")} ${number}`.trim();
      const kind = choices[name] ? "choice" : "float";
      const field = Array.isArray(value) ? this.several(name, words, choices[name])
        : new Field({ name: words, kind, choices: choices[name] }, (text) => this.take(name, text));
      this.fields.set(name, field);
    }
    this.form.replaceChildren(...[...this.fields.values()].map(({ root }) => root));
  }

  /** A group of boxes to tick. */
  several(name, words, choices) {
    const boxes = choices.map((text) => [element("input", { type: "checkbox" }), text]);
    const hint = make("div", "hint");
    const root = element(
      "fieldset", { class: "field" }, make("legend", "", words),
      ...boxes.map(([box, text]) => element("label", {}, box, text)), hint,
    );
    root.addEventListener("change", () => this.take(
      name, boxes.filter(([box]) => box.checked).map(([, text]) => text),
    ));
    return { root, boxes, hint };
  }

  /** Has the kernel say what makes sense with a choice; `own` is what it has not heard yet. */
  async take(name, value) {
    const isNumber = !(name in this.training.choices);
    this.own[name] = isNumber ? (value === "" ? null : Number(value)) : value;
    const { refused } = await this.questions.ask("choose", { values: { [name]: this.own[name] } });
    delete this.own[name];
    return refused;
  }

  remove() {
    for (const [name, handler] of Object.entries(this.handlers)) this.model.off(name, handler);
    this.questions.close();
    this.live.remove();
  }
}

export default widgetOf(TrainingView);
