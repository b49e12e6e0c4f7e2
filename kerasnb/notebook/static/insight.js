// What the widgets for looking inside share: elements that hold text only, and pixels on a canvas.

/** A new element. Text goes in as text, whatever it says. */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== "") element.textContent = String(text);
  return element;
}

/** A root that keeps what is typed in it from the notebook, where a letter may delete a cell. */
export function makeRoot(className) {
  const root = make("div", className);
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
