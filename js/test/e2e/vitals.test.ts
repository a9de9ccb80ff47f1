import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PageView } from '../../src/wire';
import { launchShell, launchWhole, Site, send } from './harness';

// The Web Vitals are held against those of the library of the people who define
// them, on the same page, in the same visit.
const library = readFileSync(
  new URL('../../node_modules/web-vitals/dist/web-vitals.attribution.iife.js', import.meta.url),
  'utf8',
);

/** What the library said last of one metric. */
interface Metric {
  name: string;
  value: number;
  navigation: string;
  parts: Partial<PageView>;
}

/** Runs in the page: keeps what the library says, and sends it when the page is hidden. */
function listen(): void {
  const said: Metric[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: a global of the library's script
  const { onFCP, onLCP, onCLS, onINP } = (globalThis as any).webVitals;
  // biome-ignore lint/suspicious/noExplicitAny: the metric of any of the four
  const keep = (parts: (a: any) => Partial<PageView>) => (m: any) =>
    said.push({ name: m.name, value: m.value, navigation: m.navigationType, parts: parts(m.attribution) });
  onFCP(keep(() => ({})));
  onLCP(
    keep((a) => ({
      lcp_element: a.target,
      lcp_url: a.url,
      lcp_resource_load_delay_ms: a.url && a.resourceLoadDelay,
      lcp_resource_load_duration_ms: a.url && a.resourceLoadDuration,
      lcp_element_render_delay_ms: a.elementRenderDelay,
    })),
  );
  onCLS(keep((a) => ({ cls_element: a.largestShiftTarget })));
  onINP(
    keep((a) => ({
      inp_element: a.interactionTarget || undefined,
      inp_input_delay_ms: a.inputDelay,
      inp_processing_duration_ms: a.processingDuration,
      inp_presentation_delay_ms: a.presentationDelay,
      inp_script_ms: a.longestScript?.intersectingDuration,
      inp_script_url: a.longestScript?.entry.sourceURL || undefined,
      inp_script_invoker: a.longestScript?.entry.invoker,
    })),
  );
  // The library listens on window, which comes before document.
  document.addEventListener('visibilitychange', () => navigator.sendBeacon('/library', JSON.stringify(said)), true);
}

const head = `<script src="/library.js"></script><script>(${listen})()</script><script src="/t.js"></script>`;

const image = (height: number) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="${height}"><!-- ${'x'.repeat(4000)} --><rect width="400" height="${height}"/></svg>`;

/** A site whose pages hold the library beside the beacon, and what the library said. */
class Compared extends Site {
  said: Metric[] = [];

  constructor(
    body: string,
    readonly first = head,
  ) {
    super();
    this.page('/', `<style>body { margin: 8px }</style>${body}`, first)
      .page('/other', '<h1>Other</h1>', '')
      .on('/library.js', (_, response) => send(response, library, 'text/javascript'))
      .on('/small.svg', (_, response) => send(response, image(100), 'image/svg+xml'))
      .on('/large.svg', (_, response) => send(response, image(500), 'image/svg+xml'))
      .on('/library', async (request, response) => {
        let text = '';
        for await (const chunk of request) {
          text += chunk;
        }
        this.said = JSON.parse(text) as Metric[];
        response.writeHead(204).end();
      });
  }

  /** Leaves the page, and compares the view of that navigation. */
  async same(page: Page, navigation = 'navigate'): Promise<Partial<PageView>> {
    this.said = [];
    const reports = () => this.received.filter((r) => r.report.view?.navigation === navigation);
    const final = () => reports().some((r) => r.report.events.some((e) => e.page_view?.phase === 'final'));
    await page.evaluate(() => {
      location.href = '/other';
    });
    await this.until(() => this.said.length > 0 && final());
    const events = reports().flatMap((r) => r.report.events);
    const ours: PageView = Object.assign({}, ...events.map((e) => e.page_view));
    const theirs = expected(this.said, navigation.replace(/_/g, '-'));
    for (const name of VITALS) {
      const [is, should] = [ours[name], theirs[name]];
      if (typeof should === 'number') {
        // The wire has tenths of a millisecond, and ten-thousandths of a shift. When a page
        // comes back from the cache each looks at the clock by itself.
        const apart = navigation === 'back_forward_cache' && name !== 'cls' ? 5 : 0.06;
        expect(Math.abs((is as number) - should), `${name}: ${is}, not ${should}`).toBeLessThanOrEqual(apart);
      } else {
        expect(is, name).toBe(should);
      }
    }
    return ours;
  }
}

const VITALS = [
  'fcp_ms',
  'lcp_ms',
  'lcp_element',
  'lcp_url',
  'lcp_resource_load_delay_ms',
  'lcp_resource_load_duration_ms',
  'lcp_element_render_delay_ms',
  'cls',
  'cls_element',
  'inp_ms',
  'inp_element',
  'inp_input_delay_ms',
  'inp_processing_duration_ms',
  'inp_presentation_delay_ms',
  'inp_script_ms',
  'inp_script_url',
  'inp_script_invoker',
] as const;

/** What the beacon should say, given what the library did. */
function expected(said: Metric[], navigation: string): Partial<PageView> {
  const fields: Partial<PageView> = {};
  const names: Record<string, 'fcp_ms' | 'lcp_ms' | 'cls' | 'inp_ms'> = {
    FCP: 'fcp_ms',
    LCP: 'lcp_ms',
    CLS: 'cls',
    INP: 'inp_ms',
  };
  for (const { name, value, parts } of said.filter((m) => m.navigation === navigation)) {
    Object.assign(fields, { [names[name] as string]: value }, parts);
  }
  return fields;
}

/** Waits for a while: the library takes in what it is told when the page is idle, or a second later. */
const settle = (page: Page) =>
  page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 1500))));

const busy = 'const busy = (ms) => { const t = performance.now(); while (performance.now() - t < ms); };';

interface Case {
  body: string;
  head?: string;
  act?: (page: Page) => Promise<unknown>;
  check?: (view: Partial<PageView>) => void;
}

const cases: Record<string, Case> = {
  text: { body: '<h1>Text</h1>', check: (v) => expect(v).toMatchObject({ lcp_element: 'html>body>h1', cls: 0 }) },
  'an image': { body: '<p>Text</p><img src="/large.svg">', check: (v) => expect(v.lcp_url).toMatch(/large/) },
  'an image that comes late': {
    body: '<h1>Text</h1><script>setTimeout(() => { document.body.append(Object.assign(new Image(), {src: "/large.svg"})) }, 300)</script>',
    act: (page) => page.waitForTimeout(600),
    check: (v) => expect(v.lcp_resource_load_delay_ms).toBeGreaterThan(250),
  },
  'an element that is removed': {
    body: '<h1 id="gone">The largest text</h1><p>x</p><script>setTimeout(() => gone.remove(), 300)</script>',
    act: (page) => page.waitForTimeout(400),
    check: (v) => expect(v.lcp_element).toBe('#gone'),
  },
  'long paths and many classes': {
    body: `${'<div class="layout-wrapper wide">'.repeat(6)}<form><input name="id"><h1 class="b a">Text</h1></form>`,
  },
  'a paint after a click': {
    body: '<button id="more">More</button><script>more.onclick = () => setTimeout(() => document.body.append(Object.assign(new Image(), {src: "/large.svg"})), 50)</script>',
    act: (page) => page.click('#more'),
    check: (v) => expect(v.lcp_element).toBe('#more'),
  },
  "a paint after a script's click": {
    body: '<button id="more">More</button><script>more.onclick = () => document.body.append(Object.assign(new Image(), {src: "/large.svg"})); setTimeout(() => more.click(), 200)</script>',
    act: (page) => page.waitForTimeout(400),
    check: (v) => expect(v.lcp_url).toMatch(/large/),
  },
  'shifts in bursts': {
    body: `<div id="top"></div><p id="moved">Text that moves</p><script>
      const grow = (px) => { document.querySelector('#top').style.height = px + 'px' };
      [[100, 20], [250, 60], [400, 80], [1800, 300], [1900, 320], [3200, 330]].forEach(([at, px]) => setTimeout(grow, at, px));
    </script>`,
    act: (page) => page.waitForTimeout(3400),
    check: (v) => expect(v).toMatchObject({ cls_element: '#moved', cls: expect.any(Number) }),
  },
  'a shift after input': {
    body: `<button id="grow">Grow</button><div id="top"></div><p>Text</p><script>
      grow.onclick = () => { document.querySelector('#top').style.height = '300px' };
    </script>`,
    act: (page) => page.click('#grow'),
    check: (v) => expect(v.cls).toBe(0),
  },
  'clicks and keys': {
    body: `<button id="a">A</button><button id="b">B</button><input id="c"><script>${busy}
      a.onclick = () => busy(60); b.onpointerdown = () => busy(50); b.onclick = () => busy(110); c.onkeydown = () => busy(90);
    </script>`,
    act: async (page) => {
      await page.click('#a');
      await settle(page);
      await page.click('#b');
      await settle(page);
      await page.type('#c', 'x');
    },
    check: (v) => expect(v).toMatchObject({ inp_element: '#b', inp_script_invoker: 'BUTTON#b.onclick' }),
  },
  'only a short click': { body: '<button id="a">A</button>', act: (page) => page.click('#a') },
  'an element that goes when it is clicked': {
    body: `<div><button id="a">A</button></div><script>${busy} a.onclick = () => { busy(80); a.remove() };</script>`,
    act: (page) => page.click('#a'),
  },
  'many interactions': {
    body: `<button id="a">A</button><button id="slow">S</button><button id="slower">S</button><script>${busy}
      slow.onclick = () => busy(100); slower.onclick = () => busy(200);
    </script>`,
    act: async (page) => {
      await page.click('#slower');
      await page.click('#slow');
      await page.evaluate('a.focus()');
      for (let i = 0; i < 52; i++) {
        await page.keyboard.press('x');
      }
    },
    check: (v) => expect(v.inp_element).toBe('#slow'),
  },
  'a page that is hidden from the start': {
    head: `<script>Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
      const known = performance.getEntriesByType; performance.getEntriesByType = (type) => type === 'visibility-state' ? [] : known.call(performance, type);
    </script>`,
    body: '<h1>Text</h1><button id="a">A</button>',
    act: (page) => page.click('#a'),
    check: (v) => expect(v).not.toHaveProperty('fcp_ms'),
  },
};

let shell: Browser;
beforeAll(async () => {
  shell = await launchShell();
});
afterAll(() => shell.close());

async function compare(browser: Browser, site: Compared, run: (page: Page) => Promise<unknown>): Promise<void> {
  await site.listen();
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(site.url('/'));
    await run(page);
  } finally {
    await context.close();
    site.close();
  }
}

describe('as the library says:', () => {
  for (const [name, { body, head: before = '', act, check }] of Object.entries(cases)) {
    test.concurrent(name, async () => {
      const site = new Compared(body, before + head);
      await compare(shell, site, async (page) => {
        await settle(page);
        await act?.(page);
        await settle(page);
        check?.(await site.same(page));
      });
    });
  }

  const steady = `<h1>Text</h1><button id="a">A</button><script>${busy} a.onclick = () => busy(50)</script>`;

  test.concurrent('a reload', async () => {
    const site = new Compared(steady);
    await compare(shell, site, async (page) => {
      await page.reload();
      await page.click('#a');
      await settle(page);
      await site.same(page, 'reload');
    });
  });

  test.concurrent('a tab that the browser had discarded', async () => {
    const discarded = "<script>Object.defineProperty(document, 'wasDiscarded', { value: true })</script>";
    const site = new Compared(steady, discarded + head);
    await compare(shell, site, async (page) => {
      await page.click('#a');
      await settle(page);
      await site.same(page, 'restore');
    });
  });

  test.concurrent('a return without the back/forward cache', async () => {
    const site = new Compared(steady);
    await compare(shell, site, async (page) => {
      await page.goto(site.url('/other'));
      await page.goBack();
      await page.click('#a');
      await settle(page);
      await site.same(page, 'back_forward');
    });
  });

  describe('a return from the back/forward cache', () => {
    let whole: Browser;
    beforeAll(async () => {
      whole = await launchWhole();
    });
    afterAll(() => whole.close());

    const shift = `<div id="top"></div><p>Text</p>${steady}<script>onpageshow = (e) => setTimeout(() => {
      document.querySelector('#top').style.height = e.persisted ? '200px' : '30px';
    }, 700)</script>`;
    for (const [name, act] of Object.entries({
      'and nothing more': () => Promise.resolve(),
      'and a slow click': (page: Page) => page.click('#a'),
      'and a short key': (page: Page) => page.keyboard.press('x'),
    })) {
      test(name, async () => {
        const site = new Compared(shift);
        await compare(whole, site, async (page) => {
          await page.waitForTimeout(1000);
          await page.goto(site.url('/other'));
          await page.evaluate(() => history.back());
          await site.until(() => site.received.some((r) => r.report.view?.navigation === 'back_forward_cache'));
          await act(page);
          await page.waitForTimeout(1000);
          const view = await site.same(page, 'back_forward_cache');
          expect(view.cls).toBeGreaterThan(0.01);
        });
      });
    }
  });
});
