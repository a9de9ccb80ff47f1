import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Config } from '../../src/config';
import type { Measure, PageView } from '../../src/wire';
import { expectOneView, launchShell, Site, script, send } from './harness';

let browser: Browser;
beforeAll(async () => {
  browser = await launchShell();
});
afterAll(() => browser.close());

/** Runs a visit until the page has given its early report, and leaves it. */
async function visit(
  site: Site,
  run: (page: Page) => Promise<unknown> = async () => {},
  options: BrowserContextOptions = {},
): Promise<void> {
  await site.listen();
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    await page.goto(site.url('/'));
    await site.until(() => site.received.length > 0);
    await run(page);
    await page.goto('about:blank');
    await site.until(() => site.pageViews.some((v) => v.phase === 'final'));
    expectOneView(site.received.map((r) => r.report));
  } finally {
    await context.close();
    site.close();
  }
}

const measures = (site: Site): Measure[] => site.events.flatMap((e) => e.measure ?? []);
const view = (site: Site): PageView => Object.assign({}, ...site.pageViews);
const serve = (site: Site, more: Partial<Config>) =>
  site.on('/t.js', (_, response) => send(response, script([], '/collect', more), 'text/javascript'));

const image = `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><rect width="200" height="100"/></svg>`;

test.concurrent('elements that the page times are told with when they were painted', async () => {
  const site = new Site()
    .page(
      '/',
      `<img id="hero" elementtiming="hero" src="/a.svg"><p elementtiming="${'long'.repeat(40)}">Text</p><p>x</p>`,
    )
    .on('/a.svg', (_, response) => {
      setTimeout(() => send(response, image, 'image/svg+xml'), 200);
    });
  await visit(site);
  const told = measures(site).filter((m) => m.kind === 'element');
  const hero = told.find((m) => m.name === 'hero');
  expect(hero).toMatchObject({ kind: 'element', detail: '#hero' });
  expect(hero?.duration_ms).toBeGreaterThanOrEqual(200);
  expect(told.map((m) => m.name.slice(0, 4)).sort()).toEqual(['hero', 'long']);
  const event = site.events.find((e) => e.measure?.name === 'hero');
  expect((event?.at_ms ?? 0) - (site.events[0]?.at_ms ?? 0)).toBeCloseTo(hero?.duration_ms as number, -1);
});

const timed = `<script>
  performance.mark('app:start', { startTime: 12.3 });
  performance.mark('app:ready', { startTime: 112.3, detail: { mail: 'secret' } });
  performance.mark('other:secret');
  performance.measure('app:boot', 'app:start', 'app:ready');
  performance.measure('app:back', { start: 100, end: 50 });
  performance.measure('other:boot', { start: 0, end: 50, detail: 'secret' });
</script>`;

test.concurrent('of marks and measures those are told whose names are allowed', async () => {
  const site = serve(new Site(), { userTiming: '^app:' }).page('/', timed);
  await visit(site, (page) =>
    page.evaluate(() => {
      performance.mark('app:late', { startTime: 500 });
      performance.mark(`app:${'x'.repeat(1000)}`, { startTime: 0 });
    }),
  );
  expect(measures(site)).toEqual(
    expect.arrayContaining([
      { kind: 'mark', name: 'app:start', duration_ms: 12.3 },
      { kind: 'mark', name: 'app:ready', duration_ms: 112.3 },
      { kind: 'measure', name: 'app:boot', duration_ms: 100 },
      { kind: 'measure', name: 'app:back', duration_ms: 0 },
      { kind: 'mark', name: 'app:late', duration_ms: 500 },
      { kind: 'mark', name: expect.stringMatching(/^app:x{50,196}$/), duration_ms: 0 },
    ]),
  );
  expect(measures(site)).toHaveLength(6);
  expect(site.received.map((r) => r.body).join()).not.toContain('secret');
});

test.concurrent('without such a list no mark or measure is told', async () => {
  for (const more of [{}, { consoleErrors: true }]) {
    const site = serve(new Site(), more).page('/', timed);
    await visit(site);
    expect(measures(site)).toEqual([]);
  }
});

test.concurrent('a storm of marks ends at a thousand events', async () => {
  const site = serve(new Site(), { userTiming: '.' }).page('/', 'x');
  await visit(site, (page) =>
    page.evaluate(async () => {
      for (let i = 0; i < 3000; i++) {
        performance.mark(`mark ${i}`);
        if (i % 100 === 0) {
          await new Promise((resolve) => setTimeout(resolve));
        }
      }
    }),
  );
  await site.until(() => measures(site).length >= 1000);
  expect(measures(site)).toHaveLength(1000);
});

test('long names of other scripts fit the wire', { concurrent: true }, async () => {
  const site = serve(new Site(), { userTiming: '.' }).page('/', `<p elementtiming="${'語'.repeat(100)}">Text</p>`);
  await visit(site, (page) => page.evaluate(() => performance.mark('語'.repeat(100))));
});

const id = '0af7651916cd43dd8448eb211c80319c';

test.concurrent('what the server says of the document is told once, but for its trace', async () => {
  const timing = `traceparent;desc="00-${id}-b7ad6b7169203331-01", db;dur=53.2;desc="read, mostly", cache;desc=hit, cpu`;
  const many = Array.from({ length: 12 }, (_, i) => `t${i};dur=${i}`).join();
  const site = new Site().page('/', 'x', undefined, { 'server-timing': timing });
  const other = new Site().page('/', 'x', undefined, { 'server-timing': many });
  await visit(site);
  expect(measures(site)).toEqual([
    { kind: 'server_timing', name: 'db', duration_ms: 53.2, detail: 'read, mostly' },
    { kind: 'server_timing', name: 'cache', duration_ms: 0, detail: 'hit' },
    { kind: 'server_timing', name: 'cpu', duration_ms: 0 },
  ]);
  expect(site.events.filter((e) => e.measure || e.page_view).map((e) => e.trace_id)).toEqual(Array(5).fill(id));
  await visit(other);
  expect(measures(other).map((m) => m.duration_ms)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test.concurrent('how far a page was looked at is told', async () => {
  const long = '<div style="height: 3600px">x</div>';
  const size = { viewport: { width: 800, height: 720 } };
  const style = '<style>body { margin: 0 }</style><script src="/t.js"></script>';
  const depths: unknown[] = [];
  for (const [body, at] of [
    [long, 0],
    [long, 720],
    [long, 9999],
    ['<p>x</p>', 0],
  ] as const) {
    const site = new Site().page('/', body, style);
    await visit(
      site,
      async (page) => {
        await page.evaluate(
          (at) =>
            new Promise((resolve) => {
              scrollTo(0, at);
              requestAnimationFrame(() => requestAnimationFrame(resolve));
            }),
          at,
        );
        // Who goes back up has seen what is below.
        await page.evaluate(() => scrollTo(0, 0));
      },
      size,
    );
    depths.push(view(site).scroll_depth);
  }
  expect(depths).toEqual([0.2, 0.4, 1, 1]);
});

test.concurrent('the device is told', async () => {
  const site = new Site().page('/', 'x');
  const seen: Record<string, unknown> = {};
  await visit(
    site,
    async (page) => {
      Object.assign(
        seen,
        await page.evaluate(() => {
          const { deviceMemory, hardwareConcurrency, connection } = navigator as Navigator & {
            deviceMemory: number;
            connection: { rtt: number; downlink: number; effectiveType: string };
          };
          return { deviceMemory, hardwareConcurrency, rtt: connection.rtt, effectiveType: connection.effectiveType };
        }),
      );
    },
    { viewport: { width: 640, height: 480 }, deviceScaleFactor: 1.5 },
  );
  expect(view(site)).toMatchObject({
    device_memory_gb: seen.deviceMemory,
    cpu_cores: seen.hardwareConcurrency,
    device_pixel_ratio: 1.5,
    rtt_ms: expect.any(Number),
    downlink_mbps: expect.any(Number),
    preferences: '',
  });
  expect(site.received[0]?.report.view).toMatchObject({
    viewport_width_px: 640,
    viewport_height_px: 480,
    effective_connection_type: seen.effectiveType,
  });
});

test.concurrent('preferences of the user are told', async () => {
  const told: unknown[] = [];
  for (const options of [
    { reducedMotion: 'reduce', colorScheme: 'dark', contrast: 'more' },
    { reducedMotion: 'reduce', colorScheme: 'light' },
    { colorScheme: 'dark' },
  ] as BrowserContextOptions[]) {
    const site = new Site().page('/', 'x');
    await visit(site, undefined, options);
    told.push(view(site).preferences);
  }
  const saving = new Site().page(
    '/',
    'x',
    `<script>Object.defineProperty(navigator.connection, 'saveData', { value: true })</script><script src="/t.js"></script>`,
  );
  await visit(saving);
  expect([...told, view(saving).preferences]).toEqual([
    'reduced_motion,more_contrast,dark',
    'reduced_motion',
    'dark',
    'save_data',
  ]);
});

test.concurrent('the beacon tells of its own cost', async () => {
  const site = new Site().page('/', '<button id="b">x</button>').on('/ok', (_, response) => send(response, 'fine'));
  await visit(site, async (page) => {
    await page.click('#b');
    await page.evaluate(async () => {
      for (let i = 0; i < 120; i++) {
        await fetch(`/ok?${i}`).then((r) => r.text());
      }
    });
    await site.until(() => site.received.length > 1);
  });
  const { beacon_init_ms, beacon_handler_ms, beacon_sent_bytes } = view(site);
  expect(beacon_init_ms).toBeGreaterThan(0);
  expect(beacon_handler_ms).toBeGreaterThan(beacon_init_ms as number);
  const final = site.received.findIndex((r) => r.report.events.some((e) => e.page_view?.phase === 'final'));
  expect(final).toBeGreaterThan(1);
  const before = site.received.slice(0, final);
  expect(beacon_sent_bytes).toBe(before.reduce((bytes, r) => bytes + Buffer.byteLength(r.body), 0));
});

test('the beacon counts the bytes that it sends', { concurrent: true }, async () => {
  const site = new Site().page('/', `<script>setTimeout(() => { throw new Error('語'.repeat(100)) })</script>`);
  await visit(site);
  const [early] = site.received;
  expect(view(site).beacon_sent_bytes).toBe(Buffer.byteLength(early?.body ?? ''));
});

test('what the beacon has sent is told once, at the end', { concurrent: true }, async () => {
  const site = new Site().page('/', `<script>for (let i = 0; i < 150; i++) throughline.event('e' + i)</script>`);
  await visit(site, () => site.until(() => site.pageViews.length > 0));
});
