// The graph as the kernel sent it, and what can be read off it: neighbours, places, words.

const PARTS = ["group", "repeat", "model"];

/** A whole number with separators, "1,234,567". */
export const whole = (number) => number.toLocaleString("en-US");

/** A large number in three digits, "1.23 M". */
export function short(number, unit = "") {
  let power = 0;
  while (number >= 999.5 && power < 4) {
    number /= 1000;
    power += 1;
  }
  return `${Number(number.toPrecision(3))} ${["", "k", "M", "G", "T"][power]}${unit}`.trim();
}

/** "1 parameter", "320 parameters". */
export const counted = (number, word) => `${whole(number ?? 0)} ${word}${number === 1 ? "" : "s"}`;

/** A box in words, as a screen reader says it. */
export function describe(node) {
  const parts = [node.name, node.type === node.name ? "" : node.type, ...node.shapes];
  if (node.count > 1) parts.splice(2, 0, `${node.count} times`);
  if (node.parameters) parts.push(counted(node.parameters, "parameter"));
  if (node.fresh) parts.push("new weights");
  if (node.locked) parts.push("locked");
  if (node.problem) parts.push(`${node.problem.level}: ${node.problem.text}`);
  return parts.filter(Boolean).join(", ");
}

function grouped(items, keyOf) {
  const found = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(item);
  }
  return found;
}

const middle = (node) => [node.x + node.width / 2, node.y + node.height / 2];

export class Graph {
  constructor({ nodes, edges }) {
    this.nodes = new Map(nodes.map((node) => [node.id, node]));
    this.edges = edges;
    this.into = grouped(edges, (edge) => edge.target);
    this.from = grouped(edges, (edge) => edge.source);
    const placed = [...nodes].sort((a, b) => a.y - b.y || a.x - b.x);
    this.inside = grouped(placed, (node) => node.parent);
  }

  /** Whether what is in a box is drawn. */
  isOpen(node) {
    return PARTS.includes(node.kind) && !node.folded && !node.shares;
  }

  isPart(node) {
    return PARTS.includes(node.kind);
  }

  /** The connection to an input of a box. */
  edge(target, position) {
    return this.into.get(target)?.find((edge) => edge.position === position);
  }

  /** Each box with its depth, from the top to the bottom; what is in a box behind it. */
  outline(parent = "", level = 1) {
    return (this.inside.get(parent) ?? []).flatMap((node) => [
      { node, level }, ...(this.isOpen(node) ? this.outline(node.id, level + 1) : []),
    ]);
  }

  /** The id of the box to which an arrow key leads; undefined at an end. */
  next(id, key) {
    const node = this.nodes.get(id);
    if (!node) return this.inside.get("")?.[0].id;
    if (key === "ArrowDown") return this.below(node, true) ?? this.toward(node, 0, 1);
    if (key === "ArrowUp") return this.above(node) ?? this.toward(node, 0, -1);
    return this.toward(node, key === "ArrowRight" ? 1 : -1, 0);
  }

  below(node, enter) {
    if (enter && this.isOpen(node) && this.inside.has(node.id)) {
      return this.inside.get(node.id)[0].id;
    }
    const edges = this.from.get(node.id) ?? [];
    const found = this.nearest(node, edges.map((edge) => edge.target));
    const outer = node.kind === "output" && this.nodes.get(node.parent);
    return found ?? (outer ? this.below(outer) : undefined);
  }

  above(node) {
    const edges = this.into.get(node.id) ?? [];
    const found = this.nodes.get(this.nearest(node, edges.map((edge) => edge.source)));
    if (!found) return node.kind === "input" && node.parent ? node.parent : undefined;
    return this.isOpen(found) ? (this.inside.get(found.id)?.at(-1).id ?? found.id) : found.id;
  }

  nearest(node, ids) {
    const [x, y] = middle(node);
    const far = (id) => {
      const [across, down] = middle(this.nodes.get(id));
      return Math.hypot(across - x, down - y);
    };
    return ids.filter((id) => this.nodes.has(id)).sort((a, b) => far(a) - far(b))[0];
  }

  /** The nearest box beside this one, in a direction. */
  toward(node, dx, dy) {
    const [x, y] = middle(node);
    let [best, least] = [undefined, Infinity];
    for (const other of this.inside.get(node.parent)) {
      const [across, down] = [middle(other)[0] - x, middle(other)[1] - y];
      const [ahead, aside] = dx ? [across * dx, Math.abs(down)] : [down * dy, Math.abs(across)];
      if (ahead > 1 && ahead >= aside / 2 && ahead + 3 * aside < least) {
        [best, least] = [other.id, ahead + 3 * aside];
      }
    }
    return best;
  }

  /** Where a box with one input goes if it is moved up or down its chain: before which input. */
  step(id, down) {
    const node = this.nodes.get(id);
    if (node?.reads.length !== 1) return null;
    if (!down) return this.edge(id, 0) && this.edge(this.edge(id, 0).source, 0);
    const reader = this.from.get(id)?.[0].target;
    return this.from.get(reader)?.[0];
  }

  /** The innermost box at a place, but for some. */
  at(x, y, but = new Set()) {
    let found;
    for (const node of this.nodes.values()) {
      const inside = x >= node.x && x <= node.x + node.width
        && y >= node.y && y <= node.y + node.height;
      if (inside && !but.has(node.id)) found = node;
    }
    return found;
  }
}

const STEPS = 8; // straight pieces of a curve

/** Points on the path of an SVG line, which consists of M, L and C. */
export function points(path) {
  const found = [];
  for (const [, command, rest] of path.matchAll(/([MLC])([^MLC]*)/g)) {
    const n = (rest.match(/-?[\d.]+(?:e-?\d+)?/g) ?? []).map(Number);
    if (command !== "C") {
      found.push([n[0], n[1]]);
      continue;
    }
    const [x, y] = found.at(-1);
    for (let i = 1; i <= STEPS; i += 1) {
      const t = i / STEPS;
      const weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t ** 2 * (1 - t), t ** 3];
      const along = (...at) => at.reduce((sum, value, j) => sum + value * weights[j], 0);
      found.push([along(x, n[0], n[2], n[4]), along(y, n[1], n[3], n[5])]);
    }
  }
  return found;
}

/** The distance of a place from a line. */
export function distance(line, x, y) {
  let least = Infinity;
  for (let i = 1; i < line.length; i += 1) {
    const [[x0, y0], [x1, y1]] = [line[i - 1], line[i]];
    const [dx, dy] = [x1 - x0, y1 - y0];
    const part = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1);
    const t = Math.min(Math.max(part, 0), 1);
    least = Math.min(least, Math.hypot(x0 + t * dx - x, y0 + t * dy - y));
  }
  return least;
}
