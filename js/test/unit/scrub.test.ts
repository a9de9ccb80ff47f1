import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { scrubText, scrubUrl } from '../../src/scrub';

beforeAll(() => {
  Object.assign(globalThis, { location: { href: 'https://shop.example/cart/view?session=secret' } });
});

describe('scrubUrl', () => {
  test.each([
    ['https://a.example/p/q?token=secret#frag', 'https://a.example/p/q'],
    ['https://user:pass@a.example:8443/p', 'https://a.example:8443/p'],
    ['http://a.example', 'http://a.example/'],
    ['/api/pay?card=4111', 'https://shop.example/api/pay'],
    ['other#x', 'https://shop.example/cart/other'],
    ['//cdn.example/x.js?v=1', 'https://cdn.example/x.js'],
  ])('%s becomes %s', (url, clean) => {
    expect(scrubUrl(url)).toBe(clean);
  });

  test.each(['data:text/plain,secret', 'blob:https://a.example/1', 'about:blank', 'javascript:alert(1)', 'http://['])(
    '%s is not for the wire',
    (url) => {
      expect(scrubUrl(url)).toBeUndefined();
    },
  );

  test('cuts a URL at 2048 characters', () => {
    expect(scrubUrl(`https://a.example/${'x'.repeat(2030)}`)).toHaveLength(2048);
    expect(scrubUrl(`https://a.example/${'x'.repeat(2031)}`)).toHaveLength(2048);
  });
});

interface TextCase {
  name: string;
  text: string;
  positions: boolean;
  want: string;
}

const textCases: TextCase[] = JSON.parse(
  readFileSync(new URL('../../../beacon/testdata/scrub/text.json', import.meta.url), 'utf8'),
);

describe('scrubText', () => {
  test.each(textCases)('$name', ({ text, positions, want }) => {
    expect(scrubText(text, positions)).toBe(want);
    expect(scrubText(want, positions), 'a clean text stays').toBe(want);
  });

  test.each(['/', ':', '://', '@', '?', '#=', 'a/', '?/(', '/?:1', '/?:1:1', '/?1', '/?),'])(
    'takes linear time on %s over and over',
    (part) => {
      const started = performance.now();
      scrubText(part.repeat(4096), true);
      // Quadratic time in a text of this length is a thousand times as much.
      expect(performance.now() - started).toBeLessThan(200);
    },
  );
});
