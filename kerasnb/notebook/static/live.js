// The live view: curves, numbers and controls of a `fit` that runs.
//
// From Python: the trait `snapshot` {run: {id, title, number, epochs, steps, unit, blocking},
// status, metrics, batch, epoch, earlier}, and messages {kind: "points", status, metrics, batch,
// epoch} with what is new, {kind: "ack", id, refused?}, and at the end {kind: "kept", model,
// bundle}. There, `status` is {state, epoch, step, batches, rate, elapsed, eta, memory,
// learning_rate, controls, message}, and curves are {x, number, values}.
// To Python: {op: "stop" | "pause" | "resume" | "step", id} and {op: "learning_rate", id, value}.
//
// For styles and tests: .kerasnb-live[data-state] holds .kerasnb-status, -announce, -stop, -pause,
// -step, -lr, -lr-number, -log, -smoothing, -compare, -numbers; a .kerasnb-panel[data-metric] for
// each metric, in which is a .kerasnb-curve[data-curve] for each curve.
import { Chart, rangeOf } from "./chart.js";
import { Delivery } from "./delivery.js";
import {
  epochText, formatNumber, formatValue, hasEnded, progressOf, statusText,
} from "./numbers.js";
import { element, makeRoot, setText } from "./page.js";
import { addPoints, fromSnapshot, rowOf } from "./series.js";

const RATE_RANGE = 3; // powers of ten that the slider reaches up and down
const RATE_PAUSE = 100; // ms between two rates that are sent while the slider moves
const HANDS_OFF = 1500; // ms in which the kernel's rate does not move a slider just moved
const REFUSAL = 6000; // ms in which it is told why a rate was refused
const SAY_PAUSE = 2000; // ms between two epochs that are said to a screen reader
const MOST_ROWS = 200; // of the table: the newest; more would slow the page

/** What a model knows of its run, for all views of it. */
class Store {
  constructor(model) {
    this.model = model;
    this.views = new Set();
    this.silent = false;
    this.refused = "";
    this.refusal = 0;
    this.delivery = new Delivery(model, (silent) => {
      this.silent = silent;
      this.draw();
    });
    this.take = () => {
      this.state = fromSnapshot(model.get("snapshot"));
      this.changed();
    };
    this.receive = (message) => {
      if (message.kind === "ack") {
        this.delivery.answered(message.id);
        if (message.refused) this.refuse(message.refused);
      }
      if (message.kind === "kept") putInPlace(model, message);
      if (message.kind === "points") {
        addPoints(this.state, message);
        this.state.metrics = message.metrics ?? this.state.metrics;
      }
      this.changed();
    };
    this.take();
    model.on("change:snapshot", this.take);
    model.on("msg:custom", this.receive);
  }

  /** The kernel has said something. */
  changed() {
    this.delivery.heard();
    // a Stop that was not answered must not interrupt what runs after the training
    if (hasEnded(this.state.status.state)) this.delivery.close();
    this.draw();
  }

  draw() {
    for (const view of this.views) view.wanted();
  }

  /** Tells for some seconds why a rate was refused: the next message comes too soon to read it. */
  refuse(reason) {
    this.refused = reason;
    clearTimeout(this.refusal);
    this.refusal = setTimeout(() => {
      this.refused = "";
      this.draw();
    }, REFUSAL);
    for (const view of this.views) view.restoreRate();
  }

  ask(op, value) {
    if (hasEnded(this.state.status.state)) return; // nobody would answer
    const { id: identity, blocking } = this.state.run;
    this.delivery.send(op, value, { identity, blocking });
  }

  close() {
    this.model.off("change:snapshot", this.take);
    this.model.off("msg:custom", this.receive);
    this.delivery.close();
    clearTimeout(this.refusal);
  }
}

class View {
  constructor(store) {
    this.store = store;
    this.options = { log: false, smoothing: 0, compare: false };
    this.charts = new Map();
    this.seen = true;
    this.frame = 0;
    this.rateMoved = -Infinity;
    this.rateTimer = 0;
    this.newRate = undefined; // set, and not yet sent
    this.said = { number: 0, time: -Infinity, timer: 0 };
    this.build();
    store.views.add(this);
    this.size = new ResizeObserver(() => this.wanted());
    this.size.observe(this.panels);
    // no curves are drawn out of sight: twenty views must not make a page slow
    this.sight = new IntersectionObserver((entries) => {
      this.seen = entries[entries.length - 1].isIntersecting;
      if (this.seen) this.wanted();
    });
    this.sight.observe(this.root);
    this.draw();
  }

  build() {
    this.root = makeRoot("kerasnb-live");
    this.title = element("b", { class: "kerasnb-title" });
    this.status = element("span", { class: "kerasnb-status" });
    this.progress = element(
      "progress", { class: "kerasnb-progress", max: 1, "aria-label": "Training so far" },
    );
    this.warning = element("div", { class: "kerasnb-warning", role: "status" });
    this.announce = element("div", { class: "kerasnb-announce", "aria-live": "polite" });
    this.panels = element("div", { class: "kerasnb-panels" });
    this.root.append(
      element("div", { class: "kerasnb-head" }, this.title, this.status),
      this.progress,
      this.buildControls(),
      this.warning,
      this.panels,
      element("div", { class: "kerasnb-foot" }, this.buildOptions(), this.buildNumbers()),
      this.announce,
    );
  }

  buildControls() {
    const button = (name, text, title, act) => {
      const node = element("button", { type: "button", class: `kerasnb-${name}`, title }, text);
      node.addEventListener("click", act);
      return node;
    };
    this.stop = button("stop", "Stop", "End after this step; fit returns what there is", () =>
      this.ask("stop"));
    this.pause = button("pause", "Pause", "Wait after this step", () =>
      this.ask(this.store.state.status.state === "paused" ? "resume" : "pause"));
    this.step = button("step", "Step", "Train on exactly one batch, then wait", () =>
      this.ask("step"));
    this.slider = element("input", { type: "range", class: "kerasnb-lr", step: 0.01 });
    this.number = element("input", {
      type: "number", class: "kerasnb-lr-number", step: "any", "aria-label": "Rate as a number",
    });
    this.slider.addEventListener("input", () => this.setRate(10 ** Number(this.slider.value)));
    this.slider.addEventListener("keydown", (event) => this.pressRate(event));
    this.number.addEventListener("change", () => this.setRate(Number(this.number.value)));
    this.rate = element(
      "span", { class: "kerasnb-rate" },
      element("label", {}, "learning rate ", this.slider), this.number,
    );
    this.controls = element(
      "div", { class: "kerasnb-controls", role: "group", "aria-label": "Training" },
      this.stop, this.pause, this.step, this.rate,
    );
    return this.controls;
  }

  buildOptions() {
    const option = (name, text, attributes, event, read) => {
      const input = element("input", { class: `kerasnb-${name}`, ...attributes });
      input.addEventListener(event, () => {
        this.options[name] = read(input);
        this.wanted();
      });
      return element("label", {}, input, text);
    };
    const tick = { type: "checkbox" };
    this.compare = option("compare", "earlier runs", tick, "change", (input) => input.checked);
    const range = { type: "range", min: 0, max: 0.98, step: 0.02, value: 0 };
    return element(
      "div", { class: "kerasnb-options", role: "group", "aria-label": "Curves" },
      option("log", "log scale", tick, "change", (input) => input.checked),
      option("smoothing", "smoothing", range, "input", (input) => Number(input.value)),
      this.compare,
    );
  }

  buildNumbers() {
    this.head = element("tr");
    this.rows = element("tbody");
    this.note = element("caption");
    const table = element("table", {}, this.note, element("thead", {}, this.head), this.rows);
    // a part that scrolls must be reached by keys as well
    const scroller = element(
      "div", { class: "kerasnb-scroller", tabindex: "0", role: "region", "aria-label": "Numbers" },
      table,
    );
    this.numbers = element(
      "details", { class: "kerasnb-numbers" }, element("summary", {}, "Numbers"), scroller,
    );
    this.numbers.addEventListener("toggle", () => this.wanted());
    return this.numbers;
  }

  /** Asks for a new picture, once a frame at most. */
  wanted() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    const { state, silent } = this.store;
    this.root.dataset.state = state.status.state;
    this.say(state);
    this.drawHead(state, silent);
    this.drawControls(state);
    if (!this.seen) return;
    this.compare.hidden = !state.earlier.length;
    this.drawPanels(state);
    if (this.numbers.open) this.drawNumbers(state);
  }

  drawHead(state, silent) {
    setText(this.title, state.run.title);
    setText(this.status, statusText(state.run, state.status));
    const done = progressOf(state.run, state.status);
    if (done === null) this.progress.removeAttribute("value");
    else this.progress.value = done;
    const silence = "No answer. The kernel is busy, or gone: then run the cell again.";
    setText(this.warning, silent ? silence : this.store.refused || state.status.message);
  }

  drawControls({ status }) {
    this.controls.hidden = !status.controls || hasEnded(status.state);
    const stopping = status.state === "stopping";
    const paused = status.state === "paused";
    for (const button of [this.stop, this.pause, this.step]) button.disabled = stopping;
    setText(this.pause, paused ? "Resume" : "Pause");
    this.pause.title = paused ? "Go on" : "Wait after this step";
    const rate = status.learning_rate;
    this.rate.hidden = !(rate > 0);
    if (this.rate.hidden || performance.now() - this.rateMoved < HANDS_OFF) return;
    this.firstRate ??= rate;
    const middle = Math.round(Math.log10(this.firstRate));
    this.slider.min = middle - RATE_RANGE;
    this.slider.max = middle + RATE_RANGE;
    this.showRate(rate);
  }

  /** `typing`: whether the number is being typed, and so left as it is. */
  showRate(rate, typing = document.activeElement === this.number) {
    this.slider.value = Math.log10(rate);
    this.slider.setAttribute("aria-valuetext", formatNumber(rate));
    if (!typing) this.number.value = Number(rate.toPrecision(4));
  }

  /** Shows the rate that holds, in place of one that cannot. */
  restoreRate() {
    const rate = this.store.state.status.learning_rate;
    if (rate > 0) this.showRate(rate, false);
  }

  /** Arrow keys change the rate by an eighth of a power of ten: a third more, a quarter less. */
  pressRate(event) {
    const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    this.slider.value = Number(this.slider.value) + way / 8;
    this.setRate(10 ** Number(this.slider.value));
  }

  /** Sends a rate; while the slider moves ten times a second at most, and the last one always. */
  setRate(rate) {
    if (!(rate > 0 && Number.isFinite(rate))) {
      this.restoreRate();
      return;
    }
    this.rateMoved = performance.now();
    this.showRate(rate);
    this.newRate = Number(rate.toPrecision(4));
    if (!this.rateTimer) this.sendRate();
  }

  sendRate() {
    clearTimeout(this.rateTimer);
    this.rateTimer = 0;
    if (this.newRate === undefined) return;
    this.store.ask("learning_rate", this.newRate);
    this.newRate = undefined;
    this.rateTimer = setTimeout(() => this.sendRate(), RATE_PAUSE);
  }

  /** Asks for what a button says; a rate that was set before it goes first. */
  ask(op) {
    this.sendRate();
    this.store.ask(op);
  }

  drawPanels(state) {
    for (const metric of state.metrics) {
      if (this.charts.has(metric)) continue;
      const chart = new Chart(metric, (x) => {
        for (const other of this.charts.values()) other.point(x);
      });
      this.charts.set(metric, chart);
      this.panels.append(chart.element);
    }
    for (const [metric, chart] of this.charts) {
      if (state.metrics.includes(metric)) continue;
      chart.element.remove();
      this.charts.delete(metric);
    }
    const range = rangeOf(state, this.options);
    for (const chart of this.charts.values()) chart.draw(state, this.options, range);
  }

  drawNumbers({ epoch, run }) {
    const names = Object.keys(epoch.values);
    const first = Math.max(0, epoch.x.length - MOST_ROWS);
    const key = [run.id, first, epoch.x.length, epoch.x[epoch.x.length - 1], ...names].join();
    if (key === this.shown) return;
    this.shown = key;
    const cell = (tag, text, scope) => element(tag, scope ? { scope } : {}, text);
    this.head.replaceChildren(...["epoch", ...names].map((name) => cell("th", name, "col")));
    const rows = [];
    for (let i = epoch.x.length - 1; i >= first; i--) {
      const values = names.map((name) => cell("td", formatValue(epoch.values[name][i])));
      rows.push(element("tr", {}, cell("th", String(epoch.number[i]), "row"), ...values));
    }
    this.rows.replaceChildren(...rows);
    setText(this.note, rows.length ? "Newest epoch first" : "No epoch has ended yet");
  }

  /** Tells a screen reader of the newest epoch, with pauses: epochs may be shorter than words. */
  say({ run, epoch }) {
    const last = epoch.x.length - 1;
    if (last < 0 || epoch.number[last] === this.said.number || this.said.timer) return;
    const wait = this.said.time + SAY_PAUSE - performance.now();
    if (wait > 0) {
      this.said.timer = setTimeout(() => {
        this.said.timer = 0;
        this.say(this.store.state);
      }, wait);
      return;
    }
    this.said = { number: epoch.number[last], time: performance.now(), timer: 0 };
    setText(this.announce, epochText(run, epoch.number[last], rowOf(epoch, last)));
  }

  remove() {
    this.store.views.delete(this);
    this.size.disconnect();
    this.sight.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.said.timer);
    clearTimeout(this.rateTimer);
  }
}

/** Puts what stays in the place of each output that shows this widget, and clears its snapshot. */
function putInPlace(model, { model: id, bundle }) {
  const cells = model.widget_manager?.context?.model?.cells ?? [];
  for (const { outputs } of cells) {
    for (let i = 0; i < (outputs?.length ?? 0); i++) {
      const output = outputs.get(i).toJSON();
      const shown = output.data?.["application/vnd.jupyter.widget-view+json"];
      if (shown?.model_id === id) outputs.set(i, { ...output, data: bundle });
      if (output.metadata?.kerasnb_view === id) outputs.set(i, { ...output, data: {} });
    }
  }
}

export default () => {
  let store = null;
  return {
    initialize({ model }) {
      store = new Store(model);
      return () => store.close();
    },
    render({ el }) {
      const view = new View(store);
      el.append(view.root);
      return () => view.remove();
    },
  };
};
