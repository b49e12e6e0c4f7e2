// The way to the kernel while it is busy with a cell.
//
// What a widget sends waits until the kernel's main shell is free, which is after the cell. The
// control channel is served beside it, so a message goes there first; then the usual way, for
// kernels without our handler (the widget takes an id only once).
import { newId } from "./page.js";

const REQUEST = "kerasnb_request"; // as in kernel.py

/** The kernel of a widget; asked anew each time, as a restart makes another. */
export function kernelOf(model) {
  return model.widget_manager?.kernel;
}

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

/** Sends a message to the widget that the kernel knows by `identity`. */
export function sendBothWays(model, identity, message) {
  const kernel = kernelOf(model);
  try {
    kernel?.sendControlMessage(controlMessage(kernel, identity, message), false, true);
  } catch (error) {
    console.warn("kerasnb: no control channel,", error.message); // the usual way remains
  }
  model.send(message);
}
