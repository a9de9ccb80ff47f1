import type { Begin } from '../collect/notes';
import { guard } from './guard';
import { URL } from './url';

/**
 * Tells begin of each fetch. The page's arguments, result and errors pass through as
 * they are, but for the header that begin asks for; what the page does with the
 * answer's body is not seen.
 */
export function patchFetch(begin: Begin): void {
  // The page may name something of its own Request later.
  const { fetch: native, Request } = globalThis;
  globalThis.fetch = function fetch(this: unknown, ...args: unknown[]) {
    const [input, init] = args as Parameters<typeof native>;
    let request: Request | undefined;
    const end = guard(() => {
      request = input instanceof Request ? input : undefined;
      const begun =
        request || typeof input === 'string' || input instanceof URL
          ? begin(init?.method || request?.method || 'GET', request ? request.url : String(input), 'fetch')
          : undefined;
      if (begun?.traceparent) {
        const copy = new Request(input as RequestInfo, init);
        // What is sent without CORS may have no headers of its own, and the page may trace by itself.
        if (copy.mode === 'no-cors' || copy.headers.has('traceparent')) {
          begun.untraced();
        } else {
          copy.headers.set('traceparent', begun.traceparent);
        }
        args.splice(0, 2, copy);
      }
      return begun?.end;
    })();
    const answer = native.apply(this as typeof globalThis, args as Parameters<typeof native>);
    if (!end || typeof answer?.then !== 'function') {
      return answer;
    }
    const failed = guard((reason: Error | undefined) => {
      const aborted = reason?.name === 'AbortError' || (init?.signal || request?.signal)?.aborted;
      end(0, reason?.name === 'TimeoutError' ? 'timeout' : aborted ? 'aborted' : 'network');
    });
    // The page gets the promise behind ours, so that a rejection stays unhandled exactly if the page leaves it so.
    return answer.then(
      (response) => {
        end(response?.status);
        return response;
      },
      (reason) => {
        failed(reason);
        throw reason;
      },
    );
  } as typeof native;
}
