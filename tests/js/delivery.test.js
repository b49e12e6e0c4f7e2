// Wishes on their way to the kernel, with fake timers: node --test tests/js
import assert from "node:assert/strict";
import test from "node:test";

import { controlMessage } from "../../kerasnb/notebook/static/control.js";
import { Delivery } from "../../kerasnb/notebook/static/delivery.js";

/** A widget's model with a kernel that only notes what reaches it. */
function makeModel({ control = true, kernel = true } = {}) {
  const seen = { sent: [], control: [], interrupts: 0, silence: [] };
  const sendControlMessage = (...given) => {
    if (!control) throw new TypeError("no such function");
    seen.control.push(given);
  };
  const interrupt = () => {
    seen.interrupts += 1;
  };
  const manager = { kernel: { clientId: "client", username: "", sendControlMessage, interrupt } };
  const model = {
    widget_manager: kernel ? manager : undefined,
    send: (message) => seen.sent.push(message),
  };
  return { seen, delivery: new Delivery(model, (silent) => seen.silence.push(silent)) };
}

const TO = { identity: "run-1", blocking: true };

test("a message for the control channel has the protocol's form", () => {
  const message = controlMessage({ clientId: "c" }, "run-1", { op: "stop" });
  assert.equal(message.channel, "control");
  assert.equal(message.header.msg_type, "kerasnb_request");
  assert.equal(message.header.session, "c");
  assert.equal(message.header.username, "");
  assert.ok(message.header.msg_id.length > 5);
  assert.ok(!Number.isNaN(Date.parse(message.header.date)));
  assert.deepEqual(message.content, { model_id: "run-1", message: { op: "stop" } });
  assert.deepEqual([message.parent_header, message.metadata, message.buffers], [{}, {}, []]);
});

test("a wish goes both ways under one id", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { seen, delivery } = makeModel();
  delivery.send("learning_rate", 0.5, TO);
  delivery.send("pause", undefined, TO);
  const [rate, pause] = seen.sent;
  assert.equal(rate.op, "learning_rate");
  assert.equal(rate.value, 0.5);
  assert.ok(!("value" in pause));
  assert.notEqual(rate.id, pause.id);
  assert.deepEqual(seen.control.map(([message]) => message.content.message), [rate, pause]);
  assert.deepEqual(seen.control.map((given) => given.slice(1)), [[false, true], [false, true]]);
  delivery.close();
});

test("an answer in time ends the waiting", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { seen, delivery } = makeModel();
  delivery.send("stop", undefined, TO);
  t.mock.timers.tick(900);
  delivery.answered("another");
  assert.deepEqual(seen.silence, []);
  delivery.answered(seen.sent[0].id);
  delivery.answered(seen.sent[0].id);
  t.mock.timers.tick(10_000);
  assert.equal(seen.interrupts, 0);
  assert.deepEqual(seen.silence, []);
});

test("silence ends with whatever the kernel says", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { seen, delivery } = makeModel();
  delivery.heard();
  delivery.send("pause", undefined, TO);
  t.mock.timers.tick(5000);
  assert.deepEqual(seen.silence, [true]);
  delivery.heard();
  delivery.heard();
  assert.deepEqual(seen.silence, [true, false]);
});

test("Stop without an answer becomes an interrupt after a second, once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { seen, delivery } = makeModel();
  delivery.send("stop", undefined, TO);
  t.mock.timers.tick(999);
  assert.equal(seen.interrupts, 0);
  t.mock.timers.tick(1);
  assert.equal(seen.interrupts, 1);
  t.mock.timers.tick(2999);
  assert.deepEqual(seen.silence, []);
  t.mock.timers.tick(1);
  assert.deepEqual(seen.silence, [true]);
  t.mock.timers.tick(10_000);
  assert.equal(seen.interrupts, 1);
});

test("nothing else interrupts", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { seen, delivery } = makeModel();
  for (const op of ["pause", "resume", "step"]) delivery.send(op, undefined, TO);
  delivery.send("stop", undefined, { ...TO, blocking: false }); // it would hit another cell
  t.mock.timers.tick(10_000);
  assert.equal(seen.interrupts, 0);
  assert.deepEqual(seen.silence, [true, true, true, true]);
});

test("without a control channel, or a kernel, the usual way remains", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const warn = t.mock.method(console, "warn", () => {});
  for (const without of [{ control: false }, { kernel: false }]) {
    const { seen, delivery } = makeModel(without);
    delivery.send("stop", undefined, TO);
    assert.deepEqual(seen.sent.map(({ op }) => op), ["stop"]);
    delivery.close();
  }
  assert.equal(warn.mock.callCount(), 1);
});

test("after the end of training nothing is interrupted, nor waited for", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { seen, delivery } = makeModel();
  delivery.send("stop", undefined, TO);
  delivery.close();
  t.mock.timers.tick(10_000);
  assert.equal(seen.interrupts, 0);
  assert.deepEqual(seen.silence, []);
});
