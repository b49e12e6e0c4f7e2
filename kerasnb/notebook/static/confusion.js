// A confusion matrix whose cells open: a click, or Enter, shows exactly the examples in one.
//
// From Python: `data`, with the names of the classes, the counts and the headline. To Python:
// {op: "cell", id, true, predicted, page}. Back: {op: "examples", id, ...} with the pixels of
// thumbnails as a buffer, or rows for a table. If `data.choosable`, an example can be chosen, too:
// {op: "example", id, place}.
import { make, makeRoot, newId, percent, show, toRGBA, widgetOf } from "./page.js";

const PATIENCE = 5000; // ms without an answer until the reader is told

/** How deep a cell is coloured, 0 to 1: by its share of the row. Mistakes are few, so their share
 * goes through a square root, and even a single one can be seen. */
export function depth(count, total, right) {
  if (!count || !total) return 0;
  const share = Math.min(count / total, 1);
  return 0.15 + 0.85 * (right ? share : Math.sqrt(share));
}

/** The side of a cell in pixels: more classes, smaller cells. */
export function cellSize(classes) {
  if (classes <= 12) return 36;
  if (classes <= 25) return 28;
  return 14;
}

/** The cell to which a key leads from a cell; null for any other key. */
export function move(key, control, row, column, size) {
  const last = size - 1;
  if (key === "ArrowUp") return [Math.max(row - 1, 0), column];
  if (key === "ArrowDown") return [Math.min(row + 1, last), column];
  if (key === "ArrowLeft") return [row, Math.max(column - 1, 0)];
  if (key === "ArrowRight") return [row, Math.min(column + 1, last)];
  if (key === "Home") return [control ? 0 : row, 0];
  if (key === "End") return [control ? last : row, last];
  return null;
}

/** A cell in words. */
export function describe(data, row, column) {
  const [count, total] = [data.counts[row][column], data.totals[row]];
  const part = total ? ` (${percent(count / total)})` : "";
  const names = `true ${data.classes[row]}, predicted ${data.classes[column]}`;
  return `${names}: ${count} of ${total} examples${part}`;
}

/** What was asked for, above the examples. */
export function heading(data, answer) {
  const name = (number) => data.classes[data.numbers.indexOf(number)];
  const examples = `${answer.count} ${answer.count === 1 ? "example" : "examples"}`;
  if (answer.true === answer.predicted) return `${examples} of ${name(answer.true)}, recognised`;
  return `${examples} of ${name(answer.true)}, taken for ${name(answer.predicted)}`;
}

function headCell(name, scope, upright) {
  const cell = make("th", upright ? "upright" : "");
  cell.scope = scope;
  cell.append(make("span", "", name));
  cell.title = name;
  return cell;
}

function makeCell(data, row, column, numbers) {
  const count = data.counts[row][column];
  const cell = make("td", "", numbers && count ? count : "");
  const right = row === column;
  const share = depth(count, data.totals[row], right);
  cell.setAttribute("role", "gridcell");
  cell.setAttribute("aria-label", describe(data, row, column));
  cell.setAttribute("aria-selected", "false");
  cell.tabIndex = -1;
  cell.dataset.row = row;
  cell.dataset.column = column;
  if (count) {
    cell.classList.add(right ? "right" : "wrong");
    cell.classList.toggle("deep", share > 0.88);
    cell.style.setProperty("--depth", `${(100 * share).toFixed(1)}%`);
  }
  return cell;
}

/** The table, with `cells[row][column]`. Rows are true classes, columns predicted ones. */
function makeGrid(data) {
  const size = data.classes.length;
  const numbers = size <= 25;
  const upright = data.classes.some((name) => name.length > 3) || size > 25;
  const table = make("table");
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", "Confusion matrix. Rows: true class. Columns: predicted class.");
  table.style.setProperty("--cell", `${cellSize(size)}px`);
  table.classList.toggle("small", size > 25);
  const head = table.createTHead().insertRow();
  head.append(headCell("true ↓ predicted →", "col", false));
  for (const name of data.classes) head.append(headCell(name, "col", upright));
  const body = table.createTBody();
  const cells = data.counts.map((counts, row) => {
    const line = body.insertRow();
    line.append(headCell(data.classes[row], "row", false));
    const made = counts.map((_, column) => makeCell(data, row, column, numbers));
    line.append(...made);
    return made;
  });
  return { table, cells };
}

/** Around an example: a button that chooses it, if there is something to choose it for. */
function holder(example, choose) {
  if (!choose) return make("div", "example");
  const button = make("button", "example");
  button.type = "button";
  button.title = `See what the layers make of example ${example.place}`;
  const words = `${button.title}, probability ${percent(example.probability)}`;
  button.setAttribute("aria-label", words);
  button.addEventListener("click", () => choose(example.place));
  return button;
}

function thumbnails(answer, buffers, choose) {
  const list = make("ul", "pictures");
  const bytes = new Uint8Array(buffers[0].buffer, buffers[0].byteOffset, buffers[0].byteLength);
  const [height, width, channels] = answer.shape;
  const size = height * width;
  answer.examples.forEach((example, i) => {
    const canvas = make("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `example ${example.place}`);
    show(canvas, toRGBA(bytes, i * size * channels, size, channels), width, height);
    const item = make("li");
    const words = make("div", "words", `#${example.place}`);
    words.append(make("span", "", percent(example.probability)));
    const around = holder(example, choose);
    around.append(canvas, words);
    item.append(around);
    list.append(item);
  });
  return list;
}

function rows(answer, choose) {
  const table = make("table", "rows");
  const names = table.createTHead().insertRow();
  for (const name of ["place in x", "probability", ...answer.columns]) {
    names.append(headCell(name, "col", false));
  }
  const body = table.createTBody();
  for (const example of answer.examples) {
    const line = body.insertRow();
    const around = holder(example, choose);
    around.append(`#${example.place}`);
    const head = make("th");
    head.scope = "row";
    head.append(around);
    line.append(head);
    for (const value of [percent(example.probability), ...example.values]) {
      line.append(make("td", "", value));
    }
  }
  const around = make("div", "around");
  around.append(table);
  return around;
}

/** Which of many examples are shown, with buttons for those before and after. */
function pager(answer, turn) {
  const bar = make("div", "pager");
  const first = answer.page * answer.most;
  const words = `${first + 1} to ${first + answer.examples.length} of ${answer.count}`;
  const back = make("button", "", "Before");
  const on = make("button", "", "Next");
  back.type = on.type = "button";
  back.disabled = answer.page === 0;
  on.disabled = first + answer.examples.length >= answer.count;
  back.addEventListener("click", () => turn(answer.page - 1));
  on.addEventListener("click", () => turn(answer.page + 1));
  bar.append(back, make("span", "", words), on);
  return bar;
}

class View {
  constructor(model) {
    this.model = model;
    this.root = makeRoot("kerasnb-confusion");
    this.status = make("div", "status");
    this.status.setAttribute("role", "status");
    this.hint = make("div", "hint", "Choose a cell to see its examples.");
    this.examples = make("div", "examples");
    this.focused = [0, 0];
    this.asked = null;
    this.timer = 0;
    this.receive = this.receive.bind(this);
    this.draw = this.draw.bind(this);
    model.on("msg:custom", this.receive);
    model.on("change:data", this.draw);
    this.draw();
  }

  draw() {
    const data = this.model.get("data");
    const { table, cells } = makeGrid(data);
    this.data = data;
    this.cells = cells;
    const scroller = make("div", "scroller");
    scroller.append(table);
    const parts = [make("div", "headline", data.headline), scroller, this.hint];
    if (data.left_out) {
      const text = `The ${data.left_out} classes with the fewest mistakes are left out here.`;
      parts.splice(1, 0, make("div", "hint", text));
    }
    this.root.replaceChildren(...parts, this.status, this.examples);
    this.focus(Math.min(this.focused[0], cells.length - 1), 0, false);
    table.addEventListener("click", (event) => this.choose(event.target.closest("td")));
    table.addEventListener("keydown", (event) => this.press(event));
    const point = (event) => this.point(event.target.closest("td"));
    table.addEventListener("focusin", point);
    table.addEventListener("pointerover", point);
  }

  press(event) {
    const cell = event.target.closest("td");
    if (!cell) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.choose(cell);
      return;
    }
    const size = this.cells.length;
    const { row, column } = cell.dataset;
    const to = move(event.key, event.ctrlKey, Number(row), Number(column), size);
    if (to) {
      event.preventDefault();
      this.focus(to[0], to[1], true);
    }
  }

  /** Only one cell is reached by Tab: the one where the keyboard was last. */
  focus(row, column, now) {
    this.cells[this.focused[0]]?.[this.focused[1]]?.setAttribute("tabindex", "-1");
    const cell = this.cells[row][column];
    cell.tabIndex = 0;
    this.focused = [row, column];
    if (now) cell.focus();
  }

  point(cell) {
    if (cell) this.hint.textContent = describe(this.data, cell.dataset.row, cell.dataset.column);
  }

  choose(cell) {
    if (!cell) return;
    const row = Number(cell.dataset.row);
    const column = Number(cell.dataset.column);
    this.focus(row, column, true);
    for (const other of this.root.querySelectorAll('td[aria-selected="true"]')) {
      other.setAttribute("aria-selected", "false");
    }
    cell.setAttribute("aria-selected", "true");
    this.ask(this.data.numbers[row], this.data.numbers[column], 0);
  }

  chooseExample(place) {
    this.model.send({ op: "example", id: newId(), place });
  }

  ask(truth, predicted, page) {
    this.asked = newId();
    this.status.textContent = "Looking …";
    this.model.send({ op: "cell", id: this.asked, true: truth, predicted, page });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.status.textContent = "No answer. The kernel is busy, or gone: then run the cell again.";
    }, PATIENCE);
  }

  receive(answer, buffers) {
    if (answer.op !== "examples" || answer.id !== this.asked) return;
    clearTimeout(this.timer);
    this.status.textContent = heading(this.data, answer);
    this.examples.replaceChildren();
    if (!answer.examples.length) return;
    const choose = this.data.choosable ? (place) => this.chooseExample(place) : null;
    const shown = answer.columns ? rows(answer, choose) : thumbnails(answer, buffers, choose);
    this.examples.append(shown);
    if (answer.count > answer.most) {
      const turn = (page) => this.ask(answer.true, answer.predicted, page);
      this.examples.append(pager(answer, turn));
    }
  }

  remove() {
    clearTimeout(this.timer);
    this.model.off("msg:custom", this.receive);
    this.model.off("change:data", this.draw);
  }
}

export default widgetOf(View);
