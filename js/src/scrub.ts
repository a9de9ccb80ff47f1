import { URL } from './lib/url';

/** The longest URL that the wire takes. */
const MAX_URL = 2048;

/**
 * Returns the scheme, host and path of an http, https or WebSocket URL, and nothing of
 * what may hold secrets: credentials, query and fragment. Other URLs, and what
 * is none, give undefined.
 */
export function scrubUrl(url: string | undefined): string | undefined {
  try {
    const { protocol, host, pathname } = new URL(url || 'about:', location.href);
    return /^(http|ws)s?:$/.test(protocol) ? `${protocol}//${host}${scrubPath(pathname)}`.slice(0, MAX_URL) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Puts [email] and [id] for those segments of a path that are one by their shape:
 * long numbers, hexadecimal digits such as UUIDs, and tokens. Names of files stay,
 * which may hold the hash of their build.
 */
function scrubPath(path: string): string {
  return path
    .replace(/;[^/]*/g, '')
    .replace(/[^/]{6,}/g, (segment) =>
      /.(@|%40).+\.[a-z]{2,}$/i.test(segment)
        ? '[email]'
        : /^\d{7,}$|^[\da-fA-F-]{16,}$|^eyJ|^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w-]{16,}=*$/.test(segment)
          ? '[id]'
          : segment,
    );
}

/**
 * Cuts credentials, queries and fragments out of every URL, absolute or not, in
 * a text for people. A word with a question mark or hash is taken for one if it
 * has a slash or equals sign. With positions, the line and column behind a URL,
 * as stacks have them, stay.
 */
export function scrubText(text: string, positions?: boolean): string {
  // Words first, then each with simple searches: one pattern for all would take
  // quadratic time on texts made to hurt it. Parentheses and single quotes are
  // legal in a query, so they end no word.
  return text.replace(/[^\s"<>]+/g, (word) => {
    const cut = word.search(/[?#]/);
    const kept =
      cut >= 0 && /[/=]/.test(word)
        ? word.slice(0, cut) + (positions ? /(:\d+:\d+)?\)?,?$/.exec(word)?.[0] : '')
        : word;
    const clean = kept.replace(/:\/\/[^/]*@/g, '://');
    return /\//.test(clean) ? scrubPath(clean) : clean;
  });
}
