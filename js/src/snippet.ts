// Pages that load the beacon late hold this inline, before all other scripts: it
// keeps the errors that happen until then.
import { EARLY, type Early } from './early';

/** A page that fails all the time must not fill the memory. */
const MAX_EARLY = 50;

try {
  const early: Early = [];
  Object.defineProperty(globalThis, EARLY, { value: early, configurable: true });
  for (const type of ['error', 'unhandledrejection']) {
    addEventListener(type, (event) => early.length < MAX_EARLY && early.push([event, performance.now()]), true);
  }
} catch {
  // The page goes before.
}
