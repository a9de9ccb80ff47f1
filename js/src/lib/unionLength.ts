/** A stretch of time, [from, to], in milliseconds. */
export type Span = readonly [number, number];

/**
 * Returns how much time the spans cover together, each moment counted once.
 * A span that ends before it begins covers nothing.
 */
export function unionLength(spans: Span[]): number {
  let covered = 0;
  let reached = Number.NEGATIVE_INFINITY;
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    if (to > reached && to > from) {
      covered += to - Math.max(from, reached);
      reached = to;
    }
  }
  return covered;
}
