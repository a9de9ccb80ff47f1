import type { Note, Notes } from '../collect/notes';
import { wrap } from './wrap';

/** What is known of an XMLHttpRequest, from the last time that it was opened. */
interface Opened {
  method: string;
  url: string;
  /** Whether the page traces it by itself. */
  traced?: boolean;
  note?: Note;
}

/** Events at the end, by beacon.RequestFailure's place: none, network, aborted and timeout. */
const ENDS = ['load', 'error', 'abort', 'timeout'];

/** Notes each XMLHttpRequest; its behaviour stays as it is, but for the header that a note asks for. */
export function patchXhr({ begin, end }: Notes): void {
  const { prototype } = XMLHttpRequest;
  const known = new WeakMap<XMLHttpRequest, Opened>();

  wrap(prototype, 'open', ([method, url], xhr: XMLHttpRequest) => {
    if (!known.has(xhr)) {
      ENDS.forEach((type, failure) => {
        xhr.addEventListener(type, () => end(known.get(xhr)?.note, xhr.status, failure));
      });
    }
    known.set(xhr, { method: `${method}`, url: `${url}` });
  });

  wrap(prototype, 'setRequestHeader', ([name], xhr: XMLHttpRequest) => {
    if (/^traceparent$/i.test(name)) {
      (known.get(xhr) as Opened).traced = true;
    }
  });

  wrap(prototype, 'send', (_, xhr: XMLHttpRequest) => {
    const opened = known.get(xhr) as Opened;
    const note = begin(opened.method, opened.url, 'xmlhttprequest');
    opened.note = note;
    if (note?.traceparent) {
      if (opened.traced) {
        note.traceparent = undefined;
      } else {
        xhr.setRequestHeader('traceparent', note.traceparent);
      }
    }
  });
}
