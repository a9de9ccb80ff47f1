import { guard } from '../lib/guard';
import { newId } from '../lib/newId';
import { now } from '../lib/now';
import { URL } from '../lib/url';
import type { RequestFailure } from '../wire';

/** Ends a request that began, with its status, or 0, and why it failed. */
export type End = (status: number, failure?: RequestFailure) => void;
/** A request that began, and the traceparent header that it is to carry, if any (W3C Trace Context). */
export interface Begun {
  end: End;
  traceparent?: string;
  /** It does not carry the header. */
  untraced(): void;
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
  /** An entry that comes later is swallowed. */
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
  running(): OpenRequest[];
}

/** How long after its end a request's entry may come; the entry of a stream comes at the end of its body. */
const ENTRY_DELAY_MS = 1_000;
const STREAM_MS = 10_000;
/** Browsers fail what still runs just before they say that the user goes. */
const LEAVING_MS = 20;
/** Requests that may run at a time, and notes that are kept of them and those before, whose entries may come late. */
const MAX_OPEN = 200;
const MAX_NOTES = 400;

/**
 * Calls deliver with each request but those to collectUrl, once its entry has joined it or
 * will not come. Requests to traced origins get a traceparent.
 */
export function createNotes(
  deliver: (note: Note, entry?: PerformanceResourceTiming) => void,
  collectUrl: string | undefined,
  matters: (request: OpenRequest) => boolean,
  traced: string[],
): Notes {
  let notes: Note[] = [];
  const running = () => notes.filter((note) => !note.delivered);

  function begin(method: string, url: string, initiator: string): Begun | undefined {
    const { href, pathname, origin } = new URL(url, document.baseURI);
    if (!/^http/.test(href) || href === collectUrl || running().length >= MAX_OPEN) {
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
    notes = notes.concat(note).slice(-MAX_NOTES);
    return {
      traceparent: note.traceId && `00-${note.traceId}-${newId()}-01`,
      untraced() {
        note.traceId = undefined;
      },
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

  /** Delivers a note that ended, if its entry is there; else that has yet some time to come. */
  function settle(note: Note): void {
    const { entry, failure, initiator } = note;
    // What failed may yet turn out to be left behind.
    if (entry && failure !== 'network') {
      tell(note);
    } else {
      setTimeout(guard(tell), initiator === 'fetch' && !failure ? STREAM_MS : ENTRY_DELAY_MS, note);
    }
  }

  function tell(note: Note): void {
    if (!note.delivered) {
      note.delivered = true;
      deliver(note, note.entry);
    }
  }

  return {
    begin,
    running,
    join(entry) {
      const note = findNote(notes, entry);
      if (note) {
        note.entry = entry;
        if (note.endMs !== undefined && note.failure !== 'network') {
          tell(note);
        }
      }
      return !!note;
    },
    finish(gone) {
      const nowMs = now();
      for (const note of running()) {
        const { endMs = nowMs, failure } = note;
        const left = note.endMs === undefined ? matters(note) : failure === 'network' && nowMs - endMs < LEAVING_MS;
        if (gone && left) {
          note.endMs = endMs;
          note.failure = 'aborted';
        }
        if (note.endMs !== undefined) {
          tell(note);
        }
      }
    },
  };
}

/** Returns the note of the request that an entry measured: same URL, if possible ended, and begun shortly before. */
function findNote(notes: Note[], { name, initiatorType, startTime, responseStatus }: PerformanceResourceTiming) {
  const gap = ({ startMs, endMs }: Note) => Math.abs(startTime - startMs) + (endMs === undefined ? 1e9 : 0);
  return notes
    .filter(
      ({ url, initiator, entry, startMs, endMs = startTime, status }) =>
        url === name.split('#')[0] &&
        initiator === initiatorType &&
        !entry &&
        // Clocks are coarse, and differ a little between the browser's parts.
        startMs <= startTime + 1 &&
        startTime <= endMs + 1 &&
        (!status || !responseStatus || status === responseStatus),
    )
    .sort((a, b) => gap(a) - gap(b))[0];
}
