// What the keys of canvas and outline do.

const WITH_CONTROL = {
  z: "undo", y: "redo", c: "copy", x: "cut", d: "duplicate", a: "all",
};
const PLAIN = {
  a: "search", "/": "search", c: "connect", g: "group", r: "repeat", u: "ungroup", f: "fit",
  o: "output", "+": "larger", "=": "larger", "-": "smaller", "?": "help", Enter: "inspect",
  F2: "inspect", Delete: "delete", Backspace: "delete", Escape: "leave", " ": "fold",
};

/** What is meant by a key on the canvas; null if nothing is. */
export function actionOf({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  const name = key.length === 1 ? key.toLowerCase() : key;
  if (ctrlKey || metaKey) {
    return name === "z" && shiftKey ? "redo" : (WITH_CONTROL[name] ?? null);
  }
  if (altKey) return { ArrowUp: "earlier", ArrowDown: "later" }[name] ?? null;
  return PLAIN[name] ?? null;
}

/** Whether a key means something in the whole builder, but for where text is typed. */
export const isGlobal = ({ ctrlKey, metaKey }) => ctrlKey || metaKey;

/** The keys, for the reader. */
export const KEYS = [
  ["Arrows", "go along the graph; with Shift, select more; with Alt, move the box"],
  ["A or /", "search a layer: Enter adds it, Shift+Enter as a branch"],
  ["Enter", "to the arguments of the box; Escape comes back"],
  ["C", "connect: choose a box with the arrows, then Enter"],
  ["Delete", "take the box, or the connection, away"],
  ["G, R, U", "group, repeat, ungroup"],
  ["O", "make it an output of the model"],
  ["Space", "fold or unfold"],
  ["Ctrl+Z, Ctrl+Shift+Z", "undo, redo"],
  ["Ctrl+C, X, V, D, A", "copy, cut, paste, duplicate, select all"],
  ["F, +, −", "fit, larger, smaller"],
  ["Escape", "leave, or select nothing"],
  ["In the outline", "letters go to a box by its name: hold Shift for these commands"],
];
