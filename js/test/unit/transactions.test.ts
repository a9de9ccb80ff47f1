import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Outcome } from '../../src/compact';
import type { TransactionConfig } from '../../src/config';
import { unionLength } from '../../src/lib/unionLength';
import { beginPage, compile, matchPage, matchRequest, type PageState, settlePage } from '../../src/transactions';

interface MatchCase {
  name: string;
  definition: Pick<TransactionConfig, 'page' | 'request'>;
  method?: string;
  path: string;
  match: boolean;
}

const matchCases: MatchCase[] = JSON.parse(
  readFileSync(new URL('../../../beacon/testdata/transactions/match.json', import.meta.url), 'utf8'),
);

describe('matching', () => {
  test.each(matchCases)('$name', ({ definition, method, path, match }) => {
    const definitions = compile([{ name: 'T', version: '1', ...definition }]);
    const found = method === undefined ? matchPage(definitions, path) : matchRequest(definitions, method, path);
    expect(found !== undefined).toBe(match);
  });

  test('takes the first of two', () => {
    const definitions = compile([
      { name: 'A', version: '1', page: '^/a' },
      { name: 'B', version: '1', page: '^/' },
    ]);
    expect(matchPage(definitions, '/abc')?.name).toBe('A');
    expect(matchPage(definitions, '/b')?.name).toBe('B');
  });

  test('leaves out what is not a regular expression', () => {
    const definitions = compile([
      { name: 'Bad page', version: '1', page: '(' },
      { name: 'Bad request', version: '1', request: { path: '[' } },
      { name: 'Good', version: '1', page: '^/$' },
    ]);
    expect(definitions.map((d) => d.name)).toEqual(['Good']);
  });
});

describe('unionLength', () => {
  test.each([
    [[], 0],
    [[[0, 10]], 10],
    [
      [
        [0, 10],
        [5, 12],
        [20, 21],
      ],
      13,
    ],
    [
      [
        [20, 21],
        [5, 12],
        [0, 10],
      ],
      13,
    ],
    [
      [
        [0, 10],
        [2, 3],
      ],
      10,
    ],
    [
      [
        [0, 5],
        [5, 10],
      ],
      10,
    ],
    [
      [
        [10, 5],
        [0, 1],
      ],
      1,
    ],
  ] as [[number, number][], number][])('of %j is %d', (spans, length) => {
    expect(unionLength(spans)).toBe(length);
  });
});

describe('a page', () => {
  const [definition] = compile([{ name: 'Cart', version: 'v1', page: '^/cart$' }]);
  const loaded: PageState = {
    startMs: 0,
    nowMs: 11_000,
    loadedMs: 1000,
    status: 200,
    openMs: [],
    gone: false,
  };
  const begin = () => beginPage(definition as NonNullable<typeof definition>);

  test('is completed with its load', () => {
    expect(settlePage(begin(), loaded)).toEqual({ outcome: Outcome.completed, durationMs: 1000, waitMs: 1000 });
  });

  test('waits for requests that began before the end of load, each moment once', () => {
    const page = begin();
    page.spans.push([500, 1400]);
    page.spans.push([600, 700]);
    page.spans.push([1000, 9000]);
    expect(settlePage(page, loaded)).toEqual({ outcome: Outcome.completed, durationMs: 1400, waitMs: 1400 });
  });

  test('goes on as long as such requests may run', () => {
    expect(settlePage(begin(), { ...loaded, nowMs: 10_999 })).toBeUndefined();
    expect(settlePage(begin(), { ...loaded, loadedMs: 0 })).toBeUndefined();
  });

  test('does not wait for a long poll', () => {
    expect(settlePage(begin(), { ...loaded, openMs: [500] })).toEqual({
      outcome: Outcome.completed,
      durationMs: 1000,
      waitMs: 1000,
    });
  });

  test('is cut where the user leaves', () => {
    expect(settlePage(begin(), { ...loaded, nowMs: 1500, openMs: [500], gone: true })).toEqual({
      outcome: Outcome.completed,
      durationMs: 1500,
      waitMs: 1500,
    });
    expect(settlePage(begin(), { ...loaded, nowMs: 1500, loadedMs: 0, gone: true })).toEqual({
      outcome: Outcome.abandoned,
      durationMs: 1500,
      waitMs: 1500,
    });
  });

  test('begins with the activation of a prerendered page', () => {
    const page = begin();
    page.spans.push([100, 900]);
    page.spans.push([800, 1300]);
    expect(settlePage(page, { ...loaded, startMs: 1200 })).toEqual({
      outcome: Outcome.completed,
      durationMs: 100,
      waitMs: 100,
    });
  });

  test('failed when the document did', () => {
    expect(settlePage(begin(), { ...loaded, status: 399 })?.outcome).toBe(Outcome.completed);
    expect(settlePage(begin(), { ...loaded, status: 400 })).toMatchObject({
      outcome: Outcome.failed,
      reason: 'status 400',
    });
  });

  test('is judged once', () => {
    const page = begin();
    expect(settlePage(page, loaded)).toBeDefined();
    expect(settlePage(page, { ...loaded, gone: true })).toBeUndefined();
  });

  test('gets a fresh instance id', () => {
    expect(begin().ref).toMatchObject({
      name: 'Cart',
      version: 'v1',
      instance_id: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(begin().ref.instance_id).not.toBe(begin().ref.instance_id);
  });
});
