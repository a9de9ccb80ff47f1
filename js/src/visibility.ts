import { guard } from './lib/guard';
import { navigationEntry } from './lib/navigationEntry';
import type { MaybePrerendered } from './view';

/**
 * Returns a function that tells when the page was first hidden, on the
 * performance clock; Infinity while it never was. What is painted after that is
 * late since nobody looks, and not since the page is slow.
 */
export function watchFirstHidden(): () => number {
  const page = document as MaybePrerendered;
  const hidden = () => document.visibilityState === 'hidden';
  let firstMs = hidden() && !page.prerendering ? 0 : Number.POSITIVE_INFINITY;
  if (!page.prerendering) {
    // What came before this script, where the browser keeps record of it.
    const entry = performance
      .getEntriesByType('visibility-state')
      .find((e) => e.name === 'hidden' && e.startTime >= (navigationEntry()?.activationStart || 0));
    firstMs = entry?.startTime ?? firstMs;
  }
  const note = guard((event: Event) => {
    if (hidden()) {
      // A page that was prerendered into the background was never seen.
      firstMs = Math.min(firstMs, event.type === 'visibilitychange' ? event.timeStamp : 0);
    }
  });
  addEventListener('visibilitychange', note, true);
  addEventListener('prerenderingchange', note, true);
  return () => firstMs;
}
