import { MeasureKind } from '../compact';
import { navigationEntry } from '../lib/navigationEntry';
import { observe } from '../lib/observe';
import { roundMs } from '../lib/roundMs';
import { selector } from '../lib/selector';

/** Each view tells of no more; what is measured all the time is a matter for sums. */
const MAX_NAME = 100;
const MAX_SERVER_TIMINGS = 8;

type ElementTiming = PerformanceEntry & {
  identifier: string;
  element?: Element | null;
};

/** Takes in the columns of a measure that began at a moment of the performance clock. */
type Found = (atMs: number, ...columns: unknown[]) => void;

/**
 * Calls found with the elements that the page times (Element Timing), and its marks
 * and measures of which allowed matches the name (User Timing). startOf is the start
 * of the view that a moment is in.
 */
export function collectMeasures(found: Found, startOf: (ms: number) => number, allowed?: RegExp): void {
  observe<ElementTiming>('element', (entries) => {
    for (const { identifier, startTime, element } of entries) {
      if (identifier) {
        const ms = roundMs(startTime - startOf(startTime));
        found(startTime, MeasureKind.element, identifier.slice(0, MAX_NAME), ms, selector(element));
      }
    }
  });
  if (allowed) {
    for (const kind of ['mark', 'measure']) {
      observe(kind, (entries) => {
        for (const { name, startTime, duration } of entries) {
          if (allowed.test(name)) {
            const ms = kind === 'mark' ? startTime - startOf(startTime) : duration;
            found(startTime, kind, name.slice(0, MAX_NAME), roundMs(ms));
          }
        }
      });
    }
  }
}

/** Calls found with what the server says of the document (Server-Timing). */
export function readServerTimings(found: Found): void {
  for (const { name, duration, description } of (navigationEntry()?.serverTiming || []).slice(0, MAX_SERVER_TIMINGS)) {
    if (name !== 'traceparent') {
      found(0, MeasureKind.server_timing, name.slice(0, MAX_NAME), roundMs(duration), description.slice(0, MAX_NAME));
    }
  }
}
