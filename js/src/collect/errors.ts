import { guard } from '../lib/guard';
import { scrubText } from '../scrub';
import type { SeenError } from '../view';
import type { ErrorKind, PageError } from '../wire';

/** Different errors that one view tells of. */
const MAX_DISTINCT = 20;
const MAX_MESSAGE = 1024;
const MAX_STACK = 4096;

/** Calls found with each error and rejection that nothing in the page handles. */
export function collectErrors(found: (error: PageError) => void): void {
  addEventListener(
    'error',
    guard((event: ErrorEvent) => {
      // Images and scripts that fail to load come by here too.
      if (event instanceof ErrorEvent) {
        found(describeError('error', event.error ?? event.message));
      }
    }),
    true,
  );
  addEventListener(
    'unhandledrejection',
    guard((event: PromiseRejectionEvent) => found(describeError('unhandledrejection', event.reason))),
    true,
  );
}

/** Describes anything that was thrown, without what URLs in it may hold. */
export function describeError(kind: ErrorKind, thrown: unknown): PageError {
  const like = (typeof thrown === 'object' && thrown ? thrown : {}) as Partial<Error>;
  const text = typeof like.message === 'string' ? like.message : plainText(thrown);
  return {
    kind,
    type: typeof like.name === 'string' && like.name ? like.name.slice(0, 64) : undefined,
    message: scrubText(text.slice(0, MAX_MESSAGE)),
    stack: typeof like.stack === 'string' ? scrubText(like.stack.slice(0, MAX_STACK), true) : undefined,
    count: 1,
  };
}

/** Counts an error that happened at atMs, on the performance clock, among those of a view. */
export function countError(seen: Map<string, SeenError>, error: PageError, atMs: number): void {
  // Two lines of stack: where the message stands on one, the next is the place.
  const place = error.stack?.split('\n', 2).join('\n');
  const key = [error.kind, error.type, error.message, place].join('\n');
  const known = seen.get(key);
  if (known) {
    if (!known.error.count++) {
      known.sinceMs = atMs;
    }
  } else if (seen.size < MAX_DISTINCT) {
    seen.set(key, { sinceMs: atMs, error });
  }
}

function plainText(thrown: unknown): string {
  try {
    return typeof thrown === 'object' ? JSON.stringify(thrown) : String(thrown);
  } catch {
    return Object.prototype.toString.call(thrown);
  }
}
