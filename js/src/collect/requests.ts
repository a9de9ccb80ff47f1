import { type Failure, shorten, unless } from '../compact';
import { guard } from '../lib/guard';
import { observe } from '../lib/observe';
import { patchFetch } from '../lib/patchFetch';
import { patchXhr } from '../lib/patchXhr';
import { roundMs } from '../lib/roundMs';
import { traceId } from '../lib/traceId';
import { URL } from '../lib/url';
import { scrubUrl } from '../scrub';
import { Kind } from '../view';
import { createNotes, type Note, type Notes, type OpenRequest } from './notes';

/** A finished request of the page; times on the performance clock. */
export interface FinishedRequest {
  startMs: number;
  endMs: number;
  method?: string;
  path?: string;
  status?: number;
  failure?: Failure;
  traceId?: string;
  /** As the wire has it. */
  row: unknown[];
}

export interface Requests extends Pick<Notes, 'openMs'> {
  /**
   * Delivers what the browser has measured and not told yet. When the page may
   * not live on (leaving), also what will not be told in time and, when the user
   * is gone, the requests left behind.
   */
  drain(leaving?: boolean, gone?: boolean): void;
}

/** Takes in something that the page has loaded, but for fetch and XMLHttpRequest. */
export type Loaded = (entry: PerformanceResourceTiming, request: FinishedRequest) => void;

/**
 * Calls found with each fetch and XMLHttpRequest of the page, and loaded with all
 * else, except what goes to collectUrl. Resource Timing tells of them. Only the full bundle replaces fetch and
 * XMLHttpRequest, to learn methods, failures and what still runs; matters
 * says of a request whether to tell of it when the user leaves it behind. Requests to
 * traced origins, of which self is the page's own, then begin a trace.
 */
export function collectRequests(
  found: (request: FinishedRequest) => void,
  loaded: Loaded,
  collectUrl: string | undefined,
  matters: (request: OpenRequest) => unknown,
  traced: string[] = [],
): Requests {
  const notes = __FULL__ ? createNotes(deliver, collectUrl, matters, traced) : (undefined as never);

  function deliver(note: Note | undefined, entry?: PerformanceResourceTiming): void {
    const url = entry?.name || note?.url;
    if (url) {
      found(describe(url, note, entry));
    }
  }

  function onEntries(entries: PerformanceResourceTiming[]): void {
    for (const entry of entries) {
      if (!/^http/.test(entry.name) || entry.name === collectUrl) {
        continue;
      }
      if (!/^(fetch|xmlhttprequest)$/.test(entry.initiatorType)) {
        loaded(entry, describe(entry.name, undefined, entry));
      } else if (!(__FULL__ && notes.join(entry))) {
        deliver(undefined, entry);
      }
    }
  }

  const drain = observe('resource', onEntries);
  if (__FULL__) {
    patchFetch(notes);
    guard(patchXhr)(notes);
  }
  return {
    openMs: __FULL__ ? notes.openMs : () => [],
    drain(leaving, gone) {
      drain?.();
      if (__FULL__ && leaving) {
        notes.finish(gone);
      }
    },
  };
}

function describe(url: string, noted?: Note, entry?: PerformanceResourceTiming): FinishedRequest {
  const note = __FULL__ ? noted : undefined;
  const startMs = entry ? entry.startTime : (note?.startMs as number);
  const endMs = entry ? startMs + entry.duration : (note?.endMs as number);
  // Other origins that do not allow timing give zero for both.
  const shown = entry && entry.responseStart > 0;
  const status = note?.status || entry?.responseStatus;
  const { method, failure } = note || {};
  return {
    startMs,
    endMs,
    // What transactions are judged by.
    ...(__FULL__ && { method, path: new URL(url).pathname, status, failure }),
    traceId: traceId(entry) || note?.traceparent?.slice(3, 35),
    row: [
      Kind.request,
      method,
      shorten(scrubUrl(url)),
      unless('fetch', entry?.initiatorType || note?.initiator),
      status,
      unless<number>(0, failure),
      undefined,
      roundMs(endMs - startMs),
      shown ? roundMs(entry.responseStart - entry.requestStart) : undefined,
      shown ? entry.transferSize : undefined,
    ],
  };
}
