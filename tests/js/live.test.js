// The live view between a person and the kernel, with fake timers: node --test tests/js
import assert from "node:assert/strict";
import test from "node:test";

import liveView from "../../kerasnb/notebook/static/live.js";
import { makeModel, render } from "./dom.js";

const RUN = { id: "run-1", title: "net, run 1", epochs: 3, steps: 10, blocking: true };
const STATUS = { state: "running", controls: true, learning_rate: 0.01, message: "" };

const snapshotOf = (status) => ({ run: RUN, status: { ...STATUS, ...status } });
const pointsOf = (status) => ({ kind: "points", status });

/** A view of a run, and what reaches the kernel. */
function makeView(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const kernel = { clientId: "client", interrupts: 0, sendControlMessage() {} };
  kernel.interrupt = () => {
    kernel.interrupts += 1;
  };
  const model = makeModel({ snapshot: snapshotOf() }, { kernel });
  const widget = liveView();
  const close = widget.initialize({ model });
  const { el, remove } = render(widget, model);
  t.after(() => {
    document.activeElement = null;
    remove();
    close();
  });
  const part = (name) => el.find(`kerasnb-${name}`);
  return {
    model, kernel, part,
    tick: (ms) => t.mock.timers.tick(ms),
    hear: (message) => model.emit("msg:custom", message),
    warning: () => part("warning").textContent,
  };
}

test("no answer is no longer said once the kernel says anything", (t) => {
  const { model, part, tick, hear, warning } = makeView(t);
  const ways = [
    () => hear(pointsOf({ step: 3 })),
    () => hear({ kind: "kept", model: "another", bundle: {} }),
    () => hear({ kind: "ack", id: "another" }),
    () => model.change("snapshot", snapshotOf({ step: 4 })),
  ];
  for (const say of ways) {
    part("pause").fire("click");
    tick(4000);
    assert.match(warning(), /^No answer\. /);
    say();
    assert.equal(warning(), "");
  }
});

for (const state of ["done", "stopped", "failed"]) {
  for (const way of ["points", "snapshot"]) {
    test(`Stop interrupts nothing in a run that is ${state}, as told by ${way}`, (t) => {
      const { model, kernel, part, tick, hear, warning } = makeView(t);
      part("stop").fire("click");
      tick(999);
      if (way === "points") hear(pointsOf({ state }));
      else model.change("snapshot", snapshotOf({ state }));
      tick(10_000);
      assert.equal(kernel.interrupts, 0);
      assert.equal(warning(), "");
    });
  }
}

test("Stop interrupts a run that goes on, and not one that has answered", (t) => {
  const { model, kernel, part, tick, hear } = makeView(t);
  part("stop").fire("click");
  hear(pointsOf({ step: 3 }));
  tick(1000);
  assert.equal(kernel.interrupts, 1);
  part("stop").fire("click");
  hear({ kind: "ack", id: model.sent[1].id });
  tick(1000);
  assert.equal(kernel.interrupts, 1);
});

test("a run that has ended is asked for nothing", (t) => {
  const { model, kernel, part, tick, hear, warning } = makeView(t);
  for (const rate of [0.02, 0.03]) {
    part("lr-number").value = rate;
    part("lr-number").fire("change"); // the second waits for its turn
  }
  hear(pointsOf({ state: "done" }));
  part("stop").fire("click");
  tick(10_000);
  assert.deepEqual(model.sent.map(({ value }) => value), [0.02]);
  assert.equal(kernel.interrupts, 0);
  assert.equal(warning(), "");
});

test("a refusal is told for some seconds, and the rate set back", (t) => {
  const { model, part, tick, hear, warning } = makeView(t);
  const [slider, number] = [part("lr"), part("lr-number")];
  document.activeElement = number; // where it stays after Enter
  number.value = "5";
  number.fire("change");
  part("pause").fire("click");
  assert.equal(slider.value, Math.log10(5));
  const [rate, pause] = model.sent;
  hear({ kind: "ack", id: rate.id, refused: "The learning rate follows a schedule." });
  hear({ kind: "ack", id: pause.id });
  hear(pointsOf({ step: 3 }));
  assert.equal(warning(), "The learning rate follows a schedule.");
  assert.deepEqual([slider.value, number.value], [-2, 0.01]);
  tick(5999);
  assert.equal(warning(), "The learning rate follows a schedule.");
  tick(1);
  assert.equal(warning(), "");
});

test("a refusal where there is no rate to go back to", (t) => {
  const { hear, warning } = makeView(t);
  hear(pointsOf({ learning_rate: null }));
  hear({ kind: "ack", id: "any", refused: "The learning rate follows a schedule." });
  assert.equal(warning(), "The learning rate follows a schedule.");
});

test("what is no rate is not sent, and set back", (t) => {
  const { model, part } = makeView(t);
  const number = part("lr-number");
  document.activeElement = number;
  for (const wrong of ["0", "-1", ""]) {
    number.value = wrong;
    number.fire("change");
    assert.equal(number.value, 0.01);
  }
  assert.deepEqual(model.sent, []);
});
