// The panes around the canvas: the exercise and the code.
import { button, region } from "./builder_parts.js";
import { element, make, setText } from "./page.js";

/** An exercise: what is asked, and how far it is done. */
export class TaskPane {
  /** `app`: see builder.js. */
  constructor(app) {
    this.words = make("div", "words");
    this.goals = make("ul");
    this.shown = element("ol", { class: "hints" });
    const said = element("div", { role: "status" }, this.shown);
    this.hint = button("", () => app.change("hint"));
    const again = button("Begin again", () => app.change("reset"));
    this.result = element("span", { class: "note", role: "status" });
    const row = element("div", { class: "row" }, this.hint, again, this.result);
    this.root = region("task", "Exercise", this.words, this.goals, said, row);
  }

  draw({ task, goals = [], hints = 0, shown = [], passed, text }) {
    this.root.hidden = !task;
    this.root.classList.toggle("passed", Boolean(passed));
    setText(this.words, task ?? "");
    setText(this.result, text ?? "");
    this.goals.replaceChildren(...goals.map(({ text, met, missed }) => {
      const rest = met ? "" : missed && `: ${missed}`;
      return make("li", met ? "met" : "", `${met ? "✓" : "○"} ${text}${rest}`);
    }));
    if (shown.length !== this.shown.children.length) {
      this.shown.replaceChildren(...shown.map((text) => make("li", "", text)));
    }
    setText(this.hint, `Hint (${hints - shown.length} left)`);
    this.hint.disabled = shown.length >= hints;
  }
}

/** The model as code that can be edited; what is typed stays until it is applied. */
export class CodePane {
  /** `app`: see builder.js. */
  constructor(app) {
    this.app = app;
    this.text = element("textarea", {
      spellcheck: "false", autocapitalize: "off", "aria-label": "The model as Python code",
      wrap: "off",
    });
    this.fault = element("div", { class: "fault", role: "status" });
    this.note = element("div", { class: "note", role: "status" });
    this.send = button("Apply", () => this.apply(), { title: "Ctrl+Enter" });
    this.back = button("Take back", () => this.show(), { title: "Show the code of the canvas" });
    const row = element("div", { class: "row" }, this.send, this.back, this.note, this.fault);
    this.root = region("pane code", "Code", this.text, row);
    this.text.addEventListener("input", () => this.tell());
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.apply();
    });
    this.code = this.shown = "";
  }

  get edited() {
    return this.text.value !== this.shown;
  }

  draw(code) {
    this.code = code;
    if (this.edited) this.tell();
    else this.show();
  }

  show() {
    this.shown = this.code;
    if (this.text.value !== this.code) this.text.value = this.code;
    setText(this.fault, "");
    this.tell();
  }

  tell() {
    const elsewhere = this.edited && this.code !== this.shown;
    this.send.disabled = this.back.disabled = !this.edited;
    setText(this.note, elsewhere ? "The model was changed elsewhere meanwhile." : "");
  }

  async apply() {
    if (!this.edited) return;
    const sent = this.text.value;
    const refused = await this.app.change("code", { text: sent });
    setText(this.fault, refused ?? "");
    if (!refused) {
      if (this.text.value === sent) this.show();
      return;
    }
    const line = Number(refused.match(/[Ll]ine (\d+)/)?.[1]);
    if (!line || this.text.value !== sent) return;
    const before = sent.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    const end = sent.indexOf("\n", before);
    this.text.focus();
    this.text.setSelectionRange(before, end < 0 ? sent.length : end);
  }
}
