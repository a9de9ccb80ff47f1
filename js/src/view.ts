import type { Clicks } from './collect/clicks';
import type { Found } from './collect/errors';
import type { Loads } from './collect/loads';
import type { Scrolling } from './collect/scrolling';
import type { Vitals } from './collect/vitals';
import { Came, type Col, type Detection, type Fields } from './compact';
import { navigationEntry } from './lib/navigationEntry';
import type { PageTransaction, TransactionRef } from './transactions';

/** The document, with what TypeScript's library lacks. */
export type MaybePrerendered = Document & { prerendering?: boolean; wasDiscarded?: boolean };

/** An error of a view, with what was counted of it since its last report. */
export interface SeenError {
  /** When the first uncounted one happened, on the performance clock. */
  sinceMs: number;
  error: Found & { count: number };
}

/** An event as the beacon keeps it: its id follows from its place in a report. */
export interface QueuedEvent {
  /** When it began, on the performance clock. */
  atMs: number;
  transaction?: TransactionRef;
  trace_id?: string;
  /** The number of its kind, and its columns. */
  row: unknown[];
}

/** The kinds of events. */
export enum Kind {
  page_view,
  request,
  error,
  transaction_done,
  action,
  measure,
  resources,
}

/** What identifies a view. */
export interface ViewInfo {
  /** It has one from its first report on. */
  id?: string;
  /** As the page has them; reports hold them without what may be secret. */
  url: string;
  referrer?: string;
  /** The browser's word, or what only we know. */
  navigation?: Came | string;
  detection?: Detection;
  widthPx?: number;
  heightPx?: number;
  connection?: string;
}

/** What measures one view only. */
export interface Meters {
  vitals: Vitals;
  loads: Loads;
  clicks: Clicks;
  scrolling: Scrolling;
}

/**
 * One page view, and what was measured of it and not sent yet. A page has a new one
 * each time it comes back from the back/forward cache, and with each route.
 */
export interface View extends Meters {
  info: ViewInfo;
  /** The session in which the view's first report went out. */
  sessionId?: string;
  /** When it began, on the performance clock; 0 for a load. */
  beganMs: number;
  /** Of a route, when the address changed: until then the user has waited. */
  turnedMs?: number;
  /** When the next view began. */
  endedMs?: number;
  /** The trace id of the document. */
  traceId?: string;
  /** The business transaction that the page is. */
  page?: PageTransaction;
  /** Final values that no report holds yet. */
  fields: Fields;
  /** Columns that were ever set: each goes out once. */
  known: Set<string>;
  errors: Map<string, SeenError>;
  events: QueuedEvent[];
  /** Events queued so far. */
  queued: number;
  /** Reports sent so far, and their bytes. */
  reports: number;
  sentBytes: number;
  /** Whether the early, or the only, report is out. */
  reported?: boolean;
  /** Whether the final report is out. */
  finished?: boolean;
  /** While a timer runs for what waits, after how long it comes. */
  armedMs?: number;
}

/**
 * Begins the view of a page load, or one at beganMs that came about in another way;
 * metersOf makes what measures it.
 */
export function createView(
  metersOf: (view: View) => Meters,
  beganMs = 0,
  navigation?: Came,
  detection?: Detection,
): View {
  const view = {
    info: {
      url: location.href,
      // Whoever goes back comes from somewhere else than they first came from.
      referrer: navigation ? undefined : document.referrer,
      navigation: navigation || navigationOfLoad(),
      detection,
    },
    beganMs,
    fields: {},
    known: new Set(),
    errors: new Map(),
    events: [],
    queued: 0,
    reports: 0,
    sentBytes: 0,
  } as unknown as View;
  return Object.assign(view, metersOf(view));
}

/**
 * Returns when the user began to look at the view, on the performance clock. It
 * is known only once a prerendered page is activated.
 */
export function startOf({ beganMs }: Pick<View, 'beganMs'>): number {
  return beganMs || navigationEntry()?.activationStart || 0;
}

/** Notes final values. Of each field the first counts: a report may hold it already. */
export function measured(view: View, fields: Fields): void {
  for (const column in fields) {
    const value = fields[column as unknown as Col];
    if (value !== undefined && !view.known.has(column)) {
      view.known.add(column);
      view.fields[column as unknown as Col] = value;
    }
  }
}

/**
 * Queues something that began at atMs on the performance clock, unless the view has had its share. Ends of transactions have one beyond that of others,
 * so that a storm of requests hides none.
 */
export function addEvent(view: View, atMs: number, row: unknown[], trace_id?: string, own?: TransactionRef): void {
  if (view.queued < (own || row[0] === Kind.transaction_done ? 2000 : 1000)) {
    view.queued++;
    view.events.push({ atMs, transaction: own || view.page?.ref, trace_id, row });
  }
}

function navigationOfLoad(): Came | string | undefined {
  const page = document as MaybePrerendered;
  const entry = navigationEntry();
  if (page.prerendering || entry?.activationStart) {
    return Came.prerender;
  }
  return page.wasDiscarded ? Came.restore : entry?.type;
}
