import type { Begin } from '../collect/notes';
import { guard } from './guard';

/**
 * Tells begin of each fetch. The page's arguments, result and errors pass
 * through as they are; what it does with the answer's body is not seen.
 */
export function patchFetch(begin: Begin): void {
  const native = globalThis.fetch;
  globalThis.fetch = function fetch(this: unknown, ...args: unknown[]) {
    const [input, init] = args as Parameters<typeof native>;
    const request = input instanceof Request ? input : undefined;
    const end = guard(() => {
      const url = request ? request.url : typeof input === 'string' || input instanceof URL ? String(input) : undefined;
      return url === undefined ? undefined : begin(init?.method || request?.method || 'GET', url, 'fetch');
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
