import { guard } from './guard';

/** Whether the browser knows entries of a type. */
export const supports = (type: string): boolean | undefined => PerformanceObserver.supportedEntryTypes?.includes(type);

/**
 * Calls take with the entries of a type, those from before included. Returns a
 * function that takes at once what the browser has not delivered yet; undefined
 * in browsers that do not know the type, which would warn in the console.
 */
export function observe<E extends PerformanceEntry>(
  type: string,
  take: (entries: E[]) => void,
  options?: { durationThreshold: number },
): (() => void) | undefined {
  if (!supports(type)) {
    return undefined;
  }
  const pass = guard((read: () => PerformanceEntryList) => {
    const entries = read();
    if (entries.length) {
      take(entries as E[]);
    }
  });
  const observer = new PerformanceObserver((list) => pass(() => list.getEntries()));
  observer.observe({ type, buffered: true, ...options });
  return () => pass(() => observer.takeRecords());
}
