import { describeError, type Found } from './collect/errors';
import { ErrorKind, entries } from './compact';
import { guard } from './lib/guard';
import { scrubText } from './scrub';

/** What the page says of all that it does. */
export interface Identity {
  userId?: string;
  attributes?: Record<string, string>;
  /** Whether the beacon may keep and send anything. */
  consent: boolean;
}

type Attributes = Record<string, unknown>;

/** What the beacon does at the page's word. */
export interface Orders {
  identity: Identity;
  event(name: string, attributes?: Record<string, string>): void;
  view(): void;
  error(error: Found): void;
  /** The user has agreed, or does not agree any more: identity says which. */
  decided(): void;
}

const MAX_ATTRIBUTES = 20;
const MAX_TEXT = 200;

const cut = (value: unknown) => `${value ?? ''}`.slice(0, MAX_TEXT);

/** Turns what the page gives into the wire's texts. */
function textsOf(attributes?: Attributes): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of entries(attributes || {}).slice(0, MAX_ATTRIBUTES)) {
    const text = scrubText(cut(value));
    if (name && text) {
      texts[cut(name)] = text;
    }
  }
  return texts;
}

/**
 * Gives the page the object throughline: its methods are those of the README, and
 * push takes one call as an array, as an array of that name does for pages that
 * call before the beacon is there.
 */
export function offerApi({ identity, ...orders }: Orders): void {
  const world = globalThis as unknown as { throughline?: unknown };
  const early = world.throughline;
  const api: Record<string, (...args: never[]) => void> = {
    /** Tells of something that happened. */
    event: guard((name: unknown, attributes?: Attributes) => {
      if (name) {
        orders.event(cut(name), textsOf(attributes));
      }
    }),
    /** Tells of an error that the page has handled. */
    error: guard((thrown: unknown) => orders.error(describeError(ErrorKind.error, thrown))),
    /** Begins a view, for routes that the address does not show. */
    view: guard(orders.view),
    /** Says what holds from now on; undefined takes it back. */
    attribute: guard((name: string, value: unknown) => {
      identity.attributes = textsOf({ ...identity.attributes, [name]: value });
    }),
    /** Says who the user is; nothing, or undefined, that nobody is known. */
    user: guard((id?: unknown) => {
      identity.userId = cut(id);
    }),
    /** Says whether the user has agreed to be measured. */
    consent: guard((granted: unknown) => {
      identity.consent = granted === true;
      orders.decided();
    }),
    push: guard(([name, ...args]: [string, ...never[]]) => api[name]?.(...args)),
  };
  world.throughline = api;
  for (const call of Array.isArray(early) ? early : []) {
    api.push?.(call as never);
  }
}
