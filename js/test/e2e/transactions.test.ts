import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TransactionConfig } from '../../src/config';
import type { WireEvent } from '../../src/wire';
import { expectOneView, launchShell, Site, send, setVisibility } from './harness';
import { leave, visit as visitIn } from './visits';

let browser: Browser;
beforeAll(async () => {
  browser = await launchShell();
});
afterAll(() => browser.close());

const product: TransactionConfig = { name: 'View product', version: 'p1', page: '^/product/[^/]*$' };
const pay: TransactionConfig = { name: 'Pay', version: 'y1', request: { method: 'POST', path: '^/api/pay$' } };

const visit = (site: Site, run: (page: Page) => Promise<unknown>, options = {}) => visitIn(browser, site, run, options);

const done = (site: Site): WireEvent[] => site.events.filter((e) => e.transaction_done);

function later(ms: number): Parameters<Site['on']>[1] {
  return (_, response) => void setTimeout(() => send(response, 'late'), ms);
}

test.concurrent('a page is completed with its load and the requests begun in it', async () => {
  const site = new Site([product, pay])
    .page('/product/42', `<img src="/late.png"><script>fetch('/data'); fetch('/data?2');</script>`)
    .on('/late.png', later(200))
    .on('/data', later(800));
  await visit(site, async (page) => {
    await page.goto(site.url('/product/42'));
    await site.until(() => site.received.length === 1);
    const load = site.pageViews[0]?.load_ms as number;
    expect(load).toBeLessThan(800);
    await leave(page);
    await site.until(() => site.pageViews.length === 2);
    const [event] = done(site);
    expect(event?.transaction).toMatchObject({ name: 'View product', version: 'p1' });
    expect(event?.at_ms).toBe(site.events[0]?.at_ms);
    const { outcome, duration_ms, wait_ms } = event?.transaction_done ?? {};
    expect(outcome).toBe('completed');
    expect(wait_ms).toBe(duration_ms);
    expect(wait_ms).toBeGreaterThanOrEqual(800);
    expectOneView(site.received.map((r) => r.report));
    expect(done(site)).toHaveLength(1);
    // Every event of the view carries the page's instance.
    expect(new Set(site.events.map((e) => e.transaction?.instance_id))).toEqual(
      new Set([event?.transaction?.instance_id]),
    );
    expect(site.events.filter((e) => e.request?.initiator === 'fetch')).toHaveLength(2);
  });
});

test.concurrent('where requests may run unseen, a page is judged when it is left', async () => {
  const site = new Site([product])
    .page('/product/42', `<script>fetch('/data').then((r) => r.text());</script>`)
    .on('/data', later(1500));
  await visit(site, async (page) => {
    await page.goto(site.url('/product/42'));
    await site.until(() => site.received.length === 1);
    expect(done(site)).toEqual([]);
    await page.waitForFunction(() => performance.getEntriesByType('resource').some((e) => e.name.endsWith('/data')));
    await leave(page);
    await site.until(() => site.pageViews.length === 2);
    expect(done(site)).toHaveLength(1);
    expect(done(site)[0]?.transaction_done?.outcome).toBe('completed');
    expect(done(site)[0]?.transaction_done?.wait_ms).toBeGreaterThanOrEqual(1500);
  });
});

test.concurrent('a request that outlasts the early report is waited for, and no longer', async () => {
  const site = new Site([product, pay])
    .page('/product/42', `<script>fetch('/data').then((r) => r.text());</script>`)
    .on('/data', later(3000));
  await visit(site, async (page) => {
    await page.goto(site.url('/product/42'));
    await site.until(() => site.received.length === 1);
    expect(done(site)).toEqual([]);
    await page.waitForFunction(() => performance.getEntriesByType('resource').some((e) => e.name.endsWith('/data')));
    await page.waitForTimeout(1000);
    await leave(page);
    await site.until(() => site.pageViews.length === 2);
    const { outcome, duration_ms } = done(site)[0]?.transaction_done ?? {};
    expect(outcome).toBe('completed');
    expect(duration_ms).toBeGreaterThanOrEqual(3000);
    expect(duration_ms).toBeLessThan(4000);
  });
});

test.concurrent('a page left before it loaded is abandoned', async () => {
  const site = new Site([product])
    .page('/product/42', '<img src="/never.png"><script>setTimeout(() => { location = "about:blank"; }, 300);</script>')
    .on('/never.png', () => {});
  await visit(site, async (page) => {
    await page.goto(site.url('/product/42'), { waitUntil: 'commit' });
    await site.until(() => done(site).length > 0);
    const { outcome, duration_ms, wait_ms } = done(site)[0]?.transaction_done ?? {};
    expect([outcome, wait_ms]).toEqual(['abandoned', duration_ms]);
    expect(wait_ms).toBeGreaterThanOrEqual(300);
    expect(site.pageViews).toHaveLength(1);
    expect(site.pageViews[0]?.load_ms).toBeUndefined();
  });
});

test.concurrent('a page that is hidden while it loads goes on, and is completed with its load', async () => {
  const site = new Site([product, pay])
    .page('/product/42', `<img src="/late.png"><script>fetch('/data').then((r) => r.text());</script>`)
    .on('/late.png', later(1500))
    .on('/data', later(2000));
  await visit(site, async (page) => {
    await page.goto(site.url('/product/42'), { waitUntil: 'commit' });
    await page.waitForFunction(() => document.images.length > 0);
    await page.evaluate(setVisibility, 'hidden' as const);
    await site.until(() => site.received.length === 1);
    expect(site.pageViews.map((v) => [v.phase, v.load_ms])).toEqual([['final', undefined]]);
    expect(done(site)).toEqual([]);
    await site.until(() => done(site).length > 0);
    const { outcome, duration_ms } = done(site)[0]?.transaction_done ?? {};
    expect(outcome).toBe('completed');
    expect(duration_ms).toBeGreaterThanOrEqual(2000);
    await leave(page);
    expectOneView(site.received.map((r) => r.report));
    expect(done(site)).toHaveLength(1);
  });
});

test.concurrent('a page that is hidden and left before it loaded is abandoned', async () => {
  const site = new Site([product]).page('/product/42', '<img src="/never.png">').on('/never.png', () => {});
  await visit(site, async (page) => {
    await page.goto(site.url('/product/42'), { waitUntil: 'commit' });
    await page.waitForFunction(() => document.images.length > 0);
    await page.evaluate(setVisibility, 'hidden' as const);
    await site.until(() => site.received.length === 1);
    expect(done(site)).toEqual([]);
    await leave(page);
    await site.until(() => done(site).length > 0);
    expect(done(site).map((e) => e.transaction_done?.outcome)).toEqual(['abandoned']);
    expectOneView(site.received.map((r) => r.report));
  });
});

test.concurrent('a page whose document failed is failed', async () => {
  const site = new Site([product, pay]).on('/product/42', (_, response) => {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<script src="/t.js"></script>gone');
  });
  await visit(site, async (page) => {
    await page.goto(site.url('/product/42'));
    await site.until(() => site.received.length === 1);
    await leave(page);
    await site.until(() => done(site).length > 0);
    expect(done(site)[0]?.transaction_done).toMatchObject({ outcome: 'failed', reason: 'status 404' });
    expect(site.pageViews[0]?.status_code).toBe(404);
  });
});

test.concurrent('a long poll does not hold a page', async () => {
  const site = new Site([product, pay]).page('/product/42', `<script>fetch('/poll');</script>`).on('/poll', () => {});
  await visit(site, async (page) => {
    await page.goto(site.url('/product/42'));
    await site.until(() => site.received.length === 1);
    expect(done(site)).toEqual([]);
    const load = site.pageViews[0]?.load_ms as number;
    await page.waitForFunction(() => performance.now() > 12_000);
    await leave(page);
    await site.until(() => site.pageViews.length === 2);
    expect(done(site).map((e) => e.transaction_done)).toEqual([
      { outcome: 'completed', duration_ms: load, wait_ms: load },
    ]);
  });
});

test.concurrent('requests are transactions of their own', async () => {
  const answers = [200, 502, 404];
  const site = new Site([product, pay]).page('/product/42', 'x').on('/api/pay', (_, response) => {
    const status = answers.shift();
    if (status) {
      setTimeout(() => response.writeHead(status).end('paid'), 100);
    } else {
      response.destroy();
    }
  });
  await visit(site, async (page) => {
    await page.goto(site.url('/product/42'));
    await page.evaluate(async () => {
      await fetch('/api/pay?card=4111');
      for (let i = 0; i < 3; i++) {
        await fetch('/api/pay', { method: 'POST' })
          .then((r) => r.text())
          .catch(() => {});
      }
      // What fails in the moment of leaving counts as left behind.
      await new Promise((resolve) => setTimeout(resolve, 100));
    });
    await leave(page);
    await site.until(() => site.pageViews.some((v) => v.phase === 'final'));
    expectOneView(site.received.map((r) => r.report));
    const paid = done(site).filter((e) => e.transaction?.name === 'Pay');
    expect(paid.map((e) => [e.transaction_done?.outcome, e.transaction_done?.reason])).toEqual([
      ['failed', 'status 502'],
      ['failed', 'status 404'],
      ['failed', 'network'],
    ]);
    for (const { transaction, at_ms, transaction_done } of paid) {
      const request = site.events.find((e) => e.request && e.transaction?.instance_id === transaction?.instance_id);
      expect(request).toMatchObject({ at_ms, transaction, request: { method: 'POST' } });
      expect(transaction_done?.duration_ms).toBe(request?.request?.duration_ms);
      expect(transaction_done?.wait_ms).toBe(transaction_done?.duration_ms);
    }
    const other = site.events.find((e) => e.request?.method === 'GET');
    expect(other?.transaction?.name).toBe('View product');
  });
});

test.concurrent('a request left behind is abandoned', async () => {
  const site = new Site([pay]).page('/', 'x').on('/api/pay', () => {});
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(() => {
      const aborted = new AbortController();
      fetch('/api/pay', { method: 'POST', signal: aborted.signal }).catch(() => {});
      fetch('/api/pay', { method: 'POST' }).catch(() => {});
      setTimeout(() => aborted.abort(), 50);
      return new Promise((resolve) => setTimeout(resolve, 200));
    });
    await leave(page);
    await site.until(() => done(site).length === 2);
    expect(done(site).map((e) => [e.transaction_done?.outcome, e.transaction_done?.reason])).toEqual([
      ['abandoned', 'aborted'],
      ['abandoned', 'aborted'],
    ]);
    const [first, second] = done(site);
    expect(first?.transaction?.instance_id).not.toBe(second?.transaction?.instance_id);
    expect(site.events.flatMap((e) => e.request?.failure ?? [])).toEqual(['aborted', 'aborted']);
  });
});
