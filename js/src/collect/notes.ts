import { guard } from '../lib/guard';
import { newId } from '../lib/newId';
import { now } from '../lib/now';
import { URL } from '../lib/url';
import { scrubUrl } from '../scrub';
import type { RequestFailure } from '../wire';

/** Ends a request that began, with its status, or 0, and why it failed. */
export type End = (status: number, failure?: RequestFailure) => void;
/** A request that began, and the traceparent header that it is to carry, if any (W3C Trace Context). */
export interface Begun {
  end: End;
  traceparent?: string;
}
/** Begins a request of the page; undefined for one that is not measured. */
export type Begin = (method: string, url: string, initiator: string) => Begun | undefined;

/** A request that runs; its start is on the performance clock. */
export interface OpenRequest {
  method: string;
  path: string;
  startMs: number;
}

/** What the patches know of a request, kept until the browser's own measurement joins it. */
export interface Note extends OpenRequest {
  url: string;
  initiator: string;
  endMs?: number;
  status: number;
  failure?: RequestFailure;
  /** The trace that it has begun. */
  traceId?: string;
  entry?: PerformanceResourceTiming;
  /** Delivered without an entry; one that comes late is swallowed. */
  delivered?: boolean;
}

/** What is known of the page's requests by replacing fetch and XMLHttpRequest. */
export interface Notes {
  begin: Begin;
  /** Joins an entry to its note; false if it has none. */
  join(entry: PerformanceResourceTiming): boolean;
  /**
   * Delivers all that ended. With gone, the user went away: requests that still
   * run, and matter, are delivered as aborted.
   */
  finish(gone: boolean): void;
  /** The requests that run, or ended and are not delivered. */
  open(): OpenRequest[];
}

/** How long after its end a request's entry may come; the entry of a stream comes at the end of its body. */
const ENTRY_DELAY_MS = 1_000;
const STREAM_MS = 10_000;
/** How long an entry that came too late is looked out for, to be swallowed. */
const LATE_MS = 60_000;
/** Browsers fail what still runs just before they say that the user goes. */
const LEAVING_MS = 20;
const MAX_NOTES = 200;

/**
 * Calls deliver with each request but those to ownUrl, once its entry has joined it or
 * will not come. Requests to traced origins get a traceparent.
 */
export function createNotes(
  deliver: (note: Note, entry?: PerformanceResourceTiming) => void,
  ownUrl: string | undefined,
  matters: (request: OpenRequest) => boolean,
  traced: string[],
): Notes {
  const notes: Note[] = [];
  const open = () => notes.filter((note) => !note.delivered);

  function begin(method: string, url: string, initiator: string): Begun | undefined {
    const { href, pathname, origin } = new URL(url, document.baseURI);
    if (!/^http/.test(href) || scrubUrl(href) === ownUrl || notes.length >= MAX_NOTES) {
      return undefined;
    }
    const note: Note = {
      method: method.toUpperCase(),
      path: pathname,
      url: href.split('#')[0] as string,
      initiator,
      startMs: now(),
      status: 0,
      traceId: traced.includes(origin) ? newId() + newId() : undefined,
    };
    notes.push(note);
    return {
      traceparent: note.traceId && `00-${note.traceId}-${newId()}-01`,
      end: guard((status, failure) => {
        if (!note.delivered) {
          note.endMs = now();
          note.status = status;
          note.failure = failure;
          settle(note);
        }
      }),
    };
  }

  function settle(note: Note): void {
    const { entry, failure } = note;
    // What failed may yet turn out to be left behind.
    if (entry && failure !== 'network') {
      remove(note);
      deliver(note, entry);
    } else {
      setTimeout(guard(expire), note.initiator === 'fetch' && !failure ? STREAM_MS : ENTRY_DELAY_MS, note);
    }
  }

  /** Delivers a note, even if its entry has not come. */
  function expire(note: Note): void {
    if (!note.delivered && notes.includes(note)) {
      note.delivered = true;
      deliver(note, note.entry);
      setTimeout(remove, LATE_MS, note);
    }
  }

  function remove(note: Note): void {
    const index = notes.indexOf(note);
    if (index >= 0) {
      notes.splice(index, 1);
    }
  }

  return {
    begin,
    open,
    join(entry) {
      const note = findNote(notes, entry);
      if (note?.delivered) {
        remove(note);
      } else if (note) {
        note.entry = entry;
        if (note.endMs !== undefined && note.failure !== 'network') {
          settle(note);
        }
      }
      return !!note;
    },
    finish(gone) {
      const nowMs = now();
      for (const note of open()) {
        const { endMs = nowMs, failure } = note;
        const left = note.endMs === undefined ? matters(note) : failure === 'network' && nowMs - endMs < LEAVING_MS;
        if (gone && left) {
          note.endMs = endMs;
          note.failure = 'aborted';
        }
        if (note.endMs !== undefined) {
          expire(note);
        }
      }
    },
  };
}

/** Returns the note of the request that an entry measured: same URL, if possible ended, and begun shortly before. */
function findNote(notes: Note[], entry: PerformanceResourceTiming): Note | undefined {
  let best: Note | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const note of notes) {
    if (
      note.url === entry.name.split('#')[0] &&
      note.initiator === entry.initiatorType &&
      !note.entry &&
      // Clocks are coarse, and differ a little between the browser's parts.
      note.startMs <= entry.startTime + 1 &&
      (note.endMs === undefined || entry.startTime <= note.endMs + 1) &&
      (!note.status || !entry.responseStatus || note.status === entry.responseStatus)
    ) {
      const gap = Math.abs(entry.startTime - note.startMs) + (note.endMs === undefined ? 1e9 : 0);
      if (gap < least) {
        least = gap;
        best = note;
      }
    }
  }
  return best;
}
