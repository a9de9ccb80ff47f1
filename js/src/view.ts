import { navigationEntry } from './lib/navigationEntry';
import { newId } from './lib/newId';
import { scrubUrl } from './scrub';
import type { PageTransaction } from './transactions';
import type { Navigation, PageError, PageView, TransactionRef, ViewInfo, WireEvent } from './wire';

/** The document, with what TypeScript's library lacks. */
export type MaybePrerendered = Document & { prerendering?: boolean; wasDiscarded?: boolean };

/** An error of a view, with what was counted of it since its last report. */
export interface SeenError {
  /** When the first uncounted one happened, on the performance clock. */
  sinceMs: number;
  error: PageError;
}

/**
 * One page view, and what was measured of it and not sent yet. A page has a new
 * one each time it comes back from the back/forward cache.
 */
export interface View {
  info: ViewInfo;
  /** The session in which the view's first report went out. */
  sessionId?: string;
  /** When it came out of the back/forward cache, on the performance clock; 0 for a load. */
  restoredMs: number;
  /** The trace id of the document. */
  traceId?: string;
  /** The business transaction that the page is. */
  page?: PageTransaction;
  /** Final values that no report holds yet. */
  fields: Partial<PageView>;
  /** Names of the fields that were ever set: each goes out once. */
  known: Set<string>;
  errors: Map<string, SeenError>;
  events: WireEvent[];
  /** Events queued so far. */
  queued: number;
  /** Whether the early, or the only, report is out. */
  reported: boolean;
  /** Whether the final report is out. */
  finished: boolean;
}

/** Begins the view of a page load, or of a restoration at restoredMs. */
export function createView(restoredMs = 0): View {
  return {
    info: {
      id: newId(),
      url: scrubUrl(location.href) as string,
      // Whoever goes back comes from somewhere else than they first came from.
      referrer: restoredMs ? undefined : scrubUrl(document.referrer || 'about:'),
      navigation: restoredMs ? 'back_forward_cache' : navigationOfLoad(),
    },
    restoredMs,
    fields: {},
    known: new Set(),
    errors: new Map(),
    events: [],
    queued: 0,
    reported: false,
    finished: false,
  };
}

/**
 * Returns when the user began to look at the view, on the performance clock. It
 * is known only once a prerendered page is activated.
 */
export function startOf(view: View): number {
  return view.restoredMs || navigationEntry()?.activationStart || 0;
}

/** Notes final values. Of each field the first counts: a report may hold it already. */
export function measured(view: View, fields: Partial<PageView>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && !view.known.has(name)) {
      view.known.add(name);
      Object.assign(view.fields, { [name]: value });
    }
  }
}

/**
 * Queues something that began at startMs on the performance clock, unless the
 * view has had its share. Ends of transactions have one beyond that of others,
 * so that a storm of requests hides none.
 */
export function addEvent(
  view: View,
  startMs: number,
  payload: Omit<WireEvent, 'id' | 'at_ms'>,
  transaction: TransactionRef | undefined = view.page?.ref,
): void {
  if (view.queued < (payload.transaction_done ? 2000 : 1000)) {
    view.queued++;
    view.events.push({ id: newId(), at_ms: wallClock(startMs), transaction, ...payload });
  }
}

/** Turns a moment on the performance clock into milliseconds since 1970. */
export function wallClock(ms: number): number {
  return Math.round(performance.timeOrigin + ms);
}

function navigationOfLoad(): Navigation {
  const page = document as MaybePrerendered;
  const entry = navigationEntry();
  if (page.prerendering || entry?.activationStart) {
    return 'prerender';
  }
  return page.wasDiscarded ? 'restore' : ((entry?.type || 'navigate') as Navigation);
}
