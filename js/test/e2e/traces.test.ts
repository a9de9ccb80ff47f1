import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchShell, Site, script, send } from './harness';

let browser: Browser;
beforeAll(async () => {
  browser = await launchShell();
});
afterAll(() => browser.close());

/** What a server heard of a request. */
interface Heard {
  method: string;
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A site whose path /api says what it hears, to other origins, too. */
class Api extends Site {
  readonly heard: Heard[] = [];

  constructor() {
    super();
    for (const path of ['/api', '/other']) {
      this.on(path, (request, response) => {
        let body = '';
        request.on('data', (chunk) => {
          body += chunk;
        });
        request.on('end', () => {
          const { method = '', headers } = request;
          if (method !== 'OPTIONS') {
            this.heard.push({ method, path, headers, body });
          }
          send(response, 'fine', 'text/plain', {
            'access-control-allow-origin': '*',
            'access-control-allow-headers': '*, traceparent, x-a',
            'access-control-allow-methods': '*',
            'timing-allow-origin': '*',
          });
        });
      });
    }
  }

  get traceparents(): (string | undefined)[] {
    return this.heard.map((h) => h.headers.traceparent as string | undefined);
  }
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/;

/** Runs a visit to a page whose requests to these origins are traced; returns the errors that reached it. */
async function visit(
  site: Api,
  run: (page: Page) => Promise<void>,
  origins: string[] | null = ['self'],
): Promise<Error[]> {
  const thrown: Error[] = [];
  site.page('/', 'x');
  site.on('/t.js', (_, response) =>
    send(response, script([], '/collect', { traceOrigins: origins ?? undefined }), 'text/javascript'),
  );
  await site.listen();
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    page.on('pageerror', (error) => thrown.push(error));
    await page.goto(site.url('/'));
    await run(page);
    await page.goto('about:blank');
    await site.until(() => site.pageViews.some((v) => v.phase === 'final'));
  } finally {
    await context.close();
    site.close();
  }
  return thrown;
}

const origin = (site: Site) => new URL(site.url('/')).origin;

test.concurrent('requests to the page itself carry a trace, whose id is told', async () => {
  const site = new Api();
  const thrown = await visit(site, async (page) => {
    await page.evaluate(async () => {
      const text = (answer: Promise<Response>) => answer.then((r) => r.text());
      await text(fetch('/api?none'));
      await text(
        fetch('/api', { headers: { 'x-a': 'object', 'content-type': 'text/csv' }, method: 'put', body: 'a,b' }),
      );
      await text(fetch('/api', { headers: new Headers({ 'x-a': 'Headers' }) }));
      await text(fetch('/api', { headers: [['x-a', 'array']] }));
      await text(fetch(new Request('/api', { headers: { 'x-a': 'Request' }, method: 'POST', body: 'posted' })));
      await text(fetch(new Request('/api', { headers: { 'x-a': 'Request' } }), { headers: { 'x-a': 'init' } }));
      await text(fetch(new URL('/api', location.href), { method: 'DELETE' }));
    });
  });
  expect(thrown).toEqual([]);
  expect(site.heard.map((h) => [h.method, h.headers['x-a'], h.body])).toEqual([
    ['GET', undefined, ''],
    ['PUT', 'object', 'a,b'],
    ['GET', 'Headers', ''],
    ['GET', 'array', ''],
    ['POST', 'Request', 'posted'],
    ['GET', 'init', ''],
    ['DELETE', undefined, ''],
  ]);
  expect(site.heard[1]?.headers['content-type']).toBe('text/csv');
  for (const traceparent of site.traceparents) {
    expect(traceparent).toMatch(TRACEPARENT);
  }
  const ids = site.traceparents.map((t) => t?.split('-')[1]);
  expect(new Set(ids).size).toBe(7);
  expect(site.requests.map((e) => e.trace_id)).toEqual(ids);
  expect(site.requests.map((e) => e.request?.method)).toEqual(site.heard.map((h) => h.method));
});

test.concurrent('XMLHttpRequests carry a trace', async () => {
  const site = new Api();
  const thrown = await visit(site, async (page) => {
    const seen = await page.evaluate(async () => {
      const ask = (xhr: XMLHttpRequest, body?: string) =>
        new Promise<string>((resolve) => {
          xhr.onloadend = () => resolve(`${xhr.status} ${xhr.responseText}`);
          xhr.send(body);
        });
      const first = new XMLHttpRequest();
      first.open('POST', '/api?a');
      first.setRequestHeader('x-a', 'b');
      const answers = [await ask(first, 'posted')];
      first.open('GET', '/api?b');
      answers.push(await ask(first));
      const synchronous = new XMLHttpRequest();
      synchronous.open('GET', '/api?c', false);
      synchronous.send();
      return [...answers, `${synchronous.status} ${synchronous.responseText}`];
    });
    expect(seen).toEqual(Array(3).fill('200 fine'));
  });
  expect(thrown).toEqual([]);
  expect(site.heard.map((h) => [h.method, h.headers['x-a'], h.body])).toEqual([
    ['POST', 'b', 'posted'],
    ['GET', undefined, ''],
    ['GET', undefined, ''],
  ]);
  for (const traceparent of site.traceparents) {
    expect(traceparent).toMatch(TRACEPARENT);
  }
  expect(site.requests.map((e) => e.trace_id).sort()).toEqual(site.traceparents.map((t) => t?.split('-')[1]).sort());
});

test.concurrent('only origins that are named get a trace', async () => {
  const [site, named, other] = [new Api(), await new Api().listen(), await new Api().listen()];
  await visit(
    site,
    async (page) => {
      await page.evaluate(
        async ([named, other]) => {
          const ask = (url: string) =>
            new Promise((resolve) => {
              const xhr = new XMLHttpRequest();
              xhr.open('GET', url);
              xhr.onloadend = resolve;
              xhr.send();
            });
          for (const url of ['/api', `${named}/api`, `${other}/api`, `${other}/api?origin=${named}`]) {
            await fetch(url).then((r) => r.text());
            await ask(url);
          }
        },
        [origin(named), origin(other)] as const,
      );
    },
    [origin(named)],
  );
  expect(site.traceparents).toEqual([undefined, undefined]);
  expect(other.traceparents).toEqual(Array(4).fill(undefined));
  expect(named.traceparents).toEqual([expect.stringMatching(TRACEPARENT), expect.stringMatching(TRACEPARENT)]);
  // Nobody else is even asked whether they allow the header.
  expect(other.log.filter((line) => line.startsWith('OPTIONS'))).toEqual([]);
  expect(site.requests.filter((e) => e.trace_id)).toHaveLength(2);
  named.close();
  other.close();
});

test.concurrent('without such origins requests are not touched', async () => {
  const site = new Api();
  await visit(
    site,
    async (page) => {
      expect(await page.evaluate(() => `${fetch}${XMLHttpRequest.prototype.send}`)).not.toContain('=>');
      await page.evaluate(() => fetch('/api').then((r) => r.text()));
    },
    null,
  );
  expect(site.traceparents).toEqual([undefined]);
});

test.concurrent('what goes without CORS carries none', async () => {
  const [site, other] = [new Api(), await new Api().listen()];
  const thrown = await visit(
    site,
    async (page) => {
      const types = await page.evaluate(async (url) => {
        const answers = [
          await fetch(url, { mode: 'no-cors' }),
          await fetch(new Request(url, { mode: 'no-cors' })),
          await fetch(new Request(url), { mode: 'no-cors' }),
        ];
        return answers.map((a) => a.type);
      }, other.url('/api'));
      expect(types).toEqual(['opaque', 'opaque', 'opaque']);
    },
    [origin(other)],
  );
  expect(thrown).toEqual([]);
  expect(other.traceparents).toEqual([undefined, undefined, undefined]);
  other.close();
});

// What is not sent has no trace on the back end: its id leads nowhere.
test('of what carries no trace no id is told', { concurrent: true }, async () => {
  const [site, other] = [new Api(), await new Api().listen()];
  await visit(
    site,
    async (page) => {
      await page.evaluate(async (url) => {
        await fetch(url, { mode: 'no-cors' });
      }, other.url('/api'));
    },
    [origin(other)],
  );
  other.close();
  expect(site.requests.map((e) => e.trace_id)).toEqual([undefined]);
});

test.concurrent('streams, aborts and errors are as they were', async () => {
  const site = new Api();
  const parts: (() => void)[] = [];
  site
    .on('/stream', (_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' }).write('first,');
      parts.push(() => response.end('second'));
    })
    .on('/go', (_, response) => {
      for (const part of parts.splice(0)) {
        part();
      }
      send(response, '');
    })
    .on('/hangs', () => {})
    .on('/down', (_, response) => response.destroy());
  const thrown = await visit(site, async (page) => {
    const seen = await page.evaluate(async () => {
      const { body } = await fetch('/stream', { headers: { 'x-a': 'b' } });
      const reader = (body as ReadableStream<Uint8Array>).getReader();
      const first = new TextDecoder().decode((await reader.read()).value);
      await fetch('/go');
      const second = new TextDecoder().decode((await reader.read()).value);
      const failure = (answer: Promise<unknown>) => answer.then(String, (reason) => reason?.name ?? reason);
      const controller = new AbortController();
      const aborted = failure(fetch('/hangs', { signal: controller.signal }));
      const requested = new Request('/hangs', { signal: controller.signal });
      const alsoAborted = failure(fetch(requested));
      setTimeout(() => controller.abort(), 50);
      const posted = new Request('/api', { method: 'POST', body: 'once' });
      await fetch(posted);
      const form = new FormData();
      form.append('field', 'value');
      await fetch('/api', { method: 'POST', body: form });
      return {
        read: first + second,
        aborted: await aborted,
        alsoAborted: await alsoAborted,
        reason: await failure(fetch('/hangs', { signal: AbortSignal.abort('my reason') })),
        timeout: await failure(fetch('/hangs', { signal: AbortSignal.timeout(50) })),
        down: await failure(fetch('/down')),
        header: await failure(fetch('/api', { headers: { 'bad name': 'x' } })),
        method: await failure(fetch('/api', { method: 'TRACE' })),
        body: await failure(fetch('/api', { body: 'x' })),
        used: posted.bodyUsed,
        again: await failure(fetch(posted)),
      };
    });
    expect(seen).toEqual({
      read: 'first,second',
      aborted: 'AbortError',
      alsoAborted: 'AbortError',
      reason: 'my reason',
      timeout: 'TimeoutError',
      down: 'TypeError',
      header: 'TypeError',
      method: 'TypeError',
      body: 'TypeError',
      used: true,
      again: 'TypeError',
    });
  });
  expect(thrown).toEqual([]);
  expect(site.heard.map((h) => h.method)).toEqual(['POST', 'POST']);
  expect(site.heard[0]?.body).toBe('once');
  expect(site.heard[1]?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
  expect(site.heard[1]?.body).toContain('value');
});

test.concurrent('the objects of the page stay as they were', async () => {
  const site = new Api();
  await visit(site, async (page) => {
    const seen = await page.evaluate(async () => {
      const headers = { 'x-a': 'b' };
      const init = Object.freeze({ headers: Object.freeze(headers), cache: 'no-store' as const });
      const made = new Headers(headers);
      const request = new Request('/api', { headers });
      await fetch('/api', init);
      await fetch('/api', { headers: made });
      await fetch(request);
      return [Object.keys(headers), Object.keys(init), made.has('traceparent'), request.headers.has('traceparent')];
    });
    expect(seen).toEqual([['x-a'], ['headers', 'cache'], false, false]);
  });
  expect(site.traceparents).toEqual(Array(3).fill(expect.stringMatching(TRACEPARENT)));
});

const theirs = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

test('a trace that the page has begun goes on with fetch', { concurrent: true }, async () => {
  const site = new Api();
  await visit(site, async (page) => {
    await page.evaluate(async (traceparent) => {
      await fetch('/api', { headers: { traceparent } });
      await fetch(new Request('/api', { headers: { traceparent } }));
    }, theirs);
  });
  expect(site.traceparents).toEqual([theirs, theirs]);
});

test('a trace that the page has begun goes on with XMLHttpRequest', { concurrent: true }, async () => {
  const site = new Api();
  await visit(site, async (page) => {
    await page.evaluate(
      (traceparent) =>
        new Promise((resolve) => {
          const xhr = new XMLHttpRequest();
          xhr.open('GET', '/api');
          xhr.setRequestHeader('traceparent', traceparent);
          xhr.onloadend = resolve;
          xhr.send();
        }),
      theirs,
    );
  });
  expect(site.traceparents).toEqual([theirs]);
});

test('a Request in the place of options keeps method, headers and body', { concurrent: true }, async () => {
  const site = new Api();
  await visit(site, async (page) => {
    await page.evaluate(async () => {
      await fetch('/api', new Request('/other', { method: 'PUT', headers: { 'x-a': 'b' } }));
    });
  });
  expect(site.heard.map((h) => [h.method, h.path, h.headers['x-a']])).toEqual([['PUT', '/api', 'b']]);
});

test('options of a class of the page keep their method', { concurrent: true }, async () => {
  const site = new Api();
  await visit(site, async (page) => {
    await page.evaluate(async () => {
      class Options {
        get method() {
          return 'PUT';
        }
      }
      await fetch('/api', new Options());
    });
  });
  expect(site.heard.map((h) => h.method)).toEqual(['PUT']);
});

// With options, even those of patchFetch.ts alone, the Fetch specification resets the referrer of a Request.
test('a Request keeps its referrer policy', { concurrent: true }, async () => {
  const site = new Api();
  await visit(site, async (page) => {
    await page.evaluate(async () => {
      await fetch(new Request('/api', { referrerPolicy: 'no-referrer' }));
    });
  });
  expect(site.heard.map((h) => h.headers.referer)).toEqual([undefined]);
});
