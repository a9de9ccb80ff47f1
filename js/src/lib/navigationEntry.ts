/** Navigation Timing's entry, with the fields that TypeScript's library lacks. */
export interface NavigationEntry extends PerformanceNavigationTiming {
  activationStart?: number;
}

/** Returns the document's Navigation Timing entry, if the browser has one. */
export function navigationEntry(): NavigationEntry | undefined {
  return performance.getEntriesByType('navigation')[0] as NavigationEntry | undefined;
}
