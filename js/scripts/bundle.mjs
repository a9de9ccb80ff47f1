// Bundles of the sources, for build.mjs and names.mjs.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { prepare } from './shorten.mjs';

/** Names of properties that are ours wherever they stand in the sources, though browsers have such, too. */
const OWN_NAMES = `
  entry info identity transaction read take visibility finished flush done sessionId loaded scrolling resource hidden
  config events count kind pending
`;

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

const wordsOf = (text) => text.trim().split(/\s+/);

/** Bundles what begins with entry, ready to be given short names. */
export async function bundle(entry, full = false) {
  const own = wordsOf(OWN_NAMES);
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minifySyntax: true,
    format: 'iife',
    target: 'es2020',
    define: { __SDK_VERSION__: JSON.stringify(version), __FULL__: String(full) },
    // Names that terser cannot take for those of browsers.
    mangleProps: new RegExp(`^(${own.join('|')})$`),
    mangleCache: Object.fromEntries(own.map((name) => [name, `${name}_`])),
    write: false,
    // Nothing depends on the directive, which takes room; the snippet has it since pages' policies may name its hash.
    tsconfigRaw: { compilerOptions: { alwaysStrict: entry.endsWith('snippet.ts') } },
  });
  const [{ text }] = result.outputFiles;
  // So esbuild writes ||=, and the like, of such a property; and of an enum, whose members are texts.
  const missed = own.find((name) => text.includes(`"${name}_"`) || text.includes(`] = "${name}"`));
  if (missed) {
    throw new Error(
      `${missed} is not renamed everywhere: write its assignment out, or call the enum's member otherwise`,
    );
  }
  return prepare(text, wordsOf(KEPT_NAMES));
}
