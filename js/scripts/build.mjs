// Bundles the beacon and the snippet into dist; with --check, fails if what is
// there is not what the sources make.
import { readFile, writeFile } from 'node:fs/promises';
import { bundle } from './bundle.mjs';
import { choose } from './shorten.mjs';

const TOKEN = '__THROUGHLINE_CONFIG__';

const names = JSON.parse(await readFile(new URL('names.json', import.meta.url), 'utf8'));

/** The snippet's names stay: pages hold its text, and their Content Security Policies its hash. */
const SNIPPET_NAMES = { variables: { early: 'e', type: 'r', event: 'r' }, properties: {}, functions: [] };

async function keep(name, prepared, known = names) {
  const text = `${prepared.text(...choose(prepared, known))}\n`;
  const out = new URL(`../dist/${name}`, import.meta.url);
  if (name !== 'snippet.js' && text.split(TOKEN).length !== 2) {
    throw new Error(`${name} must hold ${TOKEN} exactly once`);
  }
  if (!process.argv.includes('--check')) {
    await writeFile(out, text);
  } else if ((await readFile(out, 'utf8').catch(() => '')) !== text) {
    throw new Error(`dist/${name} is not what the sources make: run npm run build and commit it`);
  }
}

await keep('beacon.js', await bundle('src/index.ts'));
await keep('beacon-full.js', await bundle('src/index.ts', true));
await keep('snippet.js', await bundle('src/snippet.ts'), SNIPPET_NAMES);
