import { newId } from './lib/newId';

const KEY = 'throughline.session';
const IDLE_MS = 30 * 60_000;
const MAX_MS = 4 * 3_600_000;

/**
 * Returns a function that gives the id of the session that goes on at a moment
 * (wall clock, milliseconds) and notes that it was in use then. A session ends
 * after 30 minutes out of use, and after four hours in any case.
 *
 * All tabs of an origin share it through storage; where there is none, or it is
 * broken or blocked, the page keeps its own.
 */
export function createSession(openStorage: () => Storage): (nowMs: number) => string {
  let memory = '';

  function load(): string {
    try {
      return openStorage().getItem(KEY) || memory;
    } catch {
      return memory;
    }
  }

  function save(value: string): void {
    memory = value;
    try {
      openStorage().setItem(KEY, value);
    } catch {
      // Blocked or full: the session lives in this page only.
    }
  }

  return (nowMs) => {
    const [, storedId, begun, used] = /^([\da-f]{16})\.(\d+)\.(\d+)$/.exec(load()) ?? [];
    // A session from the future is one from before the clock was set back.
    const lives =
      storedId !== undefined &&
      Number(begun) <= nowMs &&
      nowMs - Number(begun) < MAX_MS &&
      Math.abs(nowMs - Number(used)) < IDLE_MS;
    const id = lives ? storedId : newId();
    save(`${id}.${lives ? begun : nowMs}.${nowMs}`);
    return id;
  };
}
