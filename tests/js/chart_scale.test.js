// Ticks, scales and paths: node --test tests/js
import assert from "node:assert/strict";
import test from "node:test";

import {
  domainOf,
  dotsText,
  linearTicks,
  logTicks,
  pathText,
  scaleOf,
} from "../../kerasnb/notebook/static/chart_scale.js";

const near = (actual, expected) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}`);

test("linear ticks are round numbers within the range", () => {
  assert.deepEqual(linearTicks(0, 1, 5), { ticks: [0, 0.2, 0.4, 0.6, 0.8, 1], step: 0.2 });
  assert.deepEqual(linearTicks(0.07, 0.33, 3).ticks, [0.1, 0.2, 0.3]);
  assert.deepEqual(linearTicks(-3, 7, 2).ticks, [0, 5]);
  assert.deepEqual(linearTicks(1e6, 3e6, 2).ticks, [1e6, 2e6, 3e6]);
});

test("whole ticks are whole", () => {
  assert.deepEqual(linearTicks(0, 3, 8, true), { ticks: [0, 1, 2, 3], step: 1 });
  assert.equal(linearTicks(0, 3, 8).step, 0.5);
});

test("an empty range has one tick", () => {
  for (const [low, high] of [[2, 2], [2, 1], [2, NaN], [2, Infinity]]) {
    assert.deepEqual(linearTicks(low, high, 5), { ticks: [2], step: 0 });
  }
});

test("ticks stay few and ascending, whatever the range", () => {
  for (let exponent = -12; exponent <= 12; exponent += 1) {
    for (const width of [1, 1.7, 3.3, 9.9]) {
      const low = 0.37 * 10 ** exponent;
      const high = low + width * 10 ** exponent;
      const { ticks } = linearTicks(low, high, 5);
      assert.ok(ticks.length >= 2 && ticks.length <= 7, `${low} ${high}: ${ticks}`);
      ticks.forEach((tick, i) => assert.ok(i === 0 || tick > ticks[i - 1]));
      assert.ok(ticks[0] >= low * (1 - 1e-9) && ticks.at(-1) <= high * (1 + 1e-9));
    }
  }
});

test("logarithmic ticks: powers of ten, more between them when they are few", () => {
  assert.deepEqual(logTicks(1e-3, 1e3, 10).ticks, [1e-3, 1e-2, 0.1, 1, 10, 100, 1000]);
  assert.deepEqual(logTicks(1e-6, 1e6, 3).ticks, [1e-6, 1e-2, 1e2, 1e6]);
  assert.deepEqual(logTicks(0.9, 11, 5).ticks, [1, 2, 5, 10]);
  assert.deepEqual(logTicks(0.3, 0.7, 5).ticks, [0.3, 0.4, 0.5, 0.6, 0.7]);
});

test("a logarithmic range within two ticks gets linear ones", () => {
  const { ticks, step } = logTicks(0.101, 0.109, 4);
  assert.deepEqual(ticks, [0.102, 0.104, 0.106, 0.108]);
  near(step, 0.002);
});

test("an axis has a margin and is never empty", () => {
  assert.deepEqual(domainOf(0, 10, false), [-0.5, 10.5]);
  assert.deepEqual(domainOf(0, 0, false), [-0.5, 0.5]);
  assert.deepEqual(domainOf(-2, -2, false), [-2.2, -1.8]);
  assert.deepEqual(domainOf(4, 4, true), [2, 8]);
  const [low, high] = domainOf(1e-3, 1e3, true);
  assert.ok(low > 0 && low < 1e-3 && high > 1e3);
});

test("a scale leads from values to pixels, also upside down", () => {
  const down = scaleOf([0, 10], [200, 0]);
  assert.deepEqual([0, 5, 10].map(down), [200, 100, 0]);
  const log = scaleOf([0.01, 100], [0, 40], true);
  near(log(1), 20);
  near(log(10), 30);
});

test("what has no place on a scale is no number", () => {
  const linear = scaleOf([0, 1], [0, 100]);
  const log = scaleOf([1, 10], [0, 100], true);
  for (const place of [linear(null), linear(undefined), log(0), log(-1), log(null)]) {
    assert.ok(Number.isNaN(place));
  }
  assert.equal(scaleOf([3, 3], [10, 90])(3), 10);
});

const one = (value) => (typeof value === "number" ? value : NaN);

test("a path breaks at gaps, and a lone point is a dot", () => {
  assert.equal(pathText([0, 1, 2], [5, 6.04, 7.06], one, one), "M0,5L1,6L2,7.1");
  assert.equal(pathText([0, 1, 2, 3], [5, 6, null, 8], one, one), "M0,5L1,6M3,8h0");
  assert.equal(pathText([0, 1, 2, 3], [5, null, null, 8], one, one), "M0,5h0M3,8h0");
  assert.equal(pathText([0, 1], [null, null], one, one), "");
  assert.equal(pathText([], [], one, one), "");
});

test("dots are lines without length", () => {
  assert.equal(dotsText([0, 1, 2], [5, null, 7.25], one, one), "M0,5h0M2,7.3h0");
});
