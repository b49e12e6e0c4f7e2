// From values to pixels: nice ticks, linear and logarithmic scales, the text of an SVG path.

/** Ticks at 1, 2 or 5 times a power of ten within [low, high], about `count` of them. */
export function linearTicks(low, high, count, whole = false) {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0) || !Number.isFinite(rough)) return { ticks: [low], step: 0 };
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((f) => f * power >= rough * (1 - 1e-9)) ?? 10;
  const step = whole ? Math.max(1, Math.round(factor * power)) : factor * power;
  const ticks = [];
  // counted in steps: repeated addition would give 0.30000000000000004
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return { ticks, step };
}

/** Powers of ten within [low, high], with 2 and 5 times them, or all nine, when they are few. */
export function logTicks(low, high, count) {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const decades = Math.log10(high / low);
  const factors = decades < 0.7 ? [1, 2, 3, 4, 5, 6, 7, 8, 9] : decades < 2.5 ? [1, 2, 5] : [1];
  const stride = Math.max(1, Math.ceil(decades / Math.max(1, count)));
  const ticks = [];
  for (let e = first; e <= last; e++) {
    if (factors.length === 1 && (e - first) % stride) continue;
    for (const factor of factors) {
      const tick = Number((factor * 10 ** e).toPrecision(12));
      if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) ticks.push(tick);
    }
  }
  return ticks.length > 1 ? { ticks, step: 0 } : linearTicks(low, high, count);
}

/** What an axis shows of values from `low` to `high`: with a margin, and never empty. */
export function domainOf(low, high, logarithmic) {
  if (logarithmic) {
    const margin = low === high ? 2 : (high / low) ** 0.05;
    return [low / margin, high * margin];
  }
  const margin = low === high ? Math.abs(low) * 0.1 || 0.5 : (high - low) * 0.05;
  return [low - margin, high + margin];
}

/** A function from [low, high] to pixels [start, end]; NaN where a logarithm does not exist. */
export function scaleOf([low, high], [start, end], logarithmic = false) {
  const place = logarithmic ? (v) => (v > 0 ? Math.log(v) : NaN) : (v) => v;
  const from = place(low);
  const slope = (end - start) / (place(high) - from || 1);
  return (value) =>
    typeof value === "number" ? start + (place(value) - from) * slope : NaN;
}

/** A path through the points, in tenths of a pixel, broken at gaps; a lone point is a dot. */
export function pathText(xs, ys, scaleX, scaleY) {
  let text = "";
  let run = 0; // points since the last gap
  for (let i = 0; i < xs.length; i++) {
    const x = scaleX(xs[i]);
    const y = scaleY(ys[i]);
    if (Number.isFinite(x) && Number.isFinite(y)) {
      text += `${run ? "L" : "M"}${tenths(x)},${tenths(y)}`;
      run += 1;
    } else {
      if (run === 1) text += "h0"; // round line caps make a dot of it
      run = 0;
    }
  }
  return run === 1 ? `${text}h0` : text;
}

/** A path of dots: lines without length, which round caps make visible. */
export function dotsText(xs, ys, scaleX, scaleY) {
  let text = "";
  for (let i = 0; i < xs.length; i++) {
    const x = scaleX(xs[i]);
    const y = scaleY(ys[i]);
    if (Number.isFinite(x) && Number.isFinite(y)) text += `M${tenths(x)},${tenths(y)}h0`;
  }
  return text;
}

function tenths(pixels) {
  return Math.round(pixels * 10) / 10;
}
