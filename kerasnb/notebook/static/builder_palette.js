// The palette: all layers by family, with a search field.
import { region } from "./builder_parts.js";
import { element, make } from "./page.js";

/** How well a layer fits what is searched: the smaller, the better; Infinity if not at all. */
export function rank({ type, family, doc }, words) {
  const name = type.toLowerCase();
  if (!words) return 0;
  if (name === words) return 0;
  if (name.startsWith(words)) return 1;
  const initials = type.replace(/[^A-Z0-9]/g, "").toLowerCase();
  if (initials.startsWith(words)) return 2;
  if (name.includes(words)) return 3;
  if (family.toLowerCase().includes(words)) return 4;
  return doc.toLowerCase().includes(words) ? 5 : Infinity;
}

export class Palette {
  /** `app`: see builder.js. */
  constructor(app) {
    Object.assign(this, { app, items: [] });
    this.search = element("input", {
      type: "search", class: "search", placeholder: "Search layers", "aria-label": "Search layers",
      autocomplete: "off", spellcheck: "false",
    });
    this.list = element("div", { class: "families" });
    this.none = make("div", "none", "No such layer.");
    this.none.hidden = true;
    this.root = region("palette", "Layers", this.search, this.none, this.list);
    this.search.addEventListener("input", () => this.filter());
    this.root.addEventListener("keydown", (event) => this.press(event));
  }

  draw(entries) {
    const families = new Map();
    for (const entry of entries) {
      if (!families.has(entry.family)) families.set(entry.family, []);
      families.get(entry.family).push(entry);
    }
    this.items = [];
    const sections = [...families].map(([family, members]) => {
      const title = element("summary", { tabindex: "-1" }, family);
      const section = element("details", { open: "" }, title);
      section.style.setProperty("--color", members[0].color);
      section.append(...members.map((entry) => this.item(entry, section)));
      return section;
    });
    this.list.replaceChildren(...sections);
    this.filter();
  }

  item(entry, section) {
    const node = element("button", { type: "button", class: "item", tabindex: "-1" }, entry.type);
    node.title = `${entry.type}: ${entry.doc}`;
    node.addEventListener("click", (event) => {
      if (node.dataset.dragged) delete node.dataset.dragged;
      else this.app.add(entry.type, event.shiftKey);
    });
    this.app.gestures.offer(node, entry.type);
    this.items.push({ entry, node, section });
    return node;
  }

  filter() {
    const words = this.search.value.trim().toLowerCase();
    const sections = new Map();
    this.hit = null;
    let best = Infinity;
    for (const { entry, node, section } of this.items) {
      const place = rank(entry, words);
      node.hidden = place === Infinity;
      node.classList.remove("hit");
      sections.set(section, sections.get(section) || !node.hidden);
      if (words && place < best) [best, this.hit] = [place, { entry, node }];
    }
    for (const [section, some] of sections) {
      section.hidden = !some;
      if (words) section.open = true;
    }
    this.hit?.node.classList.add("hit");
    this.none.hidden = !words || Boolean(this.hit);
    this.rove(this.hit?.node ?? this.items[0]?.node);
  }

  /** Only one item is reached by Tab. */
  rove(node) {
    this.list.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    node?.setAttribute("tabindex", "0");
  }

  press(event) {
    const { key, target } = event;
    if (key === "Escape") {
      this.search.value = "";
      this.filter();
      this.app.canvas.stage.focus();
    } else if (key === "Enter" && target === this.search) {
      if (this.hit) this.app.add(this.hit.entry.type, event.shiftKey);
      this.search.select();
    } else if (key === "ArrowDown" || key === "ArrowUp") {
      const shown = [...this.list.querySelectorAll("summary, .item")]
        .filter((node) => node.offsetParent);
      const place = shown.indexOf(target) + (key === "ArrowDown" ? 1 : -1);
      const next = place < 0 ? this.search : shown[Math.min(place, shown.length - 1)];
      if (next?.classList.contains("item")) this.rove(next);
      next?.focus();
    } else {
      return;
    }
    event.preventDefault();
  }

  focus() {
    this.search.focus();
    this.search.select();
  }
}
