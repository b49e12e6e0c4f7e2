// What the view keeps of a run: node --test tests/js
import assert from "node:assert/strict";
import test from "node:test";

import { curvesOf } from "../../kerasnb/notebook/static/chart.js";
import {
  addPoints,
  append,
  extentOf,
  fromSnapshot,
  nearest,
  rowOf,
  smooth,
  thin,
} from "../../kerasnb/notebook/static/series.js";

/** Curves as the view keeps them: their values have no prototype. */
const curves = (x, values, number = x) => ({
  x: [...x], number: [...number], values: bare(values),
});
const bare = (values) => Object.assign(Object.create(null), values);

test("a snapshot may lack everything", () => {
  for (const given of [undefined, null, {}]) {
    const state = fromSnapshot(given);
    assert.equal(state.status.state, "running");
    assert.equal(state.status.controls, false);
    assert.equal(state.run.epochs, null);
    assert.deepEqual(state.batch, curves([], {}));
    assert.deepEqual([state.metrics, state.earlier], [[], []]);
  }
});

test("a snapshot is copied: what is added later does not change it", () => {
  const given = {
    run: { title: "net" },
    metrics: ["loss"],
    batch: curves([1], { loss: [3] }),
    earlier: [{ title: "before", ...curves([1], { loss: [9] }) }],
  };
  const before = JSON.stringify(given);
  const state = fromSnapshot(given);
  addPoints(state, { batch: curves([2], { loss: [2] }), status: { state: "paused" } });
  assert.equal(JSON.stringify(given), before);
  assert.deepEqual(state.batch, curves([1, 2], { loss: [3, 2] }));
  assert.equal(state.status.state, "paused");
  assert.equal(state.status.message, "");
  assert.equal(state.earlier[0].title, "before");
});

test("what is there already is not appended again", () => {
  const state = curves([1, 2], { loss: [3, 2] });
  append(state, curves([1, 2, 3], { loss: [3, 2, 1] }));
  append(state, curves([2, 3], { loss: [2, 1] }));
  assert.deepEqual(state, curves([1, 2, 3], { loss: [3, 2, 1] }));
});

test("metrics that come late or stay out have gaps", () => {
  const state = curves([1], { loss: [3] });
  append(state, curves([2], { loss: [2], val_loss: [4] }));
  append(state, curves([3], { val_loss: [5] }));
  assert.deepEqual(state.values, bare({ loss: [3, 2, null], val_loss: [null, 4, 5] }));
});

test("a metric may have any name", () => {
  const names = ["constructor", "__proto__", "toString", "hasOwnProperty"];
  const lists = (value) => Object.fromEntries(names.map((name) => [name, [value]]));
  const state = fromSnapshot({ epoch: curves([1], lists(3)), metrics: names });
  for (const name of names) {
    // drawn before there is any batch, and with gaps where a message lacks it
    const [curve, ...more] = curvesOf(state, name, { smoothing: 0.5, compare: true });
    assert.deepEqual([curve.kind, curve.y, more], ["train", [3], []]);
  }
  addPoints(state, { batch: curves([1], lists(5)), epoch: curves([2], { loss: [1] }) });
  addPoints(state, { batch: curves([2], lists(6)) });
  for (const name of names) {
    assert.deepEqual(state.batch.values[name], [5, 6]);
    assert.equal(rowOf(state.epoch, 0)[name], 3);
    const kinds = curvesOf(state, name, { smoothing: 0.5 }).map((curve) => curve.look);
    assert.deepEqual(kinds, ["raw", "batch smoothed", "train"]);
  }
});

test("smoothing starts at the first value and passes over gaps", () => {
  assert.deepEqual(smooth([4, 4, 4], 0), [4, 4, 4]);
  assert.deepEqual(smooth([1, 2, null, 3], 0), [1, 2, null, 3]);
  const smoothed = smooth([2, 2, null, 2, 5], 0.9);
  [2, 2, null, 2].forEach((value, i) => {
    if (value === null) assert.equal(smoothed[i], null);
    else assert.ok(Math.abs(smoothed[i] - value) < 1e-12);
  });
  assert.ok(smoothed[4] > 2 && smoothed[4] < 3.5);
  // weights 1/4 and 1/2, whose sum is 3/4: (1/4 · 0 + 1/2 · 3) / (3/4)
  assert.ok(Math.abs(smooth([0, 3], 0.5)[1] - 2) < 1e-12);
});

test("the extent leaves out gaps, and on request what has no logarithm", () => {
  assert.deepEqual(extentOf([[3, null, -1], [7, undefined]]), [-1, 7]);
  assert.deepEqual(extentOf([[3, 0, -1], [7]], true), [3, 7]);
  assert.equal(extentOf([[null], []]), null);
  assert.equal(extentOf([[-1, 0]], true), null);
});

test("nearest finds the nearer neighbour, and stays within the list", () => {
  const xs = [1, 2, 4, 8];
  const wanted = [[0, 0], [1, 0], [1.4, 0], [1.6, 1], [3, 1], [3.1, 2], [6.5, 3], [99, 3]];
  for (const [x, index] of wanted) assert.equal(nearest(xs, x), index, String(x));
  assert.equal(nearest([], 3), -1);
  assert.equal(nearest([5], -3), 0);
});

test("thinning keeps the ends, every spike and every gap", () => {
  const x = Array.from({ length: 10_000 }, (_, i) => i);
  const y = x.map(() => 1);
  y[1234] = 99;
  y[5678] = -99;
  y[7777] = null;
  const kept = thin(x, y, 100);
  assert.ok(kept.x.length <= 5 * 101, String(kept.x.length));
  assert.equal(kept.x[0], 0);
  assert.equal(kept.x.at(-1), 9999);
  for (const place of [1234, 5678, 7777]) {
    assert.equal(kept.y[kept.x.indexOf(place)], y[place], String(place));
  }
  kept.x.forEach((value, i) => assert.ok(i === 0 || value > kept.x[i - 1]));
});

test("few points are left as they are", () => {
  const [x, y] = [[1, 2, 3], [1, null, 3]];
  assert.deepEqual(thin(x, y, 100), { x, y });
});

test("a row holds the values that there are", () => {
  const state = { values: { loss: [1, 2], val_loss: [null] } };
  assert.deepEqual(rowOf(state, 0), bare({ loss: 1, val_loss: null }));
  assert.deepEqual(rowOf(state, 1), bare({ loss: 2 }));
});
