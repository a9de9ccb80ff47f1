// Looks for short names, and an order of functions, with which the bundles compress better, by
// trying: each time one name gets another letter, or some functions another place, and it stays
// so if gzip takes no more bytes. It starts from names.json, and leaves there the best. Its argument
// is for how many seconds.
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
/** The full one counts twice: it has the least room. */
const sizeOf = (names) =>
  bundles.reduce((sum, one, i) => sum + (2 - i) * gzipSync(one.text(...choose(one, names)), { level: 9 }).length, 0) /
  3;
const pick = (list) => list[Math.floor(Math.random() * list.length)];

/** Returns names for all that the bundles hold, and nothing else. */
function complete(known) {
  const names = { variables: {}, properties: {}, functions: [] };
  for (const one of bundles) {
    const [ofVariables, ofProperties, order] = choose(one, known);
    one.variables.forEach(({ name }, i) => {
      names.variables[name] ??= known.variables[name] ?? ofVariables[i];
    });
    one.properties.forEach((name, i) => {
      names.properties[name] ??= ofProperties[i];
    });
    names.functions.push(...order.map((i) => one.functions[i]).filter((name) => !names.functions.includes(name)));
  }
  return names;
}

/** Puts up to three functions elsewhere. Returns what undoes it. */
function move({ functions }) {
  const before = [...functions];
  const place = () => Math.floor(Math.random() * functions.length);
  const moved = functions.splice(place(), 1 + Math.floor(Math.random() * 3));
  functions.splice(place(), 0, ...moved);
  return () => functions.splice(0, functions.length, ...before);
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
  const undo = Math.random() < 0.4 ? move(names) : change(names);
  const tried = sizeOf(names);
  if (tried <= bytes || Math.random() < Math.exp((bytes - tried) / WARMTH_BYTES / (1.001 - share))) {
    bytes = tried;
  } else {
    undo();
  }
  if (bytes < best.bytes || !best.text) {
    best = {
      bytes,
      text: JSON.stringify(
        { ...names, variables: sorted(names.variables), properties: sorted(names.properties) },
        null,
        2,
      ),
    };
  }
}
await writeFile(FILE, `${best.text}\n`);
console.log(`${best.bytes} bytes in the end`);
