import { guard } from '../lib/guard';
import { navigationEntry } from '../lib/navigationEntry';
import { observe } from '../lib/observe';
import { roundMs } from '../lib/roundMs';
import { selector } from '../lib/selector';
import { scrubUrl } from '../scrub';
import type { PageView } from '../wire';
import type { Vital } from './vitals';

/** An entry of Largest Contentful Paint, and what may be gone later. */
interface Largest {
  atMs: number;
  url: string;
  element?: string;
  resource?: PerformanceResourceTiming;
}

type LargestPaint = PerformanceEntry & { element?: Element | null; id?: string; url?: string };

/**
 * First and Largest Contentful Paint (W3C Paint Timing and Largest Contentful
 * Paint), of pages that were looked at since they began. A view that comes back
 * from the back/forward cache has both when it is drawn again.
 */
export function collectPaints(firstHidden: () => number): Vital {
  let firstMs: number | undefined;
  let largest: Largest | undefined;
  let settled = false;
  let restored: Partial<PageView> | undefined;

  const drainFirst = observe('paint', (entries) => {
    firstMs ??= entries.find((e) => e.name === 'first-contentful-paint')?.startTime;
  });
  const drainLargest = observe<LargestPaint>('largest-contentful-paint', (entries) => {
    for (const entry of settled ? [] : entries) {
      if (entry.startTime < firstHidden()) {
        largest = describe(entry);
      }
    }
  });
  // What is painted after the first click or key is an answer to it. Scripts' clicks
  // are none.
  const settle = guard((event: Event) => {
    if (event.isTrusted && !settled) {
      whenIdle(() => {
        drainLargest?.();
        settled = true;
      });
    }
  });
  addEventListener('keydown', settle, true);
  addEventListener('click', settle, true);

  return {
    read() {
      if (restored) {
        return restored;
      }
      drainFirst?.();
      drainLargest?.();
      const activatedMs = navigationEntry()?.activationStart || 0;
      return {
        fcp_ms: firstMs !== undefined && firstMs < firstHidden() ? roundMs(firstMs - activatedMs) : undefined,
        ...(largest && largestFields(largest, activatedMs)),
      };
    },
    restored(atMs) {
      const view = {};
      settled = true;
      restored = view;
      // After the second frame the first is on the screen.
      requestAnimationFrame(() =>
        requestAnimationFrame(
          guard(() => {
            const drawn = roundMs(performance.now() - atMs);
            Object.assign(view, { fcp_ms: drawn, lcp_ms: drawn, lcp_element_render_delay_ms: drawn });
          }),
        ),
      );
    },
  };
}

function describe({ startTime, element, id, url = '' }: LargestPaint): Largest {
  return {
    atMs: startTime,
    url,
    element: selector(element) || (id && `#${id}`) || undefined,
    // The page may throw away its entries; of several the last before the paint is it.
    resource: url
      ? (performance.getEntriesByName(url, 'resource') as PerformanceResourceTiming[])
          .filter((r) => (r.requestStart || r.startTime) <= startTime)
          .pop()
      : undefined,
  };
}

/** The parts of Largest Contentful Paint are those of web.dev/articles/optimize-lcp; they add up to it. */
function largestFields({ atMs, element, url, resource }: Largest, activatedMs: number): Partial<PageView> {
  const paintMs = Math.max(atMs - activatedMs, 0);
  const navigation = navigationEntry();
  const answeredMs = navigation && navigation.responseStart <= performance.now() ? navigation.responseStart : 0;
  const ttfbMs = Math.max(answeredMs - activatedMs, 0);
  const requestedMs = Math.max(ttfbMs, resource ? (resource.requestStart || resource.startTime) - activatedMs : 0);
  const loadedMs = Math.min(paintMs, Math.max(requestedMs, resource ? resource.responseEnd - activatedMs : 0));
  return {
    lcp_ms: roundMs(paintMs),
    lcp_element: element,
    lcp_url: url ? scrubUrl(url) : undefined,
    // Text has no resource to wait for.
    lcp_resource_load_delay_ms: url ? roundMs(requestedMs - ttfbMs) : undefined,
    lcp_resource_load_duration_ms: url ? roundMs(loadedMs - requestedMs) : undefined,
    lcp_element_render_delay_ms: roundMs(paintMs - loadedMs),
  };
}

/** Calls then when the page has nothing to do, within a second; some browsers cannot tell. */
function whenIdle(then: () => void): void {
  const idle: typeof requestIdleCallback | undefined = globalThis.requestIdleCallback;
  if (idle) {
    idle(guard(then), { timeout: 1000 });
  } else {
    setTimeout(guard(then));
  }
}
