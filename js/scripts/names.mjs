// Looks for short names with which the bundles compress better, by trying: each time one name
// gets another letter, and keeps it if gzip takes no more bytes. It starts from names.json, and
// leaves there the best. Its argument is for how many seconds.
import { readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { bundle } from './bundle.mjs';
import { choose, SHORT_NAMES } from './shorten.mjs';

const FILE = new URL('names.json', import.meta.url);
const LETTERS = SHORT_NAMES.filter((name) => name.length === 1);
/** How many bytes more are now and then taken, at first, to get out of where it is stuck. */
const WARMTH_BYTES = 0.5;

const seconds = Number(process.argv[2] ?? 120);
// The full one first: it has all names of properties.
const bundles = [await bundle('src/index.ts', true), await bundle('src/index.ts')];
const sizeOf = (names) =>
  bundles.reduce((sum, one) => sum + gzipSync(one.text(...choose(one, names)), { level: 9 }).length, 0) /
  bundles.length;
const pick = (list) => list[Math.floor(Math.random() * list.length)];

/** Returns names for all that the bundles hold, and nothing else. */
function complete(known) {
  const names = { variables: {}, properties: {} };
  for (const one of bundles) {
    const [ofVariables, ofProperties] = choose(one, known);
    one.variables.forEach(({ name }, i) => {
      names.variables[name] ??= known.variables[name] ?? ofVariables[i];
    });
    one.properties.forEach((name, i) => {
      names.properties[name] ??= ofProperties[i];
    });
  }
  return names;
}

/** Gives one name another letter; the property that has it gets the one that is free now. Returns what undoes it. */
function change({ variables, properties }) {
  const kind = Math.random() < 0.2 ? properties : variables;
  const name = pick(Object.keys(kind));
  const before = kind[name];
  const letter =
    Math.random() < 0.5 ? pick(LETTERS) : pick(Object.values(Math.random() < 0.5 ? properties : variables));
  const holder = kind === properties && Object.keys(kind).find((other) => kind[other] === letter);
  kind[name] = letter;
  if (holder) {
    kind[holder] = before;
  }
  return () => {
    if (holder) {
      kind[holder] = letter;
    }
    kind[name] = before;
  };
}

const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

const names = complete(JSON.parse(await readFile(FILE, 'utf8')));
let bytes = sizeOf(names);
let best = { bytes, text: '' };
console.log(`${bytes} bytes at first, the bundles' average`);
const begunMs = Date.now();
for (let share = 0; share < 1; share = (Date.now() - begunMs) / seconds / 1000) {
  const undo = change(names);
  const tried = sizeOf(names);
  if (tried <= bytes || Math.random() < Math.exp((bytes - tried) / WARMTH_BYTES / (1.001 - share))) {
    bytes = tried;
  } else {
    undo();
  }
  if (bytes < best.bytes || !best.text) {
    best = {
      bytes,
      text: JSON.stringify({ variables: sorted(names.variables), properties: sorted(names.properties) }, null, 2),
    };
  }
}
await writeFile(FILE, `${best.text}\n`);
console.log(`${best.bytes} bytes in the end`);
