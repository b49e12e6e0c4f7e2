// Numbers and states as short text, as people read them.

/** A measured value with four digits, zeros too, so that what moves does not change its length. */
export function formatValue(value) {
  const text = formatNumber(value);
  const size = Math.abs(value);
  return size >= 1e-4 && size < 1000 ? value.toPrecision(4) : text;
}

/** A number with four significant digits; "–" for one that is missing or not finite. */
export function formatNumber(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return shortExponent(value.toExponential(2));
  return size >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}

/** A tick's label; `step` is the distance of its neighbours, 0 on a logarithmic axis. */
export function formatTick(value, step) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return shortExponent(value.toExponential(1));
  if (!(step > 0)) return String(Number(value.toPrecision(3)));
  return value.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

function shortExponent(text) {
  return text.replace(/\.?0*e/, "e").replace("e+", "e");
}

/** Seconds as "0:07" or "1:02:03". */
export function formatDuration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const start = hours ? `${hours}:${two(minutes)}` : String(minutes);
  return `${start}:${two(whole % 60)}`;
}

/** Bytes in decimal units, "210 MB". */
export function formatBytes(bytes) {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  if (bytes < 1e9) return `${Math.round(bytes / 1e6)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Steps a second, or seconds a step when that is the easier number. */
export function formatRate(rate) {
  if (rate >= 10) return `${Math.round(rate)} steps/s`;
  if (rate >= 1) return `${rate.toFixed(1)} steps/s`;
  return `${formatNumber(Number((1 / rate).toPrecision(2)))} s a step`;
}

/** Whether training is over, so that there is nothing left to steer. */
export function hasEnded(state) {
  return state === "done" || state === "stopped" || state === "failed";
}

const STATE_WORDS = {
  paused: "Paused",
  stopping: "Stopping at the next step",
  done: "Done",
  stopped: "Stopped",
  failed: "Failed",
};

function countOf(number, total) {
  return total ? `${number} of ${total}` : String(number);
}

/** The status line: "Epoch 3 of 10, step 17 of 43, 41 steps/s, 0:12 left, 210 MB". */
export function statusText(run, status) {
  const { state } = status;
  const next = (status.epoch ?? 0) + 1;
  const present = run.epochs ? Math.min(next, run.epochs) : next;
  const parts = [`epoch ${countOf(present, run.epochs)}`];
  if (state !== "done") parts.push(`step ${countOf(status.step ?? 0, run.steps)}`);
  if (state === "running" || state === "stopping") {
    if (status.rate > 0) parts.push(formatRate(status.rate));
    if (typeof status.eta === "number") parts.push(`${formatDuration(status.eta)} left`);
  } else if (typeof status.elapsed === "number") {
    parts.push(`after ${formatDuration(status.elapsed)}`);
  }
  if (status.memory > 0) parts.push(formatBytes(status.memory));
  const text = parts.join(", ");
  const word = STATE_WORDS[state];
  return word ? `${word}: ${text}` : text[0].toUpperCase() + text.slice(1);
}

/** How much of the run is done, 0 to 1; null when its length is not known. */
export function progressOf(run, status) {
  if (status.state === "done") return 1;
  if (!run.epochs) return null;
  const within = run.steps ? Math.min((status.step ?? 0) / run.steps, 1) : 0;
  return Math.min(((status.epoch ?? 0) + within) / run.epochs, 1);
}

/** One epoch in a sentence for screen readers: "Epoch 3 of 10: loss 0.123, val_loss 0.2". */
export function epochText(run, number, row) {
  const values = Object.entries(row).map(([name, value]) => `${name} ${formatValue(value)}`);
  return `Epoch ${countOf(number, run.epochs)}: ${values.join(", ")}`;
}
