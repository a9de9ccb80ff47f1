import { guard } from '../lib/guard';
import { patchFetch } from '../lib/patchFetch';
import { patchXhr } from '../lib/patchXhr';
import { roundMs } from '../lib/roundMs';
import { traceId } from '../lib/traceId';
import { URL } from '../lib/url';
import { scrubUrl } from '../scrub';
import type { RequestTiming } from '../wire';
import { createNotes, type Note, type Notes, type OpenRequest } from './notes';

/** A finished request of the page; times on the performance clock. */
export interface FinishedRequest {
  startMs: number;
  endMs: number;
  timing: RequestTiming;
  path: string;
  traceId?: string;
}

export interface Requests extends Pick<Notes, 'open'> {
  /**
   * Delivers what the browser has measured and not told yet. When the page may
   * not live on (leaving), also what will not be told in time and, when the user
   * is gone, the requests left behind.
   */
  drain(leaving: boolean, gone: boolean): void;
}

/**
 * Calls found with each fetch and XMLHttpRequest of the page, except those to
 * ownUrl. Resource Timing tells of them. Only with matters are fetch and
 * XMLHttpRequest replaced, to learn methods, failures and what still runs; it
 * says of a request whether to tell of it when the user leaves it behind.
 */
export function collectRequests(
  found: (request: FinishedRequest) => void,
  ownUrl: string | undefined,
  matters?: (request: OpenRequest) => boolean,
): Requests {
  const notes = createNotes(deliver, ownUrl, matters || (() => false));

  function deliver(note: Note | undefined, entry?: PerformanceResourceTiming): void {
    const url = scrubUrl(entry?.name || note?.url || '');
    if (url) {
      found(describe(url, note, entry));
    }
  }

  function onEntries(entries: PerformanceEntryList): void {
    for (const entry of entries as PerformanceResourceTiming[]) {
      const ours = scrubUrl(entry.name) === ownUrl;
      if (!ours && /^(fetch|xmlhttprequest)$/.test(entry.initiatorType) && !notes.join(entry)) {
        deliver(undefined, entry);
      }
    }
  }

  const observer = new PerformanceObserver(guard((list) => onEntries(list.getEntries())));
  guard(() => observer.observe({ type: 'resource', buffered: true }))();
  if (matters) {
    guard(patchFetch)(guard(notes.begin));
    guard(patchXhr)(guard(notes.begin));
  }
  return {
    open: notes.open,
    drain(leaving, gone) {
      onEntries(observer.takeRecords());
      if (leaving) {
        notes.finish(gone);
      }
    },
  };
}

function describe(url: string, note: Note | undefined, entry?: PerformanceResourceTiming): FinishedRequest {
  const startMs = entry ? entry.startTime : (note?.startMs as number);
  const endMs = entry ? entry.startTime + entry.duration : (note?.endMs as number);
  // Other origins that do not allow timing give zero for both.
  const shown = entry && entry.requestStart > 0;
  return {
    startMs,
    endMs,
    path: new URL(url).pathname,
    traceId: traceId(entry),
    timing: {
      method: note?.method,
      url,
      initiator: entry?.initiatorType || (note?.initiator as string),
      status_code: note?.status || entry?.responseStatus || undefined,
      failure: note?.failure,
      duration_ms: roundMs(endMs - startMs),
      request_ms: shown && entry.responseStart > 0 ? roundMs(entry.responseStart - entry.requestStart) : undefined,
      transfer_size_bytes: shown ? entry.transferSize : undefined,
    },
  };
}
