import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TransactionConfig } from '../../src/config';
import { launchShell, Site, send } from './harness';
import { busy, expectViews, image, leave, pathOf, settle, type Told, told, views, visit } from './visits';

let browser: Browser;
beforeAll(async () => {
  browser = await launchShell();
});
afterAll(() => browser.close());

/** Hides soft navigations, as browsers that do not know them. */
const withoutSoft = `<script>
  const known = PerformanceObserver.supportedEntryTypes.filter((type) => !/^(soft-navigation|interaction-contentful-paint)$/.test(type));
  Object.defineProperty(PerformanceObserver, 'supportedEntryTypes', { get: () => known });
</script>`;
/** Hides the Navigation API too. */
const withoutNavigation = `${withoutSoft}<script>delete globalThis.navigation</script>`;

const kinds: Record<string, string> = {
  'with soft navigations': '',
  'without soft navigations': withoutSoft,
  'without the Navigation API': withoutNavigation,
};

const beacon = '<script src="/t.js"></script>';

/** What pages of one document do: go(path) shows another route. */
const app = `<main id="main"><h1>Landing</h1></main><script>${busy}
  const show = (text) => { main.innerHTML = '<h1>' + text + '</h1><p>' + 'words '.repeat(40) + '</p>'; };
  const go = (path) => { history.pushState({}, '', path); show(path); };
  onpopstate = () => show(location.pathname);
  let clickedAt = [];
  addEventListener('click', ({ timeStamp }) => clickedAt.push(performance.timeOrigin + timeStamp), true);
</script>`;

const button = (id: string, handler: string) => `<button id="${id}" onclick="${handler}">${id}</button>`;

/** When the page was clicked, on the wall clock. */
const clickedAt = (page: Page) => page.evaluate<number[]>('clickedAt');

/** The URLs that a view has fetched. */
const fetched = ({ events }: Told) =>
  events.flatMap((e) => (e.request?.initiator === 'fetch' ? e.request.url : [])).sort();

const later =
  (ms: number, text = 'late'): Parameters<Site['on']>[1] =>
  (_, response) =>
    void setTimeout(() => send(response, text), ms);

describe('a new path is a new view, a hash or a query is none,', () => {
  for (const [name, head] of Object.entries(kinds)) {
    test.concurrent(name, async () => {
      const site = new Site().page(
        '/',
        button('push', "go('/pushed')") +
          button('hash', "location.hash = 'part'") +
          button('query', "go('?page=2')") +
          button('replace', "history.replaceState({}, '', '/replaced'); show('replaced')") +
          button('same', "go('/replaced?again')") +
          app,
        head + beacon,
      );
      await visit(browser, site, async (page) => {
        await page.goto(site.url('/'));
        for (const id of ['hash', 'query', 'push', 'query', 'hash', 'replace', 'same']) {
          await page.click(`#${id}`);
          await settle(page);
        }
        await leave(page);
        const all = await views(site, 3);
        expect(all.map(pathOf)).toEqual(['/', '/pushed', '/replaced']);
        expect(all.map((t) => t.view.navigation)).toEqual(['navigate', 'soft', 'soft']);
        expect(all.map((t) => t.view.referrer)).toEqual([undefined, undefined, undefined]);
      });
    });
  }
});

describe('a route begins with the click that brought it about,', () => {
  for (const [name, head] of Object.entries(kinds)) {
    test.concurrent(name, async () => {
      const site = new Site()
        .page(
          '/',
          button('now', "go('/now')") +
            button('late', "fetch('/data').then((r) => r.text()).then(() => go('/late'))") +
            app,
          head + beacon,
        )
        .on('/data', later(300));
      await visit(browser, site, async (page) => {
        await page.goto(site.url('/'));
        await page.click('#now');
        await settle(page);
        await page.click('#late');
        await page.waitForFunction(() => location.pathname === '/late');
        await settle(page);
        const clicks = await clickedAt(page);
        await leave(page);
        const [landing, now, late] = await views(site, 3);
        expect([now?.view.url, late?.view.url]).toEqual([site.url('/now'), site.url('/late')]);
        const detection = head ? 'heuristic' : 'native';
        expect([now, late].map((t) => t?.view.navigation_detection)).toEqual([detection, detection]);
        expect(landing?.view).not.toHaveProperty('navigation_detection');
        expect(Math.abs((now?.startMs as number) - (clicks[0] as number))).toBeLessThanOrEqual(1);
        expect(Math.abs((late?.startMs as number) - (clicks[1] as number))).toBeLessThanOrEqual(1);
        // One view ends as the next begins.
        expect(landing?.fields.duration_ms).toBeCloseTo((now?.startMs as number) - (landing?.startMs as number), -1);
        expect(now?.fields.duration_ms).toBeCloseTo((late?.startMs as number) - (now?.startMs as number), -1);
        expect(late?.fields.duration_ms).toBeGreaterThanOrEqual(300);
        // Only who has soft navigations tells what routes have painted.
        for (const route of [now, late]) {
          expect(route?.fields.lcp_element).toBe(head ? undefined : '#main>p');
          expect(route?.fields.fcp_ms).toEqual(head ? undefined : expect.any(Number));
        }
      });
    });
  }
});

test.concurrent('what a route waits for before the address changes is its own', async () => {
  const site = new Site()
    .page(
      '/',
      `${button('late', "fetch('/data').then((r) => r.text()).then(() => setTimeout(go, 100, '/late'))")}${app}`,
    )
    .on('/data', later(300));
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await page.click('#late');
    await page.waitForFunction(() => location.pathname === '/late');
    await settle(page);
    await leave(page);
    const all = await views(site, 2);
    expect(all.map(fetched)).toEqual([[], [site.url('/data')]]);
  });
});

test.concurrent('a key that follows a link begins a route', async () => {
  const site = new Site().page(
    '/',
    `<a id="link" href="/next" onclick="event.preventDefault(); go('/next')">Next</a>${app}`,
  );
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await page.focus('#link');
    await page.keyboard.press('Enter');
    await settle(page);
    const [clicked] = await clickedAt(page);
    await leave(page);
    const [, next] = await views(site, 2);
    expect(next?.view).toMatchObject({ url: site.url('/next'), navigation_detection: 'native' });
    expect(Math.abs((next?.startMs as number) - (clicked as number))).toBeLessThanOrEqual(1);
  });
});

test.concurrent('an address that is put right before anybody has done anything names the view', async () => {
  const site = new Site([
    { name: 'Home', version: 'v1', page: '^/home$' },
    { name: 'Other', version: 'v1', page: '^/on-the-way$' },
  ]).page(
    '/',
    `${app}<script>
      history.replaceState({}, '', '/first?x#y');
      addEventListener('load', () => setTimeout(go, 50, '/home?secret'));
    </script>`,
  );
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await page.waitForFunction(() => location.pathname === '/home');
    await site.until(() => site.received.length > 0);
    await leave(page);
    const [view] = await views(site, 1);
    expect(view?.view).toMatchObject({ url: site.url('/home'), navigation: 'navigate' });
    expect(view?.view).not.toHaveProperty('navigation_detection');
    expect(view?.fields).toMatchObject({ status_code: 200, lcp_ms: expect.any(Number) });
    expect(new Set(view?.events.map((e) => e.transaction?.name))).toEqual(new Set(['Home']));
    expect(site.received.map((r) => r.body).join()).not.toContain('secret');
  });
});

test.concurrent('a route without input, once the page was told of, is heuristic', async () => {
  const site = new Site().page('/', app);
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length > 0);
    const turned = await page.evaluate<number>("go('/by-itself'); performance.timeOrigin + performance.now()");
    await settle(page);
    await leave(page);
    const [, route] = await views(site, 2);
    expect(route?.view).toMatchObject({
      url: site.url('/by-itself'),
      navigation: 'soft',
      navigation_detection: 'heuristic',
    });
    expect(Math.abs((route?.startMs as number) - turned)).toBeLessThan(100);
    expect(route?.fields).not.toHaveProperty('lcp_ms');
  });
});

test.concurrent('a click that is long ago has not brought a route about', async () => {
  const site = new Site().page('/', `${button('wait', "setTimeout(go, 5500, '/much-later')")}${app}`);
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await page.click('#wait');
    await page.waitForFunction(() => location.pathname === '/much-later');
    await settle(page);
    const [clicked] = await clickedAt(page);
    await leave(page);
    const [, route] = await views(site, 2);
    expect((route?.startMs as number) - (clicked as number)).toBeGreaterThan(5000);
    expect(route?.view.navigation_detection).toBe('heuristic');
  });
});

test.concurrent("a script's click is no input", async () => {
  const site = new Site().page('/', `${button('go', "go('/scripted')")}${app}`);
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length > 0);
    await page.evaluate(() => document.querySelector<HTMLElement>('#go')?.click());
    await settle(page);
    await leave(page);
    const [, route] = await views(site, 2);
    expect(route?.view.navigation_detection).toBe('heuristic');
  });
});

test.concurrent('a view that the page asks for is manual', async () => {
  const site = new Site().page('/', `${button('step', "show('step'); throughline.view()")}${app}`);
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await page.click('#step');
    await settle(page);
    await page.evaluate('throughline.view()');
    await page.evaluate(() => {
      setTimeout(() => {
        throw new Error('of the third');
      });
    });
    await settle(page);
    await leave(page);
    const all = await views(site, 3);
    expect(all.map(pathOf)).toEqual(['/', '/', '/']);
    expect(all.map((t) => t.view.navigation_detection)).toEqual([undefined, 'manual', 'manual']);
    expect(all.map((t) => t.events.flatMap((e) => e.error?.message ?? []))).toEqual([[], [], ['of the third']]);
  });
});

test.concurrent('a view that the page asks for stays manual when its query changes with it', async () => {
  const site = new Site().page('/', `${button('step', "throughline.view(); go('?step=2')")}${app}`);
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await page.click('#step');
    await settle(page);
    await leave(page);
    const [, step] = await views(site, 2);
    expect(step?.view.navigation_detection).toBe('manual');
  });
});

describe('who goes back within the page has a new view,', () => {
  for (const [name, head] of Object.entries(kinds)) {
    test.concurrent(name, async () => {
      const site = new Site().page(
        '/first',
        `${button('go', "go('/second')")}<button id="back" onclick="history.back()">back</button>${app}`,
        head + beacon,
      );
      await visit(browser, site, async (page) => {
        await page.goto(site.url('/first'));
        await page.click('#go');
        await settle(page);
        // The page's own button.
        await page.click('#back');
        await page.waitForFunction(() => location.pathname === '/first');
        await settle(page);
        // The browser's.
        await page.goForward();
        await settle(page);
        await page.goBack();
        await settle(page);
        await page.evaluate("location.hash = 'part'");
        await page.goBack();
        await settle(page);
        await leave(page);
        const all = await views(site, 5);
        expect(all.map(pathOf)).toEqual(['/first', '/second', '/first', '/second', '/first']);
        expect(all.slice(1).map((t) => t.view.navigation)).toEqual(['soft', 'soft', 'soft', 'soft']);
        const detections = new Set(all.slice(1).map((t) => t.view.navigation_detection));
        expect(detections).toEqual(new Set([head ? 'heuristic' : 'native']));
      });
    });
  }
});

test.concurrent('without the Navigation API the history functions are as the page knows them', async () => {
  const site = new Site().page('/', app, withoutNavigation + beacon);
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length > 0);
    const results = await page.evaluate(() => {
      const attempt = (fn: () => unknown) => {
        try {
          return fn();
        } catch (thrown) {
          return [(thrown as Error).constructor.name, (thrown as Error).name];
        }
      };
      const { pushState } = history;
      return {
        replaced: Object.hasOwn(history, 'pushState'),
        pushed: attempt(() => history.pushState({ n: 1 }, '', '/one')),
        state: history.state,
        length: history.length,
        kept: attempt(() => history.replaceState({ n: 2 }, '')),
        stateAfter: history.state,
        called: attempt(() => pushState.call(history, null, '', '/two')),
        foreign: attempt(() => history.pushState(null, '', 'https://other.example/three')),
        unbound: attempt(() => pushState(null, '', '/four')),
        few: attempt(() => (history.pushState as () => void)()),
        uncloneable: attempt(() => history.pushState(() => {}, '', '/five')),
        path: location.pathname,
        names: [...new Set(Object.keys(history))],
      };
    });
    expect(results).toMatchObject({
      replaced: true,
      pushed: undefined,
      state: { n: 1 },
      kept: undefined,
      stateAfter: { n: 2 },
      called: undefined,
      foreign: ['DOMException', 'SecurityError'],
      unbound: ['TypeError', 'TypeError'],
      few: ['TypeError', 'TypeError'],
      uncloneable: ['DOMException', 'DataCloneError'],
      path: '/two',
    });
    await leave(page);
    const all = await views(site, 3);
    expect(all.map(pathOf)).toEqual(['/', '/one', '/two']);
  });
});

test.concurrent('each value belongs to the view in which it began', async () => {
  const site = new Site()
    .page(
      '/landing',
      `${button('go', "fetch('/of-click'); busy(80); go('/route'); late()")}${button('slow', 'busy(120)')}<div id="spacer"></div>${app}
      <script>
        fetch('/of-landing');
        const late = () => {
          fetch('/of-route');
          setTimeout(() => { spacer.style.height = '300px'; }, 1200);
          setTimeout(() => { throw new Error('of the route'); }, 200);
        };
        setTimeout(() => { throw new Error('of the landing page'); }, 100);
      </script>`,
    )
    .on('/of-landing', later(1500))
    .on('/of-click', later(50))
    .on('/of-route', later(100));
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/landing'));
    await settle(page);
    await page.click('#go');
    await page.waitForFunction(() =>
      ['/of-landing', '/of-route'].every((path) =>
        performance.getEntriesByType('resource').some((e) => e.name.endsWith(path)),
      ),
    );
    // The one that is no answer to the click: the next click would take it for its own.
    await page.evaluate(
      () =>
        new Promise<void>((resolve) => {
          new PerformanceObserver((list) => {
            if (list.getEntries().some((e) => !(e as PerformanceEntry & { hadRecentInput: boolean }).hadRecentInput)) {
              resolve();
            }
          }).observe({ type: 'layout-shift', buffered: true });
        }),
    );
    await page.click('#slow');
    await settle(page);
    await leave(page);
    const [landing, route] = await views(site, 2);
    await site.until(() => told(site)[0]?.events.some((e) => e.request?.url === site.url('/of-landing')));
    expect([landing, route].map((t) => t && pathOf(t))).toEqual(['/landing', '/route']);
    expect(landing?.fields).toMatchObject({ inp_element: '#go', lcp_element: '#main>h1', cls: 0 });
    expect(landing?.fields.lcp_ms).toBeLessThan((route?.startMs as number) - (landing?.startMs as number));
    expect(landing?.fields.inp_ms).toBeGreaterThanOrEqual(80);
    expect(route?.fields).toMatchObject({ inp_element: '#slow' });
    expect(route?.fields.inp_ms).toBeGreaterThanOrEqual(120);
    expect(route?.fields.cls).toBeGreaterThan(0.01);
    expect(route?.fields).not.toHaveProperty('ttfb_ms');
    expect(route?.fields).not.toHaveProperty('load_ms');
    expect(route?.fields).not.toHaveProperty('status_code');
    const of = (all: Told[]) =>
      all.map((t) => [
        fetched(t),
        t.events.flatMap((e) => e.error?.message ?? []),
        t.events.flatMap((e) => e.action?.name ?? []),
      ]);
    expect(of(told(site))).toEqual([
      [[site.url('/of-landing')], ['of the landing page'], ['go']],
      [[site.url('/of-click'), site.url('/of-route')], ['of the route'], ['slow']],
    ]);
    expectViews(told(site));
  });
});

test.concurrent('the click that brings a route about names the script that the old view waited for', async () => {
  const site = new Site().page('/', `${button('go', "busy(120); go('/route')")}${app}`);
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await settle(page);
    // The mouse comes first, so that the click has a frame of its own.
    await page.hover('#go');
    await settle(page);
    await page.mouse.down();
    await settle(page);
    await page.mouse.up();
    await settle(page);
    await leave(page);
    const [landing] = await views(site, 2);
    expect(landing?.fields).toMatchObject({
      inp_element: '#go',
      inp_script_invoker: 'BUTTON#go.onclick',
      inp_script_ms: expect.any(Number),
    });
  });
});

test.concurrent('a view that lasts and one route take three requests', async () => {
  const site = new Site().page('/', `${button('go', "go('/route')")}${app}`);
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await site.until(() => site.received.length === 1);
    await page.click('#go');
    await site.until(() => told(site)[0]?.final);
    await page.waitForTimeout(1000);
    await leave(page);
    const [landing, route] = await views(site, 2);
    expect(site.received).toHaveLength(3);
    expect([landing?.reports.length, route?.reports.length]).toEqual([2, 1]);
  });
});

test.concurrent('a route soon after load has no early report at once', async () => {
  const site = new Site().page('/', `${button('go', "go('/route')")}${app}`);
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await page.click('#go');
    await site.until(() => told(site)[0]?.final);
    await page.waitForTimeout(2500);
    await leave(page);
    const [, route] = await views(site, 2);
    expect(route?.events.flatMap((e) => e.page_view?.phase ?? [])).toEqual(['final']);
  });
});

test.concurrent('a route that is left at once takes one request, as does the end of the view before it', async () => {
  const site = new Site().page(
    '/',
    `${button('go', "go('/route'); setTimeout(() => { location.href = 'about:blank'; }, 50)")}${app}`,
  );
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await page.click('#go');
    const all = await views(site, 2);
    const phases = all.map((t) =>
      t.events.flatMap((e) => e.page_view?.phase ?? []).filter((phase) => phase === 'final'),
    );
    expect(phases).toEqual([['final'], ['final']]);
    // A slow click comes after the early report.
    expect(site.received).toHaveLength(site.pageViews.length);
    expect(site.received.length).toBeLessThanOrEqual(3);
  });
});

test.concurrent('a route that stays gives an early report, too', async () => {
  // The half minute that it waits is short here.
  const head = `<script>
    const wait = setTimeout;
    globalThis.setTimeout = (then, ms, ...args) => wait(then, ms === 30_000 ? 1500 : ms, ...args);
  </script>`;
  const site = new Site().page('/', `${button('go', "go('/route')")}${app}`, head + beacon);
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await page.click('#go');
    await site.until(() => site.received.some((r) => r.report.view?.url === site.url('/route')));
    await settle(page);
    await leave(page);
    const [, route] = await views(site, 2);
    expect(route?.events.flatMap((e) => e.page_view?.phase ?? [])).toEqual(['early', 'final']);
    const [early] = route?.events ?? [];
    expect(early?.page_view).toMatchObject({ phase: 'early', fcp_ms: expect.any(Number) });
    expect(early?.page_view).not.toHaveProperty('lcp_ms');
  });
});

test.concurrent('routes in quick succession are views each', async () => {
  const site = new Site().page('/0', `${button('go', "go('/' + (1 + Number(location.pathname.slice(1))))")}${app}`);
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/0'));
    for (let i = 0; i < 5; i++) {
      await page.click('#go');
    }
    await settle(page);
    await leave(page);
    const all = await views(site, 6);
    expect(all.map(pathOf)).toEqual(['/0', '/1', '/2', '/3', '/4', '/5']);
  });
});

test.concurrent('a new query soon after a route leaves what the route has painted', async () => {
  const site = new Site().page(
    '/',
    `${button('go', "go('/route')")}${button('filter', "busy(60); go('?filter')")}${app}`,
  );
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await settle(page);
    await page.click('#go');
    await page.evaluate(
      () =>
        new Promise((resolve) => new PerformanceObserver(resolve).observe({ type: 'soft-navigation', buffered: true })),
    );
    await settle(page, 100);
    await page.click('#filter');
    await settle(page);
    const [clicked, filtered] = (await clickedAt(page)) as [number, number];
    await leave(page);
    const [, route] = await views(site, 2);
    expect(route?.view.navigation_detection).toBe('native');
    expect(route?.fields.fcp_ms).toBeLessThan(filtered - clicked);
    expect(route?.fields.lcp_ms).toBeLessThan(filtered - clicked);
  });
});

test.concurrent('what a later click paints is none of a route, though the page was never idle', async () => {
  const site = new Site()
    .page(
      '/',
      `${button('go', "go('/route')")}${button('more', 'more.after(Object.assign(new Image(), { src: &quot;/large.svg&quot; }))')}${app}
      <script>
        // Work in every task, as of animations and polling, lets no idle moment come.
        globalThis.requestIdleCallback = (then) => setTimeout(then, 1000);
      </script>`,
    )
    .on('/large.svg', (_, response) => send(response, image(500), 'image/svg+xml'));
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/'));
    await page.click('#go');
    await settle(page, 1200);
    await page.click('#more');
    await settle(page, 1200);
    await leave(page);
    const [, route] = await views(site, 2);
    expect(route?.fields.lcp_element).toMatch(/^#main/);
    expect(route?.fields.lcp_ms).toBeLessThan(1200);
  });
});

test.concurrent('an image that comes late after going back is of the view that was gone back to', async () => {
  const site = new Site()
    .page(
      '/first',
      `${button('go', "go('/second')")}${app}<script>
      onpopstate = () => { show('first'); main.append(Object.assign(new Image(), { src: '/large.svg' })); };
    </script>`,
    )
    .on('/large.svg', (_, response) => void setTimeout(() => send(response, image(500), 'image/svg+xml'), 400));
  await visit(browser, site, async (page) => {
    await page.goto(site.url('/first'));
    await page.click('#go');
    await settle(page);
    await page.goBack();
    await page.waitForFunction(() => document.images[0]?.complete);
    await settle(page);
    await leave(page);
    const [, second, first] = await views(site, 3);
    expect(second?.fields).not.toHaveProperty('lcp_url');
    expect(first?.view.navigation_detection).toBe('native');
    expect(first?.fields.lcp_url).toBe(site.url('/large.svg'));
    expect(first?.fields.lcp_ms).toBeGreaterThanOrEqual(400);
  });
});

describe("a route's transaction", () => {
  const product: TransactionConfig = { name: 'View product', version: 'p1', page: '^/product/' };
  const pay: TransactionConfig = { name: 'Pay', version: 'y1', request: { method: 'POST', path: '^/api/pay$' } };
  const done = (site: Site, name = product.name) =>
    site.events.filter((e) => e.transaction_done && e.transaction?.name === name);
  /** Gets one after the other, when the route is there. */
  const get = (...paths: string[]) =>
    `go('/product/42'); ${paths.map((path) => `fetch('${path}')`).join('.then(() => ')}${')'.repeat(paths.length - 1)}`;

  for (const [name, definitions] of Object.entries({ '': [product], ' where requests are seen': [product, pay] })) {
    test.concurrent(`is completed with what it waited for${name}`, async () => {
      const site = new Site(definitions)
        .page('/', `${button('go', get('/one', '/two'))}${app}`)
        .on('/one', later(300))
        .on('/two', later(400));
      await visit(browser, site, async (page) => {
        await page.goto(site.url('/'));
        // The end of the page's own load would judge the route, too: see below.
        await site.until(() => site.received.length === 1);
        await page.click('#go');
        await page.waitForFunction(() => performance.getEntriesByType('resource').some((e) => /two/.test(e.name)));
        await settle(page, 1000);
        await leave(page);
        const [, route] = await views(site, 2);
        expect(done(site)).toHaveLength(1);
        expect(done(site)[0]).toMatchObject({
          at_ms: route?.startMs,
          transaction: { name: 'View product', version: 'p1' },
          transaction_done: { outcome: 'completed' },
        });
        const { duration_ms = 0, wait_ms = 0 } = done(site)[0]?.transaction_done ?? {};
        expect(duration_ms).toBeGreaterThanOrEqual(700);
        expect(duration_ms).toBeLessThan((route?.fields.duration_ms as number) - 500);
        expect(wait_ms).toBeGreaterThan(680);
        expect(new Set(route?.events.map((e) => e.transaction?.instance_id)).size).toBe(1);
      });
    });
  }

  test.concurrent('is not ended by what the view before it has still to get', async () => {
    const site = new Site([product, pay])
      .page('/', `<script>fetch('/old')</script>${button('go', get('/new'))}${app}`)
      .on('/old', later(3000))
      .on('/new', later(3000));
    await visit(browser, site, async (page) => {
      await page.goto(site.url('/'));
      await site.until(() => site.received.length === 1);
      await page.click('#go');
      await page.waitForFunction(() => performance.getEntriesByType('resource').some((e) => /new/.test(e.name)));
      await settle(page);
      await leave(page);
      await views(site, 2);
      expect(done(site).map((e) => e.transaction_done?.outcome)).toEqual(['completed']);
      expect(done(site)[0]?.transaction_done?.duration_ms).toBeGreaterThanOrEqual(3000);
    });
  });

  test.concurrent('is abandoned by who leaves while it gets what it is to show', async () => {
    const site = new Site([product, pay]).page('/', `${button('go', get('/never'))}${app}`).on('/never', () => {});
    await visit(browser, site, async (page) => {
      await page.goto(site.url('/'));
      await page.click('#go');
      await settle(page, 500);
      await leave(page);
      await views(site, 2);
      expect(done(site).map((e) => e.transaction_done?.outcome)).toEqual(['abandoned']);
      expect(done(site)[0]?.transaction_done?.wait_ms).toBeGreaterThanOrEqual(500);
    });
  });

  test.concurrent('leaves a request that goes on in the new view alone', async () => {
    const site = new Site([pay])
      .page('/', `${button('pay', "fetch('/api/pay', { method: 'POST' }); go('/thanks')")}${app}`)
      .on('/api/pay', later(400));
    await visit(browser, site, async (page) => {
      await page.goto(site.url('/'));
      await page.click('#pay');
      await page.waitForFunction(() => performance.getEntriesByType('resource').some((e) => /pay/.test(e.name)));
      await settle(page);
      await leave(page);
      await views(site, 2);
      expect(done(site, 'Pay').map((e) => e.transaction_done)).toMatchObject([{ outcome: 'completed' }]);
      expect(site.events.flatMap((e) => e.request?.failure ?? [])).toEqual([]);
    });
  });
});
