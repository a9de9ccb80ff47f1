import { beforeAll, describe, expect, test } from 'vitest';
import { countError, describeError } from '../../src/collect/errors';
import { ErrorKind } from '../../src/compact';
import type { SeenError } from '../../src/view';

beforeAll(() => {
  Object.assign(globalThis, { location: { href: 'https://shop.example/' } });
});

describe('describeError', () => {
  test('takes type, message and stack of an Error, scrubbed', () => {
    const error = new TypeError('no https://a.example/x?token=secret');
    error.stack = 'TypeError: no\n    at f (https://a.example/app.js?v=secret:1:2)';
    expect(describeError(ErrorKind.error, error)).toEqual({
      kind: ErrorKind.error,
      type: 'TypeError',
      message: 'no https://a.example/x',
      stack: 'TypeError: no\n    at f (https://a.example/app.js:1:2)',
    });
  });

  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const fail = () => {
    throw new Error('from the page');
  };
  const throwing = { toJSON: fail, toString: fail };
  for (const field of ['stack', 'name', 'message']) {
    Object.defineProperty(throwing, field, { get: fail, enumerable: true });
  }
  test.each([
    ['text', 'text'],
    [42, '42'],
    [undefined, 'undefined'],
    [null, 'null'],
    [Symbol('s'), 'Symbol(s)'],
    [true, 'true'],
    [10n, '10'],
    [{ code: 7, data: { mail: 'secret' } }, 'Object {code, data}'],
    [{}, 'Object {}'],
    [Object.create(null, { code: { value: 'secret', enumerable: true } }), 'Object {code}'],
    [{ name: 'secret', constructor: 'secret' }, 'Object {name, constructor}'],
    [Object.fromEntries([...'abcdefghijk'].map((key) => [key, 'secret'])), 'Object {a, b, c, d, e, f, g, h}'],
    [['secret'], 'Array {0}'],
    [new Map([['secret', 'secret']]), 'Map {}'],
    [(secret: unknown) => secret, 'Function {}'],
    [{ '/p?token=secret': 1 }, 'Object {/p'],
    [{ message: 'like an error' }, 'like an error'],
    [circle, 'Object {self}'],
    [throwing, 'Object {toJSON, toString, stack, name, message}'],
  ])('survives case %#', (thrown, message) => {
    expect(describeError(ErrorKind.unhandledrejection, thrown)).toEqual({
      kind: ErrorKind.unhandledrejection,
      type: undefined,
      stack: undefined,
      message,
    });
  });

  test('survives a revoked proxy', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(describeError(ErrorKind.error, proxy)).toEqual({ kind: ErrorKind.error, message: 'object' });
  });

  test('cuts long texts', () => {
    const error = new Error('x'.repeat(5000));
    error.stack = 'y'.repeat(50_000);
    const { message, stack } = describeError(ErrorKind.error, error);
    expect([message.length, stack?.length]).toEqual([1024, 4096]);
  });
});

describe('countError', () => {
  const at = (place: string) => {
    const error = new Error('boom');
    error.stack = `Error: boom\n    at ${place}\n    at caller`;
    return describeError(ErrorKind.error, error);
  };

  test('counts equal ones from the first', () => {
    const seen = new Map<string, SeenError>();
    for (let i = 0; i < 500; i++) {
      countError(seen, at('f (https://a.example/a.js:1:1)'), 10 + i);
    }
    countError(seen, at('g (https://a.example/a.js:2:1)'), 999);
    expect([...seen.values()].map((s) => [s.error.count, s.sinceMs])).toEqual([
      [500, 10],
      [1, 999],
    ]);
  });

  test('counts anew after a report', () => {
    const seen = new Map<string, SeenError>();
    countError(seen, at('f'), 1);
    const [known] = seen.values();
    (known as SeenError).error.count = 0;
    countError(seen, at('f'), 2);
    countError(seen, at('f'), 3);
    expect(known).toMatchObject({ sinceMs: 2, error: { count: 2 } });
  });

  test('keeps 20 different ones', () => {
    const seen = new Map<string, SeenError>();
    for (let i = 0; i < 21; i++) {
      countError(seen, at(`f${i}`), i);
    }
    countError(seen, at('f0'), 30);
    expect(seen.size).toBe(20);
    expect([...seen.values()][0]?.error.count).toBe(2);
  });
});
