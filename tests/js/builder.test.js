// The builder between a person and the kernel, with fake timers: node --test tests/js
import assert from "node:assert/strict";
import test from "node:test";

import "./dom.js";
import {
  counted, describe, distance, Graph, points, short,
} from "../../kerasnb/notebook/static/builder_graph.js";
import { facts, weightTable } from "../../kerasnb/notebook/static/builder_inspector.js";
import { actionOf, isGlobal } from "../../kerasnb/notebook/static/builder_keys.js";
import { rank } from "../../kerasnb/notebook/static/builder_palette.js";
import { Field, Questions } from "../../kerasnb/notebook/static/builder_parts.js";
import { makeModel } from "./dom.js";

const USUAL = {
  kind: "layer", parent: "", type: "Dense", width: 100, height: 40, folded: false, count: 1,
  shares: "", shapes: ["64"], parameters: 0, problem: null, reads: [],
};
const node = (id, x, y, more) => ({ ...USUAL, id, name: id, x, y, ...more });
const link = (source, target, position = 0) => ({
  source, output: 0, target, position, path: "M0 0L0 9",
});

/** An input, two branches, their sum, and a group of two with an output behind it. */
function makeGraph() {
  const part = { parent: "g" };
  return new Graph({
    nodes: [
      node("out", 60, 700, { kind: "output", reads: [["g", 0]] }),
      node("in", 60, 0, { kind: "input" }),
      node("right", 120, 100, { reads: [["in", 0]] }),
      node("left", 0, 100, { reads: [["in", 0]] }),
      node("sum", 60, 200, { reads: [["left", 0], ["right", 0]] }),
      node("g", 40, 300, { kind: "group", width: 140, height: 300, reads: [["sum", 0]] }),
      node("first", 60, 330, { ...part, kind: "input" }),
      node("inner", 60, 430, { ...part, reads: [["first", 0]] }),
      node("last", 60, 530, { ...part, kind: "output", reads: [["inner", 0]] }),
    ],
    edges: [
      link("in", "left"), link("in", "right"), link("left", "sum"), link("right", "sum", 1),
      link("sum", "g"), link("first", "inner"), link("inner", "last"), link("g", "out"),
    ],
  });
}

test("arrows lead through all of a graph and back", () => {
  const graph = makeGraph();
  const walk = (id, key) => {
    const found = [];
    while (id && found.length < 20) {
      found.push(id);
      id = graph.next(id, key);
    }
    return found;
  };
  const down = ["in", "left", "sum", "g", "first", "inner", "last", "out"];
  assert.deepEqual(walk("in", "ArrowDown"), down);
  const up = ["out", "last", "inner", "first", "g", "sum", "left", "in"];
  assert.deepEqual(walk("out", "ArrowUp"), up);
  assert.equal(graph.next("left", "ArrowRight"), "right");
  assert.equal(graph.next("right", "ArrowLeft"), "left");
  assert.equal(graph.next("right", "ArrowRight"), undefined);
  assert.equal(graph.next("gone", "ArrowDown"), "in");
});

test("what is folded is not entered", () => {
  const { nodes, edges } = makeGraph();
  const shown = [...nodes.values()].filter(({ parent }) => !parent);
  const graph = new Graph({
    nodes: shown.map((one) => ({ ...one, folded: true })),
    edges: edges.filter(({ source }) => shown.some(({ id }) => id === source)),
  });
  assert.equal(graph.next("g", "ArrowDown"), "out");
  assert.equal(graph.next("out", "ArrowUp"), "g");
});

test("the outline goes from the top to the bottom", () => {
  const shown = makeGraph().outline().map(({ node: { id }, level }) => `${level} ${id}`);
  assert.deepEqual(shown, [
    "1 in", "1 left", "1 right", "1 sum", "1 g", "2 first", "2 inner", "2 last", "1 out",
  ]);
});

test("a box is found where it is, the innermost first", () => {
  const graph = makeGraph();
  assert.equal(graph.at(70, 10).id, "in");
  assert.equal(graph.at(70, 340).id, "first");
  assert.equal(graph.at(45, 320).id, "g");
  assert.equal(graph.at(70, 340, new Set(["first"])).id, "g");
  assert.equal(graph.at(500, 10), undefined);
});

test("a box goes up or down its chain by one", () => {
  const graph = makeGraph();
  assert.equal(graph.step("inner", false), undefined); // it is the first
  assert.deepEqual(graph.step("left", true), link("sum", "g"));
  assert.equal(graph.step("sum", true), null); // it has two inputs
});

test("points lie on the path of a line", () => {
  const found = points("M10 0L10 20C10 40 50 40 50 60");
  assert.deepEqual(found.slice(0, 2), [[10, 0], [10, 20]]);
  assert.deepEqual(found.at(-1), [50, 60]);
  assert.deepEqual(found[5], [30, 40]); // the middle of the curve
  assert.deepEqual(points("M-1.5 2e-3L0 0"), [[-1.5, 0.002], [0, 0]]);
});

test("the distance from a line", () => {
  assert.equal(distance([[0, 0], [10, 0]], 5, 3), 3);
  assert.equal(distance([[0, 0], [10, 0]], 13, 4), 5);
  assert.equal(distance([[0, 0], [0, 0]], 3, 4), 5);
});

test("numbers and boxes in words", () => {
  assert.deepEqual([0, 999, 1234, 999_999, 1.5e9].map((n) => short(n)), [
    "0", "999", "1.23 k", "1 M", "1.5 G",
  ]);
  assert.equal(short(5408, "B"), "5.41 kB");
  assert.deepEqual([1, 1234].map((n) => counted(n, "layer")), ["1 layer", "1,234 layers"]);
  const problem = { level: "error", text: "No input." };
  const more = { parameters: 320, fresh: true, locked: true, problem, type: "Conv2D" };
  const words = "c, Conv2D, 64, 320 parameters, new weights, locked, error: No input.";
  assert.equal(describe(node("c", 0, 0, more)), words);
  assert.equal(describe(node("r", 0, 0, { type: "Repeat", count: 3 })), "r, Repeat, 3 times, 64");
  const known = { shapes: ["3"], parameters: 2000, trainable: 0, cost: null, memory: 8 };
  assert.deepEqual(facts(known), [
    ["Output", "3"], ["Parameters", "2,000, 0 trainable"], ["Memory a sample", "8 B"],
  ]);
});

for (const [keys, wanted] of [
  [{ key: "a" }, "search"], [{ key: "A", shiftKey: true }, "search"], [{ key: "q" }, null],
  [{ key: "z", ctrlKey: true }, "undo"], [{ key: "Z", metaKey: true, shiftKey: true }, "redo"],
  [{ key: "b", ctrlKey: true }, null], [{ key: "a", ctrlKey: true }, "all"],
  [{ key: "Delete" }, "delete"], [{ key: "ArrowUp", altKey: true }, "earlier"],
  [{ key: "ArrowUp" }, null], [{ key: "?", shiftKey: true }, "help"],
]) {
  test(`the key ${JSON.stringify(keys)}`, () => assert.equal(actionOf(keys), wanted));
}

test("keys with Control mean the same in the whole builder", () => {
  assert.ok(isGlobal({ ctrlKey: true }));
  assert.ok(!isGlobal({ ctrlKey: false, metaKey: false }));
});

test("what fits a search best comes first", () => {
  const entry = (type, family = "Core", doc = "") => ({ type, family, doc });
  const places = (words) => [
    entry("Dense"), entry("DenseNet"), entry("GlobalAveragePooling2D", "Pooling"),
    entry("EinsumDense"), entry("Add", "Dense things"), entry("Flatten", "Core", "before a dense"),
    entry("Conv2D"),
  ].map((one) => rank(one, words));
  assert.deepEqual(places("dense"), [0, 1, Infinity, 3, 4, 5, Infinity]);
  assert.deepEqual(places("gap").slice(1, 4), [Infinity, 2, Infinity]);
  assert.deepEqual(new Set(places("")), new Set([0]));
});

/** A line of a form, what it sent, and the kernel's part. */
function makeField(t, argument, refused = null) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const sent = [];
  const field = new Field({ name: "units", ...argument }, async (text) => {
    sent.push(text);
    return refused;
  });
  t.after(() => {
    document.activeElement = null;
  });
  const type = (text) => {
    document.activeElement = field.input;
    field.input.value = text;
    field.input.fire("input");
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { field, sent, type, settled, tick: (ms) => t.mock.timers.tick(ms) };
}

test("what is typed is sent when the keys rest, and once", async (t) => {
  const { field, sent, type, settled, tick } = makeField(t, { kind: "int" });
  field.set("32");
  assert.equal(field.input.value, "32");
  type("6");
  tick(200);
  type("64");
  tick(299);
  assert.deepEqual(sent, []);
  tick(1);
  await settled();
  field.input.fire("change");
  await settled();
  assert.deepEqual(sent, ["64"]);
});

test("the kernel's value does not disturb who types, and comes afterwards", async (t) => {
  const { field, type, settled, tick } = makeField(t, { kind: "float" });
  field.set("0.5");
  type("0.0");
  tick(300);
  await settled();
  field.set("0");
  assert.equal(field.input.value, "0.0");
  document.activeElement = null;
  field.input.fire("blur");
  assert.equal(field.input.value, "0");
});

test("a refused value stays to be mended, with the reason beside it", async (t) => {
  const { field, type, settled, tick } = makeField(t, { kind: "int" }, "Expected more than 0.");
  field.set("32");
  type("0");
  tick(300);
  await settled();
  field.set("32");
  document.activeElement = null;
  field.input.fire("blur");
  assert.equal(field.input.value, "0");
  assert.equal(field.fault.textContent, "Expected more than 0.");
  assert.equal(field.input.getAttribute("aria-invalid"), "true");
  field.set("16"); // undone, or changed in the code
  assert.equal(field.input.value, "16");
  assert.equal(field.fault.textContent, "");
});

test("a tick that is as usual is sent as nothing", async (t) => {
  const { field, sent, settled } = makeField(t, { kind: "bool", default: "True" });
  field.set("");
  assert.equal(field.input.checked, true);
  for (const checked of [false, true]) {
    field.input.checked = checked;
    field.input.fire("change");
    await settled();
  }
  assert.deepEqual(sent, ["False", ""]);
});

/** Questions to a kernel that only notes what reaches it. */
function makeQuestions(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const [control, silence] = [[], []];
  const sendControlMessage = (message) => control.push(message.content);
  const model = makeModel({ identity: "b-1" }, { kernel: { clientId: "c", sendControlMessage } });
  const questions = new Questions(model, (silent) => silence.push(silent));
  t.after(() => questions.close());
  return { model, control, silence, questions, tick: (ms) => t.mock.timers.tick(ms) };
}

test("a question goes both ways under one id, and has its own answer", async (t) => {
  const { model, control, questions } = makeQuestions(t);
  const answers = [questions.ask("undo"), questions.ask("fold", { node: "n1", folded: true })];
  assert.deepEqual(control, model.sent.map((message) => ({ model_id: "b-1", message })));
  const [first, second] = model.sent;
  assert.deepEqual(second, { op: "fold", id: second.id, node: "n1", folded: true });
  questions.answered({ id: second.id, refused: "No." });
  questions.answered({ id: first.id, refused: null });
  questions.answered({ id: "another" });
  assert.deepEqual((await Promise.all(answers)).map(({ refused }) => refused), [null, "No."]);
});

test("silence is told after four seconds, until there is an answer", (t) => {
  const { model, silence, questions, tick } = makeQuestions(t);
  questions.ask("undo");
  tick(3999);
  assert.deepEqual(silence, []);
  tick(1);
  assert.deepEqual(silence, [true]);
  questions.answered({ id: model.sent[0].id });
  assert.deepEqual(silence, [true, false]);
  tick(10_000);
  assert.deepEqual(silence, [true, false]);
});

test("weights are changed one by one, and go back if that is refused", async () => {
  const sent = [];
  const table = weightTable({ name: "kernel", shape: [2, 3], values: [1, 2, 3, 4, 5, 6] }, 1,
    async (fields) => {
      sent.push(fields);
      return fields.value < 100;
    });
  const cells = table.find("numbers").children;
  assert.deepEqual(cells.map((cell) => cell.value), [1, 2, 3, 4, 5, 6]);
  assert.equal(cells[4].getAttribute("aria-label"), "kernel 1 1");
  const type = async (value) => {
    cells[4].value = value;
    cells[4].fire("change");
    await new Promise((resolve) => setImmediate(resolve));
    return cells[4].value;
  };
  assert.equal(await type("2.5"), "2.5");
  assert.equal(await type("100"), 2.5);
  assert.equal(await type(""), 2.5);
  assert.deepEqual(sent, [2.5, 100].map((value) => ({ number: 1, place: 4, value })));
});
