import { ErrorKind } from '../compact';
import { wrap } from '../lib/wrap';
import { describeError, type Found, MAX_MESSAGE } from './errors';

/** Arguments of one call that are told. */
const MAX_PARTS = 10;

/**
 * Calls found with what the page writes to console.error. It replaces that
 * function, so the configuration must ask for it; what the page sees of it is
 * as before.
 */
export function collectConsole(found: (error: Found) => void): void {
  wrap(console, 'error', (logged) => {
    const parts = logged.slice(0, MAX_PARTS).map((part) => describeError(ErrorKind.console, part));
    // What was thrown tells most; the other words stand around it.
    const thrown = parts.find((part) => part.stack);
    const message = parts.map((part) => part.message).join(' ');
    found({ kind: ErrorKind.console, ...thrown, message: message.slice(0, MAX_MESSAGE) });
  });
}
