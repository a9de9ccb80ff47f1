import { Col, type Fields, shorten } from '../compact';
import { guard } from '../lib/guard';
import { navigationEntry } from '../lib/navigationEntry';
import { now } from '../lib/now';
import { roundMs } from '../lib/roundMs';
import { selector } from '../lib/selector';
import { scrubUrl } from '../scrub';
import { startOf, type View } from '../view';
import type { Visibility } from '../visibility';
import type { Vitals } from './vitals';

/** An entry of Largest Contentful Paint, and what may be gone later. */
interface Largest {
  atMs: number;
  url: string;
  element?: string;
  resource?: PerformanceResourceTiming;
}

type LargestPaint = PerformanceEntry & { element?: Element | null; id?: string; url?: string };

/** Interaction to Contentful Paint: what an input has changed, and the largest of that so far. */
type InteractionPaint = PerformanceEntry & { largestContentfulPaint?: LargestPaint & { renderTime: number } };

/** The entry of a soft navigation (W3C Soft Navigations). */
export type SoftNavigation = PerformanceEntry & {
  presentationTime?: number;
  getLargestInteractionContentfulPaint?(): InteractionPaint | null;
};

/** When a view began, on the performance clock; 0 for a load. */
export type Start = Pick<View, 'beganMs'>;

/**
 * First and Largest Contentful Paint (W3C Paint Timing, Largest Contentful Paint and
 * Soft Navigations), of views that were looked at since they began. Of a new route
 * only browsers with soft navigations tell. A view that comes back from the
 * back/forward cache has both when it is drawn again.
 */
export function createPaints(view: Start, visibility: Visibility): Vitals {
  const startMs = () => startOf(view);
  const seen = (ms: number) => ms < visibility.hiddenAfter(startMs());
  let firstMs: number | undefined;
  let largest: Largest | undefined;
  let settled = false;
  let restored: Fields | undefined;

  function takeInteraction(entries: InteractionPaint[]): void {
    for (const { startTime, largestContentfulPaint: paint } of entries) {
      // Those of other inputs are none of this view's.
      if (paint && startTime === view.beganMs && !settled && seen(paint.renderTime)) {
        largest = describe(paint);
      }
    }
  }

  return {
    take: {
      paint(entries: PerformanceEntry[]) {
        firstMs ??= entries.find((e) => e.name === 'first-contentful-paint')?.startTime;
      },
      'largest-contentful-paint'(entries: LargestPaint[]) {
        for (const entry of entries) {
          if (!view.beganMs && !settled && seen(entry.startTime)) {
            largest = describe(entry);
          }
        }
      },
      'interaction-contentful-paint': takeInteraction,
    },
    navigated(entry) {
      firstMs = entry.presentationTime;
      const paint = entry.getLargestInteractionContentfulPaint?.();
      if (paint) {
        takeInteraction([paint]);
      }
    },
    read() {
      if (restored) {
        return restored;
      }
      return {
        [Col.fcp_ms]: firstMs !== undefined && seen(firstMs) ? roundMs(firstMs - startMs()) : undefined,
        ...(largest && largestFields(largest, startMs(), !!view.beganMs)),
      };
    },
    settle() {
      settled = true;
    },
    restored() {
      const fields: Fields = {};
      restored = fields;
      // After the second frame the first is on the screen.
      requestAnimationFrame(() =>
        requestAnimationFrame(
          guard(() => {
            const drawn = roundMs(now() - view.beganMs);
            Object.assign(fields, {
              [Col.fcp_ms]: drawn,
              [Col.lcp_ms]: drawn,
              [Col.lcp_element_render_delay_ms]: drawn,
            });
          }),
        ),
      );
    },
  };
}

function describe({ startTime, element, id, url = '' }: LargestPaint): Largest {
  return {
    // The moment that it was rendered, of both kinds of entries.
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
function largestFields({ atMs, element, url, resource }: Largest, startMs: number, soft: boolean): Fields {
  const paintMs = Math.max(atMs - startMs, 0);
  const navigation = navigationEntry();
  // A new route has no document to wait for.
  const answeredMs = !soft && navigation && navigation.responseStart <= now() ? navigation.responseStart : 0;
  const ttfbMs = Math.max(answeredMs - startMs, 0);
  const requestedMs = Math.max(ttfbMs, resource ? (resource.requestStart || resource.startTime) - startMs : 0);
  const loadedMs = Math.min(paintMs, Math.max(requestedMs, resource ? resource.responseEnd - startMs : 0));
  return {
    [Col.lcp_ms]: roundMs(paintMs),
    [Col.lcp_element]: element,
    [Col.lcp_url]: shorten(scrubUrl(url)),
    // Text has no resource to wait for.
    [Col.lcp_resource_load_delay_ms]: url ? roundMs(requestedMs - ttfbMs) : undefined,
    [Col.lcp_resource_load_duration_ms]: url ? roundMs(loadedMs - requestedMs) : undefined,
    [Col.lcp_element_render_delay_ms]: roundMs(paintMs - loadedMs),
  };
}
