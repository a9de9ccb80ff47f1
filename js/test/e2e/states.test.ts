import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, obey, openAlone } from './alone';
import { launchShell, launchWhole, Site, send, setVisibility } from './harness';
import { expectViews, image, leave, pathOf, settle, told, views, visit } from './visits';

let browser: Browser;
beforeAll(async () => {
  browser = await launchShell();
});
afterAll(() => browser.close());

const beacon = '<script src="/t.js"></script>';

/** A page that is opened in the background, where the browser paints it all the same. */
const background = `<script>
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });
  const known = performance.getEntriesByType;
  performance.getEntriesByType = (type) => (type === 'visibility-state' ? [] : known.call(performance, type));
</script>`;

const settled = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const states = (site: Site) => site.events.flatMap((e) => (e.action?.kind === 'page_state' ? e.action : []));

describe('a page that is opened in the background', () => {
  test.concurrent('and never shown has no paints, and no time in which it was seen', async () => {
    const site = new Site().page('/', '<h1>Hello</h1>', background + beacon);
    await visit(browser, site, async (page) => {
      await page.goto(site.url('/'));
      await site.until(() => site.received.length > 0);
      await settle(page);
      await leave(page);
      const [view] = await views(site, 1);
      expect(view?.fields).toMatchObject({ load_ms: expect.any(Number), visible_ms: 0 });
      expect(view?.fields.duration_ms).toBeGreaterThan(1000);
      for (const name of ['fcp_ms', 'lcp_ms', 'cls', 'abandoned']) {
        expect(view?.fields).not.toHaveProperty(name);
      }
    });
  });

  test.concurrent('and never shown was not hidden and shown in between', async () => {
    const site = new Site().page('/', '<h1>Hello</h1>', background + beacon);
    await visit(browser, site, async (page) => {
      await page.goto(site.url('/'));
      await site.until(() => site.received.length > 0);
      await leave(page);
      await views(site, 1);
      // What would follow comes right behind.
      await settled(1000);
      expect(states(site)).toEqual([]);
      expect(site.received).toHaveLength(2);
    });
  });

  test.concurrent('and left before it has loaded is not abandoned', async () => {
    const site = new Site().page('/', '<h1>Hello</h1><img src="/never.png">', background + beacon);
    site.on('/never.png', () => {});
    await visit(browser, site, async (page) => {
      await page.goto(site.url('/'), { waitUntil: 'commit' });
      await page.waitForFunction(() => document.images.length > 0);
      await leave(page);
      const [view] = await views(site, 1);
      expect(view?.fields).toMatchObject({ visible_ms: 0 });
      expect(view?.fields).not.toHaveProperty('load_ms');
      expect(view?.fields).not.toHaveProperty('abandoned');
    });
  });

  test.concurrent('and shown later counts as seen from then on', async () => {
    const site = new Site().page('/', '<h1>Hello</h1>', background + beacon);
    await visit(browser, site, async (page) => {
      await page.goto(site.url('/'));
      await settle(page, 800);
      await page.evaluate(setVisibility, 'visible' as const);
      await settle(page, 400);
      await leave(page);
      const [view] = await views(site, 1);
      const { duration_ms = 0, visible_ms = 0 } = view?.fields ?? {};
      expect(visible_ms).toBeGreaterThanOrEqual(400);
      expect(duration_ms - visible_ms).toBeGreaterThanOrEqual(800);
      // What was painted first nobody saw.
      expect(view?.fields).not.toHaveProperty('fcp_ms');
      expect(view?.fields).not.toHaveProperty('lcp_ms');
    });
  });

  test.concurrent('and whose route is shown has the paints of that', async () => {
    const site = new Site().page(
      '/',
      `<button id="go">go</button><script>go.onclick = () => {
        history.pushState({}, '', '/route');
        document.body.append(Object.assign(document.createElement('h1'), { textContent: 'Route' }));
      }</script>`,
      background + beacon,
    );
    await visit(browser, site, async (page) => {
      await page.goto(site.url('/'));
      await site.until(() => site.received.length > 0);
      await page.evaluate(setVisibility, 'visible' as const);
      await page.click('#go');
      await settle(page);
      await leave(page);
      const [landing, route] = await views(site, 2);
      expect(landing?.fields).not.toHaveProperty('lcp_ms');
      expect(route?.fields).toMatchObject({ fcp_ms: expect.any(Number), lcp_element: 'html>body>h1' });
      expect(route?.fields.visible_ms).toBe(route?.fields.duration_ms);
    });
  });
});

describe('who leaves', () => {
  /** Serves the head of a page, and the rest never. */
  const endless = (site: Site, path: string, start: string) =>
    site.on(path, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.write(`<!doctype html><html><head>${beacon}</head><body>${start}<!-- ${' '.repeat(4096)} -->`);
    });

  test.concurrent('before anything is to be seen has abandoned the page before its first paint', async () => {
    const site = endless(new Site(), '/', '<script>ready = true</script>');
    await visit(browser, site, async (page) => {
      await page.goto(site.url('/'), { waitUntil: 'commit' });
      await page.waitForFunction('globalThis.ready');
      await page.evaluate(() => {
        setTimeout(() => {
          location.href = 'about:blank';
        }, 300);
      });
      const [view] = await views(site, 1);
      expect(view?.fields).toMatchObject({ phase: 'final', abandoned: 'before_first_paint', status_code: 200 });
      expect(view?.fields.visible_ms).toBeGreaterThanOrEqual(300);
      expect(view?.fields).not.toHaveProperty('fcp_ms');
      expect(view?.fields).not.toHaveProperty('load_ms');
    });
  });

  test.concurrent('while an image still loads has abandoned the page before its largest paint', async () => {
    const site = new Site().page('/', '<h1>Hello</h1><img src="/never.svg">').on('/never.svg', () => {});
    await visit(browser, site, async (page) => {
      await page.goto(site.url('/'), { waitUntil: 'commit' });
      await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
      await page.evaluate(() => {
        location.href = 'about:blank';
      });
      const [view] = await views(site, 1);
      expect(view?.fields).toMatchObject({ abandoned: 'before_lcp', lcp_element: 'html>body>h1' });
      expect(view?.fields).not.toHaveProperty('load_ms');
    });
  });

  test.concurrent('once all is there has abandoned nothing', async () => {
    const site = new Site()
      .page('/', '<h1>Hello</h1><img src="/large.svg">')
      .on('/large.svg', (_, response) => send(response, image(500), 'image/svg+xml'));
    await visit(browser, site, async (page) => {
      await page.goto(site.url('/'));
      await settle(page);
      await leave(page);
      const [view] = await views(site, 1);
      expect(view?.fields.lcp_url).toBe(site.url('/large.svg'));
      expect(view?.fields).not.toHaveProperty('abandoned');
    });
  });

  test.concurrent('for another tab before the page is there has abandoned it, and the rest follows', async () => {
    const site = new Site()
      .page('/', '<h1>Hello</h1><img src="/late.svg">')
      .on('/late.svg', (_, response) => void setTimeout(() => send(response, image(500), 'image/svg+xml'), 1500));
    await visit(browser, site, async (page) => {
      await page.goto(site.url('/'), { waitUntil: 'commit' });
      await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
      await page.evaluate(setVisibility, 'hidden' as const);
      await page.waitForFunction(() => document.readyState === 'complete');
      await page.evaluate(setVisibility, 'visible' as const);
      await settle(page);
      await leave(page);
      const [view] = await views(site, 1);
      await site.until(() => states(site).length > 0);
      expect(view?.fields).toMatchObject({ abandoned: 'before_lcp', lcp_element: 'html>body>h1' });
      expect(states(site).map((s) => s.name)).toEqual(['hidden', 'visible']);
    });
  });
});

test.concurrent('a view lasts until it is hidden, and is then told of once', async () => {
  const site = new Site().page('/', '<h1>Hello</h1>');
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length === 1);
    await page.evaluate(setVisibility, 'hidden' as const);
    await site.until(() => site.received.length === 2);
    await settle(page, 700);
    await page.evaluate(setVisibility, 'visible' as const);
    await settle(page, 500);
    await page.evaluate(setVisibility, 'hidden' as const);
    await settle(page, 600);
    await page.evaluate(setVisibility, 'visible' as const);
    await settle(page, 400);
    await leave(page);
    await site.until(() => states(site).length === 4);
    const [view] = await views(site, 1);
    const { duration_ms = 0, visible_ms = 0 } = view?.fields ?? {};
    expect(visible_ms).toBe(duration_ms);
    const told = states(site).map(({ name, duration_ms }) => [name, duration_ms as number] as const);
    expect(told.map(([name]) => name)).toEqual(['hidden', 'visible', 'hidden', 'visible']);
    for (const [i, least] of [700, 500, 600, 400].entries()) {
      expect(told[i]?.[1]).toBeGreaterThanOrEqual(least);
    }
    // One follows upon the other.
    const begun = view?.events.filter((e) => e.action).map((e) => e.at_ms) ?? [];
    expect(begun[0]).toBeCloseTo((view?.startMs as number) + duration_ms, -1);
    for (const [i, [, ms]] of told.slice(0, 3).entries()) {
      expect(Math.abs((begun[i + 1] as number) - (begun[i] as number) - ms)).toBeLessThan(50);
    }
  });
});

test.concurrent('a page that the browser has stopped for a while says so', async () => {
  const site = new Site().page('/', '<h1>Hello</h1>');
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(setVisibility, 'hidden' as const);
    await site.until(() => site.received.length === 1);
    // The browser stops tabs in the background only, and has none here.
    await page.evaluate(() => document.dispatchEvent(new Event('freeze', { bubbles: true })));
    await settle(page, 500);
    await page.evaluate(() => document.dispatchEvent(new Event('resume', { bubbles: true })));
    await page.evaluate(setVisibility, 'visible' as const);
    await leave(page);
    await site.until(() => states(site).length === 3);
    expectViews(told(site));
    expect(
      states(site)
        .map((s) => s.name)
        .sort(),
    ).toEqual(['frozen', 'hidden', 'visible']);
    expect(states(site).find((s) => s.name === 'frozen')?.duration_ms).toBeGreaterThanOrEqual(500);
  });
});

test.concurrent('a tab that the browser had discarded is restored', async () => {
  const head = `<script>Object.defineProperty(document, 'wasDiscarded', { value: true })</script>${beacon}`;
  const site = new Site().page('/', '<h1>Hello</h1>', head);
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await settle(page);
    await leave(page);
    const [view] = await views(site, 1);
    expect(view?.view.navigation).toBe('restore');
    expect(view?.fields).toMatchObject({ ttfb_ms: expect.any(Number), lcp_ms: expect.any(Number) });
  });
});

test.concurrent('a page that is loaded again is a reload', async () => {
  const site = new Site().page('/', '<h1>Hello</h1>');
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await page.reload();
    await settle(page);
    await leave(page);
    const all = await views(site, 2);
    expect(all.map((t) => t.view.navigation)).toEqual(['navigate', 'reload']);
  });
});

describe('the back/forward cache', () => {
  let whole: Browser;
  beforeAll(async () => {
    whole = await launchWhole();
  });
  afterAll(() => whole.close());

  /** Goes to another page, and comes back to one that the browser has kept. */
  async function thereAndBack(page: Page, site: Site): Promise<void> {
    await page.evaluate('restored = undefined');
    await page.goto(site.url('/other'));
    await settle(page, 500);
    await page.evaluate(() => history.back());
    await page.waitForFunction('globalThis.restored !== undefined');
    expect(await page.evaluate('restored')).toBe(true);
    await settle(page, 400);
  }

  const app = `<h1>Hello</h1><button id="go">go</button><script>
    addEventListener('pageshow', (event) => { restored = event.persisted; });
    go.onclick = () => {
      history.pushState({}, '', '/route?secret');
      document.body.append(Object.assign(document.createElement('h2'), { textContent: 'Route' }));
    };
  </script>`;

  const make = () => new Site().page('/', app).page('/other', 'other', '');

  test('a page that comes back twice is three views', async () => {
    const site = make();
    await visit(whole, site, async (page) => {
      await page.goto(site.url('/'));
      await settle(page);
      await thereAndBack(page, site);
      await thereAndBack(page, site);
      await leave(page);
      const all = await views(site, 3);
      expect(all.map((t) => t.view.navigation)).toEqual(['navigate', 'back_forward_cache', 'back_forward_cache']);
      expect(new Set(all.map((t) => t.view.url))).toEqual(new Set([site.url('/')]));
      for (const [i, { fields, startMs }] of all.entries()) {
        const ended = startMs + (fields.duration_ms as number);
        const next = all[i + 1]?.startMs ?? Number.POSITIVE_INFINITY;
        // Of the half second in the cache no view is.
        expect(next - ended).toBeGreaterThanOrEqual(450);
        expect(fields.visible_ms).toBeGreaterThan((fields.duration_ms as number) - 200);
        expect(fields).toMatchObject({ fcp_ms: expect.any(Number), lcp_ms: expect.any(Number) });
        expect(fields).not.toHaveProperty('abandoned');
      }
    });
  });

  test('is no state of the view before', async () => {
    const site = make();
    await visit(whole, site, async (page) => {
      await page.goto(site.url('/'));
      await settle(page);
      await thereAndBack(page, site);
      await leave(page);
      const [first] = await views(site, 2);
      // What would follow comes with the last report, or right behind it.
      await settled(1000);
      expect(states(site)).toEqual([]);
      expect(first?.reports).toHaveLength(1);
    });
  });

  test('a route comes back with its own address', async () => {
    const site = make();
    await visit(whole, site, async (page) => {
      await page.goto(site.url('/'));
      await settle(page);
      await page.click('#go');
      await settle(page);
      await thereAndBack(page, site);
      await page.click('#go');
      await settle(page);
      await leave(page);
      const all = await views(site, 3);
      expect(all.map((t) => [pathOf(t), t.view.navigation])).toEqual([
        ['/', 'navigate'],
        ['/route', 'soft'],
        ['/route', 'back_forward_cache'],
      ]);
      const restored = all[2];
      expect(restored?.view).not.toHaveProperty('navigation_detection');
      expect(restored?.fields).toMatchObject({ ttfb_ms: 0, fcp_ms: expect.any(Number) });
      expect(restored?.fields.lcp_ms).toBe(restored?.fields.fcp_ms);
      expect(restored?.events.flatMap((e) => e.action?.name ?? [])).toEqual(['go']);
      expect(site.received.map((r) => r.body).join()).not.toContain('secret');
    });
  });

  test('a route that follows a return is a view of its own', async () => {
    const site = make();
    await visit(whole, site, async (page) => {
      await page.goto(site.url('/'));
      await settle(page);
      await thereAndBack(page, site);
      await page.click('#go');
      await settle(page);
      await leave(page);
      const all = await views(site, 3);
      expect(all.map((t) => [pathOf(t), t.view.navigation, t.view.navigation_detection])).toEqual([
        ['/', 'navigate', undefined],
        ['/', 'back_forward_cache', undefined],
        ['/route', 'soft', 'native'],
      ]);
      expect(all[2]?.fields.lcp_element).toBe('html>body>h2');
    });
  });
});

test.concurrent('twenty who leave right after the load are all told of, with the last that went wrong', async () => {
  const site = new Site();
  for (let i = 0; i < 20; i++) {
    site.page(
      `/${i}`,
      `<h1>Hello</h1><script>
        addEventListener('load', () => {
          setTimeout(() => { throw new Error('last of ${i}'); }, 270);
          setTimeout(() => { location.href = '${i === 19 ? 'about:blank' : `/${i + 1}`}'; }, 300);
        });
      </script>`,
    );
  }
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/0'));
    await page.waitForURL('about:blank');
    const all = await views(site, 20);
    for (const [i, { view, reports, fields, events }] of all.entries()) {
      expect(view.url).toBe(site.url(`/${i}`));
      expect(reports.length).toBeLessThanOrEqual(2);
      expect(fields).toMatchObject({ phase: 'final', load_ms: expect.any(Number), lcp_ms: expect.any(Number) });
      expect(events.flatMap((e) => e.error?.message ?? [])).toEqual([`last of ${i}`]);
    }
  });
});

test.concurrent('a tab that gets behind another one has its final report then, and is left there without more', async () => {
  const site = new Site()
    .page('/first', `<h1>First</h1>${obey}<script>obey()</script>`)
    .page('/second', '<h1>Second</h1>', '')
    .page('/other', 'other', '');
  const order = command(site);
  await site.listen();
  const close = await openAlone(site.url('/first'));
  try {
    await site.until(() => site.received.length === 1);
    order('/first', "open('/second')");
    await site.until(() => told(site)[0]?.final);
    const hidden = Date.now();
    await settled(1000);
    order(
      '/first',
      "setTimeout(() => { throw new Error('unseen'); }); setTimeout(() => { location.href = '/other'; }, 500)",
    );
    await site.until(() => site.events.some((e) => e.error));
    await site.until(() => site.log.includes('GET /other'));
    await settled(1000);
    const [view] = await views(site, 1);
    const { duration_ms = 0, visible_ms = 0 } = view?.fields ?? {};
    expect(view?.view).toMatchObject({ url: site.url('/first'), navigation: 'navigate' });
    expect(view?.fields).toMatchObject({ lcp_element: 'html>body>h1', visible_ms: expect.any(Number) });
    expect(visible_ms).toBeGreaterThan(0);
    expect(duration_ms).toBeGreaterThanOrEqual(visible_ms);
    expect((view?.startMs as number) + duration_ms).toBeLessThanOrEqual(hidden);
    expect(view?.events.flatMap((e) => e.page_view?.phase ?? e.error?.message ?? [])).toEqual([
      'early',
      'final',
      'unseen',
    ]);
    expect(states(site)).toEqual([]);
  } finally {
    await close();
    site.close();
  }
});
