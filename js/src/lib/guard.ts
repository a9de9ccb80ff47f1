/**
 * Returns fn such that nothing it throws reaches the page. Everything the
 * browser calls of ours goes through it.
 */
export function guard<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R | undefined {
  return (...args) => {
    try {
      return fn(...args);
    } catch {
      return undefined;
    }
  };
}
