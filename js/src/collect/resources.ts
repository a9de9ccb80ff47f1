import { ErrorKind } from '../compact';
import { scrubUrl } from '../scrub';
import type { Found } from './errors';

type Loader = Element & { currentSrc?: string; src?: unknown; href?: unknown; data?: unknown };

/** Describes an element whose resource cannot be loaded; undefined if it is none, or has no address to tell. */
export function describeFailure(target: EventTarget | null): Found | undefined {
  const { localName, currentSrc, src, href, data } = target as Loader;
  // Of an <svg> image the address is an object, of an <object> it is its data.
  const url = [currentSrc, src, href, data].find((address) => address && typeof address === 'string') as string;
  const clean = localName && url && scrubUrl(url);
  return clean
    ? { kind: ErrorKind.not_loaded, type: localName, message: `${localName} not loaded: ${clean}` }
    : undefined;
}
