// Numbers and states as text: node --test tests/js
import assert from "node:assert/strict";
import test from "node:test";

import {
  epochText,
  formatBytes,
  formatDuration,
  formatNumber,
  formatRate,
  formatTick,
  formatValue,
  hasEnded,
  progressOf,
  statusText,
} from "../../kerasnb/notebook/static/numbers.js";

const each = (name, cases, of) =>
  test(name, () => {
    for (const [given, expected] of cases) {
      assert.equal(of(...[given].flat()), expected, JSON.stringify(given));
    }
  });

each(
  "a measured value keeps its zeros, so that decimals stand in line",
  [
    [0, "0"],
    [0.5, "0.5000"],
    [12.3, "12.30"],
    [-2, "-2.000"],
    [12345.6, "12346"],
    [0.00001, "1e-5"],
    [NaN, "–"],
    [undefined, "–"],
  ],
  formatValue,
);

each(
  "a number has four digits, and an exponent where it is very small or large",
  [
    [0, "0"],
    [0.5, "0.5"],
    [0.123456, "0.1235"],
    [-0.123456, "-0.1235"],
    [12.3456, "12.35"],
    [12345.6, "12346"],
    [1e-4, "0.0001"],
    [0.00001234, "1.23e-5"],
    [0.00001, "1e-5"],
    [1e6, "1e6"],
    [-2.5e7, "-2.5e7"],
    [NaN, "–"],
    [Infinity, "–"],
    [null, "–"],
    [undefined, "–"],
    ["3", "–"],
  ],
  formatNumber,
);

each(
  "ticks have the digits that tell neighbours apart",
  [
    [[0, 0.5], "0.0"],
    [[2, 1], "2"],
    [[0.15, 0.05], "0.15"],
    [[-40, 20], "-40"],
    [[0.0005, 0.0001], "5e-4"],
    [[200000, 50000], "2e5"],
    [[0.002, 0], "0.002"],
    [[50, 0], "50"],
  ],
  formatTick,
);

each(
  "seconds read as on a clock",
  [
    [0, "0:00"],
    [-3, "0:00"],
    [7.4, "0:07"],
    [59.6, "1:00"],
    [754, "12:34"],
    [3599.9, "1:00:00"],
    [3723, "1:02:03"],
  ],
  formatDuration,
);

each(
  "bytes have a unit of a fitting size",
  [
    [1500, "2 kB"],
    [2.1e8, "210 MB"],
    [2.34e9, "2.3 GB"],
  ],
  formatBytes,
);

each(
  "a slow rate is turned round",
  [
    [41.4, "41 steps/s"],
    [3.26, "3.3 steps/s"],
    [0.5, "2 s a step"],
    [0.07, "14 s a step"],
  ],
  formatRate,
);

const RUN = { epochs: 10, steps: 43 };

test("the status line says where training is, and how long it takes", () => {
  const status = { state: "running", epoch: 2, step: 17, rate: 41, eta: 12, memory: 2.1e8 };
  const line = "epoch 3 of 10, step 17 of 43, 41 steps/s, 0:12 left, 210 MB";
  assert.equal(statusText(RUN, status), `E${line.slice(1)}`);
  assert.equal(
    statusText(RUN, { ...status, state: "stopping" }),
    `Stopping at the next step: ${line}`,
  );
  assert.equal(statusText({}, { state: "running" }), "Epoch 1, step 0");
});

test("the status line of a run that rests or has ended has no time left", () => {
  const status = { epoch: 10, step: 43, rate: 41, eta: 12, elapsed: 61 };
  const say = (state) => statusText(RUN, { ...status, state });
  assert.equal(say("paused"), "Paused: epoch 10 of 10, step 43 of 43, after 1:01");
  assert.equal(say("stopped"), "Stopped: epoch 10 of 10, step 43 of 43, after 1:01");
  assert.equal(say("failed"), "Failed: epoch 10 of 10, step 43 of 43, after 1:01");
  assert.equal(say("done"), "Done: epoch 10 of 10, after 1:01");
});

test("a run has ended when it is done, stopped or failed", () => {
  const states = ["running", "paused", "stopping", "done", "stopped", "failed"];
  assert.deepEqual(states.filter(hasEnded), ["done", "stopped", "failed"]);
});

test("progress goes from 0 to 1 where the length is known", () => {
  assert.equal(progressOf(RUN, { state: "running" }), 0);
  assert.equal(progressOf({ epochs: 4, steps: 10 }, { state: "paused", epoch: 1, step: 5 }), 0.375);
  assert.equal(progressOf({ epochs: 4 }, { state: "running", epoch: 1, step: 5 }), 0.25);
  assert.equal(progressOf({ epochs: 4, steps: 10 }, { state: "running", epoch: 4, step: 90 }), 1);
  assert.equal(progressOf({}, { state: "running", epoch: 3 }), null);
  assert.equal(progressOf({}, { state: "done" }), 1);
});

test("an epoch is a sentence", () => {
  const row = { loss: 0.123456, val_loss: null };
  assert.equal(epochText(RUN, 3, row), "Epoch 3 of 10: loss 0.1235, val_loss –");
  assert.equal(epochText({}, 3, { loss: 2 }), "Epoch 3: loss 2.000");
});
