// Prints the size of dist/beacon.js and fails above the budget.
import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const BUDGET_GZIP_BYTES = 10_240;

const script = readFileSync(new URL('../dist/beacon.js', import.meta.url));
const gzip = gzipSync(script, { level: 9 }).length;
console.log(`raw ${script.length}  gzip -9 ${gzip}  brotli ${brotliCompressSync(script).length}  (bytes)`);
if (gzip > BUDGET_GZIP_BYTES) {
  throw new Error(`${gzip} bytes of gzip are more than the budget of ${BUDGET_GZIP_BYTES}`);
}
