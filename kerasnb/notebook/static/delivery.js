// Wishes on their way to the kernel, also while it is busy with a cell.
//
// What a widget sends waits until the kernel's main shell is free, which is after the training. The
// control channel is served beside it, so a wish goes there first; then the usual way, for kernels
// without our handler (the widget takes an id only once). If Stop is not answered by either within
// a second, the kernel is interrupted, which ends a `fit` in a cell at a step boundary, too.
import { newId } from "./page.js";

const REQUEST = "kerasnb_request"; // as in kernel.py
const STOP_PATIENCE = 1000; // ms without an answer until Stop becomes an interrupt
const PATIENCE = 4000; // ms without an answer until the reader is told

/** A message of the Jupyter protocol for the control channel. */
export function controlMessage(kernel, identity, message) {
  return {
    header: {
      msg_id: newId(),
      msg_type: REQUEST,
      session: kernel.clientId,
      username: kernel.username || "",
      version: "5.3",
      date: new Date().toISOString(),
    },
    parent_header: {},
    metadata: {},
    content: { model_id: identity, message },
    channel: "control",
    buffers: [],
  };
}

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
    const kernel = this.model.widget_manager?.kernel; // asked anew: a restart makes another
    const timers = [setTimeout(() => this.tell(true), PATIENCE)];
    if (op === "stop" && blocking && kernel) {
      timers.push(setTimeout(() => kernel.interrupt(), STOP_PATIENCE));
    }
    this.waiting.set(message.id, timers);
    try {
      kernel?.sendControlMessage(controlMessage(kernel, identity, message), false, true);
    } catch (error) {
      console.warn("kerasnb: no control channel,", error.message); // the usual way remains
    }
    this.model.send(message);
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
