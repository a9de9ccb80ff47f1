// Bundles the beacon and the snippet into dist; with --check, fails if what is
// there is not what the sources make.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { minify } from 'terser';

const TOKEN = '__THROUGHLINE_CONFIG__';

/**
 * Names of properties that are not ours to shorten, beside those that terser knows of
 * browsers: of the configuration, of what pages and runners see, of types of entries,
 * and of newer browsers.
 */
const KEPT_NAMES = `
  collect environment consoleErrors consent sampleRate errorSampleRate userTiming traceOrigins transactions
  name version page request method path
  event error view attribute user push throughline __throughline_early __throughline_inject binding
  paint longtask
  activateAfter durationThreshold getLargestInteractionContentfulPaint largestContentfulPaint targetSelector
`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

async function bundle(entry, full = false) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minifySyntax: true,
    format: 'iife',
    target: 'es2020',
    define: { __SDK_VERSION__: JSON.stringify(version), __FULL__: String(full) },
    write: false,
  });
  const { code } = await minify(result.outputFiles[0].text, {
    ecma: 2020,
    toplevel: true,
    compress: {
      passes: 4,
      unsafe: true,
      unsafe_arrows: true,
      unsafe_methods: true,
      pure_getters: true,
      // What is called once is not put into its caller, where browsers would parse it twice as they start.
      reduce_funcs: false,
      hoist_funs: true,
      sequences: false,
    },
    mangle: { toplevel: true, properties: { keep_quoted: 'strict', reserved: KEPT_NAMES.trim().split(/\s+/) } },
  });
  return `${code}\n`;
}

async function keep(name, text) {
  const out = join(root, 'dist', name);
  if (!process.argv.includes('--check')) {
    await writeFile(out, text);
  } else if ((await readFile(out, 'utf8').catch(() => '')) !== text) {
    throw new Error(`dist/${name} is not what the sources make: run npm run build and commit it`);
  }
}

for (const [name, full] of [
  ['beacon.js', false],
  ['beacon-full.js', true],
]) {
  const beacon = await bundle('src/index.ts', full);
  if (beacon.split(TOKEN).length !== 2) {
    throw new Error(`${name} must hold ${TOKEN} exactly once`);
  }
  await keep(name, beacon);
}
await keep('snippet.js', await bundle('src/snippet.ts'));
