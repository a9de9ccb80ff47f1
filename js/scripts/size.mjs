// Prints the sizes of what is in dist and fails above a budget.
import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const BUDGETS_GZIP_BYTES = { 'beacon.js': 9_400, 'beacon-full.js': 10_240, 'snippet.js': 600 };

for (const [name, budget] of Object.entries(BUDGETS_GZIP_BYTES)) {
  const script = readFileSync(new URL(`../dist/${name}`, import.meta.url));
  const gzip = gzipSync(script, { level: 9 }).length;
  console.log(`${name}  raw ${script.length}  gzip -9 ${gzip}  brotli ${brotliCompressSync(script).length}  (bytes)`);
  if (gzip > budget) {
    throw new Error(`${name}: ${gzip} bytes of gzip are more than the budget of ${budget}`);
  }
}
