import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TransactionConfig } from '../../src/config';
import { unionLength } from '../../src/lib/unionLength';
import {
  addSpan,
  beginPage,
  compile,
  judgeRequest,
  matchPage,
  matchRequest,
  type PageState,
  settlePage,
} from '../../src/transactions';

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
    nowMs: 1500,
    loadedMs: 1000,
    status: 200,
    openMs: [],
    allKnown: true,
    gone: false,
  };
  const begin = () => beginPage(definition as NonNullable<typeof definition>);

  test('is completed with its load', () => {
    expect(settlePage(begin(), loaded)).toEqual({ outcome: 'completed', duration_ms: 1000, wait_ms: 1000 });
  });

  test('waits for requests that began before the end of load, each moment once', () => {
    const page = begin();
    addSpan(page, [500, 1400]);
    addSpan(page, [600, 700]);
    addSpan(page, [1000, 9000]);
    expect(settlePage(page, loaded)).toEqual({ outcome: 'completed', duration_ms: 1400, wait_ms: 1400 });
  });

  test('goes on while such a request runs, or may run unseen', () => {
    expect(settlePage(begin(), { ...loaded, openMs: [999] })).toBeUndefined();
    expect(settlePage(begin(), { ...loaded, openMs: [1000] })).toBeDefined();
    expect(settlePage(begin(), { ...loaded, allKnown: false })).toBeUndefined();
    expect(settlePage(begin(), { ...loaded, loadedMs: 0 })).toBeUndefined();
  });

  test('does not wait for a long poll', () => {
    const still = { ...loaded, openMs: [500], allKnown: false };
    expect(settlePage(begin(), { ...still, nowMs: 10_999 })).toBeUndefined();
    expect(settlePage(begin(), { ...still, nowMs: 11_000 })).toEqual({
      outcome: 'completed',
      duration_ms: 1000,
      wait_ms: 1000,
    });
  });

  test('is cut where the user leaves', () => {
    expect(settlePage(begin(), { ...loaded, openMs: [500], gone: true })).toEqual({
      outcome: 'completed',
      duration_ms: 1500,
      wait_ms: 1500,
    });
    expect(settlePage(begin(), { ...loaded, loadedMs: 0, gone: true })).toEqual({
      outcome: 'abandoned',
      duration_ms: 1500,
      wait_ms: 1500,
    });
  });

  test('begins with the activation of a prerendered page', () => {
    const page = begin();
    addSpan(page, [100, 900]);
    addSpan(page, [800, 1300]);
    expect(settlePage(page, { ...loaded, startMs: 1200 })).toEqual({
      outcome: 'completed',
      duration_ms: 100,
      wait_ms: 100,
    });
  });

  test('failed when the document did', () => {
    expect(settlePage(begin(), { ...loaded, status: 399 })?.outcome).toBe('completed');
    expect(settlePage(begin(), { ...loaded, status: 400 })).toMatchObject({ outcome: 'failed', reason: 'status 400' });
  });

  test('is judged once', () => {
    const page = begin();
    expect(settlePage(page, loaded)).toBeDefined();
    expect(settlePage(page, { ...loaded, gone: true })).toBeUndefined();
  });

  test('gets a fresh instance id', () => {
    expect(begin().ref).toEqual({ name: 'Cart', version: 'v1', instance_id: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(begin().ref.instance_id).not.toBe(begin().ref.instance_id);
  });
});

describe('a request', () => {
  test.each([
    [200, undefined, 'completed', undefined],
    [0, undefined, 'completed', undefined],
    [399, undefined, 'completed', undefined],
    [400, undefined, 'failed', 'status 400'],
    [502, undefined, 'failed', 'status 502'],
    [0, 'network', 'failed', 'network'],
    [0, 'timeout', 'failed', 'timeout'],
    [0, 'aborted', 'abandoned', 'aborted'],
  ] as const)('with status %d and failure %s is %s', (status, failure, outcome, reason) => {
    expect(judgeRequest(12.34, status, failure)).toEqual({ outcome, reason, duration_ms: 12.3, wait_ms: 12.3 });
  });
});
