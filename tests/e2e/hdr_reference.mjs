// Compares the histogram and the log of `weir load` with hdr-histogram-js.
//
//     node hdr_reference.mjs record HELPER LOG COUNT   compares COUNT random values, through helpers/load_histogram
//     node hdr_reference.mjs read LOG                  prints each interval of a log, a line of JSON each
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import assert from "node:assert/strict";

// require() honours NODE_PATH, import does not.
const hdr = createRequire(import.meta.url)("hdr-histogram-js");

const HIGHEST = 2 ** 42 - 1;

function fresh() {
  return hdr.build({ bitBucketSize: 64, autoResize: false, lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST, numberOfSignificantValueDigits: 2 });
}

function intervals(path) {
  const reader = new hdr.HistogramLogReader(readFileSync(path, "utf8"), 64);
  const all = [];
  for (let next; (next = reader.nextIntervalHistogram());) all.push(next);
  return all;
}

// Random values of every magnitude, the same in each run.
function* values(count) {
  let state = 12345n;
  for (let i = 0; i < count; i++) {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    yield Number(state >> 22n >> BigInt(i % 42));
  }
}

function record(helper, log, count) {
  const reference = fresh();
  const lines = [];
  for (const value of values(count)) {
    reference.recordValue(value);
    lines.push(value);
  }
  const percents = [0.01, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 99.999];
  const out = execFileSync(helper, [log, ...percents.map(String)], { input: lines.join("\n") }).toString();
  const found = out.trim().split("\n").map(Number);
  percents.forEach((percent, i) => {
    const wanted = reference.getValueAtPercentile(percent);
    // The same bucket, which is the resolution that is promised.
    assert.equal(reference.highestEquivalentValue(reference.lowestEquivalentValue(found[i])), wanted, `p${percent}`);
    assert.ok(Math.abs(found[i] - wanted) <= wanted / 128, `p${percent}`);
  });
  const [logged, ...others] = intervals(log);
  assert.equal(others.length, 0);
  assert.equal(logged.totalCount, count);
  assert.equal(logged.countsArrayLength, reference.countsArrayLength);
  for (let i = 0; i < reference.countsArrayLength; i++)
    assert.equal(logged.getCountAtIndex(i), reference.getCountAtIndex(i), `count ${i}`);
  // A log keeps the outermost buckets, not the values in them.
  assert.equal(logged.maxValue, reference.highestEquivalentValue(reference.maxValue));
  assert.equal(logged.minNonZeroValue, reference.lowestEquivalentValue(reference.minNonZeroValue));
  assert.equal(logged.startTimeStampMsec, 1700000000123 + 250);
  assert.equal(logged.endTimeStampMsec, 1700000000123 + 1500);
  console.log(`${count} values agree`);
}

function read(log) {
  for (const one of intervals(log))
    console.log(JSON.stringify({ tag: one.tag === "NO TAG" ? null : one.tag, begin_ms: one.startTimeStampMsec,
      end_ms: one.endTimeStampMsec, count: one.totalCount, max: one.maxValue, min: one.minNonZeroValue,
      p50: one.getValueAtPercentile(50), p99: one.getValueAtPercentile(99) }));
}

const [what, ...rest] = process.argv.slice(2);
if (what === "record") record(rest[0], rest[1], Number(rest[2]));
else read(rest[0]);
