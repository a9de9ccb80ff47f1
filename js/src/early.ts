/** Events that came before the beacon, and when, on the performance clock: what src/snippet.ts keeps. */
export type Early = [event: Event, atMs: number][];

/** How the snippet and the beacon find one another. */
export const EARLY = '__throughline_early';

/** Takes what the snippet has kept; it keeps nothing more. */
export function takeEarly(): Early {
  const early = (globalThis as unknown as Record<string, Early | undefined>)[EARLY];
  if (!early) {
    return [];
  }
  const kept = early.splice(0);
  early.push = () => 0;
  return kept;
}
