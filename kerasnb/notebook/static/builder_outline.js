// The outline: the same model as a tree of words, for the keyboard and for screen readers.
import { describe } from "./builder_graph.js";
import { element, set, setText } from "./page.js";

const SPELLED = 700; // ms in which letters belong to one name

export class Outline {
  /** `app`: see builder.js. */
  constructor(app) {
    Object.assign(this, { app, items: [], current: null, typed: "", time: 0 });
    this.tree = element("div", {
      role: "tree", "aria-label": "Outline of the model", "aria-multiselectable": "true",
    });
    this.root = element("div", { class: "outline" }, this.tree);
    this.tree.addEventListener("keydown", (event) => this.press(event));
    this.tree.addEventListener("click", (event) => {
      const item = event.target.closest('[role="treeitem"]');
      if (item) app.choose(item.dataset.id, event.shiftKey || event.ctrlKey || event.metaKey);
    });
  }

  draw(graph) {
    this.graph = graph;
    const old = new Map(this.items.map((item) => [item.dataset.id, item]));
    this.items = graph.outline().map(({ node, level }) => {
      const item = old.get(node.id) ?? element("div", { role: "treeitem", tabindex: "-1" });
      item.dataset.id = node.id;
      item.dataset.level = node.problem?.level ?? "";
      item.style.setProperty("--level", level);
      setText(item, node.name || node.type);
      set(item, "aria-label", describe(node));
      set(item, "aria-level", level);
      if (graph.isPart(node) && !node.shares) set(item, "aria-expanded", !node.folded);
      else item.removeAttribute("aria-expanded");
      return item;
    });
    const same = this.items.length === this.tree.children.length
      && this.items.every((item, i) => item === this.tree.children[i]);
    if (!same) {
      const had = this.tree.contains(document.activeElement);
      this.tree.replaceChildren(...this.items);
      if (had) this.find(this.current)?.focus(); // putting them in their order takes the focus
    }
  }

  find(id) {
    return this.items.find((item) => item.dataset.id === id);
  }

  mark({ chosen, current }) {
    this.current = current;
    const reached = this.find(current) ?? this.items[0];
    for (const item of this.items) {
      set(item, "aria-selected", chosen.has(item.dataset.id));
      set(item, "tabindex", item === reached ? 0 : -1);
    }
    if (this.tree.contains(document.activeElement)) reached?.focus();
  }

  press(event) {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const place = this.items.findIndex((item) => item === event.target);
    const node = this.graph.nodes.get(this.items[place]?.dataset.id);
    if (!node) return;
    const to = this.lead(key, place, node) ?? this.type(event, place);
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const item = this.items[Math.min(Math.max(to, 0), this.items.length - 1)];
    item.focus();
    this.app.choose(item.dataset.id, event.shiftKey && key.startsWith("Arrow"), true);
  }

  /** The place to which a key leads; undefined for any other key. */
  lead(key, place, node) {
    const open = this.graph.isOpen(node);
    if (key === "ArrowDown") return place + 1;
    if (key === "ArrowUp") return place - 1;
    if (key === "Home") return 0;
    if (key === "End") return this.items.length - 1;
    if (key === "ArrowRight") {
      if (open) return place + 1;
      if (this.graph.isPart(node)) this.app.fold(node.id);
      return place;
    }
    if (key !== "ArrowLeft") return undefined;
    if (open) this.app.fold(node.id);
    else if (node.parent) return this.items.indexOf(this.find(node.parent));
    return place;
  }

  /** Letters lead to the next box whose name begins with them. With Shift they are commands. */
  type({ key, shiftKey, timeStamp }, place) {
    if (shiftKey || !/^[\w]$/.test(key)) return undefined;
    this.typed = timeStamp - this.time < SPELLED ? this.typed + key : key;
    this.time = timeStamp;
    const from = this.typed.length > 1 ? place : place + 1;
    const order = [...this.items.slice(from), ...this.items.slice(0, from)];
    const typed = this.typed.toLowerCase();
    const found = order.find((item) => item.textContent.toLowerCase().startsWith(typed));
    return found ? this.items.indexOf(found) : place;
  }
}
