import { newId } from './lib/newId';

const KEY = 'throughline.session';
const IDLE_MS = 30 * 60_000;
const MAX_MS = 4 * 3_600_000;

/**
 * Returns the id of the session that goes on at a moment (wall clock, milliseconds)
 * and notes that it was in use then. A session ends after 30 minutes out of use, after
 * four hours in any case, and when there is no moment, which also empties the storage.
 */
export type Session = (nowMs?: number) => string;

/**
 * All tabs of an origin share a session through storage; where there is none, or it is
 * broken or blocked, the page keeps its own.
 */
export function createSession(openStorage: () => Storage): Session {
  let memory = '';

  /** Keeps a text, or forgets the one that is kept if it is empty; without one, returns that. */
  function keep(text?: string): string {
    memory = text ?? memory;
    try {
      const storage = openStorage();
      if (text) {
        storage.setItem(KEY, text);
      } else if (text === '') {
        storage.removeItem(KEY);
      } else {
        return storage.getItem(KEY) || memory;
      }
    } catch {
      // Blocked or full: the session lives in this page only.
    }
    return memory;
  }

  return (nowMs) => {
    if (!nowMs) {
      return keep('');
    }
    let [, id = '', begun, used] = /^([\da-f]{16})\.(\d+)\.(\d+)$/.exec(keep()) ?? [];
    const ageMs = nowMs - Number(begun);
    // A session from the future is one from before the clock was set back.
    if (!(ageMs >= 0 && ageMs < MAX_MS && Math.abs(nowMs - Number(used)) < IDLE_MS)) {
      id = newId();
      begun = String(nowMs);
    }
    keep(`${id}.${begun}.${nowMs}`);
    return id;
  };
}

/**
 * Whether a session is among a share of all, from 0 to 1. It is by its id, so that
 * all tabs and pages of a session agree.
 */
export function isSampled(sessionId: string, share: number): boolean {
  return Number(`0x${sessionId.slice(0, 8)}`) / 2 ** 32 < share;
}
