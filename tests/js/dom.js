// As much of a page as the widgets need in Node: elements without layout, and frames at once.

class Element {
  constructor(tag) {
    Object.assign(this, { tag, attributes: {}, children: [], listeners: {} });
    Object.assign(this, { style: {}, dataset: {} });
  }

  setAttribute(name, value) {
    this.attributes[name] = String(value);
  }

  getAttribute(name) {
    return this.attributes[name] ?? null;
  }

  removeAttribute(name) {
    delete this.attributes[name];
  }

  append(...children) {
    this.children.push(...children);
  }

  replaceChildren(...children) {
    this.children = children;
  }

  get textContent() {
    return this.children.map((child) => child.textContent ?? child).join("");
  }

  set textContent(text) {
    this.children = [text];
  }

  addEventListener(type, listener) {
    (this.listeners[type] ??= []).push(listener);
  }

  fire(type, event = {}) {
    for (const listener of this.listeners[type]) listener({ preventDefault() {}, ...event });
  }

  /** The first element within this one that has a class. */
  find(name) {
    if (this.attributes.class?.split(" ").includes(name)) return this;
    for (const child of this.children) {
      const found = child.find?.(name);
      if (found) return found;
    }
    return null;
  }

  /** Of a select. */
  get options() {
    return this.children.map((child) => ({ value: child.getAttribute("value") }));
  }

  getContext() {
    return { putImageData() {} };
  }
}

class Observer {
  observe() {}

  disconnect() {}
}

Object.assign(globalThis, {
  document: {
    createElement: (tag) => new Element(tag),
    createElementNS: (space, tag) => new Element(tag),
    activeElement: null,
  },
  requestAnimationFrame: (draw) => {
    draw();
    return 0; // as the scripts write when no frame is on its way
  },
  cancelAnimationFrame() {},
  ImageData: class {},
  ResizeObserver: Observer,
  IntersectionObserver: Observer,
});

/** A widget's model that holds `values`; `emit` is the kernel's part, `sent` what reaches it. */
export function makeModel(values, widget_manager) {
  const handlers = {};
  return {
    sent: [],
    widget_manager,
    get: (name) => values[name],
    on: (name, handler) => {
      handlers[name] = handler;
    },
    off: (name) => delete handlers[name],
    send(message) {
      this.sent.push(message);
    },
    emit: (name, message) => handlers[name]?.(message),
    change(name, value) {
      values[name] = value;
      handlers[`change:${name}`]?.();
    },
  };
}

/** Renders a widget; gives what is seen, and a function that takes it away. */
export function render(widget, model) {
  const el = new Element("div");
  return { el, remove: widget.render({ model, el }) };
}
