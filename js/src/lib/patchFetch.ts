import type { Notes } from '../collect/notes';
import { Failure } from '../compact';
import { wrap } from './wrap';

/**
 * Notes each fetch. The page's arguments, result and errors pass through as
 * they are, but for the header that a note asks for; what the page does with the
 * answer's body is not seen.
 */
export function patchFetch({ begin, end }: Notes): void {
  // The page may name something of its own Request later.
  const { Request } = globalThis;
  wrap(globalThis, 'fetch', (args) => {
    const [input, init] = args as [Request, RequestInit?];
    const note = begin(init?.method || input.method || 'GET', `${input.url || input}`, 'fetch');
    if (note?.traceparent) {
      const copy = new Request(input, init);
      // What is sent without CORS may have no headers of its own, and the page may trace by itself.
      if (copy.mode === 'no-cors' || copy.headers.has('traceparent')) {
        note.traceparent = undefined;
      } else {
        copy.headers.set('traceparent', note.traceparent);
      }
      args.splice(0, 2, copy);
    }
    // The page gets the promise behind ours, so that a rejection stays unhandled exactly if the page leaves it so.
    return (
      note &&
      ((answer?: Promise<Response>) =>
        answer?.then
          ? answer.then(
              (response) => {
                end(note, response?.status);
                return response;
              },
              (reason) => {
                const { aborted } = Object(init?.signal || input.signal);
                const late = reason?.name === 'TimeoutError';
                end(note, 0, aborted ? (late ? Failure.timeout : Failure.aborted) : Failure.network);
                throw reason;
              },
            )
          : answer)
    );
  });
}
