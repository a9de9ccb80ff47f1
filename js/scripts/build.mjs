// Bundles the beacon into dist/beacon.js; with --check, fails if that is not
// what the sources make.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const TOKEN = '__THROUGHLINE_CONFIG__';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'dist', 'beacon.js');
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

const result = await build({
  absWorkingDir: root,
  entryPoints: ['src/index.ts'],
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
const text = result.outputFiles[0].text;

if (text.split(TOKEN).length !== 2) {
  throw new Error(`the bundle must hold ${TOKEN} exactly once`);
}
if (!process.argv.includes('--check')) {
  await writeFile(out, text);
} else if ((await readFile(out, 'utf8')) !== text) {
  throw new Error('dist/beacon.js is not what the sources make: run npm run build and commit it');
}
