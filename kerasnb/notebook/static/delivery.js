// Wishes on their way to the kernel, also while it is busy with a cell.
//
// If Stop is not answered within a second, the kernel is interrupted, which ends a `fit` in a cell
// at a step boundary, too.
import { kernelOf, sendBothWays } from "./control.js";
import { newId } from "./page.js";

const STOP_PATIENCE = 1000; // ms without an answer until Stop becomes an interrupt
const PATIENCE = 4000; // ms without an answer until the reader is told

/** Sends wishes and waits for their answers; `onSilence(true)` when one stays out. */
export class Delivery {
  constructor(model, onSilence) {
    this.model = model;
    this.onSilence = onSilence;
    this.waiting = new Map(); // id -> timers
    this.silent = false;
  }

  /** `blocking`: whether an interrupt would reach the training that is meant. */
  send(op, value, { identity, blocking }) {
    const message = value === undefined ? { op, id: newId() } : { op, id: newId(), value };
    const kernel = kernelOf(this.model);
    const timers = [setTimeout(() => this.tell(true), PATIENCE)];
    if (op === "stop" && blocking && kernel) {
      timers.push(setTimeout(() => kernel.interrupt(), STOP_PATIENCE));
    }
    this.waiting.set(message.id, timers);
    sendBothWays(this.model, identity, message);
  }

  /** The kernel has answered the wish with that id. */
  answered(id) {
    this.waiting.get(id)?.forEach(clearTimeout);
    if (this.waiting.delete(id)) this.heard();
  }

  /** The kernel has said something, whatever it is. */
  heard() {
    if (this.silent) this.tell(false);
  }

  tell(silent) {
    this.silent = silent;
    this.onSilence(silent);
  }

  /** Nobody waits for answers any more: there is no view, or training has ended. */
  close() {
    for (const timers of this.waiting.values()) timers.forEach(clearTimeout);
    this.waiting.clear();
  }
}
