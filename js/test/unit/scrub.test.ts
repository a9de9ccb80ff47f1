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

describe('scrubText', () => {
  test.each([
    ['Failed to fetch https://a.example/p?token=secret now', 'Failed to fetch https://a.example/p now'],
    ['at "https://u:p@a.example/x#secret"', 'at "https://a.example/x"'],
    ['GET /api/user?id=secret failed', 'GET /api/user failed'],
    ['page?token=secret is gone', 'page is gone'],
    ['?token=secret', ''],
    ['(https://a.example/p?x=1:2:3)', '(https://a.example/p)'],
    ['https://u:p@ss@a.example/', 'https://a.example/'],
    ['Is this fine? Yes #1.', 'Is this fine? Yes #1.'],
  ])('%s becomes %s', (text, clean) => {
    expect(scrubText(text)).toBe(clean);
  });

  test('keeps lines and columns of a stack', () => {
    const stack = 'TypeError: x\n    at f (https://a.example/app.js?v=secret:10:5)\ng@https://a.example/b.js:1:2';
    expect(scrubText(stack, true)).toBe(
      'TypeError: x\n    at f (https://a.example/app.js:10:5)\ng@https://a.example/b.js:1:2',
    );
  });

  test.each(['/', ':', '://', '@', '?', '#=', 'a/'])('takes linear time on %s over and over', (part) => {
    const started = performance.now();
    scrubText(part.repeat(4096));
    // Quadratic time in a text of this length is a thousand times as much.
    expect(performance.now() - started).toBeLessThan(200);
  });
});
