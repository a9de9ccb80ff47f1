import { isHidden } from './lib/isHidden';
import { listen } from './lib/listen';
import { navigationEntry } from './lib/navigationEntry';
import type { MaybePrerendered } from './view';

/** When the user could see the page; all times on the performance clock. */
export interface Visibility {
  /** When the page was first hidden at or after a moment; Infinity if it was not. */
  hiddenAfter(ms: number): number;
  /** When it was last shown; Infinity if it never was. */
  shownMs(): number;
}

/**
 * Watches when the page is hidden and shown. What is painted after it was hidden is
 * late since nobody looks, and not since the page is slow.
 */
export function watchVisibility(): Visibility {
  const page = document as MaybePrerendered;
  const activatedMs = () => navigationEntry()?.activationStart || 0;
  let hides: number[] = [];
  let shownMs = Number.POSITIVE_INFINITY;

  if (!page.prerendering) {
    // What came before this script, where the browser keeps record of it.
    const times = (state: string) =>
      performance
        .getEntriesByType('visibility-state')
        .filter((e) => e.name === state)
        .map((e) => e.startTime);
    hides = times('hidden');
    if (!isHidden()) {
      shownMs = times('visible').pop() ?? 0;
    } else if (!hides.length) {
      hides.push(0);
    }
  }
  listen('visibilitychange prerenderingchange', ({ type, timeStamp }) => {
    // A page that was prerendered into the background was never seen.
    const atMs = type === 'visibilitychange' ? timeStamp : activatedMs();
    if (!isHidden()) {
      shownMs = atMs;
    } else {
      hides.push(atMs);
    }
  });
  return {
    hiddenAfter: (ms) => hides.find((hidden) => hidden >= ms) ?? Number.POSITIVE_INFINITY,
    shownMs: () => shownMs,
  };
}
