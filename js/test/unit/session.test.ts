import { expect, test } from 'vitest';
import { createSession } from '../../src/session';

const MINUTE = 60_000;
const T0 = 1_800_000_000_000;

function storage(items = new Map<string, string>()): Storage {
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  } as Storage;
}

test('is 16 lower-case hexadecimal characters', () => {
  expect(createSession(() => storage())(T0)).toMatch(/^[0-9a-f]{16}$/);
});

test('ends after 30 minutes out of use, and not before', () => {
  const session = createSession(() => storage());
  const shared = storage();
  const tab = createSession(() => shared);
  const first = tab(T0);
  expect(tab(T0 + 30 * MINUTE - 1)).toBe(first);
  expect(tab(T0 + 60 * MINUTE - 2)).toBe(first);
  expect(tab(T0 + 90 * MINUTE - 2)).not.toBe(first);
  expect(session(T0)).not.toBe(first);
});

test('ends after four hours of use, and not before', () => {
  const shared = storage();
  const session = createSession(() => shared);
  const first = session(T0);
  for (let minute = 20; minute < 240; minute += 20) {
    expect(session(T0 + minute * MINUTE)).toBe(first);
  }
  expect(session(T0 + 240 * MINUTE - 1)).toBe(first);
  expect(session(T0 + 240 * MINUTE)).not.toBe(first);
});

test('is shared by tabs', () => {
  const shared = storage();
  const first = createSession(() => shared)(T0);
  expect(createSession(() => shared)(T0 + MINUTE)).toBe(first);
});

test('is new when the clock was set back, or storage holds something else', () => {
  const items = new Map<string, string>();
  const session = createSession(() => storage(items));
  const first = session(T0);
  expect(session(T0 - 1)).not.toBe(first);
  items.set('throughline.session', 'nonsense');
  expect(session(T0)).toMatch(/^[0-9a-f]{16}$/);
});

test('ends for all tabs without a moment, and leaves nothing behind', () => {
  const items = new Map<string, string>();
  const session = createSession(() => storage(items));
  const first = session(T0);
  session();
  expect([...items]).toEqual([]);
  expect(session(T0 + MINUTE)).not.toBe(first);
});

test('stays in memory where storage is blocked', () => {
  const session = createSession(() => {
    throw new Error('SecurityError');
  });
  const first = session(T0);
  expect(session(T0 + MINUTE)).toBe(first);
});

test('stays in memory where storage forgets', () => {
  const session = createSession(() => ({ getItem: () => null, setItem: () => {} }) as unknown as Storage);
  expect(session(T0 + MINUTE)).toBe(session(T0 + MINUTE));
});
