// What the builder's parts are made of: questions to the kernel, icons, buttons, fields, children.
import { sendBothWays } from "./control.js";
import { element, make, newId, set, setText, svgElement } from "./page.js";

const ANSWERED = 4000; // ms without an answer until the reader is told
const PAUSE = 300; // ms without a key until what is typed is sent

/** Asks the kernel, also while it is busy with a cell; `onSilence(true)` if an answer stays out. */
export class Questions {
  constructor(model, onSilence) {
    Object.assign(this, { model, onSilence, waiting: new Map(), silent: false });
  }

  /** A promise of the answer. */
  ask(op, fields = {}) {
    const message = { op, id: newId(), ...fields };
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.tell(true), ANSWERED);
      this.waiting.set(message.id, { resolve, timer });
      sendBothWays(this.model, this.model.get("identity"), message);
    });
  }

  answered(answer) {
    const question = this.waiting.get(answer.id);
    if (!question) return; // that of another view
    this.waiting.delete(answer.id);
    clearTimeout(question.timer);
    this.tell(false);
    question.resolve(answer);
  }

  tell(silent) {
    if (silent === this.silent) return;
    this.silent = silent;
    this.onSilence(silent);
  }

  close() {
    for (const { timer } of this.waiting.values()) clearTimeout(timer);
    this.waiting.clear();
  }
}

/** A place for the view of another widget, which may change. */
export class Child {
  /** `model`: of the widget in which it is. */
  constructor(model) {
    Object.assign(this, { model, root: make("div", "child"), id: "", view: null });
  }

  /** Shows the widget of this id; none for "". */
  async show(id) {
    if (id === this.id) return;
    this.id = id;
    const manager = this.model.widget_manager;
    const view = id ? await manager.create_view(await manager.get_model(id)) : null;
    if (id !== this.id) {
      view?.remove();
      return;
    }
    this.view?.remove(); // not before, so that nothing below jumps
    this.view = view;
    this.root.replaceChildren(...(view ? [view.el] : []));
  }

  remove() {
    this.id = null;
    this.view?.remove();
  }
}

const ICONS = {
  undo: "M6 3 2.5 6.5 6 10M3 6.5h6a4 3.5 0 0 1 0 7H6",
  redo: "m10 3 3.5 3.5L10 10M13 6.5H7a4 3.5 0 0 0 0 7h3",
  delete: "M3 4.5h10M6 4V2.5h4V4M4.5 4.5l.5 9h6l.5-9M7 7v4M9 7v4",
  duplicate: "M2.5 2.5h8v8h-8zM5.5 13.5h8v-8",
  group: "M2.5 5V2.5H5M11 2.5h2.5V5M13.5 11v2.5H11M5 13.5H2.5V11M5.5 5.5h5v5h-5z",
  repeat: "M3 7.5v-2a2 2 0 0 1 2-2h7M10 1l2.5 2.5L10 6M13 8.5v2a2 2 0 0 1-2 2H4M6 15l-2.5-2.5L6 10",
  ungroup: "M2.5 2.5h5v5h-5zM8.5 8.5h5v5h-5z",
  smaller: "M3 8h10",
  larger: "M3 8h10M8 3v10",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  up: "m4 10 4-4 4 4",
  close: "m4 4 8 8M12 4l-8 8",
  lock: "M4 7.5h8v6H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
};

export function icon(name) {
  const path = svgElement("path", { d: ICONS[name] });
  return svgElement("svg", { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true" }, path);
}

/** A button with a text; or with an icon, and the text for those who do not see it. */
export function button(text, act, { name = "", title = "", shows = null } = {}) {
  const node = element("button", { type: "button", class: name });
  node.append(shows ? icon(shows) : text);
  if (shows) set(node, "aria-label", text);
  if (title || shows) node.title = title || text;
  node.addEventListener("click", act);
  return node;
}

/** A part of the page with a name. */
export function region(name, label, ...children) {
  return element("div", { class: name, role: "region", "aria-label": label }, ...children);
}

/** A line of a form for an argument of a layer, or a choice of training.
 *
 * A value is a text, as a person would type it; "" is the default. `send(text)` is called with a
 * new one. */
export class Field {
  constructor({ name, kind, choices = [], doc = "", default: usual = "", required }, send) {
    Object.assign(this, { kind, usual, send, sent: "", timer: 0 });
    const id = `kerasnb-${newId()}`;
    this.input = this.make(kind, choices, id);
    this.fault = make("div", "fault");
    this.hint = make("div", "hint");
    this.fault.id = `${id}-fault`;
    this.hint.id = `${id}-hint`;
    set(this.input, "aria-describedby", `${this.fault.id} ${this.hint.id}`);
    const label = element("label", { for: id }, name);
    if (doc) label.title = this.input.title = doc;
    if (required) label.append(make("span", "needed", " *"));
    this.input.required = Boolean(required);
    this.root = element("div", { class: `field ${kind}` }, label, this.input);
    if (this.list) this.root.append(this.list);
    this.root.append(this.fault, this.hint);
    this.input.addEventListener("change", () => this.flush());
    this.input.addEventListener("blur", () => this.rest());
    this.input.addEventListener("input", () => {
      clearTimeout(this.timer);
      if (kind !== "bool" && kind !== "choice") this.timer = setTimeout(() => this.flush(), PAUSE);
    });
  }

  make(kind, choices, id) {
    if (kind === "choice") {
      const words = this.usual ? `${this.usual} (default)` : "–";
      const others = choices.filter((text) => text !== this.usual).map(option);
      return element("select", { id }, element("option", { value: "" }, words), ...others);
    }
    if (kind === "bool") return element("input", { id, type: "checkbox" });
    const input = element("input", { id, autocomplete: "off", spellcheck: "false" });
    if (kind === "int" || kind === "float") {
      set(input, "type", "number");
      set(input, "step", "any");
    } else if (choices.length) {
      this.list = element("datalist", { id: `${id}-list` }, ...choices.map(option));
      set(input, "list", `${id}-list`);
    }
    if (this.usual) input.placeholder = this.usual;
    return input;
  }

  get value() {
    const { input, kind, usual } = this;
    if (kind !== "bool") return input.value.trim();
    const text = input.checked ? "True" : "False";
    return text === usual ? "" : text;
  }

  /** Takes what the kernel has, and shows it when nobody is typing. */
  set(text) {
    if (text === this.known || this.timer) return;
    this.known = this.sent = text;
    this.fail(null);
    this.rest();
  }

  rest() {
    const typed = this.kind !== "bool" && this.kind !== "choice";
    if (this.timer || this.pending || this.fault.textContent || this.known === undefined) return;
    if (!typed || this.input !== document.activeElement) this.show(this.known);
  }

  show(text) {
    if (this.kind === "bool") this.input.checked = (text || this.usual) === "True";
    if (this.kind === "choice") {
      if (text === this.usual) text = "";
      if (![...this.input.options].some(({ value }) => value === text)) {
        this.input.append(option(text));
      }
    }
    if (this.kind !== "bool" && this.input.value !== text) this.input.value = text;
  }

  async flush() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (this.input.validity?.badInput) {
      this.fail("This is no number.");
      return;
    }
    const text = this.value;
    if (text === this.sent && !this.fault.textContent) return;
    this.sent = text;
    this.pending = true;
    const refused = await this.send(text);
    this.pending = false;
    this.fail(refused);
    this.rest();
  }

  /** Says what is wrong with the value; null if nothing is. */
  fail(reason) {
    setText(this.fault, reason ?? "");
    set(this.input, "aria-invalid", Boolean(reason));
  }
}

/** A choice of a select or a list. */
const option = (text) => element("option", { value: text }, text);
