import type {
  CLSMetricWithAttribution,
  FCPMetric,
  INPMetric,
  LCPMetricWithAttribution,
  Metric,
} from 'web-vitals/attribution';
import { onCLS } from 'web-vitals/attribution/onCLS.js';
import { onLCP } from 'web-vitals/attribution/onLCP.js';
import { onFCP } from 'web-vitals/onFCP.js';
import { onINP } from 'web-vitals/onINP.js';
// The library keeps this to itself; its attribution of LCP and CLS has it in the bundle anyway.
import { getSelector } from '../../node_modules/web-vitals/dist/modules/lib/getSelector.js';
import { guard } from '../lib/guard';
import { roundMs } from '../lib/roundMs';
import { scrubUrl } from '../scrub';
import type { PageView } from '../wire';

/** Slow events that are kept to find those of one frame. */
const MAX_RECENT = 100;

/** What a vital's callback does with values of the view restored at restoredMs (0 for a load). */
export type Found = (restoredMs: number, fields: Partial<PageView>) => unknown;

/**
 * Calls final with each vital whose value is, and provisional with values of
 * which the last one counts: those of INP and, with early, those of LCP and CLS,
 * which else are told not before the page is hidden.
 */
export function collectVitals(final: Found, provisional: Found, early: boolean): void {
  // The library's attribution needs it, and throws in browsers before 2022.
  if (!('findLast' in Array.prototype)) {
    return;
  }
  const settled = early ? provisional : final;
  onFCP(tell(final, (m: FCPMetric) => ({ fcp_ms: roundMs(m.value) })));
  onLCP(tell(settled, paintFields), { reportAllChanges: early });
  onCLS(tell(settled, shiftFields), { reportAllChanges: early });
  const frame = watchFrames();
  // Each change, since the element may be gone from the page when the view ends.
  onINP(
    tell(provisional, (m: INPMetric) => interactionFields(m.value, m.entries, frame)),
    { reportAllChanges: true },
  );
}

/** Returns a callback for the library that tells found of a metric's fields. */
function tell<M extends Metric>(found: Found, fields: (metric: M) => Partial<PageView>): (metric: M) => void {
  return guard((metric: M) => found(metric.navigationStartTime || 0, fields(metric)));
}

function paintFields({ value, attribution }: LCPMetricWithAttribution): Partial<PageView> {
  const url = attribution.url && scrubUrl(attribution.url);
  return {
    lcp_ms: roundMs(value),
    lcp_element: attribution.target || undefined,
    lcp_url: url,
    // Text has no resource to wait for.
    lcp_resource_load_delay_ms: url ? roundMs(attribution.resourceLoadDelay) : undefined,
    lcp_resource_load_duration_ms: url ? roundMs(attribution.resourceLoadDuration) : undefined,
    lcp_element_render_delay_ms: roundMs(attribution.elementRenderDelay),
  };
}

function shiftFields({ value, attribution }: CLSMetricWithAttribution): Partial<PageView> {
  return { cls: Math.round(value * 1e4) / 1e4, cls_element: attribution.largestShiftTarget || undefined };
}

/** Returns a function that gives the slow events which were painted in the same frame as one of them. */
function watchFrames(): (event: PerformanceEventTiming) => PerformanceEventTiming[] {
  let recent: PerformanceEventTiming[] = [];
  const keep = (entries: PerformanceEntryList) => {
    recent = recent.concat(entries as PerformanceEventTiming[]).slice(-MAX_RECENT);
  };
  const observer = new PerformanceObserver(guard((list) => keep(list.getEntries())));
  // Browsers warn in the console of types that they do not know.
  if (PerformanceObserver.supportedEntryTypes.includes('event')) {
    observer.observe({ type: 'event', buffered: true, durationThreshold: 40 } as PerformanceObserverInit);
  }
  const painted = (e: PerformanceEventTiming) => e.startTime + e.duration;
  return (event) => {
    keep(observer.takeRecords());
    // Durations are rounded to 8 ms.
    return recent.filter((e) => Math.abs(painted(e) - painted(event)) <= 8);
  };
}

/**
 * Describes the interaction that INP is due to, as the library's attribution
 * does: by all events that were painted in its frame. That attribution looks
 * into long animation frames too, for which the bundle has no room.
 */
export function interactionFields(
  inpMs: number,
  entries: PerformanceEventTiming[],
  frame: (event: PerformanceEventTiming) => PerformanceEventTiming[],
): Partial<PageView> {
  const first = entries[0];
  if (!first) {
    return { inp_ms: roundMs(inpMs) };
  }
  const painted = [...entries, ...frame(first)];
  // A handler that began before this interaction is the frame's too, and a dialogue can outlast the frame.
  const begun = Math.max(Math.min(...painted.map((e) => e.processingStart)), first.startTime);
  const shown = Math.max(first.startTime + inpMs, begun);
  const ended = Math.min(Math.max(...painted.map((e) => e.processingEnd)), shown);
  const target = entries.find((e) => e.target)?.target;
  return {
    inp_ms: roundMs(inpMs),
    // The browser's own selector is left when the element is gone.
    inp_element: (target ? getSelector(target) : first.targetSelector) || undefined,
    inp_input_delay_ms: roundMs(begun - first.startTime),
    inp_processing_duration_ms: roundMs(ended - begun),
    inp_presentation_delay_ms: roundMs(shown - ended),
  };
}
