import { ErrorKind, keys } from '../compact';
import { takeEarly } from '../early';
import { guard } from '../lib/guard';
import { listen } from '../lib/listen';
import { scrubText } from '../scrub';
import type { SeenError } from '../view';
import { describeFailure } from './resources';

/** Different errors of one kind that one view tells of. */
const MAX_DISTINCT = 20;
export const MAX_MESSAGE = 1024;
const MAX_STACK = 4096;
/** Fields that are named of a thrown object. */
const MAX_KEYS = 8;

/** An error, before it is counted. */
export interface Found {
  kind: ErrorKind;
  type?: string;
  message: string;
  stack?: string;
}

/**
 * Calls found with each error and rejection that nothing in the page handles, and
 * with each resource that cannot be loaded, those before the beacon included if
 * the page holds the snippet; those with the moment at which they happened.
 */
export function collectErrors(found: (error: Found, atMs?: number) => void): void {
  const see = guard((event: Event, atMs?: number) => {
    const error = describeEvent(event);
    if (error) {
      found(error, atMs);
    }
  });
  for (const [event, atMs] of takeEarly()) {
    see(event, atMs);
  }
  listen('error unhandledrejection', (event) => see(event));
}

function describeEvent(event: Event): Found | undefined {
  if (event.type === 'unhandledrejection') {
    return describeError(ErrorKind.unhandledrejection, (event as PromiseRejectionEvent).reason);
  }
  // What cannot be loaded comes by here too.
  return event instanceof ErrorEvent
    ? describeError(ErrorKind.error, event.error ?? event.message)
    : describeFailure(event.target);
}

/**
 * Describes anything that was thrown, without what URLs in it may hold. Of what
 * has no message, nothing but what it is and the names of its fields are told, as in Event {isTrusted}.
 */
export function describeError(kind: ErrorKind, thrown: unknown): Found {
  const message = textOf(thrown, 'message');
  return {
    kind,
    type: message === undefined ? message : textOf(thrown, 'name')?.slice(0, 64) || undefined,
    message: scrubText((message ?? (guard(outline)(thrown) || 'object')).slice(0, MAX_MESSAGE)),
    stack: scrubText(textOf(thrown, 'stack')?.slice(0, MAX_STACK) || '', true) || undefined,
  };
}

/** Counts an error that happened at atMs, on the performance clock, among those of a view. */
export function countError(seen: Map<string, SeenError>, error: Found, atMs: number): void {
  // Two lines of stack: where the message stands on one, the next is the place.
  const place = error.stack?.split('\n', 2).join('\n');
  const key = [error.kind, error.type, error.message, place].join('\n');
  const known = seen.get(key);
  if (known) {
    if (!known.error.count++) {
      known.sinceMs = atMs;
    }
  } else if ([...seen.values()].filter((other) => other.error.kind === error.kind).length < MAX_DISTINCT) {
    seen.set(key, { sinceMs: atMs, error: { ...error, count: 1 } });
  }
}

/** Reads one text of anything; what is none, or throws, gives undefined. */
const textOf = guard((thing: unknown, field: keyof Error) => {
  const text = (thing as Error)[field];
  return typeof text === 'string' ? text : undefined;
});

/** Values may be personal, large, or run code of the page: only names of an object's fields are for the wire. */
function outline(thrown: unknown): string {
  if (Object(thrown) !== thrown) {
    return String(thrown);
  }
  // As in [object Event].
  const name = {}.toString.call(thrown).slice(8, -1);
  const fields = keys(thrown as object).slice(0, MAX_KEYS);
  return `${name} {${fields.join(', ')}}`;
}
