// Bundles the beacon and the snippet into dist; with --check, fails if what is
// there is not what the sources make.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const TOKEN = '__THROUGHLINE_CONFIG__';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

async function bundle(entry) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2020',
    legalComments: 'none',
    // Names that neither the browser nor the wire knows: times on the performance clock.
    mangleProps: /Ms$/,
    define: { __SDK_VERSION__: JSON.stringify(version) },
    write: false,
  });
  return result.outputFiles[0].text;
}

async function keep(name, text) {
  const out = join(root, 'dist', name);
  if (!process.argv.includes('--check')) {
    await writeFile(out, text);
  } else if ((await readFile(out, 'utf8').catch(() => '')) !== text) {
    throw new Error(`dist/${name} is not what the sources make: run npm run build and commit it`);
  }
}

const beacon = await bundle('src/index.ts');
if (beacon.split(TOKEN).length !== 2) {
  throw new Error(`the bundle must hold ${TOKEN} exactly once`);
}
await keep('beacon.js', beacon);
await keep('snippet.js', await bundle('src/snippet.ts'));
