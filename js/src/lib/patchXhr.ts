import type { Begin, End } from '../collect/notes';
import { guard } from './guard';

/** Tells begin of each XMLHttpRequest; its behaviour stays as it is, but for the header that begin asks for. */
export function patchXhr(begin: Begin): void {
  const { prototype } = XMLHttpRequest;
  const { open, send, setRequestHeader } = prototype;
  const opened = new WeakMap<XMLHttpRequest, [method: string, url: string]>();
  // Those of which the page traces by itself.
  const traced = new WeakSet<XMLHttpRequest>();

  prototype.open = function (this: XMLHttpRequest, ...args: unknown[]) {
    guard(() => {
      opened.set(this, [String(args[0]), String(args[1])]);
      traced.delete(this);
    })();
    return open.apply(this, args as unknown as Parameters<typeof open>);
  } as typeof open;

  prototype.setRequestHeader = function (this: XMLHttpRequest, ...args) {
    guard(() => {
      if (/^traceparent$/i.test(args[0])) {
        traced.add(this);
      }
    })();
    return setRequestHeader.apply(this, args);
  };

  prototype.send = function (this: XMLHttpRequest, ...args) {
    guard(() => {
      const known = opened.get(this);
      const begun = known && begin(known[0], known[1], 'xmlhttprequest');
      if (begun) {
        watch(this, begun.end);
        if (traced.has(this)) {
          begun.untraced();
        } else if (begun.traceparent) {
          setRequestHeader.call(this, 'traceparent', begun.traceparent);
        }
      }
    })();
    return send.apply(this, args);
  };
}

function watch(xhr: XMLHttpRequest, end: End): void {
  const kinds = ['load', 'error', 'abort', 'timeout'] as const;
  const ended = guard((event: Event) => {
    for (const kind of kinds) {
      xhr.removeEventListener(kind, ended);
    }
    const { type } = event;
    end(
      xhr.status,
      type === 'error' ? 'network' : type === 'abort' ? 'aborted' : type === 'timeout' ? type : undefined,
    );
  });
  for (const kind of kinds) {
    xhr.addEventListener(kind, ended);
  }
}
