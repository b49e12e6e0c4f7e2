// The drawing pad: its pure functions, and its patience: node --test tests/js
import assert from "node:assert/strict";
import test from "node:test";

import pad, {
  SIZE,
  guess,
  measure,
  paintLine,
  toGrid,
  toPixels,
} from "../../kerasnb/notebook/static/pad.js";
import { makeModel, render } from "./dom.js";

const near = (actual, expected, within, what) =>
  assert.ok(Math.abs(actual - expected) <= within, `${what}: ${actual}, expected ${expected}`);

const paper = () => new Float32Array(SIZE * SIZE);

/** The centre of mass of a grid, in its own pixels. */
function centreOf(grid, side) {
  let [mass, x, y] = [0, 0, 0];
  grid.forEach((value, i) => {
    mass += value;
    x += value * ((i % side) + 0.5);
    y += value * (Math.floor(i / side) + 0.5);
  });
  return [x / mass, y / mass];
}

test("a dot is a round of ink with a soft edge", () => {
  const ink = paper();
  paintLine(ink, SIZE, [56, 56], [56, 56], 5);
  const mass = ink.reduce((sum, value) => sum + value, 0);
  near(mass, Math.PI * 5 * 5, 3, "area");
  assert.equal(ink[56 * SIZE + 56], 1);
  assert.equal(ink[56 * SIZE + 64], 0);
  assert.ok(ink.some((value) => value > 0 && value < 1));
  assert.ok(ink.every((value) => value >= 0 && value <= 1));
});

test("a line is as long as it was drawn, and painting again adds nothing", () => {
  const ink = paper();
  paintLine(ink, SIZE, [20, 50], [80, 50], 4);
  const found = measure(ink, SIZE);
  near(found.x, 50, 0.01, "x");
  near(found.y, 50, 0.01, "y");
  near(found.extent, 68, 2, "length and two ends");
  const before = ink.slice();
  paintLine(ink, SIZE, [80, 50], [20, 50], 4);
  assert.deepEqual(ink, before);
});

test("drawing over the edge paints what is on the paper", () => {
  const ink = paper();
  paintLine(ink, SIZE, [-50, -50], [200, 200], 5);
  paintLine(ink, SIZE, [SIZE, 0], [SIZE, 0], 5);
  assert.equal(ink.length, SIZE * SIZE);
  assert.ok(ink[0] > 0 && ink[SIZE * SIZE - 1] > 0 && ink[SIZE - 1] > 0);
});

test("nothing drawn is nothing", () => {
  assert.equal(measure(paper(), SIZE), null);
  assert.deepEqual(toGrid(paper(), SIZE, 8, 1, true), new Array(64).fill(0));
});

test("without centring, a pixel is the mean of the ink above it", () => {
  const ink = paper();
  const block = SIZE / 8;
  for (let y = 0; y < block; y += 1) {
    for (let x = 0; x < block; x += 1) {
      ink[(2 * block + y) * SIZE + 5 * block + x] = 1;
      if (x < block / 2) ink[y * SIZE + x] = 1;
    }
  }
  const grid = toGrid(ink, SIZE, 8, 1, false);
  assert.equal(grid[2 * 8 + 5], 1);
  near(grid[0], 0.5, 0.04, "half a block");
  near(grid.reduce((sum, value) => sum + value, 0), 1.5, 0.04, "all ink");
});

test("centring puts the centre of mass in the middle, however large the drawing", () => {
  for (const side of [8, 28]) {
    for (const [left, top, length] of [
      [8, 8, 20],
      [60, 70, 30],
      [20, 15, 70],
    ]) {
      const ink = paper();
      paintLine(ink, SIZE, [left, top], [left + length / 2, top + length], 5.5);
      paintLine(ink, SIZE, [left + length / 2, top + length], [left + length / 2, top], 5.5);
      const [x, y] = centreOf(toGrid(ink, SIZE, side, 20 / 28, true), side);
      near(x, side / 2, 0.15, "x");
      near(y, side / 2, 0.15, "y");
    }
  }
});

test("centring makes the longer side fill its part of the picture", () => {
  for (const length of [30, 60, 95]) {
    const ink = paper();
    paintLine(ink, SIZE, [56, 8], [56, 8 + length], 4);
    const grid = toGrid(ink, SIZE, 28, 20 / 28, true);
    const rows = [...Array(28).keys()].filter((row) =>
      grid.slice(28 * row, 28 * row + 28).some((value) => value > 0.3),
    );
    near(rows.at(-1) - rows[0] + 1, 20, 1, "rows with ink");
  }
});

test("what goes to the kernel is numbers from 0 to 1, as many as the model takes", () => {
  const ink = paper();
  paintLine(ink, SIZE, [3, 3], [100, 90], 5);
  for (const side of [4, 8, 28, 64]) {
    for (const centre of [true, false]) {
      const grid = toGrid(ink, SIZE, side, 1, centre);
      assert.equal(grid.length, side * side);
      assert.ok(grid.every((value) => value >= 0 && value <= 1));
      assert.ok(JSON.stringify(grid).length < 60000);
    }
  }
});

test("ink is white on black", () => {
  assert.deepEqual(Array.from(toPixels([0, 1])), [0, 0, 0, 255, 255, 255, 255, 255]);
});

test("the likeliest class is the guess", () => {
  assert.equal(
    guess([
      ["3", 0.1],
      ["<i>8</i>", 0.876],
    ]),
    "Looks like <i>8</i> (88 %)",
  );
});

test("an answer that comes late is shown, if it is to the newest question", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const model = makeModel({ settings: { side: 8, fill: 1, pen: 0.05, centre: false } });
  const { el, remove } = render(pad, model);
  const status = () => el.find("status").textContent;
  const ask = (key) => {
    el.find("paper").fire("keydown", { key, shiftKey: true });
    t.mock.timers.tick(4000);
    assert.match(status(), /^No answer\. /);
  };
  const answer = ({ id }, name) =>
    model.emit("msg:custom", { op: "prediction", id, bars: [[name, 0.8], ["8", 0.2]] });

  ask(" ");
  answer(model.sent[0], "1");
  assert.equal(status(), "Looks like 1 (80 %)");

  ask("ArrowUp");
  ask("ArrowLeft");
  answer(model.sent[1], "2");
  assert.match(status(), /^No answer\. /);
  answer(model.sent[2], "3");
  assert.equal(status(), "Looks like 3 (80 %)");
  assert.equal(model.sent.length, 3);
  remove();
});
