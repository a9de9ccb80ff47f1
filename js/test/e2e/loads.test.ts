import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RequestTiming, Resources } from '../../src/wire';
import { expectOneView, launchShell, Site, send, setVisibility } from './harness';
import { hasFinal, leave, visit as visitIn } from './visits';

let browser: Browser;
beforeAll(async () => {
  browser = await launchShell();
});
afterAll(() => browser.close());

const visit = (site: Site, run: (page: Page) => Promise<unknown>, options = {}) => visitIn(browser, site, run, options);

const requests = (site: Site): RequestTiming[] => site.requests.flatMap((e) => e.request ?? []);
const resources = (site: Site): Resources[] => site.events.flatMap((e) => e.resources ?? []);
/** The sums of a type, and of a host, that a site was told, added up. */
function sum(site: Site, type: string, host?: string): Record<string, number> {
  const total = { count: 0, failed: 0, cached: 0, bytes: 0 };
  for (const r of resources(site).filter((r) => r.type === type && r.host === host)) {
    total.count += r.count;
    total.failed += r.failed ?? 0;
    total.cached += r.cached ?? 0;
    total.bytes += r.transfer_size_bytes ?? 0;
  }
  return total;
}

/** An image of so many bytes. */
const image = (bytes: number) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><!-- -->`.padEnd(bytes - 6, ' ').concat('</svg>');

test.concurrent('what a page loads is summed up by type', async () => {
  const site = new Site()
    .page('/', '<img src="/a.svg"><img src="/b.svg"><link rel="stylesheet" href="/s.css"><script src="/s.js"></script>')
    .on('/a.svg', (_, response) => send(response, image(5_000), 'image/svg+xml'))
    .on('/b.svg', (_, response) => send(response, image(3_000), 'image/svg+xml'))
    .on('/s.css', (_, response) => send(response, '/**/', 'text/css'))
    .on('/s.js', (_, response) => send(response, '1', 'text/javascript'));
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length > 0);
    const seen = await page.evaluate(() =>
      (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
        .filter((e) => e.initiatorType === 'img')
        .map((e) => [e.transferSize, e.duration] as const),
    );
    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
    expect(resources(site).map((r) => r.type)).toEqual(expect.arrayContaining(['img', 'link', 'script']));
    const bytes = seen.reduce((total, [size]) => total + size, 0);
    expect(bytes).toBeGreaterThan(8_000);
    const images = resources(site).find((r) => r.type === 'img');
    expect(images).toMatchObject({ count: 2, transfer_size_bytes: bytes });
    expect(images).not.toHaveProperty('host');
    expect(images?.failed || images?.cached).toBeFalsy();
    const durations = seen.map(([, ms]) => ms);
    expect(images?.longest_ms).toBeCloseTo(Math.max(...durations), 0);
    expect(images?.duration_ms).toBeCloseTo(
      durations.reduce((total, ms) => total + ms, 0),
      0,
    );
    // The beacon's own script is one, too.
    expect(sum(site, 'script').count).toBe(2);
  });
});

test.concurrent('what comes from the cache is counted as such', async () => {
  const site = new Site()
    .page('/first', '<img src="/kept.svg">')
    .page('/second', '<img src="/kept.svg"><img src="/new.svg">')
    .on('/kept.svg', (_, response) =>
      send(response, image(5_000), 'image/svg+xml', { 'cache-control': 'max-age=3600' }),
    )
    .on('/new.svg', (_, response) => send(response, image(2_000), 'image/svg+xml'));
  await visit(site, async (page) => {
    for (const [i, path] of ['/first', '/second'].entries()) {
      await page.goto(site.url(path));
      await site.until(() => site.pageViews.filter((v) => v.phase === 'early').length > i);
    }
    await leave(page);
    await site.until(() => site.pageViews.filter((v) => v.phase === 'final').length === 2);
    const images = (path: string) =>
      site.received
        .filter((r) => r.report.view?.url === site.url(path))
        .flatMap((r) => r.report.events.flatMap((e) => (e.resources?.type === 'img' ? e.resources : [])));
    const [first] = images('/first');
    expect(first).toMatchObject({ count: 1 });
    expect(first?.cached || 0).toBe(0);
    expect(first?.transfer_size_bytes).toBeGreaterThan(5_000);
    const [second] = images('/second');
    expect(second).toMatchObject({ count: 2, cached: 1 });
    expect(second?.transfer_size_bytes).toBeGreaterThan(2_000);
    expect(second?.transfer_size_bytes).toBeLessThan(5_000);
    expect(site.log.filter((line) => line === 'GET /kept.svg')).toHaveLength(1);
  });
});

test.concurrent('an image that is not there is counted as failed, told in full, and an error', async () => {
  const site = new Site()
    .page('/', '<img src="/missing.svg?token=secret"><img src="/ok.svg">')
    .on('/ok.svg', (_, response) => send(response, image(2_000), 'image/svg+xml'));
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length > 0);
    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
    expect(sum(site, 'img')).toMatchObject({ count: 2, failed: 1 });
    // On a busy machine others may be slow enough to be told.
    expect(requests(site).filter((r) => r.status_code === 404)).toEqual([
      {
        url: site.url('/missing.svg'),
        initiator: 'img',
        status_code: 404,
        duration_ms: expect.any(Number),
        request_ms: expect.any(Number),
        transfer_size_bytes: expect.any(Number),
      },
    ]);
    expect(site.events.flatMap((e) => e.error ?? [])).toEqual([
      { kind: 'resource', type: 'img', message: `img not loaded: ${site.url('/missing.svg')}`, count: 1 },
    ]);
    expect(site.received.map((r) => r.body).join()).not.toContain('secret');
  });
});

test.concurrent('of many that fail ten are told in full, and all are counted', async () => {
  const site = new Site().page('/', Array.from({ length: 25 }, (_, i) => `<img src="/missing-${i}.svg">`).join(''));
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length > 0);
    await leave(page);
    await site.until(hasFinal(site));
    expect(sum(site, 'img')).toMatchObject({ count: 25, failed: 25 });
    expect(requests(site).filter((r) => r.status_code === 404)).toHaveLength(5);
  });
});

test.concurrent('the slowest five are told in full, the fast ones are not', async () => {
  const site = new Site().on('/fast.svg', (_, response) => send(response, image(2_000), 'image/svg+xml'));
  // Images one after the other, so that none waits for a connection.
  const delays = [300, 0, 310, 500, 320, 330, 340];
  for (const [i, ms] of delays.entries()) {
    site.on(`/${i}.svg`, (_, response) => {
      setTimeout(() => send(response, image(2_000), 'image/svg+xml'), ms);
    });
  }
  site.page('/', '<h1>x</h1>');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length > 0);
    await page.evaluate(
      async (paths) => {
        for (const path of paths) {
          const image = new Image();
          image.src = path;
          await image.decode();
        }
      },
      delays.map((_, i) => `/${i}.svg`),
    );
    await leave(page);
    await site.until(hasFinal(site));
    expectOneView(site.received.map((r) => r.report));
    expect(sum(site, 'img').count).toBe(delays.length);
    const told = requests(site);
    expect(told).toHaveLength(5);
    expect(told.map((r) => r.initiator)).toEqual(Array(5).fill('img'));
    expect(told.map((r) => r.url)).toContain(site.url('/3.svg'));
    expect(told.map((r) => r.url)).not.toContain(site.url('/1.svg'));
    for (const { duration_ms } of told) {
      expect(duration_ms).toBeGreaterThanOrEqual(299);
    }
  });
});

test.concurrent('three hundred are all counted, though the browser keeps only some', async () => {
  const site = new Site().page('/', '<h1>x</h1>');
  for (let i = 0; i < 300; i++) {
    site.on(`/${i}.svg`, (_, response) => send(response, image(100), 'image/svg+xml'));
  }
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    const load = (from: number, to: number) =>
      page.evaluate(
        ([from, to]) =>
          Promise.all(
            Array.from({ length: to - from }, (_, i) => {
              const image = new Image();
              image.src = `/${from + i}.svg`;
              return image.decode();
            }),
          ).then(() => performance.getEntriesByType('resource').length),
        [from, to] as const,
      );
    await load(0, 40);
    await site.until(() => site.received.length > 0);
    expect(sum(site, 'img').count).toBe(40);
    expect(await load(40, 300)).toBe(250);
    await leave(page);
    await site.until(hasFinal(site));
    // Each sum is of what came since the last: together they are all.
    expect(resources(site).filter((r) => r.type === 'img').length).toBeGreaterThan(1);
    expect(sum(site, 'img')).toMatchObject({ count: 300, failed: 0 });
  });
});

test.concurrent('other hosts are named, and told of as far as they allow', async () => {
  const other = await new Site().listen();
  const svg = (headers: Record<string, string>) => (_: unknown, response: Parameters<typeof send>[0]) =>
    send(response, image(3_000), 'image/svg+xml', headers);
  other.on('/shut.svg', svg({})).on('/open.svg', svg({ 'timing-allow-origin': '*' }));
  const site = new Site()
    .page('/', `<img src="${other.url('/shut.svg')}"><img src="${other.url('/open.svg')}"><img src="/own.svg">`)
    .on('/own.svg', svg({}));
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length > 0);
    await leave(page);
    await site.until(hasFinal(site));
    const { host } = new URL(other.url('/'));
    expect(sum(site, 'img').count).toBe(1);
    expect(sum(site, 'img', host)).toMatchObject({ count: 2, failed: 0, cached: 0 });
    const { bytes } = sum(site, 'img', host);
    expect(bytes).toBeGreaterThan(3_000);
    expect(bytes).toBeLessThan(6_000);
  });
  other.close();
});

test.concurrent('the data that pages ask for is told, and no resource', async () => {
  const site = new Site().page('/', '<h1>x</h1>').on('/ok', (_, response) => send(response, 'fine'));
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(() => fetch('/ok').then((r) => r.text()));
    await site.until(() => requests(site).length > 0);
    await leave(page);
    await site.until(hasFinal(site));
    expect(resources(site).map((r) => r.type)).toEqual(['script']);
    const [asked, ...more] = requests(site);
    expect(asked).toMatchObject({ url: site.url('/ok'), initiator: 'fetch' });
    expect(more).toEqual([]);
  });
});

for (const watching of [false, true]) {
  test.concurrent(`an idle page is silent${watching ? ', watched, too' : ''}, and our own reports are no traffic`, async () => {
    const site = new Site(watching ? [{ name: 'Other', version: '1', request: { path: '^/other$' } }] : []).page(
      '/',
      '<h1>Hello</h1>',
    );
    await visit(site, async (page) => {
      await page.goto(site.url('/'));
      await site.until(() => site.received.length === 1);
      await page.evaluate(setVisibility, 'hidden' as const);
      await site.until(hasFinal(site));
      await page.evaluate(setVisibility, 'visible' as const);
      const before = site.log.length;
      await page.waitForTimeout(8_000);
      expect(site.log.slice(before)).toEqual([]);
      await leave(page);
      await site.until(() => site.received.length === 3);
      await page.waitForTimeout(500);
      expectOneView(site.received.map((r) => r.report));
      expect(site.received).toHaveLength(3);
      expect(requests(site)).toEqual([]);
      expect(resources(site).map((r) => [r.type, r.count])).toEqual([['script', 1]]);
      // What the last report holds is that the page was hidden, and shown.
      expect(site.received[2]?.report.events.map((e) => e.action?.kind)).toEqual(['page_state', 'page_state']);
    });
  });
}
