// The pure functions of the confusion matrix: node --test tests/js
import assert from "node:assert/strict";
import test from "node:test";

import {
  cellSize,
  depth,
  describe,
  heading,
  move,
} from "../../kerasnb/notebook/static/confusion.js";
import { percent, toRGBA } from "../../kerasnb/notebook/static/page.js";

const DATA = {
  classes: ["cat", "<b>dog</b>", "owl"],
  numbers: [4, 7, 9],
  counts: [
    [8, 2, 0],
    [1, 0, 0],
    [0, 0, 0],
  ],
  totals: [10, 1, 0],
};

test("a cell is the deeper, the larger its share of the row", () => {
  assert.equal(depth(0, 10, false), 0);
  assert.equal(depth(0, 0, true), 0);
  assert.equal(depth(10, 10, true), 1);
  assert.equal(depth(10, 10, false), 1);
  assert.ok(depth(1, 1000, false) > 0.15, "a single mistake can be seen");
  assert.ok(depth(5, 10, false) > depth(5, 10, true), "mistakes are shown deeper");
  for (let count = 1; count < 50; count += 1) {
    assert.ok(depth(count + 1, 50, true) > depth(count, 50, true));
    assert.ok(depth(count + 1, 50, false) > depth(count, 50, false));
  }
});

test("cells get smaller with more classes", () => {
  assert.deepEqual([2, 12, 13, 25, 26, 100].map(cellSize), [36, 36, 28, 28, 14, 14]);
});

test("keys move within the matrix and never out of it", () => {
  const cases = [
    ["ArrowUp", false, [0, 1], [0, 1]],
    ["ArrowUp", false, [2, 1], [1, 1]],
    ["ArrowDown", false, [2, 1], [2, 1]],
    ["ArrowDown", false, [1, 1], [2, 1]],
    ["ArrowLeft", false, [1, 0], [1, 0]],
    ["ArrowLeft", false, [1, 2], [1, 1]],
    ["ArrowRight", false, [1, 2], [1, 2]],
    ["ArrowRight", false, [1, 0], [1, 1]],
    ["Home", false, [1, 2], [1, 0]],
    ["End", false, [1, 0], [1, 2]],
    ["Home", true, [1, 2], [0, 0]],
    ["End", true, [1, 0], [2, 2]],
  ];
  for (const [key, control, from, to] of cases) {
    assert.deepEqual(move(key, control, ...from, 3), to);
  }
  for (const key of ["a", "Tab", "Enter", "PageDown"]) {
    assert.equal(move(key, false, 1, 1, 3), null);
  }
});

test("a cell and its examples are named in words", () => {
  assert.equal(describe(DATA, 0, 1), "true cat, predicted <b>dog</b>: 2 of 10 examples (20 %)");
  assert.equal(describe(DATA, 2, 0), "true owl, predicted cat: 0 of 0 examples");
  assert.equal(heading(DATA, { true: 4, predicted: 4, count: 8 }), "8 examples of cat, recognised");
  assert.equal(
    heading(DATA, { true: 7, predicted: 4, count: 1 }),
    "1 example of <b>dog</b>, taken for cat",
  );
});

test("shares are written in percent", () => {
  const written = [0, 0.004, 0.0096, 0.5, 0.904, 0.99, 0.996, 1].map(percent);
  assert.deepEqual(written, ["0 %", "< 1 %", "1 %", "50 %", "90 %", "99 %", "> 99 %", "100 %"]);
});

test("pixels become red, green, blue and opaque", () => {
  const bytes = Uint8Array.from([9, 9, 10, 20, 30, 40, 50, 60]);
  assert.deepEqual(Array.from(toRGBA(bytes, 2, 2, 1)), [10, 10, 10, 255, 20, 20, 20, 255]);
  assert.deepEqual(Array.from(toRGBA(bytes, 2, 2, 3)), [10, 20, 30, 255, 40, 50, 60, 255]);
});
