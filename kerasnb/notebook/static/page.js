// What the widgets share: elements that hold text only, pixels on a canvas, names and shares.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes and children; text is only ever text. */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svgElement(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Sets an attribute only if it changes, so that an unchanged picture costs no layout. */
export function set(node, name, value) {
  const text = String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/** The same for the text of a node. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** An element of a class, with a text. */
export function make(tag, className = "", text = "") {
  return element(tag, className ? { class: className } : {}, String(text));
}

/** A root that keeps what is typed in it from the notebook, where a letter may delete a cell. */
export function makeRoot(className) {
  const root = make("div", `kerasnb-widget ${className}`);
  root.dataset.lmSuppressShortcuts = "true";
  // some shortcuts look no further than what has the focus, and would not see the root's mark
  root.addEventListener("focusin", (event) => {
    event.target.dataset.lmSuppressShortcuts = "true";
  });
  root.addEventListener("keydown", (event) => event.stopPropagation());
  return root;
}

/** Pixels as a canvas takes them: red, green, blue and opacity of each.
 *
 * `bytes` holds `channels` (1: grey, 3: colours) bytes a pixel, from `start` on. */
export function toRGBA(bytes, start, count, channels) {
  const pixels = new Uint8ClampedArray(4 * count);
  for (let i = 0; i < count; i += 1) {
    for (let c = 0; c < 3; c += 1) {
      pixels[4 * i + c] = bytes[start + i * channels + (channels === 3 ? c : 0)];
    }
    pixels[4 * i + 3] = 255;
  }
  return pixels;
}

/** Show pixels on a canvas of their own size; CSS makes it as large as wanted. */
export function show(canvas, pixels, width, height) {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
}

/** A name for a message that no other message has. */
export function newId() {
  const parts = crypto.getRandomValues(new Uint32Array(2));
  return Array.from(parts, (n) => n.toString(36)).join("");
}

/** A share in percent, as people write it: no decimals but near the ends. */
export function percent(share) {
  const value = 100 * share;
  if (value > 0 && value < 0.95) return "< 1 %";
  if (value < 100 && value > 99.05) return "> 99 %";
  return `${Math.round(value)} %`;
}

/** A widget as anywidget takes it, of a class whose objects have a `root` and `remove()`. */
export function widgetOf(View) {
  return {
    render({ model, el }) {
      const view = new View(model);
      el.append(view.root);
      return () => view.remove();
    },
  };
}
