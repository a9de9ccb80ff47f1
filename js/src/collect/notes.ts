import { Failure } from '../compact';
import { guard } from '../lib/guard';
import { newId } from '../lib/newId';
import { now } from '../lib/now';
import { URL } from '../lib/url';

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
  failure?: Failure;
  /** The header that it is to carry, or carries (W3C Trace Context). */
  traceparent?: string;
  entry?: PerformanceResourceTiming;
  /** An entry that comes later is swallowed. */
  delivered?: boolean;
}

/** What is known of the page's requests by replacing fetch and XMLHttpRequest. */
export interface Notes {
  /** Begins a request of the page; undefined for one that is not measured. */
  begin(method: string, url: string, initiator: string): Note | undefined;
  /** Ends a request that began, if that is known, with its status, or 0, and why it failed, or 0. */
  end(note: Note | undefined, status: number, failure?: Failure): void;
  /** Joins an entry to its note; false if it has none. */
  join(entry: PerformanceResourceTiming): boolean;
  /**
   * Delivers all that ended. With gone, the user went away: requests that still
   * run, and matter, are delivered as aborted.
   */
  finish(gone?: boolean): void;
  /** When the requests began that run, or ended and are not delivered. */
  openMs(): number[];
}

/** How long after its end a request's entry may come; the entry of a stream comes at the end of its body. */
const FAILED_MS = 1_000;
const STREAM_MS = 10_000;
/** Browsers fail what still runs just before they say that the user goes. */
const LEAVING_MS = 20;
/** Notes that are kept, of requests that run and those before, whose entries may come late. */
const MAX_NOTES = 400;

/**
 * Calls deliver with each request but those to collectUrl, once its entry has joined it or
 * will not come. Requests to traced origins get a traceparent.
 */
export function createNotes(
  deliver: (note: Note, entry?: PerformanceResourceTiming) => void,
  collectUrl: string | undefined,
  matters: (request: OpenRequest) => unknown,
  traced: string[],
): Notes {
  let notes: Note[] = [];
  const tell = guard((note: Note) => {
    if (!note.delivered) {
      note.delivered = true;
      deliver(note, note.entry);
    }
  });

  /** Tells of what ended, and has its entry, but what failed may yet turn out to be left behind. */
  function settle(note: Note): void {
    if (note.entry && note.endMs && !note.failure) {
      tell(note);
    }
  }

  return {
    openMs: () => notes.filter((note) => !note.delivered).map((note) => note.startMs),
    begin(method, url, initiator) {
      const { href, pathname, origin } = new URL(url, document.baseURI);
      if (!/^http/.test(href) || href === collectUrl) {
        return undefined;
      }
      const note: Note = {
        method: method.toUpperCase(),
        path: pathname,
        url: href.split('#')[0] as string,
        initiator,
        startMs: now(),
        status: 0,
        traceparent:
          traced.includes(origin) || (origin === location.origin && traced.includes('self'))
            ? `00-${newId() + newId()}-${newId()}-01`
            : undefined,
      };
      notes = notes.concat(note).slice(-MAX_NOTES);
      return note;
    },
    end: guard((note: Note, status, failure) => {
      if (!note.endMs) {
        note.endMs = now();
        note.status = status;
        note.failure = failure;
        setTimeout(tell, failure ? FAILED_MS : STREAM_MS, note);
        settle(note);
      }
    }),
    join(entry) {
      const note = findNote(notes, entry);
      if (note) {
        note.entry = entry;
        settle(note);
      }
      return !!note;
    },
    finish(gone) {
      const nowMs = now();
      for (const note of notes) {
        const { endMs = nowMs } = note;
        if (gone && (note.endMs ? note.failure === Failure.network && nowMs - endMs < LEAVING_MS : matters(note))) {
          note.endMs = endMs;
          note.failure = Failure.aborted;
        }
        if (note.endMs) {
          tell(note);
        }
      }
    },
  };
}

/** Returns the note of the request that an entry measured: of those with its URL the one that began at the time nearest to it. */
function findNote(notes: Note[], { name, startTime }: PerformanceResourceTiming) {
  const gap = ({ startMs }: Note) => Math.abs(startTime - startMs);
  return notes
    .filter(
      ({ url, entry, startMs, endMs = startTime }) =>
        // Clocks are coarse, and differ a little between the browser's parts.
        url === name.split('#')[0] && !entry && startMs <= startTime + 1 && startTime <= endMs + 1,
    )
    .sort((a, b) => gap(a) - gap(b))[0];
}
