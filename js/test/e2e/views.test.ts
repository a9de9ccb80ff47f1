import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectOneView, launchShell, launchWhole, Site, script, send, setVisibility } from './harness';
import { leave, visit as visitIn } from './visits';

let browser: Browser;
beforeAll(async () => {
  browser = await launchShell();
});
afterAll(() => browser.close());

// Browsers take images of few bytes for backgrounds, so this one has some.
const image = `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300">
  <!-- ${'x'.repeat(4000)} --><rect width="400" height="300"/></svg>`;

const visit = (site: Site, run: (page: Page) => Promise<unknown>, options = {}) => visitIn(browser, site, run, options);

test.concurrent('a view that lasts gives an early and a final report', async () => {
  const site = new Site()
    .page('/shop', '<h1>Shop</h1><img src="/big.svg?v=secret">')
    .on('/big.svg', (_, response) => send(response, image, 'image/svg+xml'));
  await visit(site, async (page) => {
    await page.goto(site.url('/shop?user=secret#secret'), { referer: site.url('/from?user=secret') });
    await site.until(() => site.received.length === 1);
    const own = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          new PerformanceObserver((list) => resolve(list.getEntries().at(-1)?.startTime ?? -1)).observe({
            type: 'largest-contentful-paint',
            buffered: true,
          });
        }),
    );
    await leave(page);
    await site.until(() => site.received.length === 2);

    const reports = site.received.map((r) => r.report);
    expectOneView(reports);
    expect(reports[0]).toMatchObject({
      v: 1,
      source: 'rum',
      sdk: 'throughline-js/0.2.0',
      environment: 'test',
      session_id: expect.stringMatching(/^[0-9a-f]{16}$/),
      automated: true, // the test drives the browser
      view: {
        url: site.url('/shop'),
        referrer: site.url('/from'),
        navigation: 'navigate',
        viewport_width_px: 1280,
        viewport_height_px: 720,
      },
    });
    expect(reports.map((r) => r.sequence)).toEqual([0, 1]);
    const [early, final] = site.events.filter((e) => e.page_view);
    expect(early?.at_ms).toBe(final?.at_ms);
    expect(Math.abs((early?.at_ms ?? 0) - Date.now())).toBeLessThan(20_000);
    expect(Object.keys(early?.page_view ?? {}).sort()).toEqual(
      [
        'phase',
        'redirect_ms',
        'dns_ms',
        'tcp_ms',
        'tls_ms',
        'request_ms',
        'download_ms',
        'dom_interactive_ms',
        'dom_content_loaded_ms',
        'load_ms',
        'transfer_size_bytes',
        'status_code',
        'ttfb_ms',
        'fcp_ms',
        'device_memory_gb',
        'cpu_cores',
        'device_pixel_ratio',
        'rtt_ms',
        'downlink_mbps',
        'preferences',
        'beacon_init_ms',
      ].sort(),
    );
    expect(early?.page_view).toMatchObject({ phase: 'early', status_code: 200, tls_ms: 0 });
    expect(final?.page_view).toMatchObject({
      phase: 'final',
      cls: expect.any(Number),
      lcp_element: 'html>body>img',
      lcp_url: site.url('/big.svg'),
    });
    expect(Math.abs((final?.page_view?.lcp_ms ?? -99) - own)).toBeLessThanOrEqual(1);
    const { lcp_ms, lcp_resource_load_delay_ms, lcp_resource_load_duration_ms, lcp_element_render_delay_ms } =
      final?.page_view ?? {};
    const parts = [
      early?.page_view?.ttfb_ms,
      lcp_resource_load_delay_ms,
      lcp_resource_load_duration_ms,
      lcp_element_render_delay_ms,
    ];
    expect(parts.reduce((sum: number, part) => sum + (part ?? Number.NaN), 0)).toBeCloseTo(lcp_ms as number, 0);
    expect(final?.page_view?.duration_ms).toBeGreaterThan(early?.page_view?.load_ms as number);
    expect(site.received.map((r) => r.contentType)).toEqual(['text/plain;charset=UTF-8', 'text/plain;charset=UTF-8']);
    expect(site.received.map((r) => r.body).join()).not.toContain('secret');
  });
});

test.concurrent('a click gives INP with its element and parts', async () => {
  const site = new Site().page(
    '/',
    `<button id="slow">Pay</button><script>
      slow.onclick = () => { const t = performance.now(); while (performance.now() - t < 120); };
    </script>`,
  );
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.click('#slow');
    await page.evaluate(
      () => new Promise((resolve) => new PerformanceObserver(resolve).observe({ type: 'event', buffered: true })),
    );
    await leave(page);
    await site.until(() => site.pageViews.some((v) => v.phase === 'final'));
    const view = Object.assign({}, ...site.pageViews);
    expect(view).toMatchObject({ inp_element: '#slow' });
    expect(view.inp_ms).toBeGreaterThanOrEqual(120);
    expect(view.inp_processing_duration_ms).toBeGreaterThanOrEqual(115);
    expect(view.inp_input_delay_ms + view.inp_processing_duration_ms + view.inp_presentation_delay_ms).toBeCloseTo(
      view.inp_ms,
      0,
    );
  });
});

test.concurrent('a layout shift is told with its element', async () => {
  const site = new Site().page(
    '/',
    `<div id="spacer" style="height: 1px"></div><p id="moved">Text that moves down</p><script>
      addEventListener('load', () => setTimeout(() => { spacer.style.height = '300px'; }, 200));
    </script>`,
  );
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(
      () =>
        new Promise((resolve) => new PerformanceObserver(resolve).observe({ type: 'layout-shift', buffered: true })),
    );
    await leave(page);
    await site.until(() => site.pageViews.some((v) => v.phase === 'final'));
    const view = Object.assign({}, ...site.pageViews);
    expect(view.cls).toBeGreaterThan(0.001);
    expect(view.cls_element).toBe('#moved');
  });
});

test.concurrent('a bounce right after load gives all in one report', async () => {
  const site = new Site().page('/', '<h1>Hello</h1>');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(
      () =>
        new Promise<void>((resolve) => {
          setTimeout(() => {
            setTimeout(() => {
              throw new Error('last words');
            });
            setTimeout(resolve, 30);
          }, 270);
        }),
    );
    await leave(page);
    await site.until(() => site.received.length > 0);
    expect(site.received).toHaveLength(1);
    expect(site.pageViews).toEqual([
      expect.objectContaining({
        phase: 'final',
        load_ms: expect.any(Number),
        fcp_ms: expect.any(Number),
        lcp_ms: expect.any(Number),
        cls: expect.any(Number),
        duration_ms: expect.any(Number),
      }),
    ]);
    expect(site.events.flatMap((e) => e.error ?? [])).toMatchObject([{ message: 'last words', count: 1 }]);
  });
});

test.concurrent('a tab that is closed still reports', async () => {
  const site = new Site().page('/', '<h1>Hello</h1>');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.close({ runBeforeUnload: true });
    await site.until(() => site.pageViews.length > 0);
    expect(site.pageViews[0]?.phase).toBe('final');
  });
});

test.concurrent('what happens after the final report is sent without another page view', async () => {
  const site = new Site().page('/', '<h1>Hello</h1>');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length === 1);
    await page.evaluate(setVisibility, 'hidden' as const);
    await site.until(() => site.received.length === 2);
    await page.evaluate(setVisibility, 'visible' as const);
    await page.evaluate(() => {
      setTimeout(() => {
        throw new Error('after');
      });
    });
    await site.until(() => site.received.length === 3);
    await page.evaluate(() => fetch('/missing').then((r) => r.text()));
    await leave(page);
    await site.until(() => site.received.length === 4);
    expectOneView(site.received.map((r) => r.report));
    expect(site.pageViews.map((v) => v.phase)).toEqual(['early', 'final']);
    expect(site.received[2]?.report.events).toEqual([
      expect.objectContaining({ error: expect.objectContaining({ message: 'after' }) }),
    ]);
    const [request, ...states] = site.received[3]?.report.events ?? [];
    expect(request?.request).toMatchObject({ url: site.url('/missing'), status_code: 404 });
    expect(states.map((e) => e.action)).toEqual(
      ['hidden', 'visible'].map((name) => ({ kind: 'page_state', name, count: 1, duration_ms: expect.any(Number) })),
    );
  });
});

test.concurrent('pages of one browser share a session', async () => {
  const site = new Site().page('/a', 'a').page('/b', 'b');
  await visit(site, async (page) => {
    await page.goto(site.url('/a'));
    await page.goto(site.url('/b'));
    await leave(page);
    await site.until(() => site.received.length === 2);
    const [a, b] = site.received.map((r) => r.report);
    expect(a?.session_id).toBe(b?.session_id);
    expect(a?.view?.id).not.toBe(b?.view?.id);
    expect(b?.view?.referrer).toBeUndefined();
    expect(await page.context().cookies()).toEqual([]);
  });
});

test.concurrent('two copies of the script are one', async () => {
  const site = new Site().page('/', 'x', '<script src="/t.js"></script><script async src="/t.js?2"></script>');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await leave(page);
    await site.until(() => site.received.length > 0);
    await page.goto(site.url('/'));
    await leave(page);
    await site.until(() => site.received.length > 1);
    expect(site.received).toHaveLength(2);
  });
});

test.concurrent('data attributes of the script tag are told', async () => {
  const tag = '<script async src="/t.js" data-release="1.4.2" data-environment="staging"></script>';
  const site = new Site().page('/', 'x', tag);
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await leave(page);
    await site.until(() => site.received.length > 0);
    expect(site.received[0]?.report).toMatchObject({ release: '1.4.2', environment: 'staging' });
  });
});

test.concurrent('a browser that no program drives is not automated, whatever pages make of the property', async () => {
  const site = new Site();
  for (const value of ['false', 'undefined', '"yes"']) {
    const head = `<script>Object.defineProperty(navigator, 'webdriver', { value: ${value} })</script>`;
    site.page(`/${encodeURIComponent(value)}`, 'x', `${head}<script src="/t.js"></script>`);
  }
  await visit(site, async (page) => {
    for (const value of ['false', 'undefined', '"yes"']) {
      await page.goto(site.url(`/${encodeURIComponent(value)}`));
    }
    await leave(page);
    await site.until(() => site.received.length === 3);
    expect(site.received.map((r) => r.report.automated)).toEqual([undefined, undefined, undefined]);
  });
});

test.concurrent('nothing happens with Global Privacy Control or Do Not Track, nor in frames', async () => {
  const refusing = (name: string, value: unknown) =>
    `<script>Object.defineProperty(navigator, '${name}', { value: ${JSON.stringify(value)} })</script>
    <script src="/t.js"></script>`;
  const site = new Site()
    .page('/gpc', 'x', refusing('globalPrivacyControl', true))
    .page('/dnt', 'x', refusing('doNotTrack', '1'))
    .page('/framed', '<iframe src="/inner"></iframe>', '')
    .page('/inner', 'x')
    .page('/sentinel', 'x');
  await visit(site, async (page) => {
    for (const path of ['/gpc', '/dnt']) {
      await page.goto(site.url(path));
      await page.waitForTimeout(2500);
      expect(await page.evaluate(() => localStorage.length + document.cookie.length)).toBe(0);
    }
    await page.goto(site.url('/framed'));
    await page.goto(site.url('/sentinel'));
    await leave(page);
    await site.until(() => site.received.length > 0);
    expect(site.received.map((r) => r.report.view?.url)).toEqual([site.url('/sentinel')]);
  });
});

test.concurrent('old browsers are left alone', async () => {
  const lacking = ['PerformanceObserver', 'navigator.sendBeacon', 'URL'];
  const site = new Site().page('/sentinel', 'x');
  for (const [i, name] of lacking.entries()) {
    site.page(
      `/${i}`,
      'x',
      `<script>${name} = undefined; onerror = (m) => { document.title = m; }</script>
      <script src="/t.js"></script>`,
    );
  }
  await visit(site, async (page) => {
    for (const i of lacking.keys()) {
      await page.goto(site.url(`/${i}`));
      expect(await page.title()).toBe('');
    }
    await page.goto(site.url('/sentinel'));
    await leave(page);
    await site.until(() => site.received.length > 0);
    expect(site.received.map((r) => r.report.view?.url)).toEqual([site.url('/sentinel')]);
  });
});

test.concurrent('a prerendered page tells nothing before it is activated', async () => {
  const head = `<script>
      Object.defineProperty(document, 'prerendering', { configurable: true, value: true });
      Object.defineProperty(document, 'visibilityState', { configurable: true, value: 'hidden' });
    </script><script src="/t.js"></script>`;
  const site = new Site().page('/', '<h1>Later</h1>', head).page('/sentinel', 'x');
  await visit(site, async (page) => {
    await page.goto(site.url('/'));
    await page.evaluate(() => {
      setTimeout(() => {
        throw new Error('while prerendering');
      });
    });
    await page.waitForTimeout(2500);
    expect(site.received).toEqual([]);
    await page.evaluate(() => {
      Object.defineProperty(document, 'prerendering', { value: false });
      Object.defineProperty(document, 'visibilityState', { configurable: true, value: 'visible' });
      document.dispatchEvent(new Event('prerenderingchange'));
    });
    await site.until(() => site.received.length > 0);
    expect(site.received[0]?.report.view?.navigation).toBe('prerender');
    expect(site.events.flatMap((e) => e.page_view?.phase ?? e.error?.message ?? [])).toEqual([
      'early',
      'while prerendering',
    ]);
  });
});

test.concurrent('a strict content security policy is no obstacle, and a blocked collector no noise', async () => {
  const policy = (connect: string) => ({
    'content-security-policy': `default-src 'none'; script-src 'self'; connect-src ${connect}; require-trusted-types-for 'script'`,
  });
  const site = new Site()
    .page('/open', 'x', undefined, policy("'self'"))
    .page('/shut', 'x', undefined, policy("'none'"));
  await visit(site, async (page) => {
    const thrown: Error[] = [];
    page.on('pageerror', (error) => thrown.push(error));
    await page.goto(site.url('/shut'));
    await page.waitForTimeout(2500);
    await page.goto(site.url('/open'));
    await leave(page);
    await site.until(() => site.received.length > 0);
    expect(site.received.map((r) => r.report.view?.url)).toEqual([site.url('/open')]);
    expect(thrown).toEqual([]);
  });
});

test.concurrent('a collector on another origin is asked without preflight or credentials of fetch', async () => {
  const collector = await new Site().listen();
  const site = new Site().page('/', 'x', `<script src="${collector.url('/t.js')}"></script>`);
  collector.on('/t.js', (_, response) => send(response, script(), 'text/javascript'));
  await visit(site, async (page) => {
    await page.context().addCookies([{ name: 'c', value: 'secret', url: collector.url('/') }]);
    await page.goto(site.url('/'));
    await collector.until(() => collector.received.length === 1);
    await leave(page);
    await collector.until(() => collector.received.length === 2);
    expect(collector.received[0]?.cookie).toBeUndefined();
    expect(collector.log).toEqual(['GET /t.js', 'POST /collect', 'POST /collect']);
  });
  collector.close();
});

describe('the back/forward cache', () => {
  let whole: Browser;
  beforeAll(async () => {
    whole = await launchWhole();
  });
  afterAll(() => whole.close());

  test('keeps the page, whose return is a new view', async () => {
    const site = await new Site([{ name: 'List', version: 'v1', page: '^/list$' }])
      .page('/list', '<h1>List</h1><script>addEventListener("pageshow", (e) => { restored = e.persisted; })</script>')
      .page('/item', '<h1>Item</h1>')
      .listen();
    const context = await whole.newContext();
    const page = await context.newPage();
    await page.goto(site.url('/list'));
    await site.until(() => site.received.length === 1);
    await page.goto(site.url('/item'));
    await site.until(() => site.received.length === 2);
    await page.evaluate(() => history.back());
    await site.until(() => site.received.some((r) => r.report.view?.navigation === 'back_forward_cache'));
    expect(await page.evaluate('restored')).toBe(true);
    await page.evaluate(() => {
      location.href = 'about:blank';
    });
    const restored = () => site.received.filter((r) => r.report.view?.navigation === 'back_forward_cache');
    await site.until(() => restored().length === 2);
    const [first] = site.received;
    const reports = restored().map((r) => r.report);
    expectOneView(reports);
    expect(reports[0]?.view).toMatchObject({ url: site.url('/list') });
    expect(reports[0]?.view).not.toHaveProperty('referrer');
    expect(reports[0]?.view?.id).not.toBe(first?.report.view?.id);
    expect(reports[0]?.session_id).toBe(first?.report.session_id);
    const events = reports.flatMap((r) => r.events);
    expect(Object.assign({}, ...events.map((e) => e.page_view))).toEqual({
      phase: 'final',
      ttfb_ms: 0,
      fcp_ms: expect.any(Number),
      lcp_ms: expect.any(Number),
      lcp_element_render_delay_ms: expect.any(Number),
      cls: 0,
      blocking_ms: expect.any(Number),
      long_frames: expect.any(Number),
      duration_ms: expect.any(Number),
      visible_ms: expect.any(Number),
      scroll_depth: 1,
      device_memory_gb: expect.any(Number),
      cpu_cores: expect.any(Number),
      device_pixel_ratio: 1,
      rtt_ms: expect.any(Number),
      downlink_mbps: expect.any(Number),
      preferences: '',
      beacon_handler_ms: expect.any(Number),
      beacon_sent_bytes: expect.any(Number),
    });
    expect(events[0]?.at_ms).toBeGreaterThan(first?.report.events[0]?.at_ms as number);
    expect(events.flatMap((e) => e.transaction_done ?? [])).toEqual([
      { outcome: 'completed', duration_ms: 0, wait_ms: 0 },
    ]);
    expect(new Set(site.events.map((e) => e.transaction?.instance_id)).size).toBeGreaterThan(1);
    await context.close();
    site.close();
  });
});
