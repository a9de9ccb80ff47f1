import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PageView } from '../../src/wire';
import { launchShell, send } from './harness';
import { Compared, head } from './library';
import { busy, leave, pathOf, settle, views, visit } from './visits';

let browser: Browser;
beforeAll(async () => {
  browser = await launchShell();
});
afterAll(() => browser.close());

/** The page of all cases: go(path, html) shows another route. */
const app = `<style>body { margin: 8px }</style><main id="main"><h1>Landing</h1></main><div id="top"></div><p id="moved">Text that moves</p>
<script>${busy}
  const go = (path, html) => { history.pushState({}, '', path); main.innerHTML = html; };
  const text = '<h1 class="b a">Route</h1><p>' + 'words '.repeat(80) + '</p>';
  const large = '<h1>Route</h1><img class="large" src="/large.svg">';
  const grow = (px) => { document.querySelector('#top').style.height = px + 'px'; };
</script>`;

interface Case {
  /** Buttons, each with its handler. */
  buttons: Record<string, string>;
  act: (page: Page) => Promise<unknown>;
  /** The routes, and what holds for the fields of the last. */
  paths: string[];
  check: (fields: Partial<PageView>) => void;
}

const click = async (page: Page, ...ids: string[]) => {
  for (const id of ids) {
    await page.click(`#${id}`);
    await settle(page);
  }
};

const loaded = (page: Page) => page.waitForFunction(() => document.images[0]?.complete);

const cases: Record<string, Case> = {
  text: {
    buttons: { go: "go('/route', text)" },
    act: (page) => click(page, 'go'),
    paths: ['/route'],
    check: (f) => expect(f).toMatchObject({ lcp_element: '#main>p', fcp_ms: expect.any(Number), cls: 0 }),
  },
  'an image': {
    buttons: { go: "go('/route', large)" },
    act: async (page) => {
      await click(page, 'go');
      await loaded(page);
    },
    paths: ['/route'],
    check: (f) => {
      expect(f).toMatchObject({ lcp_element: '#main>img.large', lcp_url: expect.stringMatching(/large/) });
      expect(f.lcp_resource_load_duration_ms).toBeGreaterThanOrEqual(190);
      expect(f.lcp_ms).toBeGreaterThan(f.fcp_ms as number);
    },
  },
  'an image that is asked for late': {
    buttons: { go: "go('/route', '<h1>Route</h1>'); setTimeout(() => { main.innerHTML = large; }, 300)" },
    act: async (page) => {
      await click(page, 'go');
      await loaded(page);
    },
    paths: ['/route'],
    check: (f) => expect(f.lcp_resource_load_delay_ms).toBeGreaterThanOrEqual(290),
  },
  'a route that waits for data, and shows so': {
    buttons: {
      go: "main.innerHTML = '<p>Wait</p>'; fetch('/data').then((r) => r.text()).then(() => go('/route', text))",
    },
    act: async (page) => {
      await click(page, 'go');
      await page.waitForFunction(() => location.pathname === '/route');
    },
    paths: ['/route'],
    check: (f) => {
      expect(f.lcp_element).toBe('#main>p');
      expect(f.lcp_ms).toBeGreaterThanOrEqual(290);
    },
  },
  'a slow click that brings the route about': {
    buttons: { go: "busy(100); go('/route', text)" },
    act: (page) => click(page, 'go'),
    paths: ['/route'],
    check: (f) => {
      expect(f.fcp_ms).toBeGreaterThanOrEqual(100);
      expect(f).not.toHaveProperty('inp_element');
    },
  },
  'shifts and a slow click in it': {
    buttons: { go: "go('/route', text); setTimeout(grow, 900, 200); setTimeout(grow, 1100, 260)", slow: 'busy(80)' },
    act: async (page) => {
      await click(page, 'go');
      await page.waitForFunction(() => document.querySelector('#top')?.clientHeight === 260);
      await settle(page);
      await click(page, 'slow');
    },
    paths: ['/route'],
    check: (f) => {
      expect(f).toMatchObject({ cls_element: '#moved', inp_element: '#slow' });
      expect(f.cls).toBeGreaterThan(0.01);
    },
  },
  'only a short click in it': {
    buttons: { go: "go('/route', text)", short: '' },
    act: (page) => click(page, 'go', 'short'),
    paths: ['/route'],
    check: (f) => expect(f.inp_ms).toBeGreaterThanOrEqual(8),
  },
  // Later than any idle moment comes: routes.test.ts has what is painted sooner.
  'a paint after a click in it': {
    buttons: { go: "go('/route', text)", more: "setTimeout(() => main.insertAdjacentHTML('beforeend', large), 1200)" },
    act: async (page) => {
      await click(page, 'go', 'more');
      await loaded(page);
    },
    paths: ['/route'],
    check: (f) => expect(f.lcp_element).toBe('#main>p'),
  },
  'one route after the other': {
    buttons: { one: "busy(50); go('/one', large)", two: "busy(90); go('/two', text)", slow: 'busy(60)' },
    act: async (page) => {
      await click(page, 'one');
      await loaded(page);
      await click(page, 'two', 'slow');
    },
    paths: ['/one', '/two'],
    check: (f) => expect(f).toMatchObject({ lcp_element: '#main>p', inp_element: '#slow' }),
  },
};

describe('of routes, as the library says:', () => {
  for (const [name, { buttons, act, paths, check }] of Object.entries(cases)) {
    test.concurrent(name, async () => {
      const row = Object.entries(buttons)
        .map(([id, handler]) => `<button id="${id}" onclick="${handler}">${id}</button>`)
        .join('');
      const site = new Compared()
        .page('/', row + app, head)
        .on('/data', (_, response) => void setTimeout(() => send(response, 'x'), 300)) as Compared;
      await visit(browser, site, async (page) => {
        await page.goto(site.url('/'));
        await site.until(() => site.received.length > 0);
        await act(page);
        await settle(page);
        await leave(page);
        const all = await views(site, 1 + paths.length);
        await site.until(() => site.said.length > 0);
        expect(all.map(pathOf)).toEqual(['/', ...paths]);
        for (const view of all) {
          const { navigation, navigation_detection } = view.view;
          const compared = site.expectSame(
            view.fields,
            navigation === 'soft' ? 'soft-navigation' : navigation,
            pathOf(view),
          );
          expect(compared).toEqual(expect.arrayContaining(['fcp_ms', 'lcp_ms', 'cls']));
          expect(navigation_detection).toBe(navigation === 'soft' ? 'native' : undefined);
        }
        check(all.at(-1)?.fields ?? {});
      });
    });
  }
});
