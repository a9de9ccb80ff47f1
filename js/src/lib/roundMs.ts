/** The longest duration that the wire takes: four hours. */
const MAX_MS = 4 * 3_600_000;

/**
 * Rounds a duration to a tenth of a millisecond and puts it between zero and
 * four hours. What is not a number is not measured.
 */
export function roundMs(ms: number): number {
  return Math.round(Math.min(Math.max(ms, 0), MAX_MS) * 10) / 10;
}
