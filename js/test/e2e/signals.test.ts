import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PageError, RequestTiming } from '../../src/wire';
import { expectOneView, launchShell, Site, script, send, setVisibility, snippet } from './harness';
import { leave, visit as visitIn } from './visits';

let browser: Browser;
beforeAll(async () => {
  browser = await launchShell();
});
afterAll(() => browser.close());

const visit = (site: Site, run: (page: Page) => Promise<unknown>, options = {}) => visitIn(browser, site, run, options);

const errors = (site: Site): PageError[] => site.events.flatMap((e) => e.error ?? []);
const requests = (site: Site): RequestTiming[] => site.requests.flatMap((e) => e.request ?? []);
const requestTo = (site: Site, path: string) => requests(site).find((r) => r.url.endsWith(path));

// A request definition that matches nothing here makes the beacon watch fetch and XMLHttpRequest.
const watching = [{ name: 'Other', version: '1', request: { path: '^/other$' } }];

test.concurrent('errors and rejections come with their stacks, counted', async () => {
  const site = new Site()
    .page('/', '<img src="/missing.png"><script src="/app.js?v=secret"></script>')
    .on('/app.js', (_, response) =>
      send(
        response,
        `function fail() { throw new TypeError('no /x?token=secret'); }
        for (let i = 0; i < 500; i++) setTimeout(fail);
        Promise.reject(new RangeError('rejected'));
        Promise.reject('just text');
        Promise.reject();
        Promise.reject({ code: 7, mail: 'secret', toJSON() { document.title = 'ran'; } });`,
        'text/javascript',
      ),
    );
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length > 0);
    expect(await page.title()).toBe('');
    await leave(page);
    await site.until(() => site.received.length > 1);
    expectOneView(site.received.map((r) => r.report));
    expect(errors(site)).toHaveLength(6);
    expect(errors(site)).toEqual(
      expect.arrayContaining([
        {
          kind: 'error',
          type: 'TypeError',
          message: 'no /x',
          stack: expect.stringContaining(`at fail (${site.url('/app.js')}:1:`),
          count: 500,
        },
        {
          kind: 'unhandledrejection',
          type: 'RangeError',
          message: 'rejected',
          stack: expect.stringContaining(site.url('/app.js')),
          count: 1,
        },
        { kind: 'unhandledrejection', message: 'just text', count: 1 },
        { kind: 'unhandledrejection', message: 'undefined', count: 1 },
        { kind: 'unhandledrejection', message: 'Object {code, mail, toJSON}', count: 1 },
        { kind: 'resource', type: 'img', message: `img not loaded: ${site.url('/missing.png')}`, count: 1 },
      ]),
    );
    expect(site.received.map((r) => r.body).join()).not.toContain('secret');
    expect(site.received.reduce((sum, r) => sum + r.body.length, 0)).toBeLessThan(4000);
  });
});

test.concurrent('errors before the script are told if the page holds the snippet', async () => {
  const failing = `<script>
    for (let i = 0; i < 3; i++) setTimeout(() => { throw new TypeError('early') });
    Promise.reject(new RangeError('early'));
    setTimeout(() => { throw new Error('late') }, 1200);
    addEventListener('early', () => {});
  </script><img src="/early.png?v=secret">`;
  const site = new Site()
    .page('/', failing, `<script>${snippet}</script><script async src="/slow.js"></script>`)
    .on('/slow.js', (_, response) => {
      setTimeout(() => send(response, script(), 'text/javascript'), 700);
    });
  await visit(site, async (page) => {
    await page.goto(site.url('/'), { waitUntil: 'commit' });
    await page.waitForTimeout(2000);
    await leave(page);
    await site.until(() => errors(site).some((e) => e.message === 'late'));
    expect(errors(site).map(({ kind, type, message, count }) => [kind, type, message, count])).toEqual(
      expect.arrayContaining([
        ['error', 'TypeError', 'early', 3],
        ['unhandledrejection', 'RangeError', 'early', 1],
        ['resource', 'img', `img not loaded: ${site.url('/early.png')}`, 1],
        ['error', 'Error', 'late', 1],
      ]),
    );
    expect(errors(site)).toHaveLength(4);
    // Each is told with the moment at which it happened, and not with that of the script.
    const at = (message: string) => site.events.find((e) => e.error?.message === message)?.at_ms ?? 0;
    expect(at('late') - at('early')).toBeGreaterThan(800);
  });
});

test.concurrent('the snippet keeps no more than fifty', async () => {
  const site = new Site().page(
    '/',
    `<script>for (let i = 0; i < 60; i++) setTimeout(() => { throw new Error('x') })</script>`,
    `<script>${snippet}</script><script async src="/slow.js"></script>`,
  );
  site.on('/slow.js', (_, response) => {
    setTimeout(() => send(response, script(), 'text/javascript'), 500);
  });
  await visit(site, async (page) => {
    await page.goto(site.url('/'), { waitUntil: 'load' });
    await page.waitForTimeout(200);
    expect(await page.evaluate('__throughline_early.length')).toBe(0);
    await leave(page);
    await site.until(() => errors(site).length > 0);
    expect(errors(site).map((e) => e.count)).toEqual([50]);
  });
});

test.concurrent('what the content security policy blocks is told', async () => {
  const site = new Site().page(
    '/',
    '<script>document.title = "ran"</script><img src="/large.png?v=secret">',
    undefined,
    {
      'content-security-policy': "default-src 'self'; img-src 'none'",
      'content-security-policy-report-only': "style-src 'none'",
    },
  );
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(() => document.body.append(document.createElement('style')));
    await page.evaluate(() => {
      try {
        new WebSocket('ws://elsewhere.example/live?token=secret');
      } catch {
        // The policy is what this is about.
      }
    });
    await leave(page);
    await site.until(() => errors(site).length > 3);
    const told = (kind: string) => errors(site).filter((e) => e.kind === kind);
    expect(told('csp-violation').map(({ type, message }) => [type, message])).toEqual([
      ['script-src-elem', 'script-src-elem blocked inline'],
      ['img-src', `img-src blocked ${site.url('/large.png')}`],
      ['style-src-elem', 'style-src-elem blocked inline'],
      ['style-src-elem', 'style-src-elem would block inline'],
      ['connect-src', 'connect-src blocked ws://elsewhere.example/live'],
    ]);
    expect(told('csp-violation')[0]?.stack).toMatch(`at ${site.url('/')}:1`);
    expect(told('resource').map((e) => e.message)).toEqual([`img not loaded: ${site.url('/large.png')}`]);
  });
});

test.concurrent('that our own reports are blocked is not told by more of them', async () => {
  const site = new Site().page('/', 'x', undefined, {
    'content-security-policy': "default-src 'self'; connect-src 'none'",
  });
  await visit(site, async (page) => {
    const blocked: string[] = [];
    page.on('console', (message) => blocked.push(message.text()));
    await page.goto(site.url('/'));
    await page.waitForTimeout(2500);
    const first = blocked.length;
    expect(first).toBeGreaterThan(0);
    // As long as one that waited for company would take to go.
    await page.clock.install();
    await page.clock.runFor(120_000);
    await page.waitForTimeout(500);
    expect(blocked).toHaveLength(first);
    expect(site.received).toEqual([]);
  });
});

test.concurrent('what pages write to console.error is told if the configuration says so', async () => {
  const page = `<script>
    const circle = { token: 'secret' }; circle.circle = circle;
    console.error('cannot pay: %s', 'card', circle, new TypeError('declined at https://shop.example/p?token=secret'));
    for (let i = 0; i < 40; i++) console.error('again');
    console.error();
    console.error(...Array(1000).fill('x'));
    document.title = String(console.error('again') === undefined);
  </script>`;
  const site = new Site()
    .page('/off', page)
    .page('/on', page, '<script src="/on.js"></script>')
    .page('/frozen', page, '<script>Object.freeze(console)</script><script src="/on.js"></script>')
    .on('/on.js', (_, response) => send(response, script([], '/collect', { consoleErrors: true }), 'text/javascript'));
  await visit(site, async (tab) => {
    const written: string[] = [];
    tab.on('console', (message) => written.push(message.text()));
    for (const path of ['/off', '/frozen', '/on']) {
      await tab.goto(site.url(path));
      expect(await tab.title()).toBe('true');
    }
    expect(written.filter((text) => text === 'again')).toHaveLength(3 * 41);
    await leave(tab);
    await site.until(() => site.pageViews.length >= 3);
    expect(errors(site)).toEqual([
      {
        kind: 'console',
        type: 'TypeError',
        message: 'cannot pay: %s card Object {token, circle} declined at https://shop.example/p',
        stack: expect.stringContaining('TypeError: declined'),
        count: 1,
      },
      { kind: 'console', message: 'again', count: 41 },
      { kind: 'console', message: '', count: 1 },
      { kind: 'console', message: 'x x x x x x x x x x', count: 1 },
    ]);
    expect(site.received.map((r) => r.body).join()).not.toContain('secret');
  });
});

test.concurrent('long frames are counted, with how long they kept input waiting', async () => {
  const site = new Site().page(
    '/',
    `<h1>Text</h1><script>
      const busy = (ms) => { const t = performance.now(); while (performance.now() - t < ms); };
      addEventListener('load', () => [500, 800, 1100].forEach((at, i) => setTimeout(busy, at, [20, 90, 130][i])));
      const seen = [];
      new PerformanceObserver((list) => seen.push(...list.getEntries().map((e) => e.blockingDuration)))
        .observe({ type: 'long-animation-frame', buffered: true });
    </script>`,
  );
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.waitForTimeout(1500);
    const seen = (await page.evaluate('seen')) as number[];
    await leave(page);
    await site.until(() => site.pageViews.some((v) => v.phase === 'final'));
    const view = Object.assign({}, ...site.pageViews);
    // On a busy machine there may be one more before the page is gone.
    expect([seen.length, seen.length + 1]).toContain(view.long_frames);
    expect(seen.length).toBeGreaterThanOrEqual(2);
    const blocked = seen.reduce((sum, ms) => sum + ms, 0);
    expect(blocked).toBeGreaterThanOrEqual(110);
    expect(view.blocking_ms).toBeGreaterThanOrEqual(blocked - 0.1);
    expect(view.blocking_ms).toBeLessThan(blocked + 100);
  });
});

const calls = `
  const xhr = (url, then) => { const x = new XMLHttpRequest(); x.open('put', url); then?.(x); x.send('body'); };
  fetch('/ok?token=secret', { method: 'POST' }).then((r) => r.text());
  fetch('/broken').catch(() => {});
  fetch('/down').catch(() => {});
  const abort = new AbortController();
  fetch('/slow', { signal: abort.signal }).catch(() => {});
  setTimeout(() => abort.abort(), 50);
  xhr('/xhr');
  xhr('/xhr-down');
  xhr('/xhr-slow', (x) => { x.timeout = 50; });
`;

function withCalls(site: Site): Site {
  const id = '0af7651916cd43dd8448eb211c80319c';
  return site
    .page('/', `<script>${calls}</script>`)
    .on('/ok', (_, response) => {
      setTimeout(
        () =>
          send(response, 'fine', 'text/plain', { 'server-timing': `traceparent;desc="00-${id}-b7ad6b7169203331-01"` }),
        100,
      );
    })
    .on('/broken', (_, response) => response.writeHead(500).end('broken'))
    .on('/xhr', (_, response) => send(response, 'fine'))
    .on('/down', (_, response) => response.destroy())
    .on('/xhr-down', (_, response) => response.destroy())
    .on('/slow', () => {})
    .on('/xhr-slow', () => {});
}

test.concurrent('fetches and XMLHttpRequests are told as the browser measured them', async () => {
  const site = withCalls(new Site());
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    expect(await page.evaluate(() => `${fetch}${XMLHttpRequest.prototype.open}`)).not.toContain('=>');
    await site.until(() => site.received.length > 0);
    await leave(page);
    await site.until(() => site.pageViews.length === 2);
    expectOneView(site.received.map((r) => r.report));
    expect(requestTo(site, '/ok')).toMatchObject({
      url: site.url('/ok'),
      initiator: 'fetch',
      status_code: 200,
      transfer_size_bytes: expect.any(Number),
    });
    expect(requestTo(site, '/ok')).not.toHaveProperty('method');
    expect(requestTo(site, '/ok')?.duration_ms).toBeGreaterThanOrEqual(100);
    expect(requestTo(site, '/ok')?.request_ms).toBeGreaterThanOrEqual(99);
    expect(requestTo(site, '/broken')).toMatchObject({ status_code: 500 });
    expect(requestTo(site, '/xhr')).toMatchObject({ initiator: 'xmlhttprequest', status_code: 200 });
    expect(site.events.find((e) => e.request?.url.endsWith('/ok'))?.trace_id).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(requestTo(site, '/collect')).toBeUndefined();
  });
});

test.concurrent('watched, they come with methods and failures, each once', async () => {
  const site = withCalls(new Site(watching));
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => requests(site).length > 0);
    await leave(page);
    await site.until(() => site.pageViews.length === 2);
    expectOneView(site.received.map((r) => r.report));
    const told = requests(site).map((r) => [
      r.method,
      r.url.slice(site.url('').length),
      r.initiator,
      r.status_code || undefined,
      r.failure,
    ]);
    expect(told.sort((a, b) => String(a[1]).localeCompare(String(b[1])))).toEqual([
      ['GET', '/broken', 'fetch', 500, undefined],
      ['GET', '/down', 'fetch', undefined, 'network'],
      ['POST', '/ok', 'fetch', 200, undefined],
      ['GET', '/slow', 'fetch', undefined, 'aborted'],
      ['PUT', '/xhr', 'xmlhttprequest', 200, undefined],
      ['PUT', '/xhr-down', 'xmlhttprequest', undefined, 'network'],
      ['PUT', '/xhr-slow', 'xmlhttprequest', undefined, 'timeout'],
    ]);
    expect(requestTo(site, '/ok')?.duration_ms).toBeGreaterThanOrEqual(100);
  });
});

test.concurrent('watching changes nothing for the page', async () => {
  const site = new Site(watching)
    .page('/', 'x')
    .on('/echo', (request, response) => send(response, `${request.method} ${request.headers['x-a'] ?? ''}`))
    .on('/down', (_, response) => response.destroy());
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    const seen = await page.evaluate(async () => {
      const text = async (answer: Promise<Response>) => (await answer).text();
      const unhandled: string[] = [];
      addEventListener('unhandledrejection', (event) => {
        unhandled.push(String(event.reason));
        event.preventDefault();
      });
      fetch('/down');
      fetch('/down').catch(() => {});
      const stopped = new AbortController();
      stopped.abort('my reason');
      const synchronous = new XMLHttpRequest();
      synchronous.open('GET', '/echo', false);
      synchronous.send();
      const reused = new XMLHttpRequest();
      const ends: number[] = [];
      for (let i = 0; i < 2; i++) {
        reused.open('GET', `/echo?${i}`);
        reused.send();
        await new Promise((resolve) => reused.addEventListener('loadend', resolve, { once: true }));
        ends.push(reused.status);
      }
      const odd = { toString: () => '/echo' } as unknown as string;
      const trap = new Proxy(new URL('/echo', location.href), {
        getPrototypeOf() {
          throw new Error('trap');
        },
        get: () => () => '/echo',
      });
      const result = {
        plain: await text(fetch('/echo')),
        request: await text(fetch(new Request('/echo', { method: 'PUT', headers: { 'x-a': 'b' } }))),
        init: await text(fetch(new URL('/echo', location.href), { method: 'post', headers: [['x-a', 'c']] })),
        odd: await text(fetch(odd)),
        trap: await text(fetch(trap)),
        promise: fetch('/echo') instanceof Promise,
        stopped: await fetch('/echo', { signal: stopped.signal }).catch((reason) => reason),
        wrong: await fetch('http://[').catch((error) => error.name),
        none: await (fetch as () => Promise<unknown>)().catch((error) => error.name),
        badOpen: (() => {
          try {
            (new XMLHttpRequest() as unknown as { open: () => void }).open();
            return undefined;
          } catch (error) {
            return (error as Error).name;
          }
        })(),
        synchronous: synchronous.responseText,
        ends,
        lengths: [XMLHttpRequest.prototype.send.length],
        unhandled,
      };
      await new Promise((resolve) => setTimeout(resolve, 100));
      return result;
    });
    expect(seen).toEqual({
      plain: 'GET ',
      request: 'PUT b',
      init: 'POST c',
      odd: 'GET ',
      trap: 'GET ',
      promise: true,
      stopped: 'my reason',
      wrong: 'TypeError',
      none: 'TypeError',
      badOpen: 'TypeError',
      synchronous: 'GET ',
      ends: [200, 200],
      lengths: [0],
      unhandled: ['TypeError: Failed to fetch'],
    });
  });
});

test.concurrent('pages with frozen, broken and hostile surroundings are measured, and hear nothing of it', async () => {
  const head = `<script>
      Object.freeze(XMLHttpRequest.prototype);
      Object.defineProperty(window, 'fetch', { value: fetch, writable: false });
      Array.prototype.toJSON = function () { return '[]'; };
      Object.prototype.extra = 'x';
      Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked'); } });
    </script><script src="/t.js"></script>`;
  const site = new Site(watching)
    .page('/', `<script>fetch('/ok').then((r) => r.text()); JSON.stringify = () => 'broken';</script>`, head)
    .on('/ok', (_, response) => send(response, 'fine'));
  await visit(site, async (page) => {
    const thrown: Error[] = [];
    page.on('pageerror', (error) => thrown.push(error));
    await page.goto(site.url('/'));
    await site.until(() => requestTo(site, '/ok'));
    await leave(page);
    await site.until(() => site.pageViews.length === 2);
    expectOneView(site.received.map((r) => r.report));
    expect(thrown).toEqual([]);
  });
});

test.concurrent('a page may have a Request and a URL of its own', async () => {
  const site = new Site(watching)
    .page(
      '/',
      `<script>
        const Request = {}, URL = {};
        const asked = [fetch('/ok', { method: 'POST' }), fetch(new globalThis.Request('/ok', { method: 'PUT' }))];
        Promise.all(asked.map((answer) => answer.then((r) => r.text()))).then((texts) => {
          document.title = texts.join();
        });
      </script>`,
    )
    .on('/ok', (_, response) => send(response, 'fine'));
  await visit(site, async (page) => {
    const thrown: Error[] = [];
    page.on('pageerror', (error) => thrown.push(error));
    await page.goto(site.url('/'));
    await page.waitForFunction(() => document.title === 'fine,fine');
    await leave(page);
    await site.until(() => site.pageViews.some((v) => v.phase === 'final'));
    expect(
      requests(site)
        .flatMap((r) => r.method ?? [])
        .sort(),
    ).toEqual(['POST', 'PUT']);
    expect(thrown).toEqual([]);
  });
});

test.concurrent('where sendBeacon refuses or throws, fetch delivers', async () => {
  const refusals = ['navigator.sendBeacon = () => false', 'navigator.sendBeacon = () => { throw new Error("no"); }'];
  const site = new Site();
  for (const [i, refusal] of refusals.entries()) {
    site.page(`/${i}`, 'x', `<script>${refusal}</script><script src="/t.js"></script>`);
  }
  await visit(site, async (page) => {
    for (const i of refusals.keys()) {
      await page.goto(site.url(`/${i}`));
      await leave(page);
      await site.until(() => site.pageViews.length === i + 1);
      expect(site.received[i]?.mode).toBe('cors');
    }
  });
});

const throwing = (message: string) => `setTimeout(() => { throw new Error('${message}') })`;

for (const status of [429, 503]) {
  test.concurrent(`a collector that answers ${status} gets its pause, and every report in the end`, async () => {
    const site = new Site().page('/', `<script>${throwing('kept')}</script>`);
    const collect = site.handler('/collect');
    const asked: number[] = [];
    site.on('/collect', (request, response) => {
      asked.push(Date.now());
      if (asked.length > 1) {
        collect(request, response);
      } else {
        response.writeHead(status, { 'retry-after': '3' }).end();
      }
    });
    await visit(site, async (page) => {
      await page.goto(site.url('/'));
      await site.until(() => site.received.length > 0);
      expect((asked[1] as number) - (asked[0] as number)).toBeGreaterThanOrEqual(2900);
      expect(errors(site).map((e) => e.message)).toEqual(['kept']);
      // It was sent now, whenever it was made.
      expect(Math.abs((site.received[0]?.report.sent_at_ms ?? 0) - (asked[1] as number))).toBeLessThan(1000);
      await page.waitForTimeout(1000);
      expect(asked).toHaveLength(2);
    });
  });
}

test.concurrent('what a page that goes could not deliver goes with it', async () => {
  const site = new Site().page('/', `<script>${throwing('kept')}</script>`).page('/next', 'x', '');
  const collect = site.handler('/collect');
  let asked = 0;
  site.on('/collect', (request, response) => {
    asked++;
    if (asked > 1) {
      collect(request, response);
    } else {
      response.writeHead(503, { 'retry-after': '600' }).end();
    }
  });
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => asked === 1);
    await page.waitForTimeout(200);
    await page.goto(site.url('/next'));
    await site.until(() => site.received.length > 1);
    expect(site.pageViews.map((v) => v.phase).sort()).toEqual(['early', 'final']);
    expect(errors(site).map((e) => e.message)).toEqual(['kept']);
  });
});

test.concurrent('what is kept goes with the page, too, when there is nothing else to tell', async () => {
  const site = new Site().page('/', 'x').page('/next', 'x', '');
  const collect = site.handler('/collect');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(setVisibility, 'hidden' as const);
    await site.until(() => site.pageViews.some((v) => v.phase === 'final'));
    await page.evaluate(setVisibility, 'visible' as const);
    let refused = 0;
    site.on('/collect', (_, response) => {
      refused++;
      response.writeHead(503, { 'retry-after': '600' }).end();
    });
    await page.evaluate(throwing('afterwards'));
    await site.until(() => refused === 1);
    await page.waitForTimeout(200);
    site.on('/collect', collect);
    await page.goto(site.url('/next'));
    await site.until(() => errors(site).length > 0);
    expect(errors(site).map((e) => e.message)).toEqual(['afterwards']);
  });
});

test.concurrent('what happens offline is told when the browser is online again', async () => {
  const site = new Site().page('/', 'x');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.context().setOffline(true);
    await page.evaluate(throwing('offline'));
    await page.waitForTimeout(2500);
    expect(site.received).toEqual([]);
    await page.context().setOffline(false);
    await site.until(() => site.received.length > 0);
    expect(errors(site).map((e) => e.message)).toEqual(['offline']);
  });
});

test.concurrent('more than one report can hold goes out in several', async () => {
  const site = new Site().page('/', 'x').on('/ok', (_, response) => send(response, 'fine'));
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(async () => {
      for (let i = 0; i < 19; i++) {
        const error = new Error(`€${i}`.repeat(300));
        error.stack = `Error\n    at f${i} ${'€'.repeat(5000)}`;
        setTimeout(() => {
          throw error;
        });
      }
      for (let i = 0; i < 120; i++) {
        await fetch(`/ok?${i}`);
      }
    });
    await site.until(() => errors(site).length === 19);
    await leave(page);
    await site.until(() => requests(site).length === 120);
    for (const { body } of site.received) {
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(60 << 10);
    }
    expect(site.received.length).toBeGreaterThan(2);
    expectOneView(site.received.map((r) => r.report));
  });
});

test.concurrent('a storm of requests ends at a thousand events, and hides no transaction', async () => {
  const site = new Site(watching)
    .page('/', 'x')
    .on('/ok', (_, response) => send(response, ''))
    .on('/other', (_, response) => send(response, ''));
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(async () => {
      for (let i = 0; i < 105; i++) {
        await Promise.all(Array.from({ length: 10 }, () => fetch('/ok').then((r) => r.text())));
      }
      await fetch('/other').then((r) => r.text());
    });
    await leave(page);
    await site.until(() => site.pageViews.some((v) => v.phase === 'final'));
    await site.until(() => requests(site).length > 1000);
    await site.until(() => site.events.some((e) => e.transaction_done));
    // The transaction comes beyond the thousand.
    expect(requests(site)).toHaveLength(1001);
  });
});
