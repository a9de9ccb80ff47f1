import { guard } from '../lib/guard';
import { describeError, type Found, MAX_MESSAGE } from './errors';

/** Arguments of one call that are told. */
const MAX_PARTS = 10;

/**
 * Calls found with what the page writes to console.error. It replaces that
 * function, so the configuration must ask for it; what the page sees of it is
 * as before.
 */
export function collectConsole(found: (error: Found) => void): void {
  const { error: write } = console;
  const see = guard((logged: unknown[]) => {
    const parts = logged.slice(0, MAX_PARTS).map((part) => describeError('console', part));
    // What was thrown tells most; the other words stand around it.
    const thrown = parts.find((part) => part.stack);
    const message = parts.map((part) => part.message).join(' ');
    found({ kind: 'console', ...thrown, message: message.slice(0, MAX_MESSAGE) });
  });
  console.error = function (this: unknown, ...logged: unknown[]) {
    see(logged);
    return write.apply(this, logged);
  };
}
