// Training in the builder, and what it shows of the data: node --test tests/js
import assert from "node:assert/strict";
import test from "node:test";

import { makeModel, render } from "./dom.js";
import { paths, pixelsOf, ticks } from "../../kerasnb/notebook/static/builder_sight.js";
import widget from "../../kerasnb/notebook/static/builder_train.js";

const CHOICES = { data: ["", "moons"], optimizer: ["adam", "sgd"], metrics: ["accuracy", "mae"] };
const VALUES = {
  data: "moons", optimizer: "adam", metrics: ["accuracy"], epochs: 10, learning_rate: 0.1,
  pace: null,
};
const TRAINING = {
  state: "idle", text: "", choices: CHOICES, values: VALUES, reasons: { epochs: "Enough." },
  problem: null, mends: [],
};
const PLANE = {
  kind: "plane", extent: [-1, 3, 0, 2], names: ["one", "two"], classes: true, text: "1 of 2 right",
  points: [[0, 1, 0, true], [2, 1, 1, false]], plane: ["#ff0000", "#00ff00", "#0000ff", "#010203"],
};
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The widget on a page, with a kernel that gives `answer` to all it is asked. */
function makePage(t, values = {}, answer = {}) {
  const model = makeModel({ training: TRAINING, sight: {}, live: "", identity: "t", ...values });
  const page = render(widget, model);
  t.after(page.remove);
  const take = async () => {
    const sent = model.sent.splice(0);
    for (const { id } of sent) {
      model.emit("msg:custom", { op: "answer", id, refused: null, ...answer });
    }
    await settled();
    return sent.map(({ id, ...message }) => message);
  };
  const shown = () => ["train", "stop", "pause", "resume", "step"]
    .filter((name) => !page.el.find(name).hidden);
  return { model, take, shown, find: (name) => page.el.find(name) };
}

test("numbers beside a plane are round and lie on it", () => {
  assert.deepEqual(ticks(-1.3, 2.2), [-1, 0, 1, 2]);
  assert.deepEqual(ticks(0, 0.9), [0, 0.5]);
  assert.deepEqual(ticks(-0.001, 0.001), [-0.001, -0.0005, 0, 0.0005, 0.001]);
  assert.deepEqual(ticks(10_000, 50_000), [10_000, 20_000, 30_000, 40_000, 50_000]);
  assert.deepEqual([ticks(1, 1), ticks(0, Infinity), ticks(NaN, 1)], [[], [], []]);
});

test("the rows of a plane go from the bottom to the top", () => {
  const { pixels, side } = pixelsOf(PLANE.plane);
  assert.equal(side, 2);
  assert.deepEqual([...pixels], [
    0, 0, 255, 255, 1, 2, 3, 255, // above
    255, 0, 0, 255, 0, 255, 0, 255,
  ]);
});

test("points of a class are one path, and wrong ones another above it", () => {
  const points = [[0, 0, 1, false], [1, 2, 0, true], [3, 4, 0, true], [5, 6, 0, false]];
  const found = paths(points, (x, y) => [x, -y], Number);
  assert.deepEqual(found.map(({ kind, right }) => `${kind} ${right}`), [
    "0 true", "0 false", "1 false",
  ]);
  assert.match(found[0].d, /^M1\.0 -2\.0m.*M3\.0 -4\.0m/);
  assert.notEqual(found[1].d.split("m")[1], found[2].d.split("m")[1]); // another marker
});

test("training is begun as it is set, and steered by what there is to steer", async (t) => {
  const { model, take, shown, find } = makePage(t);
  assert.deepEqual(shown(), ["train"]);
  find("train").fire("click");
  assert.deepEqual(await take(), [{ op: "train", values: {} }]);
  assert.equal(find("settings").open, false);
  model.change("training", { ...TRAINING, state: "running" });
  assert.deepEqual(shown(), ["stop", "pause"]);
  find("pause").fire("click");
  assert.deepEqual(await take(), [{ op: "pause" }]);
  model.change("training", { ...TRAINING, state: "paused" });
  assert.deepEqual(shown(), ["stop", "resume", "step"]);
  model.change("training", { ...TRAINING, problem: "Choose data." });
  assert.equal(find("train").disabled, true);
});

test("a refusal is said, and the settings stay", async (t) => {
  const { take, find } = makePage(t, {}, { refused: "epochs: too few." });
  find("train").fire("click");
  await take();
  assert.equal(find("bar").textContent.includes("too few"), false);
  assert.equal(find("how").children[1].textContent, "epochs: too few.");
  assert.equal(find("settings").open, true);
});

test("a choice is sent alone, and an empty number as none", async (t) => {
  const { take, find } = makePage(t);
  const field = (name) => find("choices").children.find((one) => one.textContent.startsWith(name));
  const pace = field("epochs a second").children[1];
  pace.value = "2";
  pace.fire("change");
  assert.deepEqual(await take(), [{ op: "choose", values: { pace: 2 } }]);
  pace.value = "";
  pace.fire("change");
  assert.deepEqual(await take(), [{ op: "choose", values: { pace: null } }]);
});

test("what would mend the network is a button each", async (t) => {
  const mends = ["3 units.", "No softmax."];
  const { take, find } = makePage(t, { training: { ...TRAINING, mends } });
  const [, second] = find("mends").children;
  assert.equal(second.textContent, "No softmax.Mend");
  second.find("fix").fire("click");
  assert.deepEqual(await take(), [{ op: "mend", number: 1 }]);
});

test("points are added where one clicks, and by keys", async (t) => {
  const { take, find } = makePage(t, { sight: PLANE });
  const plot = find("plot");
  assert.match(plot.getAttribute("aria-label"), /^2 points in a plane\. 1 of 2 right/);
  plot.getBoundingClientRect = () => ({ left: 100, top: 0, width: 175 }); // half as wide as drawn
  plot.fire("click", { clientX: 100 + (44 + 75) / 2, clientY: (6 + 150) / 2 });
  plot.fire("click", { clientX: 101, clientY: 1 }); // beside the plane
  assert.deepEqual(await take(), [{ op: "point", x: 0, y: 1, label: 0 }]);
  find("legend").children[2].fire("click");
  const keys = ["ArrowRight", "ArrowUp", "ArrowUp", "x", "Enter"];
  for (const key of keys) plot.fire("keydown", { key });
  assert.deepEqual(await take(), [{ op: "point", x: 1.1, y: 1.1, label: 1 }]);
});

test("numbers take no points of a class", async (t) => {
  const { take, find } = makePage(t, { sight: { ...PLANE, classes: false, names: [] } });
  find("plot").fire("keydown", { key: "Enter" });
  assert.deepEqual(await take(), []);
  assert.equal(find("plot").getAttribute("role"), "img");
});

test("without a plane or mistakes nothing is shown", (t) => {
  const { model, find } = makePage(t);
  assert.equal(find("sight").hidden, true);
  model.change("sight", PLANE);
  assert.deepEqual([find("sight").hidden, find("picture").hidden], [false, true]);
});
