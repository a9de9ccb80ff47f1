import { describe, expect, test } from 'vitest';
import { byteLength } from '../../src/lib/byteLength';
import { guard } from '../../src/lib/guard';
import { newId } from '../../src/lib/newId';
import { roundMs } from '../../src/lib/roundMs';
import { serialize } from '../../src/lib/serialize';
import { traceId } from '../../src/lib/traceId';

describe('serialize', () => {
  test('writes what JSON.stringify writes', () => {
    const value = { a: 'q"\\\n\ud800', b: [1, 2.5, { c: null }], d: true, e: {}, f: [] };
    expect(serialize(value)).toBe(JSON.stringify(value));
  });

  test('leaves out what has no value', () => {
    expect(serialize({ a: undefined, b: Number.NaN, c: Number.POSITIVE_INFINITY, d: 0, e: '' })).toBe('{"d":0,"e":""}');
  });

  test('does not fall for toJSON of a page', () => {
    const prototype = Array.prototype as unknown as { toJSON?: () => string };
    prototype.toJSON = () => 'spoiled';
    try {
      expect(serialize({ a: [1] })).toBe('{"a":[1]}');
    } finally {
      delete prototype.toJSON;
    }
  });
});

test('byteLength never says too little', () => {
  for (const text of ['', 'abc', 'ä', '€', '\ud83d\ude00', '\ud800']) {
    expect(byteLength(text)).toBeGreaterThanOrEqual(Buffer.byteLength(text));
  }
  expect(byteLength('aä€')).toBe(Buffer.byteLength('aä€'));
});

test('newId gives 16 lower-case hexadecimal characters, never the same', () => {
  const ids = new Set(Array.from({ length: 1000 }, newId));
  expect(ids.size).toBe(1000);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{16}$/);
  }
});

test.each([
  [0, 0],
  [1.04, 1],
  [1.06, 1.1],
  [-5, 0],
  [14_400_000, 14_400_000],
  [14_400_000.1, 14_400_000],
  [Number.NaN, Number.NaN],
])('roundMs(%d) is %d', (ms, rounded) => {
  expect(roundMs(ms)).toBe(rounded);
});

test('guard keeps what is thrown', () => {
  const broken = guard(() => {
    throw new Error('ours');
  });
  expect(broken()).toBeUndefined();
  expect(guard((a: number, b: number) => a + b)(1, 2)).toBe(3);
});

describe('traceId', () => {
  const id = '0af7651916cd43dd8448eb211c80319c';
  const entry = (name: string, description: string) =>
    ({
      serverTiming: [
        { name: 'db', description: 'x' },
        { name, description },
      ],
    }) as unknown as PerformanceResourceTiming;

  test('is that of traceparent', () => {
    expect(traceId(entry('traceparent', `00-${id}-b7ad6b7169203331-01`))).toBe(id);
  });

  test.each([
    ['traceparent', `00-${id.toUpperCase()}-b7ad6b7169203331-01`],
    ['traceparent', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
    ['traceparent', 'nonsense'],
    ['other', `00-${id}-b7ad6b7169203331-01`],
  ])('is nothing with %s: %s', (name, description) => {
    expect(traceId(entry(name, description))).toBeUndefined();
  });

  test('is nothing without an entry, or in browsers without Server-Timing', () => {
    expect(traceId()).toBeUndefined();
    expect(traceId({} as PerformanceResourceTiming)).toBeUndefined();
  });
});
