import { now } from './now';

/** How long the beacon has run on the page's main thread, in milliseconds. */
export const spent = { totalMs: 0 };

let running = false;

/**
 * Returns fn such that nothing it throws reaches the page, and that what it takes
 * is counted. Everything the browser calls of ours goes through it.
 */
export function guard<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R | undefined {
  return (...args) => {
    const nested = running;
    let result: R | undefined;
    running = true;
    try {
      const begunMs = now();
      result = fn(...args);
      spent.totalMs += nested ? 0 : now() - begunMs;
    } catch {
      // Ours, and nobody else's.
    }
    running = nested;
    return result;
  };
}
