import { describe, expect, test } from 'vitest';
import { writeRow } from '../../src/compact';
import { byteLength } from '../../src/lib/byteLength';
import { guard } from '../../src/lib/guard';
import { newId } from '../../src/lib/newId';
import { roundMs } from '../../src/lib/roundMs';
import { traceId } from '../../src/lib/traceId';

describe('writeRow', () => {
  test('writes values in their places', () => {
    expect(writeRow([2, 'q"\\\n', [1, 2.5], true, { a: 'b' }, 0])).toBe('[2,"q\\"\\\\\\n",[1,2.5],true,["a","b"],0]');
  });

  test('skips what has no value, and leaves it out at the end', () => {
    const none = [undefined, '', Number.NaN, Number.POSITIVE_INFINITY];
    expect(writeRow([...none, 1, undefined, 'x', ...none])).toBe('[-4,1,-1,"x"]');
    expect(writeRow(none)).toBe('[]');
  });

  test('does not fall for toJSON of a page', () => {
    const prototype = Array.prototype as unknown as { toJSON?: () => string };
    prototype.toJSON = () => 'spoiled';
    try {
      expect(writeRow([[1]])).toBe('[[1]]');
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
