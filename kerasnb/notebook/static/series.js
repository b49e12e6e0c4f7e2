// What the view keeps of a run, and what is computed from it before drawing. Nothing here touches
// the page. Curves are {x: [...], values: {name: [...]}} with null where there is no finite value.
// They stay short, as the kernel merges points and then sends a new snapshot (curves.py). A metric
// may have any name, also "constructor" or "__proto__": so `values` has no prototype.

/** A run as a snapshot tells it. */
export function fromSnapshot(snapshot) {
  const given = snapshot ?? {};
  return {
    run: { title: "", epochs: null, steps: null, unit: "epoch", ...given.run },
    status: { state: "running", controls: false, message: "", ...given.status },
    metrics: [...(given.metrics ?? [])],
    batch: copyOf(given.batch),
    epoch: copyOf(given.epoch),
    earlier: (given.earlier ?? []).map((run) => ({ title: run.title ?? "", ...copyOf(run) })),
  };
}

function copyOf(curves) {
  const values = Object.create(null);
  for (const [name, list] of Object.entries(curves?.values ?? {})) values[name] = [...list];
  return { x: [...(curves?.x ?? [])], number: [...(curves?.number ?? [])], values };
}

/** Adds the points and epochs of a message to `state`, which it changes. */
export function addPoints(state, message) {
  if (message.status) state.status = { ...state.status, ...message.status };
  if (message.batch) append(state.batch, message.batch);
  if (message.epoch) append(state.epoch, message.epoch);
}

/** Appends what lies behind the last x; what came before, in a snapshot for one, is left out. */
export function append(curves, more) {
  const last = curves.x.length ? curves.x[curves.x.length - 1] : -Infinity;
  const from = more.x.findIndex((x) => x > last);
  if (from < 0) return;
  const before = curves.x.length;
  curves.x.push(...more.x.slice(from));
  if (more.number) curves.number.push(...more.number.slice(from));
  for (const name of Object.keys(more.values)) {
    curves.values[name] ??= new Array(before).fill(null);
    curves.values[name].push(...more.values[name].slice(from));
  }
  for (const list of Object.values(curves.values)) {
    while (list.length < curves.x.length) list.push(null); // a metric that this message lacks
  }
}

/**
 * The exponential moving average, divided by the sum of its weights so that it starts at the first
 * value and not near 0 (as Adam corrects its moments). Gaps stay gaps and do not reset it.
 */
export function smooth(values, weight) {
  let mean = 0;
  let total = 0;
  return values.map((value) => {
    if (value === null || value === undefined) return null;
    mean = weight * mean + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return mean / total;
  });
}

/** The smallest and largest value of several lists, of the positive ones on request; or null. */
export function extentOf(lists, positive = false) {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (const value of list) {
      if (typeof value !== "number" || (positive && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : null;
}

/** The index in ascending `xs` of what is nearest to `x`; -1 in an empty list. */
export function nearest(xs, x) {
  let low = 0;
  let high = xs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - xs[low - 1] <= xs[low] - x ? low - 1 : Math.min(low, xs.length - 1);
}

/**
 * As many points as `columns` of pixels can show: of each column the first, lowest, highest and
 * last, so that no spike is lost, and one gap if it holds any.
 */
export function thin(x, y, columns) {
  if (x.length <= 4 * columns) return { x, y };
  const scale = columns / (x[x.length - 1] - x[0] || 1);
  const kept = { x: [], y: [] };
  let start = 0;
  for (let i = 1; i <= x.length; i++) {
    const column = Math.floor((x[start] - x[0]) * scale);
    if (i < x.length && Math.floor((x[i] - x[0]) * scale) === column) continue;
    for (const index of tellingPoints(y, start, i)) {
      kept.x.push(x[index]);
      kept.y.push(y[index]);
    }
    start = i;
  }
  return kept;
}

function tellingPoints(y, start, end) {
  let low = -1;
  let high = -1;
  let gap = start;
  for (let i = start; i < end; i++) {
    if (typeof y[i] !== "number") {
      gap = i;
      continue;
    }
    if (low < 0 || y[i] < y[low]) low = i;
    if (high < 0 || y[i] > y[high]) high = i;
  }
  const found = [start, low, high, gap, end - 1].filter((index) => index >= 0);
  return [...new Set(found)].sort((a, b) => a - b);
}

/** The values of one row of epochs, those that exist: {loss: 0.1, val_loss: 0.2}. */
export function rowOf(curves, index) {
  const row = Object.create(null);
  for (const [name, list] of Object.entries(curves.values)) {
    if (list[index] !== undefined) row[name] = list[index];
  }
  return row;
}
